"""Comments under an issue and on its card, both ways.

A comment belongs to the side where it was written: its changes and its removal go to the other side, and none come back. So nobody at
GitHub can change what somebody has said here, and an echo is told by whose comment it is.
"""

import hashlib
import logging
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from shared.core import clock
from shared.core.errors import ConditionFailed, Conflict, Forbidden, NotFound
from shared.core.ids import derived_id, is_id
from shared.source.repositories.github import Missing
from shared.source.repositories.rows import HeardComment, IssueLink, SaidComment, issue_reference
from shared.source.repositories.work import ACTOR, Work, login_of
from shared.store import create, fetch, get, is_stale, put, update_with_retry, write
from shared.work.comments.rows import Comment
from shared.work.comments.writing import NewComment, create_comment, delete_comment, update_comment

log = logging.getLogger(__name__)
_MAX_TEXT: Final = 9_800  # characters that are taken from GitHub, which allows 65,536: a comment has 10,000
_MARK: Final = re.compile(r"<!-- cadre:comment-([0-9a-f-]{36}) -->\s*\Z")
_MENTION: Final = re.compile(r"@(?=[A-Za-z0-9])")
_MARKUP: Final = re.compile(r"[^\w .'-]")
_PAGES: Final = 5  # of a hundred comments, in which one is looked for whose answer was lost
_COMMENTS: Final = "/repos/{owner}/{repo}/issues/{number}/comments"
_COMMENT: Final = "/repos/{owner}/{repo}/issues/comments/{comment}"


class _Begun(ConditionFailed):
    """The comment is being sent, or was."""


# -- from GitHub


def work_off_comment_there(work: Work, payload: Mapping[str, Any]) -> None:
    """Write on the card what somebody has written, changed or removed under its issue. A repetition, and what is older than what is known,
    changes nothing."""
    issue, said, action = payload["issue"], payload["comment"], payload["action"]
    if "pull_request" in issue or action not in ("created", "edited", "deleted"):
        return
    reference = issue_reference(work.repository.reference_name, int(issue["number"]))
    link = get(IssueLink, *IssueLink.key_in(work.repository.id, reference))
    if link is None:
        return
    remote = str(said["id"])
    heard = get(HeardComment, *HeardComment.key_in(work.repository.id, remote))
    if (heard is not None and (heard.here or heard.removed)) or _is_ours(work, link, said, remote):
        return
    if action == "edited" and heard is None and str(said.get("created_at") or "") < str(work.repository.connected_at)[:19]:
        return
    changed_at = str(said.get("updated_at") or "")
    if action == "deleted" or heard is None or changed_at >= str(heard.changed_at):
        _take_over(work, link, payload, heard)


def _is_ours(work: Work, link: IssueLink, said: Mapping[str, Any], remote: str) -> bool:
    """Tell whether a comment at GitHub is the copy of one that was written here, by its mark. Anybody can write one: it must be one that is
    being sent, whose number nobody knows yet."""
    mark = _MARK.search(str(said.get("body") or ""))
    if mark is None or not is_id(mark[1]):
        return False
    row = get(SaidComment, *SaidComment.key_in(work.repository.id, mark[1]))
    if row is None or row.item_id != link.item_id or row.remote_id not in (None, remote):
        return False
    _note_copy(work, row, said)
    return True


def _take_over(work: Work, link: IssueLink, payload: Mapping[str, Any], heard: HeardComment | None) -> None:
    said, actor = payload["comment"], work.actor(login_of(payload))
    remote = str(said["id"])
    comment_id = heard.comment_id if heard else derived_id("issue-comment", work.repository.id, remote)
    text = _shown(said)
    try:
        if payload["action"] == "deleted":
            delete_comment(actor, comment_id)
        elif text and heard is None:
            create_comment(actor, str(link.item_id), NewComment(text), comment_id=comment_id)
        elif text:
            update_comment(actor, comment_id, text)
    except (NotFound, Conflict, Forbidden) as error:  # the card was deleted or archived, the comment was removed here
        if is_stale(error):
            raise
        log.info("a comment is not taken over", extra={"repository": work.repository.id, "reason": error.message})
    row: HeardComment = heard or HeardComment.of(work.repository, remote, comment_id=comment_id, item_id=link.item_id)
    row.removed, row.changed_at = payload["action"] == "deleted", str(said.get("updated_at") or "")
    write(put(row))


