"""Sending messages to whoever listens, by way of two queues: the caller waits for one SQS request, never for a viewer.

`ws-live` is a FIFO queue with the topic as its message group: who watches a terminal sees its lines in the order in which they were
written.

    {kind: push, topic, ws?, run?, event?, at, messages: {<contract>: [message, ...]}}
    {kind: log,  topic, ws?, run, at, entries: [entry, ...]}

`ws-push` knows delays and no order: work for one connection, which may take long and must not hold up what is live.

    {kind: job,  job: hello | resume | replay | search | again, connection, ...}     work for one connection
"""

import json
import logging
import time
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from shared.channels.sockets.topics import terminal_topic
from shared.core import queues
from shared.core.ids import new_id

Message = dict[str, Any]
_MAX_DELAY = 900  # SQS's own limit, in seconds
log = logging.getLogger(__name__)


def publish(
    topic: str,
    *,
    agentworks: list[Message] | None = None,
    omoios: list[Message] | None = None,
    ws_id: str | None = None,
    run_id: str | None = None,
    event_id: str | None = None,
) -> None:
    """Send messages, in each contract's own shape, to the topic's subscribers. With `ws_id`, only to members of that workspace."""
    messages = {name: found for name, found in (("agentworks", agentworks), ("omoios", omoios)) if found}
    if messages:
        about = {"topic": topic, "ws": ws_id, "run": run_id, "event": event_id}
        head = {"kind": "push"} | {key: value for key, value in about.items() if value}
        _send_live(topic, head | {"at": _now(), "messages": messages})


def publish_log(run_id: str, card_id: str | None, ws_id: str | None, body: str) -> None:
    """Send a stored chunk: `body` is a JSON array of entries. The log itself is safe, so a queue that fails is only said."""
    topic = terminal_topic(run_id, card_id)
    head = {"kind": "log", "topic": topic, "ws": ws_id, "run": run_id, "at": _now()}
    try:
        _send_live(topic, json.dumps(head)[:-1] + ', "entries": ' + body + "}")
    except (ClientError, BotoCoreError) as error:
        log.warning("viewers of run %s were not told of new entries: %s", run_id, type(error).__name__)


def send_job(job: str, connection_id: str, *, delay: float = 0, **about: Any) -> None:
    """Ask the pusher to do something for one connection, `delay` seconds from now."""
    message = {"kind": "job", "job": job, "connection": connection_id, "at": _now()} | about
    seconds: dict[str, Any] = {"DelaySeconds": min(int(delay), _MAX_DELAY)} if delay >= 1 else {}
    queues.send("ws_push_queue", message, **seconds)


def _send_live(topic: str, body: Message | str) -> None:
    queues.send("ws_live_queue", body, MessageGroupId=topic, MessageDeduplicationId=new_id())


def _now() -> int:
    return int(time.time() * 1000)
