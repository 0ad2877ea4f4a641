"""The run, what it keeps of each turn, and how many runs a project has under way.

RUN#<id>    META          the run
            CONTEXT       the first message of its conversation
            TURN#001      what the model answered, kept before anything is done about it
            CALL#001#02   a tool call that was carried out: written in the transaction of its effect
PROJ#<id>   RUNS          the ids of the project's runs that have not ended
WS#<id>     AGENT#<id>    what an agent has done in a workspace
"""

from typing import Any, Final

from shared.core import clock
from shared.store import (
    BooleanAttribute,
    Entity,
    JSONAttribute,
    NumberAttribute,
    Row,
    Shards,
    UnicodeAttribute,
    UnicodeSetAttribute,
)

ACTIVE: Final = ("pending", "assigned", "running", "waiting")
ENDED: Final = ("completed", "failed", "cancelled")


IN_PROGRESS: Final = Shards("RUNS#UNDERWAY", 4)
"""The runs that are under way, for the clock to look after."""
HOLDING_RESERVATION: Final = Shards("RUNS#HOLDING", 4)
"""The runs that have ended and still hold a reservation, by when it is over."""


class Run(Entity):
    KIND = "RUN"
    NAME = "run"

    item_id = UnicodeAttribute()
    agent_id = UnicodeAttribute()
    agent = JSONAttribute()
    """{id, name, display_name, status}"""
    status = UnicodeAttribute(default="pending")  # pending | assigned | running | waiting | completed | failed | cancelled
    waiting_for = UnicodeAttribute(null=True)  # approval | budget
    waiting = JSONAttribute(null=True)
    """What is asked: {reason, since, expires_at, ...}; shown to who answers."""
    wait_token = UnicodeAttribute(null=True)
    """The state machine's task token, used once."""
    trigger = UnicodeAttribute(default="person")  # person | lane
    triggered_by = JSONAttribute()
    retry_of = UnicodeAttribute(null=True)
    attempt = NumberAttribute(default=1)

    fence = NumberAttribute(default=0)
    """Goes up whenever somebody takes the run up. Whoever holds an older number writes nothing."""
    lease_until = NumberAttribute()
    """Epoch seconds. After it, anybody may end the run and take the card."""
    execution = UnicodeAttribute(null=True)
    launches = NumberAttribute(default=0)
    """How often a new execution took the run's waiting over because the one before was gone."""
    approved = BooleanAttribute(null=True)
    """A person has said yes to the run: nobody is asked a second time."""
    hold = JSONAttribute(null=True)
    """The reservation of the call under way: {turn, amount, budgets}. Settled or released exactly once."""
    hold_turn = NumberAttribute(null=True)
    held_until = NumberAttribute(null=True)
    """Epoch seconds, of a run that was ended by somebody else while its call was under way: the call is paid, so its reservation stays
    until the call settles, or until nobody can be waiting for it any more."""

    provider = UnicodeAttribute()
    model = UnicodeAttribute()
    temperature = NumberAttribute(null=True)
    max_tokens = NumberAttribute()
    tools = JSONAttribute(default=list)
    system = UnicodeAttribute(null=True)
    """The system prompt as this run got it."""

    calls = NumberAttribute(default=0)
    input_tokens = NumberAttribute(default=0)
    cache_read_tokens = NumberAttribute(default=0)
    cache_write_tokens = NumberAttribute(default=0)
    output_tokens = NumberAttribute(default=0)
    provider_cost_micros = NumberAttribute(default=0)
    customer_price_micros = NumberAttribute(default=0)
    unpriced = BooleanAttribute(default=False)

    progress = NumberAttribute(default=0)
    result_summary = UnicodeAttribute(null=True)
    result_data = JSONAttribute(null=True)
    error_code = UnicodeAttribute(null=True)
    error_message = UnicodeAttribute(null=True)
    input_context = JSONAttribute(default=dict)
    execution_metadata = JSONAttribute(default=dict)
    lifted_from = UnicodeAttribute(null=True)
    """The card's status before this run put it in progress."""
    estimated_price_micros = NumberAttribute(null=True)
    deadline = NumberAttribute(null=True)
    """Epoch seconds; waiting does not count."""
    started_at = UnicodeAttribute(null=True)
    completed_at = UnicodeAttribute(null=True)

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    @property
    def lease_active(self) -> bool:
        return not self.ended and self.lease_until > clock.epoch()

    @property
    def total_tokens(self) -> int:
        return int(self.input_tokens + self.cache_read_tokens + self.cache_write_tokens + self.output_tokens)

    @property
    def duration_ms(self) -> int | None:
        """From the start of the work to its end, or until now."""
        if self.started_at is None:
            return None
        until = clock.parse(self.completed_at) if self.completed_at else clock.now()
        return max(0, int((until - clock.parse(self.started_at)).total_seconds() * 1000))

    @property
    def summary(self) -> dict[str, Any]:
        """What the card keeps of its run."""
        return {
            "id": self.id,
            "card_id": self.item_id,
            "agent_id": self.agent_id,
            "agent": self.agent,
            "status": self.status,
            "waiting_for": self.waiting_for,
            "provider": self.provider,
            "model": self.model,
            "progress": int(self.progress),
            "duration_ms": self.duration_ms if self.ended else None,
            "customer_price_micros": int(self.customer_price_micros),
            "tokens": self.total_tokens,
            "created_at": self.created_at,
            "started_at": self.started_at,
            "completed_at": self.completed_at,
            "triggered_by": self.triggered_by,
        }

    def indexes(self) -> dict[int, tuple[str, str]]:
        places = {
            1: (f"ITEM#{self.item_id}", f"RUN#{self.created_at}#{self.id}"),
            2: (f"WS#{self.ws_id}#AGENT#{self.agent_id}#RUN", f"{self.created_at}#{self.id}"),
            4: (f"OWNER#{self.triggered_by['id']}#RUN", f"{self.created_at}#{self.id}"),
        }
        if self.status in ("pending", "assigned", "running"):
            places[3] = (IN_PROGRESS.partition_of(self.id), f"{self.created_at}#{self.id}")
        if self.ended and self.held_until is not None:
            places[3] = (HOLDING_RESERVATION.partition_of(self.id), f"{int(self.held_until):012d}#{self.id}")
        if self.status == "waiting":
            places[3] = ("RUNS#WAITING", f"{self.waiting_for}#{self.ws_id}#{self.updated_at}#{self.id}")
        return places

    def filters(self) -> dict[str, Any]:
        return {
            "status": self.status,
            "waiting_for": self.waiting_for,
            "agent_id": self.agent_id,
            "started": bool(self.started_at),
        }


