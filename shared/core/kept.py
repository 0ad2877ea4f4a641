"""Hand over at start what was made when the package was made (`infra.bundling_kept`), so that no new process makes it again:

modules      the bytecode of the modules that functions import, in one file: nothing is searched in folders
texts        the code of texts that Python's library compiles: methods of dataclasses, named tuples, forward references
expressions  regular expressions as `re` compiles them

Texts and expressions are found by their exact source, so what is handed over is what would be made; what is not found is made as ever.
The file is read only by an interpreter like the one that made it. `CADRE_KEPT=off` takes only the modules from it, which needs nothing but
what Python documents; texts and expressions replace names of its library. Decision 41 has the reasons.
"""

import _sre  # type: ignore[import-not-found]  # typeshed does not know it
import builtins
import collections
import dataclasses
import marshal
import mmap
import os
import re
import sys
import typing
from collections.abc import Callable
from importlib.machinery import ExtensionFileLoader, ModuleSpec, SourceFileLoader
from importlib.util import MAGIC_NUMBER
from types import CodeType, ModuleType
from typing import Any

FILE = "kept.bin"
_ROOT = __file__.removesuffix("/shared/core/kept.py")
TAG = sys.implementation.cache_tag
INTERPRETER = f"{TAG} {MAGIC_NUMBER.hex()} {_sre.MAGIC} {_sre.CODESIZE}\n".encode()
_LENGTH = 8  # bytes that hold the length of the index
Index = dict[str, dict[Any, Any]]


class Kept:
    """What is in the file; counts what was found and what was not."""

    def __init__(self, root: str, index: Index, bytecode: memoryview) -> None:
        self.root, self._bytecode = root, bytecode
        self._modules: dict[str, tuple[str, int, int]] = index["modules"]
        self._texts: dict[tuple[str, str], bytes] = index["texts"]
        self._expressions: dict[tuple[str | bytes, int], bytes] = index["expressions"]
        self.found = self.missed = 0

    def text(self, text: str, mode: str) -> CodeType:
        """Return what `compile` makes of a text for `exec` or `eval`."""
        code = self._texts.get((mode, text))
        if code is None:
            self.missed += 1
            return compiled(text, mode)
        self.found += 1
        made: CodeType = marshal.loads(code)  # noqa: S302 - our own file
        return made

    def expression(self, pattern: Any, flags: int = 0) -> "re.Pattern[Any]":
        """Return what `re` makes of an expression; `pattern` may also be one that it has taken apart."""
        arguments = self._expressions.get((pattern, flags)) if isinstance(pattern, str | bytes) else None
        if arguments is None:
            self.missed += 1
            return compiled_expression(pattern, flags)
        self.found += 1
        made: re.Pattern[Any] = _sre.compile(pattern, *marshal.loads(arguments))  # noqa: S302 - our own file
        return made

    def find_spec(self, name: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Find a module, as an entry of `sys.meta_path`; no module of another folder than the package."""
        file, start, length = self._modules.get(name, ("", 0, 0))
        folder, _, base = f"{self.root}/{file}".rpartition("/")
        is_package = base == "__init__.py"
        if not file or (path is not None and (folder.rpartition("/")[0] if is_package else folder) not in path):
            return None
        origin = f"{folder}/{base}"
        if not length:
            spec = ModuleSpec(name, ExtensionFileLoader(name, origin), origin=origin)
        else:
            loader = _Loader(name, origin, self._bytecode[start : start + length])
            spec = ModuleSpec(name, loader, origin=origin, is_package=is_package)
            spec.cached = f"{folder}/__pycache__/{base[:-3]}.{TAG}.pyc"
        spec.has_location = True
        if is_package:
            spec.submodule_search_locations = [folder]
        return spec


class _Loader(SourceFileLoader):
    """Loads a module whose file is there for tracebacks and resources only."""

    def __init__(self, name: str, path: str, bytecode: memoryview) -> None:
        super().__init__(name, path)
        self._bytecode = bytecode

    def get_code(self, fullname: str) -> CodeType:
        made: CodeType = marshal.loads(self._bytecode)  # noqa: S302 - our own file
        return made


def compiled(text: str, mode: str) -> CodeType:
    return builtins.compile(text, "<string>", mode, dont_inherit=True)


_compiler = vars(re)["_compiler"]
compiled_expression: Callable[..., "re.Pattern[Any]"] = _compiler.compile


def hand_over(text: Callable[[str, str], CodeType], expression: Callable[..., "re.Pattern[Any]"]) -> None:
    """Let Python's library ask these two where it would compile: each name is set in one module of the library and in no other."""

    def execute(source: Any, /, *namespaces: Any) -> None:
        exec(text(source, "exec") if isinstance(source, str) else source, *namespaces)  # noqa: S102 - the library's text

    def evaluate(source: Any, /, *namespaces: Any) -> Any:
        return eval(text(source, "eval") if isinstance(source, str) else source, *namespaces)  # noqa: S307 - the library's text

    def compile(source: Any, filename: str, mode: str, *others: Any, **options: Any) -> Any:
        if isinstance(source, str) and filename == "<string>" and mode in ("eval", "exec") and not others and not options:
            return text(source, mode)
        return builtins.compile(source, filename, mode, *others, **options)

    vars(dataclasses)["exec"] = execute
    vars(collections)["eval"] = evaluate
    vars(typing)["compile"] = compile
    vars(_compiler)["compile"] = expression


def packed(index: Index, bytecode: bytes) -> bytes:
    """Return the content of the file. The index is written without references, so that the same index makes the same bytes."""
    head = marshal.dumps(index, 2)
    return INTERPRETER + len(head).to_bytes(_LENGTH, "little") + head + bytecode


def unpacked(content: memoryview) -> tuple[Index, memoryview] | None:
    """Return what `packed` got; None if another interpreter did it."""
    if content[: len(INTERPRETER)] != INTERPRETER:
        return None
    start = len(INTERPRETER) + _LENGTH
    end = start + int.from_bytes(content[len(INTERPRETER) : start], "little")
    return marshal.loads(content[start:end]), content[end:]  # noqa: S302 - our own file


def begin(root: str = _ROOT) -> Kept | None:
    """Use what was kept from now on; None if nothing was, or if it is not for this interpreter."""
    try:
        with open(f"{root}/{FILE}", "rb") as file:
            content = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except FileNotFoundError:
        return None
    parts = unpacked(content)
    if parts is None:
        return None
    kept = Kept(root, *parts)
    sys.meta_path.insert(0, kept)
    if os.environ.get("CADRE_KEPT") != "off":
        hand_over(kept.text, kept.expression)
    return kept
