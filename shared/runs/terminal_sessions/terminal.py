"""Send a terminal connection everything besides live entries: the greeting, earlier entries, and the status of its runs.

A connection catches up before it goes live, so that it gets each entry once and in order:

    catching   pushes skip it and record that (`shared.channels.sockets.fanout`), while the log is read and sent
    live       as soon as no push was skipped since the log was read; otherwise reading continues
"""

import time
from collections.abc import Iterable
from typing import Any

from shared.channels.sockets.client import FAILED, GONE, SENT, socket_client
from shared.channels.sockets.fanout import EMPTY_RANGE, HANDSHAKE_GRACE, EntryRange
from shared.channels.sockets.holding import BUSY_DELAY
from shared.channels.sockets.publish import send_job
from shared.channels.sockets.rows import CATCHING_UP, LIVE, PAUSED, Connection, Subscription
from shared.channels.sockets.topics import terminal_topic
from shared.core.errors import ConditionFailed
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
_TIME_LIMIT = 15.0  # seconds per job; the rest is queued as another job
_GREETING_DELAYS = (0.03, 0.06, 0.12, 0.25, 0.5)  # seconds between attempts to greet: the handshake ends after $connect returns


class _SubscriptionChanged(ConditionFailed):
    """The subscription has changed."""


Sent = dict[str, EntryRange]
"""By run id, the range of entries that catching up has sent."""


def new_terminal(connection: Connection) -> Subscription:
    """Build the subscription of a new terminal: to all runs of its card."""
    return Subscription.of(_topic(connection), connection, state=CATCHING_UP, generation=new_id(), greeted=False)


def greet(connection: Connection, generation: str, frames: TerminalFrames) -> None:
    """Send `connected`, the last entries and the status of the active runs; then go live, unless the viewer has changed the subscription
    meanwhile."""
    subscription = _subscription(connection)
    if subscription is None:
        return
    if subscription.greeted:  # this job was delivered twice, or ended half-way
        catch_up(connection, generation, _sent_of(subscription), frames)
        return
    runs = runs_of(str(connection.card_id))
    active = [run for run in runs if not run.ended]
    history, sent = _history(active or runs)
    if not _post_greeting(
        connection, frames.connected(connection.id, str(connection.card_id), [run.id for run in active]), generation
    ):
        return
    if socket_client().post(connection.id, *frames.history([canonical(entry) for entry in history])).outcome == FAILED:
        sent = dict.fromkeys(sent, EMPTY_RANGE)  # the last entries come with catching up
    if not _change(connection, Subscription.greeted.set(True), *_sent_actions(subscription, sent)):
        return
    # Changes of state were left out until now: what is read after that has them all.
    known = {run.id for run in active}
    states = _states(frames, (run for run in runs_of(str(connection.card_id)) if run.id in known or not run.ended))
    if socket_client().post(connection.id, *states).outcome == FAILED:
        _queue_catching_up(connection, generation, sent, BUSY_DELAY)
        return
    if subscription.generation != generation:
        return
    if subscription.state == PAUSED:
        _save_position_while_paused(connection, generation, sent)
    elif subscription.state == CATCHING_UP:
        _go_live(connection, subscription, sent, frames)


def subscribe_run(connection: Connection, run: Run, start: int | None) -> None:
    """Subscribe to one run, from entry `start` on or with its last hundred entries. A job sends the entries."""
    generation = new_id()
    reset = [
        Subscription.sent_from.set({}),
        Subscription.sent_until.set({}),
        Subscription.missed.set({run.id: start or 0}),  # whoever pauses before the job comes goes on from here
        Subscription.skips.set(0),
    ]
    target = [Subscription.run.set(run.id), Subscription.generation.set(generation)]
    if _change(connection, Subscription.state.set(CATCHING_UP), *target, *reset):
        _queue_catching_up(connection, generation, {run.id: (0, start or 0)})


