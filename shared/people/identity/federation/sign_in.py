"""Begin and finish a sign-in at a provider, and find the account that it belongs to."""

import hmac
import re
import secrets
from dataclasses import dataclass

from shared.core import clock, web_addresses
from shared.core.actor import Actor
from shared.core.errors import Conflict, FieldError, Forbidden, Invalid, Unauthenticated, Upstream
from shared.core.keys import fingerprint
from shared.core.settings import origin_of, settings
from shared.core.situations import Situation
from shared.events import EventType, record
from shared.people.access import records
from shared.people.identity import one_time_tokens
from shared.people.identity.accounts import Login, create_account, new_account, open_session
from shared.people.identity.federation.provider import AuthorizationRequest, Person, Provider
from shared.people.identity.federation.registry import get_provider, is_trusted
from shared.people.identity.one_time_tokens import OneTimeToken, Purpose
from shared.people.identity.users import EmailTaken, User, find_by_email, get_user
from shared.store import Guard, create, get, retrying, write

SIGN_IN_SECONDS = one_time_tokens.LIFETIMES[Purpose.OAUTH]
_MAX_ATTEMPTS = 4  # an attempt that loses a race finds the winner's account at the next attempt
_ERROR_CODE = re.compile(r"[a-z_]{1,40}")


class _SignInRaced(Conflict):
    def __init__(self) -> None:
        super().__init__(Situation.VERSION_CONFLICT, "Another sign-in of this person was faster; try again")


class _SignInUnknown(Unauthenticated):
    def __init__(self) -> None:
        super().__init__(
            Situation.ONE_TIME_TOKEN_INVALID, "This sign-in did not begin in this browser, or was finished before; begin again"
        )


@dataclass(frozen=True)
class Redirect:
    """`address` is where the browser goes; `browser` is the secret that it must bring back, in a cookie for SIGN_IN_SECONDS."""

    address: str
    browser: str


@dataclass(frozen=True)
class Callback:
    """What the browser brings back from the provider."""

    state: str | None
    code: str | None
    error: str | None
    issuer: str | None
    browser: str | None


@dataclass(frozen=True)
class SignIn:
    login: Login
    is_new: bool
    return_to: str | None


def callback_url(provider: str) -> str:
    """Return our address to which the provider redirects browsers. It must be registered at the provider exactly like this."""
    return f"{settings().agentworks_base}/auth/oauth/{provider}/callback"


def begin(provider_name: str, return_to: str | None = None, caller: Actor | None = None) -> Redirect:
    """Start a sign-in, which may link the account of a `caller` who is logged in, as long as their session is open.

    Raises NotFound("provider"), Upstream (not configured, or no response), and Invalid for a `return_to` that is not an allowed
    page.
    """
    provider = get_provider(provider_name)
    if return_to is not None:
        _check_return_to(return_to)
    browser, verifier, nonce = (secrets.token_urlsafe(32) for _ in range(3))
    state, _ = one_time_tokens.issue(
        Purpose.OAUTH,
        provider.name,
        verifier=verifier,
        nonce=nonce,
        browser=fingerprint(browser),
        return_to=return_to,
        session=caller.session_id if caller else None,
    )
    return Redirect(
        provider.authorization_url(AuthorizationRequest(callback_url(provider.name), state, verifier, nonce)), browser
    )


def finish(provider_name: str, callback: Callback, *, contract: str) -> SignIn:
    """Open a session for the person who comes back from the provider.

    Raises Unauthenticated (a state that is unknown, expired, used or from another browser; a code or an id token that cannot be
    trusted; a person who declined), Forbidden if the provider does not confirm the address, Conflict(EMAIL_TAKEN) if an account
    with this address exists that may not be linked, and what `begin` raises.
    """
    provider = get_provider(provider_name)
    row = _get_begun(provider, callback)
    write(one_time_tokens.consume(row))
    if callback.issuer is not None and provider.issuer is not None and callback.issuer != provider.issuer:
        raise Unauthenticated(Situation.SIGN_IN_UNVERIFIED, "Another provider sent this browser back")
    if callback.error is not None:
        raise _decline_error(provider.name, callback.error)
    if not callback.code:
        raise Invalid(FieldError("code", "This field is required"))
    request = AuthorizationRequest(callback_url(provider.name), str(callback.state), row.data["verifier"], row.data["nonce"])
    person = provider.fetch_person(callback.code, request)
    login, is_new = sign_in(person, contract=contract, session_id=row.data.get("session"))
    return SignIn(login, is_new, row.data.get("return_to"))


