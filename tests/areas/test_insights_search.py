"""omoios, section 7: what searches find, in which order, and what they read."""

import json
from datetime import timedelta
from urllib.parse import quote

import pytest

from shared.agents.catalogue import agent_named
from shared.core import clock
from shared.core.actor import SYSTEM
from shared.core.ids import new_id
from shared.events import EventType, record
from shared.insight.search.filing import file_entry, remove_entry
from shared.insight.search.finding import MAX_ROWS, begin_search, query_words
from shared.insight.search.rows import MAX_WORDS, Entry, Found, partition_of, words_in
from shared.store import create, fetch, put_many, query, save, write
from shared.work.items.rows import Item
from shared.work.tasks.rows import Task
from tests.areas.boards_world import World, create_world
from tests.areas.driving import Client
from tests.areas.test_insights import pushed
from tests.areas.viewers import project, raw_row, stream_record
from tests.trips import count_requests


def told(card: Item, before=None) -> Item:
    project(stream_record(raw_row(f"ITEM#{card.id}"), before))
    return card


def card(world: World, title: str, **more) -> Item:
    return told(world.card(title=title, **more))


def found(client: Client, q: str, **filters) -> list[str]:
    more = f"&filters={quote(json.dumps(filters))}" if filters else ""
    answer = client("insights", "GET", f"/search/tickets?q={quote(q)}{more}")
    assert answer.status == 200, answer.text
    assert answer.header("x-total-count") == str(len(answer.json))
    return [one["title"] for one in answer.json]


# -- words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Payment-Gateway, v2!", ["payment", "gateway", "v2"]),
        ("STRASSE straße", ["strasse"]),
        ("Cafe\u0301 \uff21\uff22\uff23", ["café", "abc"]),
        ("支払い", ["支払", "払い"]),
        ("APIの設計", ["api", "の設", "設計"]),
        ("ไทย", ["ไท", "ทย"]),
        ("x" * 60, ["x" * 40]),
        ("the the THE", ["the"]),
        ("!?", []),
    ],
)
def test_words_of_a_text(text, words):
    assert words_in(text) == words


def test_an_entry_stands_under_so_many_words():
    entry = Entry("task", "1", "w", "p", "2026", " ".join(f"t{n}" for n in range(20)), " ".join(f"b{n}" for n in range(20)))
    title, body = entry.words()
    assert (len(title), len(body), body[0]) == (20, MAX_WORDS - 20, "b0")


# -- tickets


def test_a_ticket_is_found_by_the_beginning_of_each_word(world, ada):
    card(world, "Payment gateway times out", description="Stripe answers late")
    card(world, "Payment page")
    assert found(ada, "pay") == ["Payment page", "Payment gateway times out"]
    assert found(ada, "gate PAY") == ["Payment gateway times out"]
    assert found(ada, "stripe") == ["Payment gateway times out"]
    assert found(ada, "gateway page") == []
    assert found(ada, "ateway") == []  # not in the middle of a word: a board's own search finds that
    assert found(ada, "\uff30\uff21\uff39ment page") == ["Payment page"]


def test_a_word_of_the_title_comes_before_one_of_the_body_and_the_newest_first(world, ada):
    card(world, "Walrus one")
    card(world, "Sea lion", description="A walrus")
    card(world, "Walrus two")
    card(world, "Zebra", labels=["walrus"])
    assert found(ada, "walrus") == ["Walrus two", "Walrus one", "Zebra", "Sea lion"]


def test_what_changes_or_goes_is_found_no_more(world, ada):
    made = card(world, "Walrus")
    for change, word, still in (({"title": "Seal"}, "seal", "Seal"), ({"description": "Otters"}, "otters", "Seal")):
        before = raw_row(f"ITEM#{made.id}")
        assert world.ada("cards", "PUT", f"/cards/{made.id}", body=change).status == 200
        told(made, before)
        assert found(ada, word) == [still]
    assert found(ada, "walrus") == []
    before = raw_row(f"ITEM#{made.id}")
    assert world.ada("cards", "DELETE", f"/cards/{made.id}").status < 300
    assert found(ada, "seal") == []  # before the stream has told it: the row decides
    told(made, before)
    told(made, before)
    assert query(Found, partition_of(world.ws_id, "ticket")).rows == []


