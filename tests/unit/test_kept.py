"""What was kept is used where it fits exactly; everywhere else nothing changes."""

import collections
import dataclasses
import importlib
import inspect
import marshal
import re
import sys
import traceback
import typing
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.bundling_kept import _arguments
from shared.core import kept

Begin = Callable[[kept.Index, bytes], kept.Kept]
EMPTY: kept.Index = {"modules": {}, "texts": {}, "expressions": {}}
BROKEN = "def fail():\n    raise ValueError('told')\n"


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Undo what a test hands over."""
    finders, modules = list(sys.meta_path), set(sys.modules)
    yield
    sys.meta_path[:] = finders
    for name in set(sys.modules) - modules:
        del sys.modules[name]
    for module, name in ((dataclasses, "exec"), (collections, "eval"), (typing, "compile")):
        vars(module).pop(name, None)
    vars(vars(re)["_compiler"])["compile"] = kept.compiled_expression


@pytest.fixture
def begin(tmp_path: Path) -> Begin:
    def begin(index: kept.Index, bytecode: bytes = b"") -> kept.Kept:
        (tmp_path / kept.FILE).write_bytes(kept.packed(EMPTY | index, bytecode))
        begun = kept.begin(str(tmp_path))
        assert begun is not None
        return begun

    return begin


def recorded() -> tuple[dict[tuple[str, str], bytes], list[str]]:
    """The texts that a dataclass, a named tuple and a forward reference ask for, and in order what they are."""
    texts: dict[tuple[str, str], bytes] = {}

    def text(source: str, mode: str) -> typing.Any:
        texts[mode, source] = marshal.dumps(kept.compiled(source, mode), 2)
        return kept.compiled(source, mode)

    kept.hand_over(text, kept.compiled_expression)
    use_the_library()
    return texts, [mode for mode, _ in texts]


def use_the_library() -> tuple[object, ...]:
    @dataclasses.dataclass(frozen=True, order=True)
    class Point:
        x: int
        y: int = 2

    pair = collections.namedtuple("pair", "left right")
    return (
        repr(Point(1)),
        Point(1) < Point(3),
        hash(Point(1)) == hash(Point(1)),
        pair(1, 2),
        typing.ForwardRef("int | None").__forward_code__,
    )


def test_what_was_kept_is_found_and_makes_the_same(begin: Begin) -> None:
    before = use_the_library()
    texts, modes = recorded()
    assert set(modes) == {"exec", "eval"}
    begun = begin({"texts": texts}, b"")
    assert use_the_library() == before
    assert begun.missed == 0
    assert begun.found >= len(texts)


def test_a_changed_text_is_compiled_as_ever(begin: Begin) -> None:
    texts, _ = recorded()
    begun = begin({"texts": texts}, b"")

    @dataclasses.dataclass
    class Point:
        x: int
        z: int = 7

    assert repr(Point(1)).endswith("Point(x=1, z=7)")
    assert begun.missed > 0


@pytest.mark.parametrize(
    ("pattern", "flags", "matching"),
    [(r"(?P<day>\d+)-[a-zü]+", re.IGNORECASE, "12-JÜLI"), (rb"[\x80-\xff]|b{2,}", 0, b"abb"), (r"^a.c$", re.M | re.S, "x\na\nc")],
)
def test_an_expression_that_was_kept_is_the_same(begin: Begin, pattern: str | bytes, flags: int, matching: typing.Any) -> None:
    ever = kept.compiled_expression(pattern, flags)
    begun = begin({"expressions": {(pattern, int(flags)): marshal.dumps(_arguments(pattern, flags), 2)}}, b"")
    re.purge()
    made = re.compile(pattern, flags)
    assert (begun.found, begun.missed) == (1, 0)
    assert (made, made.groupindex, made.groups, made.flags) == (ever, ever.groupindex, ever.groups, ever.flags)
    assert [one.span() for one in made.finditer(matching)] == [one.span() for one in ever.finditer(matching)] != []
    assert re.compile(pattern + pattern[:0] * 2, flags | re.VERBOSE).search(matching)
    assert begun.missed == 1


@pytest.mark.parametrize("library", [dataclasses, collections, typing, vars(re)["_compiler"]])
def test_the_library_compiles_without_features_of_its_own(library: typing.Any) -> None:
    """A text takes over the `from __future__ import` of the module that compiles it: there is none, so `dont_inherit` changes nothing."""
    assert "from __future__" not in inspect.getsource(library)


def test_a_module_comes_from_the_file_and_its_traceback_shows_the_source(begin: Begin, tmp_path: Path) -> None:
    (tmp_path / "kept_package").mkdir()
    source = tmp_path / "kept_package" / "broken.py"
    for path, text in (
        (source, BROKEN),
        (tmp_path / "kept_package" / "__init__.py", ""),
        (tmp_path / "kept_package" / "by_folder.py", ""),
    ):
        path.write_text(text)
    bodies = [
        marshal.dumps(compile(text, name, "exec")) for name, text in (("/var/task/x.py", ""), ("/var/task/broken.py", BROKEN))
    ]
    begin(
        {
            "modules": {
                "kept_package": ("kept_package/__init__.py", 0, len(bodies[0])),
                "kept_package.broken": ("kept_package/broken.py", len(bodies[0]), len(bodies[1])),
            }
        },
        b"".join(bodies),
    )
    module = importlib.import_module("kept_package.broken")
    assert (module.__file__, module.__name__, module.__package__) == (str(source), "kept_package.broken", "kept_package")
    assert module.__spec__ is not None
    assert module.__spec__.cached == importlib.util.cache_from_source(str(source))
    assert inspect.getsource(module) == BROKEN
    with pytest.raises(ValueError, match="told") as caught:
        module.fail()
    assert "raise ValueError('told')" in "".join(traceback.format_exception(caught.value))
    assert importlib.import_module("kept_package.by_folder").__file__ == str(tmp_path / "kept_package" / "by_folder.py")


def test_a_module_of_another_folder_is_not_taken(begin: Begin, tmp_path: Path) -> None:
    begun = begin({"modules": {"ours.one": ("ours/one.py", 0, 1)}}, b"N")
    assert begun.find_spec("ours.one", [str(tmp_path / "ours")]) is not None
    assert begun.find_spec("ours.one", ["/elsewhere/ours"]) is None
    assert begun.find_spec("ours.two", [str(tmp_path / "ours")]) is None


@pytest.mark.parametrize("miss", ["no file", "another interpreter"])
def test_nothing_changes_without_it(tmp_path: Path, miss: str) -> None:
    content = kept.packed(EMPTY, b"")
    if miss != "no file":
        (tmp_path / kept.FILE).write_bytes(content.replace(b" ", b"0 ", 1) if miss == "another interpreter" else content)
    finders = list(sys.meta_path)
    assert kept.begin(str(tmp_path)) is None
    assert sys.meta_path == finders
    assert "exec" not in vars(dataclasses)


def test_off_replaces_no_name_of_the_library(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CADRE_KEPT", "off")
    begun = begin({}, b"")
    assert begun in sys.meta_path
    assert not {"exec", "eval", "compile"} & {*vars(dataclasses), *vars(collections), *vars(typing)}
    assert vars(vars(re)["_compiler"])["compile"] is kept.compiled_expression
