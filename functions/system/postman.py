"""Convert an OpenAPI document to a Postman collection (format 2.1): one folder per tag, one request per operation."""

import json
from typing import Any

from shared.core.ids import derived_id

_SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"


def collection(document: dict[str, Any]) -> str:
    folders: dict[str, list[dict[str, Any]]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            folders[operation["tags"][0]].append(_item(path, method.upper(), operation))
    info = document["info"]
    return json.dumps(
        {
            "info": {
                "_postman_id": derived_id("postman", info["title"]),
                "name": info["title"],
                "description": info["description"],
                "schema": _SCHEMA,
            },
            "auth": {"type": "bearer", "bearer": [{"key": "token", "value": "{{token}}", "type": "string"}]},
            "variable": [{"key": "baseUrl", "value": document["servers"][-1]["url"]}, {"key": "token", "value": ""}],
            "item": [{"name": name, "item": items} for name, items in folders.items() if items],
        }
    )


def _item(path: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    parts = [f":{part[1:-1]}" if part.startswith("{") else part for part in path.strip("/").split("/")]
    parameters = [one for one in operation.get("parameters", []) if "name" in one]
    url: dict[str, Any] = {"raw": "{{baseUrl}}/" + "/".join(parts), "host": ["{{baseUrl}}"], "path": parts}
    url["variable"] = [{"key": one["name"], "value": ""} for one in parameters if one["in"] == "path"]
    url["query"] = [{"key": one["name"], "value": "", "disabled": True} for one in parameters if one["in"] == "query"]
    request: dict[str, Any] = {"method": method, "url": url, "description": operation.get("description", operation["summary"])}
    if operation.get("security") == []:
        request["auth"] = {"type": "noauth"}
    if "requestBody" in operation:
        request["header"] = [{"key": "Content-Type", "value": "application/json"}]
        request["body"] = {"mode": "raw", "raw": "{}", "options": {"raw": {"language": "json"}}}
    return {"name": operation["summary"], "request": request}
