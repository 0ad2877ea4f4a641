"""Ledger lines by hand: what tests of usage and its exports add up."""

from typing import Any

from shared.core.ids import new_id
from shared.money.usage.recording import usage_operations
from shared.money.usage.rows import UsageLine
from shared.store import write
from tests.areas.boards_world import World


def record_usage(world: World, day: str, cost: int, *, priced: bool = True, project: str | None = None, **more: Any) -> UsageLine:
    """A line of `cost` micro-dollars, sold for five times as much, of 180 tokens."""
    agent = more.pop("agent", "prd")
    fields = {
        "at": f"{day}T10:00:00.000Z",
        "run_id": "r",
        "item_id": "c",
        "agent_id": agent,
        "agent_name": agent.upper(),
        "user": world.actor.summary,
        "provider": "openai",
        "model": "m",
        "input_tokens": 100,
        "cache_read_tokens": 20,
        "cache_write_tokens": 10,
        "output_tokens": 50,
        "price_version": "t",
    }
    line = UsageLine.new(
        new_id(),
        org_id=world.project.org_id,
        ws_id=world.ws_id,
        proj_id=world.project.id,
        provider_cost_micros=cost if priced else 0,
        customer_price_micros=cost * 5 if priced else 0,
        unpriced=not priced,
        **fields | more,
    )
    write(*usage_operations(line, world.project.name if project is None else project))
    return line
