"""Convert enterprise's OpenAPI document to a Postman collection (format 2.1) that works from its first request to its last.

There is a folder for each tag, in the order of the steps, and a request for each operation. The first folder makes an account, unless the
variable `token` has one already.
"""

import json
from collections.abc import Mapping
from typing import Any

from functions.system.postman_steps import STEPS, Step
from shared.core.ids import derived_id

_SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
_JSON = [{"key": "Content-Type", "value": "application/json"}]
_FORM = "application/x-www-form-urlencoded"
_ORDER = {step.operation: (number, step) for number, step in enumerate(STEPS)}


def collection(document: dict[str, Any], base_url: str, sign_up_url: str) -> str:
    """Return the collection as JSON. `sign_up_url` is where an account is made: the document describes no way to one."""
    described = [
        (path, method.upper(), operation) for path, methods in document["paths"].items() for method, operation in methods.items()
    ]
    folders: dict[str, list[dict[str, Any]]] = {}
    for path, method, operation in sorted(described, key=_place):
        folders.setdefault(operation["tags"][0], []).append(_item(path, method, operation))
    info = document["info"]
    variables = {"baseUrl": base_url, "signUpUrl": sign_up_url, "token": ""}
    variables |= dict.fromkeys((name for step in STEPS for name in step.saves), "")
    return json.dumps(
        {
            "info": {
                "_postman_id": derived_id("postman", info["title"]),
                "name": info["title"],
                "description": info["description"],
                "schema": _SCHEMA,
            },
            "auth": {"type": "bearer", "bearer": [{"key": "token", "value": "{{token}}", "type": "string"}]},
            "variable": [{"key": name, "value": value} for name, value in variables.items()],
            "item": [_sign_up(), *({"name": name, "item": items} for name, items in folders.items())],
        }
    )


def _place(described: tuple[str, str, dict[str, Any]]) -> int:
    return _ORDER[described[2]["operationId"]][0]


def _sign_up() -> dict[str, Any]:
    body = {"name": "Postman", "email": "{{$guid}}@example.com", "password": "{{$guid}}"}
    request = {"method": "POST", "url": "{{signUpUrl}}", "header": _JSON, "auth": {"type": "noauth"}, "body": _raw(body)}
    skip = 'if (pm.variables.get("token")) { pm.execution.skipRequest(); }'
    events = [_script("prerequest", [skip]), _script("test", _checks((201,), "", {"token": "token"}))]
    return {"name": "Start", "item": [{"name": "Make an account, unless there is a token", "request": request, "event": events}]}


def _item(path: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    step = _ORDER[operation["operationId"]][1]
    request: dict[str, Any] = {"method": method, "url": _url(path, operation, step)}
    request["description"] = operation.get("description", operation["summary"])
    if operation.get("security") == []:
        request["auth"] = {"type": "noauth"}
    if step.form:
        fields = [{"key": name, "value": value} for name, value in step.form.items()]
        request["header"] = [{"key": "Content-Type", "value": _FORM}]
        request["body"] = {"mode": "urlencoded", "urlencoded": fields}
    elif step.body is not None:
        request["header"] = _JSON
        request["body"] = _raw(step.body)
    documented = tuple(int(status) for status in operation["responses"] if status[0] in "23")
    checks = _checks(step.statuses or documented[:1], step.why, step.saves)
    return {"name": operation["summary"], "request": request, "event": [_script("test", checks)]}


def _url(path: str, operation: dict[str, Any], step: Step) -> dict[str, Any]:
    parts = [f":{part[1:-1]}" if part.startswith("{") else part for part in path.strip("/").split("/")]
    parameters = [one for one in operation.get("parameters", []) if "name" in one]
    url: dict[str, Any] = {"raw": "{{baseUrl}}/" + "/".join(parts), "host": ["{{baseUrl}}"], "path": parts}
    names = [one["name"] for one in parameters if one["in"] == "path"]
    url["variable"] = [{"key": name, "value": step.path.get(name, "{{" + name + "}}")} for name in names]
    names = [one["name"] for one in parameters if one["in"] == "query"]
    url["query"] = [{"key": name, "value": step.query.get(name, ""), "disabled": name not in step.query} for name in names]
    return url


def _raw(body: Any) -> dict[str, Any]:
    return {"mode": "raw", "raw": json.dumps(body, indent=2), "options": {"raw": {"language": "json"}}}


def _script(moment: str, lines: list[str]) -> dict[str, Any]:
    return {"listen": moment, "script": {"type": "text/javascript", "exec": lines}}


def _checks(statuses: tuple[int, ...], why: str, saves: Mapping[str, str]) -> list[str]:
    expected = " or ".join(map(str, statuses)) + (f" ({why})" if why else "")
    saved = [f"    pm.collectionVariables.set({json.dumps(name)}, pm.response.json().{place});" for name, place in saves.items()]
    return [
        f"pm.test({json.dumps(f'The answer is {expected}')}, () => {{",
        f"    pm.expect(pm.response.code).to.be.oneOf({list(statuses)});",
        *saved,
        "});",
    ]
