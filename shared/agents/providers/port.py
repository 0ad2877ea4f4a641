"""The provider port: one request, answered by one stream of events, the same for every model.

    for event in provider("anthropic").stream(request, cancelled=run.is_cancelled):
        match event:
            case TextDelta(text): ...            show the text
            case ToolCallReady(call): ...        a complete call: execute it, send a ToolResult in the next request
            case Finished(stop, usage, model): ...   always the last event, exactly once

A stream that ends without `Finished` has raised `Upstream` (the call has used no tokens) or `StreamInterrupted` (it has; the exception
carries them, for the ledger).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, Self

from shared.core.errors import Upstream
from shared.core.situations import Situation

MAX_CALLS_PER_ANSWER = 50
"""Tool calls of one answer that are executed: our choice. The embedded model makes an answer of its own of what is beyond."""
Role = Literal["user", "assistant"]
# "cancelled": `cancelled()` returned true between two chunks; `usage` has the tokens used until then
StopReason = Literal["end", "tool_use", "max_tokens", "refusal", "cancelled"]


@dataclass(frozen=True)
class Text:
    """Text of a message."""

    text: str


@dataclass(frozen=True)
class ToolCall:
    """A tool call of the model. `problem` says why its arguments cannot be read, so that the model may correct them; `arguments` is
    then empty."""

    id: str
    name: str
    arguments: dict[str, Any]
    problem: str = ""


@dataclass(frozen=True)
class ToolResult:
    """The result of one ToolCall, sent back in a user message."""

    call_id: str
    content: str
    is_error: bool = False


Part = Text | ToolCall | ToolResult


@dataclass(frozen=True)
class Message:
    """A message to the model or from it."""

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
    """A tool that the model may call."""

    name: str
    description: str
    parameters: dict[str, Any]  # JSON schema of the arguments, an object


@dataclass(frozen=True)
class Request:
    """A call to a model. `temperature=None` means the model's default; `timeout_s` limits the whole call, retries included."""

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
    """Token counts in four disjoint buckets. `input` counts tokens that are neither read from nor written to a cache."""

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
        """Build the usage from a total input count that includes cached tokens (OpenAI and compatible APIs)."""
        cache_read = min(max(cache_read, 0), max(total_input, 0))
        cache_write = min(max(cache_write, 0), max(total_input, 0) - cache_read)
        return cls(max(total_input, 0) - cache_read - cache_write, cache_read, cache_write, max(output, 0))


@dataclass(frozen=True)
class TextDelta:
    """A piece of the answer's text."""

    text: str


@dataclass(frozen=True)
class ToolCallReady:
    """A tool call of the answer that is complete."""

    call: ToolCall


@dataclass(frozen=True)
class Finished:
    """The last event. `model` is the model that answered; `estimated` means that the provider did not count all of it."""

    stop_reason: StopReason
    usage: TokenUsage
    model: str
    estimated: bool = False


Event = TextDelta | ToolCallReady | Finished
CancelCheck = Callable[[], bool]


def never_cancelled() -> bool:
    return False


class Provider(Protocol):
    """An adapter. `stream` may block for the provider; it calls `cancelled` between two chunks and during waits."""

    @property
    def name(self) -> str: ...

    def stream(self, request: Request, cancelled: CancelCheck = never_cancelled) -> Iterator[Event]: ...


class StreamInterrupted(Upstream):
    """The call failed after it had used tokens: `usage`, possibly estimated. They cost money, so the ledger gets them."""

    def __init__(
        self,
        message: str,
        usage: TokenUsage,
        situation: Situation = Situation.PROVIDER_UNAVAILABLE,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(situation, message, retry_after)
        self.usage = usage
