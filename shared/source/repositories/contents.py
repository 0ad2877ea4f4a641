"""A commit's changes with the texts of its files before and after, which are fetched from GitHub when they are asked for and then kept."""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from shared.core.actor import Actor
from shared.core.errors import CadreError, NotFound, Upstream
from shared.source.commits.changes import ADDED, REMOVED, ChangedFile, Hunk, hunks_of, whole_text
from shared.source.commits.reading import get_commit
from shared.source.commits.rows import Commit
from shared.source.repositories.connecting import github_of
from shared.source.repositories.github import Names
from shared.source.repositories.rows import Repository
from shared.store import fetch, get_file, head_file, put_file

Omitted = Literal["too_large", "binary", "unavailable", "ask_for_file"]
"""Why a text is left out: it is too long; it is no text; GitHub does not show it any more; only a single file is asked of GitHub."""
MAX_TEXT: Final = 1_000_000
"""Bytes of a text that is shown: as many as GitHub's API sends in JSON."""
MAX_PATCHES: Final = 3_000_000
"""Characters of all patches in one answer: as hunks in JSON they are about half as long again, and Lambda sends 6 MB."""


@dataclass(frozen=True)
class FileDiff:
    """`omitted` says why a text, or the hunks, are left out; None if nothing is."""

    file: ChangedFile
    hunks: list[Hunk]
    old: str | None
    new: str | None
    omitted: Omitted | None


def get_diff(actor: Actor, sha: str, path: str | None = None) -> tuple[Commit, list[FileDiff]]:
    """Return the changes of a commit: of all its files, or of the one with this path and then with its texts before and after.

    One round trip; for one file another and two requests to GitHub, the first time. Raises NotFound (commit; file), Forbidden, Invalid.
    """
    details = get_commit(actor, sha)
    if path is None:
        return details.commit, _all(details.files)
    file = next((one for one in details.files if path in (one.path, one.previous_path)), None)
    if file is None:
        raise NotFound("file")
    return details.commit, [_with_texts(details.commit, file)]


def _all(files: list[ChangedFile]) -> list[FileDiff]:
    """Return all files with their hunks, as far as they fit into an answer."""
    shown: list[FileDiff] = []
    room = MAX_PATCHES
    for file in files:
        room -= len(file.patch or "")
        if room < 0 or _is_hidden(file):
            shown.append(FileDiff(file, [], None, None, "too_large" if room < 0 else "binary"))
            continue
        old, new = whole_text(file, REMOVED), whole_text(file, ADDED)
        shown.append(FileDiff(file, hunks_of(file.patch), old, new, "ask_for_file" if None in (old, new) else None))
    return shown


def _is_hidden(file: ChangedFile) -> bool:
    """Tell whether GitHub shows nothing of a change, although lines or bytes have changed."""
    return file.patch is None and file.changes == 0 and file.status in ("added", "removed", "modified")


def _with_texts(commit: Commit, file: ChangedFile) -> FileDiff:
    old, new = whole_text(file, REMOVED), whole_text(file, ADDED)
    omitted: Omitted | None = None
    if old is None:
        old, omitted = _text(commit, commit.parent_sha, file.previous_path or file.path)
    if new is None:
        new, reason = _text(commit, commit.sha, file.path)
        omitted = omitted or reason
    return FileDiff(file, hunks_of(file.patch), old, new, omitted)


def _text(commit: Commit, ref: str | None, path: str) -> tuple[str | None, Omitted | None]:
    """Return the text of a file at a commit, or why it is left out. A text that was read once is kept in the bucket."""
    if ref is None:
        return None, "unavailable"
    key = f"github/{commit.ws_id}/contents/{hashlib.sha256(f'{ref}:{path}'.encode()).hexdigest()}"
    if head_file(key) is not None:
        return get_file(key).decode(), None
    repository = fetch(Repository, commit.repository_id)
    if repository is None or not repository.is_named(commit.repo):  # another one is connected now
        return None, "unavailable"
    try:
        names: Names = {**repository.names, "path": path.split("/"), "ref": ref}
        found = github_of(repository).get("/repos/{owner}/{repo}/contents{/path*}{?ref}", names)
    except Upstream:
        raise
    except CadreError:  # removed since, or the token lacks the right
        return None, "unavailable"
    text, omitted = _decoded(found.data)
    if text is not None:
        put_file(key, text.encode(), "text/plain; charset=utf-8")
    return text, omitted


def _decoded(found: Any) -> tuple[str | None, Omitted | None]:
    if not isinstance(found, Mapping) or found.get("type") != "file":  # a folder, or another repository
        return None, "binary"
    if int(found.get("size") or 0) > MAX_TEXT or found.get("encoding") != "base64":
        return None, "too_large"
    try:
        raw = base64.b64decode(str(found["content"]))
        return raw.decode(), None
    except (binascii.Error, UnicodeDecodeError):
        return None, "binary"
