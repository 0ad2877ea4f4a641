"""`cadre-embedded-1`: the turns of the embedded model and how they are streamed.

A run makes the calls of its plan, in one turn as many as fit into `max_tokens`, and ends with a summary. It reads nothing, because the
first message has the card and what belongs to it, and says nothing beside its calls, because the terminal names each call. The next turn
depends on the conversation alone: the model has no state, and a run can continue on another machine.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from shared.agents.providers import port
from shared.agents.providers.context import Context, parse_context
from shared.agents.providers.embedded import MODEL, NAME
from shared.agents.providers.embedded.filing import FiledCard
from shared.agents.providers.embedded.outputs import Action, plan, quoted
from shared.agents.providers.embedded.reading import Piece
from shared.agents.providers.embedded.tables import WIDE, is_ours, say
from shared.agents.providers.tokens import count_tokens, input_tokens, part_text

_ROLE = re.compile(r"^Agent: (\w+)", re.MULTILINE)
_MAX_REFUSALS, _REFUSAL = 5, 160  # quoted in the summary, and characters of each


class EmbeddedProvider:
    name = NAME

    def stream(self, request: port.Request, cancelled: port.CancelCheck = port.never_cancelled) -> Iterator[port.Event]:
        """Stream the next turn; never raises Upstream, because no other service is called."""
        spent = 0
        stop: port.StopReason = "end"
        for part in self.turn(request):
            cost = count_tokens(part if isinstance(part, str) else part_text(part))
            if cancelled():
                stop = "cancelled"
                break
            if spent + cost > request.max_tokens:  # a call is complete or it is not made; the next turn makes the others
                stop = "max_tokens" if stop == "end" else stop
                break
            spent += cost
            stop = "end" if isinstance(part, str) else "tool_use"
            yield port.TextDelta(part) if isinstance(part, str) else port.ToolCallReady(part)
        yield port.Finished(stop, port.TokenUsage(input=input_tokens(request), output=spent), MODEL)

    def turn(self, request: port.Request) -> Sequence[str | port.ToolCall]:
        """Return the parts of the next turn: calls, or the lines of a text."""
        return next_turn(request)


def next_turn(request: port.Request) -> Sequence[str | port.ToolCall]:
    """Return the calls of the plan that were not made yet, else the lines of the summary."""
    filed = _filed(request.messages[0].text)
    actions = plan(_ROLE.findall(request.system)[0], filed)
    made = sum(len(message.calls) for message in request.messages)
    calls = [
        _fitted(port.ToolCall(f"call_{number}", action.tool, action.arguments), request.max_tokens, filed.language)
        for number, action in enumerate(actions)
    ]
    return calls[made : made + port.MAX_CALLS_PER_ANSWER] or _summary(request, actions, filed.language).splitlines(keepends=True)


@lru_cache(maxsize=64)  # every turn of a run files the same card again
def _filed(first_message: str) -> FiledCard:
    """File the card of a run's first message with what belongs to it, except documents that this model wrote."""
    context = parse_context(first_message) or Context()
    documents = tuple(one for one in context.documents if not is_ours(one["content"]))
    return FiledCard(context.card, documents, context.siblings, (context.extra,) if context.extra else ())


def _fitted(call: port.ToolCall, limit: int, language: str) -> port.ToolCall:
    """Return a call; a document for which the answer has no room is cut at the end of a line, aloud."""
    lines = call.arguments["content"].splitlines() if call.name == "write_document" else []
    while lines and count_tokens(part_text(call)) > limit:
        lines = lines[: len(lines) * 9 // 10]
        content = "\n".join([*lines, "", f"_{say('cut', language)}_", "", "---", f"_{say('author', language)}_"])
        call = replace(call, arguments=call.arguments | {"content": content})
    return call


def _summary(request: port.Request, actions: list[Action], language: str) -> str:
    """Return what was done, by the calls that were accepted, and what was refused."""
    results = [result for message in request.messages for result in message.results]
    refused = {result.call_id: " ".join(result.content.split())[:_REFUSAL] for result in results if result.is_error}
    accepted = [action for number, action in enumerate(actions) if f"call_{number}" not in refused]
    names = dict.fromkeys([*(action.summary for action in accepted if action.summary), "free"])
    summary = ("" if language in WIDE else " ").join(say(name, language) for name in names)
    quotations = quoted(Piece("context", text) for text in list(refused.values())[:_MAX_REFUSALS])
    return "\n\n".join([summary, say("s_refused", language), quotations] if refused else [summary])
