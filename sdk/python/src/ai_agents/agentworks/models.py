# Made from the API's OpenAPI document by `make sdk`: do not change it here.
# sha256:e020d7852aa5bb9751f0c360134d4a4f7ed6c82885c70fcaa22ab7ac6d684aad

from __future__ import annotations

from typing import Any, Literal

from pydantic import RootModel

from ai_agents._model import Model


class Agent(Model):
    id: str
    name: str
    displayName: str
    description: str
    allowedLanes: list[int]
    capabilities: list[str]
    defaultProvider: str
    defaultModel: str
    defaultTemperature: float
    defaultMaxTokens: int
    status: str
    version: str
    createdAt: str
    updatedAt: str


class AgentSummary(Model):
    id: str
    name: str
    displayName: str
    status: str


class AgentUsageStats(Model):
    """Over the caller's workspaces. `averageResponseTime` in seconds, `totalCost` in USD as the customer pays it."""

    totalRuns: int
    successfulRuns: int
    averageResponseTime: float
    totalCost: float
    lastUsed: str | None = None


class AutoProgressCondition(Model):
    """
    Not defined by the document. `type`: children_done, dependencies_done, agent_run_completed (`value`: the agent's name, if only
    its runs count; a run that only asked does not), or field (`field` is compared with `value` by `operator`: equals,
    not_equals, contains, greater_than, less_than, is_set, is_not_set). All conditions with the same target (`toLaneId`, else the
    following lane) must be true.
    """

    type: str
    field: str | None = None
    operator: str | None = None
    value: str | float | bool | None = None
    toLaneId: str | None = None


class BillingSummary(Model):
    status: str
    plan: str
    nextBillingDate: str


class BoardSummary(Model):
    id: str
    name: str
    cardCount: int
    lastActivity: str


class CustomField(Model):
    """A stored definition: it may be older than the rules for a new one."""

    key: str
    name: str
    type: str
    required: bool = False
    options: list[str] | None = None


class EditorPreferences(Model):
    fontSize: int
    tabSize: int
    wordWrap: bool


class ExternalLink(Model):
    id: str
    title: str
    url: str
    type: str


class LaneSettings(Model):
    color: str
    position: float
    allowedCardTypes: list[str]
    requiredFields: list[str]
    autoProgressConditions: list[AutoProgressCondition] | None = None


class ListAgentsResponse(Model):
    agents: list[Agent]


class ListBoardsResponse(Model):
    boards: list[BoardSummary]


class NotificationPreferences(Model):
    email: bool
    browser: bool
    agentCompleted: bool
    usageAlerts: bool


class PaginationMeta(Model):
    """
    Not defined by the document; `nextCursor` continues lists that are ordered by time, at any depth. A page that would be longer than
    6 MB ends early: `limit` is then how many entries it has, and the next page begins at `offset` + `limit`.
    """

    limit: int
    offset: int
    total: int
    hasMore: bool
    nextCursor: str | None = None


class Role(RootModel[Literal["owner", "admin", "member", "viewer"] | str]):
    root: Literal["owner", "admin", "member", "viewer"] | str


class ShownLane(Model):
    """A stored configuration of a lane: it may be older than the rules for a new one."""

    laneNumber: int
    name: str | None = None
    wipLimit: int | None = None
    autoTriggerAgent: str | None = None


class ShownTemplate(Model):
    """A stored template: it may be older than the rules for a new one."""

    provider: str | None = None
    model: str | None = None
    temperature: float | None = None
    maxTokens: int | None = None
    systemPromptAdditions: str | None = None
    enabled: bool | None = None
    autoTrigger: bool | None = None


class TagInfo(Model):
    key: str
    value: str
    color: str | None = None


class ToolConfiguration(Model):
    """Not defined by the document."""

    name: str
    type: str
    enabled: bool
    config: dict[str, Any]


class UsagePeriod(Model):
    start: str
    end: str


class UserPreferences(Model):
    theme: str
    timezone: str
    notifications: NotificationPreferences
    editor: EditorPreferences


class UserProfile(Model):
    id: str
    email: str
    name: str
    avatarUrl: str | None = None
    emailVerified: bool
    preferences: UserPreferences
    createdAt: str
    lastLoginAt: str


