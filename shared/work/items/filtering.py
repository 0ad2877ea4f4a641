"""The conditions of a list of cards."""

from dataclasses import dataclass, replace
from typing import Any

from shared.core.ids import bare_id
from shared.core.texts import searchable


@dataclass(frozen=True)
class ItemFilter:
    """The conditions of a card list; None and empty values do not filter. `tags` are keys or `key:value`, or several of these with
    commas; a card must have all of them.

    Every word of `search` must occur in the title, the first 200 characters of the description, the labels or the tags.
    """

    lane_id: str | None = None
    assignee_id: str | None = None
    type: str | None = None
    status: str | None = None
    search: str | None = None
    tags: tuple[str, ...] = ()

    @property
    def only_lane(self) -> bool:
        """Tell whether there is no filter but the lane."""
        return self.only_search and not self.search

    @property
    def only_search(self) -> bool:
        """Tell whether there is no filter but the lane and the search."""
        return not (self.assignee_id or self.type or self.status or self.tags)

    def with_bare_ids(self) -> "ItemFilter":
        """Return the filter with the ids as rows have them."""
        bare = replace(self, lane_id=bare_id(self.lane_id or "") or None)
        return replace(bare, assignee_id=bare_id(self.assignee_id or "") or None)

    def matches(self, f: dict[str, Any]) -> bool:
        """Tell whether a card matches all conditions but the search, by the fields of its index row."""
        expected = (
            ("lane_id", self.lane_id),
            ("assignee_id", self.assignee_id),
            ("type", self.type),
            ("status", self.status),
        )
        if any(value and f.get(name) != value for name, value in expected):
            return False
        return self._has_tags(f)

    def _has_tags(self, f: dict[str, Any]) -> bool:
        if not self.tags:
            return True
        tags = f.get("tags") or []
        keys = f.get("tag_keys") or [tag.partition(":")[0] for tag in tags]
        names = {searchable(name) for name in (*keys, *tags)}
        return all(_is_named(tag, names) for tag in self.tags)


def _is_named(tag: str, names: set[str]) -> bool:
    """Tell whether a tag of a filter is among the names, as a whole (a name may contain a comma) or in each of its parts."""
    whole = searchable(tag).strip()
    return whole in names or names.issuperset(part.strip() for part in whole.split(",") if part.strip())
