"""The provider port: one request, one stream of events, whoever the model is.

    for event in provider("anthropic").stream(request, cancelled=run.is_cancelled):
        match event:
            case TextDelta(text): ...            show it
            case ToolCallReady(call): ...        a complete call: act on it, answer with a ToolResult in the next request
            case Finished(stop, usage, model): ...   always the last event, exactly once

A stream that ends without `Finished` has raised: `Upstream` (nothing usable came) or `BrokenOff` (it broke after part of
the answer had been delivered; it carries the tokens known to be spent, so that the ledger does not lose them).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, Self

from shared.core.errors import Upstream
from shared.core.situations import Situation

Role = Literal["user", "assistant"]
# cancelled: `cancelled()` said so between two chunks; what had been spent until then is in `usage`
StopReason = Literal["end", "tool_use", "max_tokens", "refusal", "cancelled"]


@dataclass(frozen=True)
class Text:
    text: str


@dataclass(frozen=True)
class ToolCall:
    """A call the model asks for. `arguments` is the parsed object; a model's unparsable text never gets this far."""

    id: str
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class ToolResult:
    """The answer to one ToolCall, sent back in a user message."""

    call_id: str
    content: str
    is_error: bool = False


Part = Text | ToolCall | ToolResult


@dataclass(frozen=True)
class Message:
    role: Role
    parts: tuple[Part, ...]

    @classmethod
    def user(cls, text: str) -> Self:
        return cls("user", (Text(text),))

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        return tuple(part for part in self.parts if isinstance(part, ToolCall))

    @property
    def results(self) -> tuple[ToolResult, ...]:
        return tuple(part for part in self.parts if isinstance(part, ToolResult))


@dataclass(frozen=True)
class ToolSpec:
    name: str
    description: str
    parameters: dict[str, Any]  # JSON schema of the arguments, an object


@dataclass(frozen=True)
class Request:
    """`temperature=None` leaves it to the model (some newer models accept no other). `timeout_s` bounds the whole call."""

    model: str
    messages: tuple[Message, ...]
    system: str = ""
    tools: tuple[ToolSpec, ...] = ()
    temperature: float | None = None
    max_tokens: int = 4000
    timeout_s: float = 300.0
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TokenUsage:
    """Four disjoint buckets: no token is in two of them. `input` is fresh input, neither read from nor written to a cache."""

    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    output: int = 0

    def __post_init__(self) -> None:
        if min(self.input, self.cache_read, self.cache_write, self.output) < 0:
            raise ValueError("token counts cannot be negative")

    def __add__(self, other: "TokenUsage") -> "TokenUsage":
        return TokenUsage(
            self.input + other.input,
            self.cache_read + other.cache_read,
            self.cache_write + other.cache_write,
            self.output + other.output,
        )

    @property
    def total_input(self) -> int:
        return self.input + self.cache_read + self.cache_write

    @property
    def total(self) -> int:
        return self.total_input + self.output

    @classmethod
    def including_cache(cls, total_input: int, cache_read: int, output: int, cache_write: int = 0) -> "TokenUsage":
        """For providers whose input count already contains the cached tokens (OpenAI and those that speak like it)."""
        cache_read = min(max(cache_read, 0), max(total_input, 0))
        cache_write = min(max(cache_write, 0), max(total_input, 0) - cache_read)
        return cls(max(total_input, 0) - cache_read - cache_write, cache_read, cache_write, max(output, 0))


@dataclass(frozen=True)
class TextDelta:
    text: str


@dataclass(frozen=True)
class ToolCallReady:
    call: ToolCall


@dataclass(frozen=True)
class Finished:
    """`model` is the one that really answered. `estimated`: the provider gave no (final) count and we counted ourselves."""

    stop_reason: StopReason
    usage: TokenUsage
    model: str
    estimated: bool = False


Event = TextDelta | ToolCallReady | Finished
Cancelled = Callable[[], bool]


def never() -> bool:
    return False


class Provider(Protocol):
    """`stream` may block while the provider thinks; `cancelled` is asked between two chunks and while waiting to retry."""

    @property
    def name(self) -> str: ...

    def stream(self, request: Request, cancelled: Cancelled = never) -> Iterator[Event]: ...


class BrokenOff(Upstream):
    """The stream broke after part of the answer was delivered. `usage` is what is known to be spent (possibly estimated)."""

    def __init__(self, message: str, usage: TokenUsage) -> None:
        super().__init__(Situation.PROVIDER_UNAVAILABLE, message)
        self.usage = usage
