"""Every sample that omoios' document shows: its requests are taken as they are, its answers and its events have all that is shown."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.areas.driving import Answer
from tests.contracts.omoios_document import REQUESTS, ROUTES, Reader, reading
from tests.contracts.shapes import SAMPLES, empty_lists, faults

OPERATIONS = json.loads((Path(__file__).parent.parent / "data" / "operations.json").read_text())
ANSWERS: dict[str, Any] = SAMPLES["answers"]
EVENTS: dict[str, dict[str, Any]] = {name: shape for family in SAMPLES["events"].values() for name, shape in family.items()}
BLOCKS, EVENT_TYPES, DOCUMENTED = 87, 36, 68
"""How many samples, types of events and operations the document has."""
NO_SAMPLE = ("attachments.download", "export.auditTrail", "export.tickets")
"""Operations that answer a file."""
BOARD = [name for name in SAMPLES["original"] if name.startswith("board.")]
"""Operations that the document lists and does not describe."""
GROWS = {"changes"}
"""Parts of a payload that have more than is shown, where more has changed."""


@pytest.fixture(scope="module")
def reader(shared_tables: None) -> Iterator[Reader]:
    with reading() as found:
        yield found


def test_no_sample_is_left_out() -> None:
    assert len(REQUESTS) + len(ANSWERS) + len(SAMPLES["events"]) == BLOCKS
    assert len(EVENTS) == EVENT_TYPES
    described = ANSWERS.keys() | set(NO_SAMPLE)
    assert len(described) + len(BOARD) == DOCUMENTED
    assert described | REQUESTS.keys() <= {one["id"] for one in OPERATIONS if one["contract"] == "omoios"}


def test_everything_that_is_documented_was_done(reader: Reader) -> None:
    assert sorted({*ANSWERS, *NO_SAMPLE, *BOARD} - reader.answers.keys()) == []
    assert sorted(EVENTS.keys() - reader.heard.keys()) == []


def test_every_documented_parameter_of_a_query_was_used(reader: Reader) -> None:
    documented = {one["id"]: set(one.get("query", ())) for one in OPERATIONS if one["contract"] == "omoios"}
    assert {name: documented[name] - reader.asked_by[name] for name in {*ANSWERS, *NO_SAMPLE, *BOARD}} == {
        name: set() for name in {*ANSWERS, *NO_SAMPLE, *BOARD}
    }


@pytest.mark.parametrize("operation", REQUESTS)
def test_a_documented_request_is_taken(reader: Reader, operation: str) -> None:
    assert {answer.status for answer in reader.answers[operation]} == {ROUTES[operation].operation.status}


@pytest.mark.parametrize("operation", ANSWERS)
def test_an_answer_has_all_that_its_sample_shows(reader: Reader, operation: str) -> None:
    """Of a list one entry does, as the sample has one; the others have the same fields, in which there may be nothing."""
    shape = ANSWERS[operation]
    for answer in reader.answers[operation]:
        entries = answer.json if isinstance(shape, list) else [answer.json]
        expected = shape[0] if isinstance(shape, list) else shape
        wrong = [[*faults(expected, one, "omoios"), *(f"{at}: empty" for at in empty_lists(expected, one))] for one in entries]
        assert min(wrong, key=len, default=["nothing"]) == []
        names = {name for name in expected if not name.endswith("?")}
        assert all(names <= one.keys() for one in entries)


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_has_the_documented_payload_and_nothing_else(reader: Reader, event: str) -> None:
    for message in reader.heard[event]:
        assert list(faults(EVENTS[event], message["payload"], "omoios")) == []
        assert list(_undocumented(EVENTS[event], message["payload"])) == []
        # `part` tells several messages of one event apart, for whoever continues after one of them
        assert (message.keys() - {"part"}, message["entity_id"] != "") == (
            {"event_type", "entity_type", "entity_id", "payload", "event_id", "timestamp"}, True,
        )  # fmt: skip


def _undocumented(shape: Any, value: Any) -> Iterator[str]:
    if isinstance(shape, list):
        for one in value:
            yield from _undocumented(shape[0], one)
    elif isinstance(shape, dict):
        known = {name.removesuffix("?"): inner for name, inner in shape.items()}
        yield from value.keys() - known.keys()
        for name in value.keys() & known.keys() - GROWS:
            yield from _undocumented(known[name], value[name])


def test_what_may_be_null_was_there_too(reader: Reader) -> None:
    """Of the parts of events that may be null each has been something at least once, and lists were not always empty."""
    for event, shape in EVENTS.items():
        wanted = {name.removesuffix("?") for name in shape}
        given = {name for one in reader.heard[event] for name, value in one["payload"].items() if value not in (None, [], "", {})}
        assert wanted - given == set(), event


@pytest.mark.parametrize("operation", NO_SAMPLE)
def test_a_file_comes_with_its_name(reader: Reader, operation: str) -> None:
    for answer in reader.answers[operation]:
        assert "attachment; filename=" in str(answer.header("content-disposition"))
        assert answer.body


def test_all_that_is_shown_speaks_of_tickets_and_phases(reader: Reader) -> None:
    """Priorities are in upper case wherever they stand, and no field has another contract's name for a ticket or a phase."""
    found = list(_fields([answer.json for many in reader.answers.values() for answer in many if _is_json(answer)]))
    found += _fields([message["payload"] for many in reader.heard.values() for message in many])
    assert sorted({name for name, _ in found if re.search(r"(^|_)(card|lane|item|ws|proj)(s|_|$)", name)}) == []
    said = [
        one for name, value in found if name == "priority" for one in (value.values() if isinstance(value, dict) else [value])
    ]
    assert len(said) > len(reader.answers)
    assert {str(one) for one in said} <= {"CRITICAL", "HIGH", "MEDIUM", "LOW"}


def _is_json(answer: Answer) -> bool:
    return (answer.header("content-type") or "").startswith("application/json")


def _fields(value: Any) -> Iterator[tuple[str, Any]]:
    """Every field of an answer, on every level."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name, inner
            yield from _fields(inner)
    elif isinstance(value, list):
        for one in value:
            yield from _fields(one)


def test_a_check_finds_what_is_missing(reader: Reader) -> None:
    """What is taken out of an answer, field by field and on every level, is missed."""
    for operation, shape in ANSWERS.items():
        expected = shape[0] if isinstance(shape, list) else shape
        (answer, *_) = reader.answers[operation]
        entries = answer.json if isinstance(shape, list) else [answer.json]
        complete = next(one for one in entries if not [*faults(expected, one, "omoios")])
        for path in _required(expected):
            assert [*faults(expected, _without(complete, path), "omoios")], (operation, path)


def _required(shape: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, inner in shape.items():
        if not name.endswith("?"):
            yield (*above, name)
            if isinstance(inner, dict):
                yield from _required(inner, (*above, name))


def _without(value: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    name, *rest = path
    if not rest:
        return {key: inner for key, inner in value.items() if key != name}
    return value | {name: _without(value[name], tuple(rest))}
