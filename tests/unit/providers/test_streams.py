"""Model streams as servers really send them: counts, tool calls and ends that no document describes. Both formats, on loopback."""

import json
from collections.abc import Iterator

import pytest

from shared.agents.providers.anthropic import AnthropicProvider
from shared.agents.providers.openai import OpenAIProvider
from shared.agents.providers.port import (
    Finished,
    Message,
    Request,
    StreamInterrupted,
    TextDelta,
    TokenUsage,
    ToolCall,
    ToolCallReady,
)
from shared.agents.providers.tokens import input_tokens
from shared.core.errors import Upstream
from shared.core.situations import Situation

from .conftest import Loopback, Reply, serve, sse

REQUEST = Request("m", (Message.user("Read the card and comment on it"),), timeout_s=10)
ESTIMATED_INPUT = input_tokens(REQUEST)
JSON = {"content-type": "application/json"}


class Answers:
    """Scripts the replies of one provider and collects its events."""

    def __init__(self, loopback, pauses, adapter):
        self.loopback = loopback
        self.provider = adapter("openai", "k" * 20, loopback.url, pauses.retry_policy())

    def read(self, *replies: Reply | bytes):
        self.loopback.replies = [one if isinstance(one, Reply) else Reply(chunks=[one]) for one in replies]
        return list(self.provider.stream(REQUEST))

    def error(self, *replies: Reply | bytes) -> StreamInterrupted:
        with pytest.raises(StreamInterrupted) as caught:
            self.read(*replies)
        return caught.value

    def calls(self, *replies: Reply | bytes) -> list[ToolCall]:
        return [event.call for event in self.read(*replies) if isinstance(event, ToolCallReady)]


@pytest.fixture(scope="module")
def server() -> Iterator[Loopback]:
    """One server and one client for all tests of this module: to make them takes longer than a test."""
    yield from serve()


@pytest.fixture
def loopback(server) -> Loopback:
    server.asked.clear()
    return server


@pytest.fixture
def openai(loopback, pauses) -> Answers:
    return Answers(loopback, pauses, OpenAIProvider)


@pytest.fixture
def anthropic(loopback, pauses) -> Answers:
    return Answers(loopback, pauses, AnthropicProvider)


