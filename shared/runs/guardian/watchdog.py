"""The watchdog: how those are who watch, and remedies for an agent that does not work as it should.

A remedy that did not last is not repeated for ever: the third one within an hour for an agent, or for one that replaced it, becomes the
guardian's: it takes the agent out of work, and its tasks go to others.
"""

from collections.abc import Mapping
from itertools import islice
from types import MappingProxyType
from typing import Any, Final

from shared.core import clock
from shared.core.actor import Actor
from shared.core.errors import Conflict, Forbidden, Malformed
from shared.core.ids import bare_id, new_id
from shared.core.situations import Situation
from shared.events import EventType, record
from shared.runs.agent_runs.steering import GUARDIAN as GUARDIAN_ACTOR
from shared.runs.guardian.acting import two_agents
from shared.runs.guardian.policies import GUARDIAN
from shared.runs.guardian.rows import new_action
from shared.runs.live_agents.holding import AgentChanged
from shared.runs.live_agents.reading import ANY, Seen, find_agents
from shared.runs.live_agents.registering import NewAgent, create_agent
from shared.runs.live_agents.rows import CLIENT, PLATFORM, LiveAgent
from shared.runs.live_agents.statuses import WITHOUT_WORK, set_status
from shared.store import (
    BooleanAttribute,
    Entity,
    IndexRow,
    JSONAttribute,
    Operation,
    ReadFuture,
    UnicodeAttribute,
    create,
    fetch,
    fetch_all,
    index_rows,
    page_of,
    read_ahead,
    retrying,
    save,
    stale,
    write,
)
from shared.work.projects.reading import in_workspaces
from shared.work.projects.rows import Project

WATCHERS: Final = ("monitor", "watchdog", "guardian")
MOST_IN_AN_HOUR: Final = 2
"""Remedies for an agent and its replacements within an hour before the guardian takes over."""
POLICIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "restart": "The agent is terminated, its tasks are free again, and a new agent of its kind takes its place",
        "failover": "The agent is quarantined, and its tasks go to other agents",
        "escalate": "The guardian takes the agent out of work, and its tasks go to other agents; the intervention can be reverted",
    }
)
LISTED: Final = 5_000  # remedies of a workspace, the newest, of which a page can be asked for
_LINEAGE: Final = "replaces:"  # a tag of an agent that has replaced another one: the first of the line


def remedies_in(ws_id: str) -> str:
    """Return the partition of index 1 that holds the remedies of a workspace, oldest first."""
    return f"WS#{ws_id}#WACT"


class WatchdogAction(Entity):
    KIND = "WACT"
    NAME = "watchdog action"

    action_type = UnicodeAttribute()
    target_agent_id = UnicodeAttribute()
    agent_name = UnicodeAttribute(null=True)
    remediation_policy = UnicodeAttribute()
    reason = UnicodeAttribute()
    initiated_by = UnicodeAttribute()
    success = BooleanAttribute(default=True)
    error = UnicodeAttribute(null=True)
    replacement_id = UnicodeAttribute(null=True)
    guardian_action_id = UnicodeAttribute(null=True)
    before = JSONAttribute(default=dict)
    after = JSONAttribute(default=dict)

    def indexes(self) -> dict[int, tuple[str, str]]:
        return {1: (remedies_in(str(self.ws_id)), f"{self.created_at}#{self.id}")}

    def filters(self) -> dict[str, Any]:
        return {"agent_id": self.target_agent_id}


def watchers(actor: Actor) -> list[Seen]:
    """Return the agents that watch others, in all the actor's workspaces, newest first. Two round trips."""
    return [one for one in find_agents(actor, ANY) if one.agent.agent_type in WATCHERS]


def list_remedies(actor: Actor, agent_id: str | None, *, limit: int, offset: int = 0) -> tuple[list[WatchdogAction], int]:
    """Return a page of the remedies in all the actor's workspaces, newest first, and how many there are. Two round trips."""

    def begin(ws_id: str) -> ReadFuture[list[IndexRow]]:
        return read_ahead(lambda: list(islice(index_rows(1, remedies_in(ws_id), newest_first=True), LISTED)))

    found = [row for read in in_workspaces(actor, begin) for row in read.result()]
    wanted = [row for row in found if agent_id is None or row.f["agent_id"] == bare_id(agent_id)]
    rows, total = page_of(sorted(wanted, key=lambda row: row.sort, reverse=True), offset, limit)
    return fetch_all(WatchdogAction, [row.id for row in rows], to_show=True), total


