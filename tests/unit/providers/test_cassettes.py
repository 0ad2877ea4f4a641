"""A real model, as it once answered: SmolLM2-135M behind llama.cpp's server (`make try-local-model` records it again)."""

import pytest

from local.models import find_model
from shared.agents.providers import wire
from shared.agents.providers.port import Finished, ToolCallReady
from shared.agents.tools import parse_arguments
from tests.cassettes import Replay
from tests.try_local_model import NAME, agent_request, take_turn


@pytest.fixture
def replay(monkeypatch):
    for name in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL", "AWS_BEARER_TOKEN_BEDROCK", "CADRE_DEFAULT_PROVIDER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("CADRE_DEFAULT_MODEL", raising=False)
    replay = Replay(NAME)
    with replay.running() as port:
        yield replay, port
        wire._client().close()
        wire._client.cache_clear()


def test_a_real_model_without_tool_calls_is_found_and_does_an_agents_turn(replay):
    recorded, port = replay
    model = find_model(0, {}, servers={"llama.cpp": port})
    assert (model.provider, model.name) == ("local", NAME)
    assert (
        model.environment["LOCAL_TOOLS"] == "json_object"
    )  # it talks instead of calling tools, and this server refuses json_schema
    *called, done = take_turn(model)
    assert recorded.left == []
    calls = [event.call for event in called if isinstance(event, ToolCallReady)]
    assert [call.name for call in calls if parse_arguments(call.name, call.arguments)] == [call.name for call in calls]
    assert calls
    assert isinstance(done, Finished)
    assert (done.stop_reason, done.model, done.estimated) == ("tool_use", NAME, True)  # the server counts no tokens of a stream
    assert done.usage.output > 20


def test_what_was_asked_is_what_is_asked_today(replay):
    """Otherwise the cassette answers questions that nobody asks any more: record it again."""
    recorded, port = replay
    questions = [one["request"] for one in recorded.left]
    take_turn(find_model(0, {}, servers={"llama.cpp": port}))
    assert [one for one in recorded.asked if one] == [one for one in questions if one]
    assert agent_request().tools
