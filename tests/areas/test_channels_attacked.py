"""What others try with alerts, handoffs, files and exports: strangers, people without the permission, and twenty at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.core.actor import Role
from shared.core.errors import Conflict
from shared.core.ids import new_id
from shared.insight.alerts import answering
from shared.insight.alerts.raising import Cause, raise_alert
from shared.insight.alerts.rows import Alert
from shared.people.tenancy.organizations import set_status
from shared.store import fetch
from shared.work.tasks.claiming import complete_task
from tests.areas.boards_world import World, create_world
from tests.areas.driving import Client
from tests.areas.test_attachments_omoios import send
from tests.areas.test_threads import agents, answer_of, asked, held, row


@pytest.fixture
def ada(world: World) -> Client:
    return world.ada.at("omoios")


def alert(world: World) -> Alert:
    made = raise_alert("ticket_blocked", 1, Cause(world.ws_id, "ticket", new_id(), "Blocked", new_id(), world.project.org_id))
    assert made is not None
    return made


def post(client: Client, alert_id: str, what: str) -> int:
    return client("notifications", "POST", f"/alerts/{alert_id}/{what}").status


@pytest.mark.parametrize("answer", [answering.acknowledge_alert, answering.resolve_alert])
def test_of_twenty_who_answer_an_alert_at_once_one_does(world, answer):
    made = alert(world)

    def ask(_: int) -> str:
        try:
            return str(answer(world.actor, made.id).status)
        except Conflict:
            return "refused"

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(ask, range(20)))
    assert answers.count("refused") == 19
    found = fetch(Alert, made.id)
    assert found is not None
    assert (found.status in answers, int(found.version)) == (True, int(made.version) + 1)


def test_who_may_not_edit_answers_no_alert_and_changes_no_rule(world, ada):
    made = alert(world)
    vera = world.join("Vera", "vera@example.com", Role.VIEWER).at("omoios")
    ben = world.join("Ben", "ben@example.com", Role.MEMBER).at("omoios")
    eve = create_world("eve@example.com", "Eve").ada.at("omoios")
    for what in ("acknowledge", "resolve"):
        assert [post(one, made.id, what) for one in (vera, eve)] == [403, 404]
    rule = f"/alerts/rules/ticket_blocked?project_id={world.project.id}"
    changed = [one("notifications", "PUT", rule, body={"enabled": False}).status for one in (vera, ben, eve, ada)]
    assert changed == [403, 403, 404, 200]
    assert [one("notifications", "GET", f"/alerts/{made.id}").status for one in (vera, ben, eve)] == [200, 200, 404]


def test_in_a_suspended_organization_no_alert_is_answered_and_no_thread_begun(world, ada):
    made, card = alert(world), world.card()
    one, two = agents(ada)
    set_status(str(world.project.org_id), "suspended")
    assert post(ada, made.id, "acknowledge") == 403
    thread = {"thread_type": "consultation", "participants": [one, two]}
    assert ada("messaging", "POST", "/collaboration/threads", body=thread).status == 403
    assert send(ada, card.id, b"x", "a.txt", "text/plain").status == 403


def test_a_handoff_of_a_task_that_has_ended_moves_nothing(world, ada):
    one, two = agents(ada)
    task = held(world, one)
    thread = asked(ada, one, two, task)
    complete_task(world.actor, task.id, {"summary": "Done"}, fence=int(task.fence))
    answer = answer_of(ada, thread, "accept", accepting_agent_id=two)
    assert answer.status == 409, answer.text
    assert row(task.id).agent["id"] == one
    assert row(task.id).status == "completed"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("a\r\nX-Injected: yes.txt", None),
        ("Übersicht 概要.txt", "Übersicht 概要.txt"),
        ("." * 300 + ".txt", "txt"),
    ],
)
def test_a_name_stays_a_name(world, ada, name, shown):
    made = send(ada, world.card().id, b"text", name, "text/plain")
    if shown is None and made.status == 422:
        return
    assert made.status == 201, made.text
    if shown:
        assert made.json["filename"] == shown
    got = ada("comments", "GET", f"/attachments/{made.json['id']}")
    assert got.status == 200
    assert "X-Injected" not in {header.title() for header in got.headers}
    assert all("\r" not in value and "\n" not in value for value in got.headers.get("content-disposition", []))


def test_a_drawing_with_a_script_is_never_shown_on_our_pages(world, ada):
    body = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    made = send(ada, world.card().id, body, "drawing.svg", "image/svg+xml")
    assert made.status == 201, made.text
    got = ada("comments", "GET", f"/attachments/{made.json['id']}")
    assert got.header("Content-Disposition").startswith("attachment;")
    assert got.header("X-Content-Type-Options") == "nosniff"
    assert send(ada, world.card().id, b"<html><script>1</script>", "page.html", "text/html").status == 422
    assert send(ada, world.card().id, b"", "empty.txt", "text/plain").status == 422


def test_what_one_may_not_see_is_not_exported(world, ada):
    eve = create_world("eve@example.com", "Eve").ada.at("omoios")
    card = world.card()
    for path in (
        f"/export/audit-trail?project_id={world.project.id}",
        f"/export/audit-trail?ticket_id={card.id}",
        f"/export/tickets?project_id={world.project.id}",
    ):
        assert eve("audit", "GET", path).status == 404, path
        assert ada("audit", "GET", path).status == 200, path
