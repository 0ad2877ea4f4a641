"""enterprise, section 2: projects."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from shared.core.actor import Permission
from shared.core.settings import settings
from shared.core.situations import Situation
from shared.core.web_addresses import EXPECTED, parse_host
from shared.edge.contracts.base import Paged, Shape, StrictRequest
from shared.edge.contracts.enterprise import ENTERPRISE, LongName, Page, PageSize, Search, SortOrder, Text, is_descending
from shared.edge.contracts.fields import OneLine, Slug
from shared.edge.http.call import Caller
from shared.edge.http.routing import Routes
from shared.work.projects.creating import NewProject, create_project, default_workspace_id
from shared.work.projects.reading import ProjectQuery, get_seen_project, list_organization_projects
from shared.work.projects.rows import Project as ProjectRow

routes = Routes(ENTERPRISE, "projects")


def _repository(value: str) -> str:
    """Return the address of a repository: of a web page, or on the local stage of a folder of this machine."""
    if settings().local and re.fullmatch(r"file:///[^\s\x00-\x1f]+", value):
        return value
    if parse_host(value) is None:
        raise ValueError(EXPECTED)
    return value


Repository = Annotated[str, Field(min_length=1, max_length=2_048), AfterValidator(_repository)]
Technology = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50), OneLine]
Status = Literal["active", "archived", "deleted"]
Visibility = Literal["private", "internal", "public"]
RepositoryType = Literal["git", "svn"]
TemplateType = Literal["microservice", "monolith", "mobile", "web"]
_REPOSITORY_TYPES = {"github": "git"}
"""What the rows of earlier versions say."""


class Project(Shape):
    id: str
    organization_id: str
    workspace_id: str
    name: str
    slug: str
    description: str | None
    repository_url: str | None
    repository_type: RepositoryType | None
    status: Status
    visibility: Visibility
    template_type: TemplateType | None
    owner_id: str
    tech_stack: list[str]
    created_at: str
    updated_at: str


class CreateProject(StrictRequest):
    name: LongName
    slug: Slug
    description: Text | None = None
    repository_url: Repository
    repository_type: RepositoryType = "git"
    visibility: Visibility = "private"
    template_type: TemplateType | None = None
    tech_stack: Annotated[list[Technology], Field(max_length=50)] = []


def _project(row: ProjectRow) -> Project:
    return Project(
        id=row.id,
        organization_id=str(row.org_id),
        workspace_id=str(row.ws_id),
        name=row.name,
        slug=row.slug,
        description=row.description,
        repository_url=row.repository_url,
        repository_type=_REPOSITORY_TYPES.get(row.repository_type, row.repository_type),
        status=row.status,
        visibility=row.visibility,
        template_type=row.template_type,
        owner_id=row.created_by["id"],
        tech_stack=row.tech_stack,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


@routes.get("/organizations/{org_id}/projects", "projects.list", permission=Permission.PROJECT_READ)
async def list_projects(
    org_id: str,
    caller: Caller,
    page: Page = 1,
    page_size: PageSize = 20,
    status: Status | None = None,
    search: Search | None = None,
    sort_by: Literal["name", "created_at", "updated_at"] = "created_at",
    sort_order: SortOrder | None = None,
) -> Paged[Project]:
    """List the projects of all workspaces of an organization: those of the caller's workspaces, and of the others what is not private."""
    query = ProjectQuery(status, search, sort_by, is_descending(sort_by, sort_order), page_size, (page - 1) * page_size)
    found, total = list_organization_projects(caller, org_id, query)
    return Paged([_project(one) for one in found], total, page, page_size)


@routes.post(
    "/organizations/{org_id}/projects",
    "projects.create",
    status=201,
    permission=Permission.PROJECT_WRITE,
    errors=(Situation.SLUG_TAKEN, Situation.LIMIT_REACHED),
)
async def create(org_id: str, body: CreateProject, caller: Caller) -> Project:
    """Create a project with a board in the default workspace of an organization. Whoever has the scope `projects:write` may, so a
    developer too."""
    new = NewProject(
        body.name,
        body.slug,
        body.description or None,
        repository_url=body.repository_url,
        repository_type=body.repository_type,
        more={"visibility": body.visibility, "template_type": body.template_type, "tech_stack": body.tech_stack},
    )
    may = Permission.PROJECT_WRITE
    return _project(create_project(caller, default_workspace_id(caller, org_id, may), new, permission=may))


@routes.get("/projects/{project_id}", "projects.get", permission=Permission.PROJECT_READ, addition=True)
async def get(project_id: str, caller: Caller) -> Project:
    """Get a project: of the caller's workspaces, an internal one of the organization, or a public one."""
    return _project(get_seen_project(caller, project_id))
