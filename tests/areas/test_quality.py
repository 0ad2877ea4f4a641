"""omoios: the quality of tasks through HTTP: measured, predicted, over time; and gates that hold back what is not good enough."""

from typing import Any

import pytest

from shared.core.errors import Conflict
from shared.insight.quality.measuring import NewMetric, record_metric
from shared.work.tasks.claiming import claim_task, complete_task
from tests.areas.boards_world import World, create_world
from tests.areas.test_memory import ask, store
from tests.areas.test_tasks_omoios import add, put
from tests.areas.viewers import project, raw_row, stream_record
from tests.kills import concurrently
from tests.stored_rows import check_rows


def record(world: World, task_id: str, metric_type: str = "coverage", value: float = 90, **more: Any) -> dict[str, Any]:
    body = {"task_id": task_id, "metric_type": metric_type, "metric_name": f"{metric_type}_total", "value": value} | more
    answer = ask(world, "POST", "/quality/metrics/record", body)
    assert answer.status == 201, answer.text
    return answer.json


def set_gate(world: World, gate_id: str = "release", **body: Any) -> dict[str, Any]:
    answer = ask(world, "PUT", f"/quality/gates/{gate_id}", {"project_id": world.project.id} | body)
    assert answer.status == 200, answer.text
    return answer.json


def evaluate(world: World, gate_id: str, task_id: str) -> dict[str, Any]:
    answer = ask(world, "POST", f"/quality/gates/{gate_id}/evaluate?task_id={task_id}")
    assert answer.status == 200, answer.text
    return answer.json


@pytest.mark.parametrize(
    ("metric_type", "value", "threshold", "passed"),
    [
        ("coverage", 80, None, True),
        ("coverage", 79.9, None, False),
        ("complexity", 10, None, True),
        ("complexity", 11, None, False),
        ("lint", 0, None, True),
        ("lint", 3, 5, True),
        ("lint", 6, 5, False),
        ("security", 7, 7, True),
        ("performance", 6, 7, False),
        ("documentation", 81, None, True),
    ],
)
def test_a_metric_passes_by_its_type(world, metric_type, value, threshold, passed):
    task = add(world)["id"]
    made = record(world, task, metric_type, value, threshold=threshold)
    assert (made["task_id"], made["passed"], made["value"]) == (task, passed, value)
    (listed,) = ask(world, "GET", f"/quality/metrics/{task}").json
    assert listed == made
    check_rows()


def test_wrong_metrics_are_refused(world):
    task = add(world)["id"]
    body = {"task_id": task, "metric_type": "coverage", "metric_name": "x", "value": 1}
    for name, value in (("metric_type", "odd"), ("metric_name", ""), ("value", "high"), ("value", True)):
        assert ask(world, "POST", "/quality/metrics/record", body | {name: value}).status == 422, name
    other = create_world("bob@example.com", "Bob")
    assert ask(other, "POST", "/quality/metrics/record", body).status == 404
    assert ask(other, "GET", f"/quality/metrics/{task}").status == 404


def test_trends_are_those_of_the_newest_metrics(world):
    assert ask(world, "GET", "/quality/trends").json == {"trend": "no_data", "metrics_analyzed": 0}
    task, tested = add(world)["id"], add(world, phase_id="PHASE_TESTING")["id"]
    record(world, task, value=10)
    for value in (70, 90):
        record(world, task, value=value)
    record(world, tested, "lint", 4)
    assert ask(world, "GET", "/quality/trends?limit=3").json == {
        "trends": {
            "coverage": {"average_value": 80.0, "pass_rate": 0.5, "sample_count": 2},
            "lint": {"average_value": 4.0, "pass_rate": 0.0, "sample_count": 1},
        },
        "metrics_analyzed": 3,
        "overall_pass_rate": 0.3333,
    }
    phase = ask(world, "GET", "/quality/trends?phase_id=PHASE_TESTING").json
    assert (list(phase["trends"]), phase["metrics_analyzed"]) == (["lint"], 1)
    assert ask(world, "GET", f"/quality/trends?project_id={world.project.id}").json["metrics_analyzed"] == 4
    other = create_world("bob@example.com", "Bob")
    assert ask(other, "GET", "/quality/trends").json["metrics_analyzed"] == 0
    assert ask(other, "GET", f"/quality/trends?project_id={world.project.id}").status == 404
    assert ask(world, "GET", "/quality/trends?phase_id=odd").status == 422


def predict(world: World, text: str, **more: Any) -> dict[str, Any]:
    answer = ask(world, "POST", "/quality/predict", {"task_description": text} | more)
    assert answer.status == 200, answer.text
    return answer.json


