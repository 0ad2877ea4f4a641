"""The model that works on this machine: the first one that is found and can use tools.

Looked for, in this order: the keys in the environment (Anthropic, OpenAI, Bedrock), `OPENAI_BASE_URL`, then a server on the loopback
interface that speaks OpenAI's protocol. Its tool calls are tried once. Without any, the embedded model works, which is no language model.
"""

import hashlib
import json
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2

from local import LocalError
from shared.agents.catalogue.agent import CLAUDE, GPT
from shared.agents.providers import embedded
from shared.agents.providers.attempts import RetryPolicy
from shared.agents.providers.openai import OpenAIProvider
from shared.agents.providers.port import Provider
from shared.agents.providers.probing import try_tools
from shared.agents.providers.registry import LOCAL, NAMES, canonical_name, check_key, is_on_this_machine, provider
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
_MAX_MODELS: Final = 3  # of one server on this machine that are tried; elsewhere one, because a trial costs
_MAX_REASON: Final = 160  # characters of an error that is shown
_MAX_LIST: Final = 4_000_000  # bytes: some lists of hundreds of models describe each
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
    key: str = field(default="", repr=False)
    untried: int = 0
    """Further models of the server, which are not tried."""

    def known_as(self, model: str) -> str:
        """Return the name under which it is remembered that this model works: with this server, or with this key."""
        return f"{self.provider}/{model} {self.server or hashlib.sha256(self.key.encode()).hexdigest()[:8]}"

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
    model = _find(port, tried, log, servers, seconds)
    others = _bedrock_environment() | ({} if "LOCAL_BASE_URL" in model.environment else _last_server(tried))
    return replace(model, environment=others | model.environment)


def _find(port: int, tried: Tried, log: Log, servers: Mapping[str, int], seconds: float) -> Model:
    wanted = canonical_name(_variable("CADRE_DEFAULT_PROVIDER"))
    if wanted and wanted not in NAMES:
        raise LocalError(f"CADRE_DEFAULT_PROVIDER={wanted} is no provider: there are {', '.join(NAMES)}")
    if wanted == embedded.NAME:
        return Model(source="CADRE_DEFAULT_PROVIDER")
    notes: list[str] = []
    meant: _Candidate | None = None
    for candidate in _candidates(port, servers, notes):
        if wanted not in ("", candidate.provider):
            if candidate.source.startswith("OPENAI_BASE_URL"):
                notes.append(f"{candidate.source}, is the provider {candidate.provider}")
            continue
        meant = meant or candidate
        if any(candidate.known_as(name) not in tried for name in candidate.models):
            log(f"model        trying the tools of {candidate.provider} ({candidate.source}), {seconds:.0f} s at most")
        until = time.monotonic() + seconds
        for name in candidate.models:
            if time.monotonic() < until and (model := _try(candidate, name, tried, notes, until)):
                return model
        if candidate.untried:
            notes.append(f"{candidate.untried} more models of {candidate.source} were not tried: CADRE_DEFAULT_MODEL names one")
    if not wanted:
        return Model(notes=tuple(notes))
    if chosen := _chosen():
        environment = meant.environment if meant else {}
        return Model(
            wanted, chosen, "CADRE_DEFAULT_PROVIDER", environment, (*notes, *([] if meant else ["it was not found here"]))
        )
    reasons = f" ({'; '.join(notes)})" if notes else ""
    raise LocalError(
        f"CADRE_DEFAULT_PROVIDER={wanted}: no model of it was found here{reasons}; CADRE_DEFAULT_MODEL names one to use all the same"
    )


def _variable(name: str) -> str:
    """Return a variable of the environment; an empty string if it is not set, or has only spaces."""
    return os.environ.get(name, "").strip()


def _chosen() -> str:
    return _variable("CADRE_DEFAULT_MODEL")


