"""The token counts that a provider reports: read under every name in use, the largest value of each."""

from dataclasses import dataclass, fields
from typing import Any, Final, Self

from shared.agents.providers.port import TokenUsage

MAX_COUNT: Final = 100_000_000
"""No model takes or writes as much in one call: a larger number is no count."""

_NAMES: Final = {  # dotted: the field of an object
    "prompt": ("prompt_tokens", "prompt_eval_count"),
    "fresh": ("input_tokens", "inputTokens"),
    "output": ("completion_tokens", "output_tokens", "outputTokens", "eval_count"),
    "reasoning": (
        "completion_tokens_details.reasoning_tokens",
        "output_tokens_details.reasoning_tokens",
        "reasoning_tokens",
    ),
    "cached": (
        "prompt_tokens_details.cached_tokens",
        "input_tokens_details.cached_tokens",
        "prompt_cache_hit_tokens",
        "cached_tokens",
    ),
    "cached_beside": ("cache_read_input_tokens", "cacheReadInputTokens"),
    "written": ("prompt_tokens_details.cache_write_tokens",),
    "written_beside": ("cache_creation_input_tokens", "cacheWriteInputTokens"),
    "total": ("total_tokens", "totalTokens"),
}


@dataclass(frozen=True)
class Counts:
    """What a provider has reported so far; 0 is not reported.

    `prompt` (OpenAI) includes the cached tokens. `fresh` (Anthropic, Bedrock) does not include those `beside` it.
    """

    prompt: int = 0
    fresh: int = 0
    output: int = 0
    reasoning: int = 0
    cached: int = 0
    cached_beside: int = 0
    written: int = 0
    written_beside: int = 0
    total: int = 0

    def larger(self, raw: object) -> Self:
        """Return the counts with those of one more report: servers repeat them, growing or as zeros, so the larger one is kept."""
        found = {name: max(token_count(_field(raw, path)) for path in paths) for name, paths in _NAMES.items()}
        return type(self)(**{one.name: max(getattr(self, one.name), found[one.name]) for one in fields(self)})

    @property
    def usage(self) -> TokenUsage:
        """The four buckets. Reasoning that the output leaves out, as the total or its own count shows, is output."""
        cached, written = max(self.cached, self.cached_beside), max(self.written, self.written_beside)
        total_input = self.prompt or (self.fresh + self.cached_beside + self.written_beside)
        output = self.output
        if self.reasoning > output:
            output += self.reasoning
        if total_input:
            output = max(output, self.total - total_input)
        return TokenUsage.including_cache(total_input, cached, output, written)


def token_count(value: object) -> int:
    """Return a provider's token count as an int; 0 for null, a missing value, or what is no possible count."""
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= MAX_COUNT else 0


def _field(raw: Any, path: str) -> object:
    for name in path.split("."):
        raw = raw.get(name) if isinstance(raw, dict) else None
    return raw
