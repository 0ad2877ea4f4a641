"""Exceptions are made when they are raised: one that a module keeps grows with each raise and keeps its frames alive."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from pkgutil import walk_packages
from types import ModuleType

import pytest

from shared.core.errors import ConditionFailed
from shared.store import UnicodeAttribute, create, write
from shared.store.rows import Row

PACKAGES = ("shared", "functions", "tools")


def modules() -> list[ModuleType]:
    packages = [import_module(name) for name in PACKAGES]
    return [
        *packages,
        *(import_module(found.name) for package in packages for found in walk_packages(package.__path__, f"{package.__name__}.")),
    ]


def kept(value: object, depth: int = 3) -> Iterator[BaseException]:
    """The exceptions that a value of a module holds: itself, in its entries, its attributes or its default arguments."""
    if isinstance(value, BaseException):
        yield value
    elif depth and isinstance(value, Mapping):
        for one in value.values():
            yield from kept(one, depth - 1)
    elif depth and isinstance(value, list | tuple | set | frozenset):
        for one in value:
            yield from kept(one, depth - 1)
    elif depth and isinstance(value, type) and value.__module__.partition(".")[0] in PACKAGES:
        yield from kept(dict(vars(value)), depth - 1)
    elif depth and callable(value):
        yield from kept(getattr(value, "__defaults__", None), depth - 1)
        yield from kept(getattr(value, "__kwdefaults__", None), depth - 1)


def test_no_module_holds_an_exception():
    assert [
        (module.__name__, name, one) for module in modules() for name, value in vars(module).items() for one in kept(value)
    ] == []


def test_an_exception_is_found_wherever_a_module_keeps_it():
    class Holder:
        errors = (ValueError(),)

    Holder.__module__ = "shared.example"

    def with_default(error: Exception = ValueError()) -> None:  # noqa: B008 - what is looked for
        raise error

    places = [ValueError(), {"a": [ValueError()]}, Holder, with_default]
    assert [len(list(kept(place))) for place in places] == [1, 1, 1, 1]


class Taken(ConditionFailed):
    """The key is taken."""


class Thing(Row):
    TABLE = "core_table"
    name = UnicodeAttribute(null=True)


def test_a_refused_write_raises_a_new_error_each_time(aws):
    write(create(Thing(pk="THING", sk="1")))
    caught = []
    for _ in range(2):
        with pytest.raises(Taken) as refused:
            write(create(Thing(pk="THING", sk="1"), Taken))
        caught.append(refused.value)
    assert caught[0] is not caught[1]
    lengths = [sum(1 for _ in frames(error)) for error in caught]
    assert lengths[0] == lengths[1]


def frames(error: BaseException) -> Iterator[object]:
    traceback = error.__traceback__
    while traceback is not None:
        yield traceback
        traceback = traceback.tb_next
