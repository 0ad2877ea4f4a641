"""Exports of omoios: what is in the files, who gets them and how; and the audit trail that proves itself."""

import csv
import io
import json
import zipfile
from pathlib import Path

import pytest

from shared.agents.catalogue import agent_named
from shared.channels.exports import file_writer
from shared.core import clock
from shared.core.actor import Role
from shared.core.ids import new_id
from shared.events import Event, EventType
from shared.insight.audit import marking
from shared.insight.audit.rows import Block
from shared.people.access.records import Access, key_row
from shared.store import delete, get, put, update_now, write
from shared.store.client import dynamodb
from shared.work.activities.rows import Activity, new_activity
from shared.work.comments.writing import NewComment, create_comment
from shared.work.items.updating import block_item
from tests.areas.boards_world import World, create_world
from tests.areas.driving import Answer, Client
from tests.areas.exporting import force_async_exports, run_worker, waiting
from tests.areas.github_world import rows_of
from tests.areas.test_audit import chain, due, entries, seal, tell
from tests.areas.viewers import raw_row
from tests.seeding import put_directly
from tools import verify_audit


@pytest.fixture
def world(aws) -> World:
    marking._marked.clear()
    return create_world()


def get_file(world: World, path: str, client: Client | None = None) -> Answer:
    return (client or world.ada).at("omoios")("audit", "GET", path)


def tickets(world: World, more: str = "", client: Client | None = None) -> Answer:
    return get_file(world, f"/export/tickets?project_id={world.project.id}{more}", client)


def table(answer: Answer) -> list[dict[str, str]]:
    assert (answer.status, answer.header("content-type")) == (200, "text/csv; charset=utf-8; header=present")
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


def test_tickets_as_csv_are_safe_in_a_spreadsheet_and_whole(world):
    one = world.card(title="=cmd|' /C calc'!A0", priority="high", labels=["a", "b"])
    two = world.card(5, title='A "quoted", ticket')
    block_item(world.actor, two.id, "Waits")
    answer = tickets(world)
    assert answer.header("Content-Disposition").startswith('attachment; filename="tickets-engine-')
    first, second = table(answer)
    assert (first["id"], first["title"], first["priority"], first["labels"]) == (
        one.id,
        "'=cmd|' /C calc'!A0",
        "HIGH",
        '["a", "b"]',
    )
    assert (second["id"], second["phase_id"], second["status"]) == (two.id, "PHASE_IMPLEMENTATION", "open")
    assert {first["approval_status"], second["approval_status"]} == {"approved"}  # as everywhere
    assert (second["is_blocked"], second["blocked_reason"], second["title"]) == ("true", "Waits", 'A "quoted", ticket')


def test_tickets_are_filtered(world):
    one, two = world.card(priority="high"), world.card(5, priority="low")

    def found(filters: object) -> list[str]:
        return [row["id"] for row in table(tickets(world, f"&filters={json.dumps(filters)}"))]

    assert found({"priority": "high"}) == [one.id]
    assert found({"priority": ["HIGH", "LOW"], "phase_id": ["PHASE_IMPLEMENTATION"]}) == [two.id]
    assert found({"phase_id": "PHASE_REFACTORING"}) == [two.id]  # another name of the phase
    assert found({"is_blocked": True}) == []
    assert found({}) == [one.id, two.id]


@pytest.mark.parametrize(
    "filters",
    [
        "{", "[]", '{"color":"red"}', '{"status":3}', '{"is_blocked":"yes"}', '{"status":[]}', '{"status":"lost"}', '{"priority":"urgent"}',
        '{"phase_id":"PHASE_X"}',
    ],
)  # fmt: skip
def test_filters_that_are_none_are_refused(world, filters):
    answer = tickets(world, f"&filters={filters}")
    assert (answer.status, answer.json["error"]["code"]) == (422, "VALIDATION_ERROR")


def test_the_trail_of_an_agent_without_a_name_is_empty(world):
    entries(world, 3)
    assert table(get_file(world, "/export/audit-trail?agent_id=&format=csv")) == []


