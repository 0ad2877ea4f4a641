"""A ledger line with its sums: one transaction, so that they add up exactly whatever fails in between."""

from shared.core.errors import Conflict
from shared.store import Operation, create, update
from shared.usage.rows import Rollup, UsageLine

RECORDED = Conflict("recorded", "This call is in the ledger already")


def record_usage(line: UsageLine, project_name: str) -> list[Operation]:
    """The line and the nine sums it is part of. Refused as `RECORDED` when the line exists. Ten operations."""
    day = line.at[:10]
    user = line.user
    shared: list[tuple[str, str, str | None]] = [
        ("TOTAL", "", None),
        ("AGENT", line.agent_id, line.agent_name),
        ("PROVIDER", line.provider, line.provider),
        ("USER", user["id"], user["name"]),
    ]
    places = [(f"USG#WS#{line.ws_id}", *one) for one in [*shared, ("PROJECT", str(line.proj_id), project_name)]]
    places += [(f"USG#PROJ#{line.proj_id}", *one) for one in shared]
    return [create(line, RECORDED), *(_add(line, pk, f"{dim}#{day}#{value}", name) for pk, dim, value, name in places)]


def _add(line: UsageLine, pk: str, sk: str, name: str | None) -> Operation:
    tokens = line.input_tokens + line.cache_read_tokens + line.cache_write_tokens + line.output_tokens
    actions = [
        Rollup.calls.add(1),
        Rollup.tokens.add(tokens),
        Rollup.cost_micros.add(line.provider_cost_micros),
        Rollup.price_micros.add(line.customer_price_micros),
        Rollup.unpriced_calls.add(int(line.unpriced)),
        Rollup.kind.set("ROLLUP"),
    ]
    if name is not None:
        actions.append(Rollup.name.set(name))
    return update(Rollup(pk, sk), actions)
