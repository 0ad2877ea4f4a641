"""`cadre-embedded-1`: the turns of the embedded model and how they are streamed.

A run reads (at most two turns), acts (one turn for each stage of the strategy's plan; a stage that does not fit into `max_tokens`
takes several turns) and ends with a short summary. The next turn depends on the conversation alone: the model has no state, and a
run can continue on another machine. Tokens are counted by `tokens.count_tokens` (one for every four bytes); nothing is cached.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

from shared.agents.providers.embedded import MODEL, NAME
from shared.agents.providers.embedded.plan import Action, Plan
from shared.agents.providers.embedded.situation import READ_TOOLS, Situation, call_id
from shared.agents.providers.embedded.strategies import strategy_for
from shared.agents.providers.port import (
    MAX_CALLS_PER_ANSWER,
    CancelCheck,
    Event,
    Finished,
    Request,
    StopReason,
    TextDelta,
    TokenUsage,
    ToolCall,
    ToolCallReady,
    never_cancelled,
)
from shared.agents.providers.tokens import BYTES_PER_TOKEN, count_tokens, input_tokens, part_text

MAX_TURNS = 24  # far above any plan; ends the run even if a caller loses tool results
_WORDS_PER_DELTA = 4
_RESERVE = 120  # tokens of a turn reserved for the lines before its calls
_CUT_NOTE = "\n\n_(Shortened here: the rest did not fit into this run's max_tokens.)_\n"


@dataclass(frozen=True)
class Turn:
    lines: tuple[str, ...]  # one line before each call, or the closing text
    calls: tuple[ToolCall, ...] = ()


class EmbeddedProvider:
    name = NAME

    def stream(self, request: Request, cancelled: CancelCheck = never_cancelled) -> Iterator[Event]:
        """Stream the next turn; never raises Upstream, because no other service is called."""
        turn = next_turn(Situation(request))
        spent = 0
        limit = request.max_tokens
        used = input_tokens(request)

        def finished(reason: StopReason) -> Finished:
            return Finished(reason, TokenUsage(input=used, output=min(spent, limit)), MODEL)

        for number, line in enumerate(turn.lines):
            for group in _word_groups(line):
                if cancelled():
                    yield finished("cancelled")
                    return
                if spent + count_tokens(group) > limit:
                    visible = group.encode("utf-8", "replace")[: (limit - spent) * BYTES_PER_TOKEN].decode("utf-8", "ignore")
                    if visible:
                        yield TextDelta(visible)
                    spent = limit
                    yield finished("max_tokens")
                    return
                spent += count_tokens(group)
                yield TextDelta(group)
            if number < len(turn.calls):
                call = turn.calls[number]
                cost = count_tokens(part_text(call))
                if spent + cost > limit:  # a call is complete or it is not made
                    spent = limit
                    yield finished("max_tokens")
                    return
                spent += cost
                yield ToolCallReady(call)
        yield finished("tool_use" if turn.calls else "end")


def next_turn(situation: Situation) -> Turn:
    """Return the next turn; it depends on the request alone."""
    if situation.turn >= MAX_TURNS:
        return Turn(("Stopped: this run has taken more turns than any plan of mine needs.",))
    offset = 0
    first = situation.first_reading()
    if first:
        if situation.turn == 0:
            return Turn(tuple(_reading_line(call) for call in first), tuple(first))
        offset = 1
    second = situation.second_reading(offset)
    if second:
        if situation.turn == offset:
            return Turn(tuple(_reading_line(call) for call in second), tuple(second))
        offset += 1
    plan = strategy_for(situation.role)(situation.brief)
    turns = list(_action_turns(plan, situation))
    position = situation.turn - offset
    return turns[position] if position < len(turns) else Turn((_closing_text(plan, situation),))


def _action_turns(plan: Plan, situation: Situation) -> Iterator[Turn]:
    """Yield the turns of the plan's stages, with the available tools only; each turn fits into max_tokens."""
    number = 0
    for stage in plan.stages:
        lines: list[str] = []
        calls: list[ToolCall] = []
        room = situation.request.max_tokens - _RESERVE
        for action in stage:
            if action.tool not in situation.tools:
                continue
            fitted = _fit_to_budget(action, situation.request.max_tokens - _RESERVE)
            call = ToolCall(call_id(number + 100, len(calls)), fitted.tool, fitted.arguments)
            cost = count_tokens(part_text(call)) + count_tokens(fitted.progress_line) + 8
            if calls and (cost > room or len(calls) == MAX_CALLS_PER_ANSWER):
                yield Turn(tuple(lines), tuple(calls))
                number, lines, calls = number + 1, [], []
                room = situation.request.max_tokens - _RESERVE
                call = replace(call, id=call_id(number + 100, 0))
            lines.append(fitted.progress_line + "\n")
            calls.append(call)
            room -= cost
        if calls:
            yield Turn(tuple(lines), tuple(calls))
            number += 1


def _fit_to_budget(action: Action, room: int) -> Action:
    """Shorten a document that does not fit: cut it at a line end and add a note. Other actions are returned unchanged."""
    content = action.arguments.get("content")
    if action.tool != "write_document" or not isinstance(content, str):
        return action
    spare = room - count_tokens(action.progress_line) - 8
    excess = count_tokens(json.dumps(action.arguments, ensure_ascii=False)) + count_tokens(action.tool) - spare
    if excess <= 0:
        return action
    # escaping (line breaks, quotes) makes the call a little longer than the text: leave an eighth for it
    keep = max(0, len(content.encode()) - int(excess * BYTES_PER_TOKEN * 1.125) - len(_CUT_NOTE))
    shortened = content.encode()[:keep].decode("utf-8", "ignore").rsplit("\n", 1)[0] + _CUT_NOTE
    return replace(action, arguments={**action.arguments, "content": shortened})


def _closing_text(plan: Plan, situation: Situation) -> str:
    """Return the plan's summary, with the actions that were refused or had no tool."""
    acted = [(call, result) for call, result in situation.exchanges if call.name not in READ_TOOLS]
    failed = [(call, result) for call, result in acted if result.is_error]
    missing = sorted({action.tool for stage in plan.stages for action in stage} - situation.tools)
    parts = [plan.summary]
    if failed:
        refusals = "; ".join(f"{call.name}: {' '.join(result.content.split())[:160]}" for call, result in failed[:5])
        parts.append(f"{len(failed)} of {len(acted)} actions were refused ({refusals}).")
    if missing and situation.tools:
        parts.append(f"Not done, because this agent has no such tool: {', '.join(missing)}.")
    if not situation.tools:  # without tools, the documents themselves are the answer
        contents = [
            str(action.arguments["content"]) for stage in plan.stages for action in stage if action.tool == "write_document"
        ]
        parts = [*contents, plan.summary]
    return "\n\n".join(parts)


def _reading_line(call: ToolCall) -> str:
    what = {
        "read_card": "Reading the card.",
        "list_documents": "Looking at the project's documents.",
        "read_siblings": "Looking at the other cards of the board.",
        "read_document": f"Reading the document {call.arguments.get('document_id', '')}.",
    }
    return what[call.name] + "\n"


def _word_groups(text: str) -> Iterator[str]:
    """Split the text into groups of a few words; all groups together are the text again, with its spaces and line breaks."""
    words = 0
    start = 0
    for position, character in enumerate(text):
        if character in " \n" and position + 1 < len(text) and text[position + 1] not in " \n":
            words += 1
            if words == _WORDS_PER_DELTA:
                yield text[start : position + 1]
                start, words = position + 1, 0
    if start < len(text):
        yield text[start:]
