"""The rows of the audit trail. A tenant is `WS#<id>` or, for what happens outside of workspaces, `ORG#<id>`.

AUDIT#<tenant>   HEAD                the last block, and the position up to which everything is sealed
                 BLOCK#<number>      a block: its text and its hash
                 LATE#<position>     an entry that came so late that the blocks may have passed it
AUDIT#<list>     COUNT               how many sealed entries a log has, or an agent
AUDIT#DUE#<n>    <tenant> <log>      a log in which something has happened since it was sealed
"""

import json
from typing import Any

from shared.core import clock
from shared.insight.audit.proof import GENESIS, canonical, entries_of
from shared.store import NumberAttribute, Row, Shards, UnicodeAttribute
from shared.work.activities.rows import Activity

DUE = Shards("AUDIT#DUE", 2)


def tenant_of(row: Activity) -> str | None:
    """Return the tenant whose chain an entry belongs to; None for an event of no tenant."""
    return workspace_tenant(row.ws_id) if row.ws_id else f"ORG#{row.org_id}" if row.org_id else None


def workspace_tenant(ws_id: str) -> str:
    return f"WS#{ws_id}"


def canonical_entry(row: Activity) -> str:
    """Return the line of an entry: all that the log says of an event."""
    names = (
        "id",
        "at",
        "type",
        "org_id",
        "ws_id",
        "proj_id",
        "item_id",
        "subject_kind",
        "subject_id",
        "actor",
        "changes",
        "data",
    )
    return canonical({name: getattr(row, name) for name in names})


class AuditRow(Row):
    TABLE = "core_table"

    kind = UnicodeAttribute(default="AUDIT")


class Head(AuditRow):
    number = NumberAttribute(default=0)
    hash = UnicodeAttribute(default=GENESIS)
    position = UnicodeAttribute(default="")

    @classmethod
    def of(cls, tenant: str) -> "Head":
        return cls(pk=f"AUDIT#{tenant}", sk="HEAD")


class Block(AuditRow):
    body = UnicodeAttribute()
    """The text whose hash is the block's (`proof.block_body`)."""
    hash = UnicodeAttribute()

    @classmethod
    def at(cls, tenant: str, number: int) -> "Block":
        return cls(pk=f"AUDIT#{tenant}", sk=block_key(number))

    @property
    def number(self) -> int:
        return int(self.sk.removeprefix("BLOCK#"))

    @property
    def parsed(self) -> dict[str, Any]:
        """Return what the text says; nothing if somebody has changed it so that it cannot be read."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def listed(self) -> list[tuple[str, str, str]]:
        """Return log, position and hash of its entries; nothing if somebody has changed the text so that it cannot be read."""
        try:
            listed = list(entries_of(self.parsed))
        except (LookupError, TypeError, ValueError):
            return []
        return [one for one in listed if all(isinstance(part, str) for part in one)]

    @property
    def last_position(self) -> str:
        return max((position for _, position, _ in self.listed), default="")


def block_key(number: int) -> str:
    return f"BLOCK#{number:012}"


class Count(AuditRow):
    entries = NumberAttribute(default=0)
    position = UnicodeAttribute(default="")
    """Where the chain ended when the list was counted last: all entries of the list up to there are counted, but for late ones."""

    @classmethod
    def of(cls, name: str) -> "Count":
        return cls(pk=f"AUDIT#{name}", sk="COUNT")


class Late(AuditRow):
    log = UnicodeAttribute()
    agent = UnicodeAttribute(null=True)
    """The partition of the agent that acted."""
    noted = UnicodeAttribute()

    @classmethod
    def of(cls, tenant: str, row: Activity) -> "Late":
        agent = row.indexes().get(3, (None,))[0]
        return cls(pk=f"AUDIT#{tenant}", sk=f"LATE#{row.position}", log=row.pk, agent=agent, noted=clock.iso())

    @property
    def position(self) -> str:
        return str(self.sk.removeprefix("LATE#"))


class Due(AuditRow):
    since = NumberAttribute()
    """Epoch seconds of the last mark."""

    @classmethod
    def of(cls, tenant: str, log: str) -> "Due":
        return cls(pk=DUE.partition_of(tenant), sk=f"{tenant} {log}")

    @property
    def tenant(self) -> str:
        return str(self.sk.partition(" ")[0])

    @property
    def log(self) -> str:
        return str(self.sk.partition(" ")[2])
