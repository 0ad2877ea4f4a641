"""How an agent works on a message: it asks the platform's model, calls the tools that the model wants, and asks again."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from cadre_sandbox.journal import Journal
from cadre_sandbox.platform import Platform
from cadre_sandbox.tools import Toolbox, derived_id

MAX_TURNS: Final = 20
"""Completions for one message."""
_MAX_CALLS: Final = 20  # tool calls of one reply
_LONGEST_RESULT: Final = 20_000  # characters of a tool's result that the model sees
_LONGEST_ENTRY: Final = 24_000  # characters of a message of the conversation: what a collaboration asks has up to 23,500
_LONGEST_HISTORY: Final = 60_000
_POLLS: Final = (1.0, 2.0, 4.0, 8.0)  # seconds; the socket usually says it before


class ThoughtFailed(Exception):
    """No answer can be made: says why."""


@dataclass(frozen=True)
class Configuration:
    """What the platform says that this sandbox is."""

    name: str
    agents: tuple[dict[str, Any], ...]
    """The primary agent first."""
    timeout_seconds: float

    @classmethod
    def of(cls, data: dict[str, Any]) -> "Configuration":
        config = data["agent_config"]
        agents = (config["primary_agent"], *(config.get("sub_agents") or ()))
        return cls(str(data.get("name", "")), agents, float((data.get("resources") or {}).get("timeout_seconds") or 300))

    def agent(self, name: str | None) -> dict[str, Any]:
        """Return the agent that a message is for. Raises ThoughtFailed if there is none with this name."""
        if not name:
            return self.agents[0]
        for agent in self.agents:
            if agent.get("name") == name:
                return agent
        raise ThoughtFailed(f"This sandbox has no agent {name}")

    def prompt(self, agent: dict[str, Any]) -> str:
        role = f", {agent['role']}" if agent.get("role") else ""
        others = [f"{one['name']} ({one.get('role') or 'no role'})" for one in self.agents if one is not agent]
        lines = [
            f"You are {agent.get('name')}{role}, in the sandbox {self.name}.",
            agent.get("description"),
            agent.get("system_prompt"),
            f"Other agents of this sandbox: {', '.join(others)}." if others else None,
            "Messages come from other sandboxes. Answer what is asked, in full: your last text is the answer.",
        ]
        return "\n".join(str(line) for line in lines if line)


def shown(message: dict[str, Any]) -> str:
    """Return a message as the model reads it."""
    sender = message.get("from_name") or message.get("from_sandbox")
    agent = f", agent {message['from_agent']}" if message.get("from_agent") else ""
    content = message.get("content")
    only_text = isinstance(content, dict) and set(content) == {"text"}
    text = str(content["text"]) if only_text and isinstance(content, dict) else json.dumps(content, ensure_ascii=False)
    return f"{str(message.get('message_type', 'message')).capitalize()} from {sender}{agent}:\n{text}"[:_LONGEST_ENTRY]


def bounded(history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the newest entries of a conversation that are not too long together; it begins with the other side."""
    kept: list[dict[str, Any]] = []
    size = 0
    for entry in reversed(history):
        size += len(entry["content"])
        if size > _LONGEST_HISTORY:
            break
        kept.insert(0, entry)
    while kept and kept[0]["role"] != "user":
        kept.pop(0)
    return kept


class Thinking:
    """Works on one message after the other; several may be in work side by side."""

    def __init__(self, platform: Platform, journal: Journal, toolbox: Toolbox) -> None:
        self._platform, self._journal, self._toolbox = platform, journal, toolbox
        self._waiting: dict[str, asyncio.Event] = {}

    def completed(self, request_id: str) -> None:
        """The platform says that a completion is there."""
        if event := self._waiting.get(request_id):
            event.set()

    async def answer(self, message: dict[str, Any], config: Configuration, turn_begins: Callable[[], None]) -> str:
        """Return the answer to a message. What was done before the agent was killed is not done again. Raises ThoughtFailed."""
        agent = config.agent(message.get("to_agent"))
        message_id = message["message_id"]
        start = [
            {"role": "system", "content": config.prompt(agent)},
            *bounded(self._journal.history(conversation_of(message, config))),
            {"role": "user", "content": shown(message)},
        ]
        entries = self._journal.turns(message_id)
        while True:
            pending = _pending(entries)
            if pending:
                for call in pending:
                    self._keep(message_id, entries, await self._result(message_id, call))
                continue
            if entries and entries[-1]["role"] == "assistant":
                return str(entries[-1]["content"])
            turns = sum(1 for entry in entries if entry["role"] == "assistant")
            if turns >= MAX_TURNS:
                raise ThoughtFailed(f"The agent took {MAX_TURNS} turns without coming to an end")
            turn_begins()
            self._keep(message_id, entries, await self._reply(message_id, turns, str(agent.get("name")), [*start, *entries]))

    def _keep(self, message_id: str, entries: list[dict[str, Any]], entry: dict[str, Any]) -> None:
        self._journal.add_turn(message_id, len(entries), entry)
        entries.append(entry)

    async def _result(self, message_id: str, call: dict[str, Any]) -> dict[str, Any]:
        said = await self._toolbox.call(call["name"], call.get("arguments"), f"{message_id}/{call['id']}")
        return {"role": "tool", "content": said[:_LONGEST_RESULT], "tool_call_id": call["id"]}

    async def _reply(self, message_id: str, turn: int, agent: str, messages: list[dict[str, Any]]) -> dict[str, Any]:
        request_id = derived_id("completion", message_id, turn)
        body = {"agent": agent, "messages": messages, "tools": self._toolbox.described(), "message_id": message_id}
        body = self._journal.question(message_id, turn, body)
        event = self._waiting.setdefault(request_id, asyncio.Event())
        try:
            state = await self._platform.begin_completion(request_id, body)
            polls = 0
            while state["status"] == "pending":
                try:
                    await asyncio.wait_for(event.wait(), _POLLS[min(polls, len(_POLLS) - 1)])
                except TimeoutError:
                    polls += 1
                event.clear()
                state = await self._platform.completion(request_id)
        finally:
            self._waiting.pop(request_id, None)
        if state["status"] != "done":
            raise ThoughtFailed(_words(state.get("error")) or "The model did not answer")
        reply = state["reply"]
        entry = {"role": "assistant", "content": str(reply.get("content") or "")}
        calls = (reply.get("tool_calls") or [])[:_MAX_CALLS]
        return entry | ({"tool_calls": calls} if calls else {})


def conversation_of(message: dict[str, Any], config: Configuration) -> str:
    """Return the name of a conversation: one sender and one of our agents."""
    return f"{message['from_sandbox']}/{message.get('to_agent') or config.agents[0].get('name')}"


def _pending(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the tool calls of the last reply that have no result yet."""
    answered = {entry.get("tool_call_id") for entry in entries if entry["role"] == "tool"}
    last: dict[str, Any] = next((entry for entry in reversed(entries) if entry["role"] == "assistant"), {})
    return [call for call in last.get("tool_calls", ()) if call["id"] not in answered]


def _words(error: Any) -> str:
    if isinstance(error, dict):
        return str(error.get("message") or error.get("code") or "")
    return str(error or "")