def chunk(finish=None, usage=None, **delta):
    return {"model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], "usage": usage}


def openai_stream(*chunks, finish="stop"):
    return sse(*chunks, chunk(finish), "[DONE]")


def start(usage=None):
    return {"type": "message_start", "message": {"model": "m", "usage": usage}}


def block(index, **content):
    return {"type": "content_block_start", "index": index, "content_block": content}


def piece(index, **delta):
    return {"type": "content_block_delta", "index": index, "delta": delta}


def anthropic_stream(*events, finish="end_turn", usage=None):
    return sse(*events, {"type": "message_delta", "delta": {"stop_reason": finish}, "usage": usage}, {"type": "message_stop"})


def tools(*pieces, finish="tool_calls"):
    """One chunk for each list of pieces."""
    return openai_stream(*(chunk(tool_calls=one) for one in pieces), finish=finish)


def part(index=None, call_id=None, name=None, arguments=None):
    shown = {"index": index, "id": call_id, "function": {"name": name, "arguments": arguments}}
    return {key: value for key, value in shown.items() if value is not None}


# -- counts

EIGHT = chunk(content="x" * 32)  # eight tokens by our estimate


@pytest.mark.parametrize(
    ("reports", "usage", "estimated"),
    [
        pytest.param([], TokenUsage(ESTIMATED_INPUT, 0, 0, 8), True, id="absent"),
        pytest.param([{}], TokenUsage(ESTIMATED_INPUT, 0, 0, 8), True, id="empty"),
        pytest.param([[1]], TokenUsage(ESTIMATED_INPUT, 0, 0, 8), True, id="a list"),
        pytest.param([{"prompt_tokens": 0, "completion_tokens": 0}], TokenUsage(ESTIMATED_INPUT, 0, 0, 8), True, id="zeros"),
        pytest.param([{"prompt_tokens": 90}], TokenUsage(90, 0, 0, 8), True, id="no output"),
        pytest.param([{"completion_tokens": 5}], TokenUsage(ESTIMATED_INPUT, 0, 0, 5), True, id="no input"),
        pytest.param([{"completion_tokens": 5, "total_tokens": 95}], TokenUsage(90, 0, 0, 5), True, id="no input, but a total"),
        pytest.param(
            [{"prompt_tokens": 90, "completion_tokens": 5}, {"prompt_tokens": 90, "completion_tokens": 7}],
            TokenUsage(90, 0, 0, 7),
            False,
            id="growing",
        ),
        pytest.param(
            [{"prompt_tokens": 90, "completion_tokens": 7}, {"prompt_tokens": 0, "completion_tokens": 0}],
            TokenUsage(90, 0, 0, 7),
            False,
            id="repeated as zeros",
        ),
        pytest.param(
            [
                {"prompt_tokens": 90, "completion_tokens": 7},
                {"prompt_tokens": 90, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 80}},
            ],
            TokenUsage(10, 80, 0, 7),
            False,
            id="the cache comes later",
        ),
        pytest.param([{"input_tokens": 90, "output_tokens": 7}], TokenUsage(90, 0, 0, 7), False, id="other names"),
        pytest.param(
            [{"input_tokens": 90, "output_tokens": 7, "cache_read_input_tokens": 40}],
            TokenUsage(90, 40, 0, 7),
            False,
            id="Anthropic's names",
        ),
        pytest.param(
            [{"prompt_tokens": 90, "completion_tokens": 7, "prompt_cache_hit_tokens": 30}],
            TokenUsage(60, 30, 0, 7),
            False,
            id="DeepSeek's cache",
        ),
        pytest.param(
            [{"prompt_tokens": 90, "completion_tokens": 7, "total_tokens": 117}],
            TokenUsage(90, 0, 0, 27),
            False,
            id="reasoning only in the total",
        ),
        pytest.param(
            [{"prompt_tokens": 90, "completion_tokens": 7, "completion_tokens_details": {"reasoning_tokens": 20}}],
            TokenUsage(90, 0, 0, 27),
            False,
            id="reasoning beside the output",
        ),
        pytest.param(
            [
                {
                    "prompt_tokens": 90,
                    "completion_tokens": 27,
                    "total_tokens": 117,
                    "completion_tokens_details": {"reasoning_tokens": 20},
                }
            ],
            TokenUsage(90, 0, 0, 27),
            False,
            id="reasoning inside the output",
        ),
        pytest.param(
            [{"prompt_tokens": 1e300, "completion_tokens": -4, "prompt_tokens_details": [None]}],
            TokenUsage(ESTIMATED_INPUT, 0, 0, 8),
            True,
            id="no possible counts",
        ),
    ],
)
def test_counts_are_the_larger_ones_and_what_is_missing_is_estimated(openai, reports, usage, estimated):
    end = openai.read(openai_stream(EIGHT, *({"choices": [], "usage": one} for one in reports)))[-1]
    assert (end.usage, end.estimated) == (usage, estimated)


def test_a_count_beyond_floats_is_no_count(openai):
    usage = '{"choices": [], "usage": {"prompt_tokens": 1e999, "completion_tokens": NaN, "total_tokens": -Infinity}}'
    end = openai.read(sse(EIGHT, usage, chunk("stop"), "[DONE]"))[-1]
    assert (end.usage, end.estimated) == (TokenUsage(ESTIMATED_INPUT, 0, 0, 8), True)


@pytest.mark.parametrize("where", ["choice", "x_groq"])
def test_counts_in_another_place(openai, where):
    usage = {"prompt_tokens": 90, "completion_tokens": 7}
    last = {"choices": [{"delta": {}, "usage": usage}]} if where == "choice" else {"choices": [], "x_groq": {"usage": usage}}
    assert openai.read(openai_stream(EIGHT, last))[-1] == Finished("end", TokenUsage(90, 0, 0, 7), "m")


