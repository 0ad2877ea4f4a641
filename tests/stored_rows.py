"""All rows of the core table, of whatever kind: each is what would be written again, so its indexes show what it says."""

import json
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import shared
from shared.core.settings import settings
from shared.store import Entity, index_rows, put
from shared.store.client import dynamodb
from shared.store.rows import COLD_KEY
from shared.work.projects.rows import STATUSES, Project, in_order, projects_of

Raw = dict[str, Any]


def _entities(model: type[Entity] = Entity) -> Iterator[type[Entity]]:
    for each in model.__subclasses__():
        yield from _entities(each)
        if each.__module__.startswith("shared.") and getattr(each, "KIND", "") and not each.__name__.endswith("Head"):
            yield each


for module in pkgutil.walk_packages(shared.__path__, "shared."):
    import_module(module.name)
ENTITIES = sorted(_entities(), key=lambda each: each.__name__)
"""All entities that can be written."""
_BY_KIND = {each.KIND: each for each in ENTITIES}


def check_rows() -> list[Entity]:
    """Assert that every entity in the table is what would be written again. Return them."""
    rows = {(raw["PK"]["S"], raw["SK"]["S"]): raw for raw in _table()}
    found = []
    for (pk, sk), raw in rows.items():
        model = _BY_KIND.get(raw.get("kind", {}).get("S", ""))
        if model is None:
            continue
        entity = model.join(raw, rows.get((pk, COLD_KEY)) if model.COLD else None)
        assert entity is not None, f"the rows of {pk} do not belong together"
        assert _comparable(put(entity).request["Item"]) == _comparable(raw), f"{pk} {sk} would be written otherwise"
        found.append(entity)
    return found


def check_projects(ws_id: str) -> list[Project]:
    """Assert that each order of a workspace's projects has exactly its projects, each status by itself. Return them."""
    projects = [row for row in check_rows() if isinstance(row, Project) and row.ws_id == ws_id and not row.deleted_at]
    assert {row.id for row in index_rows(1, projects_of(ws_id).partition)} == {row.id for row in projects}
    for status in STATUSES:
        expected = sorted(row.id for row in projects if row.status == status)
        for order in ("name", "updated_at", "last_activity"):
            assert sorted(row.id for row in index_rows(*in_order(ws_id, order, status))) == expected, (order, status)
    return projects


def _comparable(raw: Raw) -> Raw:
    """Return a raw row with its event as a value, since the order of names in it says nothing."""
    return raw | ({"event": json.loads(raw["event"]["S"])} if "event" in raw else {})


def _table() -> Iterator[Raw]:
    for page in dynamodb().get_paginator("scan").paginate(TableName=settings().core_table):
        yield from page["Items"]
