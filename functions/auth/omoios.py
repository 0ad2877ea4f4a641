"""omoios, section 14: sessions and the caller. Its login shows no refresh token: the session is there, but ends for such a client
with the access token."""

from shared.core.actor import GRANTS, Role
from shared.edge.contracts.base import Shape
from shared.edge.contracts.fields import BEARER, GivenEmail
from shared.edge.contracts.omoios import OMOIOS, PERMISSIONS, ROLES
from shared.edge.http.call import Caller, ThisCall
from shared.edge.http.routing import Routes
from shared.people.identity import accounts, sessions

routes = Routes(OMOIOS, "auth")


class LoginRequest(Shape):
    email: GivenEmail
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
    """Open a session."""
    done = accounts.login(body.email, body.password, contract=OMOIOS.name, remember=False, ip=call.client_ip)
    return LoginResponse(
        access_token=done.tokens.access,
        expires_in=done.tokens.expires_in,
        user=LoginUser(id=done.user.id, email=done.user.email, name=done.user.name, role=ROLES[done.role]),
    )


@routes.post("/auth/logout", "auth.logout")
async def logout(caller: Caller) -> LogoutResponse:
    """End the session at once."""
    if caller.session_id:
        sessions.end(caller.id, caller.session_id)
    return LogoutResponse()


@routes.get("/auth/me", "auth.me")
async def me(caller: Caller) -> CurrentUser:
    """The caller, with the role and the permissions in their own organization."""
    role = caller.role_in(None, caller.org_id) or Role.VIEWER
    permissions = [name for name, permission in PERMISSIONS.items() if permission in GRANTS[role]]
    return CurrentUser(id=caller.id, email=caller.email, name=caller.name, role=ROLES[role], permissions=permissions)
