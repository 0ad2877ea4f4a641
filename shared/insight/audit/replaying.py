"""What has happened in a workspace since an event: from the blocks of its chain, then from the logs themselves."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any
from uuid import UUID

from shared.core import clock
from shared.core.ids import is_id
from shared.insight.audit.rows import Block, Head, Late, workspace_tenant
from shared.insight.audit.sealing import late_rows
from shared.insight.audit.trails import block_entries, sealed_blocks, unsealed_entries
from shared.store import get, iterate
from shared.work.activities.rows import Activity

_APART = timedelta(seconds=2)  # an event's id is made just before its time is taken
_AHEAD = timedelta(minutes=5)  # by which a clock may be ahead
_LAST = 4_102_444_800_000  # milliseconds: the year 2100; anybody can write an id of the year 10,000
LOOKED_UP = timedelta(hours=25)
_MAX_BLOCKS = 2_000
Place = dict[str, Any]


def place_of(ws_ids: Sequence[str], event_id: str) -> tuple[str, str] | None:
    """Return in which of these workspaces an event has happened, and its position there; None if in none. An id tells its time to the
    second.

    An event that is older than LOOKED_UP is not looked for, and is in no workspace (""): no replay goes back so far.
    """
    if not is_id(event_id) or UUID(event_id).version != 7:
        return None
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=min(UUID(event_id).int >> 80, _LAST))
    if moment < clock.now() - LOOKED_UP:
        return "", f"{clock.iso(moment)}#{event_id}"
    if moment > clock.now() + _AHEAD:
        return None
    first, last = clock.iso(moment - _APART), clock.iso(moment + _APART)
    for ws_id in ws_ids:
        rows = (row for row, _ in events_since(ws_id, first, {}))
        for row in takewhile(lambda row: row.at <= last, rows):
            if row.id == event_id:
                return ws_id, row.position
    return None


def events_since(ws_id: str, position: str, place: Mapping[str, Any]) -> Iterator[tuple[Activity, Place]]:
    """Yield the events of a workspace behind a position, and behind each the place from which to go on (`place`).

    In the order of the chain: an event that came late stands where it was sealed. Strongly consistent: what was written before is there.
    """
    tenant = workspace_tenant(ws_id)
    head = get(Head, f"AUDIT#{tenant}", "HEAD") or Head.of(tenant)
    tail = str(place.get("tail", ""))
    if position < head.position:
        yield from _sealed_since(tenant, position, place, int(head.number))
    if not tail:
        since = position.partition("#")[0]
        for row in late_rows([one for one in _late(tenant) if one.position <= head.position and one.noted > since]):
            yield row, {"block": int(head.number) + 1, "tail": max(position, head.position)}
    for row in unsealed_entries(tenant, max(position, head.position, tail)):
        yield row, {"block": int(head.number) + 1, "tail": row.position}


def _sealed_since(tenant: str, position: str, place: Mapping[str, Any], last: int) -> Iterator[tuple[Activity, Place]]:
    """Yield the sealed events behind a position. In blocks behind the one that holds the position, what stands before it came late: it was
    written after."""
    number = int(place.get("block") or _first_block(tenant, position))
    start = str(place.get("tail") or ("" if place.get("is_behind") else position))
    for block in sealed_blocks(tenant, number - 1, last):
        number = block.number
        skip = int(place.get("entry", 0)) if number == place.get("block") else 0
        is_behind = start != position
        for index, row in enumerate(block_entries(block)):
            if index >= skip and row.position > start:
                yield row, {"block": number, "entry": index + 1, "is_behind": is_behind}
        if start == position and block.last_position > position:
            start = ""


def _late(tenant: str) -> list[Late]:
    return list(iterate(Late, f"AUDIT#{tenant}", prefix="LATE#", consistent=True))


def _first_block(tenant: str, position: str) -> int:
    """Return the number of the first block that may hold events behind a position. Reads the chain from its end."""
    first = 1
    for number, block in enumerate(
        iterate(Block, f"AUDIT#{tenant}", prefix="BLOCK#", newest_first=True, limit=20, consistent=True)
    ):
        first = block.number
        if block.last_position <= position or number >= _MAX_BLOCKS:
            break
    return first
