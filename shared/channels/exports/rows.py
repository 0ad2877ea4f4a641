"""An export: what was asked for, how far it has come, where the file is."""

from typing import Any, Final

from shared.core import clock
from shared.core.ids import derived_id
from shared.store import Entity, JSONAttribute, NumberAttribute, UnicodeAttribute

RETENTION: Final = 6 * 86_400
"""Seconds that an export is remembered. Its file lives seven days (the lifecycle of `exports/` in `infra/data.py`): never shorter."""
FORMATS: Final = {
    "csv": "text/csv; charset=utf-8; header=present",
    "json": "application/json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class Export(Entity):
    """At `EXP#<id>, META`. The id follows from what is asked for and what there is to tell: the same question has the same file."""

    KIND = "EXP"
    NAME = "export"

    subject = UnicodeAttribute()
    """What it is an export of: the name of its source (`functions/export_worker`)."""
    format = UnicodeAttribute()
    ask = JSONAttribute(default=dict)
    """What the source needs to know."""
    file_name = UnicodeAttribute()
    status = UnicodeAttribute(default="pending")  # pending | running | completed | failed
    rows_total = NumberAttribute(null=True)
    """As far as it is known before."""
    rows_done = NumberAttribute(default=0)
    sums = JSONAttribute(default=dict)
    """Of the columns that add up, over the rows so far."""
    cursor = JSONAttribute(null=True)
    upload = UnicodeAttribute(null=True)
    tags = JSONAttribute(default=list)
    """Of the parts that are written."""
    fence = NumberAttribute(default=0)
    """Counts who worked on it; a write by anybody but the last one fails."""
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
        """Forgotten, though its row may still be there: DynamoDB takes its time."""
        return int(self.ttl or 0) <= clock.epoch()

    @property
    def is_leased(self) -> bool:
        return bool(self.status == "running" and int(self.lease_until) > clock.epoch())


def new_export(
    subject: str, format_: str, ask: dict[str, Any], file_name: str, *, rows_total: int | None, **tenancy: Any
) -> Export:
    """Not yet written. `ask` also says what there is to tell: where that changes, it is another export."""
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
