"""Wake the worker that delivers messages (queue `sandbox-messages`). What waits is in the table: a wake that is lost, late or doubled does
no harm.

    {sandbox}                          deliver what is due for it
    {message}                          look what is due with it
    {broadcast}                        write the messages of a broadcast
    {collaboration}                    move it on (sent by `shared.sandboxes.collaborations`)
    {lost, start_number, since}        look what became of a sandbox whose connection was lost at that time (epoch seconds)
    {watch}                        do what a sandbox needs (the job `sandbox-watch`)
"""

from contextlib import suppress
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from shared.core import queues
from shared.sandboxes.messages.rows import MessageHead

LONGEST_DELAY: Final = 900  # seconds: SQS's own limit; the job of each minute finds what is due later


def wake(sandbox_id: str, seconds: int = 0) -> None:
    """Let the worker deliver what is due for a sandbox, now or in some seconds."""
    _send({"sandbox": sandbox_id}, seconds)


def wake_at_once(message: MessageHead) -> None:
    """Let the worker deliver a message that was just written. Its event does so too if this is lost, only later."""
    if message.is_waiting:
        with suppress(BotoCoreError, ClientError):
            wake(message.to_sandbox)


def wake_for(message_id: str, seconds: int) -> None:
    """Let the worker look at a message in so many seconds."""
    _send({"message": message_id}, seconds)


def wake_for_broadcast(broadcast_id: str) -> None:
    _send({"broadcast": broadcast_id}, 0)


def wake_for_lost(sandbox_id: str, start_number: int, since: int, seconds: int) -> None:
    """Let the worker look in so many seconds what became of a sandbox whose connection was lost."""
    _send({"lost": sandbox_id, "start_number": start_number, "since": since}, seconds)


def _send(body: dict[str, Any], seconds: int) -> None:
    queues.send("sandbox_messages_queue", body, DelaySeconds=max(0, min(seconds, LONGEST_DELAY)))
