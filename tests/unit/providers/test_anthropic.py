"""The Anthropic adapter against a real HTTP server on loopback."""

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.agents.providers.anthropic import AnthropicProvider
from shared.agents.providers.port import (
    Finished,
    Message,
    Request,
    StreamInterrupted,
    Text,
    TextDelta,
    TokenUsage,
    ToolCall,
    ToolCallReady,
    ToolResult,
    ToolSpec,
)
from shared.core.errors import Upstream
from shared.core.situations import Situation
from tests.examples import examples

from .conftest import Reply, sse

KEY = "sk-ant-api03-secret-secret"
REQUEST = Request(
    model="claude-3-5-sonnet-20241022",
    system="Be brief.",
    messages=(
        Message.user("Read"),
        Message("assistant", (Text("Reading."), ToolCall("c1", "read_card", {}))),
        Message("user", (Text("and hurry"), ToolResult("c1", "{}"))),
    ),
    tools=(ToolSpec("comment", "Comment", {"type": "object"}),),
    temperature=1.4,
    timeout_s=10,
)
START = {
    "type": "message_start",
    "message": {
        "model": "claude-3-5-sonnet-20241022",
        "usage": {"input_tokens": 10, "cache_read_input_tokens": 300, "cache_creation_input_tokens": 40, "output_tokens": 1},
    },
}


def text(value, index=0):
    return {"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": value}}


def json_part(value, index):
    return {"type": "content_block_delta", "index": index, "delta": {"type": "input_json_delta", "partial_json": value}}


def tool_start(index, call_id):
    return {
        "type": "content_block_start",
        "index": index,
        "content_block": {"type": "tool_use", "id": call_id, "name": "comment", "input": {}},
    }


def end(reason, output=25):
    return {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": output}}


ANSWER = sse(
    START,
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "ping"},
    text("Ich lese "),
    text("die Karte ✓"),
    {"type": "content_block_stop", "index": 0},
    tool_start(1, "toolu_1"),
    json_part("", 1),
    json_part('{"content": "a', 1),
    json_part('b"}', 1),
    {"type": "content_block_stop", "index": 1},
    tool_start(2, "toolu_2"),
    {"type": "content_block_stop", "index": 2},
    {"type": "a_new_event_they_may_add"},
    end("tool_use"),
    {"type": "message_stop"},
    name=True,
)
CALLS = [ToolCall("toolu_1", "comment", {"content": "ab"}), ToolCall("toolu_2", "comment", {})]


def provider(loopback, pauses, **changes):
    return AnthropicProvider("anthropic", KEY, loopback.url, pauses.retry_policy(**changes))


def collected(events):
    events = list(events)
    return (
        "".join(e.text for e in events if isinstance(e, TextDelta)),
        [e.call for e in events if isinstance(e, ToolCallReady)],
        events[-1],
    )


def test_a_stream_with_tool_calls_and_disjoint_buckets(loopback, pauses):
    loopback.replies = [Reply(chunks=[ANSWER])]
    said, calls, finished = collected(provider(loopback, pauses).stream(REQUEST))
    assert (said, calls) == ("Ich lese die Karte ✓", CALLS)
    usage = TokenUsage(input=10, cache_read=300, cache_write=40, output=25)
    assert finished == Finished("tool_use", usage, "claude-3-5-sonnet-20241022")


def test_what_is_sent(loopback, pauses):
    loopback.replies = [Reply(chunks=[ANSWER])]
    list(provider(loopback, pauses).stream(REQUEST))
    asked = loopback.asked[0]
    assert asked.path == "/v1/messages"
    assert asked.headers["x-api-key"] == KEY
    assert asked.headers["anthropic-version"]
    assert asked.body["temperature"] == 1.0
    assert asked.body["system"][0]["cache_control"] == {"type": "ephemeral"}
    assert [block["type"] for block in asked.body["messages"][1]["content"]] == ["text", "tool_use"]
    assert [block["type"] for block in asked.body["messages"][2]["content"]] == ["tool_result", "text"]


