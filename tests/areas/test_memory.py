"""omoios: memories of tasks through HTTP: stored, found, counted; patterns that are made of them; what completed tasks teach."""

from dataclasses import replace
from typing import Any

import pytest

from shared.core.ids import new_id
from shared.events import EventType, record
from shared.insight.memories import storing
from shared.insight.memories.advising import PatternQuery, list_patterns
from shared.insight.memories.ranking import SearchQuery
from shared.insight.memories.rows import Memory, MemoryCount, Pattern
from shared.insight.memories.searching import search_memories
from shared.insight.memories.storing import NewMemory, store_memory
from shared.store import fetch, get, save, write
from shared.work.items.deleting import delete_item
from shared.work.items.rows import Item
from tests.areas.boards_world import World, create_world
from tests.areas.driving import Answer, Client
from tests.areas.test_tasks_omoios import add, follow
from tests.areas.viewers import listen, project, pushed, raw_row, stream_record
from tests.kills import concurrently
from tests.samples.counted import archived
from tests.samples.memory import REPORT, SUMMARY
from tests.stored_rows import check_rows


def ask(world: World, method: str, path: str, body: Any = None, client: Client | None = None) -> Answer:
    return (client or world.ada).at("omoios")("memory", method, path, body=body)


def store(world: World, summary: str = SUMMARY, *, success: bool = True, task: str | None = None, **more: Any) -> dict[str, Any]:
    body = {"task_id": task or add(world)["id"], "execution_summary": summary, "success": success} | more
    answer = ask(world, "POST", "/memory/store", body)
    assert answer.status == 201, answer.text
    return answer.json


def search(world: World, text: str, **more: Any) -> list[dict[str, Any]]:
    answer = ask(world, "POST", "/memory/search", {"task_description": text} | more)
    assert answer.status == 200, answer.text
    return answer.json


def context(world: World, task_id: str, query: str = "") -> dict[str, Any]:
    answer = ask(world, "GET", f"/memory/tasks/{task_id}/context{query}")
    assert answer.status == 200, answer.text
    return answer.json


def patterns(world: World, query: str = "") -> list[dict[str, Any]]:
    answer = ask(world, "GET", f"/memory/patterns{query}")
    assert answer.status == 200, answer.text
    return answer.json


def test_a_memory_is_stored_with_its_task_and_found(world):
    task = add(world)["id"]
    stored = store(world, task=task, error_patterns={"TimeoutError": "after 30 s"}, memory_type="error_fix")
    assert stored == {"memory_id": stored["memory_id"], "task_id": task, "status": "stored", "pattern_id": None}
    row = fetch(Memory, stored["memory_id"])
    assert (row.task_id, row.proj_id, row.error_patterns) == (task, world.project.id, {"TimeoutError": "after 30 s"})
    store(world, "Wrote the monthly invoice as a PDF with the address of the customer")
    (found,) = search(world, "The login session times out")
    assert found == {
        "task_id": task, "memory_id": stored["memory_id"], "summary": SUMMARY, "success": True, "similarity_score": 1.0,
        "reused_count": 1, "memory_type": "error_fix",
    }  # fmt: skip
    check_rows()


def test_who_listens_is_told_of_a_search_and_not_of_what_was_asked(world):
    stored = store(world)["memory_id"]
    search(world, "The login session times out")  # while nobody listens
    listen(world.ws_id)
    search(world, "How to paint a wall", search_mode="keyword")  # finds nothing
    search(world, "The login session times out", project_id=world.project.id)
    (told,) = pushed("omoios")
    assert {name: told[name] for name in ("event_type", "entity_type", "entity_id", "payload")} == {
        "event_type": "MEMORY_SEARCHED",
        "entity_type": "memory",
        "entity_id": stored,
        "payload": {"memory_ids": [stored], "results_count": 1, "search_mode": "hybrid"},
    }


def test_a_search_is_told_in_each_workspace_with_what_was_found_there(world):
    other = create_world("bob@example.com", "Bob")
    other.join_again(world.ada)
    mine, theirs = store(world)["memory_id"], store(other)["memory_id"]
    listen(other.ws_id)
    assert len(search(world, "The login session times out")) == 2
    (told,) = pushed("omoios")
    assert told["payload"]["memory_ids"] == [theirs]
    assert mine not in str(told)


def test_what_is_stored_is_told(world):
    listen(world.ws_id)
    stored = store(world, success=False)
    project(stream_record(raw_row(f"MEMORY#{stored['memory_id']}")))
    (told,) = pushed("omoios")
    assert (told["event_type"], told["entity_type"], told["entity_id"]) == ("MEMORY_SAVED", "memory", stored["memory_id"])
    assert told["payload"] == {
        "memory_id": stored["memory_id"], "task_id": stored["task_id"], "memory_type": "warning", "success": False,
    }  # fmt: skip


