"""What is deleted or archived while an agent works on it: the agent stops before it costs more."""

from dataclasses import replace

import pytest

from infra.needs import FUNCTIONS
from shared.edge.reactions import parse_change
from shared.edge.reactions.runs import react
from shared.events import EventType
from shared.runs.agent_runs.rows import ActiveRuns, Run
from shared.store import collection, fetch, get
from shared.work.items.deleting import delete_item
from shared.work.items.rows import Item
from shared.work.projects.updating import archive_project, restore_project
from tests.areas.test_runs import card_in, started
from tests.areas.test_runs_control import calls, model  # noqa: F401 - a fixture
from tests.areas.viewers import messages, project, raw_row, stream_record


def changed(key: str, act):
    """Return the change of a row by an action, as the stream has it."""
    before = raw_row(key)
    act()
    return parse_change(stream_record(raw_row(key), before))


def test_no_call_is_made_for_a_card_that_was_deleted(world, machine, model):  # noqa: F811
    """The reservation of the next call looks at the card in its own transaction, however late the stream is."""
    card = card_in(world, 1, "doc")

    def turn(request, cancelled):
        yield from calls(("read_card", {}))(request, cancelled)
        delete_item(world.actor, card.id)

    model.turns = [turn]
    run = machine.play(started(world, card, "prd"))
    assert (run.status, run.error_code) == ("failed", "CARD_NOT_FOUND")
    assert len(model.requests) == len(collection(2, f"RUN#{run.id}#USE")) == 1
    assert run.hold is None


def test_the_projector_stops_the_run_of_a_deleted_card_with_the_tables_that_it_is_deployed_with(world):
    card = card_in(world, 1, "doc")
    run_id, before = started(world, card, "prd"), raw_row(f"ITEM#{card.id}")
    assert world.ada("cards", "DELETE", f"/cards/{card.id}").status == 204
    messages()
    assert project(stream_record(raw_row(f"ITEM#{card.id}"), before)) == []
    assert fetch(Run, run_id).status == "cancelled"
    (told,) = [message["about"] for message in messages() if message.get("notice") == "run_status"]
    assert (told["status"], told["last"]) == ("cancelled", 0), "the viewers of the terminal learn of its end"


def test_a_function_that_reads_a_table_without_being_granted_it_fails_in_tests_too(world, monkeypatch):
    monkeypatch.setitem(FUNCTIONS, "stream_projector", replace(FUNCTIONS["stream_projector"], telemetry="none"))
    card = card_in(world, 1, "doc")
    started(world, card, "prd")
    before = raw_row(f"ITEM#{card.id}")
    delete_item(world.actor, card.id)
    assert project(stream_record(raw_row(f"ITEM#{card.id}"), before)) == ["1"]


@pytest.mark.parametrize("state", ["queued", "waiting"])
def test_deleting_a_card_stops_its_run(world, machine, model, state):  # noqa: F811
    card = card_in(world, 1, "doc")
    if state == "waiting":
        body = {"settings": {"requireApprovalForAgentRuns": True}}
        assert world.ada("workspaces", "PUT", f"/workspaces/{world.ws_id}", body=body).status == 200
    run_id = started(world, card, "prd")
    if state == "waiting":
        assert machine.play(run_id).status == "waiting"
    change = changed(f"ITEM#{card.id}", lambda: world.ada("cards", "DELETE", f"/cards/{card.id}"))
    react(change)
    run = fetch(Run, run_id)
    assert (run.status, run.error_code, run.error_message) == ("cancelled", "CANCELLED", "The card was deleted")
    assert not get(ActiveRuns, f"PROJ#{world.project.id}", "RUNS").run_ids
    assert not model.requests
    react(change)  # delivered twice
    assert fetch(Run, run_id).version == run.version
    deleted = fetch(Item, card.id)
    assert deleted.deleted_at
    assert deleted.event["type"] == EventType.ITEM_DELETED  # the end of the run is no news of the card


def test_deleting_a_card_without_a_run_stops_nothing(world):
    card = card_in(world, 1, "doc")
    react(changed(f"ITEM#{card.id}", lambda: delete_item(world.actor, card.id)))


def test_archiving_a_project_stops_its_runs_unless_it_was_restored(world, machine):
    run_id = started(world, card_in(world, 1, "doc"), "prd")
    change = changed(f"PROJ#{world.project.id}", lambda: archive_project(world.actor, world.project.id))
    restore_project(world.actor, world.project.id)
    react(change)
    assert not fetch(Run, run_id).ended
    react(changed(f"PROJ#{world.project.id}", lambda: archive_project(world.actor, world.project.id)))
    run = fetch(Run, run_id)
    assert (run.status, run.error_message) == ("cancelled", "The project was archived")
