"""Registering, logging in, changing a password."""

from dataclasses import dataclass, replace

from shared.core import clock
from shared.core.actor import Actor, Role
from shared.core.errors import FieldError, Invalid, Unauthenticated
from shared.core.ids import new_id
from shared.events import EventType, record
from shared.identity import access, passwords, sessions
from shared.identity.users import EMAIL_TAKEN, User, email_guard, find_by_email, new_user, the_user
from shared.store import create, fetch, save, write
from shared.tenancy.founding import found_organization
from shared.tenancy.rows import Organization


@dataclass(frozen=True)
class LoggedIn:
    user: User
    tokens: sessions.Tokens
    role: Role
    """The caller's role in their own organization."""
    actor: Actor
    """Who logged in, with what they belong to."""


def register(name: str, email: str, password: str, *, contract: str, organization: str | None = None) -> LoggedIn:
    """A new account with a personal organization, its default workspace, and an open session: one transaction.

    Raises Conflict("email") for a known address and Invalid("password_weak").
    """
    passwords.check_strength(password)
    email, name = normal_email(email), " ".join(name.split())
    org_id, ws_id = new_id(), new_id()
    user = new_user(name, email, passwords.hashed(password), org_id, ws_id)
    user.last_login_at = user.created_at
    actor = user.as_actor()
    record(user, EventType.USER_REGISTERED, actor)
    founded = found_organization(actor, organization or f"{name}'s organization", org_id=org_id, ws_id=ws_id)
    tokens, opened, expires = sessions.begin(user, contract, role=Role.OWNER, plan=founded.organization.plan)
    write(
        create(email_guard(email, user.id), EMAIL_TAKEN),
        create(user),
        *founded.operations,
        access.new_access(user, tokens.session_id, expires, org_id, ws_id),
        *opened,
    )
    entered = replace(actor, workspaces={ws_id: Role.OWNER}, organizations={org_id: Role.OWNER}, session_id=tokens.session_id)
    return LoggedIn(user, tokens, Role.OWNER, entered)


def login(email: str, password: str, *, contract: str, remember: bool = True) -> LoggedIn:
    """Open a session. Raises Unauthenticated("credentials"), the same for an unknown address and a wrong password."""
    user = find_by_email(normal_email(email))
    if not passwords.matches(user.password_hash if user else None, password) or user is None:
        raise Unauthenticated("credentials", "Invalid email or password")
    held = access.of_user(user.id)
    organization = fetch(Organization, str(user.org_id))
    role = Role(dict(held.organizations).get(user.org_id, Role.MEMBER.value)) if held else Role.MEMBER
    tokens, opened, expires = sessions.begin(
        user, contract, role=role, plan=organization.plan if organization else "free", remember=remember
    )
    user.last_login_at = clock.iso()
    write(save(user), access.open_session(user.id, tokens.session_id, expires, held), *opened)
    return LoggedIn(user, tokens, role, access.actor_of(user.id, held, tokens.session_id) if held else user.as_actor())


def change_password(actor: Actor, current: str, new: str) -> None:
    """Set a new password. Every other session of the user ends; the one that asked goes on."""
    user = the_user(actor.id)
    if not passwords.matches(user.password_hash, current):
        raise Invalid(FieldError("currentPassword", "This is not your current password"))
    passwords.check_strength(new, "newPassword")
    user.password_hash = passwords.hashed(new)
    record(user, EventType.PASSWORD_CHANGED, actor)
    held = access.of_user(user.id)
    others = [session for session in dict(held.sessions) if session != actor.session_id] if held else []
    write(save(user))
    for session in others:
        sessions.end(user.id, session)


def normal_email(email: str) -> str:
    return email.strip().lower()
