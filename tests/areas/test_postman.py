"""The Postman collection of enterprise: every operation, in an order that works. `make newman` runs it against the deployed stack."""

import json
import re
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from functions.system import docs
from functions.system.postman_steps import STEPS
from infra.routes import table
from shared.delivery.operations import requesting
from tests.areas.driving import Answer, call
from tests.client_key import use_client_key

ROUTES = [route for route in table() if route.contract == "enterprise"]
SET = re.compile(r'collectionVariables\.set\("(\w+)", pm\.response\.json\(\)\.(\S+)\);')
STATUSES = re.compile(r"oneOf\(\[([\d, ]+)\]\)")


@pytest.fixture
def collection(aws, deployed) -> dict[str, Any]:
    docs.read_document.cache_clear()
    made: dict[str, Any] = call("system", "enterprise", "GET", "/postman-collection.json").json
    return made


def requests_of(collection: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for folder in collection["item"]:
        yield from folder["item"]


def test_every_operation_has_a_step_and_every_step_an_operation():
    assert sorted(step.operation for step in STEPS) == sorted(route.operation.id for route in ROUTES)


def test_the_collection_has_every_operation_and_its_variables(collection, deployed):
    described = call("system", "enterprise", "GET", "/openapi.json").json
    assert collection["info"]["schema"].endswith("v2.1.0/collection.json")
    assert len(list(requests_of(collection))) == 1 + sum(len(methods) for methods in described["paths"].values())
    variables = {one["key"]: one["value"] for one in collection["variable"]}
    assert variables["baseUrl"] == "http://localhost:8000/enterprise/v1"
    assert variables["signUpUrl"] == "http://localhost:8000/agentworks/v1/auth/register"
    used = set(re.findall(r"{{(\w+)}}", json.dumps(collection)))
    assert used <= variables.keys()
    assert collection["auth"]["bearer"][0]["value"] == "{{token}}"


class Runner:
    """What Postman does with a collection, as far as ours asks for it."""

    def __init__(self, collection: dict[str, Any]) -> None:
        self.variables = {one["key"]: one["value"] for one in collection["variable"]}

    def filled(self, text: str) -> str:
        text = re.sub(r"{{\$guid}}", lambda _: str(uuid.uuid4()), text)
        return re.sub(r"{{(\w+)}}", lambda found: self.variables[found[1]] or pytest.fail(f"{found[1]} is not known yet"), text)

    def run(self, item: dict[str, Any]) -> None:
        answer = self.send(item["request"])
        script = "\n".join(item["event"][-1]["script"]["exec"])
        (statuses,) = STATUSES.findall(script)
        assert answer.status in map(int, statuses.split(", ")), f"{item['name']}: {answer.status} {answer.text}"
        for name, place in SET.findall(script):
            found = answer.json
            for part in re.findall(r"\w+", place):
                found = found[int(part)] if part.isdigit() else found[part]
            self.variables[name] = found

    def send(self, request: dict[str, Any]) -> Answer:
        headers = {one["key"]: one["value"] for one in request.get("header", ())}
        if request.get("auth", {}).get("type") != "noauth":
            headers["Authorization"] = self.filled("Bearer {{token}}")
        body = request.get("body", {})
        sent = self.filled(body["raw"]) if "raw" in body else None
        if "urlencoded" in body:
            sent = urlencode({one["key"]: self.filled(one["value"]) for one in body["urlencoded"]})
        url = request["url"]
        if url == "{{signUpUrl}}":
            return call("auth", "agentworks", "POST", "/auth/register", body=sent, headers=headers)
        template = "/" + "/".join(re.sub(r"^:(\w+)$", r"{\1}", part) for part in url["path"])
        (route,) = [one for one in ROUTES if (one.method, one.path) == (request["method"], template)]
        path = template
        for one in url["variable"]:
            path = path.replace("{" + one["key"] + "}", self.filled(one["value"]))
        query = {one["key"]: self.filled(one["value"]) for one in url["query"] if not one["disabled"]}
        return call(route.area, "enterprise", request["method"], f"{path}?{urlencode(query)}", body=sent, headers=headers)


def test_the_requests_work_in_their_order(collection, monkeypatch):
    use_client_key()
    monkeypatch.setattr(requesting, "build_runner", lambda: None)  # nothing runs builds here
    runner = Runner(collection)
    for item in requests_of(collection):
        runner.run(item)


def test_who_has_a_token_makes_no_account(collection):
    (first, *_) = requests_of(collection)
    (before, _) = first["event"]
    assert before["listen"] == "prerequest"
    assert before["script"]["exec"] == ['if (pm.variables.get("token")) { pm.execution.skipRequest(); }']
