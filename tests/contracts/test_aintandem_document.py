"""Every sample that aintandem's document shows: its requests are taken as they are, its answers and its frames have all that is shown."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.edge.contracts.aintandem import AINTANDEM
from tests.areas.driving import Client
from tests.contracts.aintandem_document import REQUESTS, ROUTES, SAMPLES, Reader, reading
from tests.samples.stage import Sample, ask

ANSWERS: dict[str, Any] = SAMPLES["answers"]
FORMS: dict[str, Any] = SAMPLES["forms"]
STATUSES: dict[str, int] = SAMPLES["statuses"]
LATER = ("MESSAGE_DELIVERY_FAILED", "COLLABORATION_FAILED")
"""Codes of what was accepted with 202 and has failed when it is looked at."""
BLOCKS, DOCUMENTED = 42, 34
"""How many samples of JSON and how many operations the document has."""
FRACTIONS = ("memory_mb.percentage", "cpu_cores.allocated", "cpu_cores")
"""Whole numbers in the samples, parts of which make sense."""
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_ID = re.compile(r"(usr|ws|sb|msg|bc|col)_")
RATES = {
    "auth": [one for one in STATUSES if one.startswith("auth.")],
    "workspace": [one for one in STATUSES if one.startswith("workspaces.")],
    "sandbox": [one for one in STATUSES if one.startswith("sandboxes.")],
    "message": ["messages.send", "messages.broadcast"],
}
_WORDS = ("status", "token_type", "granularity", "edition", "message_type", "mode")
"""Fields whose samples are one of a few words."""


@pytest.fixture(scope="module")
def reader(shared_tables: None) -> Iterator[Reader]:
    with reading() as found:
        yield found


def unlike(sample: Any, value: Any, at: str = "$") -> Iterator[str]:
    """What a value has otherwise than the sample: a field that is missing, a type, the prefix of an id, the form of a time.

    A list has the form of its sample's first entry in each of its own; `{}` and `[]` stand for whatever there is.
    """
    if isinstance(sample, dict):
        if not isinstance(value, dict):
            yield f"{at}: {value!r} is no object"
            return
        for name, inner in sample.items():
            if name not in value:
                yield f"{at}.{name}: missing"
            else:
                yield from unlike(inner, value[name], f"{at}.{name}")
    elif isinstance(sample, list):
        if not isinstance(value, list):
            yield f"{at}: {value!r} is no list"
            return
        if sample and not value:
            yield f"{at}: empty"
        for index, one in enumerate(value if sample else []):
            yield from unlike(sample[0], one, f"{at}[{index}]")
    elif isinstance(sample, bool) or sample is None:
        if value is not sample:
            yield f"{at}: {value!r} is not {sample!r}"
    elif isinstance(sample, int | float):
        whole = isinstance(sample, int) and at.rpartition(".resources.")[2] not in FRACTIONS
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
            yield f"{at}: {value!r} is no {'integer' if whole else 'number'}"
    else:
        yield from _unlike_text(sample, value, at)


def _unlike_text(sample: str, value: Any, at: str) -> Iterator[str]:
    if not isinstance(value, str) or not value:
        yield f"{at}: {value!r} is no text"
    elif _TIME.fullmatch(sample):
        if not _TIME.fullmatch(value):
            yield f"{at}: {value!r} is no time"
    elif found := _ID.match(sample):
        if not value.startswith(found[0]):
            yield f"{at}: {value!r} does not begin with {found[0]}"
    elif at.rpartition(".")[2] in _WORDS and not re.fullmatch(r"[a-zA-Z_]+", value):
        yield f"{at}: {value!r} is no word"


def test_no_sample_is_left_out() -> None:
    assert sum(len(SAMPLES[kind]) for kind in ("requests", "answers", "forms", "frames")) == BLOCKS
    assert len(STATUSES) == DOCUMENTED
    listed = json.loads((Path(__file__).parent.parent / "data" / "operations.json").read_text())
    assert STATUSES.keys() == {one["id"] for one in listed if one["contract"] == "aintandem"}
    assert REQUESTS.keys() | ANSWERS.keys() <= STATUSES.keys()


@pytest.mark.parametrize("operation", STATUSES)
def test_an_operation_answers_with_the_documented_status(reader: Reader, operation: str) -> None:
    assert {answer.status for answer in reader.answers[operation]} == {STATUSES[operation]}


def test_every_documented_parameter_of_a_query_was_used(reader: Reader) -> None:
    listed = json.loads((Path(__file__).parent.parent / "data" / "operations.json").read_text())
    documented = {one["id"]: set(one.get("query", ())) for one in listed if one["contract"] == "aintandem"}
    assert {name: sorted(wanted - reader.asked_by[name]) for name, wanted in documented.items()} == {
        name: [] for name in documented
    }


@pytest.mark.parametrize("operation", ANSWERS)
def test_an_answer_has_all_that_its_sample_shows(reader: Reader, operation: str) -> None:
    assert reader.answers[operation]
    for answer in reader.answers[operation]:
        assert list(unlike(ANSWERS[operation], answer.json)) == []


@pytest.mark.parametrize("operation", [one for one, status in STATUSES.items() if status != 204])
def test_every_answer_has_the_common_form(reader: Reader, operation: str) -> None:
    for answer in reader.answers[operation]:
        said = answer.json
        assert said.keys() == {"success", "data", "meta"}
        assert list(unlike(FORMS["success"]["meta"], said["meta"])) == []
        if isinstance(said["data"], list):
            assert list(unlike(FORMS["pagination"]["meta"] | {"has_next": False, "has_prev": False}, said["meta"])) == []


@pytest.mark.parametrize("code", [one for one in SAMPLES["codes"] if one not in (*LATER, "RATE_LIMIT_EXCEEDED")])
def test_an_error_has_the_documented_code_and_form(reader: Reader, code: str) -> None:
    assert reader.errors[code]
    for answer in reader.errors[code]:
        said = answer.json
        assert said.keys() == {"success", "error", "meta"}
        assert said["error"]["code"] == code
        assert list(unlike(FORMS["error"] | {"error": {"code": "", "message": ""}}, said)) == []
        assert isinstance(said["error"].get("details", {}), dict)


@pytest.mark.parametrize("code", LATER)
def test_what_fails_after_it_was_accepted_says_so_by_the_documented_code(reader: Reader, code: str) -> None:
    failure = reader.failures[code]
    assert failure["code"] == code
    assert failure["message"]


@pytest.mark.parametrize("rate_class", SAMPLES["limits"])
def test_the_documented_rates_hold_for_each_operation_of_their_class(rate_class: str) -> None:
    limit, seconds = SAMPLES["limits"][rate_class]
    (rule,) = AINTANDEM.rate_rules(rate_class, "free")
    assert (rule.limit, rule.window) == (limit, seconds)
    served = [name for name in RATES[rate_class] if name in ROUTES]
    assert [name for name in served if ROUTES[name].operation.rate_class != rate_class] == []


def test_a_caller_who_asks_too_often_is_told_so(shared_tables: None) -> None:
    limit, _ = SAMPLES["limits"]["auth"]
    wrong = REQUESTS["auth.login"] | {"email": "often@example.com"}
    answers = [ask(Sample({}, wrong), ROUTES["auth.login"], Client()) for _ in range(2 * limit + 1)]  # a new minute may begin
    refused = [one for one in answers if one.json["error"]["code"] == "RATE_LIMIT_EXCEEDED"]
    assert refused
    assert {one.status for one in refused} == {429}
    assert all(one.header("retry-after") for one in refused)


def test_a_frame_of_the_socket_has_the_documented_form(reader: Reader) -> None:
    shown = SAMPLES["frames"]["message_received"]
    told = [one for one in reader.heard["sandbox"] if one["channel"] != "control"]
    assert told
    for one in told:
        assert one.keys() - {"sequence"} == shown.keys()
        assert list(unlike(shown | {"data": {}}, one)) == []


@pytest.mark.parametrize("channel", ["messages", "events", "logs", "metrics"])
def test_every_documented_channel_says_something(reader: Reader, channel: str) -> None:
    assert [one for one in reader.heard["sandbox"] if one["channel"] == channel]


@pytest.mark.parametrize("event", ["started", "stopped", "error"])
def test_the_documented_events_of_a_sandbox_are_told(reader: Reader, event: str) -> None:
    assert [one for one in reader.heard["sandbox"] if (one["channel"], one["event"]) == ("events", event)]


def test_a_message_comes_as_the_document_shows_it(reader: Reader) -> None:
    told = [one for one in reader.heard["sandbox"] if one["event"] == "message_received"]
    assert told
    for one in told:
        assert list(unlike(SAMPLES["frames"]["message_received"], one)) == []
