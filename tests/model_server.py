"""A server of models on loopback that speaks OpenAI's protocol, as Ollama, LM Studio and llama.cpp do: well, badly, or not at all."""

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_STEPS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("read_card", {}),
    ("write_document", {"type": "prd", "title": "Requirements", "content": "# Requirements\n\nA customer can pay.\n"}),
    ("comment", {"content": "The requirements are written."}),
)


class _Six(ThreadingHTTPServer):
    address_family = socket.AF_INET6


class ModelServer:
    """`skill`: `works` as an agent that reads, writes and comments; `calls` the tool of a trial; `structured` refuses tools, but keeps to
    a form; `talks` only; `refuses` everything; `hangs`; `locked` to
    every key.

    `listed` is the answer to `GET /v1/models`: names, or any JSON, or bytes; with a `status` of 3xx, the address of another server.
    `keys` are the Authorization headers of all requests. `asked` are the bodies of the calls. The texts of `script`
    are the first answers.
    """

    def __init__(self, skill: str = "calls", listed: Any = ("small:1b",), status: int = 200, host: str = "127.0.0.1") -> None:
        self.skill, self.listed, self.status = skill, listed, status
        self.keys: list[str | None] = []
        self.asked: list[dict[str, Any]] = []
        self.script: list[str] = []
        self.refusal = ""
        self.paths: list[str] = []
        self.released = threading.Event()
        self._server = (_Six if ":" in host else ThreadingHTTPServer)((host, 0), self._handler())
        self._server.daemon_threads = False
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.port = self._server.server_address[1]
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{self.port}/v1"

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """The status and the delta of the answer."""
        name = body["model"]
        if self.script:
            return 200, {"content": self.script.pop(0)}
        if self.skill == "locked":
            return 401, {"error": {"message": "Incorrect API key provided"}}
        if self.skill == "refuses" or (self.skill == "structured" and "tools" in body):
            return 400, {"error": {"message": self.refusal or f"registry.ollama.ai/library/{name} does not support tools"}}
        is_trial = [tool["function"]["name"] for tool in body.get("tools", ())] == ["report"]
        if self.skill == "works" and not is_trial:
            return 200, _next_step(body)
        if self.skill in ("works", "calls") and "tools" in body:
            function = {"name": "report", "arguments": '{"word": "ready"}'}
            return 200, {"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": function}]}
        if self.skill == "structured":
            call = {"name": "report", "arguments": {"word": "ready"}}
            return 200, {"content": json.dumps({"say": "Reporting.", "calls": [call]})}
        return 200, {"content": "I would gladly call a tool."}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.paths.append(self.path)
                server.keys.append(self.headers["authorization"])
                listed = server.listed
                if server.skill == "hangs":
                    server.released.wait(10)
                if isinstance(listed, tuple):
                    listed = {"object": "list", "data": [{"id": name, "object": "model"} for name in listed]}
                body = listed if isinstance(listed, bytes) else json.dumps(listed).encode()
                self._send(server.status, "application/json", body)

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                server.asked.append(body)
                server.keys.append(self.headers["authorization"])
                if server.skill == "thinks for ever":
                    server.released.wait(10)
                status, delta = server.answer(body)
                if status != 200:
                    self._send(status, "application/json", json.dumps(delta).encode())
                    return
                reason = "tool_calls" if "tool_calls" in delta else "stop"
                chunk = {"model": body["model"], "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}
                chunk["usage"] = {"prompt_tokens": 700, "completion_tokens": 50, "total_tokens": 750}
                self._send(200, "text/event-stream", f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n".encode())

            def _send(self, status: int, kind: str, body: bytes) -> None:
                try:
                    self.send_response(status)
                    self.send_header("content-type", kind)
                    self.send_header("content-length", str(len(body)))
                    if 300 <= status < 400:
                        self.send_header("location", body.decode())
                    self.end_headers()
                    self.wfile.write(body)
                except (BrokenPipeError, ConnectionResetError):
                    pass

            def log_message(self, *arguments: object) -> None:
                pass

        return Handler


def _next_step(body: dict[str, Any]) -> dict[str, Any]:
    """The delta of an agent's next turn: one tool call each, then the last words."""
    done = sum(bool(message.get("tool_calls")) for message in body["messages"])
    if done == len(_STEPS):
        return {"content": "The requirements are written; finance should look at them."}
    name, arguments = _STEPS[done]
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {"tool_calls": [{"index": 0, "id": f"call{done}", "type": "function", "function": function}]}
