"""Rows, and the conditions and changes of a write: the form in which DynamoDB gets them is PynamoDB's own."""

import importlib
import pkgutil
import sys
from collections.abc import Sequence
from inspect import getmembers
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynamodb.attributes import Attribute
from pynamodb.exceptions import AttributeNullError
from pynamodb.expressions.update import Update
from pynamodb.models import Model

import shared
from shared.store import (
    BooleanAttribute,
    Guard,
    JSONAttribute,
    NumberAttribute,
    NumberSetAttribute,
    Row,
    UnicodeAttribute,
    UnicodeSetAttribute,
    amount,
    check,
    delete,
    flat_map,
    put,
    size,
    update,
)
from shared.store.attributes import from_json
from shared.store.decoding import decoder_for
from shared.store.expressions import Action, Condition, request_fields
from shared.work.boards.counting import CardLocation, update_counts
from shared.work.boards.rows import Counts

VALUES = {"S": "text", "N": 1.5, "BOOL": False, "SS": {"a"}, "NS": {1, 2}, "M": {"key": 1, "other": "text"}}


class Thing(Row):
    TABLE = "core_table"

    name = UnicodeAttribute(default="none")
    count = NumberAttribute(null=True, attr_name="n.count")
    limit = NumberAttribute(null=True)
    done = BooleanAttribute(null=True)
    about = JSONAttribute(default=dict)
    words = UnicodeSetAttribute(null=True)
    numbers = NumberSetAttribute(null=True)
    by_key: Any = flat_map()

    @classmethod
    def at(cls) -> "Thing":
        return cls("A", "B")


def models(of: type[Row]) -> list[type[Row]]:
    below = [model for one in of.__subclasses__() for model in models(one)]
    return [of, *below] if hasattr(of, "TABLE") else below


@pytest.fixture(scope="module")
def platform() -> list[type[Row]]:
    for module in pkgutil.walk_packages(shared.__path__, "shared."):
        importlib.import_module(module.name)
    found = [model for model in models(Row) if model.__module__.startswith("shared.")]
    assert {"M", "SS", "BOOL", "N", "S"} <= {one.attr_type for model in found for one in model.get_attributes().values()}
    return found


def filled(model: type[Row]) -> Row:
    return model(**{name: VALUES[one.attr_type] for name, one in model.get_attributes().items()})


def test_a_class_of_rows_has_the_attributes_that_pynamodb_finds(platform: list[type[Row]]) -> None:
    for model in [*platform, Thing]:
        found = dict(getmembers(model, lambda one: isinstance(one, Attribute)))
        ours = model.get_attributes()
        assert issubclass(model, Model)
        assert ours.keys() == found.keys()
        assert all(ours[name] is found[name] for name in found)
        assert model._dynamo_to_python_attrs == {one.attr_name: name for name, one in found.items() if one.attr_name != name}
        assert (model._hash_keyname, model._range_keyname, model._indexes) == ("pk", "sk", {})


def test_a_row_is_written_as_pynamodb_writes_it_and_read_as_it_was(platform: list[type[Row]]) -> None:
    for model in platform:
        empty, full = model(), filled(model)
        assert empty.serialize(null_check=False) == Model.serialize(empty, null_check=False)
        assert full.serialize() == Model.serialize(full)
        assert len(full.serialize()) == len(model.get_attributes())
        assert decoder_for(model)(full.serialize()) == full.attribute_values


def test_a_row_is_an_object_with_its_values_in_it() -> None:
    row = Guard.decode({"PK": {"S": "SLUG#a"}, "SK": {"S": "META"}, "ref": {"S": "w1"}, "kind": {"S": "GUARD"}})
    assert vars(row) == {"pk": "SLUG#a", "sk": "META", "ref": "w1", "kind": "GUARD"}
    row.ref = "w2"
    assert (row.ref, row.ttl) == ("w2", None)
    assert row.serialize() == {"PK": {"S": "SLUG#a"}, "SK": {"S": "META"}, "ref": {"S": "w2"}, "kind": {"S": "GUARD"}}


@pytest.mark.parametrize(
    ("value", "text"), [([], "[]"), ({}, "{}"), ("", '""'), (0, "0"), (False, "false"), ([{}], "[{}]"), ((), "[]")]
)
def test_json_is_stored_without_spaces(value: Any, text: str) -> None:
    assert Thing("A", "B", about=value).serialize()["about"] == {"S": text}
    assert from_json(text) == ([] if value == () else value)


def test_what_is_empty_or_none_is_left_out() -> None:
    row = Thing("A", "B", name=None, words=set(), numbers=set(), about=None)
    assert row.serialize(null_check=False) == {"PK": {"S": "A"}, "SK": {"S": "B"}, "by_key": {"M": {}}}
    with pytest.raises(AttributeNullError, match="name"):
        row.serialize()


def test_defaults_are_of_each_row_alone() -> None:
    one, other = Thing.at(), Thing.at()
    one.about["a"] = 1
    assert (other.about, Thing.decode({}).about, Thing.decode({}).name) == ({}, {}, "none")
    assert Thing.at().count is None


def test_a_row_has_no_other_attributes() -> None:
    with pytest.raises(ValueError, match="Thing has no attribute nmae"):
        Thing("A", "B", nmae="x")


