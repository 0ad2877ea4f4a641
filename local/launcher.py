"""The engine's own process: `python -m local.launcher`, started by `local.engine` and by nothing else.

It loads ministack, mends the faults listed in `local/README.md`, serves on loopback, writes snapshots while it runs and ends within a
few seconds whatever is still open. Everything it needs comes from its environment (`local.engine.environment`).
"""

import asyncio
import ctypes
import importlib.metadata
import logging
import os
import signal
import sys
import threading
from typing import Any

from local import ENGINE_VERSION
from local.snapshots import Snapshots

log = logging.getLogger("local.launcher")

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LEAVE_WITHIN = 5.0


def check_version() -> None:
    """Refuse any ministack but the one whose faults the mends were written for."""
    found = importlib.metadata.version("ministack")
    if found != ENGINE_VERSION:
        raise SystemExit(
            f"local cloud: ministack {ENGINE_VERSION} is required, {found} is installed; reinstall requirements/dev.txt"
        )


def die_with_parent(parent: int) -> None:
    """Ask Linux for SIGTERM when the parent dies, so that a killed `local run` leaves no engine behind."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died before we asked
        raise SystemExit(1)


def load() -> Any:
    """Import ministack's ASGI app with the mends applied; the order matters, its modules start threads when imported."""
    from local import patches

    patches.before_import()
    import ministack.app as engine

    patches.apply()
    return engine


async def serve(engine: Any, snapshots: Snapshots, port: int) -> None:
    """Serve until SIGTERM or SIGINT, then save and leave without waiting for open WebSockets."""
    from hypercorn.asyncio import serve as hypercorn_serve
    from hypercorn.config import Config

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    loop.add_signal_handler(signal.SIGUSR1, snapshots.soon)

    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.keep_alive_timeout = 75
    config.loglevel = "WARNING"
    config.accesslog = None
    # A model's answer or an attachment may take a while, nothing local should be cut by the server.
    config.websocket_max_message_size = 1024 * 1024
    serving = asyncio.create_task(hypercorn_serve(engine.app, config, shutdown_trigger=_never))
    ticking = asyncio.create_task(snapshots.keep_writing())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    ticking.cancel()
    if serving.done():
        serving.result()


async def _never() -> None:
    """Hypercorn's own shutdown waits for every open WebSocket (fault: SIGTERM hangs); ours ends the process itself."""
    await asyncio.Event().wait()


def leave(snapshots: Snapshots) -> None:
    """Save the state, end the workers, exit: 5 s at the most, by force if need be."""
    killer = threading.Timer(_LEAVE_WITHIN, os._exit, args=(1,))
    killer.daemon = True
    killer.start()
    from local.patches import mappings, workers

    mappings.drain(1.0)
    snapshots.write()
    workers.end_all()
    logging.shutdown()
    os._exit(0)


def main() -> None:
    """Run the engine until told to stop."""
    logging.basicConfig(level=os.environ.get("LOG_LEVEL", "WARNING"), format="%(asctime)s %(levelname)s %(name)s %(message)s")
    check_version()
    die_with_parent(int(os.environ["CADRE_PARENT"]))
    engine = load()
    snapshots = Snapshots(engine, os.environ["STATE_DIR"])
    try:
        asyncio.run(_run(engine, snapshots))
    except OSError as error:
        raise SystemExit(f"local cloud: the engine cannot listen: {error}") from error


async def _run(engine: Any, snapshots: Snapshots) -> None:
    await serve(engine, snapshots, int(os.environ["GATEWAY_PORT"]))
    # Not after the loop, which would first wait for tasks that never end; not in its thread pool, which may be busy for long.
    threading.Thread(target=leave, args=(snapshots,), name="leave").start()
    await _never()


if __name__ == "__main__":
    main()
