"""agentworks: models of entities that several areas and the sockets show."""

from typing import TYPE_CHECKING

from shared.core.actor import Actor, Role
from shared.core.money import usd
from shared.edge.contracts.agentworks import PLAN_NAMES
from shared.edge.contracts.base import Shape
from shared.money.usage.month_summary import MonthUsage
from shared.people.identity.profiles import merge
from shared.people.identity.users import DEFAULT_PREFERENCES, User
from shared.people.tenancy.rows import Workspace

if TYPE_CHECKING:
    from shared.agents.catalogue import Agent
    from shared.money.billing.accounts import BillingStatus
    from shared.work.projects.agent_configs import AgentConfig as AgentConfigRow


class NotificationPreferences(Shape):
    email: bool
    browser: bool
    agentCompleted: bool
    usageAlerts: bool


class EditorPreferences(Shape):
    fontSize: int
    tabSize: int
    wordWrap: bool


class UserPreferences(Shape):
    theme: str
    timezone: str
    notifications: NotificationPreferences
    editor: EditorPreferences


class UserProfile(Shape):
    id: str
    email: str
    name: str
    avatarUrl: str | None = None
    emailVerified: bool
    preferences: UserPreferences
    createdAt: str
    lastLoginAt: str


def user_profile(user: User) -> UserProfile:
    return UserProfile(
        id=user.id,
        email=user.email,
        name=user.name,
        avatarUrl=user.avatar_url,
        emailVerified=user.email_verified,
        preferences=UserPreferences.model_validate(merge(DEFAULT_PREFERENCES, user.preferences)),
        createdAt=user.created_at,
        lastLoginAt=user.last_login_at or user.created_at,
    )


class WorkspaceSummary(Shape):
    id: str
    name: str
    slug: str
    description: str | None = None
    role: Role
    memberCount: int
    projectCount: int
    createdAt: str
    lastActivity: str


def workspace_summary(workspace: Workspace, role: Role) -> WorkspaceSummary:
    return WorkspaceSummary(
        id=workspace.id,
        name=workspace.name,
        slug=workspace.slug,
        description=workspace.description,
        role=role,
        memberCount=int(workspace.member_count),
        projectCount=int(workspace.project_count),
        createdAt=workspace.created_at,
        lastActivity=workspace.last_activity or workspace.updated_at,
    )


def workspace_summaries(actor: Actor, workspaces: list[Workspace]) -> list[WorkspaceSummary]:
    return [workspace_summary(workspace, actor.workspaces[workspace.id]) for workspace in workspaces]


class BillingSummary(Shape):
    status: str
    plan: str
    nextBillingDate: str


def billing_summary(standing: "BillingStatus") -> BillingSummary:
    return BillingSummary(status=standing.status, plan=PLAN_NAMES[standing.plan], nextBillingDate=standing.next_date)


class UsagePeriod(Shape):
    start: str
    end: str


class CurrentUsageSummary(Shape):
    """`limitReachedOn` is an addition: the day on which the limit was reached, or will be at this month's pace."""

    period: UsagePeriod
    calls: int
    estimatedCost: float
    usageLimit: float
    percentageUsed: float
    projectedMonthlyUsage: float
    limitReachedOn: str | None = None


def current_usage(usage: MonthUsage) -> CurrentUsageSummary:
    return CurrentUsageSummary(
        period=UsagePeriod(start=usage.start.isoformat(), end=usage.end.isoformat()),
        calls=usage.calls,
        estimatedCost=usd(usage.price_micros),
        usageLimit=usd(usage.limit_micros),
        percentageUsed=usage.percent,
        projectedMonthlyUsage=usd(usage.projected_micros),
        limitReachedOn=usage.limit_reached_on.isoformat() if usage.limit_reached_on else None,
    )


class AgentSummary(Shape):
    id: str
    name: str
    displayName: str
    status: str


def agent_summary(agent: "Agent") -> AgentSummary:
    return AgentSummary(id=agent.id, name=agent.name, displayName=agent.display_name, status=agent.status)


class AgentConfig(Shape):
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


def agent_config(agent: "Agent", config: "AgentConfigRow") -> AgentConfig:
    return AgentConfig(
        id=config.id,
        projectId=str(config.proj_id),
        agentId=agent.id,
        agent=agent_summary(agent),
        provider=config.provider,
        model=config.model,
        temperature=config.temperature,
        maxTokens=int(config.max_tokens) if config.max_tokens is not None else None,
        systemPromptAdditions=config.system_prompt_additions,
        contextInstructions=config.context_instructions,
        enabled=config.enabled is not False,
        autoTrigger=config.auto_trigger is not False,
        createdAt=config.created_at,
        updatedAt=config.updated_at,
    )
