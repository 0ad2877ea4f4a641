"""Confirm an e-mail address, and set a new password by a mailed token."""

from shared.channels.mail.addresses import lift_bounce
from shared.core.actor import Actor
from shared.core.emails import normal_email
from shared.core.errors import RateLimited, Unauthenticated
from shared.core.limits import RateRule
from shared.core.situations import Situation
from shared.events import EventType, record
from shared.people.access import records
from shared.people.identity import one_time_tokens, passwords
from shared.people.identity.accounts import close_all_sessions, set_password
from shared.people.identity.mails import count_mail, send_reset, send_verification
from shared.people.identity.one_time_tokens import OneTimeToken, Purpose
from shared.people.identity.users import User, find_user_id, get_user
from shared.store import Guard, Operation, delete, fetch, update_with_retry

MAILS_PER_IP = RateRule("forgot", 30, 3600)
"""Requests for forgotten passwords from one network address per hour, for all accounts."""


class _TokenUnusable(Unauthenticated):
    def __init__(self) -> None:
        super().__init__(Situation.ONE_TIME_TOKEN_INVALID, "This token is not good any more; ask for a new one")


def resend_verification(actor: Actor) -> None:
    """Mail the link again, unless the address is already confirmed; also to an address that bounced before today. Raises RateLimited
    after MAILS_PER_ADDRESS."""
    count_mail("verify", actor.email)
    user = get_user(actor.id)
    if not user.email_verified:
        lift_bounce(user.email)
        send_verification(user)


def verify_email(token: str, caller: Actor | None = None) -> User:
    """Confirm the address that the token was sent to. Raises Unauthenticated.

    Unless the `caller` has a session of this account, somebody else may have registered it: then what was made before (sessions,
    password, identity at a provider) ends, and the owner is mailed a link that sets a password.
    """
    row = one_time_tokens.get_token(Purpose.VERIFY, token)

    def change(user: User) -> list[Operation]:
        if user.email != row.data["email"]:
            raise _TokenUnusable
        if not user.email_verified:
            is_owner = caller is not None and caller.id == user.id
            operations = [] if is_owner else _end_founding(user)
            user.email_verified = True
            record(user, EventType.USER_UPDATED, user.as_actor(), changes={"email_verified": [False, True]})
            access = [records.confirm_email(user.id)] if is_owner else close_all_sessions(user)
            return [one_time_tokens.consume(row), *operations, *access]
        return [one_time_tokens.consume(row)]

    return update_with_retry(lambda: _get_subject(row), change)


def forgot_password(email: str, *, ip: str) -> None:
    """Mail a link that sets a new password, if an account has this address.

    The steps are the same if there is no such account, so that nobody learns which addresses exist: three reads and writes, and a
    message (an empty one, if there is no account). Raises RateLimited after MAILS_PER_IP; after MAILS_PER_ADDRESS no mail is
    sent, without an error.
    """
    email = normal_email(email)
    records.count_anonymous(f"forgot#{ip}", [MAILS_PER_IP])
    try:
        count_mail("forgot", email)
    except RateLimited:
        return
    send_reset("reset_password", find_user_id(email), email)


def reset_password(token: str, new: str, *, ip: str = "") -> None:
    """Set a new password by a mailed token. In the same transaction every session of the user ends, and the address counts as
    confirmed.

    Raises Invalid(PASSWORD_WEAK) and Unauthenticated (also if the password was changed after the token was sent).
    """
    passwords.check_strength(new, "new_password")  # before the token is looked at: it stays good for a better password
    row = one_time_tokens.get_token(Purpose.RESET, token)

    def change(user: User) -> list[Operation]:
        if user.password_changed_at is not None and row.issued_at <= user.password_changed_at:
            raise _TokenUnusable
        operations = [] if user.email_verified else _end_founding(user)
        set_password(user, new)
        user.email_verified = True
        record(user, EventType.PASSWORD_CHANGED, user.as_actor())
        operations += [one_time_tokens.consume(row), records.reset_guesses(user.email, ip)]
        return [*operations, *close_all_sessions(user)]

    update_with_retry(lambda: _get_subject(row), change)


def _end_founding(user: User) -> list[Operation]:
    """Take from an account whose address was never confirmed the ways in that it was founded with."""
    identity, user.password_hash, user.founding_identity = user.founding_identity, None, None
    return [delete(Guard.of(identity, user.id))] if identity else []


def _get_subject(row: OneTimeToken) -> User:
    user = fetch(User, row.subject) if row.subject else None
    if user is None:
        raise _TokenUnusable
    return user
