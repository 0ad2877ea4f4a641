"""What one terminal connection is sent besides the live entries: the greeting, what was written before, the state of its runs.

A connection catches up before it goes live, so that it gets each entry once and in order:

    catching   pushes leave it out and note that they did (`shared.channels.sockets.fanout`)
    read the log, send it
    live       if no push was left out since the log was read; otherwise read on
"""

import time
from collections.abc import Iterable
from typing import Any

from shared.channels.sockets.client import FAILED, GONE, SENT, socket_client
from shared.channels.sockets.fanout import YOUNG, EntryRange
from shared.channels.sockets.publish import send_job
from shared.channels.sockets.rows import CATCHING, LIVE, PAUSED, Connection, Subscription
from shared.channels.sockets.topics import terminal_topic
from shared.core.errors import Raced
from shared.core.ids import new_id
from shared.runs.agent_runs.rows import Run
from shared.runs.terminal.entries import Entry, canonical
from shared.runs.terminal.reading import entries, last_sequence, tail
from shared.runs.terminal.status import ENDED
from shared.runs.terminal_sessions.frames import TerminalFrames
from shared.store import fetch_all, fetch_indexed, get, query, retrying, update_now

HISTORY = 100  # entries sent on connecting
RUNS = 20  # of a card, newest first, that are looked at for history, search and state
_ROUNDS = 40
_READ_AHEAD = 100_000  # characters of entries that are sent together, as some four messages
_SLICE = 15.0  # seconds; then the rest is a job of its own
_PATIENCE = (0.03, 0.06, 0.12, 0.25, 0.5)  # seconds between tries to greet: the handshake ends after $connect has answered
_MOVED = Raced("The subscription has changed")
Sent = dict[str, EntryRange]
"""What a connection was sent of each run by catching up."""


def new_terminal(connection: Connection) -> Subscription:
    """What a terminal hears from its beginning on: all runs of its card."""
    return Subscription.of(_topic(connection), connection, state=CATCHING, generation=new_id(), greeted=False)


def greet(connection: Connection, generation: str, frames: TerminalFrames) -> None:
    """`connected`, the last entries, the state of the active runs; then live, unless the viewer has asked for something else by now."""
    subscription = _subscription(connection)
    if subscription is None or subscription.greeted:
        return  # the queue has delivered the job twice
    runs = runs_of(str(connection.card_id))
    active = [run for run in runs if not run.ended]
    history, sent = _history(active or runs)
    greeting = frames.connected(connection.id, str(connection.card_id), [run.id for run in active])
    first = [greeting, *frames.history([canonical(entry) for entry in history])]
    if not _post_to_new(connection, first, generation) or not _change(connection, Subscription.greeted.set(True)):
        return
    # Changes of state were left out until now: what is read after that has them all.
    known = {run.id for run in active}
    socket_client().post(
        connection.id, *_states(frames, (run for run in runs_of(str(connection.card_id)) if run.id in known or not run.ended))
    )
    if subscription.generation != generation:
        return
    if subscription.state == PAUSED:
        _leave_paused(connection, generation, sent)
    elif subscription.state == CATCHING:
        _go_live(connection, subscription, sent, frames)


def focus(connection: Connection, run: Run, start: int | None) -> None:
    """Watch one run: from entry `start` on, or from its last hundred. The entries come from a job, not from here."""
    generation = new_id()
    afresh = [Subscription.since.set({}), Subscription.next.set({}), Subscription.missed.set({}), Subscription.skips.set(0)]
    chosen = [Subscription.run.set(run.id), Subscription.generation.set(generation)]
    if _change(connection, Subscription.state.set(CATCHING), *chosen, *afresh):
        send_job("catch_up", connection.id, generation=generation, sent={run.id: (0, start or 0)})


def pause(connection: Connection) -> None:
    """Send nothing, but remember where. What is still catching up keeps its notes."""
    key = Subscription.at(_topic(connection), connection.id)
    paused = Subscription.state.set(PAUSED)
    for state, actions in ((LIVE, [paused, Subscription.missed.set({})]), (CATCHING, [paused]), (LIVE, [paused])):
        try:
            update_now(key, actions, Subscription.state == state, _MOVED)
        except Raced:
            continue
        return