def test_it_is_counted_how_often_a_memory_is_handed_out(world):
    store(world)
    assert [search(world, "login timeout")[0]["reused_count"] for _ in range(3)] == [1, 2, 3]
    assert search(world, "kitchen sink") == []
    task = add(world, title="The login times out")["id"]
    assert context(world, task)["similar_tasks"][0]["reused_count"] == 4


def test_modes_weights_and_filters(world):
    said, meant = store(world, "Database connections run out under load: raised the pool"), store(world, success=False)
    words = "database connections run out"
    for mode in ("semantic", "keyword", "hybrid"):
        assert [one["memory_id"] for one in search(world, words, search_mode=mode)] == [said["memory_id"]], mode
    assert search(world, words, similarity_threshold=1.0, search_mode="semantic") == []
    assert len(search(world, words, similarity_threshold=1.0)) == 1  # by its words
    assert len(search(world, words, similarity_threshold=0.0)) == 2
    assert search(world, "login timeout", success_only=True) == []
    assert [one["memory_id"] for one in search(world, "login timeout", memory_types=["warning"])] == [meant["memory_id"]]
    assert search(world, "login timeout", memory_types=["decision"]) == []
    assert len(search(world, words, semantic_weight=0.0, keyword_weight=0.1)) == 1
    wrong = {"task_description": words, "semantic_weight": 0.0, "keyword_weight": 0.0}
    assert ask(world, "POST", "/memory/search", wrong).status == 422
    for name, value in (("top_k", 0), ("top_k", 101), ("similarity_threshold", 1.1), ("search_mode", "odd")):
        assert ask(world, "POST", "/memory/search", {"task_description": words, name: value}).status == 422, name


def test_another_tenant_finds_nothing(world):
    stored = store(world)
    for _ in range(2):
        store(world)
    (made,) = patterns(world)
    other = create_world("bob@example.com", "Bob")
    assert search(other, SUMMARY, similarity_threshold=0.0) == []
    assert patterns(other) == []
    assert ask(other, "POST", "/memory/search", {"task_description": "x", "project_id": world.project.id}).status == 404
    assert ask(other, "GET", f"/memory/tasks/{stored['task_id']}/context").status == 404
    body = {"task_id": stored["task_id"], "execution_summary": "Theirs", "success": True}
    assert ask(other, "POST", "/memory/store", body).status == 404
    assert ask(other, "POST", "/memory/complete-task", REPORT | {"task_id": stored["task_id"]}).status == 404
    assert ask(other, "POST", f"/memory/patterns/{made['pattern_id']}/feedback", {"helpful": True}).status == 404
    assert ask(other, "POST", "/memory/patterns/extract", {"task_type_pattern": "implementation"}).status == 400


LOGINS = (
    "Fixed the login timeout: the session token expired early, renewed the token",
    "Login timeout fixed by renewing the session token before it expires",
    "Repaired the timeout of the login, because the session token was not renewed",
)


def test_three_similar_successes_make_a_pattern(world):
    store(world, "Added an invoice export as PDF")
    stored = [store(world, text) for text in LOGINS]
    assert [one["pattern_id"] is not None for one in stored] == [False, False, True]
    (made,) = patterns(world)
    assert made["pattern_id"] == stored[2]["pattern_id"]
    assert (made["pattern_type"], made["task_type_pattern"], made["usage_count"]) == ("success", "implementation", 0)
    assert {"login", "timeout", "session", "token"} <= set(made["success_indicators"])
    assert made["failure_indicators"] == []
    assert made["confidence_score"] == 0.6  # 3 of 3, and 2 for doubt
    assert made["recommended_context"]["sample_count"] == 3
    fourth = store(world, LOGINS[0])
    assert fourth["pattern_id"] == made["pattern_id"]  # the same one knows more
    assert [one["confidence_score"] for one in patterns(world)] == [0.6667]
    assert store(world, LOGINS[0], auto_extract_patterns=False)["pattern_id"] is None


def test_failures_make_a_pattern_of_their_own(world):
    texts = [f"The login timeout came back after the deployment of the proxy, try {number}" for number in range(3)]
    made = [store(world, text, success=False, error_patterns={"GatewayTimeout": "504"}) for text in texts]
    (pattern,) = patterns(world, "?pattern_type=failure")
    assert pattern["pattern_id"] == made[-1]["pattern_id"]
    assert "GatewayTimeout" in pattern["failure_indicators"]
    assert "proxy" in pattern["failure_indicators"]
    assert pattern["success_indicators"] == []
    assert patterns(world, "?pattern_type=success") == []


