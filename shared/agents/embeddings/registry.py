"""Return the embedding that the operator has chosen: the embedded one, or `CADRE_EMBEDDINGS`, a service and its model.

`bedrock:amazon.titan-embed-text-v2:0`, `openai:text-embedding-3-small`; a number of dimensions may follow behind `@`. Keys and
addresses are those of the model providers (`OPENAI_API_KEY`, `OPENAI_BASE_URL`, `BEDROCK_REGION`).
"""

from functools import cache
from typing import TYPE_CHECKING, Final

from shared.agents.embeddings.hashed import HashedEmbedder
from shared.core import credentials
from shared.core.errors import Upstream
from shared.core.settings import settings
from shared.core.situations import Situation

if TYPE_CHECKING:
    from shared.agents.embeddings.port import Embedder

EMBEDDED: Final = ("", "embedded")
_DIMENSION: Final = 512


def embedder() -> "Embedder":
    """Return the embedding by which two texts are told to be the same, or not.

    Raises Upstream(PROVIDER_NOT_CONFIGURED) for a service that does not exist or has no key.
    """
    return _embedder(settings().embeddings)


def search_embedder() -> "Embedder":
    """Return the embedding by which what answers a question is found. Raises Upstream as `embedder` does."""
    chosen = settings().embeddings
    return _company() if chosen in EMBEDDED else _embedder(chosen)


@cache
def _company() -> "Embedder":
    from shared.agents.embeddings.company import CompanyEmbedder

    return CompanyEmbedder()


@cache
def _embedder(chosen: str) -> "Embedder":
    if chosen in EMBEDDED:
        return HashedEmbedder()
    from shared.agents.embeddings.services import OPENAI, OpenAIEmbedder, TitanEmbedder

    service, _, model = chosen.partition(":")
    model, _, dimension = model.partition("@")
    if not model or (dimension and not dimension.isdecimal()):
        raise _wrong(f"{chosen!r} names no model of a service")
    if service == "bedrock":
        return TitanEmbedder(model, int(dimension or _DIMENSION), credentials.value("provider_secret", "BEDROCK_REGION"))
    if service != "openai":
        raise _wrong(f"there is no service {service!r} for embeddings; there are embedded, bedrock and openai")
    address = credentials.value("provider_secret", "OPENAI_BASE_URL") or OPENAI
    key = credentials.value("provider_secret", "OPENAI_API_KEY")
    if not key and address == OPENAI:
        raise _wrong("openai has no credentials: set OPENAI_API_KEY")
    return OpenAIEmbedder(model, int(dimension or _DIMENSION), key, address)


def _wrong(reason: str) -> Upstream:
    return Upstream(Situation.PROVIDER_NOT_CONFIGURED, f"CADRE_EMBEDDINGS: {reason}")
