"""The shapes of what GitHub sends, as far as it is read here: what has another shape is not worked off."""

import re
from collections.abc import Mapping
from typing import Any, Final

from shared.core.errors import Invalid
from shared.source.commits.rows import SHA

_SHORT: Final = 2_000
"""Characters of a name, an address, a time: more than GitHub sends, and few enough for a row."""
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,100}")
_MOST_NUMBER: Final = 10**15
Shape = Any
"""`"short"`, `"name"` (of a repository or its owner), `"text"` (of any length), `"sha"`, `"number"`, `"flag"`; a list of one shape; a
mapping, where `name?` may be missing or null."""

_AUTHOR: Final = {"name?": "short", "email?": "short"}
_COMMON: Final = {"sender?": {"login?": "short"}}
_ENTRY: Final = {
    "id": "sha", "message?": "text", "timestamp?": "short", "url?": "short", "author?": _AUTHOR,
    "added?": ["short"], "removed?": ["short"], "modified?": ["short"],
}  # fmt: skip
_ISSUE: Final = {
    "number": "number", "title?": "text", "body?": "text", "state?": "short", "html_url": "short", "created_at?": "short",
    "updated_at?": "short", "labels?": [{"name?": "short"}],
}  # fmt: skip
_PULL: Final = {
    "number": "number", "title?": "text", "body?": "text", "state?": "short", "merged?": "flag", "merge_commit_sha?": "short",
    "html_url?": "short", "updated_at?": "short", "head?": {"ref?": "short"},
}  # fmt: skip
_REMARK: Final = {"id": "number", "commit_id": "sha", "body?": "text", "path?": "short", "html_url?": "short"}
_COMMENT: Final = {
    "id": "number", "body?": "text", "html_url?": "short", "created_at?": "short", "updated_at?": "short",
}  # fmt: skip
_RENAMED: Final = {"repository?": {"name?": {"from?": "short"}}}
SHAPES: Final[Mapping[str, Shape]] = {
    "push": {"ref": "short", "before?": "short", "after?": "short", "deleted?": "flag", "forced?": "flag", "created?": "flag",
             "commits?": [_ENTRY]},
    "issues": {"action": "short", "issue": _ISSUE},
    "issue_comment": {"action": "short", "issue": _ISSUE, "comment": _COMMENT},
    "pull_request": {"action": "short", "pull_request": _PULL},
    "commit_comment": {"action": "short", "comment": _REMARK},
    "repository": {"action": "short", "changes?": _RENAMED,
                   "repository": {"name": "name", "full_name": "short", "html_url?": "short", "default_branch?": "short",
                                  "private?": "flag", "archived?": "flag", "owner": {"login": "name"}}},
}  # fmt: skip
"""What is read of each event that is worked off."""


class Misshapen(Invalid):
    """A delivery has a shape that GitHub never sends."""


def require_shape(event: str, payload: Any) -> None:
    """Raise Misshapen, which says what is wrong, unless the payload of an event has the shape that GitHub gives it."""
    shape = SHAPES.get(event)
    fault = "it is no event that is worked off" if shape is None else _fault({**_COMMON, **shape}, payload, "it")
    if fault:
        raise Misshapen(message=fault)


def _fault(shape: Shape, value: Any, where: str) -> str | None:
    """Return what is wrong with a value, None if nothing is."""
    if isinstance(shape, Mapping):
        return _fault_in_fields(shape, value, where)
    if isinstance(shape, list):
        if not isinstance(value, list):
            return f"{where} is no list"
        found = (_fault(shape[0], one, f"{where}[{number}]") for number, one in enumerate(value))
        return next((fault for fault in found if fault), None)
    return None if _is(shape, value) else f"{where} is no {shape}"


def _fault_in_fields(shape: Mapping[str, Shape], value: Any, where: str) -> str | None:
    if not isinstance(value, Mapping):
        return f"{where} is no object"
    for name, inner in shape.items():
        bare = name.removesuffix("?")
        held = value.get(bare)
        if held is None and name != bare:
            continue
        if fault := _fault(inner, held, f"{where}.{bare}"):
            return fault
    return None


def _is(kind: str, value: Any) -> bool:
    if kind == "flag":
        return isinstance(value, bool)
    if kind == "number":
        return isinstance(value, int) and not isinstance(value, bool) and 0 < value < _MOST_NUMBER
    if not isinstance(value, str):
        return False
    if kind == "sha":
        return SHA.fullmatch(value) is not None
    if kind == "name":
        return _NAME.fullmatch(value) is not None
    return kind == "text" or len(value) <= _SHORT
