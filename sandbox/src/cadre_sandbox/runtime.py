"""The way into a microVM of Bedrock AgentCore Runtime: its HTTP contract (GET /ping and POST /invocations on port 8080), which starts the
agent and says whether it runs. Everything else the agent says over its own socket.

    {"start": {number, environment, memory_mb, max_processes}} -> {"isolation"}
    {"look": number}                                           -> {"alive", "exit"}

As long as the agent runs, a ping says that the session is busy: AWS ends none that is.
"""

import contextlib
import json
import os
import resource
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

PORT: Final = 8080
HOME: Final = "/mnt/work"
"""The session's own storage, which is there again after a stop (`infra/sandbox_runtime.py`)."""
ENDS_WITHIN: Final = 5.0  # seconds
_MAX_BODY: Final = 500_000
_MAIN: Final = "import sys; from cadre_sandbox.runtime import limited; limited(int(sys.argv[1]), int(sys.argv[2]))"
ISOLATION: Final = (
    "a microVM of its own (Bedrock AgentCore Runtime)",
    "network: the platform alone",
    "memory: limited for each of its processes",
    "processes: limited",
    "CPU: not limited, billed as it is used",
)


class Starter:
    """The one agent of this microVM. A later start ends the one before; the same start is made once."""

    def __init__(self, home: str = HOME) -> None:
        self._home, self._lock = home, threading.Lock()
        self.number = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, told: dict[str, Any]) -> dict[str, Any]:
        number = int(told["number"])
        with self._lock:
            if number > self.number:
                self._end()
                self._process = self._begun(told)
                self.number = number
        return {"isolation": list(ISOLATION)}

    def look(self, number: int) -> dict[str, Any]:
        with self._lock:
            if number != self.number or self._process is None:
                return {"alive": False, "exit": "Its machine had ended"}
            code = self._process.poll()
        how = None if code is None else f"It was ended by signal {-code}" if code < 0 else f"It ended with status {code}"
        return {"alive": code is None, "exit": how, "isolation": list(ISOLATION)}

    def _begun(self, told: dict[str, Any]) -> "subprocess.Popen[bytes]":
        Path(self._home).mkdir(parents=True, exist_ok=True)
        environment = {str(name): str(value) for name, value in told["environment"].items()}
        ours = {"HOME": self._home, "PATH": "/usr/local/bin:/usr/bin:/bin", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        limits = (str(int(told["memory_mb"])), str(int(told["max_processes"])))
        return subprocess.Popen(  # noqa: S603 - our own interpreter and arguments
            [sys.executable, "-c", _MAIN, *limits], env=environment | ours, cwd=self._home, start_new_session=True
        )

    def _end(self) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(ENDS_WITHIN)
        self._process.kill()
        self._process.wait()


def limited(memory_mb: int, max_processes: int) -> None:
    """Become the agent, within limits that it cannot raise again."""
    for kind, most in (
        (resource.RLIMIT_AS, memory_mb * 1_048_576),
        (resource.RLIMIT_NPROC, 16 * max_processes + 16),  # threads count too
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 256),
    ):
        _, hard = resource.getrlimit(kind)
        limit = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (limit, limit))
    os.execv(sys.executable, [sys.executable, "-m", "cadre_sandbox"])  # noqa: S606 - ourselves


def server(starter: Starter, port: int = PORT, host: str = "0.0.0.0") -> ThreadingHTTPServer:  # noqa: S104 - AWS asks from outside
    """Return the server, which listens already."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def do_GET(self) -> None:
            if self.path != "/ping":
                return self._say(404, {"error": "There is no such path"})
            return self._say(200, {"status": "HealthyBusy" if starter.is_alive else "Healthy"})

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            if self.path != "/invocations" or not 0 < length <= _MAX_BODY:
                self.close_connection = True
                return self._say(400, {"error": "The request is not understood"})
            try:
                asked = json.loads(self.rfile.read(length))
                answer = starter.start(asked["start"]) if "start" in asked else starter.look(int(asked["look"]))
            except (ValueError, KeyError, TypeError, AttributeError):
                return self._say(400, {"error": "The request is not understood"})
            except OSError as error:
                return self._say(500, {"error": f"The agent cannot be started: {error.strerror}"})
            return self._say(200, answer)

        def log_message(self, *_: Any) -> None:
            return None

        def _say(self, status: int, body: dict[str, Any]) -> None:
            raw = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

    return ThreadingHTTPServer((host, port), Handler)


def main() -> None:
    server(Starter()).serve_forever()
