"""The newest builds of a card, as a validator looks at them."""

from typing import Final

from shared.delivery.builds.rows import Build, BuildLog
from shared.runs.validation.running import BuildSeen
from shared.store import fetch_all, first_index_rows, get

_NEWEST: Final = 3


def builds_of(item_id: str) -> list[BuildSeen]:
    """Return the newest builds of a card, newest first; the log only of the newest. Three round trips."""
    rows, _ = first_index_rows(1, f"FEAT#{item_id}#BLD", _NEWEST, newest_first=True)
    builds = fetch_all(Build, [row.id for row in rows])
    log = get(BuildLog, *BuildLog.key_of(builds[0].id)) if builds else None
    return [_seen(one, log.text if log is not None and not index else "") for index, one in enumerate(builds)]


def _seen(build: Build, log: str) -> BuildSeen:
    return BuildSeen(
        int(build.number),
        build.status,
        str(build.created_at),
        build.git_commit_hash,
        None if build.tests_run is None else int(build.tests_run),
        None if build.tests_failed is None else int(build.tests_failed),
        None if build.coverage is None else float(build.coverage),
        build.vulnerabilities,
        log,
    )
