"""Large exports, on the engine: whoever makes them may die, be late or be two, the file says what the ledger says."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from shared.channels.exports import file_writer, jobs
from shared.channels.exports.rows import Export
from shared.core.ids import new_id
from shared.money.usage import exporting
from shared.store import delete, head_file, update_now, write
from tests.areas.boards_world import World, create_world
from tests.areas.driving import Answer
from tests.areas.exporting import MAY, ask, export_of, file_of, force_async_exports, rows_in, run_worker, waiting
from tests.areas.ledger import record_usage
from tests.trips import count_requests

pytestmark = pytest.mark.usefixtures("engine_tables")


@pytest.fixture
def world(engine_tables: None) -> World:
    world = create_world(f"{new_id()}@exports.example")
    world.ada("auth", "GET", "/auth/me")  # the rate window has begun
    waiting()
    return world


@pytest.fixture
def queued(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is small."""
    force_async_exports(monkeypatch)


def test_a_large_one_is_made_by_the_worker(world, queued):
    for day in (1, 2, 3):
        record_usage(world, f"2026-05-0{day}", day)
    with count_requests() as seen:
        answer = ask(world, f"format=csv&{MAY}&includeDetails=true")
    assert (seen.names, seen.beside) == (["GetItem", "PutItem"], ["Query"])  # access, beside it the total; the row; and a message
    assert (answer.status, answer.json["status"]) == (200, "pending")
    path = f"/exports/{answer.json['exportId']}"
    told = world.ada("usage", "GET", path).json
    assert {key: told.get(key) for key in ("status", "rows", "totalRows", "progress", "downloadUrl")} == {
        "status": "pending", "rows": 0, "totalRows": 3, "progress": 0, "downloadUrl": None,
    }  # fmt: skip
    assert head_file(export_of(answer).file_key) is None
    assert waiting() == [answer.json["exportId"]]
    assert run_worker(answer.json["exportId"])
    told = world.ada("usage", "GET", path).json
    assert (told["status"], told["rows"], told["progress"], told["size"]) == ("completed", 3, 100, len(file_of(answer)))
    assert urlsplit(told["downloadUrl"]).path == urlsplit(answer.json["downloadUrl"]).path
    assert len(rows_in(file_of(answer))) == 3
    assert ask(world, f"format=csv&{MAY}&includeDetails=true").json["status"] == "completed"


def test_many_days_and_projects_are_large_too(world, queued):
    """How many rows there are is not known before."""
    record_usage(world, "2026-05-01", 1)
    record_usage(world, "2026-05-02", 1)
    answer = ask(world, f"format=csv&{MAY}")
    assert answer.json["status"] == "pending"
    assert "progress" not in world.ada("usage", "GET", f"/exports/{answer.json['exportId']}").json
    assert run_worker(answer.json["exportId"])
    assert len(rows_in(file_of(answer))) == 2


def ledger(world: World, count: int = 60) -> None:
    for number in range(count):
        day = f"2026-05-{1 + number % 28:02}"
        record_usage(world, day, number * 1_000_001, priced=number % 5 > 0, project=f"Project {number}")


@pytest.fixture(scope="module")
def books(engine_tables: None) -> World:
    """A workspace whose ledger has many lines; no test adds to them."""
    books = create_world(f"{new_id()}@exports.example")
    ledger(books)
    return books


@pytest.fixture
def straight(books: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, bytes]]:
    """The files as they are when nothing happens. Parts are of a kilobyte (the engine allows it), pages of four lines."""
    monkeypatch.setattr(file_writer, "PART_BYTES", 1_000)
    monkeypatch.setattr(exporting, "LINES_PER_PAGE", 4)
    waiting()
    answers = {form: ask(books, f"format={form}&{MAY}&includeDetails=true") for form in ("csv", "json")}
    files = {form: file_of(answer) for form, answer in answers.items()}
    forget(*answers.values())
    yield files
    forget(*answers.values())


def forget(*answers: Answer) -> None:
    """Delete exports, so that the next to ask for the same gets one made anew."""
    write(*(delete(Export(*Export.key(answer.json["exportId"]))) for answer in answers))


class Died(BaseException):
    """The function is gone in the middle of it."""


