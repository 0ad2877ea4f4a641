"""The rows of webhooks.

ORG#<org>      WHK#<webhook>                 core       a webhook; one query reads all of an organization
ORG#<org>      WHKS                          core       how many there are: the limit is a condition of the write
WHK#<webhook>  META                          core       what stays of a deleted one for a month: its last event
EVENT#<event>  DATA                          telemetry  what an event says, once for all webhooks and attempts
WHK#<webhook>  DLV#<delivery>                telemetry  a delivery, as the log lists it
WHK#<webhook>  WAIT#<resource>#<sequence>    telemetry  what waits to be delivered, in the order of each resource
WHK#<webhook>  LINE#<due>#<resource>#<delivery>  telemetry  that a resource has something due: what has never been tried first, then by time
WHK#<webhook>  LOG#<delivery>                telemetry  what was delivered, or not, with every attempt
WHK#<webhook>  STATE                         ephemeral  a webhook that waits for its next attempt, in `DUE` by the time of that
"""

from typing import Any, Final
from urllib.parse import urlsplit

from shared.core import clock
from shared.store import (
    BooleanAttribute,
    Entity,
    Ephemeral,
    JSONAttribute,
    NumberAttribute,
    Row,
    Shards,
    Telemetry,
    UnicodeAttribute,
)

LIMIT: Final = 20  # webhooks of an organization: each reads all of them with every event
LOG_SECONDS: Final = 30 * 86_400
PENDING, DELIVERED, FAILED = "pending", "delivered", "failed"
ALL_EVENTS: Final = "*"
SLACK, OTHER = "slack", "webhook"
RECEIVERS: Final = frozenset({SLACK, OTHER})
"""The kinds of webhooks: those whose address is one of Slack's take messages, all others events."""
_SLACK_HOSTS: Final = ("hooks.slack.com", "hooks.slack-gov.com")
DUE: Final = Shards("WHK#DUE", 4)
"""Index of webhooks that wait for their next attempt, for the scheduled job."""


def partition_of(webhook_id: str) -> str:
    return f"WHK#{webhook_id}"


def receiver_at(url: str) -> str:
    """Return the kind of webhook that an address belongs to."""
    return SLACK if urlsplit(url).hostname in _SLACK_HOSTS else OTHER


class Webhook(Entity):
    """Stored at `ORG#<org>, WHK#<id>`. Secrets are encrypted by KMS; the earlier one is used beside the current one until
    `previous_until` (epoch seconds)."""

    KIND = "WHK"
    NAME = "webhook"

    url = UnicodeAttribute()
    events = JSONAttribute()
    project_id = UnicodeAttribute(null=True)
    """The only project whose events are sent; None: all of the organization."""
    description = UnicodeAttribute(null=True)
    active = BooleanAttribute(default=True)
    switched_at = UnicodeAttribute(null=True)
    """When it was switched on or off last; None: never since it was made."""
    secret = UnicodeAttribute()
    previous_secret = UnicodeAttribute(null=True)
    previous_until = NumberAttribute(null=True)
    created_by = JSONAttribute()
    disabled_reason = UnicodeAttribute(null=True)
    """Why the platform has switched it off; None if nobody has, or its owner."""

    @classmethod
    def key_in(cls, org_id: str, webhook_id: str) -> tuple[str, str]:
        return f"ORG#{org_id}", f"WHK#{webhook_id}"

    @property
    def host(self) -> str:
        """The host of its address, for texts that are not for whoever may see the whole of it."""
        return urlsplit(str(self.url)).hostname or ""

    @property
    def receiver(self) -> str:
        """What kind of webhook it is, by its address (RECEIVERS)."""
        return receiver_at(self.url)

    def wants(self, event: str, project_id: str | None, at: str) -> bool:
        """Tell whether an event that happened at `at` is sent. The stream tells of it later: what happened before a pause is sent when that
        has ended, and what happened in it is not."""
        named = ALL_EVENTS in self.events or event in self.events
        was_active = bool(self.active) == (at >= (self.switched_at or self.created_at))
        return bool(was_active and named and self.project_id in (None, project_id) and at >= self.created_at)

    def switch(self, *, active: bool) -> None:
        self.active, self.switched_at = active, clock.iso()


class WebhookCount(Row):
    TABLE = "core_table"

    number = NumberAttribute(default=0)

    @classmethod
    def of(cls, org_id: str) -> "WebhookCount":
        return cls(pk=f"ORG#{org_id}", sk="WHKS")


