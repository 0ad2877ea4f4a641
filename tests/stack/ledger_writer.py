"""Writes lines into the ledger of the deployed stack, as runs do: `... tests.stack.ledger_writer <workspace> <project> <lines> [day]`.

Line n of the day (else 4 May 2026) cost n micro-dollars and was sold for five times as much.
"""

import sys
from concurrent.futures import ThreadPoolExecutor

from shared.core.ids import new_id
from shared.money.usage.recording import usage_operations
from shared.money.usage.rows import UsageLine
from shared.store import write

WHO = {"kind": "user", "id": "ada", "name": "Ada", "email": "ada@example.com"}


def line(ws_id: str, project_id: str, number: int, day: str) -> None:
    made = UsageLine.new(
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
    write(*usage_operations(made, "Shop"))


if __name__ == "__main__":
    workspace, project, lines, *more = sys.argv[1:]
    day = more[0] if more else "2026-05-04"
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: line(workspace, project, number, day), range(int(lines))))
