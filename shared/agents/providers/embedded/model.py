"""`cadre-embedded-1`: the turns of the embedded model and how they are streamed.

A run reads (at most two turns), acts (one turn for each stage of its plan; a stage that does not fit into `max_tokens` takes several
turns) and ends with a summary. It says nothing beside its calls, because the terminal names each call. The next turn depends on the
conversation alone: the model has no state, and a run can continue on another machine. Tokens are counted by `tokens.count_tokens`.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from shared.agents.providers.embedded import MODEL, NAME
from shared.agents.providers.embedded.outputs import Action, plan, quoted
from shared.agents.providers.embedded.reading import Piece
from shared.agents.providers.embedded.situation import READ_TOOLS, Situation, call_id
from shared.agents.providers.embedded.wording import say, say_all
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
_WORDS = re.compile(r"\s*(?:\S+\s*){1,4}|\s+")  # of one delta
_MAX_REFUSALS = 5  # quoted in the summary


@dataclass(frozen=True)
class Turn:
    text: str = ""
    calls: tuple[ToolCall, ...] = ()


class EmbeddedProvider:
    name = NAME

    def stream(self, request: Request, cancelled: CancelCheck = never_cancelled) -> Iterator[Event]:
        """Stream the next turn; never raises Upstream, because no other service is called."""
        turn = next_turn(Situation(request))
        spent, limit, used = 0, request.max_tokens, input_tokens(request)

        def finished(reason: StopReason) -> Finished:
            return Finished(reason, TokenUsage(input=used, output=min(spent, limit)), MODEL)

        for part in (*_WORDS.findall(turn.text), *turn.calls):
            if cancelled():
                yield finished("cancelled")
                return
            cost = count_tokens(part if isinstance(part, str) else part_text(part))
            if spent + cost > limit:  # a call is complete or it is not made
                room = (limit - spent) * BYTES_PER_TOKEN if isinstance(part, str) else 0
                if visible := str(part).encode("utf-8", "replace")[:room].decode("utf-8", "ignore"):
                    yield TextDelta(visible)
                spent = limit
                yield finished("max_tokens")
                return
            spent += cost
            yield TextDelta(part) if isinstance(part, str) else ToolCallReady(part)
        yield finished("tool_use" if turn.calls else "end")


def next_turn(situation: Situation) -> Turn:
    """Return the next turn; it depends on the request alone."""
    if situation.turn >= MAX_TURNS:
        return Turn(say("s_stopped", situation.filed.language))
    offset = 0
    for reading in (situation.first_reading, situation.second_reading):
        if calls := reading(offset):
            if situation.turn == offset:
                return Turn(calls=tuple(calls))
            offset += 1
    stages = plan(situation.role, situation.filed)
    turns = list(_action_turns(stages, situation))
    position = situation.turn - offset
    return turns[position] if position < len(turns) else Turn(_closing_text(stages, situation))


def _action_turns(stages: list[list[Action]], situation: Situation) -> Iterator[Turn]:
    """Yield the turns of the plan's stages, with the available tools only; each turn fits into max_tokens."""
    number, limit = 0, situation.request.max_tokens
    for stage in stages:
        calls: list[ToolCall] = []
        room = limit
        for action in stage:
            if action.tool not in situation.tools:
                continue
            call = ToolCall(call_id(number + 100, len(calls)), action.tool, _fitted(action, limit, situation.filed.language))
            cost = count_tokens(part_text(call))
            if calls and (cost > room or len(calls) == MAX_CALLS_PER_ANSWER):
                yield Turn(calls=tuple(calls))
                number, calls, room = number + 1, [], limit
                call = replace(call, id=call_id(number + 100, 0))
            calls.append(call)
            room -= cost
        if calls:
            yield Turn(calls=tuple(calls))
            number += 1


def _fitted(action: Action, limit: int, language: str) -> dict[str, object]:
    """Return the arguments, with a document that does not fit cut at a line end. Other actions are not changed."""
    content = action.arguments.get("content")
    excess = count_tokens(json.dumps(action.arguments, ensure_ascii=False, sort_keys=True)) + count_tokens(action.tool) - limit
    if action.tool != "write_document" or not isinstance(content, str) or excess <= 0:
        return action.arguments
    note = f"\n\n_{say('cut', language)}_\n\n---\n_{say('author', language)}_\n"
    # escaping (line breaks, quotes) makes the call a little longer than the text: leave an eighth for it
    keep = max(0, len(content.encode()) - int(excess * BYTES_PER_TOKEN * 1.125) - len(note.encode()) - 2 * BYTES_PER_TOKEN)
    return {**action.arguments, "content": content.encode()[:keep].decode("utf-8", "ignore").rpartition("\n")[0] + note}


def _closing_text(stages: list[list[Action]], situation: Situation) -> str:
    """Return the summary: what was done, what was refused or had no tool. Without tools, what would have been written is the answer."""
    language = situation.filed.language
    actions = [action for stage in stages for action in stage]
    acted = [(call, result) for call, result in situation.exchanges if call.name not in READ_TOOLS]
    accepted = {call.name for call, result in acted if not result.is_error}
    refused = [result.content for _, result in acted if result.is_error]
    done = dict.fromkeys(action.summary for action in actions if action.tool in accepted and action.summary)
    lacks = ["s_no_tool"] * bool(situation.tools and any(action.tool not in situation.tools for action in actions))
    parts = [say_all([*done, *lacks, "free"], language)]
    if refused:
        parts += [
            say("s_refused", language),
            quoted(Piece("context", " ".join(text.split())[:160]) for text in refused[:_MAX_REFUSALS]),
        ]
    if not situation.tools:
        said = [str(action.arguments.get("content") or action.arguments.get("description") or "") for action in actions]
        parts = [*(text for text in said if text), *parts]
    return "\n\n".join(parts)
