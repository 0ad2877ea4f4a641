"""Queue a mail: one message on the queue `emails`, which the function `mailer` renders and sends through SES.

    {id, kind, to, values}

The queue is encrypted. No part of a message is ever logged, because its links (`values.url`) contain one-time tokens.
"""

from typing import Any

from shared.channels.mail.templates import render
from shared.core import queues
from shared.core.errors import Upstream
from shared.core.ids import derived_id, new_id
from shared.core.settings import settings
from shared.core.situations import Situation


def send(kind: str, to: str, *, once: str | None = None, **values: Any) -> None:
    """Queue a mail to one address; `kind` and `values` are those of a template in `shared.channels.mail.templates`.

    `once` is an idempotency key (an event's id): repeated calls with the same key send one mail. Raises Upstream if the queue fails,
    LookupError for an unknown kind and TypeError for wrong values; the last two here already, not later in the mailer.
    """
    render(kind, values)
    message = {"id": derived_id("mail", kind, once) if once else new_id(), "kind": kind, "to": to, "values": values}
    failure = Upstream(Situation.UNAVAILABLE, "The mail could not be sent; try again shortly")
    queues.send("emails_queue", message, failure=failure)


def link(path: str) -> str:
    """Return the URL of a page of the web application, for use in a mail: `link("/verify-email?token=...")`."""
    return (settings().app_url or settings().public_url).rstrip("/") + path
