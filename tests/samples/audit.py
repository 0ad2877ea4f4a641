"""Requests of the area `audit`."""

from functions.audit import exporting
from shared.agents.catalogue import agent_named
from shared.core import clock
from shared.core.actor import SYSTEM
from shared.core.ids import new_id
from shared.events import Event, EventType
from shared.insight.audit import marking
from shared.insight.audit.sealing import seal
from shared.store import create, delete, fetch, write
from shared.work.activities.rows import new_activity
from shared.work.items.rows import Item
from tests.samples.stage import Sample, Samples, Stage

PRD = agent_named("prd")


def committed(stage: Stage) -> str:
    """A ticket whose trail has a commit of an agent; what links commits writes such an entry."""
    card = fetch(Item, Stage.card(stage))  # a plain one: whoever is not an agent stands in the trail without an agent's id
    assert card is not None
    data = {"commit_sha": "02979f61095b7d", "files_changed": 5, "insertions": 100, "deletions": 20}
    agent = {"agent_id": PRD.id, "agent_name": PRD.display_name}
    row = new_activity(card, Event(new_id(), EventType.ITEM_UPDATED, SYSTEM.summary, clock.iso(), {}, data | agent))
    row.type = "commit.linked"
    write(create(row))
    return card.id


def spoiled(stage: Stage) -> Sample:
    """A chain with a block, of whose entries one is gone."""
    card = fetch(Item, Stage.card(stage))
    assert card is not None
    event = Event(new_id(), EventType.ITEM_UPDATED, SYSTEM.summary, "2026-05-01T00:00:00.000Z", {}, {})
    row = new_activity(card, event)
    marking.mark(row)
    write(create(row), *marking.note_if_late(row))
    assert seal(f"WS#{stage.world.ws_id}") > 0
    write(delete(row))
    return Sample({}, query=f"project_id={stage.world.project.id}")


def exported(stage: Stage) -> Sample:
    """A file that its owner has asked for; it is nobody else's."""
    actor = stage.world.actor
    export = exporting.export_tickets(actor, stage.world.project.id, "csv", {})
    return Sample({"export_id": export.id}, caller=stage.world.ada)


SAMPLES: Samples = {
    ("omoios", "audit.ticket"): lambda s: Sample({"ticket_id": committed(s)}),
    ("omoios", "audit.agent"): lambda s: Sample({"agent_id": PRD.id} if committed(s) else {}),
    ("omoios", "audit.project"): lambda s: Sample({"project_id": s.world.project.id} if committed(s) else {}),
    ("omoios", "audit.verify"): lambda s: Sample({}, query=f"project_id={s.world.project.id}"),
    ("omoios", "export.tickets"): lambda s: Sample({}, query=f"project_id={s.world.project.id}"),
    ("omoios", "export.auditTrail"): lambda s: Sample({}, query=f"project_id={s.world.project.id}"),
}
ALONE: Samples = {("omoios", "export.file"): exported}
