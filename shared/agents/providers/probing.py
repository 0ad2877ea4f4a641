"""Try a model's tool calls once, before an agent trusts it with real ones."""

from typing import Final

from shared.agents.providers.port import Message, Provider, Request, ToolCallReady, ToolSpec
from shared.core.errors import Upstream
from shared.core.situations import Situation

_TOOL: Final = ToolSpec(
    "report",
    "Report one word.",
    {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"], "additionalProperties": False},
)
_ASKED: Final = "Call the tool `report` once, with `word` set to `ready`."
_MAX_TOKENS: Final = 400
"""Of the answer: some models think first."""


def try_tools(provider: Provider, model: str, seconds: float) -> None:
    """Make one short call with one tool, for at most `seconds`. Raises Upstream if the model does not call the tool as it is asked to."""
    request = Request(
        model,
        (Message.user(_ASKED),),
        "You act through tools.",
        (_TOOL,),
        temperature=0.0,
        max_tokens=_MAX_TOKENS,
        timeout_s=seconds,
    )
    calls = [event.call for event in provider.stream(request) if isinstance(event, ToolCallReady)]
    if not any(call.name == _TOOL.name and isinstance(call.arguments.get("word"), str) for call in calls):
        raise Upstream(Situation.PROVIDER_UNAVAILABLE, "it does not call the tool that it is asked to call")
