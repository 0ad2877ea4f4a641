"""Which model works on a laptop: found, tried once, used by the order of the README, or refused by name."""

import time
from collections.abc import Callable, Iterator

import pytest

from local import LocalError, models
from local.engine import environment, free_port
from local.models import Model, find_model
from shared.agents.providers import wire
from shared.agents.providers.openai import OpenAIProvider
from shared.agents.providers.registry import provider
from shared.core.errors import Upstream
from tests.model_server import ModelServer

NAMES = ("ANTHROPIC", "OPENAI", "LOCAL", "GOOGLE", "QWEN", "GLM")
OTHERS = (
    "AWS_BEARER_TOKEN_BEDROCK",
    "BEDROCK_REGION",
    "CADRE_BEDROCK_MODEL_ARNS",
    "CADRE_DEFAULT_PROVIDER",
    "CADRE_DEFAULT_MODEL",
)


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*OTHERS, *(f"{name}_{what}" for name in NAMES for what in ("API_KEY", "BASE_URL", "TOOLS"))):
        monkeypatch.delenv(name, raising=False)


Serve = Callable[..., ModelServer]


@pytest.fixture
def serve() -> Iterator[Serve]:
    made: list[ModelServer] = []

    def start(skill: str = "calls", listed: object = ("small:1b",)) -> ModelServer:
        made.append(ModelServer(skill, listed))
        return made[-1]

    yield start
    wire._client().close()
    wire._client.cache_clear()
    for server in made:
        server.close()


def find(*servers: ModelServer, port: int = 8000, tried: dict[str, str] | None = None, seconds: float = 5.0) -> Model:
    names = dict(zip(("Ollama", "LM Studio", "llama.cpp"), (server.port for server in servers), strict=False))
    return find_model(port, {} if tried is None else tried, servers=names, seconds=seconds)


def test_the_usual_ports() -> None:
    assert models.SERVERS == {"Ollama": 11434, "LM Studio": 1234, "llama.cpp": 8080}


def test_a_server_on_loopback_is_found_tried_once_and_free(serve: Serve) -> None:
    server, tried = serve(listed=("nomic-embed-text", "qwen2.5:7b")), dict[str, str]()
    model = find(server, tried=tried)
    assert (model.provider, model.name, model.is_language_model) == ("local", "qwen2.5:7b", True)
    assert model.environment == {"LOCAL_BASE_URL": server.url}
    assert model.line == f"local/qwen2.5:7b (Ollama, {server.url}, free)"
    assert model.settings == {"CADRE_DEFAULT_PROVIDER": "local", "CADRE_DEFAULT_MODEL": "qwen2.5:7b"}
    assert [tool["function"]["name"] for tool in server.asked[0]["tools"]] == ["report"]
    assert find(server, tried=tried) == model
    assert len(server.asked) == 1


def test_without_anything_the_embedded_model_works_and_says_how_to_get_a_better_one() -> None:
    model = find_model(8000, {}, servers={"Ollama": free_port()})
    assert (model.provider, model.name, model.settings) == ("embedded", "cadre-embedded-1", {})
    assert model.line.startswith("embedded/cadre-embedded-1 (no language model was found); for a language model start Ollama")


@pytest.mark.parametrize(
    "listed",
    [
        b"<!doctype html><title>Some page</title>",
        {"models": []},
        ["small"],
        {"data": "small"},
        {"data": [{"id": 7}]},
        pytest.param(b"[" * 9_999, id="deep"),
    ],
)
def test_what_does_not_speak_the_protocol_is_not_ours(serve: Serve, listed: object) -> None:
    server = serve(listed=listed)
    model = find(server)
    assert (model.provider, model.notes, server.paths, server.asked) == ("embedded", (), ["/v1/models"], [])


def test_the_platforms_own_port_is_never_asked(serve: Serve) -> None:
    server = serve()
    assert find(server, port=server.port).provider == "embedded"
    assert server.paths == []


def test_a_server_that_hangs_costs_a_bounded_time(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "LOOK_SECONDS", 0.2)
    silent, slow, good = serve("hangs"), serve("thinks for ever", ("a", "b", "c", "d")), serve(listed=("good",))
    started = time.monotonic()
    model = find(silent, slow, good, seconds=0.3)
    assert (model.name, len(slow.asked)) == ("good", 1)
    assert "local/a of LM Studio" in model.notes[0]
    assert "cannot be used: local did not finish within 0.3 s" in model.notes[0]
    assert time.monotonic() - started < 5  # both hang for ten


def test_a_model_without_tools_gets_them_by_structured_output(serve: Serve) -> None:
    server, tried = serve("structured"), dict[str, str]()
    model = find(server, tried=tried)
    assert model.environment == {"LOCAL_BASE_URL": server.url, "LOCAL_TOOLS": "json_schema"}
    assert "tools by structured output" in model.line
    first, second = server.asked
    assert "tools" in first
    assert "tools" not in second
    assert second["response_format"]["json_schema"]["schema"]["properties"]["calls"]["items"]["anyOf"][0]["properties"][
        "name"
    ] == {"const": "report"}
    assert find(server, tried=tried) == model
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("skill", "reason"),
    [
        ("talks", "local did not keep to the form of its answer"),
        ("refuses", "registry.ollama.ai/library/small:1b does not support tools"),
    ],
)
def test_a_model_that_can_do_neither_is_refused_by_name(serve: Serve, skill: str, reason: str) -> None:
    bad, good, tried = serve(skill), serve(listed=("good",)), dict[str, str]()
    model = find(bad, good, tried=tried)
    assert model.name == "good"
    assert "local/small:1b of Ollama" in model.line
    assert reason in model.line
    assert list(tried) == [f"local/good {good.url}"]  # the other one is tried again at the next start
    alone = find(bad)
    assert (alone.provider, len(alone.notes)) == ("embedded", 1)
    assert "cannot be used" in alone.line


