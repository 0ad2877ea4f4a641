"""The Bedrock adapter: botocore against a loopback server that speaks AWS's event stream encoding."""

import json
import struct
from binascii import crc32
from itertools import pairwise

import pytest

from shared.agents.providers import bedrock
from shared.agents.providers.bedrock import BedrockProvider
from shared.agents.providers.port import (
    Finished,
    Message,
    Request,
    StreamInterrupted,
    TextDelta,
    TokenUsage,
    ToolCall,
    ToolCallReady,
    ToolResult,
    ToolSpec,
)
from shared.core.errors import Upstream
from shared.core.situations import Situation

from .conftest import Reply

STREAM = {"content-type": "application/vnd.amazon.eventstream"}
REQUEST = Request(
    model="anthropic.claude-3-5-sonnet-20241022-v2:0",
    system="Be brief.",
    messages=(
        Message.user("Read"),
        Message("assistant", (ToolCall("c1", "read_card", {"a": 1}),)),
        Message("user", (ToolResult("c1", "gone", is_error=True),)),
    ),
    tools=(ToolSpec("comment", "Comment", {"type": "object", "properties": {}}),),
    max_tokens=50,
    timeout_s=10,
)


def encoded(headers: dict[str, str], payload: bytes) -> bytes:
    """One message of `application/vnd.amazon.eventstream`."""
    packed = b"".join(
        struct.pack("!B", len(name)) + name.encode() + struct.pack("!BH", 7, len(value)) + value.encode()
        for name, value in headers.items()
    )
    prelude = struct.pack("!II", 16 + len(packed) + len(payload), len(packed))
    body = prelude + struct.pack("!I", crc32(prelude)) + packed + payload
    return body + struct.pack("!I", crc32(body))


def event(kind: str, data: dict) -> bytes:
    headers = {":message-type": "event", ":event-type": kind, ":content-type": "application/json"}
    return encoded(headers, json.dumps(data).encode())


def failure(kind: str, message: str) -> bytes:
    headers = {":message-type": "exception", ":exception-type": kind, ":content-type": "application/json"}
    return encoded(headers, json.dumps({"message": message}).encode())


ANSWER = b"".join(
    [
        event("messageStart", {"role": "assistant"}),
        event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Reading "}}),
        event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "it ✓"}}),
        event("contentBlockStop", {"contentBlockIndex": 0}),
        event("contentBlockStart", {"contentBlockIndex": 1, "start": {"toolUse": {"toolUseId": "t1", "name": "comment"}}}),
        event("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"toolUse": {"input": '{"content"'}}}),
        event("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"toolUse": {"input": ': "ok"}'}}}),
        event("contentBlockStop", {"contentBlockIndex": 1}),
        event("messageStop", {"stopReason": "tool_use"}),
        event(
            "metadata",
            {
                "usage": {
                    "inputTokens": 12,
                    "outputTokens": 9,
                    "totalTokens": 121,
                    "cacheReadInputTokens": 100,
                    "cacheWriteInputTokens": 0,
                },
                "metrics": {"latencyMs": 5},
            },
        ),
    ]
)


@pytest.fixture
def provider(loopback, pauses, monkeypatch):
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKIATESTTESTTEST",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_SESSION_TOKEN": "",
    }.items():
        monkeypatch.setenv(name, value)
    yield BedrockProvider(region="us-east-1", endpoint=loopback.url, retry_policy=pauses.retry_policy(idle_timeout_s=1.0))
    bedrock._client.cache_clear()


def test_a_stream_with_a_tool_call(loopback, provider):
    cuts = [0, 3, 50, 200, 201, len(ANSWER)]
    loopback.replies = [Reply(chunks=[ANSWER[a:b] for a, b in pairwise(cuts)], headers=STREAM)]
    events = list(provider.stream(REQUEST))
    assert events == [
        TextDelta("Reading "),
        TextDelta("it ✓"),
        ToolCallReady(ToolCall("t1", "comment", {"content": "ok"})),
        Finished("tool_use", TokenUsage(input=12, cache_read=100, output=9), REQUEST.model),
    ]


def test_what_is_sent(loopback, provider):
    loopback.replies = [Reply(chunks=[ANSWER], headers=STREAM)]
    list(provider.stream(REQUEST))
    asked = loopback.asked[0]
    assert asked.path.endswith("/converse-stream")
    assert asked.body["inferenceConfig"] == {"maxTokens": 50}
    assert asked.body["messages"][2]["content"][0]["toolResult"]["status"] == "error"
    assert asked.body["toolConfig"]["tools"][0]["toolSpec"]["inputSchema"] == {"json": {"type": "object", "properties": {}}}


