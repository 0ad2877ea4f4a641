"""agentworks: the changes of an event, as messages and activities show them."""

from collections.abc import Mapping
from typing import Any

from shared.edge.contracts.agentworks import camel, user_summary
from shared.work.items.rows import PERSON_FIELDS


def public_changes(changes: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    """Return `{field: [old, new]}` with this contract's names and its form of people."""
    return {camel(name): [_person(one) for one in pair] if name in PERSON_FIELDS else pair for name, pair in changes.items()}


def _person(person: dict[str, Any] | None) -> dict[str, Any] | None:
    return user_summary(person).model_dump(exclude_none=True) if person else None
