"""Registering, logging in, changing a password."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from shared.core import clock
from shared.core.actor import Actor, Role
from shared.core.errors import FieldError, Invalid, Unauthenticated
from shared.core.ids import new_id
from shared.core.plans import FREE
from shared.core.situations import Situation
from shared.events import EventType, record
from shared.people.access import records
from shared.people.identity import passwords, sessions
from shared.people.identity.users import EMAIL_TAKEN, User, email_guard, find_by_email, get_user, new_user
from shared.people.tenancy.invitations import prepare_acceptance
from shared.people.tenancy.provisioning import NewOrganization, new_organization
from shared.people.tenancy.rows import Organization
from shared.store import Operation, create, delete, fetch, update, update_with_retry, write

_WRONG = Unauthenticated(Situation.CREDENTIALS_WRONG, "Invalid email or password")


@dataclass(frozen=True)
class Login:
    user: User
    tokens: sessions.Tokens
    role: Role
    """The caller's role in their own organization."""
    plan: str
    """The plan of that organization."""
    actor: Actor
    """Who logged in, with what they belong to."""


@dataclass(frozen=True)
class NewAccount:
    """Somebody with an organization and its default workspace, and the operations that will write them."""

    user: User
    actor: Actor
    provisioned: NewOrganization

    @property
    def operations(self) -> list[Operation]:
        guard = email_guard(self.user.email, self.user.id)
        return [create(guard, EMAIL_TAKEN), create(self.user), *self.provisioned.operations]

    def access(self, session_id: str | None, expires: int, joined: Mapping[str, Role] | None = None) -> Operation:
        return records.new_access(self.user.as_actor(), session_id, expires, self.user.default_ws_id, joined)


def register(
    name: str, email: str, password: str, *, contract: str, organization: str | None = None, invitation: str | None = None
) -> Login:
    """A new account with a personal organization, its default workspace, and an open session: one transaction. With the token of an
    `invitation` it also joins that workspace, or nothing is written.

    Raises Conflict(EMAIL_TAKEN) for a known address, Invalid(PASSWORD_WEAK), and what `tenancy.invitations.accept` raises.
    """
    account = new_account(name, email, password, organization)
    if invitation is None:
        return create_account(account, contract)
    # Its address is not confirmed by the token: whoever invites somebody sees it too
    joining = prepare_acceptance(account.actor, invitation)
    return create_account(account, contract, *joining.operations, joined={joining.workspace.id: joining.role})


def create_account(account: NewAccount, contract: str, *further: Operation, joined: Mapping[str, Role] | None = None) -> Login:
    """Write a new account and open its first session, together with `further` operations: those of the workspaces it has `joined`,
    for one. One round trip."""
    user, plan = account.user, account.provisioned.organization.plan
    user.last_login_at = user.created_at
    tokens, opened, expires = sessions.new_session(user, contract, role=Role.OWNER, plan=plan)
    write(*account.operations, account.access(tokens.session_id, expires, joined), *opened, *further)
    entered = replace(
        account.actor,
        workspaces={user.default_ws_id: Role.OWNER} | dict(joined or {}),
        organizations={str(user.org_id): Role.OWNER},
        session_id=tokens.session_id,
    )
    return Login(user, tokens, Role.OWNER, plan, entered)


def register_without_session(name: str, email: str, password: str, *, organization: str | None = None) -> User:
    """`register` for a contract whose registration logs nobody in: no session is opened."""
    account = new_account(name, email, password, organization)
    write(*account.operations, account.access(None, 0))
    return account.user


def new_account(name: str, email: str, password: str | None, organization: str | None = None, **fields: Any) -> NewAccount:
    """Somebody who is about to be written. Without a password they enter by another way; `fields` are further ones of the user."""
    email, name = normal_email(email), " ".join(name.split())
    if password is not None:
        passwords.check_strength(password, personal=(email, name))
    hashed = passwords.hash_password(password) if password is not None else None
    user = new_user(name, email, hashed, new_id(), new_id(), **fields)
    actor = user.as_actor()
    record(user, EventType.USER_REGISTERED, actor)
    organization_rows = new_organization(
        actor, organization or f"{name}'s organization", org_id=str(user.org_id), ws_id=user.default_ws_id
    )
    return NewAccount(user, actor, organization_rows)