def test_throttled_then_answered_by_our_own_retry(loopback, provider):
    throttled = Reply(
        429, [b'{"message": "slow"}'], {"content-type": "application/json", "x-amzn-errortype": "ThrottlingException"}
    )
    loopback.replies = [throttled, Reply(chunks=[ANSWER], headers=STREAM)]
    assert isinstance(list(provider.stream(REQUEST))[-1], Finished)
    assert len(loopback.asked) == 2


@pytest.mark.parametrize(
    ("status", "code", "situation"),
    [
        (403, "AccessDeniedException", Situation.PROVIDER_NOT_CONFIGURED),
        (403, "ExpiredTokenException", Situation.PROVIDER_NOT_CONFIGURED),
        (400, "ValidationException", Situation.PROVIDER_UNAVAILABLE),
    ],
)
def test_refusals(loopback, provider, status, code, situation):
    loopback.replies = [Reply(status, [b'{"message": "no"}'], {"content-type": "application/json", "x-amzn-errortype": code})]
    with pytest.raises(Upstream, match=code) as caught:
        list(provider.stream(REQUEST))
    assert caught.value.situation is situation


def test_an_exception_inside_the_stream(loopback, provider):
    text = event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "half"}})
    loopback.replies = [Reply(chunks=[text + failure("throttlingException", "too many")], headers=STREAM)]
    with pytest.raises(StreamInterrupted, match="ThrottlingException"):
        list(provider.stream(REQUEST))


def test_a_stream_that_breaks_off(loopback, provider):
    text = event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "half"}})
    loopback.replies = [Reply(chunks=[text], headers=STREAM, breaks=True)]
    with pytest.raises(StreamInterrupted):
        list(provider.stream(REQUEST))


def test_a_damaged_message(loopback, provider):
    damaged = bytearray(ANSWER)
    damaged[20] ^= 0xFF
    loopback.replies = [Reply(chunks=[bytes(damaged)], headers=STREAM)] * 4
    with pytest.raises(Upstream) as caught:
        list(provider.stream(REQUEST))
    assert caught.value.situation is Situation.PROVIDER_UNAVAILABLE


def test_silence_is_bounded(loopback, provider):
    text = event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "half"}})
    loopback.replies = [Reply(chunks=[text], headers=STREAM, hangs=True)]
    with pytest.raises(StreamInterrupted, match=r"sent nothing|broke"):
        list(provider.stream(REQUEST))


def test_cancel_bites_between_chunks(loopback, provider):
    seen = []
    loopback.replies = [Reply(chunks=[ANSWER], headers=STREAM)]
    for item in provider.stream(REQUEST, cancelled=lambda: bool(seen)):
        seen.append(item)
    assert seen[-1].stop_reason == "cancelled"


@pytest.mark.parametrize("reason", ["malformed_tool_use", "malformed_model_output", "news"])
def test_an_unknown_stop_reason_is_a_failure_that_is_paid_for(loopback, provider, reason):
    text = event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "half"}})
    usage = event("metadata", {"usage": {"inputTokens": 90, "outputTokens": 12, "totalTokens": 102}})
    loopback.replies = [Reply(chunks=[text + event("messageStop", {"stopReason": reason}) + usage], headers=STREAM)]
    with pytest.raises(StreamInterrupted) as caught:
        list(provider.stream(REQUEST))
    assert caught.value.usage == TokenUsage(input=90, output=12)


def test_without_counts_text_reasoning_and_calls_are_estimated(loopback, provider):
    pieces = [
        event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "t" * 40}}}),
        event("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"text": "Done"}}),
        event("messageStop", {"stopReason": "end_turn"}),
        event("metadata", {"usage": {"inputTokens": 0, "outputTokens": 0, "totalTokens": 0}}),
    ]
    loopback.replies = [Reply(chunks=[b"".join(pieces)], headers=STREAM)]
    text, end = provider.stream(REQUEST)
    assert (text, end.usage.output, end.estimated) == (TextDelta("Done"), 11, True)
    assert end.usage.input > 0


def test_arguments_that_cannot_be_read_are_a_problem_that_the_model_may_correct(loopback, provider):
    pieces = [
        event("contentBlockStart", {"contentBlockIndex": 1, "start": {"toolUse": {"toolUseId": "t1", "name": "comment"}}}),
        event("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"toolUse": {"input": '{"content": "x",}'}}}),
        event("messageStop", {"stopReason": "tool_use"}),
    ]
    loopback.replies = [Reply(chunks=[b"".join(pieces)], headers=STREAM)]
    call, _ = provider.stream(REQUEST)
    assert "not valid JSON" in call.call.problem


def test_an_api_key_of_bedrock_is_used_before_other_credentials(provider, loopback, monkeypatch):
    """On a laptop the functions have the local engine's credentials as well."""
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "bedrock-api-key")
    bedrock._client.cache_clear()
    loopback.replies = [Reply(chunks=[ANSWER], headers=STREAM)]
    assert list(provider.stream(REQUEST))
    assert loopback.asked[0].headers["authorization"] == "Bearer bedrock-api-key"