class Delivery(Telemetry):
    """A delivery in the log. `event_id` of the contract is `source`; it is the same in every repetition."""

    id = UnicodeAttribute()
    event = UnicodeAttribute()
    source = UnicodeAttribute()
    status = UnicodeAttribute(default=PENDING)
    attempts = NumberAttribute(default=0)
    response_status = NumberAttribute(null=True)
    duration_ms = NumberAttribute(null=True)
    next_attempt_at = UnicodeAttribute(null=True)
    created_at = UnicodeAttribute()
    waits_at = UnicodeAttribute(null=True)
    """The sort key of its content while it is pending."""

    @classmethod
    def key_in(cls, webhook_id: str, delivery_id: str) -> tuple[str, str]:
        return partition_of(webhook_id), f"DLV#{delivery_id}"


class Payload(Telemetry):
    """What an event says: the long part of a delivery, which no attempt and no other webhook writes again."""

    data = JSONAttribute()

    @classmethod
    def key_in(cls, source: str) -> tuple[str, str]:
        return f"EVENT#{source}", "DATA"

    @classmethod
    def of(cls, source: str, data: Any) -> "Payload":
        pk, sk = cls.key_in(source)
        return cls(pk=pk, sk=sk, data=data, ttl=clock.epoch() + LOG_SECONDS)


class Content(Telemetry):
    """Which event a delivery delivers, and its attempts. It lies at `WAIT#` while the delivery is pending, then at `LOG#`."""

    id = UnicodeAttribute()
    event = UnicodeAttribute()
    source = UnicodeAttribute()
    resource = UnicodeAttribute()
    at = UnicodeAttribute()
    """When the event happened."""
    earlier = NumberAttribute(default=0)
    """Attempts of the deliveries of this event that this one repeats."""
    attempts = NumberAttribute(default=0)
    tries = JSONAttribute(default=list)
    next_attempt_at = UnicodeAttribute(null=True)
    created_at = UnicodeAttribute()

    @classmethod
    def log_key(cls, webhook_id: str, delivery_id: str) -> tuple[str, str]:
        return partition_of(webhook_id), f"LOG#{delivery_id}"

    @property
    def retry_count(self) -> int:
        """How often this event was sent to this webhook before."""
        return int(self.earlier + self.attempts)

    @property
    def is_due(self) -> bool:
        return bool(self.next_attempt_at is None or self.next_attempt_at <= clock.iso())


class Line(Telemetry):
    """That a resource has a delivery which is due at a time. Each resource that waits has one, at the latest for the time of its first
    delivery; more of them do no harm."""

    NEW: Final = "LINE#"
    """The first sort key; what was never tried has a nought before its time."""
    TRIED: Final = "LINE#1"
    """The first sort key of what was tried before."""

    resource = UnicodeAttribute()

    @staticmethod
    def place(content: Content) -> str:
        """Return the sort key of a delivery's entry; a nought before the time puts what was never tried before all that was."""
        return f"LINE#{content.next_attempt_at or '0' + content.created_at}#{content.resource}#{content.id}"

    @classmethod
    def of(cls, content: Content) -> "Line":
        return cls(pk=content.pk, sk=cls.place(content), resource=content.resource, ttl=content.ttl)

    @property
    def due(self) -> str | None:
        """The time of its next attempt; None: as soon as possible."""
        due = str(self.sk).split("#")[1]
        return None if due.startswith("0") else due


class State(Ephemeral):
    """When a webhook is tried again, and since when nothing has been delivered. Times are epoch seconds."""

    org_id = UnicodeAttribute()
    webhook_id = UnicodeAttribute()
    failures = NumberAttribute(default=0)
    """Calls of the worker in a row whose attempts all failed."""
    failing_since = NumberAttribute(default=0)
    rests_until = NumberAttribute(default=0)
    """Nothing is sent before this time: the receiver is asked again with one event, not with all that wait."""
    gsi1pk = UnicodeAttribute(attr_name="GSI1PK")
    gsi1sk = UnicodeAttribute(attr_name="GSI1SK")

    @classmethod
    def of(cls, org_id: str, webhook_id: str, **fields: Any) -> "State":
        row = cls(pk=partition_of(webhook_id), sk="STATE", org_id=org_id, webhook_id=webhook_id, **fields)
        row.gsi1pk, row.ttl = DUE.partition_of(webhook_id), clock.epoch() + LOG_SECONDS
        return row

    @classmethod
    def due_now(cls, webhook: Webhook) -> "State":
        """Return the row of a webhook that nothing has been sent to yet and that is to be woken."""
        row = cls.of(str(webhook.org_id), webhook.id)
        row.set_due(clock.epoch())
        return row

    def set_due(self, due: int) -> None:
        self.gsi1sk = f"{due:010d}#{self.webhook_id}"
