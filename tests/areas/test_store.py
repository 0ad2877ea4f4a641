"""The store on moto: rows keep their values, tenancy is one gate, conditions decide."""

import pytest
from botocore.exceptions import ClientError

from shared.core.actor import Actor, Permission, Role
from shared.core.errors import Conflict, Forbidden, Invalid, NotFound, Raced
from shared.core.ids import new_id
from shared.core.situations import Situation
from shared.store import (
    PART_BYTES,
    Entity,
    JSONAttribute,
    NumberAttribute,
    UnicodeAttribute,
    begin_multipart,
    collection,
    complete_multipart,
    create,
    decode_cursor,
    encode_cursor,
    fetch_all,
    get_file,
    get_many,
    head_file,
    load,
    put_part,
    save,
    update,
    update_now,
    write,
    writing,
)


class Thing(Entity):
    KIND = "THING"
    NAME = "thing"

    title = UnicodeAttribute()
    size = NumberAttribute(default=0)
    notes = JSONAttribute(null=True)

    def indexes(self):
        return {1: (f"WS#{self.ws_id}#THING", self.created_at)}

    def filters(self):
        return {"title": self.title}


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
    full = Raced("No room")
    with pytest.raises(Raced) as refused:
        write(save(one), update(two, [Thing.size.add(1)], Thing.size < 5, full))
    assert refused.value is full
    assert load(Thing, one.id, member()).version == 1


def test_a_refusal_sees_the_row_as_it_stood(aws):
    made = thing(size=5)
    write(create(made))
    seen = []
    with pytest.raises(Raced):
        update_now(made, [Thing.size.add(1)], Thing.size < 5, lambda row: seen.append(Thing.decode(row).size) or Raced("x"))
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
    assert isinstance(writing._refusal(error, [create(thing()), create(thing())]), Invalid)


def test_a_file_in_parts_is_there_when_they_are_joined(aws):
    """moto refuses parts that are too small, as S3 does."""
    upload = begin_multipart("parts/a", "text/csv")
    parts = [b"a" * PART_BYTES, b"b" * PART_BYTES, b"c"]
    tags = [put_part("parts/a", upload, number, body) for number, body in enumerate(parts, 1)]
    tags[0] = put_part("parts/a", upload, 1, parts[0])  # again, by somebody who did not hear that it was there
    assert head_file("parts/a") is None
    complete_multipart("parts/a", upload, tags)
    assert get_file("parts/a") == b"".join(parts)
