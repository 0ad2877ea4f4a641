"""The store on moto: rows keep their values, tenancy is one gate, conditions decide."""

import itertools
import time

import pytest
from botocore.exceptions import ClientError

from shared.core.actor import Actor, Permission, Role
from shared.core.aws import is_busy
from shared.core.errors import ConditionFailed, Conflict, Forbidden, Invalid, NotFound
from shared.core.ids import new_id
from shared.core.situations import Situation
from shared.store import (
    PART_BYTES,
    Entity,
    JSONAttribute,
    NumberAttribute,
    Shards,
    UnicodeAttribute,
    begin_multipart,
    collection,
    complete_multipart,
    count,
    create,
    decode_cursor,
    encode_cursor,
    fetch,
    fetch_all,
    fetch_indexed,
    first_index_rows,
    get_file,
    get_many,
    head_file,
    index_row,
    item_collection,
    iterate,
    iterate_shards,
    load,
    pages,
    process_all,
    put,
    put_many,
    put_part,
    query,
    save,
    update,
    update_now,
    update_with_retry,
    write,
    writing,
)
from shared.store.client import batches
from tests.kills import answer_lost
from tests.trips import count_requests


class Thing(Entity):
    KIND = "THING"
    NAME = "thing"

    title = UnicodeAttribute()
    size = NumberAttribute(default=0)
    notes = JSONAttribute(null=True)

    def indexes(self):
        return {1: (f"WS#{self.ws_id}#THING", self.created_at)}

    def filters(self):
        return {"notes": self.notes} if self.notes else {}


def thing(**fields) -> Thing:
    return Thing.new(new_id(), **({"title": "A", "ws_id": "w1"} | fields))


def member(role: Role = Role.MEMBER, ws: str = "w1") -> Actor:
    return Actor(id="u1", name="U", workspaces={ws: role})


def test_a_row_comes_back_as_it_went(aws):
    made = thing(size=7, notes={"a": [1, 2.5, None], "b": {"c": True}})
    write(create(made))
    read = load(Thing, made.id, member())
    assert (read.title, read.size, read.notes, read.version) == ("A", 7, {"a": [1, 2.5, None], "b": {"c": True}}, 1)


def test_unknown_deleted_and_foreign_ids_look_the_same(aws):
    mine, gone = thing(), thing(deleted_at="2026-01-01T00:00:00.000Z")
    write(create(mine), create(gone))
    for thing_id, actor in ((new_id(), member()), (gone.id, member()), (mine.id, member(ws="w2"))):
        with pytest.raises(NotFound):
            load(Thing, thing_id, actor)
    with pytest.raises(Forbidden):
        load(Thing, mine.id, member(Role.VIEWER), Permission.CARD_EDIT)


def test_an_id_with_a_prefix_is_the_same_id(aws):
    made = thing()
    write(create(made))
    assert load(Thing, f"th_{made.id}", member()).id == made.id
    assert load(Thing, f"th_{made.id.replace('-', '')}", member()).id == made.id


def test_a_stale_save_is_refused(aws):
    made = thing()
    write(create(made))
    first, second = load(Thing, made.id, member()), load(Thing, made.id, member())
    first.title = "B"
    write(save(first))
    second.title = "C"
    with pytest.raises(Conflict) as refused:
        write(save(second))
    assert refused.value.situation is Situation.VERSION_CONFLICT
    assert load(Thing, made.id, member()).title == "B"


def test_a_transaction_names_the_condition_that_failed(aws):
    one, two = thing(size=1), thing(size=5)
    write(create(one), create(two))
    full = ConditionFailed("No room")
    with pytest.raises(ConditionFailed) as refused:
        write(save(one), update(two, [Thing.size.add(1)], Thing.size < 5, full))
    assert refused.value is full
    assert load(Thing, one.id, member()).version == 1


def test_a_refusal_sees_the_row_as_it_stood(aws):
    made = thing(size=5)
    write(create(made))
    seen = []
    with pytest.raises(ConditionFailed):
        update_now(
            made, [Thing.size.add(1)], Thing.size < 5, lambda row: seen.append(Thing.decode(row).size) or ConditionFailed("x")
        )
    assert seen == [5]
    assert Thing.decode(update_now(made, [Thing.size.add(1)], Thing.size < 6)).size == 6