@settings(max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(1, len(ANSWER) - 1), max_size=40, unique=True))
def test_any_chunking_of_the_bytes_gives_the_same_events(loopback, pauses, cuts):
    loopback.replies = [Reply(chunks=[ANSWER[a:b] for a, b in pairwise([0, *sorted(cuts), len(ANSWER)])])]
    said, calls, finished = collected(provider(loopback, pauses).stream(REQUEST))
    assert (said, calls, finished.stop_reason) == ("Ich lese die Karte ✓", CALLS, "tool_use")


@pytest.mark.parametrize(
    ("reason", "expected"),
    [("end_turn", "end"), ("stop_sequence", "end"), ("max_tokens", "max_tokens"), ("refusal", "refusal")],
)
def test_stop_reasons(loopback, pauses, reason, expected):
    loopback.replies = [Reply(chunks=[sse(START, text("x"), end(reason), {"type": "message_stop"}, name=True)])]
    assert collected(provider(loopback, pauses).stream(REQUEST))[2].stop_reason == expected


def test_a_call_cut_by_max_tokens_is_left_out(loopback, pauses):
    loopback.replies = [Reply(chunks=[sse(START, tool_start(0, "t"), json_part('{"con', 0), end("max_tokens"), name=True)])]
    assert collected(provider(loopback, pauses).stream(REQUEST))[1] == []


def test_overloaded_inside_the_stream_is_tried_again(loopback, pauses):
    overloaded = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    loopback.replies = [Reply(chunks=[sse(START, overloaded, name=True)]), Reply(chunks=[ANSWER])]
    assert collected(provider(loopback, pauses).stream(REQUEST))[1] == CALLS


def test_overloaded_after_text_keeps_what_is_known_to_be_spent(loopback, pauses):
    overloaded = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    loopback.replies = [Reply(chunks=[sse(START, text("abcdefgh"), overloaded, name=True)])]
    with pytest.raises(StreamInterrupted, match="not available") as caught:
        list(provider(loopback, pauses).stream(REQUEST))
    assert caught.value.usage == TokenUsage(input=10, cache_read=300, cache_write=40, output=2)


@pytest.mark.parametrize(
    ("status", "situation"),
    [(401, Situation.PROVIDER_NOT_CONFIGURED), (403, Situation.PROVIDER_NOT_CONFIGURED), (404, Situation.PROVIDER_UNAVAILABLE)],
)
def test_refusals_are_not_retried(loopback, pauses, status, situation):
    loopback.replies = [
        Reply(status, [b'{"error": {"type": "x", "message": "' + KEY.encode() + b'"}}'], {"content-type": "application/json"})
    ]
    with pytest.raises(Upstream) as caught:
        list(provider(loopback, pauses).stream(REQUEST))
    assert caught.value.situation is situation
    assert KEY not in str(caught.value)
    assert len(loopback.asked) == 1


@pytest.mark.parametrize("status", [429, 503, 529])
def test_busy_then_answered(loopback, pauses, status):
    loopback.replies = [Reply(status, [b"{}"], {"content-type": "application/json"}), Reply(chunks=[ANSWER])]
    assert collected(provider(loopback, pauses).stream(REQUEST))[1] == CALLS


def test_the_stream_ends_without_its_end(loopback, pauses):
    loopback.replies = [Reply(chunks=[sse(START, text("half"), name=True)])]
    with pytest.raises(StreamInterrupted, match="before the answer was complete"):
        list(provider(loopback, pauses).stream(REQUEST))


def test_the_whole_call_is_bounded(loopback, pauses):
    loopback.replies = [Reply(chunks=[sse(START, text("a"), name=True)], hangs=True)]
    with pytest.raises(StreamInterrupted, match=r"did not finish within 0\.3 s"):
        list(provider(loopback, pauses).stream(Request("m", (Message.user("x"),), timeout_s=0.3)))


def test_leaving_a_stream_early_closes_the_connection(loopback, pauses):
    loopback.replies = [Reply(chunks=[sse(START, text("a"), name=True)], hangs=True)]
    events = provider(loopback, pauses).stream(REQUEST)
    assert next(events) == TextDelta("a")
    events.close()