def test_a_prediction_follows_from_similar_tasks(world):
    nothing = predict(world, "Make the login faster")
    assert (nothing["confidence"], nothing["similar_task_count"], nothing["risk_level"]) == (0.0, 0, "medium")
    assert nothing["recommendations"] == ["Nothing similar has been done yet: this is a guess, not a prediction"]
    for _ in range(3):
        task = store(world, "Made the login of the web page faster by caching the session")["task_id"]
        record(world, task, value=95)
    good = predict(world, "Make the login faster", task_type="implementation")
    assert (good["predicted_quality_score"] > 0.85, good["similar_task_count"], good["pattern_count"]) == (True, 3, 1)
    assert (good["risk_level"], 0.3 < good["confidence"] <= 0.5) == ("low", True)
    for _ in range(4):
        task = store(world, "Tried to migrate the database schema and lost rows", success=False)["task_id"]
        record(world, task, value=20)
    bad = predict(world, "Migrate the schema of the database")
    assert (bad["risk_level"], bad["predicted_quality_score"] < 0.3) == ("high", True)
    assert "4 of 4 similar tasks failed" in bad["recommendations"]
    assert "Coverage was not good enough in 4 of 4 similar tasks" in bad["recommendations"]
    other = create_world("bob@example.com", "Bob")
    assert predict(other, "Make the login faster")["similar_task_count"] == 0


def test_what_only_shares_a_word_predicts_nothing(world):
    for _ in range(3):
        store(world, "Fixed the session form, which lost its input on reload")
        store(world, "Migrated the table of sessions; the schema lock timed out", success=False)
    found = predict(world, "Fix the session form that loses input", task_type="implementation")
    assert (found["similar_task_count"], found["risk_level"]) == (3, "low")
    assert not any("failed" in one for one in found["recommendations"]), found["recommendations"]


def test_one_word_in_common_is_no_pattern(world):
    for text in ("Exported invoices", "Invoices have a due date", "Removed old invoices from the archive", "Paginated invoices"):
        store(world, text)
    assert ask(world, "GET", "/memory/patterns").json == []


def test_the_default_gate_only_warns(world):
    task = add(world)["id"]
    record(world, task, "coverage", 70)
    found = evaluate(world, "default", task)
    assert (found["passed"], found["blocked"], found["failure_action"]) == (False, False, "warn")
    assert [(one["metric"], one["operator"], one["threshold"], one["value"], one["passed"]) for one in found["requirements"]] == [
        ("coverage", ">=", 80, 70, False),
        ("complexity", "<=", 10, None, False),
    ]
    assert found["failures"] == found["requirements"]
    record(world, task, "coverage", 80)
    record(world, task, "complexity", 3)
    assert evaluate(world, "default", task)["passed"] is True
    assert put(world, task, status="completed").status == 200
    assert ask(world, "POST", f"/quality/gates/odd/evaluate?task_id={task}").status == 404
    assert ask(world, "POST", "/quality/gates/default/evaluate").status == 422
    assert ask(world, "POST", "/quality/gates/default/evaluate", {"task_id": task}).status == 200


def test_a_gate_that_blocks_holds_its_tasks(world):
    """Also one that an agent holds, and one of which nothing was measured."""
    task = add(world)["id"]
    set_gate(world, requirements=[{"metric": "coverage", "threshold": 75}])
    refused = put(world, task, status="completed")
    assert refused.status == 409
    assert refused.json["detail"] == "A quality gate holds this task: release: coverage was not measured; at least 75 is needed"
    fence = int(claim_task(world.actor, task, {"id": "agent-1", "name": "worker"}, 600).fence)
    record(world, task, value=74)
    assert evaluate(world, "release", task)["blocked"] is True
    with pytest.raises(Conflict, match="coverage is 74; at least 75 is needed"):
        complete_task(world.actor, task, fence=fence)
    record(world, task, value=75)
    assert evaluate(world, "release", task)["blocked"] is False
    assert complete_task(world.actor, task, fence=fence).status == "completed"
    check_rows()


def test_a_gate_is_for_its_phases_and_types_and_may_be_off(world):
    set_gate(world, phases=["PHASE_TESTING"], task_types=["review"])
    task = add(world, phase_id="PHASE_TESTING", task_type="review")["id"]
    for other in (add(world, phase_id="PHASE_TESTING"), add(world, task_type="review")):
        assert evaluate(world, "release", other["id"])["applies"] is False
        assert put(world, other["id"], status="completed").status == 200
    assert put(world, task, status="completed").status == 409
    assert put(world, task, status="in_progress").status == 200  # only the end is held
    set_gate(world, enabled=False)
    assert put(world, task, status="completed").status == 200


def test_who_works_on_a_task_does_not_take_it_out_of_the_phase_of_a_gate(world):
    set_gate(world, phases=["PHASE_IMPLEMENTATION"])
    task = add(world, phase_id="PHASE_IMPLEMENTATION")["id"]
    fence = world.ada.at("omoios")("tasks", "POST", f"/tasks/{task}/claim", body={"agent_id": "agent-1"}).json["fence"]
    moved = {"phase_id": "PHASE_TESTING"}
    for body in (moved, moved | {"fence": fence}, moved | {"fence": fence, "status": "completed"}):
        assert put(world, task, **body).status == 409
    record(world, task)
    record(world, task, "complexity", 3)
    answer = put(world, task, **moved, fence=fence, status="completed")
    assert (answer.status, answer.json["phase_id"]) == (200, "PHASE_TESTING"), answer.text


