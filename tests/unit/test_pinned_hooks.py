"""What we override, or call, inside libraries although they do not promise it. An upgrade that changes one of these fails here.

Each hook is there with the parameters that we rely on, and what we put in its place is really what the library calls.
"""

import ast
import asyncio
import importlib.util
import inspect
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import botocore.auth
import botocore.awsrequest
import botocore.endpoint
import botocore.parsers
import botocore.serialize
import botocore.session
import pytest
from botocore.awsrequest import AWSResponse
from fastapi.routing import APIRoute, APIRouter
from mangum import Mangum
from mangum.handlers.api_gateway import APIGateway
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path as ExpressionPath
from pynamodb.expressions.operand import Value
from pynamodb.expressions.update import Action
from pynamodb.models import MetaModel, Model

from shared.core import aws
from shared.edge.contracts import contract
from shared.edge.http.event import RestEvent
from shared.edge.http.operation import Operation
from shared.edge.http.pipeline import route_class
from shared.store.calls import RowClient
from shared.store.client import dynamodb

PATCHES = Path(__file__).parents[2] / "local/patches"

HOOKS: list[tuple[Callable[..., Any], list[str]]] = [
    # shared/store/calls.py: answers of DynamoDB are read by `json.loads` alone
    (botocore.parsers.JSONParser.parse, ["self", "response", "shape"]),
    (botocore.parsers.ResponseParserFactory.create_parser, ["self", "protocol_name"]),
    # shared/store/calls.py: requests are written by `json.dumps` alone
    (botocore.serialize.JSONSerializer.serialize_to_request, ["self", "parameters", "operation_model"]),
    # shared/store/calls.py: a request is made and signed by a shorter way
    (
        botocore.endpoint.Endpoint.__init__,
        ["self", "host", "endpoint_prefix", "event_emitter", "response_parser_factory", "http_session"],
    ),
    (botocore.endpoint.Endpoint.create_request, ["self", "params", "operation_model"]),
    (botocore.endpoint.Endpoint._update_retries_context, ["self", "context", "attempt", "success_response"]),
    (botocore.auth.SigV4Auth.headers_to_sign, ["self", "request"]),
    (botocore.auth.SigV4Auth.add_auth, ["self", "request"]),
    (botocore.auth.SigV4Auth._sign, ["self", "key", "msg", "hex"]),
    (botocore.awsrequest.AWSPreparedRequest.__init__, ["self", "method", "url", "headers", "body", "stream_output", "context"]),
    # shared/core/aws.py: the User-Agent made once
    (botocore.session.Session.user_agent, ["self"]),
    # shared/store/rows.py: what of a class of rows PynamoDB collects by itself, and what we collect
    (MetaModel.__init__, ["self", "name", "bases", "namespace", "discriminator"]),
    (Model.get_attributes, []),
    # shared/store/expressions.py: the text of conditions and changes
    (ExpressionPath.__init__, ["self", "attribute_or_path"]),
    (ExpressionPath._to_value, ["self", "value"]),
    (Value.__init__, ["self", "value", "attribute"]),
    (Condition.serialize, ["self", "placeholder_names", "expression_attribute_values"]),
    (Action.serialize, ["self", "placeholder_names", "expression_attribute_values"]),
    # shared/edge/http/event.py: API Gateway's event as an ASGI scope
    (APIGateway.infer, ["event", "context", "config"]),
    (APIGateway.__init__, ["self", "event", "context", "config"]),
    # shared/edge/http/pipeline.py
    (APIRoute.get_route_handler, ["self"]),
]


@pytest.mark.parametrize(("hook", "parameters"), HOOKS, ids=lambda one: getattr(one, "__qualname__", ""))
def test_a_hook_has_the_parameters_that_we_rely_on(hook: Callable[..., Any], parameters: list[str]) -> None:
    assert list(inspect.signature(hook).parameters) == parameters


@pytest.mark.parametrize(("handler", "name"), [(Mangum, "custom_handlers")])
def test_a_constructor_takes_what_we_give_it(handler: type, name: str) -> None:
    assert name in inspect.signature(handler).parameters


@pytest.mark.parametrize("name", ["body", "scope"])
def test_mangum_asks_for_these_properties(name: str) -> None:
    assert isinstance(vars(APIGateway)[name], property)


def answering(body: bytes) -> Callable[..., AWSResponse]:
    class Raw:
        def stream(self, *_: Any, **__: Any) -> Any:
            yield body

    def answer(request: Any, **_: Any) -> AWSResponse:
        return AWSResponse(request.url, 200, {"Content-Type": "application/x-amz-json-1.0"}, Raw())

    return answer


