"""The child process of `bench.cold`: import one function, answer one request, stop.

The request is the first authenticated GET of the area that needs no query parameter. The stubbed tables have its caller and nothing
else: the response is a list without entries, or the contract's 404, after authentication, rate limit and a read. The process fails if it
is another. Workers have no such harmless request and are only imported.
"""

import json
import os
import re
import sys
from importlib import import_module
from typing import Any

ID = "0190a0a0-0000-7000-8000-000000000000"
_ACCESS = {
    "name": {"S": "Ada"},
    "email": {"S": "ada@example.com"},
    "sessions": {"M": {ID: {"N": "9999999999"}}},
    "workspaces": {"M": {ID: {"S": "owner"}}},
    "organizations": {"M": {ID: {"S": "owner"}}},
}
_USER = {name: {"S": ID} for name in ("id", "email", "name", "created_at", "updated_at", "org_id", "default_ws_id", "kind")}
_ROWS = {f"ACCESS#{ID}": _ACCESS, f"USER#{ID}": _USER}
_asked: set[str] = set()
"""The partition keys of the rows that were read."""


def _reply(operation: str, request: Any) -> bytes:
    replies: dict[str, Any] = {
        "GetSecretValue": {"SecretString": "a signing key for measurements"},
        "UpdateItem": {"Attributes": _ACCESS},
        "Query": {"Items": [], "Count": 0},
    }
    asked = json.loads(request.body)
    if operation in {"GetItem", "BatchGetItem"}:
        return json.dumps(_found(asked)).encode()
    if operation == "UpdateItem":  # the lease of requests, which brings the access record along
        _asked.add(asked["Key"]["PK"]["S"])
    return json.dumps(replies.get(operation, {})).encode()


def _found(asked: dict[str, Any]) -> dict[str, Any]:
    """Return DynamoDB's answer to a read by one or by many keys."""
    if "Key" in asked:
        rows = _rows([asked["Key"]])
        return {"Item": rows[0]} if rows else {}
    return {"Responses": {table: _rows(one["Keys"]) for table, one in asked["RequestItems"].items()}, "UnprocessedKeys": {}}


def _rows(keys: list[dict[str, Any]]) -> list[dict[str, Any]]:
    _asked.update(key["PK"]["S"] for key in keys)
    return [key | _ROWS[key["PK"]["S"]] for key in keys if key["PK"]["S"] in _ROWS and key["SK"]["S"] == "META"]


def event(contract: str, base: str, path: str, token: str) -> dict[str, Any]:
    headers = {"authorization": f"Bearer {token}", "host": "localhost", "x-cadre-edge": "bench"}
    return {
        "resource": path,
        "path": base + re.sub(r"\{[^}]*\}", ID, path),
        "httpMethod": "GET",
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": {"contract": contract},
        "requestContext": {"requestId": "r", "stage": "v1", "identity": {"sourceIp": "192.0.2.1"}},
        "body": None,
        "isBase64Encoded": False,
    }


def _replay() -> None:
    from bench.replaying import answer_everything  # after the function's import, which is part of the measurement

    answer_everything(_reply)


def _first(name: str) -> None:
    if name == "bare":
        from bench.bare import handler as bare

        _replay()
        bare({"httpMethod": "GET", "path": "/one"}, None)
        return
    if name == "floor":
        from bench.floor import handler as floor

        _replay()
        answer = floor(event("", "", "/one", ""), None)
        if answer["statusCode"] != 200:
            sys.exit(f"floor: {answer}")
        return
    handler = import_module(f"functions.{name}.handler").handler
    if not hasattr(handler, "contracts"):
        return
    _replay()
    from shared.core.actor import Role
    from shared.edge.contracts import contract as contract_named
    from shared.people.access import tokens

    contract = next(iter(handler.contracts))
    token = tokens.issue(
        user_id=ID, org_id=ID, email="ada@example.com", role=Role.OWNER, session_id=ID, contract=contract, plan="free"
    )
    gets = [
        one
        for one in handler.routes(contract).operations
        if one.method == "GET" and not one.public and not _needs_query(one.path, one.endpoint)
    ]
    path = gets[0].path if gets else "/nowhere"
    answer = handler(event(contract, contract_named(contract).base, path, token), None)
    if wrong := _wrong(path, answer["statusCode"], authenticated=bool(gets)):
        sys.exit(f"{name}: GET {path} answered {answer['statusCode']}, {wrong}: {answer['body'][:300]}")


def _needs_query(path: str, endpoint: Any) -> bool:
    """Tell whether an operation has a query parameter that every request must give."""
    from inspect import signature

    from pydantic.fields import FieldInfo

    for name, argument in signature(endpoint).parameters.items():
        is_parameter = any(isinstance(one, FieldInfo) for one in getattr(argument.annotation, "__metadata__", ()))
        if is_parameter and argument.default is argument.empty and f"{{{name}}}" not in path:
            return True
    return False


def _wrong(path: str, status: int, *, authenticated: bool) -> str:
    """Say what is wrong with an answer, or nothing."""
    asked_by_id = "{" in path or path == "/projects/explore"  # of the caller's organization, which is not there
    usual = {404} if not authenticated else {200, 404} if asked_by_id else {200}
    if status not in usual:
        return f"not {' or '.join(map(str, sorted(usual)))}"
    return "without its caller" if authenticated and f"ACCESS#{ID}" not in _asked else ""


def main(name: str, report: str = "") -> None:
    """Run one function; `report` is `count` (print the number of loaded modules), `modules` (print their names) or empty."""
    _first(name)
    if report == "count":
        print(len(sys.modules))
    elif report == "modules":
        print("\n".join(sorted(sys.modules)))
    sys.stdout.flush()
    os._exit(0)  # a Lambda does not end here; the interpreter's shutdown would add 83 ms, 26 ms for the bare handler
