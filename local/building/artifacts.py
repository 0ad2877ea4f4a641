"""Collecting what a build wrote: its reports as texts, its artifacts as copies, and the scanner's report among them."""

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from local.building import BuildFailed, Limits
from local.building.buildspec import Buildspec, Files

_MOST_FILES: Final = 10_000
_SCAN_REPORTS: Final = (".sarif", ".sarif.json", ".cdx.json", "bom.json")
_WILD: Final = frozenset("*?[")
GoOn = Callable[[], None]
"""Raises when the build has no more time, or was cancelled: patterns and links can name more places than anybody can visit."""


def collect(spec: Buildspec, source: Path, into: Path, limits: Limits, go_on: GoOn) -> dict[str, Any]:
    """Return what the results of a build are, and copy its artifacts. Raises BuildFailed for what is too large."""
    reports, taken = [], 0
    for group in spec.reports:
        for path in _found(group, source, go_on):
            taken += path.stat().st_size
            if taken > limits.report_bytes:
                raise BuildFailed(f"The reports are larger than {limits.report_bytes:,} bytes together")
            reports.append({"format": group.format, "text": path.read_text(errors="replace")})
    results: dict[str, Any] = {"reports": reports}
    if spec.artifacts is not None:
        results["artifact_bytes"], scan = _copy(spec.artifacts, source, into, limits, go_on)
        if scan is not None:
            if taken + scan.stat().st_size > limits.report_bytes:
                raise BuildFailed(f"The reports are larger than {limits.report_bytes:,} bytes together")
            results["scan_report"] = scan.read_text(errors="replace")
    if len(json.dumps(results, ensure_ascii=False).encode()) > 3 * limits.report_bytes // 2:
        raise BuildFailed("The reports have too many characters that are no text")  # as JSON they are up to six times as long
    return results


def _copy(files: Files, source: Path, into: Path, limits: Limits, go_on: GoOn) -> tuple[int, Path | None]:
    base, size, scan = source / files.base, 0, None
    for path in _found(files, source, go_on):
        size += path.stat().st_size
        if size > limits.artifact_bytes:
            raise BuildFailed(f"The artifacts are larger than {limits.artifact_bytes:,} bytes")
        place = into / path.relative_to(base)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, place)
        if scan is None and path.name.endswith(_SCAN_REPORTS):
            scan = path
    return size, scan


def _found(files: Files, source: Path, go_on: GoOn) -> Iterator[Path]:
    """Yield the files of all patterns, each once: those that are in the source folder, wherever links lead."""
    seen: set[Path] = set()
    root = source.resolve()
    for pattern in files.patterns:
        for path in _matching(source / files.base, f"{pattern}/*" if pattern.endswith("**") else pattern, go_on):
            if path in seen or not path.is_file() or not path.resolve().is_relative_to(root):
                continue
            seen.add(path)
            if len(seen) > _MOST_FILES:
                raise BuildFailed(f"More than {_MOST_FILES:,} files are collected")
            yield path


def _matching(base: Path, pattern: str, go_on: GoOn) -> Iterator[Path]:
    """Yield what a pattern names: `**` stands for any folders below, not through links. One step at a time, so that it can be stopped."""
    waiting = [(base, tuple(part for part in pattern.split("/") if part not in ("", ".")))]
    while waiting:
        go_on()
        folder, parts = waiting.pop()
        if not parts:
            yield folder
            continue
        first, rest = parts[0], parts[1:]
        if first == "**":
            waiting += [(folder, rest), *((one, parts) for one in _entries(folder) if one.is_dir() and not one.is_symlink())]
        elif _WILD & set(first):
            waiting += [(one, rest) for one in _entries(folder) if fnmatchcase(one.name, first)]
        else:
            waiting.append((folder / first, rest))


def _entries(folder: Path) -> list[Path]:
    with contextlib.suppress(OSError):
        return [folder / name for name in os.listdir(folder)]
    return []
