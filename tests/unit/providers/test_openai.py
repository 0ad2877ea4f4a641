"""The OpenAI-compatible adapter against a real HTTP server on loopback."""

import itertools
import json
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.agents.providers import wire
from shared.agents.providers.openai import OpenAIProvider
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
from shared.agents.providers.structured import read_answer, response_format
from shared.agents.tools import TOOLS, specs
from shared.core.errors import Upstream
from shared.core.situations import Situation
from tests.examples import examples

from .conftest import Reply, sse

KEY = "sk-test-1234567890abcdef"
REQUEST = Request(
    model="gpt-4-turbo",
    system="Be brief.",
    messages=(
        Message.user("Read the card"),
        Message("assistant", (Text("Reading."), ToolCall("c1", "read_card", {"card_id": "7"}))),
        Message("user", (ToolResult("c1", "no such card", is_error=True),)),
        Message.user("Go on"),
    ),
    tools=(ToolSpec("comment", "Comment", {"type": "object", "properties": {"content": {"type": "string"}}}),),
    temperature=0.3,
    max_tokens=100,
    timeout_s=10,
)


def chunk(delta=None, finish=None, usage=None):
    choices = [] if delta is None and finish is None else [{"index": 0, "delta": delta or {}, "finish_reason": finish}]
    return {"id": "x", "model": "gpt-4-turbo-2024-04-09", "choices": choices, "usage": usage}


def tool(index, call_id=None, name=None, arguments=""):
    function = {"arguments": arguments} | ({"name": name} if name else {})
    return {"tool_calls": [{"index": index, "function": function} | ({"id": call_id, "type": "function"} if call_id else {})]}


USAGE = {"prompt_tokens": 120, "completion_tokens": 30, "total_tokens": 150, "prompt_tokens_details": {"cached_tokens": 100}}
ANSWER = sse(
    chunk({"role": "assistant", "content": ""}),
    chunk({"content": "Grüße, "}),
    chunk({"content": "Welt 🌍"}),
    chunk(tool(0, "call_a", "comment", "")),
    chunk(tool(0, arguments='{"content": "f')),
    chunk(tool(1, "call_b", "comment", '{"con')),
    chunk(tool(0, arguments='ine ✓"}')),
    chunk(tool(1, arguments='tent": "b"}')),
    chunk({}, finish="tool_calls"),
    chunk(usage=USAGE),
    "[DONE]",
)
EXPECTED_CALLS = [ToolCall("call_a", "comment", {"content": "fine ✓"}), ToolCall("call_b", "comment", {"content": "b"})]


def provider(loopback, pauses, **changes):
    return OpenAIProvider("openai", KEY, loopback.url + "/v1", pauses.retry_policy(**changes))


def collected(events):
    events = list(events)
    return (
        "".join(e.text for e in events if isinstance(e, TextDelta)),
        [e.call for e in events if isinstance(e, ToolCallReady)],
        events[-1],
    )


def test_a_stream_with_interleaved_tool_calls(loopback, pauses):
    loopback.replies = [Reply(chunks=[ANSWER])]
    text, calls, end = collected(provider(loopback, pauses).stream(REQUEST))
    assert text == "Grüße, Welt 🌍"
    assert calls == EXPECTED_CALLS
    assert end == Finished("tool_use", TokenUsage(input=20, cache_read=100, output=30), "gpt-4-turbo-2024-04-09")


def test_what_is_sent(loopback, pauses):
    loopback.replies = [Reply(chunks=[ANSWER])]
    list(provider(loopback, pauses).stream(REQUEST))
    asked = loopback.asked[0]
    assert asked.path == "/v1/chat/completions"
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.body["stream_options"] == {"include_usage": True}
    assert asked.body["max_tokens"] == 100
    assert [message["role"] for message in asked.body["messages"]] == ["system", "user", "assistant", "tool", "user"]
    assert asked.body["messages"][2]["tool_calls"][0]["function"] == {"name": "read_card", "arguments": '{"card_id": "7"}'}
    assert asked.body["messages"][3] == {"role": "tool", "tool_call_id": "c1", "content": "ERROR: no such card"}
    assert asked.body["tools"][0]["function"]["name"] == "comment"