def test_a_collection_shows_filters_and_forgets_the_deleted(aws):
    things = [thing(title=title) for title in "ABC"]
    write(*map(create, things))
    things[1].deleted_at = "2026-01-01T00:00:00.000Z"
    write(save(things[1]))
    assert [row.f["title"] for row in collection(1, "WS#w1#THING")] == ["A", "C"]
    assert [row.title for row in fetch_all(Thing, [things[2].id, new_id(), things[0].id])] == ["C", "A"]
    assert get_many([]) == []


def test_an_index_shows_attributes_of_the_row_without_a_copy(aws):
    plain, noted = thing(title="A"), thing(title="B", notes=["x"])
    write(create(plain), create(noted))
    assert (plain.f, noted.f) == (None, {"notes": ["x"]})
    rows = collection(1, "WS#w1#THING")
    assert [row.f for row in rows] == [{"title": "A"}, {"title": "B", "notes": ["x"]}]
    assert [index_row(fetch(Thing, row.id)).f for row in rows] == [row.f for row in rows]
    first, more = first_index_rows(1, "WS#w1#THING", 1)
    assert ([(row.id, row.kind, row.sort, row.f) for row in first], more) == (
        [(plain.id, "THING", rows[0].sort, rows[0].f)],
        True,
    )
    (short, _), _ = first_index_rows(1, "WS#w1#THING", 2, attributes=("title",))
    assert (short.id, short.kind, short.sort, short.f) == (rows[0].id, rows[0].kind, rows[0].sort, {"title": "A"})
    assert noted.listed() == rows[1].f


def test_a_cursor_is_signed_and_bound(aws):
    cursor = encode_cursor({"PK": {"S": "x"}}, "u1", "cards")
    assert decode_cursor(cursor, "u1", "cards") == {"PK": {"S": "x"}}
    forged = cursor[:-1] + ("A" if cursor[-1] != "A" else "B")
    for forged, bound in ((forged, ("u1", "cards")), (cursor, ("u2", "cards")), ("junk", ("u1",))):
        with pytest.raises(Invalid):
            decode_cursor(forged, *bound)


@pytest.mark.parametrize("others", [0, 1])
def test_a_row_that_is_too_large_is_the_callers_mistake(aws, others):
    large = thing(title="A" * 410_000)
    with pytest.raises(Invalid):
        write(create(large), *[create(thing()) for _ in range(others)])
    with pytest.raises(Invalid):
        update_now(thing(), [Thing.title.set("A" * 410_000)])


