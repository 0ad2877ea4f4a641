"""How many tokens the first message of a run may have, by model, and how a context is cut to fit."""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from shared.agents.providers import credentials
from shared.agents.providers.context import Limits
from shared.agents.providers.port import Message, Part, ToolResult
from shared.agents.providers.registry import LOCAL
from shared.agents.providers.tokens import likely_tokens

MOST: Final = 24_000
"""Tokens: our choice, because each turn of a run pays for its first message again."""
_SHARE: Final = 4  # of a model's window; the rest is for the prompt, the tools, their results and the answer
_WINDOWS: Final = {("openai", "gpt-4"): 8_192, ("openai", "gpt-3.5-turbo"): 16_385}  # platform.openai.com/docs/models
LOCAL_WINDOW: Final = 8_192
"""Of a model on a laptop: its server decides, and cuts what is too long without a word. `LOCAL_CONTEXT` says another."""
_ORDER: Final = ("comments", "siblings", "document_text", "documents", "own_text", "parameters")
"""What is cut first."""


def first_message_tokens(provider: str, model: str) -> int:
    """Return the budget of the first message of a run with this model, as `likely_tokens` counts."""
    window = _small_window(provider, model)
    return MOST if window is None else min(MOST, window // _SHARE)


def result_tokens(provider: str, model: str) -> int | None:
    """Return how many tokens of a tool's result this model may read; None if its window is large."""
    window = _small_window(provider, model)
    return None if window is None else window // _SHARE


def with_latest_results(messages: tuple[Message, ...], tokens: int | None) -> tuple[Message, ...]:
    """Return a conversation that stays in a small window: of the tools' results, the latest that fit into twice `tokens` are whole.

    An older one is a line that says how long it was. The very latest is always whole.
    """
    if tokens is None:
        return messages
    used = 0

    def shown(part: Part) -> Part:
        nonlocal used
        if not isinstance(part, ToolResult):
            return part
        is_latest, used = used == 0, used + likely_tokens(part.content)
        short = f"[cut: {len(part.content):,} characters, read before; call the tool again if you need them]"
        return part if is_latest or used <= 2 * tokens or len(part.content) <= len(short) else replace(part, content=short)

    latest_first = [replace(one, parts=tuple(map(shown, one.parts[::-1]))[::-1]) for one in messages[::-1]]
    return tuple(latest_first[::-1])


def cut(text: str, tokens: int) -> str:
    """Return as much of the beginning of a text as these tokens hold."""
    return text[: bisect_right(range(1, len(text) + 1), tokens, key=lambda length: likely_tokens(text[:length]))]


def _small_window(provider: str, model: str) -> int | None:
    """Return the tokens that a model reads and writes in one call; None if they are no matter."""
    if provider == LOCAL:
        told = credentials.value("LOCAL_CONTEXT")
        return int(told) if told.isdecimal() else LOCAL_WINDOW
    return _WINDOWS.get((provider, model))


def fit(render: Callable[[Limits], str], budget: int) -> str:
    """Return the text with as much as fits into the budget: oldest comments are cut first, then siblings, then documents, then the
    card's own texts, then parameters of the run."""
    limits = Limits()
    for name in _ORDER:
        text = render(limits)
        if likely_tokens(text) <= budget:
            return text
        limits = _largest(render, limits, name, budget)
    return render(limits)


def _largest(render: Callable[[Limits], str], limits: Limits, name: str, budget: int) -> Limits:
    """Return the limits with the largest value of one of them whose text fits; with 0 if none does."""
    fits, above = 0, int(getattr(limits, name))
    while above - fits > 1:
        middle = (fits + above) // 2
        if likely_tokens(render(replace(limits, **{name: middle}))) <= budget:
            fits = middle
        else:
            above = middle
    return replace(limits, **{name: fits})
