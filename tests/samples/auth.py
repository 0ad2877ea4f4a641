"""Requests of the area `auth`."""

import atexit
import os
from collections.abc import Callable
from functools import cache
from urllib.parse import urlencode, urlsplit

from shared.people.identity import one_time_tokens
from shared.people.identity.one_time_tokens import Purpose
from tests.areas.driving import call
from tests.areas.identity_provider import Browser as ProviderBrowser
from tests.areas.identity_provider import IdentityProvider
from tests.areas.oauth_world import BACK, Browser, register
from tests.client_key import use_client_key
from tests.samples.stage import PASSWORD, Sample, Samples, Stage, nothing


def _login(stage: Stage) -> Sample:
    return Sample({}, {"email": stage.new_user().user["email"], "password": PASSWORD})


def _refresh_token(name: str) -> Callable[[Stage], Sample]:
    return lambda stage: Sample({}, {name: stage.new_user().refresh})


def _logout(stage: Stage) -> Sample:
    return Sample({}, caller=stage.new_user())


def _new_password(stage: Stage) -> Sample:
    return Sample({}, {"currentPassword": PASSWORD, "newPassword": "another horse"}, caller=stage.new_user())


def _mailed(purpose: Purpose, **further: str) -> Callable[[Stage], Sample]:
    """A request with a token as it stands in a mail."""

    def sample(stage: Stage) -> Sample:
        user = stage.new_user().user
        token, _ = one_time_tokens.issue(purpose, user["id"], email=user["email"])
        return Sample({}, {"token": token} | further)

    return sample


@cache
def _provider() -> IdentityProvider:
    """Where people can sign in as `samples`, while the tests last."""
    made = IdentityProvider()
    os.environ.update(made.environment("samples"))
    atexit.register(made.close)
    return made


def _sign_in(stage: Stage) -> Sample:
    """A browser that comes back from the provider, with somebody who was never here."""
    provider, browser = _provider(), ProviderBrowser("samples")
    provider.person = {"sub": stage.slug(), "email": f"{stage.slug()}@matrix.example", "email_verified": True, "name": "New Body"}
    query = urlsplit(browser.at_provider(browser.start())).query
    return Sample({"provider": "samples"}, query=query, headers={"Cookie": browser.cookie})


def _begin_sign_in(_: Stage) -> Sample:
    _provider()
    return Sample({"provider": "samples"})


def _api_key(stage: Stage) -> Sample:
    maker = stage.new_user().at("enterprise")
    made = maker("auth", "POST", "/api-keys", body={"name": "CI"})
    assert made.status == 201, made.text
    return Sample({"key_id": made.json["data"]["id"]}, caller=maker)


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def _service(stage: Stage) -> dict[str, str]:
    """A client of somebody's, for whom this process can sign."""
    use_client_key()
    client = register(stage.new_user(), scopes=["projects:read"])
    return {"client_id": client["client_id"], "client_secret": client["client_secret"]}


def _token(stage: Stage) -> Sample:
    return Sample({}, urlencode({"grant_type": "client_credentials"} | _service(stage)), headers=FORM)


def _revoke(stage: Stage) -> Sample:
    client = _service(stage)
    answer = call(
        "auth", "enterprise", "POST", "/oauth/token", body=urlencode({"grant_type": "client_credentials"} | client), headers=FORM
    )
    return Sample({}, urlencode({"token": answer.json["access_token"]} | client), headers=FORM)


def _asked(stage: Stage, **changed: str) -> str:
    client = register(stage.new_user(), redirect_uris=[BACK], scopes=["projects:read"])
    asked = {"response_type": "code", "code_challenge": "A" * 43, "code_challenge_method": "S256"} | changed
    return urlencode(asked | {"client_id": client["client_id"], "redirect_uri": BACK})


def _decide(stage: Stage) -> Sample:
    """What a browser sends for somebody who denies."""
    browser = Browser()
    browser.open(_asked(stage))
    headers = FORM | {"Cookie": "; ".join(f"{name}={value}" for name, value in browser.cookies.items())}
    return Sample({}, urlencode(browser.fields | {"action": "deny"}), headers=headers)


def _client(stage: Stage) -> Sample:
    owner = stage.new_user()
    return Sample({"client_id": register(owner)["client_id"]}, caller=owner)


def _keys(_: Stage) -> Sample:
    use_client_key()
    return Sample({})


SAMPLES: Samples = {
    ("enterprise", "oauth.clients.create"): lambda _: Sample({}, {"name": "Console", "redirect_uris": [BACK]}),
    ("enterprise", "apiKeys.list"): nothing,
    ("agentworks", "auth.me"): nothing,
    ("agentworks", "auth.resendVerification"): nothing,
    ("agentworks", "auth.updateMe"): lambda _: Sample({}, {"preferences": {"theme": "dark"}}),
    ("omoios", "auth.me"): nothing,
    ("orchestrator", "users.me"): nothing,
    ("orchestrator", "users.updateMe"): lambda _: Sample({}, {"first_name": "Ada"}),
}

ALONE: Samples = {
    ("enterprise", "oauth.clients.delete"): _client,
    ("enterprise", "jwks.get"): _keys,
    ("enterprise", "oauth.authorize"): lambda s: Sample({}, query=_asked(s, scope="projects:write")),  # else it shows a page
    ("enterprise", "oauth.decide"): _decide,
    ("enterprise", "oauth.metadata"): nothing,
    ("enterprise", "oauth.revoke"): _revoke,
    ("enterprise", "oauth.token"): _token,
    ("enterprise", "apiKeys.create"): lambda s: Sample({}, {"name": "CI", "permissions": ["projects:read"]}, caller=s.new_user()),
    ("enterprise", "apiKeys.revoke"): _api_key,
    ("agentworks", "auth.login"): _login,
    ("aintandem", "auth.login"): _login,
    ("orchestrator", "auth.login"): _login,
    ("omoios", "auth.login"): _login,
    ("agentworks", "auth.register"): lambda s: Sample(
        {}, {"name": "New Body", "email": f"{s.slug()}@matrix.example", "password": PASSWORD}
    ),
    ("aintandem", "auth.register"): lambda s: Sample(
        {}, {"name": "New Body", "email": f"{s.slug()}@matrix.example", "password": PASSWORD, "organization": "Ours"}
    ),
    ("agentworks", "auth.refresh"): _refresh_token("refreshToken"),
    ("aintandem", "auth.refresh"): _refresh_token("refresh_token"),
    ("orchestrator", "auth.refresh"): _refresh_token("refresh_token"),
    ("agentworks", "auth.logout"): _logout,
    ("aintandem", "auth.logout"): _logout,
    ("orchestrator", "auth.logout"): _logout,
    ("omoios", "auth.logout"): _logout,
    ("agentworks", "auth.changePassword"): _new_password,
    ("agentworks", "auth.oauthStart"): _begin_sign_in,
    ("agentworks", "auth.oauthCallback"): _sign_in,
    ("agentworks", "auth.verifyEmail"): _mailed(Purpose.VERIFY),
    ("agentworks", "auth.forgotPassword"): lambda s: Sample({}, {"email": s.new_user().user["email"]}),
    ("agentworks", "auth.resetPassword"): _mailed(Purpose.RESET, newPassword="another horse"),
}
"""Only the owner's own person can make these, or anybody."""
