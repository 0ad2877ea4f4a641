"""What the documents say an answer looks like (`tests/data/shapes.json`), and what an answer has otherwise."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

_FACTS = json.loads((Path(__file__).parent.parent / "data" / "shapes.json").read_text())
ANSWERS: dict[str, Any] = _FACTS["answers"]
ERRORS: dict[str, Any] = _FACTS["errors"]
SAMPLES: dict[str, Any] = json.loads((Path(__file__).parent.parent / "data" / "omoios_samples.json").read_text())
ORIGINAL: dict[str, Any] = {f"omoios {name}": shape for name, shape in SAMPLES["original"].items()}
"""Answers of the service that omoios takes over, whose clients read them."""
_TYPES: dict[str, Any] = _FACTS["types"] | _FACTS["proposed"]

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_DURATION = re.compile(r"\d+h( \d+m)?|\d+m")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CASES = {"camel": re.compile(r"[a-z][A-Za-z0-9]*"), "snake": re.compile(r"[a-z][a-z0-9_]*")}
_PLAIN: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
    "any": lambda _: True,
    "time": lambda value: isinstance(value, str) and bool(_TIME.fullmatch(value)),
    "date": lambda value: isinstance(value, str) and bool(_DATE.fullmatch(value)),
    "duration": lambda value: isinstance(value, str) and bool(_DURATION.fullmatch(value)),
    "uuid": lambda value: isinstance(value, str) and bool(_UUID.fullmatch(value)),
    "share": lambda value: isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1,
}


def faults(shape: Any, value: Any, contract: str, at: str = "$") -> Iterator[str]:
    """What is wrong with a value of an answer, by its documented shape: one line for each fault.

    Fields beyond the documented ones are allowed, in the contract's case.
    """
    if isinstance(shape, list):
        yield from _each(shape[0], value, contract, at)
    elif isinstance(shape, dict):
        yield from _object(shape, value, contract, at)
    elif shape in _PLAIN:
        if not _PLAIN[shape](value):
            yield f"{at}: {value!r} is no {shape}"
    elif shape.startswith("= "):
        word = value if isinstance(value, str) else json.dumps(value)  # true and false are words too
        if word not in shape.removeprefix("= ").split(" | "):
            yield f"{at}: {value!r} is not one of {shape}"
    elif shape.endswith("[]"):
        yield from _each(shape.removesuffix("[]"), value, contract, at)
    elif shape.startswith("{} "):
        if not isinstance(value, dict):
            yield f"{at}: {value!r} is no map"
        else:
            for key, one in value.items():
                yield from faults(shape.removeprefix("{} "), one, contract, f"{at}.{key}")
    elif " | " in shape:
        tried = [list(faults(one, value, contract, at)) for one in shape.split(" | ")]
        if all(tried):
            yield from min(tried, key=len)
    else:
        yield from faults(fields_of(shape), value, contract, at)


def fields_of(name: str) -> dict[str, Any]:
    """A named type's fields, with those of what it extends."""
    own = dict(_TYPES[name])
    above = own.pop("extends", None)
    return (fields_of(above) if above else {}) | own


def empty_lists(shape: Any, value: Any, at: str = "$") -> Iterator[str]:
    """Where an answer without faults has a documented list or map with nothing in it: it shows nothing of what would be there."""
    if isinstance(shape, dict):
        for named, inner in shape.items():
            if (found := value.get(named.removesuffix("?"))) is not None:
                yield from empty_lists(inner, found, f"{at}.{named}")
    elif isinstance(shape, list) or shape.endswith("[]") or shape.startswith("{} "):
        if not value:
            yield at
        elif isinstance(shape, list):
            yield from empty_lists(shape[0], value[0], f"{at}[0]")


def _each(shape: Any, value: Any, contract: str, at: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{at}: {value!r} is no list"
        return
    for index, one in enumerate(value):
        yield from faults(shape, one, contract, f"{at}[{index}]")


def _object(shape: dict[str, Any], value: Any, contract: str, at: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{at}: {value!r} is no object"
        return
    case = _CASES["camel" if contract == "agentworks" else "snake"]
    documented = {named.removesuffix("?") for named in shape}
    yield from (f"{at}.{name}: not in the contract's case" for name in value.keys() - documented if not case.fullmatch(name))
    for named, inner in shape.items():
        name, optional = named.removesuffix("?"), named.endswith("?")
        if name not in value:
            if not optional:
                yield f"{at}.{name}: missing"
        elif value[name] is None and inner != "any":
            if not optional or contract == "agentworks":  # there, what is not known is left out
                yield f"{at}.{name}: null"
        else:
            yield from faults(inner, value[name], contract, f"{at}.{name}")