def test_botocore_reads_dynamodbs_answers_by_our_parser() -> None:
    """A parser of botocore's own would leave out what the service's model does not name."""
    raw = {"Item": {"PK": {"S": "A"}, "n": {"N": "1"}}, "NotInTheModel": {"a": [1]}}
    answer = answering(json.dumps(raw).encode())
    events = dynamodb().meta.events
    events.register_first("before-send.dynamodb.GetItem", answer)
    try:
        found = dynamodb().get_item(TableName="t", Key={"PK": {"S": "A"}})
    finally:
        events.unregister("before-send.dynamodb.GetItem", answer)
    assert {name: found[name] for name in raw} == raw


def test_botocore_writes_our_requests_by_our_serializer() -> None:
    """A serializer of botocore's own would leave out what the service's model does not name."""
    sent: list[Any] = []

    def answer(request: Any, **_: Any) -> AWSResponse:
        sent.append((json.loads(request.body), request.headers["X-Amz-Target"]))
        return answering(b"{}")(request)

    events = dynamodb().meta.events
    events.register_first("before-send.dynamodb.PutItem", answer)
    asked = {"TableName": "t", "Item": {"PK": {"S": "A"}, "l": {"L": [{"N": "1"}]}}, "NotInTheModel": 1}
    try:
        dynamodb().put_item(**asked)
    finally:
        events.unregister("before-send.dynamodb.PutItem", answer)
    assert sent == [(asked, "DynamoDB_20120810.PutItem")]


def test_our_serializer_makes_the_requests_of_botocores() -> None:
    client = dynamodb()
    model, usual = client.meta.service_model, botocore.serialize.JSONSerializer()
    for operation in map(model.operation_model, model.operation_names):
        assert client._serializer.serialize_to_request({}, operation) == usual.serialize_to_request({}, operation)


def test_our_short_calls_are_for_one_client_only() -> None:
    assert isinstance(dynamodb(), RowClient)
    other = aws.client("dynamodb")
    assert not isinstance(other, RowClient)
    assert type(other._endpoint) is botocore.endpoint.Endpoint


def test_our_user_agent_is_sent() -> None:
    assert dynamodb().meta.config.user_agent.endswith(" Cadre")


def test_mangum_reads_events_by_our_handler() -> None:
    seen: list[dict[str, Any]] = []

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        seen.append(scope)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        gateway = Mangum(app, lifespan="off", api_gateway_base_path="/a", custom_handlers=[RestEvent])
        gateway({"httpMethod": "HEAD", "path": "/a/b%2Fc", "headers": {"Host": "no host:port"}}, None)  # type: ignore[arg-type]
    finally:
        asyncio.set_event_loop(None)
        loop.close()
    [scope] = seen
    assert (scope["method"], scope["path"], scope["server"]) == ("GET", "/b%2Fc", ("api", 443))


def test_fastapi_makes_its_handler_by_our_route_class() -> None:
    calls: list[str] = []

    class Noting(route_class(an_operation())):  # type: ignore[misc]
        def get_route_handler(self) -> Any:
            handler = super().get_route_handler()
            calls.append(handler.__qualname__)
            return handler

    APIRouter(route_class=Noting).add_api_route("/x", lambda: None)
    assert calls == ["route_class.<locals>.Gated.get_route_handler.<locals>.handle"]


def an_operation() -> Operation:
    return Operation(contract("agentworks"), "cards", "GET", "/x", "x.get", lambda: None)  # type: ignore[arg-type]


@cache
def _defined(module: str) -> set[str]:
    """The names that a module defines, read from its source: importing the engine would start it."""
    spec = importlib.util.find_spec(module)
    assert spec is not None, f"{module} is gone"
    assert spec.origin is not None
    names: set[str] = set()
    for node in ast.walk(ast.parse(Path(spec.origin).read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.alias):
            names.add(node.asname or node.name)
    return names


def _private_uses(patch: Path) -> set[tuple[str, str]]:
    """(module of the engine, private name in it) as a patch uses them."""
    tree = ast.parse(patch.read_text())
    modules = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ministack")
        for alias in node.names
    }
    return {
        (modules[node.value.id], node.attr)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in modules
        and node.attr[0] == "_"
    }


PATCHES_OF_OTHERS = {"early", "source", "turns"}  # a thread of the standard library; only helpers


@pytest.mark.thorough
@pytest.mark.parametrize(
    "patch", sorted(path for path in PATCHES.glob("[a-z]*.py") if path.stem not in PATCHES_OF_OTHERS), ids=lambda one: one.stem
)
def test_the_engine_has_what_its_mends_replace(patch: Path) -> None:
    uses = _private_uses(patch)
    assert uses
    missing = [f"{module}.{name}" for module, name in sorted(uses) if name not in _defined(module)]
    assert missing == []
