"""The build host of the laptop: it clones repositories and runs their `buildspec.yml`, one build after the other, in limited processes.

A limited process is no sandbox: a build runs with your rights, as if you had typed its commands. It has a folder and an environment of
its own, limits of time, memory, file size and processes, and nothing that it started outlives it.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What one build may take."""

    seconds: int = 900  # of the whole build
    clone_seconds: int = 120
    memory: int = 4 * 1024**3  # bytes, each process
    file_bytes: int = 1024**3  # each file
    processes: int = 200
    log_bytes: int = 5_000_000
    report_bytes: int = 5_000_000  # of all reports together
    artifact_bytes: int = 500_000_000


class BuildFailed(Exception):
    """The build fails; the message is for people."""