def as_pynamodb_writes(condition: Condition | None, actions: Sequence[Action] = ()) -> dict[str, Any]:
    names: dict[str, str] = {}
    values: dict[str, Any] = {}
    fields: dict[str, Any] = {}
    if condition is not None:
        fields["ConditionExpression"] = condition.serialize(names, values)
        fields["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    if actions:
        fields["UpdateExpression"] = Update(*actions).serialize(names, values)
    if names:
        fields["ExpressionAttributeNames"] = {mark: name for name, mark in names.items()}
    if values:
        fields["ExpressionAttributeValues"] = values
    return fields


texts, numbers = st.sampled_from(["a", "b", ""]), st.one_of(st.integers(-9, 9), st.sampled_from([0.5, 1e300]))
keys = st.sampled_from(["a", "b.c", "size"])
places = st.one_of(st.just(Thing.count), st.just(Thing.limit), st.just(size("words")), keys.map(lambda key: Thing.by_key[key]))
simple = st.one_of(
    st.builds(lambda place, other: place < other, places, st.one_of(numbers, st.just(Thing.limit))),
    st.builds(lambda place, other: place <= other, places, numbers),
    st.builds(lambda place, other: place > other, places, numbers),
    st.builds(lambda place, other: place >= other, places, numbers),
    st.builds(lambda place, other: place == other, places, numbers),
    st.builds(lambda text: Thing.name != text, texts),
    st.builds(lambda some: Thing.name.is_in(*some), st.lists(texts, min_size=1, max_size=3)),
    st.builds(lambda flag: Thing.done == flag, st.booleans()),
    st.builds(Thing.name.startswith, texts),
    st.builds(Thing.count.between, numbers, numbers),
    st.builds(Thing.words.contains, texts),
    st.builds(lambda value: Thing.about == value, st.sampled_from([[1], {"ä": None}])),
    st.sampled_from([Thing.pk.exists(), Thing.pk.does_not_exist(), Thing.by_key["a"].exists()]),
)
conditions = st.recursive(
    simple,
    lambda some: st.one_of(
        st.builds(lambda one, other: one & other, some, some),
        st.builds(lambda one, other: one | other, some, some),
        some.map(lambda one: ~one),
    ),
    max_leaves=6,
)
changes = st.one_of(
    st.builds(Thing.name.set, st.one_of(texts, st.none())),
    st.builds(Thing.about.set, st.sampled_from([[1], {"ä": None}, {}])),
    st.builds(Thing.by_key.set, st.sampled_from([{"a": 1}, {}, {"b": "x"}])),
    st.builds(lambda key, number: Thing.by_key[key].set(Thing.by_key[key] + number), keys, numbers),
    st.builds(lambda key, number: Thing.by_key[key].set(Thing.by_key[key] | number), keys, numbers),
    st.builds(lambda key, value: Thing.by_key[key].set(value), keys, st.one_of(texts, numbers, st.booleans(), st.none())),
    st.builds(lambda number: Thing.count.set(Thing.count - number), numbers),
    st.builds(Thing.count.add, numbers),
    st.builds(lambda number: amount("06:i").add(number), numbers),
    st.builds(Thing.done.set, st.booleans()),
    st.sampled_from([Thing.name.remove(), Thing.by_key["a"].remove(), Thing.count.set(Thing.limit)]),
    st.sampled_from([Thing.words.add({"w"}), Thing.words.delete({"w"}), Thing.numbers.add({7}), Thing.words.set(set())]),
)


@given(condition=st.none() | conditions, actions=st.lists(changes, max_size=6))
def test_conditions_and_changes_are_written_as_pynamodb_writes_them(condition: Condition | None, actions: list[Action]) -> None:
    assert request_fields(condition, actions) == as_pynamodb_writes(condition, actions)


def test_changes_of_a_kind_are_one_clause_and_a_name_has_one_mark() -> None:
    actions = [Thing.count.add(1), Thing.name.set("a"), Thing.limit.remove(), Thing.done.set(True), Thing.by_key["a"].remove()]
    request = update(Thing.at(), actions, Thing.name == "a").request
    assert request["ConditionExpression"] == "#0 = :0"
    assert request["UpdateExpression"] == "SET #0 = :1, #1 = :2 REMOVE #2, #3.#4 ADD #5 :3"
    assert [*request["ExpressionAttributeNames"].values()] == ["name", "done", "limit", "by_key", "a", "n.count"]
    assert [*request["ExpressionAttributeValues"].values()] == [{"S": "a"}, {"S": "a"}, {"BOOL": True}, {"N": "1"}]


def test_every_write_is_put_together_in_the_same_way() -> None:
    absent, key = Thing.pk.does_not_exist(), {"TableName": "core", "Key": {"PK": {"S": "A"}, "SK": {"S": "B"}}}
    refused = as_pynamodb_writes(absent)
    assert put(Thing.at()).request == {"TableName": "core", "Item": Thing.at().serialize()}
    assert put(Thing.at(), absent).request == {"TableName": "core", "Item": Thing.at().serialize(), **refused}
    assert delete(Thing.at()).request == key
    assert delete(Thing.at(), absent).request == check(Thing.at(), absent).request == key | refused
    assert update(Thing.at(), [Thing.count.add(1)]).request == key | as_pynamodb_writes(None, [Thing.count.add(1)])


def test_the_counts_of_a_board_are_written_with_few_calls() -> None:
    """Every move of a card writes this: with PynamoDB's serializer it took 604 calls, a million instructions."""
    before, after = (
        CardLocation("lane-1", "backlog", "draft", "task", "low"),
        CardLocation("lane-2", "building", "in_progress", "task", "low"),
    )
    calls: list[str] = []
    update_counts("b", leaves=before, enters=after, lane_limit=5)  # what is made once is made
    sys.setprofile(lambda frame, kind, _: calls.append(frame.f_code.co_qualname) if kind == "call" else None)
    try:
        request = update_counts("b", leaves=before, enters=after, lane_limit=5).request
    finally:
        sys.setprofile(None)
    assert request["UpdateExpression"].count("#") == 20
    assert request["Key"] == Counts.of("b").stored_key()
    assert len(calls) < 270, calls
