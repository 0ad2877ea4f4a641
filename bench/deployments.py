"""What a deployment adds to the bare machine, counted on moto: the deployed definition is played to its end at a target in memory.

The bare machine waits as long and asks the target as often, and keeps nothing: no lease, no fence, no row, no event. What ours adds are
its round trips and the work of its steps; moto is far quicker than DynamoDB, so they are counted and not timed.
"""

import json
from dataclasses import dataclass
from typing import Any, Final
from unittest.mock import patch

from bench import trips
from bench.prices import CPU, PRICES, RECEIVER, TRIP

STRATEGIES: Final = ("blue_green", "canary", "rolling", "ramp")
CANARY: Final = 10  # percent


@dataclass
class Counted:
    """What happened while a machine was played."""

    transitions: int = 0
    target_calls: int = 0


def rows() -> list[dict[str, Any]]:
    """Return one row for each strategy, on tables that are there."""
    from tests.areas.boards_world import create_world
    from tests.areas.deploying import configure, deploy

    world = create_world()
    configure(world)
    with _playing(Counted()):
        deploy(world)  # what is deployed next has a version before it
    return [_row(world, strategy) for strategy in STRATEGIES]


def _row(world: Any, strategy: str) -> dict[str, Any]:
    from tests.areas.deploying import machine, request

    more = {"canary_percentage": CANARY} if strategy == "canary" else {}
    made, counted = request(world, strategy, **more), Counted()
    played = machine(made)
    with _playing(counted), trips.costing() as cost:
        ended = played.play()
    if ended.status != "success":
        raise RuntimeError(f"{strategy} ended as {ended.status}: {ended.failure}")
    bare = played.waited + counted.target_calls * RECEIVER
    added = cost.trips * TRIP + len(played.steps) * CPU["step"]
    prices = {"transition": counted.transitions, "call": len(played.steps), "read unit": cost.reads, "write unit": cost.writes}
    return {
        "strategy": strategy,
        "shares": list(made.shares),
        "steps": len(played.steps),
        "target_calls": counted.target_calls,
        "bare_s": bare,
        "trips": cost.trips,
        "rcu": cost.reads,
        "wcu": cost.writes,
        "added_s": added,
        "share": added / bare,
        "usd": sum(PRICES[name][0] * amount for name, amount in prices.items()),
    }


def _playing(counted: Counted) -> Any:
    """Play machines at a target in memory, and count what they do."""
    from contextlib import ExitStack

    from shared.delivery.deployments import undoing
    from tests.areas.deploying import FakeTarget, Machine

    class Target(FakeTarget):
        def _act(self, action: str, fence: int | None = None) -> None:
            counted.target_calls += 1
            super()._act(action, fence)

    def moved(machine: Machine, name: str, value: Any) -> None:
        counted.transitions += name == "at"
        object.__setattr__(machine, name, value)

    stack, target = ExitStack(), Target()
    stack.enter_context(patch.object(undoing, "target_of", lambda *_: target))
    stack.enter_context(patch.object(Machine, "__setattr__", moved))
    return stack


if __name__ == "__main__":
    print(json.dumps(trips.on_moto(rows), indent=1))
