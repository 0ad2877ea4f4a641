"""`true` is no number, `"5"` is no number, `0` is no boolean: in every request of every contract, and in every message of a socket."""

import typing
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

import functions.ws.agentworks
from infra.routes import table
from shared.agents.tools import TOOLS, Arguments
from shared.channels.sockets.frames import compact
from shared.core import strict_json
from shared.edge.contracts.base import Request, StrictRequest

VALUES: dict[str, Any] = {"boolean": True, "string": "1", "integer": 1, "number": 0.5, "array": [], "object": {}}
ACCEPTS = {"number": {"number", "integer"}}


def bodies() -> set[type[BaseModel]]:
    """The models of all request bodies."""
    found = set()
    for route in table():
        for name, hint in typing.get_type_hints(route.operation.endpoint).items():
            for one in typing.get_args(hint) or (hint,):
                if name != "return" and isinstance(one, type) and issubclass(one, BaseModel):
                    found.add(one)
    return found


def models(base: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for one in base.__subclasses__():
        yield one
        yield from models(one)


def kinds(schema: dict[str, Any], definitions: dict[str, Any]) -> set[str]:
    """The JSON types that a schema allows; all of them if it names none."""
    if reference := schema.get("$ref"):
        return kinds(definitions[reference.rpartition("/")[2]], definitions)
    if parts := schema.get("anyOf") or schema.get("oneOf"):
        return set().union(*(kinds(one, definitions) for one in parts))
    if "type" not in schema:
        return {"string"} if "const" in schema or "enum" in schema else set(VALUES)
    return ACCEPTS.get(schema["type"], {schema["type"]})


def lenient(model: type[BaseModel]) -> list[str]:
    """The fields of a model that take a value of another type than its schema says."""
    schema = model.model_json_schema()
    taken = []
    for name, field in schema.get("properties", {}).items():
        allowed = kinds(field, schema.get("$defs", {}))
        for kind in VALUES.keys() - allowed:
            try:
                model.model_validate({name: VALUES[kind]})
            except ValidationError as error:
                if any(one["loc"][:1] == (name,) and one["type"] != "missing" for one in error.errors()):
                    continue
            taken.append(f"{model.__name__}.{name} takes {kind}")
    return taken


def test_every_body_is_a_strict_request():
    found = bodies()
    assert len(found) > 40
    assert [one.__name__ for one in found if not issubclass(one, Request)] == []


def test_no_request_no_message_and_no_tool_takes_another_type_than_it_documents():
    bodies()  # imports every contract's module
    assert functions.ws.agentworks.Ping in StrictRequest.__subclasses__()
    everything = {*models(Request), *models(Arguments)} - {StrictRequest}
    assert set(TOOLS.values()) < everything
    assert sorted(fault for model in everything for fault in lenient(model)) == []


@pytest.mark.parametrize("text", ["NaN", "-Infinity", "Infinity", "1e400", "-1e400", '{"a": [1e400]}'])
def test_what_is_no_json_number_is_refused(text):
    with pytest.raises(ValueError, match="The text is not valid JSON"):
        strict_json.parse(text, "The text")


@pytest.mark.parametrize(("text", "value"), [("5.0", 5), ("1e3", 1000), ("-0.0", 0), ("2.5", 2.5), ("1e30", 1e30)])
def test_an_integer_may_be_written_with_a_fraction_of_zero(text, value):
    parsed = strict_json.parse(text, "The text")
    assert (parsed, type(parsed)) == (value, type(value))


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_no_socket_is_sent_what_is_no_json(number):
    with pytest.raises(ValueError, match="not JSON compliant"):
        compact({"value": number})
