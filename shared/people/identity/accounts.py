"""Register, log in, change a password."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from shared.core import clock
from shared.core.actor import Actor, Role
from shared.core.emails import normal_email
from shared.core.errors import FieldError, Invalid, RateLimited, Unauthenticated
from shared.core.ids import new_id
from shared.core.plans import FREE
from shared.core.situations import Situation
from shared.events import EventType, record
from shared.people.access import records
from shared.people.identity import mails, passwords, sessions
from shared.people.identity.users import EmailTaken, User, email_guard, find_user_id, get_user, new_user
from shared.people.tenancy.invitations import prepare_acceptance
from shared.people.tenancy.provisioning import ProvisionedOrganization, new_organization
from shared.people.tenancy.rows import Organization, Workspace
from shared.people.tenancy.workspaces import list_workspaces
from shared.store import Operation, create, delete, fetch, read_ahead, update, update_with_retry, write


class _CredentialsWrong(Unauthenticated):
    def __init__(self) -> None:
        super().__init__(Situation.CREDENTIALS_WRONG, "Invalid email or password")


@dataclass(frozen=True)
class Login:
    """The result of a registration or a login."""

    user: User
    tokens: sessions.Tokens
    role: Role
    """The user's role in their own organization."""
    plan: str
    """The plan of that organization."""
    actor: Actor
    """The user as an actor, with their workspaces and organizations."""
    workspaces: list[Workspace] = field(default_factory=list)
    """The user's workspaces, oldest first, if they were asked for."""


@dataclass(frozen=True)
class NewAccount:
    """A new user with an organization and its default workspace, and the operations that will write them."""

    user: User
    actor: Actor
    provisioned: ProvisionedOrganization

    @property
    def operations(self) -> list[Operation]:
        guard = email_guard(self.user.email, self.user.id)
        return [create(guard, EmailTaken), create(self.user), *self.provisioned.operations]

    def access(self, session_id: str | None, expires: int, joined: Mapping[str, Role] | None = None) -> Operation:
        return records.new_access(self.user.as_actor(), session_id, expires, self.user.default_ws_id, joined)


def register(
    name: str, email: str, password: str, *, contract: str, organization: str | None = None, invitation: str | None = None
) -> Login:
    """Create an account with a personal organization, its default workspace and an open session, in one transaction.

    With the token of an `invitation` the user also joins that workspace, or nothing is written. Raises Conflict(EMAIL_TAKEN) for
    a known address, Invalid(PASSWORD_WEAK), and what `tenancy.invitations.accept` raises.
    """
    account = new_account(name, email, password, organization)
    if invitation is None:
        return create_account(account, contract)
    # The token does not confirm the address, because the inviting person sees it too
    acceptance = prepare_acceptance(account.actor, invitation)
    return create_account(account, contract, *acceptance.operations, joined={acceptance.workspace.id: acceptance.role})


def create_account(account: NewAccount, contract: str, *further: Operation, joined: Mapping[str, Role] | None = None) -> Login:
    """Write a new account and open its first session, in one round trip. `further` operations are written in the same
    transaction, for example those of the workspaces that it has `joined`."""
    user, plan = account.user, account.provisioned.organization.plan
    user.last_login_at = user.created_at
    session = sessions.new_session(user, contract)
    access = account.access(session.row.id, int(session.row.expires_at), joined)
    write(*account.operations, access, session.operation, *further)
    actor = replace(
        account.actor,
        workspaces={user.default_ws_id: Role.OWNER} | dict(joined or {}),
        organizations={str(user.org_id): Role.OWNER},
        session_id=session.row.id,
    )
    return Login(user, session.tokens(Role.OWNER, plan), Role.OWNER, plan, actor)


def register_without_session(name: str, email: str, password: str, *, organization: str | None = None) -> User:
    """Create an account as `register` does, but open no session."""
    account = new_account(name, email, password, organization)
    write(*account.operations, account.access(None, 0))
    return account.user


def new_account(name: str, email: str, password: str | None, organization: str | None = None, **fields: Any) -> NewAccount:
    """Build a new account that is not yet written. Without a password the user signs in at a provider; `fields` are further
    fields of the user."""
    email, name = normal_email(email), " ".join(name.split())
    if password is not None:
        passwords.check_strength(password, personal=(email, name))
    password_hash = passwords.hash_password(password) if password is not None else None
    user = new_user(name, email, password_hash, new_id(), new_id(), **fields)
    actor = user.as_actor()
    record(user, EventType.USER_REGISTERED, actor)
    provisioned = new_organization(
        actor, organization or f"{name}'s organization", org_id=str(user.org_id), ws_id=user.default_ws_id
    )
    return NewAccount(user, actor, provisioned)


