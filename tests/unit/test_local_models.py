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

    def start(skill: str = "calls", listed: object = ("small:1b",), status: int = 200, host: str = "127.0.0.1") -> ModelServer:
        made.append(ModelServer(skill, listed, status, host))
        return made[-1]

    yield start
    wire._client().close()
    wire._client.cache_clear()
    for server in made:
        server.close()


def find(*servers: ModelServer, port: int = 8000, tried: dict[str, str] | None = None, seconds: float = 5.0) -> Model:
    names = dict(zip(("Ollama", "LM Studio", "llama.cpp"), (server.port for server in servers), strict=False))
    return find_model(port, {} if tried is None else tried, servers=names, seconds=seconds)


def known(model: str, key: str = "k-1234567890") -> str:
    """The name under which it is remembered that a model works with a key."""
    provider_name, _, name = model.partition("/")
    return models._Candidate(provider_name, (name,), "", key=key).known_as(name)


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


@pytest.mark.parametrize(
    ("listed", "status", "reason"),
    [
        ((), 200, "has no models yet"),
        ({"object": "list", "data": None}, 200, "has no models yet"),
        (("nomic-embed-text", "bge-reranker"), 200, "has no model that answers messages"),
        ({"error": {"message": "Invalid API Key"}}, 401, "wants a key (OPENAI_BASE_URL and OPENAI_API_KEY)"),
    ],
)
def test_a_server_of_models_that_has_none_to_try_is_named(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, listed: object, status: int, reason: str
) -> None:
    server = serve(listed=listed, status=status)
    assert find(server).notes == (f"Ollama, {server.url}, {reason}",)
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    assert find().notes == (f"OPENAI_BASE_URL, {server.url}, {reason}",)
    assert server.asked == []


def test_a_web_server_that_wants_a_password_is_not_ours(serve: Serve) -> None:
    assert find(serve(listed=b"<h1>Sign in</h1>", status=401), serve(listed={"data": [{}]}, status=404)).notes == ()


