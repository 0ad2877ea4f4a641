"""Handing a mail to SES, once for each message however often the queue delivers it.

claim      the message's id is taken for LOCK seconds (a conditional put)
sent       the claim says so for KEEP seconds: the same message again is done already
refused    SES does not take it: the claim is dropped, the queue tries again and at last sets it aside
died       between claim and answer: tried again when the claim is over. Between SES's answer and ours the mail leaves twice; SES has
           no idempotency key
"""

import logging
from functools import cache
from typing import Any

from botocore.exceptions import ClientError

from shared.channels.mail.templates import Letter, letter
from shared.core import aws, clock
from shared.core.errors import Conflict
from shared.core.settings import settings
from shared.store import BooleanAttribute, Ephemeral, NumberAttribute, delete, get, put, write

LOCK = 60  # seconds: longer than the mailer may run (30), shorter than a message stays hidden (180)
KEEP = 1_209_600  # 14 days: longer than the queue and its dead letters keep a message
log = logging.getLogger(__name__)


class Sent(Ephemeral):
    """A mail that is on its way or gone."""

    locked_until = NumberAttribute()
    done = BooleanAttribute(default=False)


@cache
def ses() -> Any:
    from botocore.config import Config

    config = Config(connect_timeout=2, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3})
    return aws.client("sesv2", config=config)


def deliver(message: dict[str, Any]) -> bool:
    """Send the mail of a message of `outbox`; False where it was sent before or is none. Raises Conflict("mail") while another
    delivery of the message is under way, and what SES raises."""
    written = letter(message["kind"], message["values"])
    if written is None:
        return False
    claim = _claim(message["id"])
    if claim is None:
        return False
    try:
        _hand_over(message["to"], written)
    except BaseException:
        write(delete(claim))
        raise
    claim.done = True
    write(put(claim))
    return True


def _claim(message_id: str) -> Sent | None:
    """None when the mail has been sent."""
    now = clock.epoch()
    claim = Sent(pk=f"MAIL#{message_id}", sk="META", locked_until=now + LOCK, ttl=now + KEEP)
    busy = Conflict("mail", "Another delivery of this message is under way")
    try:
        write(put(claim, Sent.pk.does_not_exist() | ((Sent.done == False) & (Sent.locked_until < now)), busy))  # noqa: E712 - a condition
    except Conflict:
        kept = get(Sent, claim.pk)
        if kept is None or not kept.done:
            raise
        return None
    return claim


def _hand_over(to: str, written: Letter) -> None:
    def utf8(text: str) -> dict[str, str]:
        return {"Data": text, "Charset": "UTF-8"}

    try:
        ses().send_email(
            FromEmailAddress=settings().mail_sender,
            Destination={"ToAddresses": [_ascii(to)]},
            Content={
                "Simple": {
                    "Subject": utf8(written.subject),
                    "Body": {"Text": utf8(written.text), "Html": utf8(written.html)},
                }
            },
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "BadRequestException":
            raise
        # Somebody gave an address that is none. Trying again changes nothing, and nobody of ours could mend it
        log.warning("SES takes no mail for an address: it is dropped")


def _ascii(address: str) -> str:
    """The address with its domain in ASCII (punycode), which is all that SES takes."""
    local, _, domain = address.rpartition("@")
    try:
        return f"{local}@{domain.encode('idna').decode()}"
    except UnicodeError:
        return address