def test_every_format_has_the_same_tickets(world):
    card = world.card(title="Ünï 日本語 ticket")
    found = json.loads(tickets(world, "&format=json").text)
    assert ([row["id"] for row in found["rows"]], found["totals"]) == ([card.id], {"rows": 1})
    assert found["rows"][0]["title"] == card.title
    workbook = tickets(world, "&format=excel")
    with zipfile.ZipFile(io.BytesIO(workbook.body)) as book:
        assert card.id.encode() in b"".join(book.read(name) for name in book.namelist())
    pdf = tickets(world, "&format=pdf")
    assert (pdf.header("content-type"), pdf.body[:5]) == ("application/pdf", b"%PDF-")
    assert tickets(world, "&format=docx").status == 422


def test_a_large_file_is_where_the_answer_leads(world, monkeypatch):
    world.card()
    monkeypatch.setattr("functions.audit.omoios.MAX_INLINE", 10)
    answer = tickets(world)
    assert answer.status == 302
    assert "/exports/" in answer.header("Location")
    assert "X-Amz-Signature" in answer.header("Location")


def test_what_takes_longer_than_a_request_is_made_by_the_worker(world, monkeypatch):
    rows = entries(world, 30)
    force_async_exports(monkeypatch, rows=20)
    answer = get_file(world, f"/export/audit-trail?project_id={world.project.id}&format=excel")
    assert (answer.status, answer.header("Retry-After")) == (202, "5")
    assert answer.json["status"] == "pending"
    assert waiting() == [answer.json["export_id"]]
    path = answer.header("Location").removeprefix("/api/v1")
    assert get_file(world, path).status == 202
    assert run_worker(answer.json["export_id"])
    with zipfile.ZipFile(io.BytesIO(get_file(world, path).body)) as book:
        text = b"".join(book.read(name) for name in book.namelist())
    assert all(row.id.encode() in text for row in rows)
    vera = world.join("Vera", "vera@example.com", Role.ADMIN)
    assert get_file(world, path, vera).status == 404  # it may show what she may not see
    assert get_file(world, f"/export/files/{new_id()}").status == 404


def test_a_format_that_takes_fewer_rows_says_so(world, monkeypatch):
    world.card()
    world.card()
    monkeypatch.setitem(file_writer.MAX_ROWS, "csv", 1)
    answer = tickets(world)
    assert answer.status == 422
    assert "more than 1 rows" in answer.text


def test_the_trail_of_a_project_a_ticket_and_an_agent(world):
    card, other = world.card(), world.card()
    for pk in (f"ITEM#{card.id}", f"ITEM#{other.id}"):
        tell(pk)
    comment = create_comment(world.actor, card.id, NewComment("Words"))
    tell(f"COM#{comment.id}")

    def found(query: str, **more) -> list[str]:
        return [row["type"] for row in table(get_file(world, f"/export/audit-trail?{query}&format=csv", **more))]

    assert found(f"project_id={world.project.id}") == ["ticket_created", "ticket_created", "comment_created"]
    assert found(f"ticket_id={card.id}") == ["ticket_created", "comment_created"]
    assert found(f"ticket_id={card.id}&agent_id={new_id()}") == []
    assert found(f"agent_id={new_id()}") == []
    assert sorted(found("")) == ["comment_created", "ticket_created", "ticket_created"]
    shown = json.loads(get_file(world, f"/export/audit-trail?ticket_id={card.id}").text)
    assert [row["actor_name"] for row in shown["rows"]] == ["Ada Lovelace", "Ada Lovelace"]
    assert isinstance(shown["rows"][0]["details"], dict)
    eve = create_world("eve@example.com", "Eve")
    viewer = world.join("Vera", "vera@example.com", Role.VIEWER)
    for query in (f"project_id={world.project.id}", f"ticket_id={card.id}"):
        assert get_file(eve, f"/export/audit-trail?{query}").status == 404
        assert get_file(world, f"/export/audit-trail?{query}", viewer).status == 200
        assert get_file(world, f"/export/audit-trail?project_id={world.project.id}&proof=true", viewer).status == 403


# -- proof


@pytest.fixture
def proven(world) -> bytes:
    """An export with proof of 230 entries in two blocks."""
    rows = entries(world, 230)
    due(world, rows)
    assert seal(world) == 230
    answer = get_file(world, f"/export/audit-trail?project_id={world.project.id}&proof=true")
    assert answer.status == 200
    return answer.body


def checked(capsys, tmp_path: Path, text: bytes, *more: str) -> tuple[int, str]:
    path = tmp_path / "trail.json"
    path.write_bytes(text)
    return verify_audit.main([str(path), *more]), capsys.readouterr().out


