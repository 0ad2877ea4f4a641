"""Send a mail through SES once, even if the queue delivers its message several times.

claim      a conditional put locks the message's id for LOCK_SECONDS
sent       the claim is marked as done and stays for RETENTION seconds: the same message is not sent again
refused    SES returns an error: the claim is deleted, the queue retries and finally moves the message to its dead letters
crash      after the claim: the next delivery tries again when the lock has expired. A crash after SES has accepted the mail and
           before the claim is marked sends the mail twice, because SES has no idempotency key
"""

import logging
from functools import cache
from typing import Any

from botocore.exceptions import ClientError

from shared.channels.mail.addresses import find_refused
from shared.channels.mail.templates import RenderedMail, render
from shared.core import aws, clock
from shared.core.emails import with_ascii_domain
from shared.core.errors import ConditionFailed
from shared.core.settings import settings
from shared.store import BooleanAttribute, Ephemeral, NumberAttribute, absent, delete, get, put, write

LOCK_SECONDS = 60  # longer than the mailer's timeout (30), shorter than the queue's visibility timeout (180)
RETENTION = 1_209_600  # 14 days, in seconds: longer than the queue and its dead-letter queue keep a message
log = logging.getLogger(__name__)


class MailDelivery(Ephemeral):
    """The claim of one message: a mail that is being sent or has been sent."""

    locked_until = NumberAttribute()
    done = BooleanAttribute(default=False)


@cache
def ses() -> Any:
    from botocore.config import Config

    config = Config(connect_timeout=2, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3})
    return aws.client("sesv2", config=config)


def deliver(message: dict[str, Any]) -> bool:
    """Send the mail of a queue message; return False if it was sent before, there is no mail to send, or its address gets none.

    Raises ConditionFailed while another delivery of the same message is running, and the errors of SES.
    """
    mail = render(message["kind"], message["values"])
    if mail is None:
        return False
    if refused := find_refused(message["to"]):
        log.warning(
            "a mail is not sent to an address that refuses it",
            extra={"mail": message["id"], "kind": message["kind"], "reason": refused.reason, "since": refused.at},
        )
        return False
    claim = _claim(message["id"])
    if claim is None:
        return False
    try:
        _send_to_ses(message["to"], mail, mail=message["id"], kind=message["kind"])
    except BaseException:
        write(delete(claim))
        raise
    claim.done = True
    write(put(claim))
    return True


def _claim(message_id: str) -> MailDelivery | None:
    """Lock the message's id; return None if the mail was sent before. Raises ConditionFailed if another delivery holds the lock."""
    now = clock.epoch()
    claim = MailDelivery(pk=f"MAIL#{message_id}", sk="META", locked_until=now + LOCK_SECONDS, ttl=now + RETENTION)
    busy = ConditionFailed("Another delivery of this message is under way")
    try:
        given_up = (MailDelivery.done == False) & (MailDelivery.locked_until < now)  # noqa: E712 - a condition
        write(put(claim, absent(claim) | given_up, busy))
    except ConditionFailed:
        existing = get(MailDelivery, claim.pk)
        if existing is None or not existing.done:
            raise
        return None
    return claim


def _send_to_ses(to: str, rendered: RenderedMail, **tags: str) -> None:
    """Send the mail; drop it with a warning if SES says that the address is invalid, raise every other error of SES. What SES says of
    the mail later has its `tags`."""

    def utf8(text: str) -> dict[str, str]:
        return {"Data": text, "Charset": "UTF-8"}

    reported: dict[str, Any] = {}
    if configuration_set := settings().mail_configuration_set:
        reported = {
            "ConfigurationSetName": configuration_set,
            "EmailTags": [{"Name": name, "Value": value} for name, value in tags.items()],
        }
    try:
        ses().send_email(
            **reported,
            FromEmailAddress=settings().mail_sender,
            Destination={"ToAddresses": [with_ascii_domain(to)]},
            Content={
                "Simple": {
                    "Subject": utf8(rendered.subject),
                    "Body": {"Text": utf8(rendered.text), "Html": utf8(rendered.html)},
                }
            },
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "BadRequestException":
            raise
        # The address is invalid: neither a retry nor an operator could help
        log.warning("SES takes no mail for an address: it is dropped")