@pytest.mark.thorough
@pytest.mark.parametrize("form", ["csv", "json"])
@pytest.mark.parametrize("where", ["put_part", "write", "complete_multipart"])
def test_whoever_goes_on_writes_the_same_bytes(books, straight, queued, monkeypatch, form, where):
    """The worker dies at each of its steps in turn, after what it did there; the next delivery goes on."""
    answer = ask(books, f"format={form}&{MAY}&includeDetails=true")
    export_id = answer.json["exportId"]
    real, steps = getattr(file_writer, where), {"left": 0}

    def dying(*args: Any, **kwargs: Any) -> Any:
        answer = real(*args, **kwargs)
        steps["left"] -= 1
        if steps["left"] < 0:
            raise Died
        return answer

    deaths = 0
    for survive in range(1, 60):
        steps["left"] = survive // 3 if where == "complete_multipart" else survive % 3  # joining is one step only
        with monkeypatch.context() as patch:
            patch.setattr(file_writer, where, dying)
            patch.setattr(jobs, "release_lease", lambda *_, **__: None)  # the dead do nothing
            try:
                assert run_worker(export_id)
            except Died:
                deaths += 1
        export = export_of(answer)
        if export.status == "completed":
            break
        expire(export)
    assert deaths > 0
    assert export_of(answer).status == "completed"
    assert file_of(answer) == straight[form]


def expire(export: Export) -> None:
    """The lease of somebody who died is over."""
    update_now(Export(*Export.key(export.id)), [Export.lease_until.set(1)])


@pytest.mark.thorough
def test_time_that_is_over_is_handed_on(books, straight, queued):
    answer = ask(books, f"format=csv&{MAY}&includeDetails=true")
    export_id, done, calls = answer.json["exportId"], [], 0
    assert waiting() == [export_id]
    while export_of(answer).status != "completed":
        assert run_worker(export_id, seconds=10)  # less than a part may take: one part a call
        calls += 1
        done.append(int(export_of(answer).rows_done))
        assert waiting() == ([] if export_of(answer).status == "completed" else [export_id])
    assert done[:-1] == sorted(set(done[:-1]))  # further with every call, but for the one that only ended it
    assert calls > 3
    assert file_of(answer) == straight["csv"]


@pytest.mark.thorough
def test_of_two_workers_one_lets_go(books, straight, queued):
    answer = ask(books, f"format=csv&{MAY}&includeDetails=true")
    export_id = answer.json["exportId"]
    slow = jobs._acquire_lease(export_id, 10)
    assert run_worker(export_id)  # the other sees that it is taken: nothing to do
    assert export_of(answer).status == "running"
    expire(export_of(answer))
    assert run_worker(export_id)
    with pytest.raises(file_writer.ExportTaken):
        file_writer.write_export_file(slow, exporting.export_source(slow))
    assert export_of(answer).status == "completed"
    assert file_of(answer) == straight["csv"]


def test_a_delivery_too_many_changes_nothing(world, queued):
    ledger(world, 3)
    answer = ask(world, f"format=xlsx&{MAY}&includeDetails=true")
    assert run_worker(answer.json["exportId"])
    before = export_of(answer).serialize()
    assert run_worker(answer.json["exportId"])
    assert export_of(answer).serialize() == before
    assert run_worker("5f0c2a9e-6a4d-5c0e-9a52-000000000001")  # nobody's


def test_an_index_that_lags_is_waited_for(world, queued, monkeypatch):
    """What the index does not show yet is missing in no file."""
    ledger(world, 6)
    answer = ask(world, f"format=csv&{MAY}&includeDetails=true")
    real = exporting.fetch_indexed
    with monkeypatch.context() as patch:
        patch.setattr(exporting, "fetch_indexed", lambda *args: real(*args)[1:])
        assert not run_worker(answer.json["exportId"])
        assert export_of(answer).status == "pending"
    assert run_worker(answer.json["exportId"], tries=2)
    assert len(rows_in(file_of(answer))) == 6


def test_what_cannot_be_made_says_so_and_can_be_asked_for_again(world, queued, monkeypatch):
    ledger(world, 3)
    query = f"format=csv&{MAY}&includeDetails=true"
    answer = ask(world, query)
    waiting()
    with monkeypatch.context() as patch:
        patch.setattr(exporting, "fetch_indexed", lambda *_: [])
        assert [run_worker(answer.json["exportId"], tries=number) for number in (1, 2, 3)] == [False, False, False]
    told = world.ada("usage", "GET", f"/exports/{answer.json['exportId']}").json
    assert (told["status"], "ask for it again" in told["error"]) == ("failed", True)
    assert ask(world, query).json["status"] == "pending"
    assert waiting() == [answer.json["exportId"]]
    assert run_worker(answer.json["exportId"])
    told = world.ada("usage", "GET", f"/exports/{answer.json['exportId']}").json
    assert (told["status"], "error" in told) == ("completed", False)