def pause(connection: Connection) -> None:
    """Pause the stream and keep its position. A subscription that is still catching up keeps `missed`."""
    key = Subscription.at(_topic(connection), connection.id)
    paused = Subscription.state.set(PAUSED)
    for state, actions in ((LIVE, [paused, Subscription.missed.set({})]), (CATCHING_UP, [paused]), (LIVE, [paused])):
        try:
            update_now(key, actions, Subscription.state == state, _SubscriptionChanged)
        except ConditionFailed:
            continue
        return


def resume(connection: Connection) -> None:
    """Resume the stream: send the skipped entries, then go live."""
    key = Subscription.at(_topic(connection), connection.id)
    generation = new_id()
    actions = [Subscription.state.set(CATCHING_UP), Subscription.skips.set(0), Subscription.generation.set(generation)]
    try:
        now = Subscription.decode(update_now(key, actions, Subscription.state == PAUSED, _SubscriptionChanged))
    except ConditionFailed:
        return
    _queue_catching_up(connection, generation, {run_id: (first, first) for run_id, first in now.missed.items()})


def catch_up(connection: Connection, generation: str, sent: Sent, frames: TerminalFrames) -> None:
    """Send each run's entries from the end of the sent range on (0: its last hundred), then go live."""
    subscription = _subscription(connection)
    if subscription is None or subscription.generation != generation or subscription.state == LIVE:
        return
    for run_id, (first, end) in sent.items():
        if end == 0:
            sent[run_id] = (first, max(1, last_sequence(run_id) - HISTORY + 1))
    if subscription.state == PAUSED:
        _save_position_while_paused(connection, generation, sent)
        return
    run_ids = [subscription.run] if subscription.run else [run.id for run in runs_of(str(connection.card_id)) if not run.ended]
    states = _states(frames, fetch_all(Run, [one for one in run_ids if one]))
    outcome = socket_client().post(connection.id, *states).outcome
    if outcome == FAILED:
        _queue_catching_up(connection, generation, sent, BUSY_DELAY)
    if outcome != SENT:
        return
    _go_live(connection, subscription, sent, frames)


def runs_of(card_id: str) -> list[Run]:
    """Return the runs of the card, newest first."""
    rows = query(Run, f"ITEM#{card_id}", index=1, prefix="RUN#", newest_first=True, limit=RUNS).rows
    return [run for run in fetch_indexed(Run, rows) if not run.deleted_at]


def _go_live(connection: Connection, subscription: Subscription, sent: Sent, frames: TerminalFrames) -> None:
    """Send the entries after the sent ranges until no push was skipped meanwhile, then set the state to live."""
    deadline = time.monotonic() + _TIME_LIMIT
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
        delay = BUSY_DELAY if outcome == FAILED else 0
        if delay or time.monotonic() > deadline:
            break
        if _try_go_live(connection, subscription, sent):
            return
        now = _subscription(connection)
        if now is None or now.generation != generation or now.state == LIVE:
            return
        if now.state == PAUSED:
            _save_position_while_paused(connection, generation, sent)
            return
        subscription = now
    _queue_catching_up(connection, generation, sent, delay)


def _queue_catching_up(connection: Connection, generation: str | None, sent: Sent, delay: int = 0) -> None:
    send_job("catch_up", connection.id, delay=delay, generation=generation, sent=sent)


def _include_missed(subscription: Subscription, sent: Sent) -> None:
    """Extend the ranges by the entries that pushes have skipped and catching up has not sent: pushes may arrive out of order."""
    for run_id, missed in subscription.missed.items():
        if run_id not in sent:
            first = missed if subscription.sent_until else 1
            sent[run_id] = (first, first)
        elif missed < sent[run_id][0]:
            sent[run_id] = (missed, missed)


def _send_from(connection: Connection, run_id: str, start: int, deadline: float, frames: TerminalFrames) -> tuple[int, str]:
    """Send a run's entries from `start` on. Return the sequence number to continue with, and the outcome of the last message."""
    texts: list[str] = []
    size, reached = 0, start
    for entry in entries(run_id, start):
        texts.append(canonical(entry))
        size += len(texts[-1])
        reached = entry["seq"] + 1
        if size > _READ_AHEAD:
            if (outcome := socket_client().post(connection.id, *frames.lines(texts)).outcome) != SENT:
                return start, outcome
            texts, size, start = [], 0, reached
            if time.monotonic() > deadline:
                return start, SENT
    if texts and (outcome := socket_client().post(connection.id, *frames.lines(texts)).outcome) != SENT:
        return start, outcome
    return reached, SENT


