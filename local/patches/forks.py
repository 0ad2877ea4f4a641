"""Lambda workers are forked from a process that has imported what they share."""

import hashlib
import io
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import zipfile
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime
from ministack.core.responses import new_uuid

from local import fork_server

_ENDED = -1  # the workers are not our children: why they ended is not known
_lock = threading.Lock()
_servers: dict[str, "ForkServer"] = {}


def apply() -> None:
    """Apply this module's patches."""
    fork_workers()


def fork_workers() -> None:
    """Fault: each worker is a new interpreter, which unpacks the package and imports everything.

    Symptom: a cold start takes a second of a core, and unpacking holds up the engine's other requests; a burst of requests to cold
    functions takes minutes. One process for each package now unpacks it and imports what its functions share; workers are its forks.
    """
    spawn = lambda_runtime.Worker._spawn

    def fork(self: Any) -> None:
        if not self.config.get("Runtime", "").startswith("python") or self.config.get("Layers"):
            spawn(self)
            return
        server = _server_for(self.code_zip)
        self._proc = server.fork(environment_of(self.config, server.code))
        self._stderr_queue = lambda_runtime.queue.Queue()
        self._stderr_thread = threading.Thread(target=self._read_stderr, daemon=True, name=f"stderr-{self.func_name}")
        self._stderr_thread.start()
        _initialize(self._proc, self.config, server.code)
        self._start_time = lambda_runtime.time.time()

    lambda_runtime.Worker._spawn = fork


def _initialize(process: "Forked", config: dict[str, Any], code: Path) -> None:
    """Tell a worker its handler, and wait until that is imported."""
    module, _, handler = config["Handler"].rpartition(".")
    about = {
        "code_dir": str(code),
        "module": module.replace("/", "."),
        "handler": handler,
        "function_name": config.get("FunctionName", ""),
        "memory": config.get("MemorySize", 128),
        "arn": config.get("FunctionArn", ""),
    }
    process.stdin.write(json.dumps(about) + "\n")
    process.stdin.flush()
    for line in process.stdout:
        if line.startswith("{"):
            response = json.loads(line)
            if response["status"] != "ready":
                raise RuntimeError(f"Worker init failed: {response.get('error')}")
            return
    raise RuntimeError("Worker process exited immediately")


def environment_of(config: dict[str, Any], code: Path) -> dict[str, str]:
    """A worker's environment: the engine's, the function's variables, and what Lambda itself sets."""
    _account, region = lambda_runtime._account_region_from_function_config(config)
    variables = (config.get("Environment") or {}).get("Variables") or {}
    given = {name: str(value) for name, value in variables.items() if name not in lambda_runtime._RESERVED_RUNTIME_ENV_VARS}
    lambdas = {
        lambda_runtime.HOST_PREFIX_ENV: "true",
        "LAMBDA_TASK_ROOT": str(code),
        "AWS_LAMBDA_FUNCTION_NAME": config.get("FunctionName", ""),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config.get("MemorySize", 128)),
        "AWS_LAMBDA_FUNCTION_VERSION": config.get("Version", "$LATEST"),
        "AWS_LAMBDA_LOG_STREAM_NAME": new_uuid(),
        "_LAMBDA_FUNCTION_ARN": config.get("FunctionArn", ""),
        "_LAMBDA_TIMEOUT": str(config.get("Timeout", 30)),
    }
    fixed = {"AWS_REGION": region, "AWS_DEFAULT_REGION": region, **lambda_runtime.execution_credentials(config)}
    return {**lambdas, **os.environ, **given, **fixed}


def _server_for(code_zip: bytes) -> "ForkServer":
    """The fork server of a package; the first call starts it."""
    key = hashlib.sha256(code_zip).hexdigest()
    with _lock:
        if key not in _servers:
            _servers[key] = ForkServer(code_zip)
        return _servers[key]


class ForkServer:
    """One process of `local.fork_server`; `code` is the folder of the unpacked package."""

    def __init__(self, code_zip: bytes) -> None:
        self.code = Path(tempfile.mkdtemp(prefix="code-"))
        with zipfile.ZipFile(io.BytesIO(code_zip)) as archive:
            archive.extractall(self.code)
        self._channel, theirs = socket.socketpair()
        self._lock = threading.Lock()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", fork_server.__file__, str(self.code)],
                stdin=theirs.fileno(),
                env=os.environ | {"AWS_LAMBDA_FUNCTION_NAME": "fork-server"},
            )
        self._send(lambda_runtime._PYTHON_WORKER_SCRIPT.encode(), [])

    def fork(self, environment: dict[str, str]) -> "Forked":
        """Start a worker. Raises RuntimeError if the server has ended: the engine's log says why."""
        stdin, stdout, stderr, alive = os.pipe(), os.pipe(), os.pipe(), os.pipe()
        theirs = [stdin[0], stdout[1], stderr[1], alive[1]]
        try:
            with self._lock:
                self._send(json.dumps(environment).encode(), theirs)
                (pid,) = fork_server.LENGTH.unpack(fork_server.read_exactly(self._channel, fork_server.LENGTH.size))
        except (OSError, EOFError) as error:
            for descriptor in (stdin[1], stdout[0], stderr[0], alive[0]):
                os.close(descriptor)
            raise RuntimeError(f"the workers of {self.code} cannot start: their package cannot be imported") from error
        finally:
            for descriptor in theirs:
                os.close(descriptor)
        return Forked(pid, stdin[1], stdout[0], stderr[0], alive[0])

    def _send(self, body: bytes, descriptors: list[int]) -> None:
        socket.send_fds(self._channel, [fork_server.LENGTH.pack(len(body))], descriptors)
        self._channel.sendall(body)


class Forked:
    """A worker, with the part of `subprocess.Popen` that the engine uses."""

    def __init__(self, pid: int, stdin: int, stdout: int, stderr: int, alive: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.stdin = os.fdopen(stdin, "w", buffering=1, encoding="utf-8")
        self.stdout = os.fdopen(stdout, encoding="utf-8")
        self.stderr = os.fdopen(stderr, encoding="utf-8", errors="replace")
        self._alive = os.fdopen(alive, "rb", buffering=0)
        self._ended = select.poll()
        self._ended.register(self._alive, select.POLLHUP)

    def poll(self) -> int | None:
        """-1 if it has ended, else None."""
        return self._wait(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended. Raises `subprocess.TimeoutExpired`."""
        code = self._wait(None if timeout is None else int(timeout * 1000))
        if code is None:
            raise subprocess.TimeoutExpired("worker", timeout or 0)
        return code

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def _wait(self, milliseconds: int | None) -> int | None:
        if self.returncode is None and self._ended.poll(milliseconds):
            self.returncode = _ENDED
        return self.returncode
