"""Mails that an account's owner gets while they prove who they are."""

from shared.channels.mail import outbox
from shared.core.errors import RateLimited
from shared.core.keys import fingerprint
from shared.core.limits import RateRule
from shared.people.access import records
from shared.people.identity import one_time_tokens
from shared.people.identity.one_time_tokens import Purpose
from shared.people.identity.users import User

LOCKED_MAILS = RateRule("locked", 1, records.GUESSES_PER_ACCOUNT.window)
"""Mails to the owner of an account that takes no password: one for each time that it is closed."""


def send_verification(user: User, *, once: str | None = None) -> None:
    """Mail a link that confirms the user's address. `once`: see `outbox.send`. One round trip and a message."""
    token, expires = one_time_tokens.issue(Purpose.VERIFY, user.id, email=user.email)
    url = outbox.link(f"/verify-email?token={token}")
    outbox.send("verify_email", user.email, once=once, name=user.name, url=url, expires=expires)


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
        records.count_anonymous(f"locked#{fingerprint(email)}", [LOCKED_MAILS])
    except RateLimited:
        return
    send_reset("account_locked", user_id, email)
