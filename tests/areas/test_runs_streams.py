"""Runs whose model answers over real HTTP, with streams as servers really send them: what becomes of the run, and what it is charged."""

import json

import pytest

from shared.agents.providers import registry
from shared.agents.providers.openai import OpenAIProvider
from shared.agents.providers.port import Finished, StreamInterrupted, TextDelta, TokenUsage
from shared.core.situations import Situation
from shared.money.usage.rows import UsageLine
from shared.runs.agent_runs.failures import ProviderRateLimited
from shared.runs.agent_runs.rows import ToolCallRecord
from shared.store import collection, fetch, load_text, query
from tests.areas.boards_world import World
from tests.areas.running import Machine
from tests.areas.test_runs import card_in, started
from tests.unit.providers.conftest import Loopback, Reply, loopback, pauses, sse
from tests.unit.providers.test_streams import chunk, openai_stream, part, tools

__all__ = ["loopback", "pauses"]
USAGE = {"choices": [], "usage": {"prompt_tokens": 90, "completion_tokens": 7}}


@pytest.fixture
def server(paid, loopback, pauses, monkeypatch) -> Loopback:
    """The model of every run is this server."""
    monkeypatch.setattr(registry, "provider", lambda _: OpenAIProvider("openai", "", loopback.url, pauses.retry_policy()))
    return loopback


def play(world: World, machine: Machine):
    return machine.play(started(world, card_in(world, 1, "doc"), "prd"))


def charged(run) -> list[tuple[int, int, bool]]:
    lines = [fetch(UsageLine, row.id) for row in collection(2, f"RUN#{run.id}#USE")]
    return [(int(line.input_tokens), int(line.output_tokens), bool(line.estimated)) for line in lines]


@pytest.mark.parametrize(
    "wrong",
    [part(0, "a", "comment", '{"content": "x",}'), part(0, "a", None, "{}"), part(0, "a", "comment", '{"content": 1e999}')],
)
def test_a_call_that_cannot_be_read_is_told_to_the_model_which_corrects_it(world, machine, server, wrong):
    right = part(0, "b", "comment", {"content": "Two\nlines"})
    server.replies = [
        Reply(chunks=[one]) for one in (tools([wrong]), tools([right]), openai_stream(chunk(content="Done"), USAGE))
    ]
    run = play(world, machine)
    assert (run.status, run.error_message) == ("completed", None)
    first, second = query(ToolCallRecord, f"RUN#{run.id}", prefix="CALL#").rows
    assert (first.is_error, first.effect, second.is_error) == (True, None, False)
    *_, call, answer = server.asked[1].body["messages"]
    assert (call["tool_calls"][0]["function"]["arguments"], answer["tool_call_id"]) == ("{}", "a")
    assert answer["content"] == f"ERROR: {load_text(first.result)}"
    assert len(charged(run)) == 3


def test_a_run_without_any_counts_is_charged_by_an_estimate(world, machine, server):
    nameless = [
        one | {"model": None} for one in (chunk(content="x" * 40), chunk("stop"))
    ]  # priced as the model that was asked for
    server.replies = [Reply(chunks=[sse(*nameless, "[DONE]")])]
    run = play(world, machine)
    ((input_tokens, output_tokens, estimated),) = charged(run)
    assert (run.status, output_tokens, estimated, input_tokens > 100) == ("completed", 10, True, True)
    assert run.customer_price_micros > 0


@pytest.mark.parametrize(
    "stream",
    [
        pytest.param(sse(USAGE, "{not json"), id="no JSON"),
        pytest.param(sse(chunk(content="half"), chunk("network_error"), USAGE, "[DONE]"), id="unknown finish reason"),
        pytest.param(sse(chunk("tool_calls"), USAGE, "[DONE]"), id="no call"),
    ],
)
def test_an_answer_that_cannot_be_read_fails_the_run_and_is_charged(world, machine, server, stream):
    server.replies = [Reply(chunks=[stream])]
    run = play(world, machine)
    assert (run.status, run.error_code) == ("failed", "PROVIDER_UNAVAILABLE")
    assert charged(run) == [(90, 7, True)]
    assert run.hold is None


def test_an_answer_in_one_piece_fails_the_run_and_is_charged(world, machine, server):
    server.replies = [Reply(chunks=[json.dumps(USAGE).encode()], headers={"content-type": "application/json"})]
    run = play(world, machine)
    assert (run.status, charged(run)) == ("failed", [(90, 7, True)])


def test_every_try_of_a_rate_limited_turn_is_charged(world, machine, monkeypatch):
    """The state machine tries such a turn again; what the first try used is in the ledger by then."""
    tries = [StreamInterrupted("slow down", TokenUsage(90, 0, 0, 7), Situation.PROVIDER_RATE_LIMITED), None]

    class Limited:
        def stream(self, request, cancelled):
            if error := tries.pop(0):
                raise error
            yield TextDelta("Done")
            yield Finished("end", TokenUsage(50, 0, 0, 5), request.model)

    monkeypatch.setattr(registry, "provider", lambda _: Limited())
    machine.again += (ProviderRateLimited,)
    run = play(world, machine)
    assert run.status == "completed", run.error_message
    assert sorted(charged(run)) == [(50, 5, False), (90, 7, True)]


def test_an_adapter_without_an_end_is_charged_by_an_estimate(world, machine, monkeypatch):
    class Endless:
        def stream(self, request, cancelled):
            yield TextDelta("x" * 40)

    monkeypatch.setattr(registry, "provider", lambda _: Endless())
    run = play(world, machine)
    ((_, output_tokens, estimated),) = charged(run)
    assert (run.error_code, output_tokens, estimated) == ("PROVIDER_UNAVAILABLE", 10, True)
