"""From a provider's name to someone who answers. Who has no credentials is told so; nobody is ever swapped for another."""

from dataclasses import dataclass

from shared.agents.providers import credentials
from shared.agents.providers.port import Provider
from shared.core.errors import Upstream
from shared.core.situations import Situation


@dataclass(frozen=True)
class _Compatible:
    """A provider that speaks OpenAI's protocol: where its key and address come from."""

    key: str
    address: str
    default: str


_COMPATIBLE = {
    "openai": _Compatible("OPENAI_API_KEY", "OPENAI_BASE_URL", "https://api.openai.com/v1"),
    "google": _Compatible("GOOGLE_API_KEY", "GOOGLE_BASE_URL", "https://generativelanguage.googleapis.com/v1beta/openai"),
    "qwen": _Compatible("QWEN_API_KEY", "QWEN_BASE_URL", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1"),
    "glm": _Compatible("GLM_API_KEY", "GLM_BASE_URL", "https://open.bigmodel.cn/api/paas/v4"),
}
ALIASES = {"claude": "anthropic", "aws": "bedrock", "gemini": "google", "zhipu": "glm"}
NAMES = ("embedded", "anthropic", "bedrock", *_COMPATIBLE)


def canonical(name: str) -> str:
    """`claude` -> `anthropic`: contracts use both words."""
    lowered = name.strip().lower()
    return ALIASES.get(lowered, lowered)


def provider(name: str) -> Provider:
    """The provider of that name. Raises Upstream(PROVIDER_NOT_CONFIGURED) when it has none, and for a name nobody answers to."""
    name = canonical(name)
    if name == "embedded":
        from shared.agents.providers.embedded.model import EmbeddedProvider

        return EmbeddedProvider()
    if name == "bedrock":
        return _bedrock()
    if name == "anthropic":
        from shared.agents.providers.anthropic import OFFICIAL, AnthropicProvider

        address = credentials.value("ANTHROPIC_BASE_URL") or OFFICIAL
        return AnthropicProvider(name, _key(name, "ANTHROPIC_API_KEY", address, OFFICIAL), address)
    if name in _COMPATIBLE:
        from shared.agents.providers.openai import OpenAIProvider

        known = _COMPATIBLE[name]
        address = credentials.value(known.address) or known.default
        return OpenAIProvider(name, _key(name, known.key, address, known.default), address)
    raise Upstream(Situation.PROVIDER_UNAVAILABLE, f"there is no provider {name!r}; there are {', '.join(NAMES)}")


def available() -> tuple[str, ...]:
    """The providers that have credentials here, `embedded` first. Bedrock counts when AWS credentials can be found."""
    found = []
    for name in NAMES:
        try:
            provider(name)
        except Upstream:
            continue
        found.append(name)
    return tuple(found)


def _key(name: str, variable: str, address: str, official: str) -> str:
    """The key, which only a server of one's own (another address) may do without."""
    key = credentials.value(variable)
    if not key and address == official:
        raise Upstream(Situation.PROVIDER_NOT_CONFIGURED, f"{name} has no credentials: set {variable}")
    return key


def _bedrock() -> Provider:
    """Checked here, without a call, because an agent run should fail before it reserves a budget."""
    import boto3

    from shared.agents.providers.bedrock import BedrockProvider

    region = credentials.value("BEDROCK_REGION")
    session = boto3.Session()
    if not (region or session.region_name):
        raise Upstream(Situation.PROVIDER_NOT_CONFIGURED, "bedrock has no region: set AWS_REGION or BEDROCK_REGION")
    if session.get_credentials() is None:
        raise Upstream(
            Situation.PROVIDER_NOT_CONFIGURED, "bedrock has no credentials: give the function a role, or set AWS_PROFILE"
        )
    return BedrockProvider(region=region, endpoint=credentials.value("BEDROCK_ENDPOINT_URL"))
