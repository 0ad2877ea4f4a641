"""Lambda workers: named exceptions, warm workers that survive them, no wait for logs, a limit of new processes."""

import os
import queue
import re
import threading
import time
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from local.patches import turns
from local.patches.source import replaced

_END_OF_LOG = "\x00end-of-log"
_LOG_CAP = 0.25
_OWN_ADDRESS = ("CADRE_PUBLIC_URL", "CADRE_ISSUER")
"""Variables with the platform's public address. An issuer that somebody has set is another one, and stays."""
_EXECUTE_API = re.compile(r"(?:https|wss)://([a-z0-9]+)\.execute-api\.[a-z0-9-]+\.amazonaws\.com(?=/|$)")

_failure = threading.local()


def apply() -> None:
    """Apply this module's patches."""
    name_exceptions()
    mark_end_of_log()
    wait_before_spawning()
    answer_sockets_from_the_pool()
    localize_environment()


def name_exceptions() -> None:
    """Fault: every handler exception is `Runtime.HandlerError` and kills the worker; so is the death of its process.

    Symptom: Retry/Catch of a state machine never match by name, and each error costs the next caller a cold start. The worker now says
    which exception it was; only a worker that died or timed out is replaced, and a death is `Runtime.ExitError`, as on AWS.
    """
    lambda_runtime._PYTHON_WORKER_SCRIPT = replaced(
        lambda_runtime._PYTHON_WORKER_SCRIPT,
        """_real_stdout.write(json.dumps({"status": "error", "error": str(e), "trace": traceback.format_exc()}) + "\\n")""",
        """_real_stdout.write(json.dumps({"status": "ok", "result": None, "raised": {"errorMessage": str(e), """
        """"errorType": type(e).__name__, "stackTrace": traceback.format_exc().splitlines()}}) + "\\n")""",
    )
    invoke = lambda_runtime.Worker.invoke
    execute = lambda_svc._execute_function_warm

    def invoke_and_keep_error(self: Any, *args: Any, **kwargs: Any) -> Any:
        response = invoke(self, *args, **kwargs)
        _failure.raised = response.get("raised")
        return response

    def execute_with_error_name(func: Any, event: Any, request_id: str) -> Any:
        _failure.raised = None
        result = execute(func, event, request_id)
        raised = _failure.raised
        if raised is None:
            body = result.get("body")
            if result.get("error") and body["errorType"] == "Runtime.HandlerError":  # no exception: the process is gone
                body["errorType"] = "Runtime.ExitError"
            return result
        trace = "\n".join(raised["stackTrace"])
        return {"body": raised, "error": True, "log": "\n".join(filter(None, [result.get("log", ""), trace]))}

    lambda_runtime.Worker.invoke = invoke_and_keep_error
    lambda_svc._execute_function_warm = execute_with_error_name


def mark_end_of_log() -> None:
    """Fault: after each invocation without log lines the engine waits 50 ms for them.

    Symptom: every quiet request is 50 ms slower. The worker now ends each invocation's log with a mark on stderr, written before the
    answer; the reader takes lines up to it and waits no longer than the mark needs.
    """
    mark = f"""sys.stderr.write({_END_OF_LOG + chr(10)!r}); sys.stderr.flush()"""
    script = replaced(
        lambda_runtime._PYTHON_WORKER_SCRIPT,
        "            result = handler_fn(event, context)\n            _real_stdout.write(",
        "            try:\n                result = handler_fn(event, context)\n"
        f"            finally:\n                {mark}\n            _real_stdout.write(",
    )
    lambda_runtime._PYTHON_WORKER_SCRIPT = script

    def drain(self: Any, *_args: Any, **_kwargs: Any) -> str:
        lines: list[str] = []
        deadline = time.monotonic() + _LOG_CAP
        while True:
            try:
                line = self._stderr_queue.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                return "\n".join(lines)
            if line == _END_OF_LOG:
                return "\n".join(lines)
            lines.append(line)

    lambda_runtime.Worker._drain_stderr_bounded = drain


