"""Budgets that people set: of an organization, of an agent or a phase in it, of a project or a card. They stop runs like all others."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from shared.agents.catalogue.registry import get_agent
from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import ConditionFailed, FieldError, Forbidden, Invalid, NotFound
from shared.events import EventType, record
from shared.money.budgets.reserving import alert_data, announce_alert
from shared.money.budgets.rows import Budget, budget_id, new_budget, within
from shared.store import (
    Operation,
    authorize,
    create,
    fetch,
    fetch_all,
    first_index_rows,
    get_many,
    id_of,
    read_ahead,
    retrying,
    update,
    write,
)
from shared.store import count as count_rows
from shared.work.boards.lanes import LANE_PHASES, canonical_phase
from shared.work.items.rows import Item
from shared.work.projects.rows import Project

SETTABLE: Final = ("organization", "agent", "phase", "project", "card")
_OF_ORGANIZATIONS: Final = ("organization", "agent", "phase")


@dataclass(frozen=True)
class Place:
    """What a budget is for, checked against what the actor may: the scope, its id, and whose it is."""

    scope: str
    scope_id: str
    org_id: str | None
    ws_id: str | None = None

    @property
    def budget_id(self) -> str:
        return budget_id(self.scope, self.scope_id)


LISTED: Final = 5_000
"""Budgets of a scope in a workspace that are listed and counted: whoever has a budget for every ticket asks for one by its id."""


@dataclass(frozen=True)
class Terms:
    """What a budget allows: `limit` in micro-dollars, the share of it at which to announce (0 to 1), and when it ends, if it does."""

    limit: int
    alert_threshold: float
    period_end: str | None = None


def find_place(actor: Actor, scope: str, scope_id: str | None, permission: Permission) -> tuple[Place, Budget | None]:
    """Return what a budget is for, and the budget if there is one; one batch read.

    Raises NotFound for an unknown or foreign card, project, agent or phase, Forbidden without the permission there, Invalid without an id
    where one is needed.
    """
    if scope in ("card", "project"):
        if not scope_id:
            raise Invalid(FieldError("scope_id", "This scope needs the id of what the budget is for", scope_id))
        model: type[Item] | type[Project] = Item if scope == "card" else Project
        bare = id_of(model, scope_id)
        row, budget = get_many([(model, *model.key(bare)), (Budget, *Budget.key(budget_id(scope, bare)))])
        if not isinstance(row, Item | Project) or row.deleted_at or row.status == "deleted":
            raise NotFound(model.NAME)
        authorize(row, actor, permission)
        return Place(scope, bare, row.org_id, row.ws_id), budget if isinstance(budget, Budget) else None
    place = _place_in_organization(actor, scope, scope_id, permission)
    return place, fetch(Budget, place.budget_id)


def _place_in_organization(actor: Actor, scope: str, scope_id: str | None, permission: Permission) -> Place:
    if actor.org_id is None:
        raise Forbidden
    actor.require(permission, None, actor.org_id)
    if scope == "organization":
        if scope_id not in (None, "", actor.org_id):
            raise NotFound("organization")
        return Place(scope, actor.org_id, actor.org_id)
    return Place(scope, within(actor.org_id, _value(scope, scope_id)), actor.org_id)


def _value(scope: str, scope_id: str | None) -> str:
    if not scope_id:
        raise Invalid(FieldError("scope_id", "This scope needs the id of what the budget is for", scope_id))
    if scope == "agent":
        return get_agent(scope_id).id
    phase = canonical_phase(scope_id)
    if phase not in LANE_PHASES:
        raise NotFound("phase")
    return phase


def find_budget(actor: Actor, scope: str, scope_id: str | None) -> Budget | None:
    """Return the budget of a scope that holds now; None if there is none. Raises the errors of `find_place`."""
    _, budget = find_place(actor, scope, scope_id, Permission.USAGE_READ)
    return None if budget is None or budget.is_over else budget


def set_budget(actor: Actor, scope: str, scope_id: str | None, terms: Terms) -> Budget:
    """Set the budget of a scope. What was spent and reserved stays, unless the period of the one before is over: then it begins anew.

    Raises the errors of `find_place`, and Invalid for an end that has passed.
    """
    if terms.period_end is not None and terms.period_end <= clock.iso():
        raise Invalid(FieldError("period_end", "The end of the period has passed", terms.period_end))
    place, read = find_place(actor, scope, scope_id, Permission.WORKSPACE_WRITE)

    def attempt(number: int) -> Budget:
        stored = fetch(Budget, place.budget_id) if number else read
        budget, operation = _begin(actor, place, terms) if stored is None else _change(actor, stored, terms)
        write(operation)
        return budget

    budget = retrying(attempt, again=lambda error: isinstance(error, _BudgetChanged))
    announce_alert(budget, place.ws_id)
    return budget


class _BudgetChanged(ConditionFailed):
    """The budget was changed at the same time."""


def _begin(actor: Actor, place: Place, terms: Terms) -> tuple[Budget, Operation]:
    budget = new_budget(place.scope, place.scope_id, terms.limit, org_id=place.org_id, ws_id=place.ws_id)
    budget.period_start, budget.period_end, budget.alert_threshold = budget.created_at, terms.period_end, terms.alert_threshold
    record(budget, EventType.BUDGET_SET, actor, **alert_data(budget))
    return budget, create(budget, _BudgetChanged)


def _change(actor: Actor, budget: Budget, terms: Terms) -> tuple[Budget, Operation]:
    """Return a budget with other terms, and the operation that writes it; calls may reserve and spend meanwhile."""
    unchanged: Any = Budget.limit == int(budget.limit)
    more = terms.limit - int(budget.limit)
    actions: list[Any] = []
    if budget.is_over:
        unchanged &= (Budget.spent == int(budget.spent)) & (Budget.period_end == budget.period_end)
        more += int(budget.spent)
        budget.spent, budget.warned, budget.period_start = 0, 0, clock.iso()
        actions = [Budget.spent.set(0), Budget.period_start.set(budget.period_start)]
    budget.limit, budget.alert_threshold, budget.period_end = terms.limit, terms.alert_threshold, terms.period_end
    budget.available += more
    budget.warned = min(int(budget.warned), budget.alert_level)  # what is no longer reached is announced again
    budget.updated_at = clock.iso()
    record(budget, EventType.BUDGET_SET, actor, **alert_data(budget))
    names = ("limit", "warned", "alert_threshold", "updated_at", "event_id", "event")
    actions += [getattr(Budget, name).set(getattr(budget, name)) for name in names]
    actions += [
        Budget.available.add(more),
        Budget.period_end.set(terms.period_end) if terms.period_end else Budget.period_end.remove(),
    ]
    return budget, update(budget, actions, unchanged, _BudgetChanged)


def list_budgets(
    actor: Actor, scope: str | None, scope_id: str | None, *, limit: int, offset: int = 0
) -> tuple[Sequence[Budget], int]:
    """Return a page of the budgets that people have set where the actor may see usage, and how many there are; also those that are over.

    In the order of their scopes, LISTED of each scope in a workspace at most. Two round trips, one more for each 2,000.
    Raises Forbidden if there is no such place, NotFound as `find_place`.
    """
    if scope_id:
        if scope is None:
            raise Invalid(FieldError("scope_type", "An id needs the type of its scope", scope))
        _, found = find_place(actor, scope, scope_id, Permission.USAGE_READ)
        return ([found] if found is not None else [])[offset : offset + limit], int(found is not None)
    places = list(_lists(actor, scope))
    if not any(may for _, _, may in places):
        actor.require(Permission.USAGE_READ, None, actor.org_id)
    shown = [(partition, prefix) for partition, prefix, may in places if may]
    bounded = partial(count_rows, Budget, index=1, at_most=LISTED)
    counts = [read_ahead(partial(bounded, partition, prefix=prefix)) for partition, prefix in shown]
    number = min(offset + limit, LISTED)
    heads = [read_ahead(partial(first_index_rows, 1, partition, number, prefix)) for partition, prefix in shown]
    ids = [row.id for head in heads for row in head.result()[0]][offset : offset + limit]
    return fetch_all(Budget, ids), sum(one.result() for one in counts)


def _lists(actor: Actor, scope: str | None) -> Iterator[tuple[str, str, bool]]:
    """Yield where the actor's budgets are listed, the beginning of their keys, and whether the actor may see them."""
    for one in SETTABLE if scope is None else (scope,):
        if one in _OF_ORGANIZATIONS:
            if actor.org_id is not None:
                yield f"BUDGETS#{actor.org_id}", f"{one}#", actor.may(Permission.USAGE_READ, None, actor.org_id)
        else:
            for ws_id in actor.workspaces:
                yield f"BUDGETS#{ws_id}", f"{one}#", actor.may(Permission.USAGE_READ, ws_id)
