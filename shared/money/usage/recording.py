"""Writing a ledger line and its sums in one transaction, so that they always add up."""

from shared.core.errors import ConditionFailed
from shared.money.usage.rows import Rollup, UsageLine, card_partition, project_partition, workspace_partition
from shared.store import Operation, create, update


class CallRecorded(ConditionFailed):
    """The call is in the ledger already."""


def usage_operations(line: UsageLine, project_name: str) -> list[Operation]:
    """Return the 20 operations that write a line and add it to its 19 sums: nine of the day, ten of the month (two fewer without a phase).

    The write fails with CallRecorded if the line exists.
    """
    user = line.user
    parts = [
        ("AGENT", line.agent_id, line.agent_name),
        ("PROVIDER", line.provider, line.provider),
        ("USER", user["id"], user["name"]),
    ]
    workspace, project = workspace_partition(str(line.ws_id)), project_partition(str(line.proj_id))
    operations = [create(line, CallRecorded)]
    for partition, dimensions in (workspace, [*parts, ("PROJECT", str(line.proj_id), project_name)]), (project, parts):
        operations.append(_add_to_rollup(line, partition, f"TOTAL#{line.at[:10]}#", None))
        for dimension, value, name in dimensions:
            operations.append(_add_to_rollup(line, partition, f"{dimension}#{line.at[:10]}#{value}", name))
            operations.append(_add_to_rollup(line, partition, f"{dimension}-M#{line.at[:7]}#{value}", name))
        if line.phase_id:
            operations.append(_add_to_rollup(line, partition, f"PHASE-M#{line.at[:7]}#{line.phase_id}", None))
    agent = f"AGENT-M#{line.at[:7]}#{line.agent_id}"
    return [*operations, _add_to_rollup(line, card_partition(line.item_id), agent, line.agent_name)]


def _add_to_rollup(line: UsageLine, pk: str, sk: str, name: str | None) -> Operation:
    actions = [
        Rollup.calls.add(1),
        Rollup.tokens.add(line.tokens),
        Rollup.cost_micros.add(line.provider_cost_micros),
        Rollup.price_micros.add(line.customer_price_micros),
        Rollup.unpriced_calls.add(int(line.unpriced)),
        Rollup.kind.set("ROLLUP"),
    ]
    if name:
        actions.append(Rollup.name.set(name))
    return update(Rollup(pk, sk), actions)
