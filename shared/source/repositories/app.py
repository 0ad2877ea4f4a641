"""The app at GitHub of this deployment, by which people connect repositories without a token of their own.

    GITHUB_APP_ID, GITHUB_APP_PRIVATE_KEY (PEM)           sign what the app itself asks
    GITHUB_APP_CLIENT_ID, GITHUB_APP_CLIENT_SECRET        let people prove who they are at GitHub
    GITHUB_APP_WEBHOOK_SECRET                             signs what GitHub sends to the app's webhook
    GITHUB_APP_SLUG                                       its name in addresses: where people install it

The values come from the environment or from the secret named by CADRE_GITHUB_APP_SECRET (`shared.core.credentials`). The tokens of an
installation are for one repository each, and are kept in the process until shortly before they expire.
"""

from collections.abc import Mapping
from typing import Any, Final

from shared.core import clock, credentials
from shared.core.errors import Upstream
from shared.core.settings import settings
from shared.core.situations import Situation
from shared.source.repositories.github import WHO, Denied, Github, Missing, Refused, TokenRefused

_BEFORE_EXPIRY: Final = 300  # seconds: a call of the worker takes less
_MOST_KEPT: Final = 1_000
_tokens: dict[tuple[int, int], tuple[float, str]] = {}
REMOVED: Final = "The app is not installed there any more, or not for this repository; connect it again"
SUSPENDED: Final = "The installation of the app is suspended at GitHub"


class NotConfigured(Upstream):
    def __init__(self, what: str) -> None:
        super().__init__(Situation.PROVIDER_NOT_CONFIGURED, f"Connecting by an app is not set up here: {what}")


def setting(part: str) -> str:
    """Return a setting of the app. Raises NotConfigured if there is none."""
    value = _value(part)
    if not value:
        raise NotConfigured(f"GITHUB_APP_{part} is missing")
    return value


def _value(part: str) -> str:
    return credentials.value("github_app_secret", f"GITHUB_APP_{part}")


def is_configured() -> bool:
    return bool(_value("ID") and _value("PRIVATE_KEY"))


def webhook_secret() -> str | None:
    """Return what signs the webhooks of the app; None: there is no app, and nothing is signed by it."""
    return _value("WEBHOOK_SECRET") or None


def web_address() -> str:
    """Return where people use this GitHub: of an Enterprise Server, the API is below it."""
    api = settings().github_api.rstrip("/")
    return "https://github.com" if api == "https://api.github.com" else api.removesuffix("/api/v3")


def install_address() -> str:
    return f"{web_address()}/apps/{setting('SLUG')}/installations/new"


def as_app() -> Github:
    """Return GitHub as the app itself sees it. Raises NotConfigured."""
    from gidgethub.apps import get_jwt
    from jwt import PyJWTError

    app_id, key = setting("ID"), setting("PRIVATE_KEY")
    try:
        return Github(get_jwt(app_id=app_id, private_key=key.replace("\\n", "\n")), jwt=True)
    except (ValueError, PyJWTError) as error:  # no key in PEM; its text is in no error
        raise NotConfigured("GITHUB_APP_PRIVATE_KEY is no private key in PEM") from error


def token_of(installation: int, repository: int) -> str:
    """Return a token of an installation, for one repository (both by GitHub's numbers). A request to GitHub, once an hour in a process.

    Raises TokenRefused if the app is not installed there any more, or suspended; NotConfigured; Upstream.
    """
    expires, token = _tokens.get((installation, repository), (0.0, ""))
    if expires - _BEFORE_EXPIRY > clock.epoch():
        return token
    made = _make_token(installation, repository)
    if len(_tokens) >= _MOST_KEPT:
        _tokens.clear()
    _tokens[installation, repository] = clock.parse(str(made["expires_at"])).timestamp(), str(made["token"])
    return str(made["token"])


def _make_token(installation: int, repository: int) -> Mapping[str, Any]:
    path, names = "/app/installations/{installation}/access_tokens", {"installation": str(installation)}
    try:
        made: Mapping[str, Any] = as_app().send("POST", path, names, {"repository_ids": [repository]})
    except (Missing, Refused):  # 422: the repository is not in it
        raise TokenRefused(REMOVED) from None
    except Denied:
        raise TokenRefused(SUSPENDED) from None
    except TokenRefused:
        raise NotConfigured(f"{WHO} does not accept the key of the app") from None
    return made


def forget_token(installation: int, repository: int) -> bool:
    """Forget a token that GitHub does not accept any more. Return whether there was one."""
    return _tokens.pop((installation, repository), None) is not None


def clear_cache() -> None:
    _tokens.clear()