@settings(max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(1, len(ANSWER) - 1), max_size=40, unique=True))
def test_any_chunking_of_the_bytes_gives_the_same_events(loopback, pauses, cuts):
    places = [0, *sorted(cuts), len(ANSWER)]
    loopback.replies = [Reply(chunks=[ANSWER[a:b] for a, b in itertools.pairwise(places)])]
    text, calls, end = collected(provider(loopback, pauses).stream(REQUEST))
    assert (text, calls, end.stop_reason) == ("Grüße, Welt 🌍", EXPECTED_CALLS, "tool_use")


@pytest.mark.parametrize("line_end", ["\r\n", "\r", "\n"])
def test_every_line_ending_and_comments(loopback, pauses, line_end):
    body = ": keep-alive\n\n" + sse(chunk({"content": "a"}), chunk({}, finish="stop"), "[DONE]").decode()
    loopback.replies = [Reply(chunks=[body.replace("\n", line_end).encode()])]
    text, _, end = collected(provider(loopback, pauses).stream(REQUEST))
    assert (text, end.stop_reason) == ("a", "end")


def test_without_usage_the_count_is_ours_and_says_so(loopback, pauses):
    loopback.replies = [Reply(chunks=[sse(chunk({"content": "abcd" * 5}), chunk({}, finish="stop"), "[DONE]")])]
    *_, end = provider(loopback, pauses).stream(REQUEST)
    assert end.estimated
    assert end.usage.output == 5
    assert end.usage.input > 0


def test_rate_limited_then_answered_after_the_time_asked_for(loopback, pauses):
    limited = Reply(429, [b'{"error": {"message": "slow down"}}'], {"content-type": "application/json", "retry-after": "2"})
    loopback.replies = [limited, Reply(chunks=[ANSWER])]
    text, _, _ = collected(provider(loopback, pauses).stream(REQUEST))
    assert text.startswith("Grüße")
    assert sum(pauses.slept) == pytest.approx(2)


def test_rate_limited_for_good(loopback, pauses):
    loopback.replies = [Reply(429, [b"{}"], {"content-type": "application/json", "retry-after": "1"}) for _ in range(3)]
    with pytest.raises(Upstream, match="limiting") as caught:
        list(provider(loopback, pauses, max_attempts=3).stream(REQUEST))
    assert caught.value.situation is Situation.PROVIDER_RATE_LIMITED
    assert caught.value.retry_after == 1
    assert len(loopback.asked) == 3


def test_a_wait_longer_than_the_retry_policy_allows_is_not_taken(loopback, pauses):
    loopback.replies = [Reply(429, [b"{}"], {"content-type": "application/json", "retry-after": "3600"})]
    with pytest.raises(Upstream) as caught:
        list(provider(loopback, pauses).stream(REQUEST))
    assert (caught.value.situation, pauses.slept) == (Situation.PROVIDER_RATE_LIMITED, [])


def test_an_empty_account_is_not_retried(loopback, pauses):
    body = b'{"error": {"code": "insufficient_quota", "message": "You exceeded your current quota"}}'
    loopback.replies = [Reply(429, [body], {"content-type": "application/json"})]
    with pytest.raises(Upstream, match="insufficient_quota"):
        list(provider(loopback, pauses).stream(REQUEST))
    assert len(loopback.asked) == 1


def test_refused_credentials_never_show_the_key(loopback, pauses):
    body = json.dumps({"error": {"message": f"Incorrect API key provided: {KEY}"}}).encode()
    loopback.replies = [Reply(401, [body], {"content-type": "application/json"})]
    with pytest.raises(Upstream) as caught:
        list(provider(loopback, pauses).stream(REQUEST))
    assert caught.value.situation is Situation.PROVIDER_NOT_CONFIGURED
    assert KEY not in str(caught.value)
    assert KEY not in repr(provider(loopback, pauses))


