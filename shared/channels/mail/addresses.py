"""The addresses that get no mail: those that bounced, and those whose owner complained of our mail.

bounce     the mailbox does not exist. Forgotten after BOUNCE_SECONDS; the owner of an account may lift it once it is LIFT_AFTER old
complaint  somebody called a mail of ours spam. It stays until their provider takes it back or an operator lifts it (`tools.mail`)
"""

from contextlib import suppress
from typing import Final

from shared.core import clock
from shared.core.emails import mailbox_of, normal_email
from shared.core.errors import Conflict
from shared.core.keys import fingerprint
from shared.store import Ephemeral, UnicodeAttribute, delete, get_many, put, write

BOUNCE: Final = "bounce"
COMPLAINT: Final = "complaint"
BOUNCE_SECONDS = 14 * 86_400  # as long as SES's own global list of bounced addresses keeps one at most
LIFT_AFTER = 86_400  # seconds: who asks for mail again and again to an address that does not exist bounces once a day


class RefusedAddress(Ephemeral):
    """An address to which no mail is sent, under its fingerprint: the row does not say whose it is."""

    reason = UnicodeAttribute()
    at = UnicodeAttribute()


def find_refused(address: str) -> RefusedAddress | None:
    """Return why an address gets no mail, or None if it does: a complaint about any address of its mailbox, or a bounce. One read."""
    complaint, bounce = get_many([(RefusedAddress, key, "META") for key in _keys(address)])
    row = complaint or bounce
    assert row is None or isinstance(row, RefusedAddress)  # noqa: S101 - the model that was asked for
    return None if row is None or (row.ttl and row.ttl < clock.epoch()) else row


def refuse(address: str, reason: str) -> None:
    """Send no more mail to an address; after a complaint to no variant of it (`mailbox_of`), because one person reads them all."""
    mailbox, spelling = _keys(address)
    ttl = clock.epoch() + BOUNCE_SECONDS if reason == BOUNCE else None
    write(put(RefusedAddress(pk=spelling if reason == BOUNCE else mailbox, sk="META", reason=reason, at=clock.iso(), ttl=ttl)))


def lift(address: str) -> None:
    """Send mail to an address again."""
    write(*(delete(RefusedAddress(pk=key, sk="META")) for key in _keys(address)))


def lift_bounce(address: str) -> None:
    """Try an address again at its owner's request, if it bounced more than LIFT_AFTER ago. One read."""
    row = find_refused(address)
    if row and row.reason == BOUNCE and clock.parse(row.at).timestamp() <= clock.epoch() - LIFT_AFTER:
        with suppress(Conflict):  # something new was said of the address
            write(delete(row, RefusedAddress.at == row.at))


def _keys(address: str) -> tuple[str, str]:
    """Return the key of a complaint, which is of the mailbox, and that of a bounce, which is of the address."""
    return f"MAILBOX#{fingerprint(mailbox_of(address))}", f"MAILTO#{fingerprint(normal_email(address))}"