def test_keys_come_before_servers_and_are_tried_too(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve()
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k-1234567890")
    monkeypatch.setenv("OPENAI_API_KEY", "k-1234567890")
    tried = {"anthropic/claude-3-5-sonnet-20241022": "calls", "openai/gpt-4-turbo": "calls"}
    assert find(server, tried=dict(tried)).line == "anthropic/claude-3-5-sonnet-20241022 (ANTHROPIC_API_KEY)"
    monkeypatch.setenv("CADRE_DEFAULT_PROVIDER", "openai")
    assert find(server, tried=dict(tried)).line == "openai/gpt-4-turbo (OPENAI_API_KEY)"
    monkeypatch.delenv("CADRE_DEFAULT_PROVIDER")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", f"http://127.0.0.1:{free_port()}")  # nobody answers there
    del tried["anthropic/claude-3-5-sonnet-20241022"]
    model = find(server, tried=tried, seconds=0.3)
    assert (model.provider, server.paths) == ("openai", [])
    assert "anthropic/claude-3-5-sonnet-20241022 of ANTHROPIC_API_KEY cannot be used: anthropic" in model.line


def test_bedrock_needs_a_region_and_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "bedrock-api-key")
    assert "Bedrock also needs BEDROCK_REGION and CADRE_DEFAULT_MODEL" in find().line
    monkeypatch.setenv("BEDROCK_REGION", "eu-west-1")
    monkeypatch.setenv("CADRE_BEDROCK_MODEL_ARNS", "arn:aws:bedrock:eu-west-1::foundation-model/m, arn:other")
    found = find(tried={"bedrock/arn:aws:bedrock:eu-west-1::foundation-model/m": "calls"})
    assert found.settings["CADRE_DEFAULT_MODEL"] == "arn:aws:bedrock:eu-west-1::foundation-model/m"
    assert found.environment == {"BEDROCK_ENDPOINT_URL": "https://bedrock-runtime.eu-west-1.amazonaws.com"}


def test_an_address_in_the_environment_comes_before_the_usual_ports(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, usual = serve(listed=("mine",)), serve(listed=("usual",))
    monkeypatch.setenv("OPENAI_BASE_URL", mine.url)
    monkeypatch.setenv("OPENAI_API_KEY", "k-mine")
    model = find(usual)
    assert (model.provider, model.name) == ("local", "mine")
    assert model.environment == {"LOCAL_BASE_URL": mine.url, "LOCAL_API_KEY": "k-mine"}
    monkeypatch.setenv("OPENAI_BASE_URL", mine.url.removesuffix("/v1"))
    mine.listed = b"nothing here"
    model = find(usual)
    assert (model.name, model.notes) == ("usual", (f"OPENAI_BASE_URL lists no models at {mine.url.removesuffix('/v1')}/models",))


def test_the_model_can_be_chosen(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(listed=("first", "second"))
    monkeypatch.setenv("CADRE_DEFAULT_MODEL", "second")
    assert find(server).name == "second"
    assert [body["model"] for body in server.asked] == ["second"]


def test_embedded_says_no_and_nothing_is_asked(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve()
    monkeypatch.setenv("CADRE_DEFAULT_PROVIDER", "embedded")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
    model = find(server)
    assert model.line.startswith("embedded/cadre-embedded-1 (CADRE_DEFAULT_PROVIDER)")
    assert server.paths == []


def test_a_provider_that_is_named_stays_also_when_it_was_not_found(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve()
    monkeypatch.setenv("CADRE_DEFAULT_PROVIDER", "glm")
    monkeypatch.setenv("CADRE_DEFAULT_MODEL", "glm-4")
    assert find(server).line == "glm/glm-4 (CADRE_DEFAULT_PROVIDER; it was not found here)"
    assert server.asked == []


@pytest.mark.parametrize(
    ("named", "reason"),
    [
        ("ollama", "CADRE_DEFAULT_PROVIDER=ollama is no provider: there are embedded, anthropic, bedrock, openai"),
        ("claude", "CADRE_DEFAULT_PROVIDER=anthropic: no model of it was found here; CADRE_DEFAULT_MODEL names one"),
    ],
)
def test_a_provider_without_a_model_is_said_at_once(monkeypatch: pytest.MonkeyPatch, named: str, reason: str) -> None:
    monkeypatch.setenv("CADRE_DEFAULT_PROVIDER", named)
    with pytest.raises(LocalError, match=reason):
        find()


def test_the_functions_get_what_was_found(serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    server = serve("structured")
    for name, value in find(server).environment.items():
        monkeypatch.setenv(name, value)
    adapter = provider("local")
    assert isinstance(adapter, OpenAIProvider)
    assert (adapter.base_url, adapter.form, adapter.api_key) == (server.url, "json_schema", "")
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "t")
    monkeypatch.setenv("BEDROCK_REGION", "eu-west-1")
    passed = environment(tmp_path, 4566, "secret")
    assert {"LOCAL_BASE_URL", "LOCAL_TOOLS", "AWS_BEARER_TOKEN_BEDROCK", "BEDROCK_REGION"} <= set(passed)


@pytest.mark.parametrize("address", ["", "https://api.openai.com/v1", "http://10.0.0.7:11434/v1", "http://[bad"])
def test_local_is_a_server_on_this_machine_and_no_other(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("LOCAL_BASE_URL", address)
    with pytest.raises(Upstream, match="local has no server on this machine"):
        provider("local")
