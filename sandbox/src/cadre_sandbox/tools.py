"""The tools that the agents of a sandbox may call: those of its MCP servers, the built-in files, and sending a message."""

import asyncio
import json
import re
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from cadre_sandbox import filesystem
from cadre_sandbox.filesystem import Filesystem
from cadre_sandbox.logs import Log
from cadre_sandbox.platform import Platform, PlatformError, Unreachable
from cadre_sandbox.servers import CONNECTED, ERROR, Server
from cadre_sandbox.settings import Settings

Call = Callable[[dict[str, Any], str], Awaitable[str]]
ReplyTo = Callable[[str, float], Awaitable[dict[str, Any] | None]]
"""Waits for the response to a message, so many seconds at most."""
ANSWERS_WITHIN: Final = 60
"""Seconds for which an agent waits for the response to a message that it has sent."""
_NAMES: Final = re.compile(r"[^A-Za-z0-9_-]")
_SPACE: Final = uuid.UUID("6f1a3c52-5f0e-4d0e-9c39-0c6f7a4f2d11")  # of ids that follow from what the agent works on
SEND: Final = {
    "type": "object",
    "properties": {
        "to_sandbox": {"type": "string", "description": "name of the sandbox"},
        "to_agent": {"type": "string"},
        "content": {"type": "object"},
        "expects_response": {"type": "boolean", "description": "wait for its response"},
    },
    "required": ["to_sandbox", "content"],
}

_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
ASK: Final = {
    "type": "object",
    "properties": {
        "method": {"type": "string", "enum": list(_METHODS)},
        "url": {"type": "string"},
        "headers": {"type": "object", "description": "${NAME} stands for the workspace's secret of this name"},
        "body": {"type": "string"},
    },
    "required": ["url"],
}


def derived_id(*parts: object) -> str:
    """Return an id that is the same whenever the same work is done again."""
    return str(uuid.uuid5(_SPACE, "/".join(map(str, parts))))


@dataclass(frozen=True)
class Tool:
    description: str
    parameters: dict[str, Any]
    call: Call


