"""Rows of runs: the run, its conversation, the active runs of a project, the record of an agent.

RUN#<id>    META          the run
            CONTEXT       the first message of its conversation
            TURN#001      a response of the model, stored before its tool calls are executed
            CALL#001#02   an executed tool call, written in the transaction of its effect
            UNSETTLED#001#00002   what a finished model call used, until it is in the ledger; by turn and fence
PROJ#<id>   RUNS          the ids of the project's runs that have not ended
WS#<id>     AGENT#<id>    the record of an agent in a workspace
"""

from dataclasses import asdict
from typing import Any, Final

from shared.agents.providers import embedded
from shared.agents.providers.port import Finished
from shared.core import clock
from shared.store import (
    BooleanAttribute,
    CountedEntity,
    CountedList,
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
"""The active runs that do not wait, for the scheduled sweep."""
HOLDING_RESERVATION: Final = Shards("RUNS#HOLDING", 4)
"""Ended runs that still hold a reservation, by the time when it expires."""
UNSETTLED_CALLS: Final = Shards("CALLS#UNSETTLED", 4)
"""Model calls that are not in the ledger yet, by the time of their answer."""


def label_of(f: dict[str, Any]) -> str:
    """Return what a run is counted as: its agent, and how it ended or that it is active."""
    return f"{f['agent_id']}/{f['status'] if f['status'] in ENDED else 'active'}"


def runs_of(card_id: str) -> CountedList:
    """Return the runs of a card as a counted list."""
    return CountedList(f"ITEM#{card_id}", "RUN", f"ITEM#{card_id}", label_of, "RUN#")


class Run(CountedEntity):
    KIND = "RUN"
    NAME = "run"

    item_id = UnicodeAttribute()
    phase_id = UnicodeAttribute(null=True)
    """The phase of the card when the run was requested, to which its usage is counted."""
    agent_id = UnicodeAttribute()
    agent = JSONAttribute()
    """{id, name, display_name, status}"""
    status = UnicodeAttribute(default="pending")  # pending | assigned | running | waiting | completed | failed | cancelled
    waiting_for = UnicodeAttribute(null=True)  # approval | budget
    waiting = JSONAttribute(null=True)
    """What the run waits for: {reason, since, expires_at, ...}; shown to the person who answers."""
    wait_token = UnicodeAttribute(null=True)
    """The state machine's task token, used once."""
    trigger = UnicodeAttribute(default="person")  # person | lane | task
    triggered_by = JSONAttribute()
    task_id = UnicodeAttribute(null=True)
    """The task of a live agent that the run does."""
    retry_of = UnicodeAttribute(null=True)
    attempt = NumberAttribute(default=1)

    fence = NumberAttribute(default=0)
    """Rises with each new holder of the run; writes with an older number fail."""
    lease_until = NumberAttribute()
    """Epoch seconds; afterwards any request may end the run and take over the card."""
    execution = UnicodeAttribute(null=True)
    launches = NumberAttribute(default=0)
    """Number of new executions because the one before was gone."""
    approved = BooleanAttribute(null=True)
    """Whether a person has approved the run; it is asked only once."""
    hold = JSONAttribute(null=True)
    """The reservation of the model call in progress: {turn, amount, budgets}; settled or released exactly once."""
    hold_turn = NumberAttribute(null=True)
    held_until = NumberAttribute(null=True)
    """Epoch seconds; set if the run was ended by somebody else during a model call. The call costs money, so its reservation stays until
    the call is settled, or until this time."""

    provider = UnicodeAttribute()
    model = UnicodeAttribute()
    temperature = NumberAttribute(null=True)
    max_tokens = NumberAttribute()
    tools = JSONAttribute(default=list)
    system = UnicodeAttribute(null=True)
    """The system prompt of a run that began before it stood in its context."""

    calls = NumberAttribute(default=0)
    input_tokens = NumberAttribute(default=0)
    cache_read_tokens = NumberAttribute(default=0)
    cache_write_tokens = NumberAttribute(default=0)
    output_tokens = NumberAttribute(default=0)
    provider_cost_micros = NumberAttribute(default=0)
    customer_price_micros = NumberAttribute(default=0)
    unpriced = BooleanAttribute(default=False)

    steering = JSONAttribute(null=True)
    """What was said to the agent while it worked: [{turn, rule, message, at, by}], behind that turn (`agent_runs.steering`)."""
    progress = NumberAttribute(default=0)
    result_summary = UnicodeAttribute(null=True)
    result_data = JSONAttribute(null=True)
    error_code = UnicodeAttribute(null=True)
    error_message = UnicodeAttribute(null=True)
    input_context = JSONAttribute(default=dict)
    execution_metadata = JSONAttribute(default=dict)
    status_before_run = UnicodeAttribute(null=True, attr_name="lifted_from")
    """The card's status before this run put it in progress."""
    estimated_price_micros = NumberAttribute(null=True)
    deadline = NumberAttribute(null=True)
    """Epoch seconds; time of waiting is added."""
    started_at = UnicodeAttribute(null=True)
    completed_at = UnicodeAttribute(null=True)

    @property
    def label(self) -> str:
        """Return what the run is counted as."""
        return label_of(self.listed())

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    @property
    def lease_active(self) -> bool:
        return not self.ended and self.lease_until > clock.epoch()

    @property
    def limited_by_tokens(self) -> bool:
        """Whether the model had no known price when the run was requested."""
        return not self.execution_metadata.get("priceKnown", True)

    @property
    def total_tokens(self) -> int:
        return int(self.input_tokens + self.cache_read_tokens + self.cache_write_tokens + self.output_tokens)

    @property
    def duration_ms(self) -> int | None:
        """Milliseconds from the start of the work to its end, or until now."""
        if self.started_at is None:
            return None
        until = clock.parse(self.completed_at) if self.completed_at else clock.now()
        return max(0, int((until - clock.parse(self.started_at)).total_seconds() * 1000))

    @property
    def has_only_comments(self) -> bool:
        """Whether the embedded model made nothing but comments: it has asked or refused, and a person is next. What another model comments
        may be its work."""
        return self.provider == embedded.NAME and set(self.result_data or ()) == {"comments"}

    @property
    def summary(self) -> dict[str, Any]:
        """The summary that the card stores."""
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
            "has_only_comments": self.has_only_comments,
        }

    def indexes(self) -> dict[int, tuple[str, str]]:
        places = {
            1: (f"ITEM#{self.item_id}", f"RUN#{self.place}"),
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
        card = {"item_id": self.item_id} if self.status == "waiting" else {}  # its title is shown where it waits
        return {"agent_id": self.agent_id, "started": bool(self.started_at)} | card


class RunContext(Row):
    """What a run's conversation begins with, at `RUN#<id>, CONTEXT`: written once, while the run's own row is written all the time."""

    TABLE = "core_table"
    text = UnicodeAttribute()
    """The first message, or `s3:<key>` if it is long."""
    system = UnicodeAttribute(null=True)
    """The system prompt."""


class Turn(Row):
    """A response of the model, at `RUN#<id>, TURN#<nnn>`; stored before its tool calls are executed."""

    TABLE = "core_table"
    number = NumberAttribute()
    fence = NumberAttribute()
    text = UnicodeAttribute(attr_name="said")
    calls = UnicodeAttribute(default="[]")
    """JSON of `[{id, name, arguments, problem}]`, or `s3:<key>` if it is long."""
    stop = UnicodeAttribute()
    model = UnicodeAttribute()
    at = UnicodeAttribute()

    @classmethod
    def key_of(cls, run_id: str, number: int) -> tuple[str, str]:
        return f"RUN#{run_id}", f"TURN#{number:03d}"


class UnsettledCall(Row):
    """What a finished model call used, at `RUN#<id>, UNSETTLED#<nnn>#<fence>`; stored with its answer, removed when it is in the ledger."""

    TABLE = "core_table"
    turn = NumberAttribute()
    fence = NumberAttribute()
    """The fence of the worker that made the call."""
    usage = JSONAttribute()
    """The fields of `TokenUsage`."""
    model = UnicodeAttribute(null=True)
    """The model that answered."""
    estimated = BooleanAttribute()
    at = UnicodeAttribute()
    gsi3pk = UnicodeAttribute(null=True, attr_name="GSI3PK")
    gsi3sk = UnicodeAttribute(null=True, attr_name="GSI3SK")

    @classmethod
    def of(cls, run: Run, turn: int, done: Finished) -> "UnsettledCall":
        at, number = clock.iso(), f"{turn:03d}#{int(run.fence):05d}"
        return cls(
            pk=f"RUN#{run.id}",
            sk=f"UNSETTLED#{number}",
            turn=turn,
            fence=int(run.fence),
            usage=asdict(done.usage),
            model=done.model,
            estimated=done.estimated,
            at=at,
            gsi3pk=UNSETTLED_CALLS.partition_of(run.id),
            gsi3sk=f"{at}#{run.id}#{number}",
        )

    @property
    def run_id(self) -> str:
        return str(self.pk).removeprefix("RUN#")


class ToolCallRecord(Row):
    """A tool call whose effect is written, at `RUN#<id>, CALL#<nnn>#<mm>`. Without a result: the worker died right after the effect."""

    TABLE = "core_table"
    tool = UnicodeAttribute()
    result = UnicodeAttribute(null=True)
    is_error = BooleanAttribute(default=False)
    effect = JSONAttribute(null=True, attr_name="made")
    """The effect of the call: {kind, id, title}."""

    @classmethod
    def key_of(cls, run_id: str, number: int, index: int) -> tuple[str, str]:
        return f"RUN#{run_id}", f"CALL#{number:03d}#{index:02d}"


class ActiveRuns(Row):
    """The active runs of a project, at `PROJ#<id>, RUNS`; a set, so that removing a run is repeatable. If `closed`, no run can be added."""

    TABLE = "core_table"
    run_ids = UnicodeSetAttribute(null=True)
    closed = BooleanAttribute(null=True)

    @classmethod
    def for_project(cls, project_id: str) -> "ActiveRuns":
        return cls(pk=f"PROJ#{project_id}", sk="RUNS")


class RunCount(Row):
    """The runs that were started in a window of time (`agent_runs.run_limits`); expires after the window.

    At `WS#<id>, RUNS#<day>`: all of a workspace. At `ORG#<id>, RUNS#<day>`: all of an organization's free workspaces. At
    `ITEM#<root card>, RUNS#AUTO#<hour>` and `PROJ#<id>, RUNS#AUTO#<hour>`: those without a person. Days and hours are counted from 1970.
    """

    TABLE = "core_table"
    runs = NumberAttribute(default=0)


class AgentStats(Row):
    """Sums of an agent's runs, at `WS#<id>, AGENT#<agent>`; updated when a run ends, the price with each ledger line."""

    TABLE = "core_table"
    runs = NumberAttribute(default=0)
    succeeded = NumberAttribute(default=0)
    duration_ms = NumberAttribute(default=0)
    price_micros = NumberAttribute(default=0)
    measured = NumberAttribute(default=0)
    """The completed runs whose tokens and made things are counted in the next two."""
    tokens = NumberAttribute(default=0)
    made = NumberAttribute(default=0)
    last_used = UnicodeAttribute(null=True)

    @classmethod
    def key_of(cls, ws_id: str, agent_id: str) -> tuple[str, str]:
        return f"WS#{ws_id}", f"AGENT#{agent_id}"
