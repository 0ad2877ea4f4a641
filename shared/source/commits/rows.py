"""The rows of commits.

CMT#<workspace>#<sha>  META   a commit: two tenants may hold the same one
CMT#<workspace>#<sha>  FILES  its files with their patches: long, and no list shows them
CMTLINK#<link>         META   that a commit belongs to a card; the id is derived from both
"""

import re
from typing import Any, Final

from shared.core.ids import derived_id
from shared.store import CountedEntity, CountedList, JSONAttribute, NumberAttribute, Row, UnicodeAttribute

SHA: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
"""A whole sha: of SHA-1, or of SHA-256."""
SHORT_SHA: Final = re.compile(r"[0-9a-f]{7,63}")
"""The beginning of one. Seven digits are what git itself shows."""


def commit_id(ws_id: str, sha: str) -> str:
    return f"{ws_id}#{sha}"


def link_id(ws_id: str, sha: str, item_id: str) -> str:
    return derived_id("commit-link", ws_id, sha, item_id)


def links_of(item_id: str) -> CountedList:
    """Return the commits of a card, in the order in which they were linked, as a counted list."""
    return CountedList(f"ITEM#{item_id}", "GIT", f"ITEM#{item_id}", lambda _: "commit", "GIT#")


def commits_by(ws_id: str, agent_id: str) -> CountedList:
    """Return the commits of an agent in a workspace, in the order in which they came, as a counted list."""
    return CountedList(f"WS#{ws_id}", f"CMT#{agent_id}", f"WS#{ws_id}#AGENT#{agent_id}#CMT", lambda _: "commit")


def commits_by_sha(ws_id: str) -> tuple[int, str]:
    """Return the index, and its partition, that hold the commits of a workspace by sha."""
    return 4, f"WS#{ws_id}#SHA"


class Commit(CountedEntity):
    KIND = "CMT"
    NAME = "commit"

    sha = UnicodeAttribute()
    repository_id = UnicodeAttribute()
    repo = UnicodeAttribute()
    """`owner/name`."""
    subject = UnicodeAttribute()
    """The first line of its message."""
    message = UnicodeAttribute()
    author = UnicodeAttribute()
    author_email = UnicodeAttribute(null=True)
    author_login = UnicodeAttribute(null=True)
    date = UnicodeAttribute()
    url = UnicodeAttribute()
    parent_sha = UnicodeAttribute(null=True)
    """Its first parent, with which the changes are compared."""
    file_count = NumberAttribute(default=0)
    insertions = NumberAttribute(default=0)
    deletions = NumberAttribute(default=0)
    card_id = UnicodeAttribute(null=True)
    """The card that it was linked to first."""
    agent_id = UnicodeAttribute(null=True)
    branch = UnicodeAttribute(null=True)

    def indexes(self) -> dict[int, tuple[str, str]]:
        by_sha, shas = commits_by_sha(str(self.ws_id))
        places = {
            2: (f"PROJ#{self.proj_id}#CMT", f"{self.date}#{self.sha}"),
            by_sha: (shas, self.sha),
        }
        if self.agent_id:
            places[1] = (commits_by(str(self.ws_id), self.agent_id).partition, self.place)
        return places

    def filters(self) -> dict[str, Any]:
        """Return what statistics and searches of commits need of each."""
        return {
            "subject": self.subject[:200],
            "author": self.author[:100],
            "files": int(self.file_count),
            "lines": [int(self.insertions), int(self.deletions)],
        } | {name: value for name in ("card_id", "agent_id") if (value := getattr(self, name))}


class CommitFiles(Row):
    TABLE = "core_table"

    files = UnicodeAttribute()
    """The files with their patches as JSON, or a pointer to the file that has it (`store_text`)."""

    @classmethod
    def key_of(cls, ws_id: str, sha: str) -> tuple[str, str]:
        return f"CMT#{commit_id(ws_id, sha)}", "FILES"


class CommitLink(CountedEntity):
    KIND = "CMTLINK"
    NAME = "commit"

    item_id = UnicodeAttribute()
    sha = UnicodeAttribute()
    agent_id = UnicodeAttribute(null=True)
    created_by = JSONAttribute()

    def indexes(self) -> dict[int, tuple[str, str]]:
        return {1: (f"ITEM#{self.item_id}", f"GIT#{self.place}")}

    def filters(self) -> dict[str, Any]:
        return {"sha": self.sha} | ({"agent_id": self.agent_id} if self.agent_id else {})
