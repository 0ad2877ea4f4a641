"""agentworks, section 4.1: projects."""

from typing import Annotated, Any, Literal

from pydantic import Field

from shared.core.actor import Permission
from shared.core.situations import Situation
from shared.edge.contracts.agentworks import (
    AGENTWORKS,
    DEFAULT_LIMIT,
    AgentName,
    Limit,
    PaginationMeta,
    Search,
    UserSummary,
    WipLimit,
    pagination,
    user_summary,
)
from shared.edge.contracts.base import Shape, StrictRequest
from shared.edge.contracts.fields import Description, Name, Offset, Slug, WebAddress
from shared.edge.http.call import Caller
from shared.edge.http.routing import Routes
from shared.edge.views.agentworks.entities import AgentConfig, agent_config
from shared.work.projects import agent_configs, reading, updating
from shared.work.projects.creating import NewProject, create_project
from shared.work.projects.reading import ProjectQuery, ProjectSnapshot
from shared.work.projects.rows import Project

routes = Routes(AGENTWORKS, "projects")

LaneNumber = Annotated[int, Field(ge=0, le=10)]
LaneKey = Annotated[LaneNumber, Field(strict=False)]
"""The number of a lane as the key of an object, which JSON has only as text."""
Status = Literal["active", "archived"]
_SORTS = {"name": "name", "createdAt": "created_at", "updatedAt": "updated_at", "lastActivity": "last_activity"}


class LaneConfiguration(StrictRequest):
    """Not defined by the document: a project's settings for one of the eleven lanes of its new board."""

    laneNumber: LaneNumber
    name: Name | None = None
    wipLimit: WipLimit | None = None
    autoTriggerAgent: AgentName | None = None


class ShownLane(Shape):
    """A stored configuration of a lane: it may be older than the rules for a new one."""

    laneNumber: int
    name: str | None = None
    wipLimit: int | None = None
    autoTriggerAgent: str | None = None


class ProjectSettings(Shape):
    autoTriggerAgents: bool
    requireApprovalForDeployment: bool
    maxConcurrentRuns: int
    defaultWipLimits: dict[int, int]
    customLaneConfig: list[ShownLane] | None = None


class SettingsChanges(StrictRequest):
    autoTriggerAgents: bool | None = None
    requireApprovalForDeployment: bool | None = None
    maxConcurrentRuns: Annotated[int, Field(ge=1, le=100)] | None = None
    defaultWipLimits: dict[LaneKey, WipLimit] | None = None
    customLaneConfig: Annotated[list[LaneConfiguration], Field(max_length=11)] | None = None

    def to_row(self) -> dict[str, Any]:
        """Return the set fields as the row stores them: as JSON, so that all keys are strings."""
        return self.model_dump(mode="json", exclude_none=True)


class ProjectSummary(Shape):
    id: str
    name: str
    slug: str
    description: str | None = None
    status: Status
    cardCount: int
    activeRunCount: int
    lastActivity: str
    createdAt: str
    createdBy: UserSummary


class ListProjectsResponse(Shape):
    projects: list[ProjectSummary]
    total: int
    pagination: PaginationMeta


class ProjectDetails(Shape):
    id: str
    workspaceId: str
    name: str
    slug: str
    description: str | None = None
    status: Status
    settings: ProjectSettings
    agentConfigs: dict[str, AgentConfig]
    repositoryUrl: str | None = None
    deploymentUrl: str | None = None
    documentationUrl: str | None = None
    createdAt: str
    updatedAt: str
    createdBy: UserSummary


class CreateProjectRequest(StrictRequest):
    name: Name
    slug: Slug
    description: Description | None = None
    settings: SettingsChanges | None = None
    repositoryUrl: WebAddress | None = None
    documentationUrl: WebAddress | None = None


class UpdateProjectRequest(StrictRequest):
    name: Name | None = None
    description: Description | None = None
    settings: SettingsChanges | None = None
    repositoryUrl: WebAddress | None = None
    deploymentUrl: WebAddress | None = None
    documentationUrl: WebAddress | None = None


class ArchivedProject(Shape):
    """Not defined by the document."""

    id: str
    status: str


_COLUMNS = {
    "description": "description",
    "repositoryUrl": "repository_url",
    "deploymentUrl": "deployment_url",
    "documentationUrl": "documentation_url",
}


