"""Where the links of trace chains stand: requirement, features, test cases with their last results, deployments and builds.

Each of these rows is listed in index 2 at `PROJ#<project>#TRACE`, behind its requirement (docs/decisions/0058): it enters the chain,
changes and leaves it in the write of the row itself. One query reads a chain, one partition has all chains of a project.

    <anchor>#<link>#<place>

The anchor is the requirement; what has none stands behind its feature. Tests stand before deployments and builds, and these newest first:
what proves a requirement is read first, however long its chain is.
"""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from typing import Final

INDEX: Final = 2
REQUIREMENT, FEATURE, TEST, DEPLOYMENT, BUILD = "0", "1", "2", "3", "4"
"""The links, in the order of a chain."""
_DIGITS: Final = 15


def partition_of(project_id: str | None) -> str:
    return f"PROJ#{project_id}#TRACE"


def link_at(project_id: str | None, anchor: str, link: str, place: str) -> tuple[str, str]:
    """Return the place of a link in index 2."""
    return partition_of(project_id), f"{anchor}#{link}#{place}"


def card_link(project_id: str | None, card_id: str, type_: str, parent_id: str | None) -> dict[int, tuple[str, str]]:
    """Return where a card is listed as a link; nowhere unless it is a requirement or a feature."""
    if type_ == "epic":
        return {INDEX: link_at(project_id, card_id, REQUIREMENT, "")}
    return {INDEX: link_at(project_id, parent_id or card_id, FEATURE, card_id)} if type_ == "feature" else {}


def links_between(anchor: str, first: str, last: str) -> tuple[str, str]:
    """Return the bounds of the sort keys of some links of a chain."""
    return f"{anchor}#{first}#", f"{anchor}#{last}#~"


def newest_first(number: int) -> str:
    """Return a text that sorts before those of smaller numbers."""
    return f"{10**_DIGITS - 1 - number:0{_DIGITS}d}"


def marks_of(criteria: Iterable[str]) -> list[str]:
    """Return what stands for acceptance criteria where their texts are too long: 48 bits of a hash, and a requirement has hundreds at
    most. A criterion with another text is another one: what proved the old text does not prove the new one."""
    return [urlsafe_b64encode(hashlib.sha256(one.strip().encode()).digest()[:6]).decode() for one in criteria]