@pytest.mark.parametrize(
    ("first", "last", "usage", "estimated"),
    [
        pytest.param(None, None, TokenUsage(ESTIMATED_INPUT, 0, 0, 8), True, id="absent"),
        pytest.param({}, {}, TokenUsage(ESTIMATED_INPUT, 0, 0, 8), True, id="empty"),
        pytest.param(
            {"input_tokens": 0, "output_tokens": 0}, {"output_tokens": 0}, TokenUsage(ESTIMATED_INPUT, 0, 0, 8), True, id="zeros"
        ),
        pytest.param({"input_tokens": 90, "output_tokens": 1}, None, TokenUsage(90, 0, 0, 8), True, id="only at the start"),
        pytest.param(
            {"input_tokens": 0, "output_tokens": 0},
            {"input_tokens": 90, "output_tokens": 7, "cache_read_input_tokens": 40},
            TokenUsage(90, 40, 0, 7),
            False,
            id="only at the end",
        ),
        pytest.param(
            {"input_tokens": 90, "output_tokens": 1},
            {"input_tokens": 0, "output_tokens": 7},
            TokenUsage(90, 0, 0, 7),
            False,
            id="0",
        ),
        pytest.param(None, {"prompt_tokens": 90, "completion_tokens": 7}, TokenUsage(90, 0, 0, 7), False, id="OpenAI's names"),
    ],
)
def test_anthropic_counts(anthropic, first, last, usage, estimated):
    end = anthropic.read(anthropic_stream(start(first), piece(0, type="text_delta", text="x" * 32), usage=last))[-1]
    assert (end.usage, end.estimated) == (usage, estimated)


# -- what the model wrote


def test_thinking_parts_of_a_list_are_paid_for_but_never_shown(openai):
    content = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "t" * 40}, None]},
        {"type": "thinking", "thinking": "t" * 40},
        {"type": "text", "text": "Done"},
        None,
        {"type": "reference", "reference_ids": [1]},
    ]
    text, end = openai.read(openai_stream(chunk(content=content)))
    assert (text, end.usage.output) == (TextDelta("Done"), 21)


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_reasoning_without_counts_is_estimated(openai, name):
    text, end = openai.read(openai_stream(chunk(**{name: "t" * 40}), chunk(content="Done", **{name: None})))
    assert (text, end.usage.output, end.estimated) == (TextDelta("Done"), 11, True)


def test_anthropic_thinking_is_paid_for_but_never_shown(anthropic):
    events = (
        start(),
        block(0, type="thinking", thinking="t" * 20),
        piece(0, type="thinking_delta", thinking="t" * 20),
        piece(0, type="signature_delta", signature="s"),
        block(1, type="text", text="Do"),
        piece(1, type="text_delta", text="ne"),
    )
    *texts, end = anthropic.read(anthropic_stream(*events))
    assert ([one.text for one in texts], end.usage.output) == (["Do", "ne"], 11)


@pytest.mark.parametrize(
    "odd",
    [
        {"error": None, "choices": []},
        {"choices": None},
        {"choices": [None]},
        {"choices": [{"delta": None, "finish_reason": None}]},
        {"choices": [{"delta": {"content": None, "tool_calls": None}}], "usage": None, "model": None},
        {"choices": [{"delta": {"content": {"odd": 1}, "tool_calls": [None, {}, {"function": None}][:2]}}]},
        {"choices": [{"delta": [1]}], "usage": [], "model": {"odd": 1}},
        "null",
    ],
)
def test_null_entries_are_nothing(openai, odd):
    assert openai.read(openai_stream(odd, EIGHT, odd)) == [
        TextDelta("x" * 32),
        Finished("end", TokenUsage(ESTIMATED_INPUT, 0, 0, 8), "m", estimated=True),
    ]