def _summary(snapshot: ProjectSnapshot) -> ProjectSummary:
    project = snapshot.project
    return ProjectSummary(
        id=project.id,
        name=project.name,
        slug=project.slug,
        description=project.description,
        status=project.status,
        cardCount=snapshot.cards,
        activeRunCount=snapshot.active_runs,
        lastActivity=snapshot.last_activity,
        createdAt=project.created_at,
        createdBy=user_summary(project.created_by),
    )


def _details(project: Project, configured: agent_configs.Configs) -> ProjectDetails:
    return ProjectDetails(
        id=project.id,
        workspaceId=str(project.ws_id),
        name=project.name,
        slug=project.slug,
        description=project.description,
        status=project.status,
        settings=ProjectSettings.model_validate(project.settings),
        agentConfigs={agent.name: agent_config(agent, config) for agent, config in configured},
        repositoryUrl=project.repository_url,
        deploymentUrl=project.deployment_url,
        documentationUrl=project.documentation_url,
        createdAt=project.created_at,
        updatedAt=project.updated_at,
        createdBy=user_summary(project.created_by),
    )


@routes.get("/workspaces/{workspaceId}/projects", "projects.list", permission=Permission.PROJECT_READ)
async def list_projects(
    workspaceId: str,
    caller: Caller,
    status: Status | None = None,
    search: Search | None = None,
    limit: Limit = DEFAULT_LIMIT,
    offset: Offset = 0,
    sortBy: Literal["name", "createdAt", "updatedAt", "lastActivity"] = "createdAt",
    sortOrder: Literal["asc", "desc"] | None = None,
) -> ListProjectsResponse:
    """List the projects of a workspace. The default `sortOrder` is asc for names and desc (newest first) for times."""
    descending = sortOrder == "desc" if sortOrder else sortBy != "name"
    query = ProjectQuery(status, search, _SORTS[sortBy], descending, limit, offset)
    projects, total = reading.list_workspace_projects(caller, workspaceId, query)
    return ListProjectsResponse(
        projects=[_summary(project) for project in projects], total=total, pagination=pagination(limit, offset, total)
    )


@routes.get("/projects/{id}", "projects.get", permission=Permission.PROJECT_READ)
async def get(id: str, caller: Caller) -> ProjectDetails:
    """Get a project with its settings and its configuration of each agent."""
    return _details(*agent_configs.get_project_with_configs(caller, id))


@routes.post(
    "/workspaces/{workspaceId}/projects",
    "projects.create",
    status=201,
    permission=Permission.PROJECT_CREATE,
    errors=(Situation.SLUG_TAKEN,),
)
async def create(workspaceId: str, body: CreateProjectRequest, caller: Caller) -> ProjectDetails:
    """Create a project with a board of eleven lanes."""
    new = NewProject(
        body.name,
        body.slug,
        body.description,
        body.settings.to_row() if body.settings else {},
        body.repositoryUrl or None,
        body.documentationUrl or None,
    )
    project = create_project(caller, workspaceId, new)
    return _details(project, agent_configs.default_configs(project))


@routes.put("/projects/{id}", "projects.update", permission=Permission.PROJECT_WRITE)
async def update(id: str, body: UpdateProjectRequest, caller: Caller) -> ProjectDetails:
    """Change the given fields; null or an empty text clears one; settings are merged key by key."""
    sent = body.model_dump(include=set(_COLUMNS), exclude_unset=True)
    changes = {_COLUMNS[field]: value or None for field, value in sent.items()}
    if body.name is not None:
        changes["name"] = body.name
    configs = agent_configs.begin_configs(id)
    project = updating.update_project(caller, id, changes, body.settings.to_row() if body.settings else None)
    return _details(project, configs(project))


@routes.post("/projects/{id}/archive", "projects.archive", status=202, permission=Permission.PROJECT_ARCHIVE)
async def archive(id: str, caller: Caller) -> ArchivedProject:
    """Archive a project: it becomes read-only and does not count towards the workspace's limit."""
    project = updating.archive_project(caller, id)
    return ArchivedProject(id=project.id, status=project.status)


@routes.post("/projects/{id}/restore", "projects.restore", permission=Permission.PROJECT_ARCHIVE)
async def restore(id: str, caller: Caller) -> ProjectDetails:
    """Restore an archived project: it becomes writable again."""
    configs = agent_configs.begin_configs(id)
    project = updating.restore_project(caller, id)
    return _details(project, configs(project))
