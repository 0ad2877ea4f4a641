"""The log itself: numbered without a hole, fenced, cut aloud, read from any number."""

import json
import random

import pytest

from bench.trips import costing
from shared.core.errors import ConditionFailed
from shared.core.ids import new_id
from shared.runs.terminal import TerminalWriter, backwards, canonical, entries, last_sequence, reading, tail
from shared.runs.terminal.entries import CHUNK_BYTES, MESSAGE_BYTES, LogChunk
from shared.runs.terminal_sessions import log_search
from shared.runs.terminal_sessions.log_filters import LogFilter
from shared.runs.terminal_sessions.log_search import Position, search_logs
from shared.store import NumberAttribute, Row, check, create, delete, put, query, write
from tests.areas.viewers import messages
from tests.kills import concurrently
from tests.seeding import log_chunks, put_directly, rechunked


class Lease(Row):
    TABLE = "core_table"
    fence = NumberAttribute()


FENCED = ConditionFailed("Somebody else works on this run")


def lease(run: str, fence: int = 1) -> Lease:
    row = Lease(pk=f"RUN#{run}", sk="LEASE", fence=fence)
    write(put(row))
    return row


def writer(run: str, fence: int = 1, **more) -> TerminalWriter:
    row = Lease(pk=f"RUN#{run}", sk="LEASE")
    return TerminalWriter(run, "card", "ws", lambda: check(row, Lease.fence == fence, FENCED), **more)


def chunks(run: str) -> list[LogChunk]:
    return query(LogChunk, LogChunk.partition_key(run), consistent=True).rows


def test_entries_are_numbered_from_one_and_say_what_was_said(aws):
    lease("r")
    with writer("r") as terminal:
        terminal.write("info", "agent", "Reading the card", {"step": 1, "ratio": 0.5})
        terminal.write("error", "provider", "Ünïcode ✓ \x1b[31mred", source="provider")
    first, second = entries("r")
    assert list(first) == ["id", "seq", "runId", "timestamp", "level", "source", "component", "message", "data"]
    assert (first["seq"], first["id"], first["data"]) == (1, "r:1", {"step": 1, "ratio": 0.5})
    assert (second["source"], second["message"]) == ("provider", "Ünïcode ✓ \x1b[31mred")
    assert "data" not in second
    assert last_sequence("r") == 2
    assert all(chunk.ttl > 29 * 86_400 for chunk in chunks("r"))


def test_what_is_published_are_the_stored_bytes(aws):
    lease("r")
    with writer("r") as terminal:
        for number in range(5):
            terminal.write("debug", "agent", f"line {number}")
    (push,) = messages()
    assert (push["kind"], push["topic"], push["ws"], push["run"]) == ("log", "card:card", "ws", "r")
    assert canonical(push["entries"]) == chunks("r")[0].body


def test_nothing_waits_longer_than_the_window(aws):
    lease("r")
    terminal = writer("r", window=0.001)
    terminal.write("info", "agent", "alone")
    terminal._thread.join(0)  # it runs by itself: nobody flushes
    deadline = 200
    while not messages() and deadline:
        terminal._thread.join(0.01)
        deadline -= 1
    assert deadline
    assert [entry["message"] for entry in entries("r")] == ["alone"]
    terminal.close()


def test_a_long_log_is_many_chunks_without_a_hole(aws):
    lease("r")
    with writer("r") as terminal:
        for number in range(300):
            terminal.write("info", "agent", f"{number} " + "x" * 500)
    assert len(chunks("r")) >= 6
    assert all(len(chunk.body.encode()) <= CHUNK_BYTES for chunk in chunks("r"))
    assert [entry["seq"] for entry in entries("r")] == list(range(1, 301))
    assert [entry["seq"] for entry in entries("r", 123)] == list(range(123, 301))
    assert [entry["seq"] for entry in tail("r", 70)] == list(range(231, 301))
    assert list(entries("r", 301)) == []


def test_who_has_lost_the_lease_appends_nothing(aws):
    row = lease("r")
    zombie = writer("r")
    zombie.write("info", "agent", "before")
    zombie.flush()
    row.fence = 2
    write(put(row))
    zombie.write("info", "agent", "after")
    with pytest.raises(ConditionFailed) as refused:
        zombie.flush()
    assert refused.value is FENCED
    with pytest.raises(ConditionFailed):
        zombie.write("info", "agent", "still after")
    with writer("r", fence=2) as heir:
        heir.write("info", "agent", "the heir")
    assert [(entry["seq"], entry["message"]) for entry in entries("r")] == [(1, "before"), (2, "the heir")]


def test_two_with_the_same_right_interleave_without_a_hole(aws):
    lease("r")
    one, two = writer("r"), writer("r")
    for number in range(4):
        one.write("info", "one", str(number))
        one.flush()
        two.write("info", "two", str(number))
        two.flush()
    found = list(entries("r"))
    assert [entry["seq"] for entry in found] == list(range(1, 9))
    assert [entry["message"] for entry in found if entry["component"] == "two"] == ["0", "1", "2", "3"]
    one.close()
    two.close()


