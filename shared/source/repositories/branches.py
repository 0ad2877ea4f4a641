"""How far the commits of each branch are known, and the ones that nobody has told us of: compared with what GitHub has now."""

import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.source.repositories.messages import send
from shared.source.repositories.rows import Branch, Repository, branch_reference, branches_of
from shared.source.repositories.work import Work
from shared.store import create, first_index_rows, get, get_all, id_of, load, read_ahead, retrying, save, stale, write

log = logging.getLogger(__name__)
NOBODY: Final = "0" * 40
"""The sha that GitHub sends for none: before a branch was made, after it was deleted."""
_PAGES: Final = 10  # of a hundred branches: those of larger repositories are known by what is pushed to them
_UNDER_WAY: Final = timedelta(
    hours=6
)  # after which nobody records a stretch of commits any more: GitHub's limits are for an hour
_LIST: Final = "/repos/{owner}/{repo}/branches?per_page=100"


def note_head(work: Work, name: str, head: str, *, forced: bool = False) -> None:
    """Note that all commits of a branch up to this one are recorded."""

    def change(row: Branch) -> None:
        row.head, row.gone, row.moved_at = head, False, clock.iso()
        row.reaching = None
        if forced:
            row.forced_at = row.moved_at

    _change(work.repository, name, head, change)


def note_gone(work: Work, name: str) -> None:
    """Note that a branch was deleted at GitHub. Its commits stay."""

    def change(row: Branch) -> None:
        row.gone, row.moved_at = True, clock.iso()

    _change(work.repository, name, NOBODY, change)


def note_reaching(repository: Repository, name: str, base: str | None, head: str) -> None:
    """Note that the commits of a branch up to this one are being recorded."""

    def change(row: Branch) -> None:
        row.reaching, row.reached_at = head, clock.iso()

    _change(repository, name, base or NOBODY, change)


def _change(repository: Repository, name: str, head: str, change: Any) -> None:
    def attempt(_: int) -> None:
        row = get(Branch, *Branch.key_in(repository.id, branch_reference(name)))
        if row is None:
            new: Branch = Branch.of(repository, branch_reference(name), name=name, head=head, moved_at=clock.iso())
            change(new)
            write(create(new, stale))
            return
        before = row.serialize()
        change(row)
        if row.serialize() != before:
            write(save(row))

    retrying(attempt)


def ask_for_history(work: Work, branch: str, base: str | None, head: str) -> None:
    """Put in line that the commits of a branch after `base` are recorded; None: those that no commit known here comes after."""
    note_reaching(work.repository, branch, base, head)
    about = {"branch": branch, "base": base, "head": head}
    send({"repository": work.repository.id, "history": about}, once=f"{work.repository.id}-{head}-{clock.epoch() // 60}")


def compare_branches(work: Work) -> None:
    """Put in line what was pushed and never told. One request, which counts for no limit of GitHub's if nothing has moved. Raises as
    `Github.get`."""
    repository = work.repository
    first = work.github.get(_LIST, repository.names, etag=repository.branches_etag or "")
    if first.data is None:
        return
    behind, page, number = _compare(work, first.data), first, 1
    while page.following is not None and number < _PAGES:
        page, number = work.github.get(page.following), number + 1
        behind += _compare(work, page.data)
    # with further pages, the tag of the first one says nothing of them; while something is behind, it is looked at again
    repository.branches_etag = first.etag if number == 1 and not behind else None
    repository.branches_seen = True


def _compare(work: Work, entries: Sequence[Mapping[str, Any]]) -> int:
    """Compare a page of branches with what is known of them; return how many are behind."""
    heads = {str(one["name"]): str(one["commit"]["sha"]) for one in entries}
    rows: list[Any] = (
        get_all([(Branch, *Branch.key_in(work.repository.id, branch_reference(name))) for name in heads]) if heads else []
    )
    return sum(_look_at(work, name, head, row) for (name, head), row in zip(heads.items(), rows, strict=True))


def _look_at(work: Work, name: str, head: str, row: Branch | None) -> bool:
    repository = work.repository
    if row is not None and row.head == head and not row.gone:
        return False
    if row is not None and row.reaching == head and str(row.reached_at) > clock.iso(clock.now() - _UNDER_WAY):
        return True  # somebody is at it
    if row is None and not repository.branches_seen and name != repository.default_branch:
        note_head(work, name, head)  # from before it was connected
        return False
    ask_for_history(work, name, row.head if row is not None else None, head)
    return True


def list_branches(actor: Actor, repository_id: str, limit: int) -> list[Branch]:
    """Return the branches of a repository that something was pushed to since it was connected, moved last first. Two round trips."""
    bare = id_of(Repository, repository_id)
    begun = read_ahead(lambda: first_index_rows(1, branches_of(bare), limit, newest_first=True))
    load(Repository, bare, actor, Permission.PROJECT_READ)
    rows, _ = begun.result()
    found = get_all([(Branch, *row.key) for row in rows], to_show=True) if rows else []
    return [row for row in found if isinstance(row, Branch)]
