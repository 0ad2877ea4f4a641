"""omoios, section 8: projects."""

from typing import Annotated

from fastapi import Query
from pydantic import Field

from shared.core.actor import Actor, Permission
from shared.core.ids import bare_id
from shared.core.money import usd
from shared.core.situations import Situation
from shared.edge.contracts.base import Request, Shape
from shared.edge.contracts.fields import Description, Name, Offset, Title
from shared.edge.contracts.omoios import OMOIOS, Phase, Priority, RepositoryName
from shared.edge.http.call import Caller, ThisCall
from shared.edge.http.routing import Routes
from shared.edge.views.omoios.agents import Agent, AgentPhase, AgentType, Capacity, Words, agent_fields
from shared.edge.views.omoios.tickets import Ticket, ticket
from shared.money.usage.reading import project_agent_sums
from shared.planning.tickets.creating import FIRST_PHASE, NewTicket, add_ticket
from shared.runs.live_agents.reading import see
from shared.runs.live_agents.registering import NewAgent, register_agent
from shared.runs.live_agents.rows import PLATFORM
from shared.source.repositories.rows import NOT_CONNECTED, Repository, repository_id_of
from shared.store import fetch, read_ahead
from shared.work.projects.creating import NewProject, create_project, default_workspace_id
from shared.work.projects.reading import ProjectSnapshot, get_project, list_visible_projects
from shared.work.projects.rows import Project as ProjectRow
from shared.work.projects.rows import named_repository
from shared.work.projects.updating import update_project

routes = Routes(OMOIOS, "projects")


class Project(Shape):
    id: str
    name: str
    description: str | None
    github_owner: str | None
    github_repo: str | None
    default_phase_id: str
    status: str
    created_at: str


class GithubConnection(Shape):
    owner: str
    repo: str
    webhook_status: str


class ProjectStats(Shape):
    tickets: int
    done: int
    agents: int
    """The agents that have worked in the project."""
    cost: float | None
    """In USD, as the customer pays it; null for a caller who may not see costs."""


class ChangedProject(Project):
    """`validation_enabled`: each task is completed only by a review that passes."""

    validation_enabled: bool


class ProjectDetails(ChangedProject):
    github_connection: GithubConnection | None
    stats: ProjectStats


class CreateProject(Request):
    name: Name
    description: Description | None = None
    github_owner: RepositoryName | None = None
    github_repo: RepositoryName | None = None
    default_phase_id: Phase | None = None


class UpdateProject(Request):
    validation_enabled: bool


class SpawnAgent(Request):
    agent_type: AgentType
    phase_id: AgentPhase | None = None
    capabilities: Words = []
    capacity: Capacity = 1


class SpawnedAgent(Agent):
    id: str


class CreateTicket(Request):
    title: Title
    description: Annotated[str, Field(max_length=100_000)] | None = None
    priority: Priority = "MEDIUM"
    phase_id: Phase | None = None


def _fields(project: ProjectRow) -> dict[str, str | None]:
    return {
        "id": project.id,
        "name": project.name,
        "description": project.description,
        "github_owner": project.github_owner,
        "github_repo": project.github_repo,
        "default_phase_id": project.default_phase_id or FIRST_PHASE,
        "status": project.status,
        "created_at": project.created_at,
    }


def _details(caller: Actor, snapshot: ProjectSnapshot, repository: Repository | None) -> ProjectDetails:
    project = snapshot.project
    sums = project_agent_sums(project.id)
    cost = usd(sum(one.price_micros for one in sums.values()))
    may_see = caller.may(Permission.USAGE_READ, str(project.ws_id))
    stats = ProjectStats(tickets=snapshot.cards, done=snapshot.done, agents=len(sums), cost=cost if may_see else None)
    connection = None
    if name := named_repository(project):
        connected = repository is not None and not repository.deleted_at and repository.full_name.lower() == name.lower()
        status = repository.webhook_status if repository is not None and connected else NOT_CONNECTED
        connection = GithubConnection(owner=str(project.github_owner), repo=str(project.github_repo), webhook_status=status)
    return ProjectDetails.model_validate(
        _fields(project)
        | {
            "validation_enabled": project.validates,
            "github_connection": connection,
            "stats": stats,
        }
    )


@routes.get("/projects", "projects.list", permission=Permission.PROJECT_READ)
async def list_projects(
    caller: Caller,
    call: ThisCall,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    offset: Offset = 0,
) -> list[Project]:
    """List the projects of all the caller's workspaces, newest first; `X-Total-Count` has their total number."""
    projects, total = list_visible_projects(caller, limit, offset)
    call.headers.append(("X-Total-Count", str(total)))
    return [Project.model_validate(_fields(project)) for project in projects]


@routes.post("/projects", "projects.create", status=201, permission=Permission.PROJECT_CREATE)
async def create(body: CreateProject, caller: Caller) -> Project:
    """Create a project in the default workspace of the caller's organization."""
    new = NewProject(
        body.name,
        description=body.description,
        github_owner=body.github_owner,
        github_repo=body.github_repo,
        default_phase_id=body.default_phase_id,
    )
    return Project.model_validate(_fields(create_project(caller, default_workspace_id(caller, caller.org_id), new)))


@routes.get("/projects/{project_id}", "projects.get", permission=Permission.PROJECT_READ)
async def get(project_id: str, caller: Caller) -> ProjectDetails:
    """Get a project with its statistics."""
    repository = read_ahead(lambda: fetch(Repository, repository_id_of(bare_id(project_id))))
    snapshot = get_project(caller, project_id, Permission.PROJECT_READ)
    return _details(caller, snapshot, repository.result())


@routes.patch(
    "/projects/{project_id}",
    "projects.update",
    permission=Permission.AGENT_CONFIGURE,
    addition=True,
    errors=(Situation.PROJECT_ARCHIVED,),
)
async def update(project_id: str, body: UpdateProject, caller: Caller) -> ChangedProject:
    """Say whether each task of a project is completed only by a review that passes."""
    settings = {"validationEnabled": body.validation_enabled}
    changed = update_project(caller, project_id, {}, settings, Permission.AGENT_CONFIGURE)
    return ChangedProject.model_validate(_fields(changed) | {"validation_enabled": changed.validates})


@routes.post("/projects/{project_id}/create-ticket", "projects.createTicket", status=201, permission=Permission.CARD_CREATE)
async def create_ticket(project_id: str, body: CreateTicket, caller: Caller) -> Ticket:
    """Create a ticket in a phase, by default in the project's default phase: with its first task, or as one that waits for an approval if
    no person asks for it."""
    new = NewTicket(body.title, body.description, body.phase_id, body.priority.lower())
    return ticket(add_ticket(caller, project_id, new))


@routes.post("/projects/{project_id}/spawn-agent", "projects.spawnAgent", status=201, permission=Permission.AGENT_RUN)
async def spawn_agent(project_id: str, body: SpawnAgent, caller: Caller) -> SpawnedAgent:
    """Start an agent that the platform runs: it does the tasks of its phase, each by an agent run on the task's ticket."""
    new = NewAgent(body.agent_type, body.phase_id, body.capabilities, body.capacity, runner=PLATFORM)
    spawned = register_agent(caller, new, project_id)
    return SpawnedAgent.model_validate(agent_fields(see(spawned, None)) | {"id": spawned.id})
