"""The engine's own process: `python -m local.launcher`, started by `local.engine` and by nothing else.

It loads ministack, applies the patches listed in `local/README.md`, listens on 127.0.0.1, writes snapshots while it runs, and stops
within some seconds even if connections are open. Everything it needs comes from its environment (`local.engine.environment`).
"""

import asyncio
import contextlib
import importlib.metadata
import logging
import os
import signal
import socket
import threading
from typing import Any

import uvicorn
import uvloop

from local import ENGINE_VERSION
from local.engine_guard import guarded
from local.parent import stop_with_parent
from local.snapshots import Snapshots

log = logging.getLogger("local.launcher")

_SHUT_DOWN_WITHIN = 5.0


def check_version() -> None:
    """Refuse any release of ministack but the one that the patches are written for."""
    version = importlib.metadata.version("ministack")
    if version != ENGINE_VERSION:
        raise SystemExit(
            f"local cloud: ministack {ENGINE_VERSION} is required, {version} is installed; reinstall requirements/dev.txt"
        )


def load() -> Any:
    """Import ministack's ASGI app and apply the patches. Its modules start threads when they are imported, so the order matters."""
    from local.patches import early

    early.disable_reaper()
    import ministack.app as engine

    from local.patches import (
        expressions,
        forks,
        gateway,
        journal,
        mails,
        mappings,
        metrics,
        sockets,
        stacks,
        states,
        tables,
        workers,
    )

    for module in (workers, expressions, forks, gateway, journal, mails, mappings, metrics, sockets, stacks, states, tables):
        module.apply()
    return engine


async def serve(engine: Any, snapshots: Snapshots, port: int) -> None:
    """Serve until SIGTERM or SIGINT; return without waiting for open WebSockets."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    loop.add_signal_handler(signal.SIGUSR1, snapshots.soon)

    app: Any = guarded(engine, port, os.environ["AWS_SECRET_ACCESS_KEY"])
    listener = socket.create_server(("127.0.0.1", port), backlog=2048)
    serving = asyncio.create_task(_Server(configuration(app)).serve(sockets=[listener]))
    ticking = asyncio.create_task(snapshots.keep_writing())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    ticking.cancel()
    if serving.done():
        serving.result()


class _Server(uvicorn.Server):
    """uvicorn without signals of its own: its shutdown would wait for every open WebSocket, so `shut_down` ends the process instead."""

    def capture_signals(self) -> contextlib.AbstractContextManager[None]:  # type: ignore[override]
        """Leave the signals as they are."""
        return contextlib.nullcontext()


def configuration(app: Any) -> uvicorn.Config:
    """How uvicorn serves the engine: HTTP is read in C, and AWS's own headers stay the only ones."""
    return uvicorn.Config(
        app,
        http="httptools",
        ws="websockets-sansio",
        ws_max_size=1024 * 1024,
        ws_ping_interval=None,
        ws_per_message_deflate=False,
        timeout_keep_alive=75,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
    )


async def _never() -> None:
    """Never return."""
    await asyncio.Event().wait()


def shut_down(snapshots: Snapshots) -> None:
    """Save the state, stop the workers and exit; after 5 s exit in any case."""
    killer = threading.Timer(_SHUT_DOWN_WITHIN, os._exit, args=(1,))
    killer.daemon = True
    killer.start()
    from local.patches import mappings, workers

    mappings.drain(1.0)
    snapshots.write()
    workers.kill_all()
    logging.shutdown()
    os._exit(0)


def main() -> None:
    """Run the engine until a signal stops it."""
    logging.basicConfig(level=os.environ.get("LOG_LEVEL", "WARNING"), format="%(asctime)s %(levelname)s %(name)s %(message)s")
    check_version()
    stop_with_parent(int(os.environ["CADRE_PARENT"]))
    engine = load()
    from local.patches.journal import journal

    snapshots = Snapshots(engine, os.environ["STATE_DIR"], {"dynamodb": journal.forget})
    try:
        uvloop.run(_run(engine, snapshots))
    except OSError as error:
        raise SystemExit(f"local cloud: the engine cannot listen: {error}") from error


async def _run(engine: Any, snapshots: Snapshots) -> None:
    await serve(engine, snapshots, int(os.environ["GATEWAY_PORT"]))
    # In its own thread: the loop waits for tasks that never end, and its thread pool may be busy
    threading.Thread(target=shut_down, args=(snapshots,), name="shut-down").start()
    await _never()


if __name__ == "__main__":
    main()
