"""The sign-in providers that the operator has configured.

    OAUTH_GITHUB_CLIENT_ID, OAUTH_GITHUB_CLIENT_SECRET      with _URL for a GitHub Enterprise Server
    OAUTH_GOOGLE_CLIENT_ID, OAUTH_GOOGLE_CLIENT_SECRET
    OAUTH_<NAME>_ISSUER, _CLIENT_ID, _CLIENT_SECRET         any OpenID Connect provider, as `<name>` in the address

The values come from the environment or from the secret named by CADRE_OAUTH_SECRET (`shared.core.credentials`).
"""

import re

from shared.core import credentials
from shared.core.errors import NotFound, Upstream
from shared.core.situations import Situation
from shared.people.identity.federation.github import Github
from shared.people.identity.federation.oidc import OpenIdConnect
from shared.people.identity.federation.provider import Client, Provider

ISSUERS = {"google": "https://accounts.google.com"}
_NAME = re.compile(r"[a-z][a-z0-9]{0,31}")


def get_provider(name: str) -> Provider:
    """Return the provider. Raises NotFound("provider") if it is not configured, and Upstream(PROVIDER_NOT_CONFIGURED) if its
    client id is missing."""
    if not _NAME.fullmatch(name):
        raise NotFound("provider")
    issuer = setting(name, "ISSUER") or ISSUERS.get(name)
    if name != "github" and issuer is None:
        raise NotFound("provider")
    client = Client(setting(name, "CLIENT_ID"), setting(name, "CLIENT_SECRET"))
    if not client.id:
        raise Upstream(
            Situation.PROVIDER_NOT_CONFIGURED,
            f"Signing in with {name} is not set up here: OAUTH_{name.upper()}_CLIENT_ID is missing",
        )
    if issuer is not None:
        return OpenIdConnect(name, issuer, client)
    return Github(name, setting(name, "URL") or "https://github.com", client)


def setting(name: str, part: str) -> str:
    return credentials.value("oauth_secret", f"OAUTH_{name.upper()}_{part}")
