"""Create an organization: with its founder as owner and one default workspace, all in one transaction."""

from dataclasses import dataclass
from typing import Any

from shared.core import clock
from shared.core.actor import Actor, Role
from shared.core.errors import Conflict
from shared.core.ids import new_id
from shared.core.situations import Situation
from shared.events import EventType, record
from shared.people.tenancy.rows import (
    Organization,
    OrgMembership,
    Workspace,
    WorkspaceMembership,
    default_settings,
    membership_row,
    slug_guard,
    slugify,
)
from shared.people.tenancy.seats import new_seat
from shared.store import Operation, create


class SlugTaken(Conflict):
    def __init__(self) -> None:
        super().__init__(Situation.SLUG_TAKEN, "URL slug already exists")


@dataclass(frozen=True)
class ProvisionedOrganization:
    """A new organization and its default workspace, and the operations that will write them."""

    organization: Organization
    workspace: Workspace
    operations: list[Operation]


def new_organization(
    founder: Actor,
    name: str,
    *,
    org_id: str | None = None,
    ws_id: str | None = None,
    slug: str | None = None,
    settings: dict[str, Any] | None = None,
    **fields: Any,
) -> ProvisionedOrganization:
    """Build an organization owned by `founder`, not yet written; its default workspace has its plan, and `settings` beyond the usual ones.
    The write is refused if a given `slug` is taken."""
    ws_id = ws_id or new_id()
    organization = Organization.new(
        org_id or new_id(), name=name, slug=slug or slugify(name, unique=True), default_ws_id=ws_id, **fields
    )
    organization.org_id = organization.id
    record(organization, EventType.ORGANIZATION_CREATED, founder, name=name)
    membership = membership_row(
        OrgMembership, organization.id, founder.id, Role.OWNER, org_id=organization.id, email=founder.email, name=founder.name
    )
    workspace, rows = new_workspace(
        founder,
        organization.id,
        name,
        slugify(name, unique=True),
        ws_id=ws_id,
        is_default=True,
        plan=organization.plan,
        settings=default_settings() | (settings or {}),
    )
    operations = [
        create(organization),
        create(slug_guard("ORG", organization.slug, organization.id), SlugTaken),
        create(membership),
        create(new_seat(organization.id, founder.id, workspace.id)),
        *rows,
    ]
    return ProvisionedOrganization(organization, workspace, operations)


def new_workspace(
    owner: Actor, org_id: str, name: str, slug: str, *, ws_id: str | None = None, **fields: Any
) -> tuple[Workspace, list[Operation]]:
    """Build a workspace with its owner's membership, not yet written; return it and the operations."""
    workspace = Workspace.new(ws_id or new_id(), name=name, slug=slug, org_id=org_id, owner=owner.summary, **fields)
    workspace.ws_id = workspace.id
    workspace.last_activity = workspace.created_at
    record(workspace, EventType.WORKSPACE_CREATED, owner, name=name, slug=slug)
    membership = membership_row(
        WorkspaceMembership,
        workspace.id,
        owner.id,
        Role.OWNER,
        org_id=org_id,
        ws_id=workspace.id,
        user=owner.summary,
        last_active_at=clock.iso(),
    )
    return workspace, [create(workspace), create(slug_guard("WS", slug, workspace.id), SlugTaken), create(membership)]
