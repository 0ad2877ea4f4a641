"""What this sandbox uses, measured from inside of it; None where it cannot be measured. Where a host measures, it is asked instead."""

import os
import time
from pathlib import Path
from typing import Any

import psutil


class Usage:
    """CPU is measured between two looks: the first one has none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._before: tuple[float, float] | None = None

    def look(self) -> dict[str, Any]:
        """Return cpu_percent (100: one core), memory_mb, disk_mb, network_in_bytes, network_out_bytes and processes."""
        processes = self._processes()
        now, cpu = time.monotonic(), sum(_cpu(one) for one in processes)
        before, self._before = self._before, (now, cpu)
        percent = None
        if before is not None and now > before[0]:
            percent = round(max(0.0, 100 * (cpu - before[1]) / (now - before[0])), 1)
        received, sent = _network()
        return {
            "cpu_percent": percent,
            "memory_mb": round(sum(_memory(one) for one in processes) / 1024**2, 1),
            "disk_mb": round(_size(self._folder) / 1024**2, 1),
            "network_in_bytes": received,
            "network_out_bytes": sent,
            "processes": len(processes),
        }

    def _processes(self) -> list[psutil.Process]:
        own = psutil.Process()
        return [own, *own.children(recursive=True)]


def _cpu(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)


def _memory(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def _network() -> tuple[int | None, int | None]:
    """Return the bytes of all interfaces but the loopback, if there is one."""
    try:
        found = {name: one for name, one in psutil.net_io_counters(pernic=True).items() if not name.startswith("lo")}
    except (OSError, psutil.Error):
        return None, None
    if not found:
        return None, None
    return sum(one.bytes_recv for one in found.values()), sum(one.bytes_sent for one in found.values())


def _size(folder: Path) -> int:
    size = 0
    for place, _, files in os.walk(folder):
        for name in files:
            try:
                size += os.lstat(os.path.join(place, name)).st_size
            except OSError:
                continue
    return size