def _shown(said: Mapping[str, Any]) -> str:
    text = str(said.get("body") or "").replace("\r\n", "\n").strip()
    if len(text) <= _MAX_TEXT:
        return text
    return f"{text[: _MAX_TEXT - 300]}\n\n[…]({str(said.get('html_url') or '')[:200]})"


# -- to GitHub


def work_off_comment_here(work: Work, comment_id: str) -> None:
    """Write under the issue what somebody has written, changed or removed on its card. Raises what asking GitHub raises."""
    comment = fetch(Comment, comment_id)
    if comment is None or not comment.issue or comment.author["id"] == ACTOR:
        return
    link = get(IssueLink, *IssueLink.key_in(work.repository.id, comment.issue))
    if link is None:  # of a repository that the project had before
        return
    row = get(SaidComment, *SaidComment.key_in(work.repository.id, comment.id))
    if row is None:
        if comment.removed_at:
            return
        row = _begin(work, comment)
    elif row.remote_id is None and (copy := _find(work, link, row)):
        row = _note_copy(work, row, copy)
    names = work.repository.names | {"number": str(int(link.number or 0)), "comment": str(row.remote_id)}
    if comment.removed_at:
        if row.remote_id is not None and row.sent:
            with suppress(Missing):
                work.github.send("DELETE", _COMMENT, names)
            _note_sent(row, "")
        return
    body = body_of(comment)
    if row.remote_id is None:
        _note_copy(work, row, work.github.send("POST", _COMMENTS, names, {"body": body}), fingerprint(body))
    elif row.sent != fingerprint(body):
        with suppress(Missing):  # somebody has removed the copy
            work.github.send("PATCH", _COMMENT, names, {"body": body})
        _note_sent(row, fingerprint(body))


def body_of(comment: Comment) -> str:
    """Return a comment as GitHub gets it: with who wrote it, and a mark by which we know it again. Names in it call nobody at GitHub."""
    name = _MARKUP.sub("", str(comment.author.get("name") or "")).strip() or "Somebody"
    text = _MENTION.sub("@\u200b", comment.content)
    return f"**{name}** wrote:\n\n{text}\n\n<!-- cadre:comment-{comment.id} -->"


def fingerprint(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()[:16]


def _begin(work: Work, comment: Comment) -> SaidComment:
    """Write down that a comment is being sent, before it is: if its answer is lost, it is looked for."""
    row: SaidComment = SaidComment.of(work.repository, comment.id, item_id=comment.item_id, begun_at=clock.iso())
    try:
        write(create(row, _Begun))
    except _Begun:
        return get(SaidComment, str(row.pk), str(row.sk)) or row
    return row


def _find(work: Work, link: IssueLink, row: SaidComment) -> Mapping[str, Any] | None:
    """Return the copy of a comment that was sent without an answer, if GitHub has it."""
    names = work.repository.names | {"number": str(int(link.number or 0)), "since": str(row.begun_at)[:16] + ":00Z"}
    comment_id = str(row.sk).partition("#")[2]
    for page in work.github.pages(_COMMENTS + "{?since}&per_page=100", names, most=_PAGES):
        for said in page:
            mark = _MARK.search(str(said.get("body") or ""))
            if mark is not None and mark[1] == comment_id:
                found: Mapping[str, Any] = said
                return found
    return None


def _note_copy(work: Work, row: SaidComment, copy: Mapping[str, Any], sent: str | None = None) -> SaidComment:
    """Note the number of the copy at GitHub, and the fingerprint of its text."""
    remote = str(copy["id"])
    comment_id = str(row.sk).partition("#")[2]
    write(put(HeardComment.of(work.repository, remote, comment_id=comment_id, item_id=row.item_id, here=True)))

    def change(current: SaidComment) -> None:
        current.remote_id = remote
        current.sent = sent or current.sent or fingerprint(str(copy.get("body") or ""))

    return update_with_retry(lambda: get(SaidComment, str(row.pk), str(row.sk)) or row, change)


def _note_sent(row: SaidComment, sent: str) -> None:
    def change(current: SaidComment) -> None:
        current.sent = sent

    update_with_retry(lambda: get(SaidComment, str(row.pk), str(row.sk)) or row, change)