def test_a_refused_request_says_why_without_the_key(loopback, pauses):
    body = json.dumps({"error": {"type": "invalid_request_error", "message": f"bad tools with {KEY}"}}).encode()
    loopback.replies = [Reply(400, [body], {"content-type": "application/json"})]
    with pytest.raises(Upstream, match=r"HTTP 400: invalid_request_error bad tools with \*\*\*") as caught:
        list(provider(loopback, pauses).stream(REQUEST))
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("breaks", [True, False])
def test_a_stream_that_breaks_off_after_text_is_an_error_that_keeps_the_count(loopback, pauses, breaks):
    loopback.replies = [Reply(chunks=[sse(chunk({"content": "half an answ"}))], breaks=breaks)]
    events = provider(loopback, pauses).stream(REQUEST)
    assert next(events) == TextDelta("half an answ")
    with pytest.raises(StreamInterrupted, match="broke off after 12 characters") as caught:
        next(events)
    assert caught.value.situation is Situation.PROVIDER_UNAVAILABLE
    assert caught.value.usage.output == 3
    assert len(loopback.asked) == 1


def test_a_stream_that_breaks_off_before_anything_is_tried_again(loopback, pauses):
    loopback.replies = [Reply(chunks=[sse(chunk({"role": "assistant"}))], breaks=True), Reply(chunks=[ANSWER])]
    text, _, _ = collected(provider(loopback, pauses).stream(REQUEST))
    assert text.startswith("Grüße")
    assert len(loopback.asked) == 2


@pytest.mark.parametrize("data", ["{not json", "[1, 2]", '"text"'])
def test_a_malformed_chunk_is_a_clear_error(loopback, pauses, data):
    loopback.replies = [Reply(chunks=[sse(data)])]
    with pytest.raises(Upstream, match="chunk that is not") as caught:
        list(provider(loopback, pauses).stream(REQUEST))
    assert caught.value.situation is Situation.PROVIDER_UNAVAILABLE


def test_arguments_that_are_no_json_never_reach_a_tool(loopback, pauses):
    body = sse(chunk(tool(0, "c", "comment", '{"content": ')), chunk({}, finish="tool_calls"), chunk(usage=USAGE), "[DONE]")
    loopback.replies = [Reply(chunks=[body])]
    _, (call,), end = collected(provider(loopback, pauses).stream(REQUEST))
    assert (call.arguments, end.usage.cache_read) == ({}, 100)
    assert "not valid JSON" in call.problem


def test_a_call_cut_by_max_tokens_is_left_out(loopback, pauses):
    first, cut = chunk(tool(0, "a", "comment", '{"content": "x"}')), chunk(tool(1, "b", "comment", '{"cont'))
    loopback.replies = [Reply(chunks=[sse(first, cut, chunk({}, finish="length"), chunk(usage=USAGE), "[DONE]")])]
    _, calls, end = collected(provider(loopback, pauses).stream(REQUEST))
    assert ([call.id for call in calls], end.stop_reason) == (["a"], "max_tokens")


def test_a_refusal(loopback, pauses):
    loopback.replies = [Reply(chunks=[sse(chunk({"refusal": "I can't."}), chunk({}, finish="stop"), "[DONE]")])]
    text, _, end = collected(provider(loopback, pauses).stream(REQUEST))
    assert (text, end.stop_reason) == ("I can't.", "refusal")


def test_an_error_inside_the_stream(loopback, pauses):
    overloaded = sse({"error": {"code": 503, "message": "overloaded"}})
    loopback.replies = [Reply(chunks=[overloaded]), Reply(chunks=[ANSWER])]
    assert collected(provider(loopback, pauses).stream(REQUEST))[0].startswith("Grüße")


def test_an_answer_without_an_end_is_broken_off_and_paid_for(loopback, pauses, monkeypatch):
    monkeypatch.setattr(wire, "_STREAM_LIMIT", 20_000)
    loopback.replies = [Reply(chunks=[sse(chunk({"content": "again and "}))] * 1_000)]
    received = []
    with pytest.raises(StreamInterrupted, match="openai sent an answer without an end") as caught:
        received.extend(OpenAIProvider("openai", KEY, loopback.url + "/v1", pauses.retry_policy()).stream(REQUEST))
    assert caught.value.usage.output > 0
    assert len(loopback.asked) == 1


