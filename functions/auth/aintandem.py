"""aintandem, section 1: registration and sessions. Registering opens no session, and a refresh does not change the refresh token."""

from typing import Annotated

from pydantic import StringConstraints

from shared.core.situations import Situation
from shared.edge.contracts.aintandem import AINTANDEM, public_id
from shared.edge.contracts.base import Request, Shape
from shared.edge.contracts.fields import BEARER, Email, LoginEmail, Name, OneLine
from shared.edge.http.call import Caller, ThisCall
from shared.edge.http.routing import Routes
from shared.people.identity import accounts, sessions

routes = Routes(AINTANDEM, "auth", rate_class="auth")


class RegisterRequest(Request):
    email: Email
    password: str
    name: Name
    organization: Annotated[str, StringConstraints(strip_whitespace=True, max_length=100), OneLine] | None = None


class RegisteredUser(Shape):
    user_id: str
    email: str
    name: str
    created_at: str


class LoginRequest(Request):
    email: LoginEmail
    password: str


class LoginUser(Shape):
    user_id: str
    email: str
    name: str


class LoginData(Shape):
    access_token: str
    refresh_token: str
    token_type: str = BEARER
    expires_in: int
    user: LoginUser


class RefreshRequest(Request):
    refresh_token: str


class RefreshData(Shape):
    access_token: str
    expires_in: int


@routes.post("/auth/register", "auth.register", public=True, status=201, errors=(Situation.EMAIL_TAKEN,))
async def register(body: RegisterRequest) -> RegisteredUser:
    """Create an account with an organization of the given name and its default workspace."""
    user = accounts.register_without_session(body.name, body.email, body.password, organization=body.organization)
    return RegisteredUser(user_id=public_id("user", user.id), email=user.email, name=user.name, created_at=user.created_at)


@routes.post("/auth/login", "auth.login", public=True, secret=True)
async def login(body: LoginRequest, call: ThisCall) -> LoginData:
    """Open a session."""
    result = accounts.login(body.email, body.password, contract=AINTANDEM.name, ip=call.client_ip)
    return LoginData(
        access_token=result.tokens.access,
        refresh_token=result.tokens.refresh,
        expires_in=result.tokens.expires_in,
        user=LoginUser(user_id=public_id("user", result.user.id), email=result.user.email, name=result.user.name),
    )


@routes.post("/auth/refresh", "auth.refresh", public=True, secret=True)
async def refresh(body: RefreshRequest) -> RefreshData:
    """A new access token; the refresh token stays the same. One that agentworks gave out and replaced ends its session."""
    _, tokens = sessions.refresh(body.refresh_token)
    return RefreshData(access_token=tokens.access, expires_in=tokens.expires_in)


@routes.post("/auth/logout", "auth.logout", status=204)
async def logout(caller: Caller) -> None:
    """End the session at once. An API key has no session."""
    if caller.session_id:
        sessions.end(caller.id, caller.session_id)