def test_filters_of_tickets(world, ada):
    plain = card(world, "Walrus plain", priority="low", labels=["Sea", "cold"])
    blocked = card(world, "Walrus blocked", priority="high")
    world.ada("cards", "PUT", f"/cards/{blocked.id}", body={"status": "blocked"})
    world.ada("cards", "PUT", f"/cards/{plain.id}", body={"assigneeId": world.ada.user["id"], "status": "done"})
    for filters, titles in (
        ({"priority": "HIGH"}, ["Walrus blocked"]),
        ({"status": "blocked"}, ["Walrus blocked"]),
        ({"status": "done"}, ["Walrus plain"]),
        ({"status": "in_progress"}, []),
        ({"assignee": world.ada.user["id"]}, ["Walrus plain"]),
        ({"labels": ["sea"]}, ["Walrus plain"]),
        ({"labels": ["sea", "warm"]}, []),
        ({"phase_id": blocked.phase_id, "priority": "high"}, ["Walrus blocked"]),
        ({"phase_id": "PHASE_TESTING"}, []),
        ({"project_id": world.project.id}, ["Walrus blocked", "Walrus plain"]),
    ):
        assert found(ada, "walrus", **filters) == titles, filters


@pytest.mark.parametrize(
    "filters",
    [
        "nonsense",
        "[]",
        '{"colour": "red"}',
        '{"status": "lost"}',
        '{"labels": "sea"}',
        '{"priority": 1}',
        '{"priority": "urgent"}',
    ],
)
def test_filters_that_make_no_sense_are_named(ada, filters):
    answer = ada("insights", "GET", f"/search/tickets?q=walrus&filters={quote(filters)}")
    assert answer.status == 422, answer.text
    (detail,) = answer.json["error"]["details"]
    assert detail["field"].startswith("filters")
    if "colour" in filters:
        assert detail["message"] == "There is no such filter; there are status, priority, phase_id, assignee, labels, project_id"


@pytest.mark.parametrize(
    "query", ["", "q=", "q=%21%3F", "q=" + "a%20b%20c%20d%20e%20f%20g%20h%20i", "q=walrus&limit=0", "q=walrus&types=cat"]
)
def test_a_search_for_nothing_is_refused(ada, query):
    for path in ("/search", "/search/tickets", "/search/commits"):
        if "types" in query and path != "/search":
            continue
        assert ada("insights", "GET", f"{path}?{query}").status == 422, path


# -- everything


def task(world: World, of: Item, title: str) -> Task:
    made = Task.new(
        new_id(),
        org_id=of.org_id,
        ws_id=of.ws_id,
        proj_id=of.proj_id,
        item_id=of.id,
        board_id=of.board_id,
        title=title,
        phase_id=of.phase_id,
        created_by=world.actor.summary,
    )
    record(made, EventType.TASK_CREATED, SYSTEM)
    write(create(made))
    project(stream_record(raw_row(f"TASK#{made.id}")))
    return made


def test_a_search_of_everything(world, ada):
    ticket = card(world, "Engine starts")
    made = task(world, ticket, "Start the engine")
    commit = pushed(world)
    agent = ada("agents", "POST", "/agents/register", body={"agent_type": "worker", "capabilities": ["engine"]}).json
    seen = ada("insights", "GET", "/search?q=engine").json
    assert [one["id"] for one in seen["tickets"]] == [ticket.id]
    assert [(one["id"], one["ticket_id"]) for one in seen["tasks"]] == [(made.id, ticket.id)]
    assert [one["commit_sha"] for one in seen["commits"]] == [commit.sha]
    assert seen["agents"][0]["id"] == agent["agent_id"]
    assert (seen["total"], seen["total_is_exact"]) == (3 + len(seen["agents"]), True)
    only = ada("insights", "GET", "/search?q=engine&types=task,%20commit").json
    assert (len(only["tasks"]), len(only["commits"]), only["tickets"], only["agents"], only["total"]) == (1, 1, [], [], 2)
    assert ada("insights", "GET", f"/search?q=engine&project_id={world.project.id}&types=ticket").json["total"] == 1
    made.deleted_at = clock.iso()
    write(save(made))
    assert ada("insights", "GET", "/search?q=engine&types=task").json == {
        "tickets": [], "tasks": [], "commits": [], "agents": [], "total": 0, "total_is_exact": True,
    }  # fmt: skip


def test_a_catalogue_agent_is_found_by_its_name(ada):
    seen = ada("insights", "GET", "/search?q=prd&types=agent").json
    assert agent_named("prd").id in [one["id"] for one in seen["agents"]]
    assert {one["agent_type"] for one in seen["agents"]} == {"catalogue"}