def _bedrock_environment() -> dict[str, str]:
    """Return where Bedrock is, for whatever run names it: the functions' other calls to AWS go to the local engine."""
    region = _variable("BEDROCK_REGION")
    endpoint = _variable("BEDROCK_ENDPOINT_URL") or f"https://bedrock-runtime.{region}.amazonaws.com"
    return {"BEDROCK_ENDPOINT_URL": endpoint} if region and _variable("AWS_BEARER_TOKEN_BEDROCK") else {}


def _last_server(tried: Tried) -> dict[str, str]:
    """Return what reaches the last server on this machine whose model worked: workspaces may name it, and it may be started later."""
    known = [(name.rpartition(" ")[2], way) for name, way in tried.items() if name.startswith(f"{LOCAL}/")]
    if not known or _variable("LOCAL_BASE_URL"):
        return {}
    url, way = known[-1]
    return _local_environment(url, "") | ({} if way == CALLS else {"LOCAL_TOOLS": way})


def _local_environment(url: str, key: str) -> dict[str, str]:
    if not key and url == _variable("OPENAI_BASE_URL").rstrip("/"):
        key = _variable("OPENAI_API_KEY")
    return {"LOCAL_BASE_URL": url} | ({"LOCAL_API_KEY": key} if key else {})


def _candidates(port: int, servers: Mapping[str, int], notes: list[str]) -> Iterator[_Candidate]:
    """Yield what may work, best first; a server is asked only when nothing before it works."""
    if _variable("ANTHROPIC_API_KEY"):
        yield _Candidate("anthropic", (_chosen() or CLAUDE[1],), "ANTHROPIC_API_KEY", key=_variable("ANTHROPIC_API_KEY"))
    key, address = _variable("OPENAI_API_KEY"), _variable("OPENAI_BASE_URL").rstrip("/")
    if key and not address:
        yield _Candidate("openai", (_chosen() or GPT[1],), "OPENAI_API_KEY", key=key)
    if _variable("AWS_BEARER_TOKEN_BEDROCK"):
        yield from _bedrock(notes)
    if address:
        yield from _server("OPENAI_BASE_URL", address, key, notes)
    for name, number in servers.items():
        if number != port and (host := _host_that_listens(number)):
            yield from _server(name, f"http://{host}:{number}/v1", "", notes, is_named=False)


def _host_that_listens(number: int) -> str:
    """Return the loopback address, as part of a URL, on which somebody listens on this port; an empty string if nobody does."""
    for address, host in (("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")):
        with suppress(OSError), socket.create_connection((address, number), LOOK_SECONDS):
            return host
    return ""


def _bedrock(notes: list[str]) -> Iterator[_Candidate]:
    environment = _bedrock_environment()
    model = _chosen() or _variable("CADRE_BEDROCK_MODEL_ARNS").partition(",")[0].strip()
    if environment and model:
        yield _Candidate("bedrock", (model,), "AWS_BEARER_TOKEN_BEDROCK", environment, key=_variable("AWS_BEARER_TOKEN_BEDROCK"))
    else:
        notes.append("AWS_BEARER_TOKEN_BEDROCK is set, but Bedrock also needs BEDROCK_REGION and CADRE_DEFAULT_MODEL")


def _server(name: str, url: str, key: str, notes: list[str], *, is_named: bool = True) -> Iterator[_Candidate]:
    """Yield the server at this base URL if it has models that can be tried; otherwise `notes` is told why not.

    `is_named`: somebody named this address. At any other, what is no server of models is none of our business.
    """
    try:
        models = _chat_models(name, url, key)
    except _NoModels as no:
        if is_named or no.is_server:
            notes.append(str(no))
        return
    tried, source = models[: _MAX_MODELS if is_on_this_machine(url) else 1], f"{name}, {url}"
    untried = len(models) - len(tried)
    if is_on_this_machine(url):
        yield _Candidate(LOCAL, tried, source, _local_environment(url, key), url, key, untried)
    else:
        yield _Candidate("openai", tried, source, {}, url, key, untried)


