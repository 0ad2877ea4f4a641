"""`python -m local run`: the whole platform on one port. `python -m local demo`: the demo, played against it."""

import argparse
import contextlib
import errno
import json
import os
import signal
import socket
import sys
import time
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from local import LocalError
from local.data_folder import DataFolder, write_json
from local.engine import ROOT, free_port
from local.routes import endpoints

if TYPE_CHECKING:
    from local.models import Model

_PYTHON = (3, 11)
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}


class Terminated(BaseException):
    """SIGTERM or SIGINT was received."""


def main(arguments: list[str] | None = None) -> int:
    """Returns 0 after a signal, 2 for an error that the user can repair."""
    parser = argparse.ArgumentParser(
        prog="python -m local", description="The whole platform on this machine, no account anywhere."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="bring it up and keep it running (CADRE_PORT, CADRE_DATA)")
    commands.add_parser("demo", help="play the demo against the running platform")
    command = parser.parse_args(arguments).command
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _terminate)
    try:
        return run() if command == "run" else demo()
    except Terminated as signalled:
        print(f"ended by {signal.Signals(signalled.args[0]).name}", flush=True)
        return 0
    except LocalError as error:
        print(f"local cloud: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        where = f" ({error.filename})" if error.filename else ""
        print(
            f"local cloud: the disk is full{where}: make room, then start again; the data is as it was saved last",
            file=sys.stderr,
        )
        return 2


def _terminate(number: int, _frame: FrameType | None) -> None:
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, signal.SIG_IGN)  # stopping takes some seconds at most; a second Ctrl-C must not interrupt it
    raise Terminated(number)


def log(line: str) -> None:
    """One line of progress."""
    print(line, flush=True)


def data_path() -> Path:
    """The data folder: `CADRE_DATA`, else `.cadre/` in the checkout."""
    return Path(os.environ.get("CADRE_DATA") or ROOT / ".cadre")


def run() -> int:
    """Run everything until a signal arrives."""
    started = time.monotonic()
    port = check_port()
    folder = DataFolder(data_path())
    folder.open()
    with contextlib.ExitStack() as cleanup:
        cleanup.callback(folder.close)
        log(f"checked      python {sys.version_info[0]}.{sys.version_info[1]}, port {port}, data in {folder.path}")
        # Imported here, so that a missing package is an error message and no traceback
        from local.stack import LocalStack

        fresh = folder.get("played") is None
        model = _find_model(folder, port)
        stack = LocalStack(folder.path, port, engine_port=_engine_port(folder), model=model)
        cleanup.callback(stack.stop)
        folder.remember(engine_port=stack.engine.port)
        stack.start(log=log)
        log(stack.wait_until_healthy())
        addresses = endpoints(stack.root) | {"versions": stack.versions.url, "model": model.shown}
        write_json(folder.path / "endpoints.json", addresses)
        cleanup.callback((folder.path / "endpoints.json").unlink, missing_ok=True)
        if fresh:
            _play(addresses)
            folder.remember(played=True)
            stack.engine.save()
        _print(addresses)
        log(f"ready after {time.monotonic() - started:.1f} s at {stack.root} - Ctrl-C ends it, the data is kept")
        while stack.engine.alive():
            time.sleep(0.5)
        raise LocalError(f"the engine ended; the end of {stack.engine.log}:\n{stack.engine.tail()}")


def demo() -> int:
    """The demo alone, against the platform that runs on this data folder."""
    path = data_path() / "endpoints.json"
    try:
        addresses = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise LocalError(f"nothing runs on {data_path()}: start it with `python -m local run` (or `make run`) first") from error
    _play(addresses, must=True)
    return 0


def check_port() -> int:
    """The port of the front door, checked before anything is started."""
    if sys.version_info < _PYTHON:
        raise LocalError(f"Python {_PYTHON[0]}.{_PYTHON[1]} or newer is needed, this is {sys.version.split()[0]}")
    port = os.environ.get("CADRE_PORT") or "8000"
    if not port.isdigit() or not 1 <= int(port) <= 65535:
        raise LocalError(f"CADRE_PORT={port} is not a port: choose a number from 1 to 65535")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", int(port)))
        except OSError as error:
            reason = (
                "is in use: end what listens there" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
            )
            raise LocalError(f"port {port} {reason}, or choose another with CADRE_PORT=8001") from error
    return int(port)


def _engine_port(folder: DataFolder) -> int:
    """The engine's last port, so that URLs in stored data still work; another one if it is in use."""
    port = folder.get("engine_port")
    if isinstance(port, int):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port
    return free_port()


def _find_model(folder: DataFolder, port: int) -> "Model":
    """Find the model of new workspaces and say which one it is; how a model calls tools is tried once for each data folder."""
    from local.models import find_model

    tried = dict(folder.get("models") or {})
    model = find_model(port, tried, log)
    folder.remember(models=tried)
    log(f"model        {model.line}")
    return model


def _play(addresses: dict[str, Any], *, must: bool = False) -> None:
    """Play the demo. If it fails, the platform goes on, unless the demo `must` succeed."""
    from local.demo import play

    log("demo:")
    try:
        play(addresses["url"], addresses["model"], log)
    except (RuntimeError, OSError, LookupError, ValueError) as error:
        if must:
            raise LocalError(f"the demo failed: {error}") from error
        log(f"  failed: {error}")


def _print(addresses: dict[str, Any]) -> None:
    log("")
    for name in ("docs", "redoc", "mail", "health"):
        log(f"  {name:<12} {addresses[name]}")
    for kind in ("rest", "websockets"):
        entries = addresses[kind]
        assert isinstance(entries, dict)  # noqa: S101  # see routes.endpoints
        for name, url in entries.items():
            log(f"  {name:<12} {url}")


if __name__ == "__main__":
    sys.exit(main())
