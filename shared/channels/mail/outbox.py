"""Asking for a mail: one message on the queue `emails`, which the function `mailer` turns into a letter and hands to SES.

    {id, kind, to, values}

The queue is encrypted; nothing of a message is ever logged, since the addresses in it (`values.url`) hold one-time tokens.
"""

from typing import Any

from shared.channels.mail.templates import letter
from shared.core import queues
from shared.core.errors import Upstream
from shared.core.ids import derived_id, new_id
from shared.core.settings import settings


def send(kind: str, to: str, *, once: str | None = None, **values: Any) -> None:
    """Ask for the mail `kind` (`shared.channels.mail.templates` has them, with their values) to one address.

    `once` names the occasion (an event's id): however often it is asked for, one mail leaves. Raises Upstream where the queue does not
    take it, LookupError for an unknown kind and TypeError for values that are not the kind's: at once, not in the mailer.
    """
    letter(kind, values)
    message = {"id": derived_id("mail", kind, once) if once else new_id(), "kind": kind, "to": to, "values": values}
    failure = Upstream("storage", "The mail could not be sent; try again shortly", retry_after=1)
    queues.send("emails_queue", message, failure=failure)


def link(path: str) -> str:
    """The address of a page of the web application, for a mail: `link("/verify-email?token=...")`."""
    return (settings().app_url or settings().public_url).rstrip("/") + path
