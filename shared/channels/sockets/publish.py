"""Send messages to listeners through two queues: the caller waits for one SQS request, never for a viewer.

`ws-live` is a FIFO queue with the topic as its message group, so a terminal shows its lines in the order in which they were
written.

    {kind: push, topic, ws?, event?, position?, at, frames: {<contract>: [{text, facets?, costs?}, ...]}}     rendered already
    {kind: push, topic, ws?, run, at, notice: run_status, about: {...}}                    rendered on delivery, for each contract
    {kind: log,  topic, ws?, run, at, entries: [entry, ...]}                               the same

`ws-push` has delays and no order: work for one connection, which may take long and must not delay live messages.

    {kind: job,  job: greet | catch_up | replay | replay_events | search | again, connection, ...}     work for one connection
"""

import json
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from shared.channels.sockets.frames import Frame
from shared.channels.sockets.topics import terminal_topic
from shared.core import queues
from shared.core.ids import new_id

_MAX_DELAY = 900  # SQS's own limit, in seconds
log = logging.getLogger(__name__)


def publish(
    topic: str,
    frames: Mapping[str, Sequence[Frame]],
    *,
    ws_id: str | None = None,
    event_id: str | None = None,
    position: str | None = None,
) -> None:
    """Send frames, by contract, to the topic's subscribers. With `ws_id`, only to members of that workspace. `position`: the place of the
    event in the log of the workspace, if it came there in time: who names a later event has it."""
    shown = {contract: [frame.as_json() for frame in each] for contract, each in frames.items() if each}
    if shown:
        _send_push(topic, {"ws": ws_id, "event": event_id, "position": position, "frames": shown})


def publish_notice(topic: str, kind: str, about: Mapping[str, Any], *, ws_id: str | None, run_id: str) -> None:
    """Send news of a run that have no event; each contract renders them on delivery."""
    _send_push(topic, {"ws": ws_id, "run": run_id, "notice": kind, "about": about})


def publish_log(run_id: str, card_id: str | None, ws_id: str | None, body: str) -> None:
    """Send a stored chunk: `body` is a JSON array of entries. The log itself is stored, so a failing queue is only logged."""
    topic = terminal_topic(run_id, card_id)
    head = {"kind": "log", "topic": topic, "ws": ws_id, "run": run_id, "at": _now()}
    try:
        _send_live(topic, json.dumps(head)[:-1] + ', "entries": ' + body + "}")
    except (ClientError, BotoCoreError) as error:
        log.warning("viewers of run %s were not told of new entries: %s", run_id, type(error).__name__)


def send_job(job: str, connection_id: str, *, delay: float = 0, **fields: Any) -> None:
    """Queue work for one connection, `delay` seconds from now."""
    message = {"kind": "job", "job": job, "connection": connection_id, "at": _now()} | fields
    seconds: dict[str, Any] = {"DelaySeconds": min(int(delay), _MAX_DELAY)} if delay >= 1 else {}
    queues.send("ws_push_queue", message, **seconds)


def _send_push(topic: str, fields: dict[str, Any]) -> None:
    push = {"kind": "push", "topic": topic, "at": _now()}
    _send_live(topic, push | {name: value for name, value in fields.items() if value is not None})


def _send_live(topic: str, body: dict[str, Any] | str) -> None:
    queues.send("ws_live_queue", body, MessageGroupId=topic, MessageDeduplicationId=new_id())


def _now() -> int:
    return int(time.time() * 1000)
