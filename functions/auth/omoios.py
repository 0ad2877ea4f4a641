"""omoios, section 14: sessions and the caller. Its login returns no refresh token, so for its clients a session ends with the
access token."""

from shared.core.actor import GRANTS, Role
from shared.edge.contracts.base import Request, Shape
from shared.edge.contracts.fields import BEARER, LoginEmail
from shared.edge.contracts.omoios import OMOIOS, PERMISSIONS, ROLES
from shared.edge.http.call import Caller, ThisCall
from shared.edge.http.routing import Routes
from shared.people.identity import accounts, sessions

routes = Routes(OMOIOS, "auth")


class LoginRequest(Request):
    email: LoginEmail
    password: str


class LoginUser(Shape):
    id: str
    email: str
    name: str
    role: str


class LoginResponse(Shape):
    access_token: str
    token_type: str = BEARER.lower()
    expires_in: int
    user: LoginUser


class LogoutResponse(Shape):
    status: str = "logged_out"


class CurrentUser(LoginUser):
    permissions: list[str]


@routes.post("/auth/login", "auth.login", public=True, rate_class="auth", secret=True)
async def login(body: LoginRequest, call: ThisCall) -> LoginResponse:
    """Open a session. An account is made at another contract of the platform: `POST /agentworks/v1/auth/register`."""
    result = accounts.login(body.email, body.password, contract=OMOIOS.name, remember=False, ip=call.client_ip)
    return LoginResponse(
        access_token=result.tokens.access,
        expires_in=result.tokens.expires_in,
        user=LoginUser(id=result.user.id, email=result.user.email, name=result.user.name, role=ROLES[result.role]),
    )


@routes.post("/auth/logout", "auth.logout")
async def logout(caller: Caller) -> LogoutResponse:
    """End the session at once."""
    if caller.session_id:
        sessions.end(caller.id, caller.session_id)
    return LogoutResponse()


@routes.get("/auth/me", "auth.me")
async def me(caller: Caller) -> CurrentUser:
    """The caller, with role and permissions in their own organization."""
    role = caller.role_in(None, caller.org_id) or Role.VIEWER
    permissions = [name for name, permission in PERMISSIONS.items() if permission in GRANTS[role]]
    return CurrentUser(id=caller.id, email=caller.email, name=caller.name, role=ROLES[role], permissions=permissions)