class UserSummary(Model):
    """A person, or the agent or the platform that acted."""

    id: str
    name: str
    email: str
    avatarUrl: str | None = None


class WorkspaceSettings(Model):
    maxProjects: int
    maxMembers: int
    maxMonthlyUsage: float
    unpricedModels: list[str] | None = None
    maxUnpricedTokens: int | None = None
    allowedProviders: list[str]
    requireApprovalForAgentRuns: bool
    defaultAgentConfigs: dict[str, ShownTemplate]


class WorkspaceSummary(Model):
    id: str
    name: str
    slug: str
    description: str | None = None
    role: Role
    memberCount: int
    projectCount: int
    createdAt: str
    lastActivity: str


class AgentConfig(Model):
    """The project's choices; a missing one is taken from the workspace's default, then from the agent."""

    id: str
    projectId: str
    agentId: str
    agent: AgentSummary
    provider: str | None = None
    model: str | None = None
    temperature: float | None = None
    maxTokens: int | None = None
    systemPromptAdditions: str | None = None
    contextInstructions: str | None = None
    enabled: bool
    autoTrigger: bool
    createdAt: str
    updatedAt: str


class AgentDetails(Model):
    id: str
    name: str
    displayName: str
    description: str
    allowedLanes: list[int]
    capabilities: list[str]
    defaultProvider: str
    defaultModel: str
    defaultTemperature: float
    defaultMaxTokens: int
    status: str
    version: str
    createdAt: str
    updatedAt: str
    systemPrompt: str
    promptTemplate: str | None = None
    toolsConfig: list[ToolConfiguration]
    usageStats: AgentUsageStats


class AgentRunDetails(Model):
    id: str
    cardId: str
    agentId: str
    agent: AgentSummary
    status: str
    progress: int
    provider: str
    model: str
    temperature: float | None = None
    maxTokens: int | None = None
    inputTokens: int
    outputTokens: int
    totalTokens: int
    providerCost: float | None = None
    customerPrice: float
    duration: float | None = None
    resultSummary: str | None = None
    resultData: dict[str, Any] | None = None
    errorMessage: str | None = None
    errorCode: str | None = None
    inputContext: Any
    executionMetadata: dict[str, Any]
    createdAt: str
    startedAt: str | None = None
    completedAt: str | None = None
    triggeredBy: UserSummary | None = None


class AgentRunSummary(Model):
    """`duration` is in seconds, `cost` in USD as the customer pays it."""

    id: str
    cardId: str
    agentId: str
    agent: AgentSummary
    status: str
    provider: str
    model: str
    progress: int
    duration: float | None = None
    cost: float | None = None
    tokensUsed: int | None = None
    createdAt: str
    startedAt: str | None = None
    completedAt: str | None = None
    triggeredBy: UserSummary | None = None


class Attachment(Model):
    """`url` is a path below the API's address; it returns a temporary address of the file."""

    id: str
    filename: str
    contentType: str
    size: int
    url: str
    uploadedBy: UserSummary
    uploadedAt: str


class BoardSettings(Model):
    showWipLimits: bool
    enableCardDependencies: bool
    autoArchiveCompleted: bool
    customFields: list[CustomField]


class CardActivity(Model):
    """`fieldChanged` names the main changed field; if there are several, `metadata.changes` has all of them."""

    id: str
    type: str
    actor: UserSummary | AgentSummary
    description: str
    fieldChanged: str | None = None
    oldValue: Any | None = None
    newValue: Any | None = None
    metadata: dict[str, Any]
    createdAt: str


class CardComment(Model):
    id: str
    content: str
    contentType: str
    author: UserSummary
    parentCommentId: str | None = None
    replies: list[CardComment] | None = None
    createdAt: str
    updatedAt: str
    deletedAt: str | None = None


class CardSummary(Model):
    """Not defined by the document. `assignee` is left out in lists of children."""

    id: str
    boardId: str
    laneId: str
    title: str
    type: str
    status: str
    priority: str
    position: int | float
    assignee: UserSummary | None = None


class CurrentUsageSummary(Model):
    """`limitReachedOn` is an addition: the day on which the limit was reached, or will be at this month's pace."""

    period: UsagePeriod
    calls: int
    estimatedCost: float
    usageLimit: float
    percentageUsed: float
    projectedMonthlyUsage: float
    limitReachedOn: str | None = None