def test_anthropic_null_entries_are_nothing(anthropic):
    odd = [{"type": "message_start", "message": None}, block(0), {"type": "content_block_delta", "delta": None}, {"type": None}]
    odd += [{"error": None, "type": "ping"}, "null", {"type": "message_delta", "delta": None}]
    assert anthropic.read(anthropic_stream(*odd, piece(0, type="text_delta", text="Done"), *odd))[0] == TextDelta("Done")


# -- tool calls

READ, WRITE = ToolCall("a", "read_card", {}), ToolCall("b", "comment", {"content": "x"})
WRITTEN = '{"content": "x"}'


@pytest.mark.parametrize(
    "stream",
    [
        pytest.param(tools([part(0, "a", "read_card", "{}")], [part(0, "b", "comment", WRITTEN)]), id="one index"),
        pytest.param(
            tools([part(0, "a", "read_card", "")], [part(0, "b", "comment", "")], [part(0, arguments=WRITTEN)]),
            id="one index, in pieces",
        ),
        pytest.param(tools([part(0, "a", "read_card", "{}"), part(0, "b", "comment", WRITTEN)]), id="one index, one chunk"),
        pytest.param(tools([part(None, "a", "read_card", "{}"), part(None, "b", "comment", WRITTEN)]), id="no index, one chunk"),
        pytest.param(tools([part(None, "a", "read_card")], [part(None, "b", "comment", WRITTEN)]), id="no index"),
        pytest.param(
            tools(
                [part(None, "a", "read_card")],
                [part(None, "b", "comment")],
                [part(arguments=WRITTEN[:5]), part(arguments=WRITTEN[5:])],
            ),
            id="no index, in pieces",
        ),
        pytest.param(
            tools(
                [part(None, "a", "read_card"), part(None, "b", "comment")],
                [part(None, "b", arguments=WRITTEN)],
                [part(None, "a", arguments="{}")],
            ),
            id="no index, but the id in every piece",
        ),
        pytest.param(tools([part(0, "a", "read_card"), part(1, "b", "comment", WRITTEN)]), id="two indexes, one chunk"),
        pytest.param(
            tools([part(0, "a", "read_card", {})], [part(1, "b", "comment", {"content": "x"})]), id="arguments as an object"
        ),
        pytest.param(tools([part(0, "a", "read_card", "null")], [part(1, "b", "comment", WRITTEN)]), id="arguments null"),
        pytest.param(
            tools([part(0, "a", "read_card")], [part(1, "b", "comment", {})], [part(1, "b", "comment", WRITTEN)], finish="stop"),
            id="the name in every piece",
        ),
    ],
)
def test_parallel_calls_are_told_apart(openai, stream):
    assert openai.calls(stream) == [READ, WRITE]


@pytest.mark.parametrize("index", [0, None])
def test_parallel_calls_without_ids_are_told_apart(openai, index):
    calls = openai.calls(tools([part(index, None, "comment", WRITTEN)], [part(index, None, "comment", '{"content": "y"}')]))
    assert [call.arguments["content"] for call in calls] == ["x", "y"]
    assert len({call.id for call in calls}) == 2


def test_the_same_id_for_two_calls_becomes_two_ids(openai):
    calls = openai.calls(tools([part(0, "same", "read_card", "{}"), part(1, "same", "comment", WRITTEN)]))
    assert [call.name for call in calls] == ["read_card", "comment"]
    assert len({call.id for call in calls}) == 2


