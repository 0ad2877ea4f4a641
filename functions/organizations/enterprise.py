"""enterprise, section 1: organizations."""

from typing import Annotated, Literal

from pydantic import Field

from shared.core.actor import Permission
from shared.core.plans import FREE
from shared.core.situations import Situation
from shared.edge.contracts.base import Paged, Shape, StrictRequest
from shared.edge.contracts.enterprise import ENTERPRISE, LongName, Page, PageSize, Search, SortOrder, Text, is_descending
from shared.edge.contracts.fields import Form, WebAddress
from shared.edge.http.call import Caller
from shared.edge.http.routing import Routes
from shared.money.billing.organizations import NewOrganization, create_organization
from shared.people.tenancy import organizations
from shared.people.tenancy.limits import organization_limit
from shared.people.tenancy.organizations import OrganizationQuery
from shared.people.tenancy.rows import Organization as OrganizationRow

routes = Routes(ENTERPRISE, "organizations")

Slug = Annotated[
    str, Field(min_length=1, max_length=63), Form(r"^[a-z0-9-]+$", "Should be letters from a to z, digits and hyphens")
]
Limit = Annotated[int, Field(ge=1, le=1_000_000)]
Type = Literal["enterprise", "startup", "nonprofit"]
Plan = Literal["free", "professional", "enterprise"]
Status = Literal["active", "inactive", "suspended"]


class Organization(Shape):
    id: str
    name: str
    slug: str
    type: Type
    description: str | None
    website_url: str | None
    plan: Plan
    status: Status
    max_users: int | None
    """Null: the plan has no limit."""
    max_projects: int | None
    created_at: str
    updated_at: str


class CreateOrganization(StrictRequest):
    name: LongName
    slug: Slug
    type: Type = "startup"
    description: Text | None = None
    website_url: WebAddress | None = None
    plan: Plan = FREE
    max_users: Limit = 10
    max_projects: Limit = 5


def _organization(row: OrganizationRow) -> Organization:
    return Organization(
        id=row.id,
        name=row.name,
        slug=row.slug,
        type=row.type,
        description=row.description,
        website_url=row.website_url,
        plan=row.plan,
        status=row.status,
        max_users=organization_limit(row, "max_users"),
        max_projects=organization_limit(row, "max_projects"),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


@routes.get("/organizations", "organizations.list", permission=Permission.WORKSPACE_READ)
async def list_organizations(
    caller: Caller,
    page: Page = 1,
    page_size: PageSize = 20,
    status: Status | None = None,
    search: Search | None = None,
    sort_by: Literal["name", "created_at", "updated_at"] = "created_at",
    sort_order: SortOrder | None = None,
) -> Paged[Organization]:
    """List the organizations that the caller administers; all of them for an administrator of the platform. The default `sort_order` is asc
    for names and desc (newest first) for times."""
    query = OrganizationQuery(status, search, sort_by, is_descending(sort_by, sort_order), page_size, (page - 1) * page_size)
    found, total = organizations.list_organizations(caller, query)
    return Paged([_organization(one) for one in found], total, page, page_size)


@routes.post(
    "/organizations",
    "organizations.create",
    status=201,
    permission=Permission.WORKSPACE_WRITE,
    errors=(Situation.SLUG_TAKEN, Situation.LIMIT_REACHED),
)
async def create(body: CreateOrganization, caller: Caller) -> Organization:
    """Create an organization with a default workspace, which is billed under the plan; the caller becomes its owner."""
    new = NewOrganization(
        body.name,
        body.slug,
        body.type,
        body.plan,
        body.max_users,
        body.max_projects,
        body.description or None,
        body.website_url or None,
    )
    return _organization(create_organization(caller, new))
