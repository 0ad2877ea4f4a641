"""What the processes and the folder of a sandbox use, as seen from outside of it."""

import contextlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from local.building.processes import descendants

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


@dataclass
class Use:
    """CPU in seconds since the start, memory in bytes."""

    pids: list[int]
    cpu: float = 0.0
    memory: int = 0


def use_of(first: int, most_memory: int) -> Use:
    """Return what a tree of processes uses. Memory is counted exactly only if a quick sum, which counts shared pages twice, is too much."""
    if sys.platform != "linux":
        return _use_elsewhere(first)
    pids = list(descendants(first))
    use = Use(pids)
    for pid in (first, *pids):
        with contextlib.suppress(OSError, ValueError, IndexError):
            times = (
                Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]
            )  # with those of children that have ended
            use.cpu += sum(map(int, times)) / _TICKS
            use.memory += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    if use.memory > most_memory:
        use.memory = sum(_exact_memory(pid) for pid in (first, *pids))
    return use


def _exact_memory(pid: int) -> int:
    """Return the proportional share (PSS); where it may not be read, what is resident."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        with contextlib.suppress(OSError, ValueError, IndexError):
            return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    return 0


def exact_memory(first: int) -> int:
    """Return the bytes that a tree of processes uses, shared pages in proportion."""
    if sys.platform != "linux":
        return _use_elsewhere(first).memory
    return sum(_exact_memory(pid) for pid in (first, *descendants(first)))


def _use_elsewhere(first: int) -> Use:
    import psutil

    use = Use([])
    with contextlib.suppress(psutil.Error):
        tree = [psutil.Process(first), *psutil.Process(first).children(recursive=True)]
        use.pids = [one.pid for one in tree[1:]]
        for one in tree:
            with contextlib.suppress(psutil.Error):
                times = one.cpu_times()
                use.cpu += times.user + times.system
                use.memory += one.memory_info().rss
    return use


class NotMeasured(Exception):
    """A folder that cannot be measured, or holds more files than it may: the message is for people."""


def size_of(folder: Path, most_files: int) -> int:
    """Return the bytes on disk of all files in a folder; links are not followed. Raises NotMeasured."""
    size = count = 0

    def fail(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            raise error

    try:
        for _, folders, files, place in os.fwalk(folder, onerror=fail):
            count += len(folders) + len(files)
            if count > most_files:
                raise NotMeasured(f"It has more than {most_files:,} files")
            for name in files:
                with contextlib.suppress(FileNotFoundError):
                    size += os.stat(name, dir_fd=place, follow_symlinks=False).st_blocks * 512
    except (OSError, RecursionError) as error:
        raise NotMeasured("Its folder cannot be measured: a folder in it is closed, or too deep") from error
    return size