def test_a_pattern_is_extracted_on_request_and_again(world):
    for text in LOGINS:
        store(world, text, auto_extract_patterns=False)
    body = {"task_type_pattern": "login", "project_id": world.project.id}
    too_few = ask(world, "POST", "/memory/patterns/extract", body | {"min_samples": 4})
    assert (too_few.status, too_few.json["detail"]) == (400, "Only 3 memories fit 'login'; 4 are needed")
    first = ask(world, "POST", "/memory/patterns/extract", body)
    assert first.status == 201, first.text
    assert first.json == {
        "pattern_id": first.json["pattern_id"], "confidence": 0.6, "confidence_score": 0.6, "sample_count": 3,
        "status": "extracted",
    }  # fmt: skip
    store(world, "The login is broken, the timeout is not found", success=False, auto_extract_patterns=False)
    again = ask(world, "POST", "/memory/patterns/extract", body)
    assert (again.json["pattern_id"], again.json["confidence"]) == (first.json["pattern_id"], 0.5)
    by_type = ask(world, "POST", "/memory/patterns/extract", {"task_type_pattern": "impl*"})
    assert by_type.status == 201
    assert by_type.json["pattern_id"] != first.json["pattern_id"]
    for name, value in (("min_samples", 1), ("min_samples", 11), ("pattern_type", "odd"), ("task_type_pattern", " ")):
        assert ask(world, "POST", "/memory/patterns/extract", body | {name: value}).status == 422, name
    optimization = ask(world, "POST", "/memory/patterns/extract", body | {"pattern_type": "optimization"})
    assert optimization.status == 400


def test_feedback_moves_the_confidence_between_0_and_1(world):
    for text in LOGINS:
        store(world, text)
    (made,) = patterns(world)
    path = f"/memory/patterns/{made['pattern_id']}/feedback"

    def judge(**body: Any) -> float:
        answer = ask(world, "POST", path, body)
        assert (answer.status, answer.json["status"]) == (200, "feedback_recorded"), answer.text
        return answer.json["new_confidence"]

    assert [judge(helpful=True) for _ in range(3)] == [0.8, 1.0, 1.0]
    assert judge(helpful=False) == 0.8
    assert judge(helpful=True, confidence_adjustment=0.05) == 0.85
    assert [judge(helpful=False) for _ in range(5)] == [0.65, 0.45, 0.25, 0.05, 0.0]
    assert fetch(Pattern, made["pattern_id"]).confidence == 0.0
    assert ask(world, "POST", path, {"helpful": True, "confidence_adjustment": 0.3}).status == 422
    assert ask(world, "POST", f"/memory/patterns/{new_id()}/feedback", {"helpful": True}).status == 404


def test_the_context_of_a_task_says_what_follows_from_what_is_known(world):
    task = add(world, title="Login times out", description="The session token of the login expires")["id"]
    assert context(world, task) == {"similar_tasks": [], "matching_patterns": [], "recommendations": []}
    for text in LOGINS:
        store(world, text)
    own = store(world, LOGINS[0], task=task)
    found = context(world, task)
    assert len(found["similar_tasks"]) == 3
    assert own["memory_id"] not in {one["memory_id"] for one in found["similar_tasks"]}
    assert [one["usage_count"] for one in found["matching_patterns"]] == [1]
    assert [one["usage_count"] for one in patterns(world)] == [1]
    assert any(line.startswith("A similar task worked: ") for line in found["recommendations"])
    assert any("has to do with" in line for line in found["recommendations"])
    assert len(context(world, task, "?top_k=1")["similar_tasks"]) == 1


def complete(world: World, task_id: str, **more: Any) -> dict[str, Any]:
    answer = ask(world, "POST", "/memory/complete-task", REPORT | {"task_id": task_id} | more)
    assert answer.status == 200, answer.text
    assert answer.json["success"] is True
    return answer.json["ace_result"]


