"""Return the adapter for a provider's name. A provider without credentials is an error; it is never replaced by another one."""

import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from shared.agents.providers import credentials, embedded
from shared.core.errors import FieldError, Invalid, Upstream
from shared.core.outbound import is_loopback
from shared.core.situations import Situation

if TYPE_CHECKING:
    from shared.agents.providers.port import Provider

LOCAL = "local"
"""The provider of a model that runs on this machine, behind a server of the person who uses it: its calls cost nothing."""
OWN = frozenset({embedded.NAME, LOCAL})
"""Providers without an account: nobody is paid for their calls."""
_COMPATIBLE = {  # default base URLs; the variables of `openai` are `OPENAI_API_KEY`, `OPENAI_BASE_URL`, `OPENAI_TOOLS` (`structured.FORMS`)
    "openai": "https://api.openai.com/v1",
    "google": "https://generativelanguage.googleapis.com/v1beta/openai",
    "qwen": "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
    "glm": "https://open.bigmodel.cn/api/paas/v4",
    LOCAL: "",
}
ALIASES = {"claude": "anthropic", "aws": "bedrock", "gemini": "google", "zhipu": "glm"}
NAMES = ("embedded", "anthropic", "bedrock", *_COMPATIBLE)


def canonical_name(name: str) -> str:
    """Return the provider's own name for an alias: `claude` -> `anthropic`. Contracts use both."""
    lowered = name.strip().lower()
    return ALIASES.get(lowered, lowered)


def check_model(provider: str | None, model: str | None, place: str = "") -> None:
    """Raise Invalid for a provider that does not exist, or a model that the embedded provider does not have; None is not checked.

    `place` is the name of the object that holds the two fields, with a dot at its end.
    """
    if provider is not None and canonical_name(provider) not in NAMES:
        raise Invalid(FieldError(f"{place}provider", f"There is no such provider; there are {', '.join(NAMES)}", provider))
    if provider is not None and canonical_name(provider) == embedded.NAME and model not in (None, embedded.MODEL):
        raise Invalid(FieldError(f"{place}model", f"The provider {embedded.NAME} has only the model {embedded.MODEL}", model))


def provider(name: str) -> "Provider":
    """Return the provider; raise Upstream(PROVIDER_NOT_CONFIGURED) without credentials, PROVIDER_UNAVAILABLE for an unknown name."""
    name = canonical_name(name)
    if name == "embedded":
        from shared.agents.providers.embedded_sandboxes import EmbeddedWithSandboxes

        return EmbeddedWithSandboxes()
    if name == "bedrock":
        return _bedrock()
    if name == "anthropic":
        from shared.agents.providers.anthropic import OFFICIAL, AnthropicProvider

        address = credentials.value("ANTHROPIC_BASE_URL") or OFFICIAL
        return AnthropicProvider(name, _key(name, "ANTHROPIC_API_KEY", address, OFFICIAL), address)
    if name in _COMPATIBLE:
        return _compatible(name)
    raise Upstream(Situation.PROVIDER_UNAVAILABLE, f"there is no provider {name!r}; there are {', '.join(NAMES)}")


def provider_with_key(name: str, key: str) -> "Provider":
    """Return the provider with a customer's own key, at its official address. Raises Upstream for one that takes no key."""
    name = canonical_name(name)
    check_key(f"The key of {name}", key)
    if name == "anthropic":
        from shared.agents.providers.anthropic import AnthropicProvider

        return AnthropicProvider(name, key)
    if _COMPATIBLE.get(name):
        from shared.agents.providers.openai import OpenAIProvider

        return OpenAIProvider(name, key, _COMPATIBLE[name])
    raise Upstream(Situation.PROVIDER_NOT_CONFIGURED, f"{name} takes no key")


def _compatible(name: str) -> "Provider":
    from shared.agents.providers.openai import OpenAIProvider

    default, variables = _COMPATIBLE[name], name.upper()
    address = credentials.value(f"{variables}_BASE_URL") or default
    if name == LOCAL and not is_on_this_machine(address):
        message = "local has no server on this machine: start it, then the platform again (OPENAI_BASE_URL names it)"
        raise Upstream(Situation.PROVIDER_NOT_CONFIGURED, message)
    key = _key(name, f"{variables}_API_KEY", address, default)
    return OpenAIProvider(name, key, address, form=credentials.value(f"{variables}_TOOLS"))


def is_on_this_machine(url: str) -> bool:
    """Tell whether a base URL leads to the loopback interface."""
    try:
        return is_loopback(urlsplit(url).hostname or "")
    except ValueError:
        return False


def available_providers() -> tuple[str, ...]:
    """Return the names of all providers that have credentials here, `embedded` first; Bedrock needs AWS credentials and a region."""
    names = []
    for name in NAMES:
        try:
            provider(name)
        except Upstream:
            continue
        names.append(name)
    return tuple(names)


def _key(name: str, variable: str, address: str, official: str) -> str:
    """Return the key. It may be empty only for a base URL other than the official one; otherwise raise Upstream."""
    key = credentials.value(variable)
    if not key and address == official:
        raise Upstream(Situation.PROVIDER_NOT_CONFIGURED, f"{name} has no credentials: set {variable}")
    check_key(variable, key)
    return key


def check_key(variable: str, key: str) -> None:
    """Raise Upstream(PROVIDER_NOT_CONFIGURED) for a key that no HTTP header can hold, such as one with typographic quotes around it."""
    if not (key.isascii() and key.isprintable()):
        raise Upstream(Situation.PROVIDER_NOT_CONFIGURED, f"{variable} has a character that no key has: copy it again")


def _bedrock() -> "Provider":
    """Check region and credentials without a network call, so that a run fails before it reserves a budget."""
    import boto3

    from shared.agents.providers.bedrock import BedrockProvider

    region = credentials.value("BEDROCK_REGION")
    session = boto3.Session()
    if not (region or session.region_name):
        raise Upstream(Situation.PROVIDER_NOT_CONFIGURED, "bedrock has no region: set AWS_REGION or BEDROCK_REGION")
    if not os.environ.get("AWS_BEARER_TOKEN_BEDROCK") and session.get_credentials() is None:
        raise Upstream(
            Situation.PROVIDER_NOT_CONFIGURED, "bedrock has no credentials: give the function a role, or set AWS_PROFILE"
        )
    return BedrockProvider(region=region, endpoint=credentials.value("BEDROCK_ENDPOINT_URL"))
