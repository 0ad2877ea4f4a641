"""Mails that an account's owner gets while they prove who they are."""

from shared.channels.mail import outbox
from shared.core.emails import mailbox_of
from shared.core.errors import RateLimited
from shared.core.keys import fingerprint
from shared.core.limits import RateRule
from shared.people.access import records
from shared.people.identity import one_time_tokens
from shared.people.identity.one_time_tokens import Purpose
from shared.people.identity.users import User

MAILS_PER_ADDRESS = RateRule("mails", 5, 3600)
"""Mails of one kind to one mailbox per hour."""
LOCKED_MAILS = RateRule("locked", 1, records.GUESSES_PER_ACCOUNT.window)
"""Mails to the owner of an account that takes no password: one for each time that it is closed."""


def count_mail(kind: str, email: str, rule: RateRule = MAILS_PER_ADDRESS) -> None:
    """Count a mail of this kind to the mailbox of an address. Raises RateLimited."""
    records.count_anonymous(f"{kind}#{fingerprint(mailbox_of(email))}", [rule])


def send_verification(user: User, *, once: str | None = None) -> None:
    """Mail a link that confirms the user's address. `once`: see `outbox.send`. One round trip and a message."""
    token, expires = one_time_tokens.issue(Purpose.VERIFY, user.id, email=user.email)
    url = outbox.link(f"/verify-email?token={token}")
    outbox.send("verify_email", user.email, once=once, url=url, expires=expires)


def send_reset(kind: str, user_id: str | None, email: str, *, once: str | None = None) -> None:
    """Mail a link that sets a new password; `kind` is the mail around it. `once`: see `outbox.send`.

    The steps are the same if nobody has this address, so that nobody learns which addresses exist: one write, and a message (an
    empty one).
    """
    token, expires = one_time_tokens.issue(Purpose.RESET, user_id or "")
    if user_id is None:
        outbox.send("nothing", email)
    else:
        outbox.send(kind, email, once=once, url=outbox.link(f"/reset-password?token={token}"), expires=expires)


def tell_locked(user_id: str | None, email: str) -> None:
    """Mail the owner of a closed account how to get in, once for each time that it is closed."""
    try:
        count_mail("locked", email, LOCKED_MAILS)
    except RateLimited:
        return
    send_reset("account_locked", user_id, email)