def wait_before_spawning() -> None:
    """Fault: each concurrent call of a busy function starts another interpreter at once.

    Symptom: thirty parallel requests start thirty processes that take seconds of two cores, and nothing bounds their number. A call now
    waits for its turn (`turns`), as long as its request has time; then it is refused as Lambda refuses more than its concurrency.
    """
    acquire = lambda_runtime.acquire_worker
    freed = threading.Condition()
    release, invalidate = lambda_runtime.release_worker, lambda_runtime.invalidate_worker

    def acquire_or_wait(
        func_name: str, config: Any, code_zip: bytes, qualifier: str = "$LATEST", max_concurrency: int | None = None
    ) -> Any:
        key = lambda_runtime._worker_key(func_name, config, qualifier)
        nested = lambda_svc._invoke_depth.get() > 1
        started = time.monotonic()
        with freed:
            while True:
                with lambda_runtime._lock:
                    pool = lambda_runtime._workers.get(key, [])
                    busy = sum(worker.in_use for worker in pool)
                    free = len(pool) - busy
                left = turns.wait_for(busy, free, time.monotonic() - started, nested=nested)
                if left is None:
                    return None, "func_cap"
                if left == 0:
                    return acquire(func_name, config, code_zip, qualifier=qualifier, max_concurrency=max_concurrency)
                freed.wait(left)

    def notifying(end: Any) -> Any:
        def ended(*args: Any, **named: Any) -> Any:
            with freed:
                try:
                    return end(*args, **named)
                finally:
                    freed.notify_all()

        return ended

    lambda_runtime.acquire_worker = lambda_svc.acquire_worker = acquire_or_wait
    lambda_runtime.release_worker = lambda_svc.release_worker = notifying(release)
    lambda_runtime.invalidate_worker = lambda_svc.invalidate_worker = notifying(invalidate)


def answer_sockets_from_the_pool() -> None:
    """Fault: WebSocket routes take one shared worker, write no log and queue behind each other.

    Symptom: a hundred clients connect one after the other, and a failing socket handler leaves no trace. They now run through the same
    dispatcher as every other invocation.
    """

    class PooledWorker:
        def __init__(self, func_name: str, config: Any, code_zip: bytes, qualifier: str = "$LATEST") -> None:
            self._record = {"config": config, "code_zip": code_zip}

        def invoke(self, event: Any, _request_id: str) -> dict[str, Any]:
            result = lambda_svc._execute_function(self._record, event)
            if result.get("error") or result.get("throttle"):
                return {"status": "error", "error": str((result.get("body") or {}).get("errorMessage", ""))}
            return {"status": "ok", "result": result.get("body")}

    lambda_runtime.get_or_create_worker = PooledWorker


def localize_environment() -> None:
    """Not a fault: on AWS a function posts to sockets at `https://{api}.execute-api.{region}.amazonaws.com/{stage}`.

    That name leads nowhere here. Templates are deployed unchanged, so the address is put right when a worker starts; the same goes for
    the platform's own public address, which depends on the port of the front door.
    """
    make = lambda_runtime.Worker.__init__

    def initialize(self: Any, func_name: str, config: dict[str, Any], code_zip: bytes) -> None:
        variables = (config.get("Environment") or {}).get("Variables") or {}
        make(self, func_name, {**config, "Environment": {"Variables": with_local_urls(variables)}}, code_zip)

    lambda_runtime.Worker.__init__ = initialize


def with_local_urls(variables: dict[str, str]) -> dict[str, str]:
    """A function's variables with addresses of AWS replaced by those of this engine."""
    gateway = f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}/_aws/execute-api/"
    localized = {name: _EXECUTE_API.sub(lambda match: gateway + match.group(1), str(value)) for name, value in variables.items()}
    if root := os.environ.get("CADRE_PUBLIC_URL"):
        was = localized.get("CADRE_PUBLIC_URL")
        localized = {name: root if name in _OWN_ADDRESS and value == was else value for name, value in localized.items()}
    return localized


def kill_all() -> None:
    """Kill every worker: their results are saved, and nobody waits for their answers."""
    with lambda_runtime._lock:
        running = [worker._proc for pool in lambda_runtime._workers.values() for worker in pool if worker._proc]
    for process in running:
        process.kill()
