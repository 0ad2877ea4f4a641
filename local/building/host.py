"""The host's HTTP server on loopback, and the queue of its builds.

    PUT /builds/{id}            {"repository", "branch", "commit"}   starts a build; the same id only once
    GET /builds/{id}            the fields of `shared.delivery.building.runner.BuildState`
    GET /builds/{id}/log        {"text"}
    GET /builds/{id}/results    {"reports", "scan_report"?, "artifact_bytes"?}
    DELETE /builds/{id}         stops it

Every request has the key of this start. Builds run one after the other; the last KEPT of them stay on disk.
"""

import logging
import queue
import re
import threading
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from local.building import Limits
from local.building.job import Job
from local.building.processes import remove
from local.host_server import Answer, Body, make_server

log = logging.getLogger(__name__)
KEPT: Final = 50
_PATH: Final = re.compile(r"/builds/([0-9a-f-]{36})(/log|/results)?\Z")
_MAX_BODY: Final = 10_000


class Builds:
    """All builds of a data folder, by id."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self.folder, self.limits = folder, limits
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._jobs = {path.parent.name: Job.found(path.parent, limits) for path in folder.glob("*/state.json")}
        self._queue: queue.Queue[Job] = queue.Queue()
        self._lock = threading.Lock()
        self.idle = threading.Event()
        self.idle.set()

    def get(self, build_id: str) -> Job | None:
        return self._jobs.get(build_id)

    def start(self, build_id: str, source: dict[str, Any]) -> Job:
        with self._lock:
            if build_id not in self._jobs:
                self._jobs[build_id] = Job.new(self.folder / build_id, self.limits, source)
                self._queue.put(self._jobs[build_id])
            return self._jobs[build_id]

    def _forget_old(self) -> None:
        with self._lock:
            ended = sorted((job for job in self._jobs.values() if job.state["ended"]), key=lambda job: str(job.state["ended_at"]))
            old = ended[: max(0, len(ended) - KEPT + 1)]
            for job in old:
                del self._jobs[job.folder.name]
        for job in old:
            remove(job.folder)

    def work(self) -> None:
        """Build for ever, one after the other."""
        while True:
            job = self._queue.get()
            self.idle.clear()
            try:
                self._forget_old()
                job.build()
            except Exception:
                log.exception("build %s", job.folder.name)
                job.fail("The build could not be run: the build host failed")
            finally:
                self.idle.set()

    def cancel_all(self) -> None:
        for job in list(self._jobs.values()):
            job.cancelled.set()


def server(builds: Builds, port: int, key: str) -> ThreadingHTTPServer:
    """The server, which listens already."""

    def answer(method: str, path: str, read_body: Body) -> Answer:
        if not (match := _PATH.fullmatch(path)):
            return 404, {}
        build_id, part = match.groups()
        if method == "PUT" and not part:
            body = read_body()
            source = {name: body.get(name) for name in ("repository", "branch", "commit")}
            return 202, builds.start(build_id, source).shown()
        job = builds.get(build_id)
        if job is None:
            return 404, {}
        if method == "DELETE":
            job.cancelled.set()
            return 202, {}
        if part == "/log":
            return 200, {"text": job.log()}
        return 200, job.results() if part == "/results" else job.shown()

    return make_server(port, key, answer, _MAX_BODY)
