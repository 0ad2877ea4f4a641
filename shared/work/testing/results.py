"""Recording the result of a run of a test case, with what it says of the test's flakiness."""

import json
from dataclasses import dataclass, field
from typing import Any, Final

from shared.core.actor import Actor, Permission
from shared.core.errors import FieldError, Invalid
from shared.core.ids import bare_id, new_id
from shared.events import EventType, record
from shared.store import LastBlock, create, enter, load, retrying, save, write
from shared.work.boards.counting import require_writable
from shared.work.testing.rows import DECIDED, RECENT, TestCase, TestResult, results_of

MAX_LOGS: Final = 200_000
"""Bytes of a result's logs as JSON: with the rest below the 400 KB of a row."""
_TRIES: Final = 12  # of results that are recorded at once for one test case: each builds on the one before it


@dataclass(frozen=True)
class NewResult:
    """What a run of a test case gave. What was not measured is None. `coverage` is in percent."""

    status: str
    duration_ms: int | None = None
    error_message: str | None = None
    assertions_run: int | None = None
    assertions_passed: int | None = None
    assertions_failed: int | None = None
    coverage: float | None = None
    logs: list[dict[str, Any]] = field(default_factory=list)


def record_result(actor: Actor, case_id: str, new: NewResult) -> TestResult:
    """Record a result. Two round trips.

    Raises NotFound("test_case"), Forbidden, Invalid for counts that do not agree and for long logs, Conflict (archived project).
    """
    _refuse_contradictions(new)
    result_id = new_id()
    return retrying(lambda _: _record(actor, case_id, new, result_id), times=_TRIES)


def get_result(actor: Actor, result_id: str) -> TestResult:
    """Return a result with its logs. One round trip. Raises NotFound, Forbidden."""
    return load(TestResult, result_id, actor, Permission.TEST_READ)


def _record(actor: Actor, case_id: str, new: NewResult, result_id: str) -> TestResult:
    last = LastBlock(results_of(bare_id(case_id)))
    case = load(TestCase, case_id, actor, Permission.TEST_WRITE)
    case.last_status = new.status
    case.recent = ((case.recent or "") + DECIDED.get(new.status, ""))[-RECENT:] or None
    result = TestResult.new(
        result_id,
        org_id=case.org_id,
        ws_id=case.ws_id,
        proj_id=case.proj_id,
        case_id=case.id,
        item_id=case.item_id,
        status=new.status,
        duration_ms=new.duration_ms,
        error_message=new.error_message,
        assertions_run=new.assertions_run,
        assertions_passed=new.assertions_passed,
        assertions_failed=new.assertions_failed,
        coverage=new.coverage,
        flakiness=case.flakiness,
        logs=new.logs,
        created_by=actor.summary,
    )
    case.last_result_id, case.last_result_at = result.id, result.created_at
    record(
        result,
        EventType.TEST_RECORDED,
        actor,
        item_id=case.item_id,
        case_id=case.id,
        name=case.name,
        status=new.status,
        duration_ms=new.duration_ms,
    )
    place = enter(results_of(case.id), last.result(), new.status)
    result.counted_in = place.start
    write(create(result), save(case), require_writable(case.board_id), *place.operations)
    return result


def _refuse_contradictions(new: NewResult) -> None:
    """Raise Invalid for counts of assertions that do not agree with each other or with the status, and for logs that are too long."""
    errors = []
    run, passed, failed = new.assertions_run, new.assertions_passed, new.assertions_failed
    if run is not None and (passed or 0) + (failed or 0) > run:
        errors.append(FieldError("assertions_run", "Fewer than passed and failed together", run))
    if new.status == "passed" and failed:
        errors.append(FieldError("assertions_failed", "A test that passed has no failed assertion", failed))
    if len(json.dumps(new.logs, ensure_ascii=False).encode()) > MAX_LOGS:
        errors.append(FieldError("logs", f"These take at most {MAX_LOGS:,} bytes as JSON; keep long logs where the test ran"))
    if errors:
        raise Invalid(*errors)
