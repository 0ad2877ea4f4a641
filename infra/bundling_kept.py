"""Make the file from which functions start faster (`shared.core.kept`): `python -m infra.bundling_kept <tree>` in a process of its own.

Every function is started as on Lambda; what Python's library is asked to compile meanwhile is recorded, with the modules that are imported.
The dependencies are those of this environment, also for another processor: a text is found by its source, the bytecode is the tree's.
"""

import marshal
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what is imported before the recording begins is not recorded
    import re
    from pathlib import Path
    from types import CodeType

    from shared.core.kept import Index

RECORDING = {
    "AWS_LAMBDA_FUNCTION_NAME": "recording",
    "AWS_DEFAULT_REGION": "us-east-1",
    "CADRE_LOG_LEVEL": "WARNING",
    "POWERTOOLS_SERVICE_NAME": "recording",
    "PYDANTIC_DISABLE_PLUGINS": "__all__",
    "PYTHONHASHSEED": "0",  # some expressions are joined from sets
}


def keep(tree: "Path") -> str:
    """Write the file into a compiled tree. Returns an empty text, or what went wrong."""
    import subprocess

    done = subprocess.run(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-m", "infra.bundling_kept", str(tree)],
        cwd=os.path.dirname(os.path.dirname(__file__)),
        env={"PATH": os.environ["PATH"], **RECORDING},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr if done.returncode else ""


def main(tree: str) -> None:
    """Record first, and import only then what writes the file: a module that is loaded already is not recorded."""
    from shared.core import kept

    texts: dict[tuple[str, str], bytes] = {}
    expressions: set[tuple[str | bytes, int]] = set()

    def text(source: str, mode: str) -> "CodeType":
        code = kept.compiled(source, mode)
        texts[mode, source] = marshal.dumps(code, 2)
        return code

    def expression(pattern: object, flags: int = 0) -> "re.Pattern[str]":
        if isinstance(pattern, str | bytes):
            expressions.add((pattern, int(flags)))
        return kept.compiled_expression(pattern, flags)

    kept.hand_over(text, expression)
    start_everything()
    modules = sorted(sys.modules)
    kept.hand_over(kept.compiled, kept.compiled_expression)
    write(tree, modules, texts, expressions)


def start_everything() -> None:
    """Import every function, and send each contract of an area a request that leads nowhere."""
    from importlib import import_module
    from pathlib import Path

    for path in sorted(Path("functions").glob("*/handler.py")):
        handler = import_module(f"functions.{path.parent.name}.handler").handler
        for contract in getattr(handler, "contracts", ()):
            handler({"httpMethod": "GET", "path": "/-", "stageVariables": {"contract": contract}}, None)


def write(tree: str, modules: list[str], texts: dict[tuple[str, str], bytes], expressions: set[tuple[str | bytes, int]]) -> None:
    """Write the file, with the bytecode of those modules that are in the tree; it is moved, because the package has a budget."""
    from pathlib import Path

    from shared.core import kept

    folder, bytecode = Path(tree), bytearray()
    places: dict[str, tuple[str, int, int]] = {}
    for name in modules:
        path = _file(folder, name)
        if path is None:
            continue
        body = b""
        if path.suffix == ".py":
            compiled = path.parent / "__pycache__" / f"{path.stem}.{kept.TAG}.pyc"
            body = compiled.read_bytes()[16:]  # after the header
            compiled.unlink()
        places[name] = (str(path.relative_to(folder)), len(bytecode), len(body))
        bytecode += body
    ordered = sorted(expressions, key=repr)
    index: Index = {
        "modules": places,
        "texts": dict(sorted(texts.items())),
        "expressions": {key: marshal.dumps(_arguments(*key), 2) for key in ordered},
    }
    (folder / kept.FILE).write_bytes(kept.packed(index, bytes(bytecode)))


def _file(folder: "Path", name: str) -> "Path | None":
    """Return the file of a module: a package, a source or an extension of the target's processor."""
    base = name.replace(".", "/")
    sources = [path for path in (folder / base / "__init__.py", folder / f"{base}.py") if path.exists()]
    return next(iter([*sources, *folder.glob(f"{base}.*so")]), None)


def _arguments(pattern: str | bytes, flags: int) -> tuple[Any, ...]:
    """Return what `re` gives to `_sre.compile` behind the pattern, as plain numbers."""
    from unittest import mock

    from shared.core import kept

    with mock.patch("_sre.compile") as made:
        kept.compiled_expression(pattern, flags)
    _pattern, all_flags, code, *groups = made.call_args.args
    return int(all_flags), [int(one) for one in code], *groups


if __name__ == "__main__":
    main(sys.argv[1])