def login(
    email: str, password: str, *, contract: str, remember: bool = True, ip: str = "", with_workspaces: bool = False
) -> Login:
    """Open a session; `ip` is the address of the caller. Three round trips.

    Raises Unauthenticated(CREDENTIALS_WRONG), the same for an unknown address and a wrong password, and RateLimited after too
    many wrong guesses (`records.GUESSES_PER_...`). A guess is counted before the password is checked, so parallel requests get no
    extra guess.
    """
    email = normal_email(email)
    found = read_ahead(lambda: find_user_id(email))
    records.count_guess_from(email, ip)
    user_id = found.result()
    row = read_ahead(lambda: fetch(User, user_id) if user_id else None)
    access = _count_guess_at(user_id, email)
    user = row.result()
    if not passwords.matches(user.password_hash if user else None, password) or user is None:
        raise _CredentialsWrong
    same = User.password_hash == user.password_hash
    counted = records.reset_guesses(email, ip), records.take_back_guess(ip)
    return open_session(user, access, *counted, contract=contract, remember=remember, same=same, with_workspaces=with_workspaces)


def _count_guess_at(user_id: str | None, email: str) -> records.Access:
    """Count an attempt at the account before it is checked; return the access record. Raises RateLimited. If the account takes no attempt
    from anywhere, its owner is mailed a way in."""
    try:
        return records.count_guess_at(user_id, email)
    except RateLimited:
        mails.tell_locked(user_id, email)
        raise


def open_session(
    user: User,
    access: records.Access,
    *further: Operation,
    contract: str,
    remember: bool = True,
    same: Any = None,
    recorded: bool = False,
    within: str | None = None,
    with_workspaces: bool = False,
) -> Login:
    """Open a session for a user who has proved their identity. One round trip: what the answer shows is read beside it.

    `further` operations are written in the same transaction, and with `recorded` the user's new event. `same` is a condition
    that the user's row must still fulfil, `within` the id of a session that must still be open.
    """
    session = sessions.new_session(user, contract, remember=remember)
    actor = records.build_actor(user.id, access, session.row.id)
    own = read_ahead(lambda: fetch(Organization, str(user.org_id)))
    workspaces = read_ahead(lambda: list_workspaces(actor)) if with_workspaces else None
    user.last_login_at = clock.iso()
    write(
        _note_login(user, same, recorded),
        records.open_session(user.as_actor(), session.row.id, int(session.row.expires_at), access, within=within),
        session.operation,
        *further,
    )
    organization = own.result()
    plan = organization.plan if organization else FREE
    role = Role(dict(access.organizations).get(user.org_id, Role.MEMBER.value))
    return Login(user, session.tokens(role, plan), role, plan, actor, workspaces.result() if workspaces else [])


def _note_login(user: User, same: Any, recorded: bool) -> Operation:
    """Set the time of the login, if the credential that was checked is still valid; parallel logins do not disturb each other.

    The version goes up, so that nobody overwrites it: a parallel change of the password then sees the new session and ends it.
    """
    exists = User.pk.exists()
    actions = [User.last_login_at.set(user.last_login_at), User.version.add(1)]
    if recorded:
        actions += [User.event_id.set(user.event_id), User.event.set(user.event)]
    return update(user, actions, exists if same is None else exists & same, _CredentialsWrong)


def change_password(actor: Actor, current: str, new: str, *, ip: str = "") -> None:
    """Set a new password; every other session of the user ends in the same transaction, the caller's session continues.

    Raises Invalid, and RateLimited after too many guesses at the current password, which count together with those of `login`.
    """
    passwords.check_strength(new, "new_password", (actor.email, actor.name))
    records.count_guess_from(actor.email, ip)
    _count_guess_at(actor.id, actor.email)

    def change(user: User) -> list[Operation]:
        if not passwords.matches(user.password_hash, current):
            raise Invalid(FieldError("current_password", "This is not your current password"))
        set_password(user, new)
        record(user, EventType.PASSWORD_CHANGED, actor)
        counted = records.reset_guesses(user.email, ip), records.take_back_guess(ip)
        return [*close_all_sessions(user, but=actor.session_id), *counted]

    update_with_retry(lambda: get_user(actor.id), change)


def set_password(user: User, new: str) -> None:
    """Set a new password on the user's row without writing it. Raises Invalid(PASSWORD_WEAK) if it contains the user's name or
    address."""
    passwords.check_strength(new, "new_password", (user.email, user.name))
    user.password_hash, user.password_changed_at = passwords.hash_password(new), clock.iso()


def close_all_sessions(user: User, but: str | None = None) -> list[Operation]:
    """Return the operations that end every session of a user, except the session `but`. One round trip."""
    access = records.find_access(user.id)
    others = [session for session in dict(access.sessions) if session != but] if access else []
    return [records.close_sessions(user.as_actor(), others), *(delete(sessions.session_key(session)) for session in others)]