class WaitingCursor(Row):
    """At `SWEEP, RUNS#WAITING` of `ephemeral`: how far the clock has come in the list of runs that wait."""

    TABLE = "ephemeral_table"
    after = JSONAttribute(null=True)

    @classmethod
    def singleton(cls) -> "WaitingCursor":
        return cls(pk="SWEEP", sk="RUNS#WAITING")


class RunContext(Row):
    """At `RUN#<id>, CONTEXT`."""

    TABLE = "core_table"
    text = UnicodeAttribute()
    """The message, or `s3:<key>` where it is long."""


class Turn(Row):
    """At `RUN#<id>, TURN#<nnn>`: one answer of the model, kept before it is acted on."""

    TABLE = "core_table"
    number = NumberAttribute()
    fence = NumberAttribute()
    text = UnicodeAttribute(attr_name="said")
    calls = UnicodeAttribute(default="[]")
    """JSON of `[{id, name, arguments}]`, or `s3:<key>` where it is long."""
    stop = UnicodeAttribute()
    model = UnicodeAttribute()
    at = UnicodeAttribute()

    @classmethod
    def key_of(cls, run_id: str, number: int) -> tuple[str, str]:
        return f"RUN#{run_id}", f"TURN#{number:03d}"


class ToolCallRecord(Row):
    """At `RUN#<id>, CALL#<nnn>#<mm>`: the effect of a call is written. Without a result the writer died right after it."""

    TABLE = "core_table"
    tool = UnicodeAttribute()
    result = UnicodeAttribute(null=True)
    is_error = BooleanAttribute(default=False)
    effect = JSONAttribute(null=True, attr_name="made")
    """What the call made: {kind, id, title}."""

    @classmethod
    def key_of(cls, run_id: str, number: int, index: int) -> tuple[str, str]:
        return f"RUN#{run_id}", f"CALL#{number:03d}#{index:02d}"


class ActiveRuns(Row):
    """At `PROJ#<id>, RUNS`: a set, so that a run that ends twice frees one place. Once it is `closed`, no further run begins."""

    TABLE = "core_table"
    run_ids = UnicodeSetAttribute(null=True)
    closed = BooleanAttribute(null=True)

    @classmethod
    def for_project(cls, project_id: str) -> "ActiveRuns":
        return cls(pk=f"PROJ#{project_id}", sk="RUNS")


class AgentRecord(Row):
    """At `WS#<id>, AGENT#<agent>`: counted in the transaction that ends a run; the price in those that write its ledger lines."""

    TABLE = "core_table"
    runs = NumberAttribute(default=0)
    succeeded = NumberAttribute(default=0)
    duration_ms = NumberAttribute(default=0)
    price_micros = NumberAttribute(default=0)
    last_used = UnicodeAttribute(null=True)

    @classmethod
    def key_of(cls, ws_id: str, agent_id: str) -> tuple[str, str]:
        return f"WS#{ws_id}", f"AGENT#{agent_id}"
