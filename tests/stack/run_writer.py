"""Writes to a run's terminal in the deployed stack, as the worker of a run does: `python -m tests.stack.run_writer <card> <lines>`.

Makes the run first and prints its id. A number on standard input writes so many more lines.
"""

import sys

from shared.core import clock
from shared.core.actor import SYSTEM
from shared.core.errors import ConditionFailed
from shared.core.ids import new_id
from shared.events import EventType, record
from shared.runs.agent_runs.rows import Run
from shared.runs.terminal import TerminalWriter, publish_run_status
from shared.store import check, create, fetch, write
from shared.work.items.rows import Item


def main(card_id: str, lines: int) -> None:
    card = fetch(Item, card_id)
    assert card is not None
    run = Run.new(
        new_id(),
        org_id=card.org_id,
        ws_id=card.ws_id,
        proj_id=card.proj_id,
        item_id=card.id,
        agent_id="agent",
        agent={"id": "agent", "name": "prd", "display_name": "PRD Agent", "status": "active"},
        status="running",
        triggered_by=SYSTEM.summary,
        lease_until=clock.epoch() + 3600,  # the job `timeouts` ends running runs that nobody holds
        provider="embedded",
        model="cadre-embedded-1",
        max_tokens=4000,
    )
    record(run, EventType.RUN_STARTED, SYSTEM)
    write(create(run))
    print(run.id, flush=True)
    fence = ConditionFailed("no")
    with TerminalWriter(run.id, card.id, card.ws_id, lambda: check(run, Run.fence == run.fence, fence)) as terminal:
        written = 0
        while written < lines and (asked := sys.stdin.readline()):
            for number in range(written, written + int(asked)):
                terminal.write("info", "agent", f"line {number}")
            written += int(asked)
    publish_run_status(run.id, card.id, card.ws_id, "running", progress=100)
    print("done", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