def sign_in(person: Person, *, contract: str, session_id: str | None = None) -> tuple[Login, bool]:
    """Open a session for a person whom the provider has identified; return it, and whether the account is new.

    known      the account that this identity is linked to
    address    an account with the same address, if provider and account both have it confirmed: it becomes linked. The provider
               must be trusted for the domain, or the session in which the sign-in began be one of the account, and still open
    else       a new account. Its address is confirmed if the provider is trusted for the domain
    """
    return retrying(
        lambda _: _sign_in_once(person, contract, session_id),
        times=_MAX_ATTEMPTS,
        again=lambda error: isinstance(error, _SignInRaced | EmailTaken),
    )


def _sign_in_once(person: Person, contract: str, session_id: str | None) -> tuple[Login, bool]:
    identity = f"OAUTH#{person.provider}#{person.subject}"
    guard = get(Guard, identity)
    if guard is not None:
        user = get_user(guard.ref)
        return open_session(user, records.get_access(user.id), contract=contract), False
    if not person.email_verified or not person.email:
        raise Forbidden(
            f"{person.provider} does not say that you have a confirmed e-mail address: confirm it there first",
            Situation.SIGN_IN_EMAIL_UNCONFIRMED,
        )
    existing = find_by_email(person.email)
    if existing is None:
        return _found_account(person, identity, contract), True
    access = records.get_access(existing.id)
    within = session_id if session_id and access.sessions.get(session_id, 0) > clock.epoch() else None
    _check_may_link(existing, person, is_logged_in=within is not None)
    record(existing, EventType.USER_UPDATED, existing.as_actor(), changes={"identity": [None, person.provider]})
    link = create(Guard.of(identity, existing.id), _SignInRaced)
    return open_session(existing, access, link, contract=contract, recorded=True, within=within), False


def _found_account(person: Person, identity: str, contract: str) -> Login:
    confirmed = is_trusted(person.provider, person.email)
    account = new_account(
        person.name,
        person.email,
        None,
        email_verified=confirmed,
        founding_identity=None if confirmed else identity,
        avatar_url=person.avatar_url,
    )
    return create_account(account, contract, create(Guard.of(identity, account.user.id), _SignInRaced))


def _check_may_link(user: User, person: Person, *, is_logged_in: bool) -> None:
    """Raise Conflict(EMAIL_TAKEN) if this identity must not open the account with the same address."""
    if not user.email_verified:
        raise Conflict(
            Situation.EMAIL_TAKEN,
            "There is an account with this e-mail address that never confirmed it: log in with its password and confirm it, or ask"
            " for a new password",
        )
    if not is_logged_in and not is_trusted(person.provider, person.email):
        raise Conflict(
            Situation.EMAIL_TAKEN,
            f"There is an account with this e-mail address: log in with its password, then sign in with {person.provider} from there",
        )


def _get_begun(provider: Provider, callback: Callback) -> OneTimeToken:
    """Return the stored sign-in of this state. It must have begun in this browser and at this provider, so that nobody can make
    another person's browser finish a sign-in of their own."""
    row = one_time_tokens.get_token(Purpose.OAUTH, callback.state or "")
    same = hmac.compare_digest(row.data["browser"], fingerprint(callback.browser or ""))
    if row.subject != provider.name or not same:
        raise _SignInUnknown
    return row


def _decline_error(provider: str, error: str) -> Unauthenticated | Upstream:
    if error in ("server_error", "temporarily_unavailable"):
        return Upstream(Situation.EXTERNAL_SERVICE_UNAVAILABLE, f"{provider} cannot sign you in at the moment")
    if error == "access_denied":
        return Unauthenticated(Situation.SIGN_IN_DECLINED, f"The sign-in was declined at {provider}")
    return Unauthenticated(
        Situation.SIGN_IN_DECLINED, f"{provider} refused: {error if _ERROR_CODE.fullmatch(error) else 'no reason'}"
    )


def _check_return_to(address: str) -> None:
    if web_addresses.parse_host(address) is None or origin_of(address) not in settings().origins:
        raise Invalid(FieldError("return_to", "Only pages of this platform, or of an allowed origin"))
