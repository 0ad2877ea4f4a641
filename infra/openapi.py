"""The published OpenAPI documents, one for each contract, made from the route table: `document("omoios")`.

FastAPI writes the operations and schemas as OpenAPI 3.1. This module adds security schemes, the contract's own errors in place of
FastAPI's, headers and readable schema names, and converts to OpenAPI 3.0 for contracts whose documents are 3.0.
"""

import json
import re
from pathlib import Path
from typing import Any, cast

from infra.names import CONTRACT, CONTRACTS
from infra.openapi30 import as_3_0
from infra.openapi_examples import add_examples
from infra.routes import table
from shared.edge.contracts import contract as contract_named
from shared.edge.contracts.base import Contract
from shared.edge.http.application import application
from shared.edge.http.operation import Operation

Document = dict[str, Any]
_REF = "#/components/schemas/"
_UNCHANGED = ("default", "example", "examples", "const", "enum", "info")
_BOUNDS = {"ge": "minimum", "le": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum"}
_METHODS = ("get", "put", "post", "delete", "patch")


def documents() -> dict[str, Document]:
    """Every contract's document, by name."""
    return {contract.name: document(contract.name) for contract in CONTRACTS}


def write(directory: Path) -> list[Path]:
    """Write `<contract>.json` for each contract into the directory: the same bytes for the same routes."""
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for name, body in documents().items():
        path = directory / f"{name}.json"
        path.write_text(json.dumps(body, sort_keys=True, ensure_ascii=False))
        written.append(path)
    return written


def document(name: str) -> Document:
    """One contract's OpenAPI document, in the version that its own documentation names."""
    operations = [cast(Operation, route.operation) for route in table() if route.contract == name]
    return describe(contract_named(name), operations)


def describe(contract: Contract, operations: list[Operation]) -> Document:
    """The document of a contract with only these operations."""
    result: Document = application(contract, operations, describe=True).openapi()
    result.setdefault("paths", {})
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    by_id = {operation.id: operation for operation in operations}
    for path in result["paths"].values():
        for method in _METHODS:
            if method in path:
                _complete(path[method], by_id[path[method]["operationId"]])
    for unused in ("HTTPValidationError", "ValidationError"):
        if not _is_used(result, unused):
            schemas.pop(unused, None)
    result = _tidied(_renamed(result))
    responses = _shared_errors(result)
    if contract.about.contact:
        result["info"]["contact"] = dict(contract.about.contact)
    result["servers"] = _servers(contract)
    result["components"] |= {
        "securitySchemes": _security_schemes(contract),
        "headers": _headers(contract),
        "parameters": _parameters(),
        "responses": responses,
    }
    result["security"] = [{scheme: []} for scheme in result["components"]["securitySchemes"]]
    result["tags"] = _tags(contract, result)
    result["openapi"] = contract.openapi
    return as_3_0(result) if contract.openapi.startswith("3.0") else result


def _complete(described: Document, operation: Operation) -> None:
    words = " ".join((operation.endpoint.__doc__ or "").split())
    summary, _, rest = words.partition(". ")
    described["summary"] = summary.rstrip(".") or operation.id
    if rest:
        described["description"] = rest
    else:
        described.pop("description", None)
    responses = described["responses"]
    for status in [status for status, answer in responses.items() if "HTTPValidationError" in json.dumps(answer)]:
        del responses[status]
    if "application/json" not in described.get("requestBody", {}).get("content", {}):
        responses.pop("415", None)  # the media type of any other body is not checked
    limited = operation.limited and bool(operation.rate_class or not operation.public)
    for status, answer in responses.items():
        names = ["X-Request-ID"]
        if limited and (status.startswith("2") or status == "429"):
            names += operation.contract.rate_headers(0, 0, 0, 0)
        if status in {"429", "503"}:
            names.append("Retry-After")
        answer["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    if operation.method == "POST":
        described.setdefault("parameters", []).append({"$ref": "#/components/parameters/IdempotencyKey"})
    add_examples(described, operation)


def _shared_errors(result: Document) -> Document:
    """Move the error responses, which are the same few in every operation, to the document's components."""
    shared: dict[str, str] = {}
    responses: Document = {}
    for path in result["paths"].values():
        for method in path.values():
            for status, answer in method.get("responses", {}).items():
                if status[0] not in "45":
                    continue
                content = json.dumps(answer, sort_keys=True)
                if content not in shared:
                    variants = sum(name.startswith(f"Error{status}") for name in responses)
                    shared[content] = f"Error{status}" + (f"-{variants + 1}" if variants else "")
                    responses[shared[content]] = answer
                method["responses"][status] = {"$ref": f"#/components/responses/{shared[content]}"}
    return responses


def _servers(contract: Contract) -> list[Document]:
    """The first one is relative to the URL of the document itself, so it is right on every host."""
    return [
        {"url": ".", "description": "Where this document was read"},
        {"url": CONTRACT[contract.name].mount, "description": "On the host of all contracts"},
        {"url": contract.base, "description": "On a host of the contract's own"},
    ]


def _security_schemes(contract: Contract) -> Document:
    schemes: Document = {
        "BearerAuth": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
        "ApiKeyAuth": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    }
    if contract.cookie:
        schemes["SessionCookie"] = {"type": "apiKey", "in": "cookie", "name": contract.cookie}
    return schemes


def _headers(contract: Contract) -> Document:
    headers = {
        "X-Request-ID": ("string", "Names this request in our logs; the caller's own where it sent one"),
        "X-RateLimit-Limit": ("integer", "Requests the window allows"),
        "X-RateLimit-Remaining": ("integer", "Requests it still allows"),
        "X-RateLimit-Reset": ("integer", "When the window ends, in seconds since 1970"),
        "X-RateLimit-Window": ("integer", "How long the window is, in seconds"),
        "Retry-After": ("integer", "Seconds after which trying again may help"),
    }
    shown = {"X-Request-ID", "Retry-After", *contract.rate_headers(0, 0, 0, 0)}
    return {name: {"description": words, "schema": {"type": kind}} for name, (kind, words) in headers.items() if name in shown}


def _parameters() -> Document:
    return {
        "IdempotencyKey": {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "description": "A request that is sent again with the same key and body is answered from the first one, for a day",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        }
    }


def _tags(contract: Contract, result: Document) -> list[Document]:
    """The tags of the contract's own documentation, then the other tags in use."""
    used = {tag for path in result["paths"].values() for method in path.values() for tag in method.get("tags", [])}
    return [{"name": tag} for tag in [*contract.about.tags, *sorted(used - set(contract.about.tags))]]


def _is_used(result: Document, schema: str) -> bool:
    return f'"{_REF}{schema}"' in json.dumps(result["paths"])


# -- readable names for schemas: FastAPI calls them `functions__auth__omoios__LoginRequest` and `Envelope_User_`


def _renamed(result: Document) -> Document:
    names = list(result["components"]["schemas"])
    short = {name: _short(name) for name in names}
    taken: dict[str, int] = {}
    for name in short.values():
        taken[name] = taken.get(name, 0) + 1
    final = {name: short[name] if taken[short[name]] == 1 else _long(name) for name in names}
    if len(set(final.values())) != len(final):
        raise ValueError(f"two schemas would share a name: {sorted(final.items(), key=lambda pair: pair[1])}")
    text = json.dumps(result)
    text = re.sub(rf'"{_REF}([^"]+)"', lambda match: f'"{_REF}{final[match[1]]}"', text)
    renamed: Document = json.loads(text)
    schemas = renamed["components"]["schemas"]
    renamed["components"]["schemas"] = {final[name]: schemas[name] for name in sorted(names, key=final.__getitem__)}
    return renamed


def _tidied(node: Any) -> Any:
    """Without the titles that pydantic makes of field names, a tenth of the document, and with the standard's names for bounds.

    Pydantic leaves its own names (`ge`) where a field may have one of several types.
    """
    if isinstance(node, list):
        return [_tidied(one) for one in node]
    if not isinstance(node, dict):
        return node
    tidy: Document = {}
    for key, value in node.items():
        if key in _UNCHANGED:
            tidy[key] = value
        elif key in _BOUNDS and isinstance(value, int | float):
            tidy[_BOUNDS[key]] = value
        elif not (key == "title" and isinstance(value, str)):
            tidy[key] = _tidied(value)
    return tidy


def _short(name: str) -> str:
    if generic := re.fullmatch(r"(?:.*__)?(Paged)?Envelope_(.+)_(-Input|-Output)?", name):
        inner = generic[2]
        inner = f"{_short(inner[5:-1])}List" if inner.startswith("list_") else _short(inner)
        return inner + ("Page" if generic[1] else "Envelope")
    plain = re.sub(r"[^A-Za-z0-9_.-]", "", name).rpartition("__")[2].strip("_")
    return plain.replace("-Input", "Input").replace("-Output", "")


def _long(name: str) -> str:
    """The short name with the area before it, for schemas of two areas that have the same short name."""
    area = re.search(r"functions__([a-z_]+?)__", name)
    return (area[1].replace("_", " ").title().replace(" ", "") if area else "") + _short(name)