def resume(connection: Connection) -> None:
    """Send what was left out, then go on live."""
    key = Subscription.at(_topic(connection), connection.id)
    generation = new_id()
    actions = [Subscription.state.set(CATCHING), Subscription.skips.set(0), Subscription.generation.set(generation)]
    try:
        now = Subscription.decode(update_now(key, actions, Subscription.state == PAUSED, _MOVED))
    except Raced:
        return
    send_job(
        "catch_up", connection.id, generation=generation, sent={run_id: (first, first) for run_id, first in now.missed.items()}
    )


def catch_up(connection: Connection, generation: str, sent: Sent, frames: TerminalFrames) -> None:
    """Send each run's entries from the end of what was sent on (0: its last hundred), then go live."""
    subscription = _subscription(connection)
    if subscription is None or subscription.generation != generation or subscription.state == LIVE:
        return
    if subscription.state == PAUSED:
        _leave_paused(connection, generation, {run_id: (first, end) for run_id, (first, end) in sent.items() if end})
        return
    for run_id, (first, end) in sent.items():
        if end == 0:
            sent[run_id] = (first, max(1, last_sequence(run_id) - HISTORY + 1))
    run_ids = [subscription.run] if subscription.run else [run.id for run in runs_of(str(connection.card_id)) if not run.ended]
    states = _states(frames, fetch_all(Run, [one for one in run_ids if one]))
    if socket_client().post(connection.id, *states) == GONE:
        return
    _go_live(connection, subscription, sent, frames)


def runs_of(card_id: str) -> list[Run]:
    """The card's runs, newest first."""
    rows = query(Run, f"ITEM#{card_id}", index=1, prefix="RUN#", newest_first=True, limit=RUNS).rows
    return [run for run in fetch_indexed(Run, rows) if not run.deleted_at]


def _go_live(connection: Connection, subscription: Subscription, sent: Sent, frames: TerminalFrames) -> None:
    """Send what is in the log behind what was sent, until nothing was left out meanwhile."""
    deadline = time.monotonic() + _SLICE
    generation = subscription.generation
    delay = 0
    for _ in range(_ROUNDS):
        _include_missed(subscription, sent)
        outcome = SENT
        for run_id, (first, end) in list(sent.items()):
            reached, outcome = _send_from(connection, run_id, end, deadline, frames)
            sent[run_id] = (first, reached)
            if outcome != SENT:
                break
        if outcome == GONE:
            return
        delay = 2 if outcome == FAILED else 0
        if delay or time.monotonic() > deadline:
            break
        if _made_live(connection, subscription, sent):
            return
        now = _subscription(connection)
        if now is None or now.generation != generation or now.state == LIVE:
            return
        if now.state == PAUSED:
            _leave_paused(connection, generation, sent)
            return
        subscription = now
    send_job("catch_up", connection.id, delay=delay, generation=generation, sent=sent)


def _include_missed(subscription: Subscription, sent: Sent) -> None:
    """Begin with the entries that pushes left out and that no catching up has sent: pushes may overtake each other."""
    for run_id, missed in subscription.missed.items():
        if run_id not in sent:
            first = missed if subscription.next else 1
            sent[run_id] = (first, first)
        elif missed < sent[run_id][0]:
            sent[run_id] = (missed, missed)


def _send_from(connection: Connection, run_id: str, start: int, deadline: float, frames: TerminalFrames) -> tuple[int, str]:
    """Send a run's entries from `start` on; the number to go on from, and what became of the last message."""
    texts: list[str] = []
    size, reached = 0, start
    for entry in entries(run_id, start):
        texts.append(canonical(entry))
        size += len(texts[-1])
        reached = entry["seq"] + 1
        if size > _READ_AHEAD:
            if (outcome := socket_client().post(connection.id, *frames.lines(texts))) != SENT:
                return start, outcome
            texts, size, start = [], 0, reached
            if time.monotonic() > deadline:
                return start, SENT
    if texts and (outcome := socket_client().post(connection.id, *frames.lines(texts))) != SENT:
        return start, outcome
    return reached, SENT


