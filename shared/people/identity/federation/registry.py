"""The sign-in providers that the operator has configured.

    OAUTH_GITHUB_CLIENT_ID, OAUTH_GITHUB_CLIENT_SECRET      with _URL for a GitHub Enterprise Server
    OAUTH_GOOGLE_CLIENT_ID, OAUTH_GOOGLE_CLIENT_SECRET
    OAUTH_<NAME>_ISSUER, _CLIENT_ID, _CLIENT_SECRET         any OpenID Connect provider, as `<name>` in the address
    OAUTH_<NAME>_DOMAINS      the domains whose addresses are the provider's to confirm, with commas between them; `*` for all

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
GITHUB = "https://github.com"
# Google gives out these two; of others it only says that they were confirmed once (its own advice for OpenID Connect)
_GOOGLE_DOMAINS = "gmail.com,googlemail.com"
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
    return Github(name, setting(name, "URL") or GITHUB, client)


def is_trusted(name: str, email: str) -> bool:
    """Tell whether an address that the provider confirms counts as confirmed here. github.com confirms every address by a mail."""
    default = {"github": "" if setting("github", "URL") else "*", "google": _GOOGLE_DOMAINS}.get(name, "")
    domains = [one.strip().lower() for one in (setting(name, "DOMAINS") or default).split(",")]
    return "*" in domains or email.rpartition("@")[2] in domains


def setting(name: str, part: str) -> str:
    return credentials.value("oauth_secret", f"OAUTH_{name.upper()}_{part}")