def test_an_export_proves_itself(world, proven, capsys, tmp_path):
    assert json.loads(proven)["totals"] == {"lines": 232}
    status, said = checked(capsys, tmp_path, proven)
    last = list(json.loads(proven)["chain"])[-1]["hash"]
    assert (status, said) == (0, f"230 entries in 2 blocks; the last block's hash is {last}\nas it was sealed\n")
    assert checked(capsys, tmp_path, proven, "--hash", last)[0] == 0
    assert checked(capsys, tmp_path, proven, "--hash", "0" * 64)[0] == 1
    assert verify_audit.main([str(tmp_path / "none")]) == 2


def test_an_export_of_the_whole_workspace_proves_itself(world, proven, capsys, tmp_path):
    text = get_file(world, "/export/audit-trail?proof=true").body
    assert checked(capsys, tmp_path, text)[0] == 0


def test_a_row_that_was_changed_or_removed_is_named(world, proven, capsys, tmp_path):
    log, position = chain(world)[120]
    row = get(Activity, log, position)
    row.actor = row.actor | {"name": "Somebody Else"}
    write(put(row))
    gone = get(Activity, *chain(world)[210])
    write(delete(gone))
    path = f"/audit/verify?project_id={world.project.id}"
    answer = get_file(world, path).json
    assert answer["valid"] is False
    assert answer["faults"] == [
        {"block": 1, "entry_id": row.id, "problem": "the entry was changed"},
        {"block": 2, "entry_id": gone.id, "problem": "the entry is missing"},
    ]
    text = get_file(world, f"/export/audit-trail?project_id={world.project.id}&proof=true").body
    status, said = checked(capsys, tmp_path, text)
    assert status == 1
    assert said.splitlines()[:2] == [f"entry {row.id} was changed", f"entry {gone.id} is missing"]


def test_a_chain_that_is_whole_is_said_to_be(world, proven):
    answer = get_file(world, f"/audit/verify?project_id={world.project.id}").json
    assert answer == {
        "valid": True, "workspace_id": world.ws_id, "blocks": 2, "last_hash": answer["last_hash"], "checked_blocks": 2,
        "checked_entries": 230, "added": 0, "next_block": None, "faults": [],
    }  # fmt: skip
    entries(world, 1, "2026-05-01T00:00:01.500Z")  # by somebody who writes into the table
    answer = get_file(world, f"/audit/verify?project_id={world.project.id}").json
    assert (answer["valid"], answer["added"]) == (False, 1)
    rest = get_file(world, "/audit/verify?after_block=1").json
    assert (rest["valid"], rest["checked_blocks"], rest["checked_entries"]) == (True, 1, 30)


def test_a_block_that_was_changed_or_removed_is_named(world, proven):
    tenant = f"WS#{world.ws_id}"
    first = get(Block, f"AUDIT#{tenant}", "BLOCK#000000000001")
    write(delete(first))
    answer = get_file(world, "/audit/verify").json
    assert answer["valid"] is False
    first.hash = "0" * 64
    write(put(first))
    found = get_file(world, "/audit/verify").json["faults"]
    assert [(one["block"], one["entry_id"]) for one in found] == [(1, None), (2, None)]


def test_who_may_verify(world, proven):
    member = world.join("Max", "max@example.com", Role.MEMBER)
    assert get_file(world, "/audit/verify", member).json["workspace_id"] != world.ws_id  # his own
    assert get_file(world, f"/audit/verify?project_id={world.project.id}", member).status == 403
    eve = create_world("eve@example.com", "Eve")
    assert get_file(eve, f"/audit/verify?project_id={world.project.id}").status == 404
    assert get_file(eve, "/audit/verify").json["blocks"] == 0
    for query in ("format=csv", "ticket_id=x", "agent_id=x"):
        assert get_file(world, f"/export/audit-trail?proof=true&{query}").status == 422


@pytest.mark.parametrize(
    "name", ["actor", "changes", "data", "at the end of data", "type", "subject_kind", "ws_id", "item_id", "no type", "a number"]
)
def test_whatever_is_changed_in_an_entry_is_named(world, proven, capsys, tmp_path, name):
    log, position = chain(world)[7]
    raw = raw_row(log, position)
    if name == "at the end of data":
        raw["data"] = {"S": raw["data"]["S"][:-1] + "]"} if "data" in raw else {"S": '{"a":1'}
    elif name == "no type":
        del raw["type"]
    elif name == "a number":
        raw["subject_kind"] = {"N": "1"}
    else:
        raw[name] = {"S": "x" + raw.get(name, {"S": ""})["S"][1:]}
    dynamodb().put_item(TableName="core", Item=raw)
    answer = get_file(world, "/audit/verify").json
    assert [(one["block"], one["entry_id"]) for one in answer["faults"]] == [(1, position.partition("#")[2])]
    text = get_file(world, f"/export/audit-trail?project_id={world.project.id}&proof=true").body
    status, said = checked(capsys, tmp_path, text)
    assert (status, position.partition("#")[2] in said) == (1, True)