def _made_live(connection: Connection, subscription: Subscription, sent: Sent) -> bool:
    """Whether nothing was left out since the subscription was read: then pushes take over behind what was sent."""
    actions = [Subscription.state.set(LIVE), Subscription.missed.set({}), *_sent_actions(subscription, sent)]
    try:
        update_now(Subscription.at(_topic(connection), connection.id), actions, _unchanged(subscription), _MOVED)
    except Raced:
        return False
    return True


def _leave_paused(connection: Connection, generation: str | None, sent: Sent) -> None:
    """The stream was paused while it caught up: resuming goes on from here, or from an earlier entry that nobody has sent."""

    def attempt(_: int) -> None:
        subscription = _subscription(connection)
        if subscription is None or subscription.generation != generation or subscription.state != PAUSED:
            return
        missed = dict(subscription.missed)
        for run_id, (first, end) in sent.items():
            missed[run_id] = missed[run_id] if missed.get(run_id, first) < first else end
        actions = [Subscription.missed.set(missed), *_sent_actions(subscription, sent)]
        update_now(Subscription.at(_topic(connection), connection.id), actions, _unchanged(subscription), _MOVED)

    retrying(attempt, again=lambda error: error is _MOVED)


def _unchanged(subscription: Subscription) -> Any:
    """The condition that it is still as it was read: nothing was left out since, and nobody asked for something else."""
    return (
        (Subscription.state == subscription.state)
        & (Subscription.skips == int(subscription.skips))
        & (Subscription.generation == subscription.generation)
    )


def _sent_actions(subscription: Subscription, sent: Sent) -> list[Any]:
    since = {run_id: first for run_id, (first, _) in sent.items()}
    following = {run_id: end for run_id, (_, end) in sent.items()}
    return [Subscription.since.set(dict(subscription.since) | since), Subscription.next.set(dict(subscription.next) | following)]


def _history(runs: Iterable[Run]) -> tuple[list[Entry], Sent]:
    """Return the last hundred entries of these runs together, in the order of time, and which entries of each run are thereby sent.

    Of a run that still writes, nothing is skipped that comes after this read. An active run for which there is no room left begins
    with its next entry.
    """
    history: list[Entry] = []
    sent: Sent = {}
    for run in runs:
        if len(history) < HISTORY:
            recent = tail(run.id, HISTORY - len(history))
            history = recent + history
            sent[run.id] = (0, recent[-1]["seq"] + 1 if recent else 1)
        elif not run.ended:
            sent[run.id] = (0, last_sequence(run.id) + 1)
    return sorted(history, key=lambda entry: (entry["timestamp"], entry["runId"], entry["seq"])), sent


def _states(frames: TerminalFrames, runs: Iterable[Run]) -> list[str]:
    def state(run: Run) -> str:
        last = last_sequence(run.id) if run.status in ENDED else None
        return frames.run_status(run.id, run.status, int(run.progress), None, last, run.started_at is not None)

    return [state(run) for run in runs]


def _post_to_new(connection: Connection, frames: list[str], generation: str) -> bool:
    """Post to a connection whose handshake may still be under way."""
    for pause_seconds in (*_PATIENCE, None):
        if (outcome := socket_client().post(connection.id, frames[0])) != GONE:
            return outcome == SENT and socket_client().post(connection.id, *frames[1:]) == SENT
        if pause_seconds is None:
            break
        time.sleep(pause_seconds)
    if time.time() - connection.opened < YOUNG:
        send_job("greet", connection.id, delay=1, generation=generation)
    return False


def _change(connection: Connection, *actions: Any) -> bool:
    """Whether the connection was still there to be changed."""
    try:
        update_now(Subscription.at(_topic(connection), connection.id), actions, Subscription.connection.exists(), _MOVED)
    except Raced:
        return False
    return True


def _subscription(connection: Connection) -> Subscription | None:
    topic = _topic(connection)
    return get(Subscription, f"SUB#{topic}", f"CONN#{connection.id}")


def _topic(connection: Connection) -> str:
    return terminal_topic("", connection.card_id)
