"""agentworks, sections 2.1 and 2.2: authentication and the user's profile."""

from typing import Annotated, Any, Literal

from fastapi import Cookie, Response
from fastapi.responses import RedirectResponse
from pydantic import Field

from functions.auth.cookies import set_cookie, set_session_cookie
from shared.core.situations import Situation
from shared.edge.contracts.agentworks import AGENTWORKS
from shared.edge.contracts.base import Shape, StrictRequest
from shared.edge.contracts.fields import Email, KnownEmail, Name, TimeZone, WebAddress
from shared.edge.http.call import Caller, ThisCall
from shared.edge.http.routing import Routes
from shared.edge.views.agentworks.entities import UserProfile, WorkspaceSummary, user_profile, workspace_summaries
from shared.people.identity import accounts, profiles, recovery, sessions, users
from shared.people.identity.federation import sign_in

routes = Routes(AGENTWORKS, "auth")
ONE_TIME = (Situation.ONE_TIME_TOKEN_INVALID, Situation.ONE_TIME_TOKEN_EXPIRED)
PROVIDER = (Situation.EXTERNAL_SERVICE_UNAVAILABLE, Situation.PROVIDER_NOT_CONFIGURED)
SIGN_IN = (Situation.SIGN_IN_DECLINED, Situation.SIGN_IN_UNVERIFIED, Situation.SIGN_IN_EMAIL_UNCONFIRMED, Situation.EMAIL_TAKEN)
FromProvider = Annotated[str | None, Field(max_length=4096)]


class LoginRequest(StrictRequest):
    email: KnownEmail
    password: str
    rememberMe: bool = False


class LoginResponse(Shape):
    user: UserProfile
    token: str
    refreshToken: str
    expiresIn: int
    workspaces: list[WorkspaceSummary]


class RegisterRequest(StrictRequest):
    name: Name
    email: Email
    password: str
    invitationToken: Annotated[str, Field(max_length=200)] | None = None


class RegisterResponse(Shape):
    user: UserProfile
    token: str
    refreshToken: str
    emailVerificationRequired: bool


class RefreshRequest(StrictRequest):
    refreshToken: str


class RefreshResponse(Shape):
    token: str
    refreshToken: str
    expiresIn: int


class LogoutRequest(StrictRequest):
    refreshToken: str | None = None


class NotificationChanges(StrictRequest):
    email: bool | None = None
    browser: bool | None = None
    agentCompleted: bool | None = None
    usageAlerts: bool | None = None


class EditorChanges(StrictRequest):
    fontSize: Annotated[int, Field(ge=6, le=72)] | None = None
    tabSize: Annotated[int, Field(ge=1, le=16)] | None = None
    wordWrap: bool | None = None


class PreferenceChanges(StrictRequest):
    theme: Literal["light", "dark", "system"] | None = None
    timezone: TimeZone | None = None
    notifications: NotificationChanges | None = None
    editor: EditorChanges | None = None


class UpdateUserRequest(StrictRequest):
    name: Name | None = None
    avatarUrl: WebAddress | None = None
    preferences: PreferenceChanges | None = None


class ChangePasswordRequest(StrictRequest):
    currentPassword: str
    newPassword: str


Token = Annotated[str, Field(min_length=1, max_length=256)]


class VerifyEmailRequest(StrictRequest):
    token: Token


class VerifyEmailResponse(Shape):
    """Not in the document, which only says that the address is verified."""

    emailVerified: bool


class ForgotPasswordRequest(StrictRequest):
    email: KnownEmail


class ResetPasswordRequest(StrictRequest):
    token: Token
    newPassword: str


class MessageResponse(Shape):
    """Not in the document: the message of a 202."""

    message: str


class OAuthCallbackResponse(Shape):
    user: UserProfile
    token: str
    refreshToken: str
    isNewUser: bool


SIGN_IN_COOKIE = "__Host-cadre_sign_in"
"""Identifies the browser in which a sign-in at a provider began, until it returns."""


@routes.post("/auth/login", "auth.login", public=True, rate_class="auth", secret=True)
async def login(body: LoginRequest, call: ThisCall) -> LoginResponse:
    """Open a session: a bearer token, a refresh token that rotates, and a session cookie."""
    result = accounts.login(
        body.email, body.password, contract=AGENTWORKS.name, remember=body.rememberMe, ip=call.client_ip, with_workspaces=True
    )
    set_session_cookie(call, result.tokens)
    return LoginResponse(
        user=user_profile(result.user),
        token=result.tokens.access,
        refreshToken=result.tokens.refresh,
        expiresIn=result.tokens.expires_in,
        workspaces=workspace_summaries(result.actor, result.workspaces),
    )


@routes.post(
    "/auth/register", "auth.register", public=True, status=201, rate_class="auth", secret=True, errors=(Situation.EMAIL_TAKEN,)
)
async def register(body: RegisterRequest, call: ThisCall) -> RegisterResponse:
    """Create an account with a personal organization and its default workspace; with an invitation's token, also join that
    workspace."""
    result = accounts.register(body.name, body.email, body.password, contract=AGENTWORKS.name, invitation=body.invitationToken)
    set_session_cookie(call, result.tokens)
    return RegisterResponse(
        user=user_profile(result.user),
        token=result.tokens.access,
        refreshToken=result.tokens.refresh,
        emailVerificationRequired=not result.user.email_verified,
    )