def test_a_lost_answer_writes_nothing_twice(aws, monkeypatch):
    from shared.runs.terminal import writer as module

    lease("r")
    terminal = writer("r")
    terminal.write("info", "agent", "once")

    def twice(*operations):
        write(*operations)
        write(*operations)  # as if the first answer had never come

    monkeypatch.setattr(module, "write", twice)
    terminal.close()
    assert [entry["message"] for entry in entries("r")] == ["once"]
    assert terminal._next == 2


@pytest.mark.parametrize("text", ["x" * 100_000, "\x00" * 30_000, "€" * 20_000, "\ud800" * 3])
def test_a_message_that_is_too_long_is_cut_aloud(aws, text):
    lease("r")
    with writer("r") as terminal:
        terminal.write("info", "agent", text)
    (entry,) = entries("r")
    assert len(json.dumps(entry["message"], ensure_ascii=False).encode()) <= MESSAGE_BYTES
    if len(text) > 3:
        assert entry["truncated"] is True
        assert "[cut:" in entry["message"]
    assert canonical(json.loads(canonical(entry))) == canonical(entry)


def test_data_that_json_cannot_hold_becomes_text(aws):
    lease("r")
    with writer("r") as terminal:
        terminal.write("info", "agent", "odd", {1: float("nan"), "set": {1}, "object": object, "inf": [float("inf")]})
        terminal.write("info", "agent", "large", ["x" * 50_000])
    odd, large = entries("r")
    assert odd["data"]["1"] == "nan"
    assert odd["data"]["inf"] == ["inf"]
    assert large["truncated"] is True
    assert isinstance(large["data"], str)


def test_an_unknown_level_is_the_writers_mistake(aws):
    with pytest.raises(ValueError, match="fatal"):
        writer("r").write("fatal", "agent", "x")


def test_expired_entries_are_named(aws):
    lease("r")
    with writer("r") as terminal:
        for number in range(6):
            terminal.write("info", "agent", str(number))
            terminal.flush()
    gone = chunks("r")[:3]
    write(*(delete(chunk) for chunk in gone))
    found = list(entries("r"))
    assert (found[0]["seq"], found[0]["truncated"], found[0]["data"]) == (3, True, {"from": 1, "to": 3})
    assert [entry["seq"] for entry in found[1:]] == [4, 5, 6]
    assert [entry["seq"] for entry in entries("r", 5)] == [5, 6]


def test_an_error_in_the_block_is_not_hidden_by_the_log(aws):
    lease("r", fence=7)
    terminal = writer("r")
    with pytest.raises(KeyError), terminal:
        _break(terminal)


def _break(terminal: TerminalWriter) -> None:
    terminal.write("info", "agent", "x")
    raise KeyError("the real one")


def test_a_chunk_is_never_written_over(aws):
    run = new_id()
    lease(run)
    taken = LogChunk(
        pk=LogChunk.partition_key(run),
        sk=LogChunk.sort_key(1),
        last_sequence=3,
        writer="other",
        at="2026-01-01T00:00:00.000Z",
        body="[]",
    )
    with concurrently(lambda: write(create(taken))) as ours, writer(run) as terminal:  # after we read where the log ends
        terminal.write("info", "agent", "x")
    assert ours.happened
    assert [chunk.first for chunk in chunks(run)] == [1, 4]


def test_a_part_of_a_long_log_costs_the_chunks_that_hold_it(aws):
    """Eighty entries of a hundred thousand cost 245 units before, and the last hundred 74."""
    put_directly(log_chunks("r", 20_000))
    for start in (1, 9_950, 19_900):
        with costing() as cost:
            shown = [entry["seq"] for entry, _ in zip(entries("r", start), range(80), strict=False)]
        assert shown == list(range(start, start + 80))
        assert (cost.reads <= 28, len(cost.names) <= 2) == (True, True), (start, cost)
    with costing() as cost:
        assert [entry["seq"] for entry in tail("r", 100)] == list(range(19_901, 20_001))
    assert (cost.reads <= 14, cost.names) == (True, ["Query"])


def test_the_end_of_a_log_of_short_chunks_is_two_trips(aws):
    put_directly(log_chunks("r", 300, in_chunk=1))
    with costing() as cost:
        assert [entry["seq"] for entry in tail("r", 100)] == list(range(201, 301))
    assert cost.names in (["Query"] * 2, ["Query"] * 3)


