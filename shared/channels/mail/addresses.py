"""The addresses that get no mail: those that bounced, and those whose owner complained of our mail.

bounce     the mailbox does not exist. Forgotten after BOUNCE_SECONDS; the owner of an account may lift it once it is LIFT_AFTER old
complaint  somebody called a mail of ours spam. It stays until their provider takes it back or an operator lifts it (`tools.mail`)
"""

from contextlib import suppress
from typing import Final

from shared.core import clock
from shared.core.emails import normal_email
from shared.core.errors import ConditionFailed, Conflict
from shared.core.keys import fingerprint
from shared.store import Ephemeral, UnicodeAttribute, delete, get, put, write

BOUNCE: Final = "bounce"
COMPLAINT: Final = "complaint"
BOUNCE_SECONDS = 14 * 86_400  # as long as SES's own global list of bounced addresses keeps one at most
LIFT_AFTER = 86_400  # seconds: who asks for mail again and again to an address that does not exist bounces once a day


class RefusedAddress(Ephemeral):
    """An address to which no mail is sent, under its fingerprint: the row does not say whose it is."""

    reason = UnicodeAttribute()
    at = UnicodeAttribute()


def find_refused(address: str) -> RefusedAddress | None:
    """Return why an address gets no mail, or None if it does. One read."""
    row = get(RefusedAddress, _key(address))
    return None if row is None or (row.ttl and row.ttl < clock.epoch()) else row


def refuse(address: str, reason: str) -> None:
    """Send no more mail to an address. A bounce does not replace a complaint."""
    ttl = clock.epoch() + BOUNCE_SECONDS if reason == BOUNCE else None
    row = RefusedAddress(pk=_key(address), sk="META", reason=reason, at=clock.iso(), ttl=ttl)
    condition = RefusedAddress.pk.does_not_exist() | (RefusedAddress.reason == BOUNCE) if reason == BOUNCE else None
    with suppress(ConditionFailed):
        write(put(row, condition, ConditionFailed))


def lift(address: str) -> None:
    """Send mail to an address again."""
    write(delete(RefusedAddress(pk=_key(address), sk="META")))


def lift_bounce(address: str) -> None:
    """Try an address again at its owner's request, if it bounced more than LIFT_AFTER ago. One read."""
    row = find_refused(address)
    if row and row.reason == BOUNCE and clock.parse(row.at).timestamp() <= clock.epoch() - LIFT_AFTER:
        with suppress(Conflict):  # something new was said of the address
            write(delete(row, RefusedAddress.at == row.at))


def _key(address: str) -> str:
    return f"MAILTO#{fingerprint(normal_email(address))}"
