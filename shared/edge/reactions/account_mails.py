"""Mails to users about their own account: each event leads to one mail, even if it is delivered several times."""

from shared.channels.mail import outbox
from shared.events import EventType
from shared.events.change import Change
from shared.people.identity.mails import send_verification
from shared.people.identity.users import User


def react(change: Change) -> None:
    """Send the mail of a registration or a changed password."""
    if change.event.type is EventType.USER_REGISTERED:
        user = change.after(User)
        if not user.email_verified:
            send_verification(user, once=change.event.id)
    elif change.event.type is EventType.PASSWORD_CHANGED:
        user = change.after(User)
        url = outbox.link("/forgot-password")
        outbox.send("password_changed", user.email, once=change.event.id, name=user.name, at=change.event.at, url=url)