def test_a_search_goes_on_where_it_stopped_and_shows_each_line_once(aws, monkeypatch):
    """Also while the run writes on: what is new stands before the place where the search goes on."""
    monkeypatch.setattr(log_search, "MAX_SEARCHED", 150)
    put_directly([*log_chunks("new", 330, in_chunk=7), *log_chunks("old", 260, in_chunk=7)])
    shown, position, parts = [], None, 0
    while True:
        with costing() as cost:
            found = search_logs(["new", "old"], "line", LogFilter(levels=frozenset({"warn"})), position)
        assert len(cost.names) <= 5
        shown = [*((entry["runId"], entry["seq"]) for entry in found["logs"]), *shown]
        parts += 1
        if "continueFrom" not in found:
            break
        assert found["truncated"]
        position = Position(found["continueFrom"]["runId"], found["continueFrom"]["sequence"])
        put_directly(log_chunks("new", 340 + parts, in_chunk=7))
    assert parts > 3
    expected = [(run, seq) for run, last in (("old", 260), ("new", 330)) for seq in range(1, last + 1) if seq % 3 == 0]
    assert sorted(shown) == sorted(expected)


def test_a_search_that_finds_more_than_it_shows_counts_the_rest(aws):
    put_directly(log_chunks("r", 500))
    first = search_logs(["r"], "line", LogFilter())
    assert (first["totalCount"], len(first["logs"]), first["logs"][-1]["seq"]) == (500, 100, 500)
    assert first["continueFrom"] == {"runId": "r", "sequence": 400}
    second = search_logs(["r"], "line", LogFilter(), Position("r", 400))
    assert (second["totalCount"], second["logs"][-1]["seq"]) == (400, 400)


def test_expired_entries_are_named_from_the_end_too(aws):
    put_directly(log_chunks("r", 40, in_chunk=10)[2:])
    assert [entry["seq"] for entry in backwards("r")] == [*range(40, 20, -1), 20]


def test_expired_entries_in_the_middle_of_a_log_are_named_from_both_ends(aws):
    chunks = log_chunks("r", 40, in_chunk=10)
    put_directly([chunks[0], chunks[3]])
    forwards = list(entries("r"))
    assert [entry["seq"] for entry in forwards] == [*range(1, 11), 30, *range(31, 41)]
    assert list(backwards("r")) == forwards[::-1]
    found = search_logs(["r"], "no longer kept", LogFilter())
    assert [entry["data"] for entry in found["logs"]] == [{"from": 11, "to": 30}]


@pytest.mark.parametrize("part", range(1, 14))
def test_a_search_names_expired_entries_once_wherever_it_stops(aws, monkeypatch, part):
    monkeypatch.setattr(log_search, "MAX_SEARCHED", part)
    chunks = log_chunks("r", 50, in_chunk=10)
    put_directly([chunks[1], chunks[4]])
    shown, position = [], None
    for _ in range(40):
        found = search_logs(["r"], "", LogFilter(), position)
        shown = [*(entry["seq"] for entry in found["logs"]), *shown]
        if "continueFrom" not in found:
            break
        position = Position(found["continueFrom"]["runId"], found["continueFrom"]["sequence"])
    assert shown == [10, *range(11, 21), 40, *range(41, 51)]


def test_a_search_reads_the_parts_of_a_long_log_side_by_side(aws):
    """Ten trips before."""
    put_directly(log_chunks("r", 30_000))
    with costing() as cost:
        found = search_logs(["r"], "line 29999 ", LogFilter())
    assert [entry["seq"] for entry in found["logs"]] == [29_999]
    assert found["continueFrom"] == {"runId": "r", "sequence": 10_000}
    assert (cost.trips, len(cost.names) + len(cost.beside)) == (3, 7)
    with costing() as cost:
        assert next(search for search in backwards("r", most=1))["seq"] == 30_000
    assert (len(cost.names), cost.beside) == (1, [])


@pytest.mark.parametrize("seed", range(12))
def test_a_log_is_the_same_from_both_ends_however_it_was_written(aws, monkeypatch, seed):
    """Chunks of all lengths, some of them expired, in parts that expect others."""
    chance = random.Random(seed)  # noqa: S311 - a test
    for name, most in (("_NEWEST", 3), ("_PART", 4), ("_MOST", 5)):
        monkeypatch.setattr(reading, name, chance.randint(1, most))
    lines, chunks, first = 700, [], 1
    whole = [entry for chunk in log_chunks("r", lines) for entry in chunk.entries()]
    while first <= lines:
        number = min(chance.choice((1, 2, 30)), lines - first + 1)
        chunks += rechunked("r", whole[first - 1 : first - 1 + number])
        first += number
    kept = (
        chunks if seed < 4 else chunks[chance.randrange(len(chunks)) :] if seed < 8 else chance.sample(chunks, len(chunks) // 3)
    )
    put_directly(kept)
    forwards = [entry["seq"] for entry in entries("r")]
    backward = [entry["seq"] for entry in backwards("r")]
    assert forwards == [*backward[::-1]]
    middle = chance.randint(1, forwards[-1])
    assert [entry["seq"] for entry in backwards("r", middle)] == [seq for seq in forwards[::-1] if seq <= middle]


def test_a_search_from_behind_the_end_of_a_log_begins_at_its_end(aws):
    put_directly(log_chunks("r", 5))
    assert [entry["seq"] for entry in backwards("r", 10**12 - 1)] == [5, 4, 3, 2, 1]
    assert list(backwards("nothing", 7)) == []