def execute(actor: Actor, agent_id: str, policy: str, reason: str, watchdog_id: str) -> WatchdogAction:
    """Remedy an agent by a policy. One read and one transaction; one more read for a replacement.

    Raises Malformed for an unknown policy; NotFound, Forbidden (the watchdog is none), Conflict(AGENT_STATUS) for a terminated agent,
    and for one that is out of work and was remedied more than MOST_IN_AN_HOUR times.
    """
    if policy not in POLICIES:
        raise Malformed(f"There is no policy {policy!r}; there are {', '.join(POLICIES)}")
    action_id = new_id()

    def attempt(_: int) -> WatchdogAction:
        agent, watchdog = two_agents(actor, agent_id, watchdog_id)
        if watchdog.agent_type not in ("watchdog", "guardian") or watchdog.status in WITHOUT_WORK:
            raise Forbidden("watchdog_agent_id is no working watchdog or guardian")
        if agent.ws_id != watchdog.ws_id:
            raise Malformed("The two agents are of different workspaces")
        if agent.status == "terminated":
            raise Conflict(Situation.AGENT_STATUS, "The agent is terminated", {"status": agent.status})
        recent = [at for at in agent.remedied or [] if at > clock.in_seconds(-3_600)]
        done = "escalate" if policy != "escalate" and len(recent) >= MOST_IN_AN_HOUR else policy
        if done == "escalate" and agent.status == "quarantined" and len(recent) > MOST_IN_AN_HOUR:
            told = f"The agent is out of work, and was remedied {len(recent)} times in this hour: it is for people now"
            raise Conflict(Situation.AGENT_STATUS, told, {"status": agent.status})
        action = _new(agent, action_id, done, policy, reason, watchdog.id)
        agent.remedied = [*recent, action.created_at][-MOST_IN_AN_HOUR - 1 :]
        if done == "restart":
            return _restart(actor, agent, action)
        write(*_take_out(actor, agent, action, done))
        return action

    return retrying(attempt)


def _restart(actor: Actor, agent: LiveAgent, action: WatchdogAction) -> WatchdogAction:
    """End an agent and put another one in its place, in one transaction. That this was not possible is noted."""
    project = fetch(Project, agent.proj_id) if agent.proj_id else None
    if agent.proj_id and (project is None or project.deleted_at or project.status != "active"):
        action.success, action.after = False, action.before
        action.error = "Its project is not active: no agent works in it"
        _note(action, actor)
        write(save(agent), create(action))
        return action

    def ends(replacement: LiveAgent) -> list[Operation]:
        if action.replacement_id:
            raise AgentChanged  # an attempt has lost a race: what was read is too old to be written
        action.replacement_id, replacement.remedied = replacement.id, agent.remedied
        action.after = {"status": "terminated", "task_ids": []}
        set_status(agent, "terminated", actor, f"restart: {action.reason}")  # its place goes to the new one, so they stay as many
        _note(action, actor)
        return [save(agent, AgentChanged), create(action)]

    try:
        create_agent(actor, _like(agent), agent.org_id, str(agent.ws_id), agent.proj_id, ends)
    except AgentChanged as error:
        raise stale() from error
    return action


def _new(agent: LiveAgent, action_id: str, done: str, policy: str, reason: str, by: str) -> WatchdogAction:
    return WatchdogAction.new(
        action_id,
        org_id=agent.org_id,
        ws_id=agent.ws_id,
        proj_id=agent.proj_id,
        action_type=done,
        target_agent_id=agent.id,
        agent_name=agent.name,
        remediation_policy=policy,
        reason=reason,
        initiated_by=by,
        before={"status": agent.status, "task_ids": list(agent.task_ids)},
    )


def _like(agent: LiveAgent) -> NewAgent:
    """Return an agent that takes the place of another one. What the platform can do itself, it does; others have to be started."""
    works = agent.agent_type not in WATCHERS
    line = next((tag.removeprefix(_LINEAGE) for tag in agent.tags if tag.startswith(_LINEAGE)), agent.id)
    return NewAgent(
        agent.agent_type,
        agent.phase_id,
        list(agent.capabilities),
        int(agent.capacity),
        "idle" if works else "spawning",
        [*(tag for tag in agent.tags if not tag.startswith(_LINEAGE)), f"{_LINEAGE}{line}"],
        PLATFORM if works else CLIENT,
    )


def _take_out(actor: Actor, agent: LiveAgent, action: WatchdogAction, done: str) -> list[Operation]:
    """Return what takes an agent out of work; by `escalate` it is an intervention of the guardian."""
    further: list[Operation] = []
    if agent.status != "quarantined":
        further += set_status(agent, "quarantined", actor, f"{done}: {action.reason}")
    action.after = {"status": "quarantined", "task_ids": []}
    if done == "escalate":
        escalated = new_action(
            GUARDIAN_ACTOR,
            agent,
            "reallocate",
            reason=action.reason,
            initiated_by=action.initiated_by,
            authority=GUARDIAN,
            before=action.before,
            after=action.after,
        )
        action.guardian_action_id = escalated.id
        further.append(create(escalated))
    _note(action, actor)
    return [save(agent), *further, create(action)]


def _note(action: WatchdogAction, actor: Actor) -> None:
    record(
        action,
        EventType.REMEDIATION_EXECUTED,
        actor,
        agent_id=action.target_agent_id,
        policy=action.remediation_policy,
        success=action.success,
        escalated=action.guardian_action_id is not None,
    )