@routes.post("/auth/refresh", "auth.refresh", public=True, rate_class="auth", secret=True)
async def refresh(body: RefreshRequest, call: ThisCall) -> RefreshResponse:
    """New tokens; the refresh token is replaced (one of a contract that does not replace it stays). Using an old one ends the
    session."""
    _, tokens = sessions.refresh(body.refreshToken)
    set_session_cookie(call, tokens)
    return RefreshResponse(token=tokens.access, refreshToken=tokens.refresh, expiresIn=tokens.expires_in)


@routes.post("/auth/logout", "auth.logout", status=204)
async def logout(caller: Caller, call: ThisCall, body: LogoutRequest | None = None) -> None:
    """End the session at once, and also that of `refreshToken` if it is another one of the caller's."""
    if body and body.refreshToken:
        sessions.end_by_token(body.refreshToken, caller.id)
    if caller.session_id:
        sessions.end(caller.id, caller.session_id)
    set_cookie(call, AGENTWORKS.cookie, "", 0)


@routes.get("/auth/me", "auth.me")
async def me(caller: Caller) -> UserProfile:
    """The caller's profile."""
    return user_profile(users.get_user(caller.id))


@routes.put("/auth/me", "auth.updateMe", personal=True)
async def update_me(body: UpdateUserRequest, caller: Caller) -> UserProfile:
    """Change the given fields; preferences merge key by key."""
    preferences: dict[str, Any] | None = body.preferences.model_dump(exclude_none=True) if body.preferences else None
    return user_profile(profiles.update_profile(caller, name=body.name, avatar_url=body.avatarUrl, preferences=preferences))


@routes.put("/auth/me/password", "auth.changePassword", status=204, personal=True)
async def change_password(body: ChangePasswordRequest, caller: Caller, call: ThisCall) -> None:
    """Set a new password; the caller's other sessions end."""
    accounts.change_password(caller, body.currentPassword, body.newPassword, ip=call.client_ip)


@routes.post("/auth/verify-email", "auth.verifyEmail", public=True, knows_caller=True, rate_class="auth", errors=ONE_TIME)
async def verify_email(body: VerifyEmailRequest, call: ThisCall) -> VerifyEmailResponse:
    """Confirm an e-mail address by the token that was mailed to it. A token can be used once.

    Send it with the account's bearer token or session cookie. Without, the sessions and the password from before the confirmation
    end, because somebody else may have registered the address; a mail says how to choose a password.
    """
    return VerifyEmailResponse(emailVerified=recovery.verify_email(body.token, call.actor).email_verified)


@routes.post("/auth/resend-verification", "auth.resendVerification", status=202, personal=True)
async def resend_verification(caller: Caller) -> MessageResponse:
    """Mail the token again, unless the address is already confirmed."""
    recovery.resend_verification(caller)
    return MessageResponse(message="Unless your address is confirmed already, a mail is on its way")


@routes.post("/auth/forgot-password", "auth.forgotPassword", public=True, status=202, rate_class="auth")
async def forgot_password(body: ForgotPasswordRequest, call: ThisCall) -> MessageResponse:
    """Mail a token that sets a new password. The answer is the same whether or not there is such an account."""
    recovery.forgot_password(body.email, ip=call.client_ip)
    return MessageResponse(message="If there is an account with this address, a mail is on its way to it")


@routes.post("/auth/reset-password", "auth.resetPassword", public=True, status=204, rate_class="auth", errors=ONE_TIME)
async def reset_password(body: ResetPasswordRequest, call: ThisCall) -> None:
    """Set a new password by a mailed token, which can be used once. All sessions of the account end."""
    recovery.reset_password(body.token, body.newPassword, ip=call.client_ip)


@routes.get(
    "/auth/oauth/{provider}",
    "auth.oauthStart",
    public=True,
    knows_caller=True,
    status=302,
    rate_class="auth",
    errors=PROVIDER,
)
async def oauth_start(provider: str, call: ThisCall, returnTo: Annotated[str, Field(max_length=2_048)] | None = None) -> Response:
    """Redirect the browser to the provider. `returnTo` (an addition): a page of ours or of an allowed origin to which the browser
    is redirected at the end, with the session cookie, instead of the callback's JSON. Whoever is logged in may link an identity
    with the account's address, also if the provider is not trusted for its domain; a session cookie says so only from a page of ours."""
    redirect = sign_in.begin(provider, returnTo, call.actor)
    set_cookie(call, SIGN_IN_COOKIE, redirect.browser, sign_in.SIGN_IN_SECONDS)
    return RedirectResponse(redirect.address, 302)


@routes.get(
    "/auth/oauth/{provider}/callback",
    "auth.oauthCallback",
    public=True,
    rate_class="auth",
    secret=True,
    errors=(*ONE_TIME, *PROVIDER, *SIGN_IN),
)
async def oauth_callback(
    provider: str,
    call: ThisCall,
    code: FromProvider = None,
    state: FromProvider = None,
    error: FromProvider = None,
    iss: FromProvider = None,
    browser: Annotated[str | None, Cookie(alias=SIGN_IN_COOKIE)] = None,
) -> OAuthCallbackResponse:
    """Open a session for the person who comes back from the provider, in the browser that started the sign-in."""
    callback = sign_in.Callback(state, code, error, iss, browser)
    result = sign_in.finish(provider, callback, contract=AGENTWORKS.name)
    tokens = result.login.tokens
    set_session_cookie(call, tokens)
    set_cookie(call, SIGN_IN_COOKIE, "", 0)
    if result.return_to is not None:
        return RedirectResponse(result.return_to, 302)  # type: ignore[return-value]  # the other answer
    return OAuthCallbackResponse(
        user=user_profile(result.login.user), token=tokens.access, refreshToken=tokens.refresh, isNewUser=result.is_new
    )
