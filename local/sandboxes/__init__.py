"""The sandbox host of the laptop: it runs the agents of sandboxes, each in a process tree of its own, isolated and limited.

The host measures what isolates a sandbox when it starts it, and says exactly that. A system without namespaces for users (macOS, some
containers) gets limited processes without isolation, and is told so.
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Limits:
    """What one sandbox may take. `of` reads what the platform stores as its resources."""

    memory_mb: int = 512
    """Of all its processes together, and of each."""
    cpu_cores: float = 1.0
    """On average over a second."""
    max_processes: int = 20
    disk_mb: int = 512
    """Of its folder, and of each file."""
    open_files: int = 256
    """Of each process."""
    files: int = 20_000
    """In its folder."""

    @classmethod
    def of(cls, resources: dict[str, Any]) -> "Limits":
        """Return the limits of a sandbox; what is not named has its default. Raises ValueError or TypeError for what is no number."""
        given = {name: resources[name] for name in ("memory_mb", "max_processes", "disk_mb") if resources.get(name) is not None}
        cores = float(resources.get("cpu_cores") or cls.cpu_cores)
        limits = cls(cpu_cores=cores, **{name: int(value) for name, value in given.items()})
        if min(limits.memory_mb, limits.cpu_cores, limits.max_processes, limits.disk_mb) <= 0:
            raise ValueError("a limit must be larger than zero")
        return limits

    @property
    def tasks(self) -> int:
        """Threads and processes together that the kernel allows: each process may have sixteen threads on average."""
        return 16 * self.max_processes + 16


@dataclass(frozen=True)
class Plan:
    """What a launcher is told: which program it runs, what that sees, and its limits."""

    arguments: list[str]
    environment: dict[str, str]
    folder: str
    """The sandbox's own folder on the host; inside it is HOME."""
    proxy: str
    """The folder with the Unix socket of its proxy."""
    read_only: list[list[str]]
    """`[place on the host, place inside]`."""
    base: str
    """An empty folder on which the tree of files is built."""
    outer_uid: int
    """Whom it runs as, seen from the host, if the host is root."""
    limits: dict[str, Any]
    namespaces: dict[str, str]
    """The host's own namespaces: what is measured inside must differ."""
    isolate: bool = True
    links: dict[str, str] = field(default_factory=dict)