class Toolbox:
    """All tools by name. Its servers are connected once for each configuration."""

    def __init__(self, settings: Settings, platform: Platform, log: Log) -> None:
        self._settings, self._platform, self._log = settings, platform, log
        self.reply_to: ReplyTo | None = None
        self._configured: list[Any] | None = None
        self._servers: dict[str, Server] = {}
        self._built_in: dict[str, str] = {}
        self._tools: dict[str, Tool] = {}

    @property
    def statuses(self) -> dict[str, str]:
        """Return each server's status: connected or error."""
        return self._built_in | {name: server.status for name, server in self._servers.items()}

    async def configure(self, servers: list[Any]) -> None:
        """Connect the servers of a configuration. The same configuration again changes nothing."""
        if servers == self._configured:
            return
        await self.close()
        self._configured, self._built_in, self._servers = servers, {}, {}
        for given in servers:
            config = given if isinstance(given, dict) else {"name": str(given)}
            name = str(config.get("name"))
            if not config.get("enabled", True):
                self._built_in[name] = ERROR
                self._log("warning", f"The MCP server {name} is disabled in the workspace")
            elif config.get("command") or config.get("url"):
                self._servers[name] = Server(config, self._platform, self._settings.work_folder, self._log)
                self._servers[name].on_change = self._collect
            elif name == "filesystem":
                self._built_in[name] = CONNECTED
            else:
                self._built_in[name] = ERROR
                self._log("error", f"The MCP server {name} has neither a command nor a URL: configure it in the workspace")
        await asyncio.gather(*(server.connected() for server in self._servers.values()))
        self._collect()

    def _collect(self) -> None:
        self._tools = {
            "send_message": Tool("Send a message to another sandbox of the workspace", SEND, self._send),
            "http_request": Tool("Ask a host that this sandbox may reach, by https", ASK, self._ask),
        }
        if self._built_in.get("filesystem") == CONNECTED:
            files = Filesystem(self._settings.work_folder)
            for name, (description, properties, required) in filesystem.TOOLS.items():
                schema = {"type": "object", "properties": properties, "required": required}
                self._add("filesystem", name, Tool(description, schema, _of_files(files, name)))
        for server in (one for one in self._servers.values() if one.status == CONNECTED):
            for tool in server.tools:
                self._add(
                    server.name, tool["name"], Tool(tool["description"], tool["parameters"], _of_server(server, tool["name"]))
                )

    def _add(self, server: str, name: str, tool: Tool) -> None:
        whole = _NAMES.sub("_", f"{server}__{name}")[:64]
        if whole in self._tools:
            self._log("warning", f"Two tools have the name {whole}: the second is left out")
            return
        self._tools[whole] = tool

    def described(self) -> list[dict[str, Any]]:
        """Return the tools as a completion is told of them."""
        return [{"name": name, "description": one.description, "parameters": one.parameters} for name, one in self._tools.items()]

    async def call(self, name: str, arguments: Any, key: str) -> str:
        """Return what a tool says; a failure is said too, so that the model can go on. `key` names this call for good."""
        tool = self._tools.get(name)
        if tool is None:
            return f"Error: there is no tool {name}"
        if not isinstance(arguments, dict):
            return "Error: the arguments must be an object"
        try:
            return await tool.call(arguments, key)
        except (ValueError, OSError, PlatformError, Unreachable) as error:
            return f"Error: {error}"

    async def _send(self, arguments: dict[str, Any], key: str) -> str:
        content = arguments.get("content")
        expects = bool(arguments.get("expects_response"))
        message = {
            "message_id": derived_id("sent", key),
            "to_sandbox": str(arguments.get("to_sandbox") or ""),
            "to_agent": arguments.get("to_agent"),
            "message_type": "request" if expects else "notification",
            "content": content if isinstance(content, dict) else {"text": str(content)},
            "requires_response": expects,
            "in_reply_to": key.partition("/")[0],  # what it works on: two agents that ask each other do not go on for ever
        }
        if expects:
            message["timeout"] = ANSWERS_WITHIN
        answer = await self._platform.send({name: value for name, value in message.items() if value is not None})
        message_id = str(answer.get("message_id") or message["message_id"])
        if not expects or self.reply_to is None:
            return f"The message is {answer.get('status', 'queued')}: {message_id}"
        response = await self.reply_to(message_id, ANSWERS_WITHIN)
        if response is None:
            return f"{message['to_sandbox']} has not answered within {ANSWERS_WITHIN} seconds"
        return json.dumps(response.get("content"), ensure_ascii=False)

    async def _ask(self, arguments: dict[str, Any], _key: str) -> str:
        """Ask another host by the platform's egress, once: whether it may be asked again, only the model can know."""
        headers = arguments.get("headers") or {}
        if not isinstance(headers, dict):
            return "Error: headers must be an object"
        told = {str(name): str(value) for name, value in headers.items()}
        body = arguments.get("body")
        method = str(arguments.get("method") or "GET").upper()
        answer = await self._platform.egress(method, str(arguments.get("url")), told, None if body is None else str(body))
        if answer.get("encoding") == "base64":
            return f"{answer['status']}: {len(answer['body']):,} characters of base64, which are no text"
        return f"{answer['status']}\n{answer['body']}"

    async def close(self) -> None:
        for server in self._servers.values():
            server.on_change = _nothing
        await asyncio.gather(*(server.close() for server in self._servers.values()))


def _nothing() -> None:
    return None


def _of_files(files: Filesystem, name: str) -> Call:
    async def call(arguments: dict[str, Any], _key: str) -> str:
        return await asyncio.to_thread(files.call, name, arguments)

    return call


def _of_server(server: Server, name: str) -> Call:
    async def call(arguments: dict[str, Any], _key: str) -> str:
        return await server.call(name, arguments)

    return call