class Lane(Model):
    id: str
    laneNumber: int
    name: str
    description: str | None = None
    wipLimit: int | None = None
    autoTriggerAgent: str | None = None
    exitCriteria: str | None = None
    cardCount: int
    settings: LaneSettings


class ListAgentRunsResponse(Model):
    runs: list[AgentRunSummary]
    total: int
    pagination: PaginationMeta


class ListWorkspacesResponse(Model):
    workspaces: list[WorkspaceSummary]
    total: int


class ProjectSettings(Model):
    autoTriggerAgents: bool
    requireApprovalForDeployment: bool
    maxConcurrentRuns: int
    defaultWipLimits: dict[str, int]
    customLaneConfig: list[ShownLane] | None = None


class ProjectSummary(Model):
    id: str
    name: str
    slug: str
    description: str | None = None
    status: Literal["active", "archived"] | str
    cardCount: int
    activeRunCount: int
    lastActivity: str
    createdAt: str
    createdBy: UserSummary


class TriggerAgentRunResponse(Model):
    """
    `estimatedCost` in USD (0 if the model has no known price; `executionMetadata.priceKnown` is then false), `estimatedDuration` in
    seconds.
    """

    run: AgentRunSummary
    estimatedCost: float
    estimatedDuration: int


class WorkspaceDetails(Model):
    id: str
    name: str
    slug: str
    description: str | None = None
    owner: UserSummary
    settings: WorkspaceSettings
    billing: BillingSummary
    usage: CurrentUsageSummary
    createdAt: str
    updatedAt: str


class BoardDetails(Model):
    id: str
    projectId: str
    name: str
    description: str | None = None
    lanes: list[Lane]
    settings: BoardSettings
    createdAt: str
    updatedAt: str


class CardDependency(Model):
    id: str
    dependentCardId: str
    dependencyCardId: str
    type: str
    dependentCard: CardSummary
    dependencyCard: CardSummary
    createdBy: UserSummary
    createdAt: str


class CardDetails(Model):
    id: str
    boardId: str
    laneId: str
    parentId: str | None = None
    title: str
    description: str | None = None
    type: str
    status: str
    priority: str
    assignee: UserSummary | None = None
    reporter: UserSummary | None = None
    position: int | float
    labels: list[str]
    tags: list[TagInfo]
    estimatedHours: int | float | None = None
    loggedHours: int | float
    dueDate: str | None = None
    externalLinks: list[ExternalLink]
    attachments: list[Attachment]
    customFields: dict[str, Any]
    children: list[CardSummary] | None = None
    dependencies: list[CardDependency] | None = None
    agentRuns: list[AgentRunSummary]
    createdAt: str
    updatedAt: str
    completedAt: str | None = None
    createdBy: UserSummary
    comments: list[CardComment]
    activities: list[CardActivity]


class ListProjectsResponse(Model):
    projects: list[ProjectSummary]
    total: int
    pagination: PaginationMeta


class ProjectDetails(Model):
    id: str
    workspaceId: str
    name: str
    slug: str
    description: str | None = None
    status: Literal["active", "archived"] | str
    settings: ProjectSettings
    agentConfigs: dict[str, AgentConfig]
    repositoryUrl: str | None = None
    deploymentUrl: str | None = None
    documentationUrl: str | None = None
    createdAt: str
    updatedAt: str
    createdBy: UserSummary


class Card(Model):
    id: str
    boardId: str
    laneId: str
    parentId: str | None = None
    title: str
    description: str | None = None
    type: str
    status: str
    priority: str
    assignee: UserSummary | None = None
    reporter: UserSummary | None = None
    position: int | float
    labels: list[str]
    tags: list[TagInfo]
    estimatedHours: int | float | None = None
    loggedHours: int | float
    dueDate: str | None = None
    externalLinks: list[ExternalLink]
    attachments: list[Attachment]
    customFields: dict[str, Any]
    children: list[CardSummary] | None = None
    dependencies: list[CardDependency] | None = None
    agentRuns: list[AgentRunSummary]
    createdAt: str
    updatedAt: str
    completedAt: str | None = None
    createdBy: UserSummary


class ListCardsResponse(Model):
    cards: list[Card]
    total: int
    pagination: PaginationMeta


CardComment.model_rebuild()
