"""Agents: who there is, a run with its live terminal, and the answer to a run that waits for one."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Annotated

import typer

from ai_agents import errors
from cadre_cli.board import CardId
from cadre_cli.commands import Context, check_id, command, given
from cadre_cli.output import Columns
from cadre_cli.problems import CommandError

if TYPE_CHECKING:
    from ai_agents.agentworks.models import AgentRunDetails
    from cadre_cli.session import Session

_AGENTS: Columns = {"Name": "name", "Title": "displayName", "Lanes": "allowedLanes", "Description": "description"}
_RUN: Columns = {
    "Run": "id", "Agent": "agent.name", "Status": "status", "Model": "model", "Tokens": "totalTokens", "Price (USD)": "customerPrice",
    "Result": "resultSummary", "Error": "errorMessage", "Waits for": "executionMetadata.waitingFor",
}  # fmt: skip
_STARTED: Columns = {"Run": "id", "Agent": "agent.name", "Status": "status", "Model": "model"}
_STYLES = {"error": "red", "warn": "yellow", "debug": "dim"}
_LOOK = 2.0  # seconds between two looks at a run: the free plan has a hundred requests a minute

RunId = Annotated[str, typer.Argument(metavar="RUN", callback=check_id, help="The run's id.")]


def declare(app: typer.Typer) -> None:
    command(app, "agents")(list_agents)
    command(app)(run)
    command(app)(approve)
    command(app)(reject)


def list_agents(context: Context) -> None:
    """List the agents that can work on a card."""
    context.output.rows(context.session.board.agents.list().agents, _AGENTS)


def run(
    context: Context,
    card: CardId,
    agent: Annotated[str, typer.Option(help="Who works: a name of `cadre agents`.")],
    provider: Annotated[str | None, typer.Option(help="Another provider of language models than the project's.")] = None,
    model: Annotated[str | None, typer.Option(help="Another model than the project's.")] = None,
    about: Annotated[str | None, typer.Option("--context", help="What the agent should know beside the card.")] = None,
    max_cost: Annotated[float | None, typer.Option(min=0, help="USD; at that price the run stops and asks.")] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Start it and do not wait.")] = False,
) -> None:
    """Let an agent work on a card, and follow its terminal. Ctrl-C leaves the terminal; the run goes on."""
    session, parameters = context.session, None if max_cost is None else {"maxCost": max_cost}
    sent = given(provider=provider, model=model, context=about, parameters=parameters)
    started = session.board.runs.trigger(card, agent, **sent).run
    if detach:
        context.output.one(started, _STARTED)
        return
    context.output.say(f"Run {started.id} by {started.agent.displayName} ({started.model})")
    try:
        _follow(context, card, started.id)
        ended = _end_of(session, started.id)
    except KeyboardInterrupt:
        context.output.say(f"Run {started.id} goes on.")
        raise
    context.output.one(ended, _RUN)
    if waits := ended.executionMetadata.get("waitingFor"):
        raise CommandError(_waiting(ended.id, waits))
    if ended.status != "completed":
        raise CommandError(f"The run is {ended.status}" + (f": {ended.errorMessage}" if ended.errorMessage else ""))


def approve(
    context: Context,
    run_id: RunId,
    max_cost: Annotated[float | None, typer.Option(min=0, help="USD: the new limit of a run that waits for its budget.")] = None,
) -> None:
    """Approve a run that waits, so that it goes on. What goes to production is approved by `cadre deploy --notes`."""
    context.output.one(context.session.board.runs.approve(run_id, **given(maxCost=max_cost)), _RUN)


def reject(
    context: Context, run_id: RunId, reason: Annotated[str | None, typer.Option(help="Why; it is kept with the run.")] = None
) -> None:
    """Reject a run that waits, which ends it."""
    context.output.one(context.session.board.runs.reject(run_id, **given(reason=reason)), _RUN)


def _follow(context: Context, card: str, run_id: str) -> None:
    """Write the lines of a run as they come, until it has ended."""
    if not context.session.has_terminal or context.output.as_json:
        return
    try:
        with _watched(context, run_id):
            for line in context.session.board.follow_run(card, run_id):
                context.output.text(line.text, _STYLES.get(str(line.entry.get("level")), ""))
    except errors.APIConnectionError as error:
        context.output.say(f"{error}. The end of the run is waited for.")


@contextmanager
def _watched(context: Context, run_id: str) -> Iterator[None]:
    """Meanwhile say it if the run waits for somebody: its terminal shows only what the agent does."""
    over = threading.Event()

    def look() -> None:
        told = None
        while not over.wait(_LOOK):
            with suppress(errors.AIAgentsError):  # whoever follows the terminal notices it too
                waits = context.session.board.runs.get(run_id).executionMetadata.get("waitingFor")
                if waits and waits != told:
                    context.output.say(_waiting(run_id, waits))
                told = waits

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def _waiting(run_id: str, waits: str) -> str:
    return f"The run waits for {'your approval' if waits == 'approval' else 'more ' + waits}: cadre approve {run_id}"


def _end_of(session: "Session", run_id: str) -> "AgentRunDetails":
    """Return a run that has ended, or that waits for somebody; until then look at it again."""
    while True:
        found = session.board.runs.get(run_id)
        if found.completedAt or found.executionMetadata.get("waitingFor"):
            return found
        time.sleep(_LOOK)
