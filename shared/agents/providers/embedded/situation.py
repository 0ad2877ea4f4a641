"""The state of a conversation, read from the request: role, tools, results of the read tools, and the next reads."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from shared.agents.providers.context import Context, parse_context, render_context
from shared.agents.providers.embedded.filing import FiledCard
from shared.agents.providers.port import Request, ToolCall, ToolResult

READ_TOOLS = ("read_card", "list_documents", "read_document", "read_siblings")
_ROLE = re.compile(r"^Agent:[ \t]*([a-z][a-z0-9_]*)", re.MULTILINE)
_DOCUMENTS_READ, _RELEVANT = 3, ("prd", "mvp", "architecture", "blueprint")
_READS_SIBLINGS = frozenset({"planner", "ceo_copilot"})  # who must not repeat a card of the board


@dataclass(frozen=True)
class Situation:
    request: Request

    @cached_property
    def role(self) -> str:
        match = _ROLE.search(self.request.system)
        return match[1] if match else "general"

    @cached_property
    def tools(self) -> frozenset[str]:
        return frozenset(tool.name for tool in self.request.tools)

    @cached_property
    def turn(self) -> int:
        """Return the number of earlier turns with tool calls."""
        return sum(1 for message in self.request.messages if message.role == "assistant" and message.calls)

    @cached_property
    def exchanges(self) -> list[tuple[ToolCall, ToolResult]]:
        results = {result.call_id: result for message in self.request.messages for result in message.results}
        calls = [call for message in self.request.messages for call in message.calls]
        return [(call, results[call.id]) for call in calls if call.id in results]

    @cached_property
    def first_text(self) -> str:
        return next((message.text for message in self.request.messages if message.role == "user" and message.text.strip()), "")

    @cached_property
    def guidance(self) -> list[str]:
        """Return the messages that people sent after the run had started (steering, answers)."""
        texts = [message.text.strip() for message in self.request.messages if message.role == "user"]
        return [text for text in texts[1:] if text]

    @cached_property
    def context(self) -> Context:
        """Return what the first message says; a free prompt is a card without a title."""
        return parse_context(self.first_text) or Context({"description": self.first_text})

    def answers(self, tool: str) -> Iterator[Any]:
        """Yield the results of a read tool as parsed JSON; skip errors and results that are not JSON."""
        for call, result in self.exchanges:
            if call.name == tool and not result.is_error:
                try:
                    yield json.loads(result.content)
                except ValueError:
                    continue

    @cached_property
    def known_documents(self) -> list[dict[str, Any]]:
        """Return the documents of the project that list_documents or the context names."""
        listed = [item for answer in self.answers("list_documents") for item in _rows(answer, "documents")]
        return list(_by_id([*listed, *self.context.documents]).values())

    def first_reading(self, turn: int) -> list[ToolCall]:
        tools = ["read_card"]
        if not self.context.documents:
            tools.append("list_documents")
        if not self.context.siblings and self.role in _READS_SIBLINGS:
            tools.append("read_siblings")
        return [ToolCall(call_id(turn, number), name, {}) for number, name in enumerate(tools) if name in self.tools]

    def second_reading(self, turn: int) -> list[ToolCall]:
        """Return calls that read the most relevant documents of which only the title is known (at most three): those with words of
        the card's title, and requirements and architecture."""
        words = _words(self.context.card.get("title"))

        def relevance(item: Mapping[str, Any]) -> int:
            return len(words & _words(item.get("title"))) * 2 + 3 * (item.get("type") in _RELEVANT)

        unread = [item for item in self.known_documents if not item.get("content") and item.get("id")]
        chosen = sorted(unread, key=relevance, reverse=True)[: _DOCUMENTS_READ if "read_document" in self.tools else 0]
        reads = [{"document_id": str(item["id"])} for item in chosen]
        return [ToolCall(call_id(turn, number), "read_document", arguments) for number, arguments in enumerate(reads)]

    @cached_property
    def filed(self) -> FiledCard:
        """File the card by everything read so far; results of the tools replace older facts of the context."""
        card = dict(self.context.card)
        for answer in self.answers("read_card"):
            fresh = answer.get("card", answer) if isinstance(answer, dict) else {}
            known = parse_context(render_context(fresh)) if isinstance(fresh, dict) else None  # lists become text, as there
            card |= known.card if known else {}
        read = [answer.get("document", answer) for answer in self.answers("read_document") if isinstance(answer, dict)]
        documents = _by_id([*self.known_documents, *(item for item in read if isinstance(item, dict) and item.get("content"))])
        siblings = [*self.context.siblings]
        for answer in self.answers("read_siblings"):
            siblings += _rows(answer, "cards", "siblings")
        others = [dict(item) for item in siblings if item.get("id") is None or item.get("id") != card.get("id")]
        told = [text for text in (self.context.extra, *self.guidance) if text.strip()]
        return _filed(json.dumps([card, list(documents.values()), others, told]))


@lru_cache(maxsize=64)  # every turn of a run files the same card again
def _filed(known: str) -> FiledCard:
    card, documents, others, told = json.loads(known)
    return FiledCard(card, tuple(documents), tuple(others), tuple(told))


def call_id(turn: int, number: int) -> str:
    return f"call_{turn}_{number}"


def _by_id(items: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return documents by their ids, of each the last one in the place of the first."""
    return {str(item.get("id") or item.get("title")): dict(item) for item in items}


def _rows(answer: object, *keys: str) -> list[dict[str, Any]]:
    if isinstance(answer, dict):
        answer = next((answer[key] for key in (*keys, "items", "data") if isinstance(answer.get(key), list)), [])
    return [item for item in answer if isinstance(item, dict)] if isinstance(answer, list) else []


def _words(text: object) -> set[str]:
    return set(re.findall(r"[^\W_]{3,}", str(text or "").lower()))
