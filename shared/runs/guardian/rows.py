"""The row of an intervention, `GACT#<id>, META`. Indexes list it by its workspace, by what it was aimed at, and by when it is due."""

from typing import Any, Final

from shared.core import clock
from shared.core.actor import Actor
from shared.core.ids import new_id
from shared.events import EventType, record
from shared.runs.guardian.policies import ROLLBACK_SECONDS, SCORE_SECONDS, policy_of
from shared.store import Entity, JSONAttribute, NumberAttribute, Shards, UnicodeAttribute

ACTION_TYPES: Final = ("cancel_task", "reallocate", "override_priority")
DUE: Final = Shards("GACT#DUE", 1)
"""Interventions that are to be scored, or taken back by themselves, by when."""


def actions_of(ws_id: str) -> str:
    """Return the partition of index 1 that holds the interventions in a workspace, oldest first."""
    return f"WS#{ws_id}#GACT"


def actions_on(ws_id: str, target: str) -> str:
    """Return the partition of index 2 that holds the interventions in a workspace that were aimed at a task, a run or an agent."""
    return f"WS#{ws_id}#GACT#{target}"


class GuardianAction(Entity):
    KIND = "GACT"
    NAME = "guardian action"

    action_type = UnicodeAttribute()  # one of ACTION_TYPES
    target_entity = UnicodeAttribute()
    """The id of the task or run, or of the agent that gave capacity away."""
    authority_level = NumberAttribute()
    reason = UnicodeAttribute()
    initiated_by = UnicodeAttribute()
    """Who the caller says has initiated it."""
    approved_by = JSONAttribute()
    """Who has done it."""
    policy = UnicodeAttribute()
    before = JSONAttribute()
    after = JSONAttribute()
    reverted_at = UnicodeAttribute(null=True)
    reverted = JSONAttribute(null=True)
    """{by, reason}"""
    outcome = JSONAttribute(null=True)
    """What it has brought: {result, why, at}."""
    kept_because = UnicodeAttribute(null=True)
    """Why it could not be taken back by itself."""
    again_at = UnicodeAttribute(null=True)
    """When it is tried again to take it back: what it is about was archived."""
    due_at = UnicodeAttribute(null=True)

    @property
    def rollback_at(self) -> str | None:
        """Return when it is taken back by itself."""
        if self.again_at:
            return str(self.again_at)
        seconds = ROLLBACK_SECONDS.get(self.policy)
        return None if seconds is None else clock.iso(clock.from_epoch(clock.parse(self.created_at).timestamp() + seconds))

    @property
    def is_overdue(self) -> bool:
        """Tell whether its time is over, and it was not taken back yet."""
        stands = self.reverted_at is None and self.kept_because is None
        return stands and self.rollback_at is not None and self.rollback_at <= clock.iso()

    def plan(self) -> None:
        """Set when it has to be looked at next."""
        times = [] if self.outcome else [clock.iso(clock.from_epoch(clock.parse(self.created_at).timestamp() + SCORE_SECONDS))]
        if self.reverted_at is None and self.kept_because is None and self.rollback_at:
            times.append(self.rollback_at)
        self.due_at = min(times, default=None)

    def indexes(self) -> dict[int, tuple[str, str]]:
        ws_id, place = str(self.ws_id), f"{self.created_at}#{self.id}"
        places = {1: (actions_of(ws_id), place), 2: (actions_on(ws_id, self.target_entity), place)}
        if self.due_at:
            places[3] = (DUE.partition_of(self.id), f"{self.due_at}#{self.id}")
        return places

    def filters(self) -> dict[str, Any]:
        return {"action_type": self.action_type}


def new_action(
    actor: Actor,
    target: Entity,
    action_type: str,
    *,
    reason: str,
    initiated_by: str,
    authority: int,
    before: dict[str, Any],
    after: dict[str, Any],
    action_id: str | None = None,
) -> GuardianAction:
    """Return a new intervention with its event. `target`: the task, run or agent that it was aimed at."""
    action = GuardianAction.new(
        action_id or new_id(),
        org_id=target.org_id,
        ws_id=target.ws_id,
        proj_id=target.proj_id,
        action_type=action_type,
        target_entity=target.id,
        authority_level=authority,
        reason=reason,
        initiated_by=initiated_by,
        approved_by=actor.summary,
        policy=policy_of(action_type, authority),
        before=before,
        after=after,
    )
    action.plan()
    record(action, EventType.GUARDIAN_INTERVENTION, actor, action_type=action_type, target_id=target.id, reason=reason[:500])
    return action