def test_silence_is_bounded(loopback, pauses):
    loopback.replies = [Reply(chunks=[sse(chunk({"content": "a"}))], hangs=True)]
    with pytest.raises(StreamInterrupted, match=r"sent nothing for 0\.3 s"):
        list(provider(loopback, pauses, idle_timeout_s=0.3).stream(REQUEST))


def test_nobody_there(pauses):
    nobody = OpenAIProvider("openai", KEY, "http://127.0.0.1:9/v1", pauses.retry_policy(max_attempts=2))
    with pytest.raises(Upstream, match="cannot be reached") as caught:
        list(nobody.stream(REQUEST))
    assert caught.value.situation is Situation.PROVIDER_UNAVAILABLE


def test_an_answer_that_does_not_stream(loopback, pauses):
    loopback.replies = [Reply(chunks=[b"<html>"], headers={"content-type": "text/html"})]
    with pytest.raises(Upstream, match="did not stream"):
        list(provider(loopback, pauses).stream(REQUEST))


def test_cancel_bites_between_chunks_and_keeps_what_was_spent(loopback, pauses):
    loopback.replies = [Reply(chunks=[sse(chunk({"content": "abcd"})), *[sse(chunk({"content": "more"}))] * 50])]
    seen = []
    events = provider(loopback, pauses).stream(REQUEST, cancelled=lambda: bool(seen))
    for event in events:
        seen.append(event)
    assert isinstance(seen[-1], Finished)
    assert seen[-1].stop_reason == "cancelled"
    assert seen[-1].estimated
    assert seen[-1].usage.output >= 1
    assert len(seen) < 50


def test_cancelled_before_it_began_costs_nothing(loopback, pauses):
    assert list(provider(loopback, pauses).stream(REQUEST, cancelled=lambda: True)) == [
        Finished("cancelled", TokenUsage(), "gpt-4-turbo")
    ]
    assert loopback.asked == []


def test_cancel_bites_while_waiting_to_retry(loopback, pauses):
    loopback.replies = [Reply(503, [b"{}"], {"content-type": "application/json", "retry-after": "5"})]
    *_, end = provider(loopback, pauses).stream(REQUEST, cancelled=lambda: bool(pauses.slept))
    assert (end.stop_reason, len(pauses.slept)) == ("cancelled", 1)


def test_reasoning_models_get_no_temperature(loopback, pauses):
    loopback.replies = [Reply(chunks=[ANSWER])]
    list(provider(loopback, pauses).stream(Request("gpt-5-mini", (Message.user("x"),), temperature=0.2, timeout_s=5)))
    assert "temperature" not in loopback.asked[0].body


def formed(loopback, pauses, *replies: str, finish="stop", request=REQUEST):
    """The events of a model that answers in a form instead of calling tools."""
    whole = "".join(replies)
    text = [whole[start : start + 7] for start in range(0, len(whole), 7)]
    loopback.replies = [Reply(chunks=[sse(*(chunk({"content": piece}) for piece in text), chunk({}, finish=finish), "[DONE]")])]
    return list(OpenAIProvider("local", "", loopback.url + "/v1", pauses.retry_policy(), form="json_schema").stream(request))


def test_tools_by_structured_output(loopback, pauses):
    answer = json.dumps(
        {"say": "Commenting ✓", "calls": [{"name": "comment", "arguments": {"content": "fine"}}]}, ensure_ascii=False
    )
    said, called, done = formed(loopback, pauses, f"```json\n{answer}\n```")
    assert said == TextDelta("Commenting ✓")
    assert called.call == ToolCall("call_4_0", "comment", {"content": "fine"})
    assert (done.stop_reason, done.estimated) == ("tool_use", True)
    body = loopback.asked[0].body
    assert "tools" not in body
    schema = body["response_format"]["json_schema"]["schema"]
    (call,) = schema["properties"]["calls"]["items"]["anyOf"]
    assert call["properties"] == {
        "name": {"const": "comment"},
        "arguments": {"type": "object", "properties": {"content": {"type": "string"}}},
    }
    system, question, asked, results = body["messages"]
    assert system["content"].startswith("Be brief.\n\nYou act by what you answer.")
    assert '- comment: Comment {"type": "object"' in system["content"]
    assert question == {"role": "user", "content": "Read the card"}
    assert json.loads(asked["content"]) == {"say": "Reading.", "calls": [{"name": "read_card", "arguments": {"card_id": "7"}}]}
    assert results == {"role": "user", "content": "Result of read_card (refused):\nno such card\n\nGo on"}


