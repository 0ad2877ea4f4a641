"""The queue `github-events`: FIFO, with the repository as the message group. What one repository sends is worked off in its order, and a
flood of it takes one place of the worker.

    {repository, event, delivery, payload | file}    a delivery of the webhook; a large one lies in the bucket
    {repository, card}                               a card has changed that is kept in step with an issue
    {repository, comment}                            a comment was written, changed or removed on such a card
    {repository, waiting: <task>}                    a task may be completed now whose pull request was merged
    {repository, history: {branch, base, head}}      a stretch of commits that nobody has told us of; in a line of its own
    {repository, reconcile: true}                    look at GitHub for deliveries that were missed
    {installation, action, numbers}                  what became of an installation of the app, or of these repositories in it
    {app: "reconcile"}                               look for deliveries of the app's webhook that were missed

`start` (of a history: `page` and `start`) says how many commits of a push have been worked off. A message that has to wait because
GitHub allows no more requests is put off, and those of the repository behind it wait too: they would be refused as well.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from shared.core import queues
from shared.core.errors import Upstream
from shared.core.ids import new_id
from shared.core.situations import Situation
from shared.store import delete_file, get_file, put_file

INLINE: Final = 240_000
"""Bytes of a payload that travels in its message: with the rest below 256 KB."""
_NO_TEXT: Final = ("\ufffe", "\uffff")  # what JSON may have and SQS takes in no message


class _NotQueued(Upstream):
    def __init__(self) -> None:
        super().__init__(Situation.UNAVAILABLE, "The message cannot be queued at the moment")


def queue_delivery(ws_id: str, repository_id: str, event: str, delivery: str, body: bytes) -> None:
    """Put a delivery in line. Raises Upstream if the queue does not take it."""
    message: dict[str, Any] = {"repository": repository_id, "event": event, "delivery": delivery}
    text = body.decode("utf-8-sig")
    if len(body) > INLINE or any(one in text for one in _NO_TEXT):
        key = f"github/{ws_id}/deliveries/{repository_id}/{delivery}"
        put_file(key, body, "application/json")
        send(message | {"file": key}, once=_once(repository_id, delivery))
        return
    head = json.dumps(message, separators=(",", ":"))[:-1]
    queues.send(
        "github_events_queue",
        f'{head},"payload":{text}}}',  # it is JSON already, and is not written again as a text in a text
        failure=_NotQueued(),
        **_group(repository_id, _once(repository_id, delivery)),
    )


def _once(repository_id: str, delivery: str) -> str:
    """A delivery of the app's webhook is for several repositories, and the queue drops what it has had from any of them."""
    return f"{repository_id}-{delivery}"


def send(message: Mapping[str, Any], *, once: str | None = None) -> None:
    """Put a message in line. `once`: of two with the same in five minutes, the second one is dropped. Raises Upstream."""
    queues.send("github_events_queue", dict(message), failure=_NotQueued(), **_group(_line_of(message), once))


def send_of_app(message: Mapping[str, Any], *, once: str | None = None) -> None:
    """Put in line what the app, and no repository of its own, is told. Raises Upstream."""
    line = {"MessageGroupId": f"app-{message.get('installation', '')}", "MessageDeduplicationId": once or new_id()}
    queues.send("github_events_queue", dict(message), failure=_NotQueued(), **line)


def _line_of(message: Mapping[str, Any]) -> str:
    return f"{message['repository']}-history" if "history" in message else str(message["repository"])


def _group(repository_id: str, once: str | None) -> dict[str, str]:
    return {"MessageGroupId": repository_id, "MessageDeduplicationId": once or new_id()}


def payload_of(message: Mapping[str, Any]) -> Any:
    """Return what a delivery says."""
    return json.loads(get_file(message["file"])) if "file" in message else message["payload"]


def drop_payload(message: Mapping[str, Any]) -> None:
    """Remove the file of a delivery that has been worked off."""
    if "file" in message:
        delete_file(message["file"])