def login(email: str, password: str, *, contract: str, remember: bool = True, ip: str = "") -> Login:
    """Open a session; `ip` is where the caller is.

    Raises Unauthenticated(CREDENTIALS_WRONG), the same for an unknown address and a wrong password, and RateLimited after too many wrong
    guesses (`records.GUESSES_HERE`). The guess is counted before the password is looked at: a race wins nobody one more.
    """
    email = normal_email(email)
    user = find_by_email(email)
    access = records.count_guess(user.id if user else None, email, ip)
    if not passwords.matches(user.password_hash if user else None, password) or user is None:
        raise _WRONG
    same = User.password_hash == user.password_hash
    return open_session(user, access, records.reset_guesses(email, ip), contract=contract, remember=remember, same=same)


def open_session(
    user: User, access: records.Access, *further: Operation, contract: str, remember: bool = True, same: Any = None
) -> Login:
    """A session for somebody who proved who they are, together with `further` operations. `same` is a condition on the user's row that
    must still hold. Two round trips."""
    organization = fetch(Organization, str(user.org_id))
    plan = organization.plan if organization else FREE
    role = Role(dict(access.organizations).get(user.org_id, Role.MEMBER.value))
    tokens, opened, expires = sessions.new_session(user, contract, role=role, plan=plan, remember=remember)
    user.last_login_at = clock.iso()
    write(
        _note_login(user, same),
        records.open_session(user.id, tokens.session_id, expires, access),
        *opened,
        *further,
    )
    return Login(user, tokens, role, plan, records.build_actor(user.id, access, tokens.session_id))


def _note_login(user: User, same: Any) -> Operation:
    """Note a login, whoever else logs in at this moment, if what was shown is still good. The version goes up, so that nobody saves
    over it: a change of the password then sees the session that was opened, and ends it."""
    exists = User.pk.exists()
    actions = [User.last_login_at.set(user.last_login_at), User.version.add(1)]
    return update(user, actions, exists if same is None else exists & same, _WRONG)


def change_password(actor: Actor, current: str, new: str, *, ip: str = "") -> None:
    """Set a new password. Every other session of the user ends in the same transaction; the one that asked goes on.

    Raises Invalid, and RateLimited after too many guesses at the current password, which count with those of `login`.
    """
    passwords.check_strength(new, "new_password", (actor.email, actor.name))
    records.count_guess(actor.id, actor.email, ip)

    def change(user: User) -> list[Operation]:
        if not passwords.matches(user.password_hash, current):
            raise Invalid(FieldError("current_password", "This is not your current password"))
        set_password(user, new)
        record(user, EventType.PASSWORD_CHANGED, actor)
        return [*close_all_sessions(user.id, but=actor.session_id), records.reset_guesses(user.email, ip)]

    update_with_retry(lambda: get_user(actor.id), change)


def set_password(user: User, new: str) -> None:
    """Raises Invalid(PASSWORD_WEAK) where the password is made of the user's own name or address."""
    passwords.check_strength(new, "new_password", (user.email, user.name))
    user.password_hash, user.password_changed_at = passwords.hash_password(new), clock.iso()


def close_all_sessions(user_id: str, but: str | None = None) -> list[Operation]:
    """What ends every session of a user (but one), for the transaction of what they end for. One round trip."""
    access = records.find_access(user_id)
    others = [session for session in dict(access.sessions) if session != but] if access else []
    return [records.close_sessions(user_id, others), *(delete(sessions.session_key(session)) for session in others)]


def normal_email(email: str) -> str:
    return email.strip().lower()