def test_a_row_that_is_too_large_as_dynamodb_says_it_in_a_transaction():
    reasons = [{"Code": "None"}, {"Code": "ValidationError", "Message": "Item size has exceeded the maximum allowed size"}]
    error = ClientError({"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}, "TransactWriteItems")
    assert isinstance(writing._condition_error(error, [create(thing()), create(thing())]), Invalid)


def test_a_file_in_parts_is_there_when_they_are_joined(aws):
    """moto refuses parts that are too small, as S3 does."""
    upload = begin_multipart("parts/a", "text/csv")
    parts = [b"a" * PART_BYTES, b"b" * PART_BYTES, b"c"]
    tags = [put_part("parts/a", upload, number, body) for number, body in enumerate(parts, 1)]
    tags[0] = put_part("parts/a", upload, 1, parts[0])  # again, by somebody who did not hear that it was there
    assert head_file("parts/a") is None
    complete_multipart("parts/a", upload, tags)
    assert get_file("parts/a") == b"".join(parts)


# -- walks


QUEUE = Shards("THINGS#DUE", 4)


class Due(Thing):
    KIND = "DUE"

    def indexes(self):
        return {2: (QUEUE.partition_of(self.id), self.created_at)}


def many(number: int, model: type[Thing] = Thing) -> list[str]:
    """The ids of new things, in their order."""
    rows = [model.new(new_id(), title=str(place), ws_id="w1") for place in range(number)]
    for place, row in enumerate(rows):
        row.created_at = f"2026-01-01T00:00:00.{place:03}Z"
    put_many(rows)
    return [row.id for row in rows]


def test_a_walk_goes_over_all_pages_and_reads_each_when_it_comes_to_it(aws):
    ids = many(7)
    with count_requests() as seen:
        walk = iterate(Thing, "WS#w1#THING", index=1, limit=3)
        assert seen.count == 0
        assert [row.entity_id for row in itertools.islice(walk, 3)] == ids[:3]
        assert seen.count == 1
        assert [row.entity_id for row in walk] == ids[3:]
    assert seen.count == 3
    assert [row.entity_id for row in iterate(Thing, "WS#w1#THING", index=1, limit=2, newest_first=True)] == ids[::-1]
    assert list(iterate(Thing, "WS#nobody", index=1)) == []
    assert count(Thing, "WS#w1#THING", index=1) == 7


def test_a_walk_goes_on_where_a_page_ended(aws):
    ids = many(5)
    first = next(pages(Thing, "WS#w1#THING", index=1, limit=2))
    rest = list(pages(Thing, "WS#w1#THING", index=1, limit=2, start=first.next_key))
    assert [[row.entity_id for row in page.rows] for page in rest] == [ids[2:4], ids[4:]]
    assert rest[-1].next_key is None


def test_a_walk_reads_the_entities_of_each_page_together(aws):
    many(4)
    with count_requests() as seen:
        rows = list(iterate(Thing, "WS#w1#THING", index=1, limit=3, read=lambda page: fetch_indexed(Thing, page)))
    assert [row.title for row in rows] == ["0", "1", "2", "3"]
    assert seen.by_name == {"Query": 2, "BatchGetItem": 2}


def test_a_walk_ends_when_its_time_is_up(aws, monkeypatch):
    many(4)
    with count_requests() as seen:
        assert list(iterate(Thing, "WS#w1#THING", index=1, until=time.monotonic() - 1)) == []
    assert seen.count == 0
    ticks = itertools.count()
    monkeypatch.setattr("shared.store.walking.time.monotonic", lambda: next(ticks))
    with count_requests() as seen:
        assert len(list(iterate(Thing, "WS#w1#THING", index=1, limit=1, until=3))) == 2  # a look for each page and each row
    assert seen.count == 2


@pytest.mark.parametrize(("number", "read", "more"), [(3, 3, True), (4, 4, True), (6, 5, False)])
def test_the_first_rows_say_whether_there_may_be_more(aws, number, read, more):
    ids = many(5)
    first = query(Thing, "WS#w1#THING", index=1, limit=number)
    assert ([row.entity_id for row in first.rows], first.next_key is not None) == (ids[:read], more)


def test_the_first_rows_go_on_after_a_page_that_was_full(aws):
    """A page holds 1 MB, so it may have fewer rows than were asked for."""
    made = [thing(title=f"{number}" + "A" * 380_000) for number in range(5)]
    for row in made:
        row.pk, row.sk = "THINGS", row.id
        write(put(row))
    with count_requests() as seen:
        assert [row.id for row in query(Thing, "THINGS", limit=4).rows] == sorted(row.id for row in made)[:4]
    assert seen.count == 2
    assert len(item_collection([Thing], "THINGS", ("0", "~"))) == 5


def test_a_sharded_list_is_walked_whole(aws):
    ids = many(40, Due)
    places = {QUEUE.partition_of(one) for one in ids}
    assert places == set(QUEUE.partitions()) == {f"THINGS#DUE#{shard}" for shard in range(4)}
    rows = iterate_shards(Due, QUEUE, time.monotonic() + 60, index=2, limit=3, read=lambda page: fetch_indexed(Due, page))
    assert sorted(row.id for row in rows) == sorted(ids)
    assert list(iterate_shards(Due, QUEUE, time.monotonic() - 1, index=2)) == []


@pytest.mark.parametrize("turns", [1, 2, 5])
def test_a_sweep_goes_on_where_the_last_one_had_no_more_time(aws, monkeypatch, turns):
    """No row leaves the list, and yet each has its turn."""
    ids = many(12, Due)
    seen: list[str] = []
    for _ in range(12 // turns + 1):
        ticks = itertools.count()
        monkeypatch.setattr("shared.store.walking.time.monotonic", lambda ticks=ticks: next(ticks))
        seen += [row.entity_id for row in iterate_shards(Due, QUEUE, turns, index=2, limit=4)]
    assert set(seen) == set(ids)
    monkeypatch.undo()
    rounds = [[row.entity_id for row in iterate_shards(Due, QUEUE, time.monotonic() + 60, index=2)] for _ in range(2)]
    assert sorted(rounds[1]) == sorted(ids)  # the first one ends the round that was begun


@pytest.mark.parametrize("step", [60, 3_600, 86_400])
def test_no_shard_is_always_the_last(monkeypatch, step):
    moments = iter(range(1_700_000_000, 1_800_000_000, step))
    monkeypatch.setattr("shared.store.walking.clock.epoch", lambda: next(moments))
    assert {QUEUE.partitions()[-1] for _ in range(60)} == {f"THINGS#DUE#{shard}" for shard in range(4)}


def test_what_fails_does_not_keep_the_others_from_being_done():
    done = []

    def work(number: int) -> int:
        if number % 2:
            raise ValueError(number)
        done.append(number)
        return number

    with pytest.raises(ExceptionGroup, match="2 of what was due in NUMBERS") as failed:
        process_all("NUMBERS", [1, 2, 3, 4], work, lambda number: f"number {number}")
    assert [one.__notes__ for one in failed.value.exceptions] == [["number 1"], ["number 3"]]
    assert done == [2, 4]
    assert process_all("NUMBERS", [2, 4], work, str) == 6


# -- optimistic writes


def test_a_change_is_made_again_on_what_somebody_else_left(aws):
    made = thing()
    write(create(made))

    def change(row: Thing) -> None:
        if row.size < 3:  # three others are faster
            update_now(Thing(pk=made.pk, sk="META"), [Thing.size.add(1), Thing.version.add(1)])
        row.title = f"seen {row.size}"

    assert update_with_retry(lambda: load(Thing, made.id, member()), change).title == "seen 3"
    after = load(Thing, made.id, member())
    assert (after.title, after.size, after.version) == ("seen 3", 3, 5)


def test_nothing_is_written_where_nothing_changes(aws):
    made = thing()
    write(create(made))
    with count_requests() as seen:
        update_with_retry(lambda: load(Thing, made.id, member()), lambda _: None)
    assert seen.names == ["GetItem"]


def test_batches_go_on_until_nothing_is_left():
    left = [{"t": [1, 2, 3]}, {"t": [3]}, {}]
    calls = []

    def call(**about):
        calls.append(about["RequestItems"])
        return {"Unprocessed": left[len(calls)]}

    assert len(list(batches(call, left[0], "Unprocessed"))) == 2
    assert calls == left[:2]


def test_a_batch_of_which_nothing_is_done_is_given_up_and_the_table_called_busy(monkeypatch):
    pauses = []
    monkeypatch.setattr("shared.store.client.pause", lambda number, **_: pauses.append(number))
    with pytest.raises(ClientError) as refused:
        for _ in batches(lambda RequestItems: {"Unprocessed": RequestItems}, {"t": {"Keys": [1, 2]}}, "Unprocessed"):
            pass
    assert is_busy(refused.value)
    assert pauses == [1, 2, 3, 4, 5, 6, 7, 8]


def test_a_batch_that_is_done_row_by_row_is_never_given_up(monkeypatch):
    monkeypatch.setattr("shared.store.client.pause", lambda *_, **__: None)
    keys = list(range(100))
    done = batches(
        lambda RequestItems: {"Unprocessed": {"t": RequestItems["t"][1:]} if RequestItems["t"][1:] else {}},
        {"t": keys},
        "Unprocessed",
    )
    assert len(list(done)) == 100


def test_a_put_whose_answer_was_lost_is_done_and_not_refused(aws):
    """Seen: an invitation that was made and answered 409, a payment method that was removed and answered 404."""
    made = thing(size=3, notes={"a": [1, None]})
    with answer_lost("PutItem") as lost:
        write(create(made))
    assert lost.happened
    made.title = "B"
    with answer_lost("PutItem") as lost:
        write(save(made))
    read = load(Thing, made.id, member())
    assert (lost.happened, read.title, read.version) == (True, "B", 2)


def test_a_put_that_was_overtaken_is_refused_also_if_it_was_sent_twice(aws):
    made = thing()
    write(create(made))
    theirs, ours = load(Thing, made.id, member()), load(Thing, made.id, member())
    theirs.title, ours.title = "B", "C"
    write(save(theirs))
    with answer_lost("PutItem") as lost, pytest.raises(Conflict):
        write(save(ours))
    assert (lost.happened, load(Thing, made.id, member()).title) == (True, "B")
