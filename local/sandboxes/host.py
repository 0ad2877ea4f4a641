"""The host's HTTP server on loopback, and all sandboxes of a data folder.

    PUT /sandboxes/{id}/{number}      {"token", "platform_url", "socket_url", "resources", "environment"} -> {"isolation"}
    GET /sandboxes/{id}/{number}      {"alive", "exit", "isolation", "pid", "usage"}
    DELETE /sandboxes/{id}/{number}   ends it; with ?forget=1 its files are removed too

Every request has the key of this start. The same start of a sandbox is made once; a later one ends the one before.
"""

import logging
import re
import shutil
import threading
import time
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from local.building.processes import remove
from local.host_server import Answer, Body, Refused, make_server
from local.sandboxes import Limits
from local.sandboxes.isolation import own_namespaces
from local.sandboxes.machine import Machine, NotStarted
from local.sandboxes.proxy import Proxy, Way

log = logging.getLogger(__name__)
MOST: Final = 64
"""Sandboxes that run on one laptop at once."""
LOOKS_EVERY: Final = 0.25  # seconds
NUMBER: Final = "number"
"""The file in a sandbox's folder with the number of its start: it is there until the platform ends that start."""
_PATH: Final = re.compile(r"/sandboxes/([0-9a-f-]{36})/([0-9]{1,9})(\?forget=1)?\Z")
_MAX_BODY: Final = 500_000
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Sandboxes:
    """All sandboxes, by id. `run` is a folder with a short name: an address of a Unix socket has at most 107 bytes."""

    def __init__(self, folder: Path, run: Path) -> None:
        self.folder, self.run = folder, run
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.proxy = Proxy(run / "proxies")
        self._machines: dict[str, Machine] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()
        self.why_not = self._try_isolation()

    def _try_isolation(self) -> str:
        """Return why this system cannot isolate; empty: it can. A sandbox that does nothing is started, to see it."""
        if not own_namespaces():
            return "this system has none"
        place = self.folder / ".trial"
        trial = Machine(place, 1, Limits(), isolate=True)
        (self.run / "trial").mkdir(parents=True, exist_ok=True)
        try:
            trial.start({}, self.run / "trial", self.run / "root-trial", ["/bin/true"])
        except NotStarted as error:
            return str(error)
        finally:
            trial.stop()
            remove(place)
        return ""

    def _lock_of(self, sandbox_id: str) -> threading.Lock:
        with self._lock:
            return self._locks.setdefault(sandbox_id, threading.Lock())

    def get(self, sandbox_id: str, number: int) -> Machine | None:
        machine = self._machines.get(sandbox_id)
        return machine if machine is not None and machine.number == number else None

    def start(self, sandbox_id: str, number: int, told: dict[str, Any]) -> Machine:
        """Start a sandbox, or return the same start. Raises Refused."""
        with self._lock_of(sandbox_id):
            known = self._machines.get(sandbox_id)
            if known is not None and known.number == number:
                return known
            if known is not None and known.number > number:
                raise Refused(409, "A later start of this sandbox is known")
            if known is not None:
                known.stop("A later start of it began")
            if sum(1 for one in list(self._machines.values()) if one.alive) >= MOST:
                raise Refused(503, f"This computer runs {MOST} sandboxes already")
            limits = Limits.of(told["resources"])
            machine = Machine(self.folder / sandbox_id, number, limits, isolate=not self.why_not, why_not=self.why_not)
            way = Way(sandbox_id, told["platform_url"], told["socket_url"], machine.usage)
            try:
                machine.start(_environment(sandbox_id, told), self.proxy.open(way), self.run / f"root-{sandbox_id}")
            except NotStarted as error:
                self.proxy.close(sandbox_id)
                raise Refused(503, str(error)) from error
            self._machines[sandbox_id] = machine
            (machine.place / NUMBER).write_text(str(number))
            return machine

    def stop(self, sandbox_id: str, number: int, *, forget: bool) -> None:
        """End a start of a sandbox, or an earlier one; with `forget` remove its files too, unless a later start uses them."""
        with self._lock_of(sandbox_id):
            known = self._machines.get(sandbox_id)
            if known is not None and known.number > number:
                return
            if known is not None:
                known.stop()
                self.proxy.close(sandbox_id)
            (self.folder / sandbox_id / NUMBER).unlink(missing_ok=True)
            if forget:
                self._machines.pop(sandbox_id, None)
                remove(self.folder / sandbox_id)

    def stop_all(self) -> None:
        for machine in list(self._machines.values()):
            machine.stop("The platform was ended")
        shutil.rmtree(self.run, ignore_errors=True)

    def watch(self) -> None:
        """Hold all to their limits, for ever."""
        while True:
            started = time.monotonic()
            for sandbox_id, machine in list(self._machines.items()):
                try:
                    machine.look()
                except Exception:
                    log.exception("sandbox %s", sandbox_id)
                    machine.stop("The sandbox host could not look after it")
            time.sleep(max(0.05, LOOKS_EVERY - (time.monotonic() - started)))


def _environment(sandbox_id: str, told: dict[str, Any]) -> dict[str, str]:
    """Return the variables of the configuration, and what the agent is told: ours come last."""
    own = {name: str(value) for name, value in told["environment"].items() if _NAME.fullmatch(name) and "\0" not in str(value)}
    return own | {
        "CADRE_SANDBOX_ID": sandbox_id,
        "CADRE_SANDBOX_TOKEN": told["token"],
        "CADRE_SANDBOX_API": told["platform_url"],
        "CADRE_SANDBOX_SOCKET": told["socket_url"],
    }


def server(sandboxes: Sandboxes, port: int, key: str) -> ThreadingHTTPServer:
    """The server, which listens already."""

    def answer(method: str, path: str, read_body: Body) -> Answer:
        if not (match := _PATH.fullmatch(path)):
            return 404, {}
        sandbox_id, number, forget = match[1], int(match[2]), bool(match[3])
        if method == "PUT":
            return 200, {"isolation": sandboxes.start(sandbox_id, number, read_body()).isolation}
        if method == "DELETE":
            sandboxes.stop(sandbox_id, number, forget=forget)
            return 200, {}
        found = sandboxes.get(sandbox_id, number)
        if found is None:
            return 404, {}
        about = {"alive": found.alive, "exit": found.exit, "isolation": found.isolation, "pid": found.pid}
        return 200, about | {"usage": found.usage()}

    return make_server(port, key, answer, _MAX_BODY)
