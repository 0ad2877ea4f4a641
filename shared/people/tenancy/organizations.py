"""Organizations: who may list them, and the status that says whether anything may change in them."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from shared.core.actor import GRANTS, SYSTEM, Actor, Permission
from shared.core.errors import FieldError, Forbidden, Invalid, NotFound
from shared.core.ids import bare_id, is_id
from shared.core.texts import has_words, searchable
from shared.events import EventType, record
from shared.people.access import records
from shared.people.tenancy.rows import (
    ORGANIZATIONS,
    Organization,
    OrgMembership,
    Seat,
    Workspace,
    WorkspaceMembership,
    slug_guard,
    workspaces_of,
)
from shared.store import Guard, fetch, fetch_all, get, index_rows, iterate, read_ahead, update_with_retry, write

STATUSES: Final = ("active", "inactive", "suspended")


@dataclass(frozen=True)
class OrganizationQuery:
    """Filter, order and page of a list of organizations. `sort` is name, created_at or updated_at."""

    status: str | None = None
    search: str | None = None
    sort: str = "created_at"
    descending: bool = True
    limit: int = 20
    offset: int = 0


def list_organizations(actor: Actor, query: OrganizationQuery) -> tuple[list[Organization], int]:
    """Return a page of the organizations that the actor administers, of all for an administrator of the platform, and how many match.

    Two round trips; three for an administrator of the platform: the index of all organizations, its shards side by side. Raises Forbidden
    for somebody who administers none.
    """
    known: Iterable[tuple[str, dict[str, Any]]]
    if actor.platform_admin:
        shards = [read_ahead(partial(_read_shard, partition)) for partition in ORGANIZATIONS.partitions()]
        known = [row for shard in shards for row in shard.result()]
    else:
        administered = [one for one, role in actor.organizations.items() if Permission.WORKSPACE_WRITE in GRANTS[role]]
        if not administered:
            raise Forbidden("Only administrators of an organization may list it")
        for org_id in administered:
            actor.require(Permission.WORKSPACE_READ, None, org_id)
        organizations = {one.id: one for one in fetch_all(Organization, administered, to_show=True)}
        known = [(one.id, one.listed()) for one in organizations.values()]
    found = [(org_id, f) for org_id, f in known if _matches(query, f)]
    found.sort(key=lambda one: (searchable(one[1][query.sort]), one[0]), reverse=query.descending)
    ids = [org_id for org_id, _ in found[query.offset : query.offset + query.limit]]
    page = fetch_all(Organization, ids, to_show=True) if actor.platform_admin else [organizations[one] for one in ids]
    return page, len(found)


def _read_shard(partition: str) -> list[tuple[str, dict[str, Any]]]:
    return [(row.id, row.f) for row in index_rows(1, partition)]


def _matches(query: OrganizationQuery, f: dict[str, Any]) -> bool:
    return query.status in (None, f["status"]) and has_words(f"{f['name']} {f['slug']}", query.search)


def find_organization(id_or_slug: str) -> Organization:
    """Return an organization by its id or its slug, to an operator. Raises NotFound."""
    org_id = bare_id(id_or_slug)
    if not is_id(org_id):
        named = slug_guard("ORG", id_or_slug)
        guard = get(Guard, str(named.pk), str(named.sk))
        org_id = guard.ref if guard else ""
    organization = fetch(Organization, org_id) if org_id else None
    if organization is None:
        raise NotFound(Organization.NAME)
    return organization


def set_status(id_or_slug: str, status: str) -> Organization:
    """Set the status of an organization; unless it is active, nothing may be changed in it, through no contract.

    From the members' next requests on: their access records hold it. The organization is changed first, so that nobody enters it
    meanwhile. Safe to repeat, also after a kill. Two round trips for each membership. Raises NotFound, Invalid.
    """
    if status not in STATUSES:
        raise Invalid(FieldError("status", f"Must be one of {', '.join(STATUSES)}", status))

    def change(organization: Organization) -> None:
        if organization.status != status:
            record(organization, EventType.ORGANIZATION_UPDATED, SYSTEM, changes={"status": [organization.status, status]})
            organization.status = status

    organization = update_with_retry(lambda: find_organization(id_or_slug), change)
    for member in iterate(OrgMembership, f"ORG#{organization.id}", prefix="MEM#", consistent=True):
        write(records.close_tenant(member.id, organization.id, status != "active"))
    for ws_id in _workspace_ids(organization.id):
        for row in iterate(WorkspaceMembership, f"WS#{ws_id}", prefix="MEM#", consistent=True):
            if row.deleted_at is None:
                write(records.close_tenant(row.id, ws_id, status != "active"))
    return organization


def _workspace_ids(org_id: str) -> set[str]:
    """Return the ids of all workspaces of an organization: by its seats, because the index may lack one that was made a moment ago, and by
    the index, because who came before there were seats has none."""
    seats = iterate(Seat, f"ORG#{org_id}", prefix="SEAT#", consistent=True)
    listed = {workspace.entity_id for workspace in iterate(Workspace, workspaces_of(org_id), index=1)}
    return listed.union(*(seat.workspaces or () for seat in seats))
