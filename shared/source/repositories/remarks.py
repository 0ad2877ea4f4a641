"""Comments on commits: each becomes a comment on the card of the commit."""

from collections.abc import Mapping
from typing import Any, Final

from shared.core.errors import ConditionFailed, Conflict, NotFound
from shared.core.ids import derived_id
from shared.events import EventType, record
from shared.source.commits.rows import Commit, commit_id
from shared.source.repositories.pushes import work_off_commit
from shared.source.repositories.rows import Remark
from shared.source.repositories.work import Work, login_of
from shared.store import create, fetch, is_stale, write
from shared.work.comments.writing import NewComment, create_comment

_MAX_TEXT: Final = 9_000  # characters: a comment has 10,000, with where it was made
_MAX_EXCERPT: Final = 2_000  # characters that the event holds


class _Known(ConditionFailed):
    """The comment is there already."""


def work_off_remark(work: Work, payload: Mapping[str, Any]) -> None:
    """Record a comment on a commit, and write it on the commit's card. A repetition changes nothing."""
    if payload.get("action") != "created":
        return
    said, actor = payload["comment"], work.actor(login_of(payload))
    sha, text, reference = str(said["commit_id"]), str(said.get("body") or ""), str(said["id"])
    commit = fetch(Commit, commit_id(work.ws_id, sha))
    if commit is None:
        commit = work_off_commit(work, actor, {"id": sha}, None)
    if commit.card_id and text.strip():
        where = f"`{said['path']}` in " if said.get("path") else ""
        content = f"{text[:_MAX_TEXT]}\n\n{where}[{sha[:7]}]({said.get('html_url') or commit.url})"
        try:
            comment_id = derived_id("remark", work.repository.id, reference)
            create_comment(actor, commit.card_id, NewComment(content, comment_type="commit"), comment_id=comment_id)
        except (NotFound, Conflict) as error:  # the card was deleted or archived
            if is_stale(error):
                raise
    remark: Remark = Remark.of(work.repository, reference, sha=sha, text=text[:_MAX_EXCERPT], card_id=commit.card_id)
    record(remark, EventType.COMMIT_COMMENTED, actor, commit_sha=sha, comment=remark.text, card_id=commit.card_id)
    try:
        write(create(remark, _Known))
    except _Known:
        return
