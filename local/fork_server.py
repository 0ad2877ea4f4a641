"""The process that Lambda workers are forked from: `python -I local/fork_server.py <code folder>`, started by `local.patches.forks`.

It has imported what the functions share, so a new worker begins in milliseconds, not in a second of a core. Standard input is a socket. A
request is a message with four descriptors (the worker's standard input, output and error, and the end of a pipe that it holds open as
long as it lives), followed by the worker's environment as JSON; the response is the worker's process id. The first request is the worker
script. When the socket closes, this process ends; the workers end with their standard input.
"""

import gc
import importlib
import importlib.util
import json
import os
import pkgutil
import signal
import socket
import struct
import sys
import time
from types import CodeType

LENGTH = struct.Struct("!I")
DESCRIPTORS = 4
_FIRST = ("functions", "shared.edge.http.cold_start")
"""What shortens starts, in this order: as on Lambda, it comes before all that it shortens."""
_NOT_SHARED = "shared.edge.http."
"""Reads the function's environment when it is imported (`log`), so each worker imports it."""

_SERVICES = ("dynamodb", "sqs", "s3", "secretsmanager")
_OF_ALL_SERVICES = ("endpoints", "partitions", "sdk-default-configuration", "_retry")


def preload() -> None:
    """Import the modules that all functions share. A package without them shares nothing."""
    if importlib.util.find_spec("shared") is None:
        return
    for name in _FIRST:
        importlib.import_module(name)
    for module in pkgutil.walk_packages(importlib.import_module("shared").__path__, "shared."):
        if not module.name.startswith(_NOT_SHARED):
            importlib.import_module(module.name)
    read_service_models()
    gc.enable()
    gc.freeze()


def read_service_models() -> None:
    """Read what botocore knows of the services that most functions call; else each worker reads two megabytes of JSON."""
    loader = importlib.import_module("shared.core.aws").session().get_component("data_loader")
    for name in _OF_ALL_SERVICES:
        loader.load_data(name)
    for service in _SERVICES:
        for kind in ("service-2", "endpoint-rule-set-1"):
            loader.load_service_model(service, kind)


def receive(channel: socket.socket) -> tuple[bytes, list[int]] | None:
    """Read one message and its descriptors; None if the other side has closed."""
    head, descriptors, _flags, _address = socket.recv_fds(channel, LENGTH.size, DESCRIPTORS)
    if not head:
        return None
    (length,) = LENGTH.unpack(head)
    return read_exactly(channel, length), descriptors


def read_exactly(channel: socket.socket, length: int) -> bytes:
    parts = bytearray()
    while len(parts) < length:
        part = channel.recv(length - len(parts))
        if not part:
            raise EOFError
        parts += part
    return bytes(parts)


def serve(channel: socket.socket, script: CodeType) -> None:
    """Fork a worker for each request."""
    while (request := receive(channel)) is not None:
        environment, descriptors = request
        pid = os.fork()
        if not pid:
            channel.close()
            become_worker(json.loads(environment), descriptors, script)
        channel.sendall(LENGTH.pack(pid))
        for descriptor in descriptors:
            os.close(descriptor)


def become_worker(environment: dict[str, str], descriptors: list[int], script: CodeType) -> None:
    """Go on as a worker: its own standard streams and environment, then the engine's script."""
    for target, descriptor in enumerate(descriptors[:3]):
        os.dup2(descriptor, target)
        os.close(descriptor)
    sys.stdin, sys.stdout, sys.stderr = open(0, encoding="utf-8"), open(1, "w", encoding="utf-8"), open(2, "w", buffering=1)  # noqa: SIM115
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    status = 1
    try:
        exec(script, {"__name__": "__main__"})  # noqa: S102 - the engine's own worker script
        status = 0
    finally:
        sys.stderr.flush()
        os._exit(status)


def main() -> None:
    code = sys.argv[1]
    os.chdir(code)
    sys.path.insert(0, code)
    preload()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system collects workers that have ended
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(fileno=os.dup(0)) as channel:
        first = receive(channel)
        if first is not None:
            serve(channel, compile(first[0], "worker", "exec"))


if __name__ == "__main__":
    main()
