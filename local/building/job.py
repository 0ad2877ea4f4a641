"""One build: its folder, its clone, its phases, its results. Its state is written to a file at each change."""

import contextlib
import json
import os
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final

from local.building import BuildFailed, Limits, artifacts, buildspec
from local.building.processes import Cancelled, end_strays, go_on, remove, run
from local.repositories import GIT, GIT_VARIABLES, is_within

_PHASES: Final = {"install": "INSTALL", "pre_build": "PRE_BUILD", "build": "BUILD", "post_build": "POST_BUILD"}
_SHOWN: Final = 200_000  # bytes of a log that are shown
_RUN_PHASE: Final = """
set +e
if [ -e "$CADRE_SHELL/environment" ]; then . "$CADRE_SHELL/environment"; fi
cd "$(cat "$CADRE_SHELL/folder")" || exit 1
trap 'export -p > "$CADRE_SHELL/environment"; pwd > "$CADRE_SHELL/folder"' EXIT
set -e
"""
"""What stands before the commands of a phase: as on CodeBuild, variables and the folder go on from phase to phase."""


class Job:
    """A build in its folder: `state.json`, `log`, `results.json`, `artifacts/`, and while it runs `source/` and `home/`."""

    def __init__(self, folder: Path, limits: Limits, state: dict[str, Any]) -> None:
        self.folder, self.limits, self.state = folder, limits, state
        self.cancelled = threading.Event()
        self._since = time.monotonic()
        self._lock = threading.Lock()

    @classmethod
    def new(cls, folder: Path, limits: Limits, source: dict[str, Any]) -> "Job":
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # it exists if the disk was full at its first start
        job = cls(folder, limits, {"phase": "QUEUED", "ended": False, "phases": {}, "source": source, "started_at": _now()})
        job._save()
        return job

    @classmethod
    def found(cls, folder: Path, limits: Limits) -> "Job":
        """A job of an earlier start of the host. One that had not ended then is lost."""
        job = cls(folder, limits, json.loads((folder / "state.json").read_text()))
        if not job.state["ended"]:
            end_strays(f"CODEBUILD_SRC_DIR={folder / 'source'}")
            job.fail("What ran the build was ended")
        return job

    def shown(self) -> dict[str, Any]:
        """The fields of `BuildState` as they are now."""
        with self._lock:
            return self.state | {"in_phase": 0.0 if self.state["ended"] else time.monotonic() - self._since}

    def log(self) -> str:
        path = self.folder / "log"
        if not path.exists():
            return ""
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _SHOWN))
            return file.read(_SHOWN).decode(errors="replace")

    def results(self) -> dict[str, Any]:
        path = self.folder / "results.json"
        found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        return found

    def build(self) -> None:
        """Do everything; afterwards the state has ended and nothing runs any more."""
        failure, cancelled = self._failure_of_all()
        for name in ("source", "home", "shell"):
            remove(self.folder / name)
        self.end(failure is None, failure, cancelled=cancelled)

    def _failure_of_all(self) -> tuple[str | None, bool]:
        """Do everything; return what failed, and whether the build was cancelled."""
        until = time.monotonic() + self.limits.seconds
        try:
            with (self.folder / "log").open("ab", buffering=0) as log:
                try:
                    return self._run(log, until), False
                except BuildFailed as error:
                    log.write(f"[Container] {error}\n".encode())
                    return str(error), False
        except Cancelled:
            return "The build was cancelled", True
        except OSError as error:
            return f"The build could not go on: {error.strerror}", False

    def _run(self, log: IO[bytes], until: float) -> str | None:
        if self.cancelled.is_set():
            raise Cancelled
        self._enter("DOWNLOAD_SOURCE")
        source = self._clone(log, until)
        path = source / "buildspec.yml"
        if not path.is_file() or path.is_symlink():
            raise BuildFailed("The repository has no buildspec.yml")
        spec = buildspec.read(path.read_bytes()[: buildspec.MAX_BYTES + 1].decode(errors="replace"))
        shell = self.folder / "shell"
        shell.mkdir()
        (shell / "folder").write_text(f"{source}\n")
        given = self._environment()
        ours = {name: value for name, value in given.items() if name.startswith("CODEBUILD_")}  # reserved, as on CodeBuild
        environment = given | dict(spec.variables) | ours | {"CADRE_SHELL": str(shell)}
        failure: str | None = None
        for name in buildspec.PHASES:
            phase = spec.phases.get(name)
            if failure is not None and name != "post_build":
                continue  # as on CodeBuild: after a failed build only post_build runs
            self._enter(_PHASES[name])
            if phase is None:
                continue
            failed = self._phase(name, phase, environment, log, until, succeeding=failure is None)
            if failed and not phase.goes_on:
                failure = failure or failed
                if name in ("install", "pre_build"):
                    break
        self._enter("UPLOAD_ARTIFACTS")
        results = artifacts.collect(spec, source, self.folder / "artifacts", self.limits, lambda: go_on(until, self.cancelled))
        (self.folder / "results.json").write_text(json.dumps(results))
        return failure

    def _phase(
        self, name: str, phase: buildspec.Phase, environment: dict[str, str], log: IO[bytes], until: float, *, succeeding: bool
    ) -> str | None:
        """Run the commands of a phase and then those of its `finally`; return what failed."""
        failed = None
        for commands in (phase.commands, phase.last):
            if not commands:
                continue
            log.write(f"[Container] Entering phase {_PHASES[name]}\n".encode())
            script = self.folder / "shell" / "script"
            script.write_text(_RUN_PHASE + f"export CODEBUILD_BUILD_SUCCEEDING={int(succeeding)}\n" + "\n".join(commands) + "\n")
            code = run(
                ["/bin/sh", str(script)],
                cwd=self.folder / "source",
                environment=environment,
                log=log,
                limits=self.limits,
                until=until,
                cancelled=self.cancelled,
            )
            if code != 0:
                failed = failed or f"The phase {name} failed with exit status {code}"
                log.write(f"[Container] Phase {_PHASES[name]} failed: exit status {code}\n".encode())
        return failed

    def _clone(self, log: IO[bytes], until: float) -> Path:
        """Clone the repository and check out the commit. Raises BuildFailed."""
        wanted, place = self.state["source"], self.folder / "source"
        if is_within(wanted["repository"], self.folder.parent.parent):
            raise BuildFailed("The repository is in the platform's own folder, which holds what others build")
        within = min(until, time.monotonic() + self.limits.clone_seconds)
        branch = ["--branch", wanted["branch"]] if wanted["branch"] else []
        depth = [] if wanted["commit"] or wanted["repository"].startswith("file:") else ["--depth", "1"]
        clone = ["clone", "--quiet", "--no-checkout", *depth, *branch, "--", wanted["repository"], str(place)]
        try:
            if self._git(clone, self.folder, log, within) != 0:
                raise BuildFailed("The repository cannot be cloned: it does not exist, is not public, or has no such branch")
        except BuildFailed as error:
            if time.monotonic() > within:
                raise BuildFailed("The repository did not answer in time") from error
            raise
        if self._git(["checkout", "--quiet", "--detach", wanted["commit"] or "HEAD", "--"], place, log, within) != 0:
            raise BuildFailed("The repository has no such commit")
        self._set(commit=self._read(["rev-parse", "HEAD"], place, within), branch=wanted["branch"] or self._branch(place, within))
        return place

    def _branch(self, place: Path, until: float) -> str | None:
        name = self._read(["rev-parse", "--abbrev-ref", "origin/HEAD"], place, until)
        return name.removeprefix("origin/") if name.startswith("origin/") else None

    def _git(self, arguments: list[str], cwd: Path, log: IO[bytes], until: float) -> int:
        return run(
            [*GIT, *arguments],
            cwd=cwd,
            environment=self._environment() | GIT_VARIABLES,
            log=log,
            limits=self.limits,
            until=until,
            cancelled=self.cancelled,
        )

    def _read(self, arguments: list[str], cwd: Path, until: float) -> str:
        answer = self.folder / "answer"
        with answer.open("wb") as file:
            self._git(arguments, cwd, file, until)
        return answer.read_text(errors="replace").strip().partition("\n")[0]

    def _environment(self) -> dict[str, str]:
        """Only what is listed here: nothing of the shell that started the platform."""
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        wanted, source = self.state["source"], str(self.folder / "source")
        return {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}",
            "HOME": str(home),
            "TMPDIR": str(home),
            "LANG": "C.UTF-8",
            "CI": "true",
            "CODEBUILD_BUILD_ID": f"local:{self.folder.name}",
            "CODEBUILD_SRC_DIR": source,
            "CODEBUILD_SOURCE_REPO_URL": wanted["repository"],
            "CODEBUILD_SOURCE_VERSION": wanted["commit"] or wanted["branch"] or "",
            "CODEBUILD_RESOLVED_SOURCE_VERSION": self.state.get("commit") or "",
        }

    def _enter(self, phase: str) -> None:
        with self._lock:
            self._close_phase()
            self.state["phase"] = phase
        self._save()

    def _close_phase(self) -> None:
        now = time.monotonic()
        self.state["phases"][self.state["phase"]] = round(now - self._since, 3)
        self._since = now

    def _set(self, **values: Any) -> None:
        with self._lock:
            self.state |= values
        self._save()

    def fail(self, reason: str) -> None:
        self.end(False, reason)

    def end(self, succeeded: bool, reason: str | None, *, cancelled: bool = False) -> None:
        with self._lock:
            self._close_phase()
        ended = {"ended": True, "succeeded": succeeded, "reason": reason, "cancelled": cancelled, "ended_at": _now()}
        with contextlib.suppress(OSError):  # a full disk: it has ended all the same, and the next build has its turn
            self._set(**ended)

    def _save(self) -> None:
        """Write the state by a rename, so that it is never half written."""
        temporary = self.folder / "state.tmp"
        with self._lock:
            temporary.write_text(json.dumps(self.state))
        os.replace(temporary, self.folder / "state.json")


def _now() -> str:
    return datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