FORMED = '{"say": "Fine.", "calls": [{"name": "comment", "arguments": {"content": "a } and a {"}}]}'


@pytest.mark.parametrize(
    "answer",
    [
        f"Here is {{my}} answer: {FORMED} I hope it {{helps}}.",
        f'<think>Perhaps {{"say": "no", "calls": []}}, or {{"say": broken</think>\n{FORMED}',
        f"Ответ: {FORMED}\n回答は以上です {{完}}",
        f'{{"step": 1}}\n{FORMED}',
        FORMED.replace('{"say": "Fine."', '{"say": "No.", "calls": [], "say": "Fine."'),
        FORMED.replace('{"say"', '{"thought": "it is easy", "say"'),
    ],
    ids=["prose", "thinking", "languages", "two objects", "repeated keys", "more keys"],
)
def test_an_answer_is_found_in_what_is_around_it(loopback, pauses, answer):
    said, called, done = formed(loopback, pauses, answer)
    assert (said.text, called.call.arguments, done.stop_reason) == ("Fine.", {"content": "a } and a {"}, "tool_use")


@pytest.mark.parametrize("piece", ['{"say":', '{"say":[1,', '{"say": "', '{"say": 1} ', '{"calls": [{"name": '])
def test_a_huge_answer_of_no_form_is_refused(piece):
    text = "{" + piece * (400_000 // len(piece)) + "}"
    with pytest.raises(ValueError, match=r"Expecting|has no list of calls|nested too deeply|delimiter"):
        read_answer(text)


def test_an_answer_is_looked_for_at_a_bounded_number_of_places():
    """Each place that fails costs the length of the text."""
    assert read_answer('{"say": broken ' * 49 + FORMED)[0] == "Fine."
    with pytest.raises(ValueError, match="Expecting"):
        read_answer('{"say": broken ' * 50 + FORMED)


def test_an_empty_list_of_calls_is_the_end(loopback, pauses):
    said, done = formed(loopback, pauses, '{"say": "All done.", "calls": []}')
    assert (said, done.stop_reason) == (TextDelta("All done."), "end")


def test_a_formed_answer_that_was_cut_makes_no_call(loopback, pauses):
    (done,) = formed(loopback, pauses, '{"say": "All", "calls": [{"name": "comm', finish="length")
    assert done.stop_reason == "max_tokens"
    assert done.usage.output > 5


@pytest.mark.parametrize(
    "answer",
    [
        "I would rather talk.",
        "{}",
        '{"say": "x", "calls": [7]}',
        '{"calls": {"name": "comment"}}',
        pytest.param('{"a":' * 2_000 + "}", id="deep"),
    ],
)
def test_an_answer_of_another_form_is_an_error_and_is_paid_for(loopback, pauses, answer):
    with pytest.raises(StreamInterrupted, match="local did not keep to the form of its answer") as caught:
        formed(loopback, pauses, answer)
    assert caught.value.usage.output > 0


def test_grammars_get_no_limits_of_length():
    """llama.cpp refuses a repetition of more than 2,000; the tools check their arguments themselves."""
    text = json.dumps(response_format(specs(tuple(TOOLS)), "json_schema"))
    assert set(re.findall(r'"(max[A-Z]\w+|min[A-Z]\w+|pattern|description|default|title)": [^{]', text)) == set()
    for name in TOOLS:
        assert f'{{"const": "{name}"}}' in text
