"""What the platform declares against what the documents say: `tests/data/operations.json` has every operation of the five documents
(method, path, status, field names); `implied` ones are named there without a description of their own."""

import json
import re
from pathlib import Path

import pytest

from infra.routes import table
from shared.edge.contracts import NAMES

OPERATIONS = json.loads((Path(__file__).parent.parent / "data" / "operations.json").read_text())
DOCUMENTED = {(one["contract"], one["id"]): one for one in OPERATIONS}
DECLARED = {(route.contract, route.operation.id): route for route in table()}
BOTH = sorted(set(DOCUMENTED) & set(DECLARED))
_VARIABLE = re.compile(r"\{[^}]*\}")


def property_names(document: dict, node, seen: frozenset[str] = frozenset()) -> set[str]:
    """Every property name that a part of a document reaches."""
    if isinstance(node, list):
        return set().union(*(property_names(document, one, seen) for one in node))
    if not isinstance(node, dict):
        return set()
    found: set[str] = set()
    reference = node.get("$ref")
    if reference and reference not in seen:
        target = document
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]
        found |= property_names(document, target, seen | {reference})
    for key, value in node.items():
        if key == "properties":
            found |= set(value)
        found |= property_names(document, value, seen)
    return found


def described(documents: dict, contract: str, operation_id: str) -> dict:
    for methods in documents[contract]["paths"].values():
        for operation in methods.values():
            if operation["operationId"] == operation_id:
                return operation
    raise LookupError(operation_id)


FREE_MAPS = {"environment_variables", "content"}
"""Objects whose keys a client chooses: the document's samples have some."""


def last(name: str) -> str:
    return name.rsplit(".", maxsplit=1)[-1].removesuffix("[]")


@pytest.mark.parametrize(("contract", "operation_id"), BOTH)
def test_an_operation_is_where_and_as_its_document_says(contract, operation_id, documents):
    said, route = DOCUMENTED[contract, operation_id], DECLARED[contract, operation_id]
    operation = route.operation
    assert (operation.method, operation.path) == (said["method"], said["path"])
    assert operation.status == said["status"]
    assert operation.public or not said.get("public")
    shown = described(documents, contract, operation_id)
    names = property_names(documents[contract], shown.get("requestBody"))
    assert {last(name) for name in said.get("request", ()) if "." not in name or name.split(".")[0] not in FREE_MAPS} <= names
    if operation.media is None:
        names = property_names(documents[contract], shown["responses"][str(operation.status)])
        assert {last(name) for name in said.get("response", ())} <= names
    parameters = {one["name"] for one in shown.get("parameters", ()) if "name" in one}
    assert set(said.get("query", ())) <= parameters


def test_what_no_document_names_is_marked_as_an_addition():
    unmarked = [
        (*key, route.method, route.path)
        for key, route in DECLARED.items()
        if key not in DOCUMENTED and not route.operation.addition  # type: ignore[attr-defined]
    ]
    assert unmarked == []


def test_no_operation_hides_behind_another_name():
    """A documented method and path must carry the documented id, or the test above would not look at it."""
    places = {(one["contract"], one["method"], _VARIABLE.sub("{}", one["path"])): one["id"] for one in OPERATIONS}
    wrong = [
        (route.contract, route.operation.id, places[route.key])
        for route in table()
        if places.get(route.key, route.operation.id) != route.operation.id
    ]
    assert wrong == []


@pytest.mark.parametrize("contract", NAMES)
def test_the_facts_are_complete(contract):
    counts = {"agentworks": (70, 1), "enterprise": (18, 18), "aintandem": (34, 0), "orchestrator": (28, 0), "omoios": (68, 83)}
    mine = [one for one in OPERATIONS if one["contract"] == contract]
    implied = sum(one.get("implied", False) for one in mine)
    assert (len(mine) - implied, implied) == counts[contract]
