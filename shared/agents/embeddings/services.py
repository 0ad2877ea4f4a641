"""Embeddings of services: OpenAI and compatible ones, and Amazon Bedrock (Titan). Errors never have the texts or a key in them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from shared.agents.embeddings.port import unit
from shared.core.errors import Upstream
from shared.core.outbound import request_json
from shared.core.situations import Situation

OPENAI: Final = "https://api.openai.com/v1"
_BATCH: Final = 16  # texts of a request: an answer of 3,072 numbers each stays below the megabyte that is read
_MAX_CHARACTERS: Final = 8_000  # of a text: below 8,192 tokens, which both services take


@dataclass(frozen=True)
class OpenAIEmbedder:
    """`base_url` ends before `/embeddings`. An empty key sends no Authorization header (local servers)."""

    model: str
    dimension: int
    api_key: str = field(repr=False)
    base_url: str = OPENAI

    @property
    def name(self) -> str:
        return f"openai:{self.model}"

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        return [vector for start in range(0, len(texts), _BATCH) for vector in self._ask(texts[start : start + _BATCH])]

    def _ask(self, texts: Sequence[str]) -> list[list[float]]:
        headers = {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}
        body = {"model": self.model, "input": [text[:_MAX_CHARACTERS] or " " for text in texts], "dimensions": self.dimension}
        status, answer = request_json(
            "the embedding service", "POST", f"{self.base_url.rstrip('/')}/embeddings", headers=headers, json=body
        )
        if status != 200 or not isinstance(answer, Mapping):
            raise _refused(self.name, str(status))
        rows = _in_order(self.name, answer.get("data"), len(texts))
        return [_vector(self.name, self.dimension, one.get("embedding")) for one in rows]


@dataclass(frozen=True)
class TitanEmbedder:
    """Amazon Titan Text Embeddings V2. It uses the function's role, and takes one text in a request."""

    model: str = "amazon.titan-embed-text-v2:0"
    dimension: int = 512  # 256, 512 or 1,024
    region: str = ""

    @property
    def name(self) -> str:
        return f"bedrock:{self.model}"

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        return [self._ask(text) for text in texts]

    def _ask(self, text: str) -> list[float]:
        from botocore.exceptions import BotoCoreError, ClientError

        body = {"inputText": text[:_MAX_CHARACTERS] or " ", "dimensions": self.dimension, "normalize": True}
        try:
            response = _client(self.region).invoke_model(modelId=self.model, body=json.dumps(body))
            answer = json.loads(response["body"].read())
        except (ClientError, BotoCoreError) as error:
            raise _refused(self.name, type(error).__name__) from error
        except ValueError as error:
            raise _refused(self.name, "no JSON") from error
        return _vector(self.name, self.dimension, answer.get("embedding"))


@cache
def _client(region: str) -> Any:
    import boto3
    from botocore.config import Config

    config = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 2, "mode": "standard"})
    return boto3.client("bedrock-runtime", region_name=region or None, config=config)


def _in_order(name: str, data: object, number: int) -> list[Any]:
    """Return what a service sent for each text, in the order of the texts."""
    rows = {one.get("index"): one for one in data if isinstance(one, Mapping)} if isinstance(data, list) else {}
    if rows.keys() != set(range(number)):
        raise _refused(name, "other texts than were sent")
    return [rows[at] for at in range(number)]


def _vector(name: str, dimension: int, value: object) -> list[float]:
    numbers = [float(one) for one in value if isinstance(one, int | float)] if isinstance(value, list) else []
    if len(numbers) != dimension:
        raise _refused(name, f"a vector of {len(numbers)} numbers instead of {dimension}")
    return unit(numbers)


def _refused(name: str, what: str) -> Upstream:
    return Upstream(Situation.PROVIDER_UNAVAILABLE, f"{name} answered {what}")
