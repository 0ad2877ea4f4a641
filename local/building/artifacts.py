"""Collecting what a build wrote: its reports as texts, its artifacts as copies, and the scanner's report among them."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from local.building import BuildFailed, Limits
from local.building.buildspec import Buildspec, Files

_MOST_FILES: Final = 10_000
_SCAN_REPORTS: Final = (".sarif", ".sarif.json", ".cdx.json", "bom.json")


def collect(spec: Buildspec, source: Path, into: Path, limits: Limits) -> dict[str, Any]:
    """Return what the results of a build are, and copy its artifacts. Raises BuildFailed for what is too large."""
    reports, taken = [], 0
    for group in spec.reports:
        for path in _found(group, source):
            taken += path.stat().st_size
            if taken > limits.report_bytes:
                raise BuildFailed(f"The reports are larger than {limits.report_bytes:,} bytes together")
            reports.append({"format": group.format, "text": path.read_text(errors="replace")})
    results: dict[str, Any] = {"reports": reports}
    if spec.artifacts is not None:
        results["artifact_bytes"], scan = _copy(spec.artifacts, source, into, limits)
        if scan is not None:
            if taken + scan.stat().st_size > limits.report_bytes:
                raise BuildFailed(f"The reports are larger than {limits.report_bytes:,} bytes together")
            results["scan_report"] = scan.read_text(errors="replace")
    return results


def _copy(files: Files, source: Path, into: Path, limits: Limits) -> tuple[int, Path | None]:
    base, size, scan = source / files.base, 0, None
    for path in _found(files, source):
        size += path.stat().st_size
        if size > limits.artifact_bytes:
            raise BuildFailed(f"The artifacts are larger than {limits.artifact_bytes:,} bytes")
        place = into / path.relative_to(base)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, place)
        if scan is None and path.name.endswith(_SCAN_REPORTS):
            scan = path
    return size, scan


def _expanded(found: Iterator[Path], pattern: str) -> Iterator[Path]:
    try:
        yield from found
    except ValueError:
        raise BuildFailed(f"buildspec.yml has a pattern of files that cannot be read: {pattern[:100]}") from None


def _found(files: Files, source: Path) -> Iterator[Path]:
    """Yield the files of all patterns, each once: those that are in the source folder, wherever links lead."""
    seen: set[Path] = set()
    root = source.resolve()
    for pattern in files.patterns:
        found = (source / files.base).glob(f"{pattern}/*" if pattern.endswith("**") else pattern)
        for path in _expanded(found, pattern):
            if path in seen or not path.is_file() or not path.resolve().is_relative_to(root):
                continue
            seen.add(path)
            if len(seen) > _MOST_FILES:
                raise BuildFailed(f"More than {_MOST_FILES:,} files are collected")
            yield path