@pytest.mark.parametrize("read", ["openai", "anthropic"])
@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        pytest.param('{"content": "x",}', "not valid JSON", id="trailing comma"),
        pytest.param('{"content": ', "not valid JSON", id="cut"),
        pytest.param("content=x", "not valid JSON", id="no JSON"),
        pytest.param('["x"]', "not a JSON object", id="a list"),
        pytest.param('"x"', "not a JSON object", id="a text"),
        pytest.param('{"hours": 1e999}', "not a number", id="a number beyond floats"),
        pytest.param('{"hours": -Infinity}', "not a number", id="infinite"),
        pytest.param('{"hours": NaN}', "not a number", id="NaN"),
        pytest.param('{"hours": ' + "9" * 5_000 + "}", "not valid JSON", id="a number of 5,000 digits"),
        pytest.param("[" * 20_000, "nested too deeply", id="nested too deeply"),
    ],
)
def test_arguments_that_cannot_be_read_are_a_problem_that_the_model_may_correct(request, read, arguments, problem):
    answers = request.getfixturevalue(read)
    (call,) = answers.calls(
        tools([part(0, "a", "comment", arguments)])
        if read == "openai"
        else anthropic_stream(
            start(),
            block(0, type="tool_use", id="a", name="comment", input={}),
            piece(0, type="input_json_delta", partial_json=arguments),
            finish="tool_use",
        )
    )
    assert (call.name, call.arguments) == ("comment", {})
    assert problem in call.problem
    assert arguments[:200] in call.problem
    assert len(call.problem) < 500


def test_a_raw_line_break_in_an_argument_is_a_line_break(openai):
    assert openai.calls(tools([part(0, "b", "comment", '{"content": "x\n\ty"}')])) == [
        ToolCall("b", "comment", {"content": "x\n\ty"})
    ]


def test_an_object_with_a_number_beyond_floats_is_a_problem(openai):
    piece = json.dumps(chunk(tool_calls=[part(0, "a", "comment", {"hours": "HUGE"})])).replace('"HUGE"', "1e999")
    (call,) = openai.calls(openai_stream(piece, finish="tool_calls"))
    assert "not a number" in call.problem


@pytest.mark.parametrize(
    ("name", "sent_back"), [(None, "unnamed"), ("functions.comment", "functions_comment"), ("x" * 100, "x" * 64), ("läs", "l_s")]
)
def test_a_call_of_no_possible_tool_keeps_the_conversation_acceptable(openai, name, sent_back):
    """Providers refuse a conversation in which a call has such a name; then the model could not correct it."""
    (call,) = openai.calls(tools([part(0, "a", name, "{}")]))
    assert call.name == sent_back


def test_tool_input_in_the_start_block(anthropic):
    events = (
        start(),
        block(0, type="tool_use", id="a", name="read_card", input={}),
        block(1, type="tool_use", id="b", name="comment", input={"content": "x"}),
    )
    assert anthropic.calls(anthropic_stream(*events, finish="tool_use")) == [READ, WRITE]


def test_anthropic_blocks_that_share_an_index(anthropic):
    events = (start(), block(0, type="tool_use", id="a", name="read_card"), block(0, type="tool_use", id="b", name="comment"))
    last = piece(0, type="input_json_delta", partial_json=WRITTEN)
    assert anthropic.calls(anthropic_stream(*events, last, finish="tool_use")) == [READ, WRITE]


# -- ends


@pytest.mark.parametrize("reason", ["error", "network_error", "insufficient_system_resource", "abort", "STOP?", 7, {"odd": 1}])
def test_an_unknown_finish_reason_is_a_failure_that_is_paid_for(openai, reason):
    usage = {"choices": [], "usage": {"prompt_tokens": 90, "completion_tokens": 12}}
    error = openai.error(sse(EIGHT, chunk(reason), usage, "[DONE]"))
    assert error.situation is Situation.PROVIDER_UNAVAILABLE
    assert error.usage == TokenUsage(90, 0, 0, 12)


@pytest.mark.parametrize("reason", ["pause_turn", "compaction", "error"])
def test_an_unknown_anthropic_stop_reason_is_a_failure_that_is_paid_for(anthropic, reason):
    usage = {"input_tokens": 90, "output_tokens": 12}
    events = (start(), piece(0, type="text_delta", text="half"))
    assert anthropic.error(anthropic_stream(*events, finish=reason, usage=usage)).usage == TokenUsage(90, 0, 0, 12)


