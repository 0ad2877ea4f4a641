"""How many runs may start: a day by the plan of a workspace, and an hour without a person by their root card and by their project.

Each limit is a counter that the transaction of the run raises, on the condition that there is room: requests that race cannot pass it, and
nothing is counted for a run that is not written.
"""

from typing import Final

from shared.core import clock
from shared.core.errors import LimitExceeded
from shared.core.plans import PLANS
from shared.core.situations import Situation
from shared.people.tenancy.limits import change_of_plan
from shared.people.tenancy.rows import Workspace
from shared.runs.agent_runs.rows import RunCount
from shared.store import Operation, update
from shared.work.items.rows import Item
from shared.work.items.rules import MAX_AUTO_MOVES

AUTO_RUNS_PER_ROOT: Final = 20
"""Automatic runs per hour on a card and on all cards that agents created from it: each lane once, and as much again for its parts."""
AUTO_RUNS_PER_PROJECT: Final = 100  # per hour; a person who moves cards by hand is not counted
_DAY, _HOUR = 86_400, 3_600


def run_count_operations(workspace: Workspace, card: Item, *, automatic: bool) -> list[Operation]:
    """Return the operations that count one more run, each refused with LimitExceeded if its limit is reached.

    Raises LimitExceeded for an automatic run on a card that has moved MAX_AUTO_MOVES times without a person.
    """
    operations = [_count_day(workspace)]
    if automatic:
        if card.auto_moves > MAX_AUTO_MOVES:
            reason = f"A card moves at most {MAX_AUTO_MOVES} times without a person; start the agent by hand, or change the card"
            raise LimitExceeded(Situation.LIMIT_REACHED, reason, {"limit": MAX_AUTO_MOVES})
        operations += [
            _count_hour(f"ITEM#{card.root_id or card.id}", AUTO_RUNS_PER_ROOT, "card, with those that agents created from it,"),
            _count_hour(f"PROJ#{card.proj_id}", AUTO_RUNS_PER_PROJECT, "project"),
        ]
    return [one for one in operations if one is not None]


def _count_day(workspace: Workspace) -> Operation | None:
    plan = PLANS[workspace.plan]
    if plan.runs_per_day is None:
        return None
    now = clock.epoch()
    owner = f"ORG#{workspace.org_id}" if plan.is_free else f"WS#{workspace.id}"
    allowed = f"{plan.runs_per_day} runs a day (UTC){' in all your workspaces together' if plan.is_free else ''}"
    reason = f"The plan {plan.name} allows {allowed}; {change_of_plan(plan.key, 'runs_per_day')}"
    details = {"limit": plan.runs_per_day, "plan": plan.name, "resets_at": _end_of_window(now, _DAY)}
    return _count(owner, f"RUNS#{now // _DAY}", plan.runs_per_day, now + 2 * _DAY, reason, details)


def _count_hour(pk: str, limit: int, what: str) -> Operation:
    now = clock.epoch()
    reason = f"This {what} may have {limit} automatic runs an hour; start further ones by hand"
    details = {"limit": limit, "resets_at": _end_of_window(now, _HOUR)}
    return _count(pk, f"RUNS#AUTO#{now // _HOUR}", limit, now + 2 * _HOUR, reason, details)


def _end_of_window(now: int, length: int) -> str:
    return clock.iso(clock.from_epoch((now // length + 1) * length))


def _count(pk: str, sk: str, limit: int, expires: int, reason: str, details: dict[str, object]) -> Operation:
    return update(
        RunCount(pk=pk, sk=sk),
        [RunCount.runs.add(1), RunCount.ttl.set(expires)],
        RunCount.runs.does_not_exist() | (RunCount.runs < limit),
        LimitExceeded(Situation.LIMIT_REACHED, reason, details),
    )
