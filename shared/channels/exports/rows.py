"""The row of an export: its request, its progress and its file."""

from typing import Any, Final

from shared.core import clock
from shared.core.ids import derived_id
from shared.store import Entity, JSONAttribute, NumberAttribute, UnicodeAttribute

RETENTION: Final = 6 * 86_400
"""Seconds until an export expires; its file is deleted later, after seven days (lifecycle of `exports/` in `infra/data.py`)."""
FORMATS: Final = {
    "csv": "text/csv; charset=utf-8; header=present",
    "json": "application/json",
    "pdf": "application/pdf",
    "proof.json": "application/json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class Export(Entity):
    """Stored at `EXP#<id>, META`. The id is derived from the request and the state of the data: the same request has the same file."""

    KIND = "EXP"
    NAME = "export"

    subject = UnicodeAttribute()
    """The name of its source (`functions/export_worker`)."""
    format = UnicodeAttribute()
    ask = JSONAttribute(default=dict)
    """The parameters for the source."""
    file_name = UnicodeAttribute()
    status = UnicodeAttribute(default="pending")  # pending | running | completed | failed
    rows_total = NumberAttribute(null=True)
    """The number of rows, if it is known in advance."""
    rows_done = NumberAttribute(default=0)
    sums = JSONAttribute(default=dict)
    """Totals of the summed columns over the rows written so far."""
    cursor = JSONAttribute(null=True)
    upload = UnicodeAttribute(null=True)
    tags = JSONAttribute(default=list)
    """The tags (ETags) of the uploaded parts."""
    fence = NumberAttribute(default=0)
    """Increases with every lease; a write with an older fence fails."""
    lease_until = NumberAttribute(default=0)
    size = NumberAttribute(null=True)
    error = UnicodeAttribute(null=True)
    finished_at = UnicodeAttribute(null=True)
    requested_by = JSONAttribute(default=dict)

    def indexes(self) -> dict[int, tuple[str, str]]:
        return {1: (f"WS#{self.ws_id}#EXP", f"{self.created_at}#{self.id}")}

    @property
    def file_key(self) -> str:
        return f"exports/{self.ws_id}/{self.id}.{self.format}"

    @property
    def content_type(self) -> str:
        return FORMATS[self.format]

    @property
    def is_expired(self) -> bool:
        """Whether the export has expired; DynamoDB may delete the row much later."""
        return int(self.ttl or 0) <= clock.epoch()

    @property
    def is_leased(self) -> bool:
        return bool(self.status == "running" and int(self.lease_until) > clock.epoch())


def new_export(
    subject: str, format_: str, ask: dict[str, Any], file_name: str, *, rows_total: int | None, **tenancy: Any
) -> Export:
    """Build an export without writing it. `ask` includes the state of the data: if that changes, it is another export."""
    parts = sorted(f"{name}={value}" for name, value in ask.items())
    return Export.new(
        derived_id("export", str(tenancy["ws_id"]), subject, format_, *parts),
        subject=subject,
        format=format_,
        ask=ask,
        file_name=f"{file_name}.{format_}",
        rows_total=rows_total,
        ttl=clock.epoch() + RETENTION,
        **tenancy,
    )