def test_no_key_follows_a_redirect_or_goes_to_a_server_that_nobody_named(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    other, usual = serve(), serve("talks")
    mine = serve(listed=f"{other.url}/models".encode(), status=307)
    monkeypatch.setenv("OPENAI_API_KEY", "k-1234567890")
    monkeypatch.setenv("OPENAI_BASE_URL", mine.url + "/")
    model = find(usual)
    assert model.notes[0] == f"OPENAI_BASE_URL lists no models at {mine.url}/models (HTTP 307)"
    assert (mine.keys, other.keys) == (["Bearer k-1234567890"], [])
    assert set(usual.keys) == {None}


def test_a_server_on_ipv6_only_is_found(serve: Serve) -> None:
    try:
        server = serve(host="::1")
    except OSError:
        pytest.skip("this machine has no IPv6")
    assert find(server).environment == {"LOCAL_BASE_URL": server.url}
    assert server.url.startswith("http://[::1]:")
    assert find(server, port=server.port).provider == "embedded"


def test_of_a_long_list_a_few_are_tried_and_the_rest_is_said(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve("refuses", tuple(f"m{number}" for number in range(500)))
    model = find(server)
    assert {body["model"] for body in server.asked} == {"m0", "m1", "m2"}
    assert model.notes[3:] == (f"497 more models of Ollama, {server.url} were not tried: CADRE_DEFAULT_MODEL names one",)
    monkeypatch.setenv("CADRE_DEFAULT_MODEL", "my-embedded-talker")  # whoever names a model knows it
    assert find(serve()).name == "my-embedded-talker"


@pytest.mark.parametrize(
    "address",
    [
        "localhost:11434/v1",
        "ftp://127.0.0.1/v1",
        "http://[bad/v1",
        "http://127.0.0.1:none/v1",
        "http://ada:pa55word@127.0.0.1:9/v1",
        "http://127.0.0.1:9/v1?key=pa55word",
        "http://127.0.0.1:9/v1 pa55word",
    ],
)
def test_an_address_that_cannot_be_asked_is_not_shown(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", address)
    line = find().line
    assert "OPENAI_BASE_URL is no address of a server" in line
    assert "pa55word" not in line


@pytest.mark.parametrize("name", ["ANTHROPIC", "OPENAI", "base"])
def test_a_key_that_cannot_be_sent_is_said_and_a_blank_one_is_none(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    server, variable = serve(), "OPENAI_API_KEY" if name == "base" else f"{name}_API_KEY"
    monkeypatch.setenv(f"{'OPENAI' if name == 'base' else name}_BASE_URL", server.url) if name != "OPENAI" else None
    for key in ("“k-1234567890”", "k-12345\n67890"):
        monkeypatch.setenv(variable, key)
        (note,) = find().notes
        assert f"{variable} has a character that no key has" in note
        assert "12345" not in note
    assert server.keys == []
    monkeypatch.setenv(variable, " \t")
    assert find().notes == ()


def test_what_a_server_says_cannot_act_on_the_terminal(serve: Serve) -> None:
    model = find(serve("refuses", ("red",)))
    assert model.line.isprintable()
    server = serve("refuses")
    server.refusal = "\x1b[31mred\u202e \x07"
    assert "[31mred" in find(server).line
    assert find(server).line.isprintable()


def test_a_server_that_is_away_at_the_start_is_reached_when_it_is_back(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    server, other, tried = serve("structured"), serve(listed=("better",)), dict[str, str]()
    reached = find(server, tried=tried).environment
    assert reached == {"LOCAL_BASE_URL": server.url, "LOCAL_TOOLS": "json_schema"}
    assert find(tried=tried).environment == reached  # a stored workspace may name it
    monkeypatch.setenv("CADRE_DEFAULT_PROVIDER", "embedded")
    assert find(tried=tried).environment == reached
    monkeypatch.delenv("CADRE_DEFAULT_PROVIDER")
    assert find(other, tried=tried).environment == {"LOCAL_BASE_URL": other.url}
    assert find(tried=tried).environment == {"LOCAL_BASE_URL": other.url}
    find(server, tried=tried)
    assert find(tried=tried).environment == reached
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k-1234567890")
    tried[known("anthropic/claude-3-5-sonnet-20241022")] = "calls"
    model = find(tried=tried)
    assert (model.provider, model.environment) == ("anthropic", reached)


def test_bedrock_is_reached_also_when_it_is_not_the_default(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "t")
    monkeypatch.setenv("BEDROCK_REGION", "eu-west-1")
    assert find(serve()).environment["BEDROCK_ENDPOINT_URL"] == "https://bedrock-runtime.eu-west-1.amazonaws.com"


def test_a_named_model_that_fails_its_trial_is_reached_all_the_same(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve("refuses")
    monkeypatch.setenv("CADRE_DEFAULT_PROVIDER", "local")
    monkeypatch.setenv("CADRE_DEFAULT_MODEL", "large:70b")
    model = find(server)
    assert (model.provider, model.name, model.environment) == ("local", "large:70b", {"LOCAL_BASE_URL": server.url})
    assert "it was not found" not in model.line


def test_another_key_is_tried_again_and_is_not_written_down(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = {known("anthropic/claude-3-5-sonnet-20241022"): "calls"}
    monkeypatch.setenv("ANTHROPIC_BASE_URL", serve("locked").url)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k-1234567890")
    assert find(tried=tried).provider == "anthropic"
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k-1234567890-mistyped")
    model = find(tried=tried)
    assert (model.provider, len(model.notes)) == ("embedded", 1)
    assert "anthropic refused our credentials (HTTP 401)" in model.line
    assert "12345" not in f"{model.line} {tried}"


def test_a_trial_that_costs_is_made_for_one_model_and_not_again_after_a_refused_key(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "is_on_this_machine", lambda _: False)  # as a server elsewhere
    for skill, calls in (("locked", 1), ("talks", 3)):
        server = serve(skill, ("a", "b", "c"))
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "k-1234567890")
        model = find()
        assert [body["model"] for body in server.asked] == ["a"] * calls
        assert f"2 more models of OPENAI_BASE_URL, {server.url} were not tried" in model.line


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
    tried = {known("anthropic/claude-3-5-sonnet-20241022"): "calls", known("openai/gpt-4-turbo"): "calls"}
    assert find(server, tried=dict(tried)).line == "anthropic/claude-3-5-sonnet-20241022 (ANTHROPIC_API_KEY)"
    monkeypatch.setenv("CADRE_DEFAULT_PROVIDER", "openai")
    assert find(server, tried=dict(tried)).line == "openai/gpt-4-turbo (OPENAI_API_KEY)"
    monkeypatch.delenv("CADRE_DEFAULT_PROVIDER")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", f"http://127.0.0.1:{free_port()}")  # nobody answers there
    del tried[known("anthropic/claude-3-5-sonnet-20241022")]
    model = find(server, tried=tried, seconds=0.3)
    assert (model.provider, server.paths) == ("openai", [])
    assert "anthropic/claude-3-5-sonnet-20241022 of ANTHROPIC_API_KEY cannot be used: anthropic" in model.line


def test_bedrock_needs_a_region_and_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "bedrock-api-key")
    assert "Bedrock also needs BEDROCK_REGION and CADRE_DEFAULT_MODEL" in find().line
    monkeypatch.setenv("BEDROCK_REGION", "eu-west-1")
    monkeypatch.setenv("CADRE_BEDROCK_MODEL_ARNS", "arn:aws:bedrock:eu-west-1::foundation-model/m, arn:other")
    found = find(tried={known("bedrock/arn:aws:bedrock:eu-west-1::foundation-model/m", "bedrock-api-key"): "calls"})
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
    reason = "(HTTP 200; a base URL mostly ends with /v1)"
    assert (model.name, model.notes) == (
        "usual",
        (f"OPENAI_BASE_URL lists no models at {mine.url.removesuffix('/v1')}/models {reason}",),
    )


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


def test_a_server_of_another_provider_than_the_named_one_is_said(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve()
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.setenv("CADRE_DEFAULT_PROVIDER", "openai")
    with pytest.raises(LocalError, match=r"no model of it was found here \(OPENAI_BASE_URL, .*, is the provider local\)"):
        find()
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
