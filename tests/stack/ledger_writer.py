"""Writes lines into the ledger of the deployed stack: `... tests.stack.ledger_writer <workspace> <project> <lines> [day]`.

Line n of the day (else 4 May 2026) cost n micro-dollars and was sold for five times as much. The sums of the day are written once for
all of them: a run writes them with each line, and what that does is tested in tests/areas and tests/properties.
"""

import sys

from shared.core.ids import new_id
from shared.money.usage.recording import usage_operations
from shared.money.usage.rows import Rollup, UsageLine
from shared.store import put_many, update, write

NUMBERS = (
    "input_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "output_tokens",
    "provider_cost_micros",
    "customer_price_micros",
)
WHO = {"kind": "user", "id": "ada", "name": "Ada", "email": "ada@example.com"}


def line(ws_id: str, project_id: str, number: int, day: str) -> UsageLine:
    return UsageLine.new(
        new_id(),
        ws_id=ws_id,
        proj_id=project_id,
        at=f"{day}T{number % 24:02}:00:00.{number % 1000:03}Z",
        run_id="run",
        item_id="card",
        agent_id="prd",
        agent_name="PRD Agent",
        user=WHO,
        provider="embedded",
        model="cadre-embedded-1",
        input_tokens=number,
        cache_read_tokens=0,
        cache_write_tokens=0,
        output_tokens=1,
        provider_cost_micros=number,
        customer_price_micros=5 * number,
        price_version="test",
    )


def record(ws_id: str, project_id: str, count: int, day: str) -> None:
    """Write the lines, and what all of them together add to the sums (everything but their numbers and the hour is the same)."""
    lines = [line(ws_id, project_id, number, day) for number in range(count)]
    put_many(lines)
    whole = line(ws_id, project_id, 0, day)
    for name in NUMBERS:
        setattr(whole, name, sum(int(getattr(one, name)) for one in lines))
    operations = usage_operations(whole, "Shop")[1:]
    write(*operations)
    keys = [operation.request["Key"] for operation in operations]
    write(*(update(Rollup(key["PK"]["S"], key["SK"]["S"]), [Rollup.calls.add(count - 1)]) for key in keys))


if __name__ == "__main__":
    workspace, project, lines, *more = sys.argv[1:]
    record(workspace, project, int(lines), more[0] if more else "2026-05-04")