@pytest.mark.parametrize("at", [0, 1, 5, 12, 40, 120, -1, -10, -30])
@pytest.mark.parametrize("byte", ["x", "9", '"'])
def test_whatever_byte_is_changed_in_a_block_is_named(world, proven, capsys, tmp_path, at, byte):
    raw = raw_row(f"AUDIT#WS#{world.ws_id}", "BLOCK#000000000001")
    body = raw["body"]["S"]
    at = at % len(body)
    raw["body"] = {"S": body[:at] + (byte if body[at] != byte else "0") + body[at + 1 :]}
    dynamodb().put_item(TableName="core", Item=raw)
    answer = get_file(world, "/audit/verify").json
    assert (answer["valid"], answer["faults"][0]["block"]) == (False, 1)
    assert answer["faults"][0]["problem"] == "the block was changed"
    text = get_file(world, f"/export/audit-trail?project_id={world.project.id}&proof=true").body
    assert checked(capsys, tmp_path, text)[0] == 1


def spent(world: World) -> str:
    """An entry that says what was spent, and names an agent. Return the agent's id."""
    agent = agent_named("prd")
    event = Event(
        new_id(), EventType.RUN_COMPLETED, world.actor.summary, clock.iso(), {}, {"agent_id": agent.id, "price_micros": 5}
    )
    put_directly([new_activity(world.card(), event)])
    return agent.id


def test_a_trail_over_several_workspaces_shows_the_amounts_of_those_whose_costs_the_caller_may_see(world):
    """The workspace of the caller's own, where they may see all, says nothing of another one."""
    eve = create_world("eve@example.com", "Eve")
    update_now(key_row(world.actor.id), [Access.workspaces[eve.ws_id].set(Role.VIEWER.value)])
    agent = spent(eve)
    path = f"/export/audit-trail?agent_id={agent}&format=csv"
    spent(world)
    own, foreign = table(get_file(world, path))
    assert world.ws_id < eve.ws_id
    assert [json.loads(row["details"]) for row in (own, foreign)] == [{"price": 0.000005}, {}]


@pytest.mark.parametrize("query", ["project_id={project}", "agent_id={agent}", "project_id={project}&proof=true"])
def test_a_file_is_only_for_who_may_still_see_what_is_in_it(world, query):
    agent = spent(world)
    ben = world.join("Ben", "ben@example.com", Role.ADMIN)
    asked = get_file(world, "/export/audit-trail?" + query.format(project=world.project.id, agent=agent), ben)
    assert asked.status == 200, asked.text
    files = [f"/export/files/{row['PK']['S'].removeprefix('EXP#')}" for row in rows_of("EXP")]
    assert [get_file(world, path, ben).status for path in files] == [200]
    ben_id = ben("auth", "GET", "/auth/me").json["id"]
    update_now(key_row(ben_id), [Access.workspaces[world.ws_id].set(Role.VIEWER.value)])
    assert [get_file(world, path, ben).status for path in files] == [404]


def test_a_file_of_the_whole_workspace_is_only_for_who_administers_it(world):
    assert get_file(world, "/export/audit-trail").status == 200
    (row,) = rows_of("EXP")
    path = f"/export/files/{row['PK']['S'].removeprefix('EXP#')}"
    assert get_file(world, path).status == 200
    update_now(key_row(world.actor.id), [Access.workspaces[world.ws_id].set(Role.MEMBER.value)])
    assert get_file(world, path).status == 404


@pytest.mark.parametrize(
    "dates", ["end_date=9999-12-31", "start_date=0001-01-01&end_date=9999-12-31T23:59:59Z", "start_date=9999-12-31"]
)
def test_dates_at_the_ends_of_time(world, dates):
    answer = get_file(world, f"/audit/projects/{world.project.id}?{dates}")
    assert answer.status == 200, answer.text