def test_another_tenant_finds_nothing_of_ours(world, ada):
    card(world, "Walrus")
    eve = create_world("eve@example.com", "Eve").ada.at("omoios")
    assert eve("insights", "GET", "/search?q=walrus").json["total"] == 0
    assert found(eve, "walrus") == []
    for path in (
        f"/search?q=walrus&project_id={world.project.id}",
        f"/search/commits?q=walrus&project_id={world.project.id}",
        f"/search/tickets?q=walrus&filters={quote(json.dumps({'project_id': world.project.id}))}",
    ):
        assert eve("insights", "GET", path).status == 404


def test_commits_by_sha_agent_ticket_and_date(world, ada):
    commit = pushed(world)
    old = pushed(world)
    stored = fetch(type(old), old.id)
    stored.date, stored.agent_id, stored.card_id = clock.iso(clock.now() - timedelta(days=10)), "a1", "c1"
    write(save(stored))
    file_entry(Entry("commit", old.id, world.ws_id, world.project.id, stored.date, "Engines start", old.sha))

    def shas(query: str) -> list[str]:
        answer = ada("insights", "GET", f"/search/commits?{query}")
        assert answer.status == 200, answer.text
        return [one["commit_sha"] for one in answer.json]

    today = clock.iso()[:10]
    assert shas("q=engines") == [commit.sha, old.sha]
    assert shas(f"q={commit.sha[:38]}") == [commit.sha]
    assert shas("q=engines&agent_id=a1") == [old.sha]
    assert shas("q=engines&ticket_id=c1") == [old.sha]
    assert shas("q=engines&ticket_id=c2") == []
    assert shas(f"q=engines&date_from={today}&date_to={today}") == [commit.sha]
    assert shas(f"q=engines&date_to={stored.date[:10]}") == [old.sha]
    for wrong in (f"date_from={today}&date_to=2020-01-01", "date_from=yesterday"):
        assert ada("insights", "GET", f"/search/commits?q=engines&{wrong}").status == 422


# -- large


def fill(world: World, number: int, title: str) -> None:
    """So many tasks with the same words, put into the index as it would hold them."""
    words = words_in(title)
    rows = [
        Found(
            pk=partition_of(world.ws_id, "task"), sk=f"{word}#{one:08d}", proj_id=world.project.id, at=f"2026-{one:08d}",
            title=" ".join(words),
        )
        for one in range(number)
        for word in words
    ]  # fmt: skip
    for start in range(0, len(rows), 25):
        put_many(rows[start : start + 25])


def test_a_rare_word_makes_a_search_exact_however_common_the_others_are(world, ada):
    fill(world, MAX_ROWS + 200, "common words")
    rare = task(world, world.card(), "common needle words")
    hits = begin_search(world.ws_id, "task", query_words("common needle words"))()
    assert ([hit.id for hit in hits.hits], hits.complete) == ([rare.id], True)
    seen = ada("insights", "GET", "/search?q=common%20needle&types=task").json
    assert (seen["total"], seen["total_is_exact"]) == (1, True)


def test_a_search_of_common_words_is_bounded_and_says_so(world, ada):
    fill(world, MAX_ROWS + 200, "common words")
    with count_requests() as seen:
        hits = begin_search(world.ws_id, "task", query_words("common words"))()
    assert len(seen.names) + len(seen.beside) == 2  # a query for each word
    assert (len(hits.hits), hits.complete) == (MAX_ROWS, False)
    assert ada("insights", "GET", "/search?q=common&types=task").json["total_is_exact"] is False


def test_who_dies_while_filing_leaves_nothing_that_is_not_found_again(world):
    """Twice is as once, and a removal takes away what a change had left."""
    entry = Entry("task", "1", world.ws_id, "p", clock.iso(), "walrus seal")
    for one in (entry, entry, Entry("task", "1", world.ws_id, "p", clock.iso(), "seal otter")):
        file_entry(one)
    rows = query(Found, partition_of(world.ws_id, "task")).rows
    assert sorted(row.sk for row in rows) == ["#1", "otter#1", "seal#1"]
    remove_entry(world.ws_id, "task", "1")
    remove_entry(world.ws_id, "task", "1")
    assert query(Found, partition_of(world.ws_id, "task")).rows == []