def test_a_completed_task_teaches(world):
    task = add(world)["id"]
    tools = [
        {"tool_name": "edit", "arguments": {"path": "src/auth/session.py", "text": "x = 1"}, "result": "ok"},
        {"tool_name": "run", "arguments": {"command": "pytest"}, "result": "KeyError: 'token'\n1 failed"},
        {"tool_name": "read", "arguments": {"files": ["src/auth/session.py", "tests/test_auth.py"]}},
    ]
    first = complete(world, task, tool_usage=tools)
    assert first["files_linked"] == ["src/auth/session.py", "tests/test_auth.py"]
    assert first["errors_identified"] == ["KeyError: 'token'", "1 failed"]
    assert first["insights_found"] == [
        "The session lifetime was too short, because the cache evicted it early.",
        "Always check the cache size first.",
    ]
    assert first["memory_type"] == "error_fix"
    assert {"implementation", "python"} <= set(first["tags_added"])
    assert [one["content"] for one in first["playbook_delta"]["added"]] == first["insights_found"]
    assert (first["related_playbook_entries"], first["updated_bullets"]) == ([], [])
    row = fetch(Memory, first["memory_id"])
    assert (row.task_id, row.success, row.agent_id) == (task, True, "agent-456")
    second = complete(world, add(world)["id"], result="It works again. Always check first the cache size.", feedback="Good")
    assert second["playbook_delta"]["added"] == []
    (updated,) = second["updated_bullets"]
    assert (updated["content"], updated["helpful"]) == ("Always check the cache size first.", 2)
    assert updated["id"] in {one["id"] for one in second["related_playbook_entries"]}
    assert second["change_id"] not in (None, first["change_id"])
    third = complete(world, add(world)["id"], result="Nothing to say here", feedback="")
    assert (third["insights_found"], third["change_id"]) == ([], None)
    advised = context(world, add(world, title="Check the cache of the sessions")["id"])
    assert "From the playbook: Always check the cache size first." in advised["recommendations"]


def test_a_report_of_a_failure_is_a_warning(world):
    found = complete(
        world, add(world)["id"], result="The migration failed with LockTimeout: table busy", feedback="It did not work."
    )
    assert (found["memory_type"], found["errors_identified"]) == ("warning", ["LockTimeout: table busy"])
    assert fetch(Memory, found["memory_id"]).success is False


@pytest.mark.parametrize(
    "change", [{"goal": "short"}, {"result": "short"}, {"tool_usage": [{"tool_name": "x"}]}, {"agent_id": ""}]
)
def test_a_report_must_be_whole(world, change):
    assert ask(world, "POST", "/memory/complete-task", REPORT | {"task_id": add(world)["id"]} | change).status == 422


def test_nothing_is_stored_of_what_is_archived_or_gone(world):
    made, gone = add(world), add(world)
    item = fetch(Item, archived(made["ticket_id"]))
    record(item, EventType.ITEM_UPDATED, world.actor, changes={"archived_at": [None, item.archived_at]})
    write(save(item))
    follow(f"ITEM#{item.id}")
    delete_item(world.actor, gone["ticket_id"])
    body = {"execution_summary": "Late", "success": True}
    assert ask(world, "POST", "/memory/store", body | {"task_id": made["id"]}).status == 409
    assert ask(world, "POST", "/memory/store", body | {"task_id": gone["id"]}).status == 404
    assert ask(world, "POST", "/memory/store", body | {"task_id": new_id()}).status == 404


def test_of_as_many_memories_as_there_may_be_the_oldest_goes(world, monkeypatch):
    monkeypatch.setattr(storing, "MAX_MEMORIES", 2)
    first, second, third = (store(world, f"The walrus number {word} swims") for word in ("one", "two", "three"))
    found = {one["memory_id"] for one in search(world, "walrus swims")}
    assert found == {second["memory_id"], third["memory_id"]}
    assert fetch(Memory, first["memory_id"]) is None
    assert int(get(MemoryCount, f"WS#{world.ws_id}", "MEMORIES").memories) == 2
    check_rows()


def test_two_that_store_at_once_are_both_counted_and_renew_one_pattern(world):
    for text in LOGINS:
        store(world, text)
    task = add(world)["id"]
    with concurrently(lambda: store_memory(world.actor, task, NewMemory(LOGINS[1], True))) as other:
        store(world, LOGINS[0], task=task)
    assert other.happened
    assert int(get(MemoryCount, f"WS#{world.ws_id}", "MEMORIES").memories) == 5
    (made,) = patterns(world)
    assert (made["recommended_context"]["sample_count"], made["confidence_score"]) == (5, 0.7143)


def test_an_agent_of_a_project_finds_what_its_project_knows(world):
    stored = store(world)
    agent = replace(world.actor, project_id=world.project.id)
    assert [one.memory.id for one in search_memories(agent, SearchQuery("login timeout"))] == [stored["memory_id"]]
    elsewhere = replace(world.actor, project_id=new_id())
    assert search_memories(elsewhere, SearchQuery("login timeout")) == []
    assert list_patterns(elsewhere, PatternQuery()) == ([], 0)


def test_a_repeated_request_stores_once(world):
    body = {"task_id": add(world)["id"], "execution_summary": SUMMARY, "success": True}
    omoios = world.ada.at("omoios")
    answers = [omoios("memory", "POST", "/memory/store", body=body, headers={"Idempotency-Key": "one"}) for _ in range(2)]
    assert [one.status for one in answers] == [201, 201]
    assert answers[0].json == answers[1].json
    assert len(search(world, "login timeout")) == 1
