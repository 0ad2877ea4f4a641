"""Who in a workspace is told something: its administrators, or those of some people who are in it."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from shared.core.actor import Permission
from shared.core.ids import is_id
from shared.people.tenancy.members import permissions_of
from shared.people.tenancy.rows import WorkspaceMembership
from shared.store import get_many, iterate

MOST_TOLD: Final = 100
"""People who are told of one event at most."""


def members_who_may(ws_id: str, permission: Permission) -> list[str]:
    """Return the ids of the members with a permission, the first MOST_TOLD. One query for each 2,000 members."""
    return list(islice(_allowed(ws_id, permission), MOST_TOLD))


def _allowed(ws_id: str, permission: Permission) -> Iterator[str]:
    for row in iterate(WorkspaceMembership, f"WS#{ws_id}", prefix="MEM#"):
        if row.deleted_at is None and permission in permissions_of(row):
            yield row.id


def members_among(ws_id: str, user_ids: Iterable[str]) -> list[str]:
    """Return those of these ids that are members of the workspace: of the first MOST_TOLD, by one batch read."""
    ids = list(islice(dict.fromkeys(one for one in user_ids if is_id(one)), MOST_TOLD))
    rows = get_many([(WorkspaceMembership, *WorkspaceMembership.key_in(ws_id, one)) for one in ids])
    return [one for one, row in zip(ids, rows, strict=True) if isinstance(row, WorkspaceMembership) and row.deleted_at is None]
