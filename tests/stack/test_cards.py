"""Cards on the deployed stack: files through signed URLs, cards that go on by themselves through the stream, and an approval that is given
after the whole platform was started anew."""

import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import synth
from local.stack import LocalStack, new
from tests.stack.test_runs import Shop, ask, ended, founded, waits_for
from tests.waiting import eventually

PDF = b"%PDF-1.7\n" + b"%" * 2_000


def send(method: str, url: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    request = urllib.request.Request(url, body, headers or {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read()


@pytest.fixture
def shop(stack: LocalStack) -> Shop:
    return founded(stack)


def test_a_file_goes_up_and_comes_down_and_is_gone(shop: Shop) -> None:
    card = shop.card(6, "feature")
    asked = {"filename": "Plan.pdf", "contentType": "application/pdf", "size": len(PDF)}
    status, announced = shop("POST", f"/cards/{card}/attachments", asked)
    assert status == 201, announced
    target = announced["upload"]
    assert send(target["method"], target["url"], PDF + b"more", {"Content-Type": "application/pdf"})[0] == 403
    assert send(target["method"], target["url"], PDF, {"Content-Type": "application/pdf"})[0] == 200
    status, made = shop("POST", f"/attachments/{announced['id']}/complete")
    assert status == 200, made
    assert shop("GET", f"/cards/{card}")[1]["attachments"] == [made]
    url = shop("GET", made["url"])[1]["url"]
    assert send("GET", url) == (200, PDF)
    assert shop("DELETE", f"/attachments/{made['id']}")[0] == 204
    eventually(lambda: send("GET", url)[0], lambda code: code == 404)  # by the stream


def test_a_parent_goes_on_through_two_lanes_when_its_children_are_done(shop: Shop) -> None:
    for lane in (5, 6):
        settings = {"autoProgressConditions": [{"type": "children_done", "toLaneId": shop.lanes[lane + 1 if lane == 5 else 9]}]}
        assert shop("PUT", f"/lanes/{shop.lanes[lane]}", {"settings": settings})[0] == 200
    parent = shop.card(5, "epic")
    body = {"laneId": shop.lanes[0], "title": "Child", "type": "task", "parentId": parent}
    children = [shop("POST", f"/boards/{shop.board}/cards", body)[1]["id"] for _ in range(2)]
    for child in children:
        assert shop("PUT", f"/cards/{child}", {"status": "done"})[0] == 200
    found = eventually(lambda: shop("GET", f"/cards/{parent}")[1], lambda card: card["laneId"] == shop.lanes[9])
    moved = eventually(
        lambda: [one for one in shop("GET", f"/cards/{found['id']}/activities")[1]["activities"] if one["type"] == "moved"],
        lambda seen: len(seen) == 2,
    )
    assert {one["actor"]["name"] for one in moved} == {"Cadre"}


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[LocalStack]:
    found = new(tmp_path / "data")
    try:
        found.start(synth.assembly(settings={}))
        found.wait_until_healthy(0)
        yield found
    finally:
        found.stop()


def test_an_approval_that_is_asked_for_survives_a_restart(platform: LocalStack) -> None:
    shop = founded(platform)
    shop.settings(requireApprovalForAgentRuns=True)
    card = shop.card(1)
    run = shop.start(card)
    shop.until(run, waits_for("approval"))
    assert [one["runId"] for one in shop("GET", f"/workspaces/{shop.workspace}/approvals")[1]["approvals"]] == [run]
    platform.stop()
    again = new(platform.data, platform.port)
    try:
        again.start(synth.assembly(settings={}))
        again.wait_until_healthy(0)
        (asked,) = shop("GET", f"/workspaces/{shop.workspace}/approvals")[1]["approvals"]
        assert (asked["runId"], asked["cardTitle"], asked["waitingFor"]) == (run, "Guest checkout", "approval")
        # what waits is on its way into another execution, or is asked to by this answer
        eventually(lambda: shop("POST", f"/runs/{run}/approve", {})[0], lambda status: status == 200)
        done = shop.until(run, ended)
        assert done["status"] == "completed", done
        assert ask(shop.base, shop.token, "POST", f"/runs/{run}/approve", {})[0] == 409  # not a second time
    finally:
        again.stop()