def _try(candidate: _Candidate, name: str, tried: Tried, notes: list[str], until: float) -> Model | None:
    """Return the model if it calls tools, by itself or in the form of its answer; otherwise a note says why not."""
    known = candidate.known_as(name)
    if known in tried:
        tried[known] = tried.pop(known)  # the last one that works is the last one
    else:
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
            if time.monotonic() > until or error.situation is Situation.PROVIDER_NOT_CONFIGURED:
                break
        else:
            return way
    raise failure


def _seconds(until: float) -> float:
    return max(0.1, round(until - time.monotonic(), 1))


class _NoModels(Exception):
    """Why a server has no model that can be tried. `is_server`: it speaks OpenAI's protocol."""

    def __init__(self, reason: str, *, is_server: bool = False) -> None:
        super().__init__(reason)
        self.is_server = is_server


def _chat_models(name: str, url: str, key: str) -> tuple[str, ...]:
    """Return the chosen model, or all models of this server that may answer messages. Raises _NoModels."""
    parts = _split(url)
    if parts is None:
        raise _NoModels(f"{name} is no address of a server: it is like http://localhost:11434/v1, without a password or a query")
    try:
        check_key("OPENAI_API_KEY", key)
    except Upstream as error:
        raise _NoModels(f"{name}, {url}: {error.message}") from error
    status, answer = _get_models(name, url, key)
    if status in (401, 403):
        wants = "refuses OPENAI_API_KEY" if key else "wants a key (OPENAI_BASE_URL and OPENAI_API_KEY)"
        raise _NoModels(f"{name}, {url}, {wants}", is_server=isinstance(answer, dict) and "error" in answer)
    listed = answer.get("data") if isinstance(answer, dict) else None
    if isinstance(answer, dict) and (listed == [] or (listed is None and answer.get("object") == "list")):  # Ollama without any
        raise _NoModels(f"{name}, {url}, has no models yet", is_server=True)
    models = _names(listed)
    if status != 200 or not models:
        missing = "" if parts.path else "; a base URL mostly ends with /v1"
        raise _NoModels(f"{name} lists no models at {url}/models (HTTP {status}{missing})")
    if chosen := _chosen():
        return (chosen,)
    if chats := tuple(one for one in models if not any(word in one.lower() for word in _NO_CHAT)):
        return chats
    raise _NoModels(f"{name}, {url}, has no model that answers messages", is_server=True)


def _split(url: str) -> Any:
    """Return the parts of a base URL; None if it is none, or says more than an address: it is shown on pages."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    plain = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc and url.isprintable()
    return parts if plain and " " not in url and not parts.query and not parts.fragment else None


def _get_models(name: str, url: str, key: str) -> tuple[int, Any]:
    """Return the status and the JSON of a server's list of models; None if it is no JSON. The key follows no redirect."""
    deadline = time.monotonic() + LOOK_SECONDS
    headers = {"authorization": f"Bearer {key}"} if key else {}
    body, elsewhere = b"", not is_on_this_machine(url)
    try:
        with (
            httpx2.Client(trust_env=elsewhere, verify=elsewhere, timeout=LOOK_SECONDS, follow_redirects=False) as client,
            client.stream("GET", f"{url}/models", headers=headers) as response,
        ):
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > _MAX_LIST or time.monotonic() > deadline:
                    raise _NoModels(f"{name}, {url}, sends a list of models without an end")
            return response.status_code, json.loads(body)
    except (httpx2.TransportError, httpx2.InvalidURL, httpx2.DecodingError) as error:
        raise _NoModels(f"{name}, {url}, cannot be reached ({type(error).__name__})") from error
    except (ValueError, RecursionError):
        return response.status_code, None


def _names(listed: Any) -> tuple[str, ...]:
    names = [one.get("id") for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return tuple(name for name in names if isinstance(name, str) and name.isprintable() and 0 < len(name) <= 200)
