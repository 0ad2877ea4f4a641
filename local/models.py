"""The model that works on this machine: the first one that is found and can use tools.

Looked for, in this order: the keys in the environment (Anthropic, OpenAI, Bedrock), `OPENAI_BASE_URL`, then a server on the loopback
interface that speaks OpenAI's protocol. Its tool calls are tried once. Without any, the embedded model works, which is no language model.
"""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx2

from local import LocalError
from shared.agents.catalogue.agent import CLAUDE, GPT
from shared.agents.providers import embedded
from shared.agents.providers.attempts import RetryPolicy
from shared.agents.providers.openai import OpenAIProvider
from shared.agents.providers.port import Provider
from shared.agents.providers.probing import try_tools
from shared.agents.providers.registry import LOCAL, NAMES, canonical_name, is_on_this_machine, provider
from shared.agents.providers.structured import FORMS
from shared.core.errors import Upstream
from shared.core.situations import Situation

SERVERS: Final = {"Ollama": 11434, "LM Studio": 1234, "llama.cpp": 8080}
"""Servers of models on a laptop, with their usual ports."""
HOW_TO: Final = (
    "start Ollama, LM Studio or llama.cpp's server, or set ANTHROPIC_API_KEY or OPENAI_API_KEY (README, “A real model”)"
)
LOOK_SECONDS: Final = 2.0
"""For a server's list of models. Where nobody listens, the answer is there at once."""
TRY_SECONDS: Final = 60.0
"""For the models of one provider: a large one is first read from the disk."""
_MAX_MODELS: Final = 3  # of one server that are tried
_MAX_REASON: Final = 160  # characters of an error that is shown
_MAX_LIST: Final = 1_000_000  # bytes
_NO_CHAT: Final = ("embed", "rerank", "whisper", "tts")  # in the names of models that answer no messages

CALLS: Final = "calls"
Log = Callable[[str], None]
Tried = MutableMapping[str, str]
"""How each model that was tried before makes its tool calls: `calls`, or the form of its answer."""


@dataclass(frozen=True)
class Model:
    """The default model of new workspaces. `environment` is what the functions need besides the keys in the shell's environment."""

    provider: str = embedded.NAME
    name: str = embedded.MODEL
    source: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    """What was found and cannot be used, and why."""

    @property
    def is_language_model(self) -> bool:
        return self.provider != embedded.NAME

    @property
    def settings(self) -> dict[str, str]:
        """The settings of the app; without a language model it has its own."""
        named = {"CADRE_DEFAULT_PROVIDER": self.provider, "CADRE_DEFAULT_MODEL": self.name}
        return named if self.is_language_model else {}

    @property
    def shown(self) -> dict[str, str]:
        """What `endpoints.json` and the start page say."""
        return {"provider": self.provider, "name": self.name, "about": self.line}

    @property
    def line(self) -> str:
        """One line that says which model works, why, and how to get a better one."""
        source = f"{self.source}, free" if self.provider == LOCAL else self.source or "no language model was found"
        about = [source, *self.notes]
        return f"{self.provider}/{self.name} ({'; '.join(about)}){self.better}"

    @property
    def better(self) -> str:
        """How to get a language model, if there is none."""
        return "" if self.is_language_model else f"; for a language model {HOW_TO}"


EMBEDDED: Final = Model()


@dataclass(frozen=True)
class _Candidate:
    """A provider that may work, with its models in the order in which they are tried. `server` is the base URL of a server to ask."""

    provider: str
    models: tuple[str, ...]
    source: str
    environment: dict[str, str] = field(default_factory=dict)
    server: str = ""
    key: str = ""

    def known_as(self, model: str) -> str:
        return f"{self.provider}/{model} {self.server}".strip()

    @property
    def ways(self) -> tuple[str, ...]:
        """How its models may make tool calls, best first."""
        return (CALLS, *FORMS) if self.server else (CALLS,)

    def adapter(self, way: str) -> Provider:
        if not self.server:
            return provider(self.provider)
        return OpenAIProvider(self.provider, self.key, self.server, RetryPolicy(max_attempts=1), "" if way == CALLS else way)


def find_model(
    port: int, tried: Tried, log: Log = lambda _: None, *, servers: Mapping[str, int] = SERVERS, seconds: float = TRY_SECONDS
) -> Model:
    """Return the model that works. `port` is the platform's own, which is never asked; `tried` is read and extended.

    Trying the models of one provider takes `seconds` at most. Raises LocalError if `CADRE_DEFAULT_PROVIDER` names none that works.
    """
    wanted = canonical_name(os.environ.get("CADRE_DEFAULT_PROVIDER", ""))
    if wanted and wanted not in NAMES:
        raise LocalError(f"CADRE_DEFAULT_PROVIDER={wanted} is no provider: there are {', '.join(NAMES)}")
    if wanted == embedded.NAME:
        return Model(source="CADRE_DEFAULT_PROVIDER")
    notes: list[str] = []
    for candidate in _candidates(port, servers, notes):
        if wanted not in ("", candidate.provider):
            continue
        if any(candidate.known_as(name) not in tried for name in candidate.models):
            log(f"model        trying the tools of {candidate.provider} ({candidate.source}), {seconds:.0f} s at most")
        until = time.monotonic() + seconds
        for name in candidate.models:
            if time.monotonic() < until and (model := _try(candidate, name, tried, notes, until)):
                return model
    if not wanted:
        return Model(notes=tuple(notes))
    if chosen := _chosen():
        return Model(wanted, chosen, "CADRE_DEFAULT_PROVIDER", notes=(*notes, "it was not found here"))
    reasons = f" ({'; '.join(notes)})" if notes else ""
    raise LocalError(
        f"CADRE_DEFAULT_PROVIDER={wanted}: no model of it was found here{reasons}; CADRE_DEFAULT_MODEL names one to use all the same"
    )