def test_a_stop_for_tools_without_a_call_is_a_failure(openai, anthropic):
    assert "sent no call" in openai.error(openai_stream(EIGHT, finish="tool_calls")).message
    assert "sent no call" in anthropic.error(anthropic_stream(start(), finish="tool_use")).message


# -- an answer that cannot be read


@pytest.mark.parametrize("broken", ["{not json", "[1, 2]", '{"a":' * 50_000])
@pytest.mark.parametrize("read", ["openai", "anthropic"])
def test_an_answer_that_cannot_be_read_is_paid_for(request, read, broken):
    answers = request.getfixturevalue(read)
    assert answers.error(sse(broken)).usage == TokenUsage(input=ESTIMATED_INPUT)


def test_what_was_reported_before_an_unreadable_chunk_is_paid_for(anthropic):
    usage = {"input_tokens": 90, "cache_read_input_tokens": 40, "output_tokens": 3}
    assert anthropic.error(sse(start(usage), "{not json")).usage == TokenUsage(90, 40, 0, 3)


def test_reasoning_and_half_a_call_before_a_break_are_paid_for(openai):
    """Nothing was delivered, so the call is tried again; both attempts cost tokens."""
    half = sse(chunk(reasoning_content="t" * 40), chunk(tool_calls=[part(0, "a", "comment", '{"content": "xxxx')]))
    *_, end = openai.read(
        Reply(chunks=[half], breaks=True), openai_stream(chunk(usage={"prompt_tokens": 90, "completion_tokens": 7}))
    )
    assert (end.usage, end.estimated) == (TokenUsage(ESTIMATED_INPUT + 90, 0, 0, 16 + 7), True)


def test_attempts_that_began_an_answer_are_paid_for_when_none_is_left(anthropic):
    overloaded = {"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}}
    begun = Reply(chunks=[sse(start({"input_tokens": 90, "output_tokens": 1}), overloaded)])
    error = anthropic.error(*[begun] * 4)
    assert (error.usage, error.situation) == (TokenUsage(360, 0, 0, 4), Situation.PROVIDER_RATE_LIMITED)


def test_a_refusal_at_the_start_of_a_stream_costs_nothing(openai, loopback):
    loopback.replies = [Reply(chunks=[sse({"error": {"code": 503, "message": "overloaded"}})])] * 4
    with pytest.raises(Upstream) as caught:
        list(openai.provider.stream(REQUEST))
    assert not isinstance(caught.value, StreamInterrupted)


def test_an_answer_in_one_piece_is_paid_for(openai):
    whole = json.dumps({"choices": [{"message": {"content": "Done"}}], "usage": {"prompt_tokens": 90, "completion_tokens": 7}})
    assert openai.error(Reply(chunks=[whole.encode()], headers=JSON)).usage == TokenUsage(90, 0, 0, 7)
    assert openai.error(Reply(chunks=[b"{half"], headers=JSON)).usage == TokenUsage(input=ESTIMATED_INPUT)


def test_silence_after_the_answer_began_is_paid_for(loopback, pauses):
    provider = OpenAIProvider("openai", "", loopback.url, pauses.retry_policy(idle_timeout_s=0.1))
    loopback.replies = [Reply(chunks=[b": keep-alive\n\n"], hangs=True)]
    with pytest.raises(StreamInterrupted, match="sent nothing") as caught:
        list(provider.stream(REQUEST))
    assert caught.value.usage == TokenUsage(input=ESTIMATED_INPUT)


def test_a_cancel_before_the_first_chunk_is_read_is_paid_for(openai, loopback):
    loopback.replies = [Reply(chunks=[openai_stream(EIGHT)])]
    (end,) = openai.provider.stream(REQUEST, cancelled=lambda: bool(loopback.asked))
    assert (end.stop_reason, end.usage, end.estimated) == ("cancelled", TokenUsage(input=ESTIMATED_INPUT), True)