def _try_go_live(connection: Connection, subscription: Subscription, sent: Sent) -> bool:
    """Set the state to live if no push was skipped since the subscription was read. Return whether it was set."""
    actions = [Subscription.state.set(LIVE), Subscription.missed.set({}), *_sent_actions(subscription, sent)]
    try:
        update_now(Subscription.at(_topic(connection), connection.id), actions, _unchanged(subscription), _SubscriptionChanged)
    except ConditionFailed:
        return False
    return True


def _save_position_while_paused(connection: Connection, generation: str | None, sent: Sent) -> None:
    """Save the position of a stream that was paused while catching up, so that resuming continues there or at an earlier unsent entry."""

    def attempt(_: int) -> None:
        subscription = _subscription(connection)
        if subscription is None or subscription.generation != generation or subscription.state != PAUSED:
            return
        missed = dict(subscription.missed)
        for run_id, (first, end) in sent.items():
            missed[run_id] = missed[run_id] if missed.get(run_id, first) < first else end
        actions = [Subscription.missed.set(missed), *_sent_actions(subscription, sent)]
        update_now(Subscription.at(_topic(connection), connection.id), actions, _unchanged(subscription), _SubscriptionChanged)

    retrying(attempt, again=lambda error: isinstance(error, _SubscriptionChanged))


def _unchanged(subscription: Subscription) -> Any:
    """Return the condition that the subscription is unchanged since it was read: no push was skipped, and no request has changed it."""
    return (
        (Subscription.state == subscription.state)
        & (Subscription.skips == int(subscription.skips))
        & (Subscription.generation == subscription.generation)
    )


def _sent_of(subscription: Subscription) -> Sent:
    """Return the ranges that `_sent_actions` has saved."""
    return {run_id: (int(subscription.sent_from.get(run_id, 0)), int(end)) for run_id, end in subscription.sent_until.items()}


def _sent_actions(subscription: Subscription, sent: Sent) -> list[Any]:
    sent_from = {run_id: first for run_id, (first, _) in sent.items()}
    sent_until = {run_id: end for run_id, (_, end) in sent.items()}
    return [
        Subscription.sent_from.set(dict(subscription.sent_from) | sent_from),
        Subscription.sent_until.set(dict(subscription.sent_until) | sent_until),
    ]


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
        return frames.run_status(run.id, run.status, int(run.progress), None, last, run.started_at is not None, int(run.version))

    return [state(run) for run in runs]


def _post_greeting(connection: Connection, greeting: str, generation: str) -> bool:
    """Post the first message to a connection whose handshake may not be finished yet; a job tries again what fails. Return whether it was
    sent."""
    for pause_seconds in (0.0, *_GREETING_DELAYS):
        time.sleep(pause_seconds)
        outcome = socket_client().post(connection.id, greeting).outcome
        if outcome != GONE:
            break
    if outcome == FAILED or (outcome == GONE and time.time() - connection.opened < HANDSHAKE_GRACE):
        send_job("greet", connection.id, delay=1, generation=generation)
    return outcome == SENT


def _change(connection: Connection, *actions: Any) -> bool:
    """Update the subscription. Return False if the connection is closed."""
    try:
        update_now(
            Subscription.at(_topic(connection), connection.id), actions, Subscription.connection.exists(), _SubscriptionChanged
        )
    except ConditionFailed:
        return False
    return True


def _subscription(connection: Connection) -> Subscription | None:
    topic = _topic(connection)
    return get(Subscription, f"SUB#{topic}", f"CONN#{connection.id}")


def _topic(connection: Connection) -> str:
    return terminal_topic("", connection.card_id)
