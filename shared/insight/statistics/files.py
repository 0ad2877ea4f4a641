"""The files that commits change most: a bounded sketch for each project, and for each agent in it.

A row keeps the FILES files with the most commits. While a project has no more files than that, all counts are exact. A further file takes
the place of the one with the fewest commits and begins with its count (the Space-Saving algorithm, Metwally et al. 2005): so a file with
more than one of FILES of all commits is never missing, and no count is too low.
"""

from collections.abc import Iterable
from typing import Final

from shared.insight.statistics.rows import project_statistics
from shared.source.commits.changes import ChangedFile
from shared.store import JSONAttribute, NumberAttribute, Operation, Row, UnicodeAttribute, get, put, stale

FILES: Final = 100
MAX_PATH: Final = 300  # characters: the row stays below 32 KB


class FileActivity(Row):
    """At `STAT#PROJ#<id>, FILES` and `FILES#<agent>`: the commits and the changed lines of each file, by its path."""

    TABLE = "core_table"

    kind = UnicodeAttribute(default="STAT")
    files = JSONAttribute(default=dict)
    version = NumberAttribute(default=0)

    @classmethod
    def key(cls, project_id: str, agent_id: str | None = None) -> tuple[str, str]:
        return project_statistics(project_id), f"FILES#{agent_id}" if agent_id else "FILES"


def count_files(project_id: str, agent_id: str | None, changed: Iterable[ChangedFile]) -> Operation:
    """Return the operation that counts the files of a commit; refused as `stale` if another commit was counted meanwhile. One read."""
    pk, sk = FileActivity.key(project_id, agent_id)
    stored = get(FileActivity, pk, sk)
    files: dict[str, list[int]] = dict(stored.files) if stored is not None else {}
    for one in changed:
        _add(files, one.path[:MAX_PATH], one.changes)
    version = int(stored.version) if stored is not None else 0
    unchanged = FileActivity.version == version if version else FileActivity.pk.does_not_exist()
    return put(FileActivity(pk=pk, sk=sk, files=files, version=version + 1), unchanged, stale)


def _add(files: dict[str, list[int]], path: str, changes: int) -> None:
    if path not in files and len(files) >= FILES:
        least = min(files, key=lambda one: (files[one][0], files[one][1]))
        files[path] = [files.pop(least)[0], 0]
    commits, lines = files.get(path, (0, 0))
    files[path] = [commits + 1, lines + changes]


def most_active(rows: Iterable[FileActivity], number: int) -> list[tuple[str, int, int]]:
    """Return the paths with the most commits, with their commits and changed lines; equal paths of several projects are one."""
    together: dict[str, list[int]] = {}
    for row in rows:
        for path, (commits, lines) in row.files.items():
            known = together.setdefault(path, [0, 0])
            known[0] += commits
            known[1] += lines
    ordered = sorted(together.items(), key=lambda one: (-one[1][0], -one[1][1], one[0]))
    return [(path, commits, lines) for path, (commits, lines) in ordered[:number]]