def test_a_task_that_nobody_has_begun_gets_another_phase(world):
    set_gate(world, phases=["PHASE_IMPLEMENTATION"])
    task = add(world, phase_id="PHASE_IMPLEMENTATION")["id"]
    assert put(world, task, phase_id="PHASE_TESTING").status == 200


def test_a_projects_gate_goes_before_its_workspaces(world):
    task = add(world)["id"]
    assert ask(world, "PUT", "/quality/gates/release", {"failure_action": "block"}).status == 200
    assert put(world, task, status="completed").status == 409
    set_gate(world, failure_action="log")
    assert put(world, task, status="completed").status == 200


def kept_by(world: World, card_id: str) -> list[str]:
    """Why a ticket stays in its phase; nothing if it moves on."""
    return world.ada.at("omoios")("cards", "POST", f"/tickets/{card_id}/progress").json.get("reasons", [])


def test_a_ticket_stays_in_its_phase_while_a_gate_holds_one_of_its_tasks(world):
    card = world.card()
    task = add(world, card.id, phase_id=card.phase_id)["id"]
    assert put(world, task, status="completed").status == 200
    set_gate(world, name="Coverage", requirements=[{"metric": "coverage", "threshold": 75}])
    record(world, task, value=50)  # it was completed before, and is not good enough now
    reasons = kept_by(world, card.id)
    assert any("A quality gate holds it: Coverage: coverage is 50" in one for one in reasons), reasons
    record(world, task, value=76)
    assert not any("quality gate" in one for one in kept_by(world, card.id))


def test_a_custom_gate_asks_for_a_named_metric(world):
    task = add(world)["id"]
    assert ask(world, "PUT", "/quality/gates/speed", {"gate_type": "custom"}).status == 422
    set_gate(world, "speed", gate_type="custom", requirements=[{"metric": "p95_ms", "threshold": 200, "operator": "<="}])
    record(world, task, "performance", 250, metric_name="p95_ms")
    assert [one["message"] for one in evaluate(world, "speed", task)["failures"]] == ["p95_ms is 250; at most 200 is needed"]
    record(world, task, "performance", 150, metric_name="p95_ms")
    assert evaluate(world, "speed", task)["passed"] is True


def test_a_gate_of_predictions_looks_at_similar_tasks(world):
    task = add(world, title="Migrate the database schema")["id"]
    set_gate(world, "ml", gate_type="ml_prediction")
    assert put(world, task, status="completed").status == 409
    assert evaluate(world, "ml", task)["blocked"] is True
    for _ in range(4):
        store(world, "Migrated the database schema without loss")
    found = evaluate(world, "ml", task)
    assert (found["passed"], [one["metric"] for one in found["requirements"]]) == (
        True,
        ["predicted_quality_score", "prediction_confidence"],
    )
    assert put(world, task, status="completed").status == 200


def test_a_measurement_that_comes_between_is_not_passed_by(world):
    """A task is completed by what is known when it is written, not when it was read."""
    task = add(world)["id"]
    set_gate(world, requirements=[{"metric": "coverage", "threshold": 75}])
    record(world, task, value=80)
    low = NewMetric("coverage", "coverage_total", 10)
    with concurrently(lambda: record_metric(world.actor, task, low)):
        assert put(world, task, status="completed").status == 409


def test_gates_are_bounded_and_only_their_owners(world):
    for number in range(20):
        set_gate(world, f"gate-{number}", failure_action="log")
    body = {"project_id": world.project.id}
    assert ask(world, "PUT", "/quality/gates/one-more", body).status == 403
    assert ask(world, "PUT", "/quality/gates/gate-1", body).status == 200
    other = create_world("bob@example.com", "Bob")
    assert ask(other, "PUT", "/quality/gates/gate-1", body).status == 404
    assert ask(world, "PUT", "/quality/gates/a%20b", body).status == 422


def test_what_was_measured_and_set_is_in_the_log_of_the_project(world):
    """The stream consumer takes these events as all others."""
    task = add(world)["id"]
    made = record(world, task)
    set_gate(world)
    for _ in range(3):
        stored = store(world, "Fixed the login timeout by renewing the session token")
    rows = [
        raw_row(f"QMETRIC#{made['id']}"),
        raw_row(f"PROJ#{world.project.id}", "GATES"),
        raw_row(f"PATTERN#{stored['pattern_id']}"),
    ]
    for row in rows:
        assert project(stream_record(row)) == []
    shown = world.ada.at("omoios")("audit", "GET", f"/audit/projects/{world.project.id}").json
    assert {"quality_measured", "quality_gate_set"} <= {one["type"] for one in shown}, shown
