"""The port of what runs builds: start, state, results, log, cancel."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

PHASES: Final = ("QUEUED", "DOWNLOAD_SOURCE", "INSTALL", "PRE_BUILD", "BUILD", "POST_BUILD", "UPLOAD_ARTIFACTS")
"""The phases of a build in their order, under CodeBuild's names."""


@dataclass(frozen=True)
class Source:
    """What is built: a branch of a repository, or a commit of it. None: the repository's own branch."""

    repository: str
    branch: str | None = None
    commit: str | None = None


@dataclass(frozen=True)
class BuildState:
    """Where a build is. `phases` has the seconds that each phase took that is over, `in_phase` those of the current one."""

    phase: str
    ended: bool = False
    succeeded: bool = False
    cancelled: bool = False
    reason: str | None = None
    """Why it failed, in one sentence for people."""
    phases: Mapping[str, float] = field(default_factory=dict)
    in_phase: float = 0.0
    commit: str | None = None
    """The full hash of the commit that was checked out."""
    branch: str | None = None
    started_at: str | None = None
    ended_at: str | None = None


@dataclass(frozen=True)
class Results:
    """What a build measured; None for what it did not."""

    tests_passed: int | None = None
    tests_failed: int | None = None
    coverage: float | None = None
    scan_report: str | None = None
    """The scanner's report as JSON text."""
    artifact_bytes: int | None = None


class UnreadableResults(Exception):
    """A build wrote reports that cannot be read or are too long; the message is for people."""


class SourceRefused(Exception):
    """The runner cannot clone from there."""


class BuildRunner(Protocol):
    """What runs builds. A build is known by our id; `handle` is the runner's own name for it, which `start` returns."""

    def start(self, build_id: str, source: Source) -> str:
        """Start a build; the same id starts it only once."""

    def state(self, handle: str) -> BuildState | None:
        """Return where a build is; None if the runner does not know it."""

    def results(self, handle: str) -> Results:
        """Return what a build that has ended measured. Raises UnreadableResults."""

    def log(self, handle: str) -> str:
        """Return the end of the build's log, about MAX_LOG bytes."""

    def cancel(self, handle: str) -> None:
        """Stop a build with everything that it started; one that has ended or is unknown stays as it is."""


MAX_LOG: Final = 200_000
"""Bytes of a log that are kept, the last ones: with the rest below the 400 KB of a row."""