def _chosen() -> str | None:
    return os.environ.get("CADRE_DEFAULT_MODEL") or None


def _candidates(port: int, servers: Mapping[str, int], notes: list[str]) -> Iterator[_Candidate]:
    """Yield what may work, best first; a server is asked only when nothing before it works."""
    if os.environ.get("ANTHROPIC_API_KEY"):
        yield _Candidate("anthropic", (_chosen() or CLAUDE[1],), "ANTHROPIC_API_KEY")
    key, address = os.environ.get("OPENAI_API_KEY", ""), os.environ.get("OPENAI_BASE_URL", "")
    if key and not address:
        yield _Candidate("openai", (_chosen() or GPT[1],), "OPENAI_API_KEY")
    if os.environ.get("AWS_BEARER_TOKEN_BEDROCK"):
        yield from _bedrock(notes)
    if address:
        yield from _server("OPENAI_BASE_URL", address, key, notes)
    for name, number in servers.items():
        if number != port:
            yield from _server(name, f"http://127.0.0.1:{number}/v1", "", None)


def _bedrock(notes: list[str]) -> Iterator[_Candidate]:
    region, arns = os.environ.get("BEDROCK_REGION", ""), os.environ.get("CADRE_BEDROCK_MODEL_ARNS", "")
    model = _chosen() or arns.partition(",")[0].strip()
    if region and model:  # the functions' other calls to AWS go to the local engine
        endpoint = os.environ.get("BEDROCK_ENDPOINT_URL") or f"https://bedrock-runtime.{region}.amazonaws.com"
        yield _Candidate("bedrock", (model,), "AWS_BEARER_TOKEN_BEDROCK", {"BEDROCK_ENDPOINT_URL": endpoint})
    else:
        notes.append("AWS_BEARER_TOKEN_BEDROCK is set, but Bedrock also needs BEDROCK_REGION and CADRE_DEFAULT_MODEL")


def _server(name: str, url: str, key: str, notes: list[str] | None) -> Iterator[_Candidate]:
    """Yield the server at this base URL if it lists models; `notes` is told if it does not."""
    listed = _list_models(url, key)
    models = (_chosen(),) if _chosen() and listed is not None else listed
    if not models:
        if notes is not None:
            notes.append(f"{name} lists no models at {url}/models")
        return
    chats = tuple(one for one in models if one and not any(word in one.lower() for word in _NO_CHAT))[:_MAX_MODELS]
    if is_on_this_machine(url):
        environment = {"LOCAL_BASE_URL": url} | ({"LOCAL_API_KEY": key} if key else {})
        yield _Candidate(LOCAL, chats, f"{name}, {url}", environment, url, key)
    else:
        yield _Candidate("openai", chats, f"{name}, {url}", {}, url, key)


def _try(candidate: _Candidate, name: str, tried: Tried, notes: list[str], until: float) -> Model | None:
    """Return the model if it calls tools, by itself or in the form of its answer; otherwise a note says why not."""
    known = candidate.known_as(name)
    if known not in tried:
        try:
            tried[known] = _how_it_calls(candidate, name, until)
        except Upstream as error:
            notes.append(f"{candidate.provider}/{name} of {candidate.source} cannot be used: {error.message[:_MAX_REASON]}")
            return None
    if (way := tried[known]) == CALLS:
        return Model(candidate.provider, name, candidate.source, candidate.environment, tuple(notes))
    environment = candidate.environment | {f"{candidate.provider.upper()}_TOOLS": way}
    return Model(candidate.provider, name, f"{candidate.source}, tools by structured output", environment, tuple(notes))


def _how_it_calls(candidate: _Candidate, name: str, until: float) -> str:
    """Try each way of making tool calls; return the first that works. Raises Upstream with the last error if none does."""
    failure = Upstream(Situation.PROVIDER_UNAVAILABLE, "there was no time to try it")
    for way in candidate.ways:
        try:
            try_tools(candidate.adapter(way), name, _seconds(until))
        except Upstream as error:
            failure = error
            if time.monotonic() > until:
                break
        else:
            return way
    raise failure


def _seconds(until: float) -> float:
    return max(0.1, round(until - time.monotonic(), 1))


def _list_models(url: str, key: str) -> tuple[str, ...] | None:
    """Return the names of the models of a server that speaks OpenAI's protocol; None for any other."""
    deadline = time.monotonic() + LOOK_SECONDS
    headers = {"authorization": f"Bearer {key}"} if key else {}
    body, elsewhere = b"", not is_on_this_machine(url)
    try:
        with (
            httpx2.Client(trust_env=elsewhere, verify=elsewhere, timeout=LOOK_SECONDS) as client,
            client.stream("GET", f"{url.rstrip('/')}/models", headers=headers) as response,
        ):
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > _MAX_LIST or time.monotonic() > deadline:
                    return None
            return _names(json.loads(body)) if response.status_code == 200 else None
    except (httpx2.TransportError, httpx2.InvalidURL, httpx2.DecodingError, ValueError, RecursionError):
        return None


def _names(answer: Any) -> tuple[str, ...] | None:
    models = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(models, list):
        return None
    names = [one.get("id") for one in models if isinstance(one, dict)]
    return tuple(name for name in names if isinstance(name, str) and name.isprintable() and 0 < len(name) <= 200)
