"""Mails to users about their own account: each event leads to one mail, even if it is delivered several times.

An address that is not confirmed may be a stranger's: it is asked to confirm, a few times an hour, and told nothing else.
"""

from contextlib import suppress

from shared.channels.mail import outbox
from shared.core.errors import RateLimited
from shared.events import EventType
from shared.events.change import Change
from shared.people.identity import mails
from shared.people.identity.users import User


def react(change: Change) -> None:
    """Send the mail of a registration, a changed password, or a new way into the account."""
    if change.event.type is EventType.USER_REGISTERED:
        user = change.after(User)
        if not user.email_verified:
            _welcome(change, user)
    elif change.event.type is EventType.PASSWORD_CHANGED:
        user = change.after(User)
        if not user.email_verified:
            return
        url = outbox.link("/forgot-password")
        outbox.send("password_changed", user.email, once=change.event.id, name=user.name, at=change.event.at, url=url)
    elif change.event.type is EventType.USER_UPDATED:
        _on_update(change, change.after(User))


def _welcome(change: Change, user: User) -> None:
    with suppress(RateLimited):  # many accounts of one mailbox: who owns one of them can ask for the mail again
        mails.count_mail("registered", user.email)
        mails.send_verification(user, once=change.event.id)


def _on_update(change: Change, user: User) -> None:
    if "email_verified" in change.event.changes and user.password_hash is None and user.founding_identity is None:
        mails.send_reset("choose_password", user.id, user.email, once=change.event.id)
    if "identity" in change.event.changes:
        _, provider = change.event.changes["identity"]
        url = outbox.link("/forgot-password")
        outbox.send("identity_linked", user.email, once=change.event.id, provider=provider, at=change.event.at, url=url)
