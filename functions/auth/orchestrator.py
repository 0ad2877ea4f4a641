"""orchestrator: sessions and the user's profile. A refresh does not change the refresh token."""

from typing import Annotated

from pydantic import StringConstraints

from shared.edge.contracts.base import Request, Shape
from shared.edge.contracts.fields import BEARER, LoginEmail, OneLine
from shared.edge.contracts.orchestrator import ORCHESTRATOR, TIERS
from shared.edge.http.call import Caller, ThisCall
from shared.edge.http.routing import Routes
from shared.people.identity import accounts, profiles, sessions, users

routes = Routes(ORCHESTRATOR, "auth")

FirstName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60), OneLine]
LastName = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=60), OneLine
]  # may be empty: some people have only one name


class LoginRequest(Request):
    email: LoginEmail
    password: str


class LoginUser(Shape):
    id: str
    email: str
    first_name: str
    last_name: str
    subscription_tier: str


class LoginResponse(Shape):
    access_token: str
    refresh_token: str
    expires_in: int
    token_type: str = BEARER
    user: LoginUser


class RefreshRequest(Request):
    refresh_token: str


class RefreshResponse(Shape):
    access_token: str
    expires_in: int
    token_type: str = BEARER


class LogoutResponse(Shape):
    message: str = "Successfully logged out"


class Profile(LoginUser):
    created_at: str
    last_login_at: str | None
    email_verified: bool


class UpdateProfileRequest(Request):
    first_name: FirstName | None = None
    last_name: LastName | None = None


class UpdatedProfile(LoginUser):
    updated_at: str


def _basics(user: users.User, plan: str) -> LoginUser:
    """Convert a user. The tier is the plan of the user's own organization."""
    return LoginUser(
        id=user.id,
        email=user.email,
        first_name=user.first_name,
        last_name=user.last_name,
        subscription_tier=TIERS.get(plan, plan),
    )


@routes.post("/auth/login", "auth.login", public=True, rate_class="auth", secret=True)
async def login(body: LoginRequest, call: ThisCall) -> LoginResponse:
    """Open a session."""
    result = accounts.login(body.email, body.password, contract=ORCHESTRATOR.name, ip=call.client_ip)
    return LoginResponse(
        access_token=result.tokens.access,
        refresh_token=result.tokens.refresh,
        expires_in=result.tokens.expires_in,
        user=_basics(result.user, result.plan),
    )


@routes.post("/auth/refresh", "auth.refresh", public=True, rate_class="auth", secret=True)
async def refresh(body: RefreshRequest) -> RefreshResponse:
    """A new access token; the refresh token stays the same. One that agentworks gave out and replaced ends its session."""
    _, tokens = sessions.refresh(body.refresh_token)
    return RefreshResponse(access_token=tokens.access, expires_in=tokens.expires_in)


@routes.post("/auth/logout", "auth.logout")
async def logout(caller: Caller) -> LogoutResponse:
    """End the session and all its tokens at once."""
    if caller.session_id:
        sessions.end(caller.id, caller.session_id)
    return LogoutResponse()


@routes.get("/users/me", "users.me")
async def me(caller: Caller, call: ThisCall) -> Profile:
    """The caller's profile."""
    user = users.get_user(caller.id)
    return Profile(
        **_basics(user, call.plan).model_dump(),
        created_at=user.created_at,
        last_login_at=user.last_login_at,
        email_verified=user.email_verified,
    )


@routes.put("/users/me", "users.updateMe", personal=True)
async def update_me(body: UpdateProfileRequest, caller: Caller, call: ThisCall) -> UpdatedProfile:
    """Change the given names; the full name that other contracts show changes too."""
    user = profiles.update_profile(caller, first_name=body.first_name, last_name=body.last_name)
    return UpdatedProfile(**_basics(user, call.plan).model_dump(), updated_at=user.updated_at)
