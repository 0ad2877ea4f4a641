"""The published OpenAPI documents, one a contract, generated from the route table: `document("omoios")`.

FastAPI writes the operations and schemas (as OpenAPI 3.1); here they get what it does not know: the ways to prove who calls, the
contract's own errors in place of FastAPI's, headers, readable schema names, and OpenAPI 3.0 for the contracts whose documents
say 3.0. `write(directory)` puts them where the function `system` reads them.
"""

import json
import re
from pathlib import Path
from typing import Any, cast

from infra.names import CONTRACT, CONTRACTS
from infra.openapi30 import as_3_0
from infra.routes import table
from shared.edge.contracts import contract as contract_named
from shared.edge.contracts.base import Contract
from shared.edge.http.application import application
from shared.edge.http.operation import Operation

Document = dict[str, Any]
_REF = "#/components/schemas/"
_KEPT = ("default", "example", "examples", "const", "enum", "info")
_BOUNDS = {"ge": "minimum", "le": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum"}
_METHODS = ("get", "put", "post", "delete", "patch")


def documents() -> dict[str, Document]:
    """Every contract's document, by name."""
    return {contract.name: document(contract.name) for contract in CONTRACTS}


def write(directory: Path) -> list[Path]:
    """`<contract>.json` for each contract; the same bytes for the same routes."""
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
    """The document of these operations."""
    made: Document = application(contract, operations, describe=True).openapi()
    made.setdefault("paths", {})
    schemas = made.setdefault("components", {}).setdefault("schemas", {})
    by_id = {operation.id: operation for operation in operations}
    for path in made["paths"].values():
        for method in _METHODS:
            if method in path:
                _complete(path[method], by_id[path[method]["operationId"]])
    for unused in ("HTTPValidationError", "ValidationError"):
        if not _is_used(made, unused):
            schemas.pop(unused, None)
    made = _tidied(_renamed(made))
    responses = _shared_errors(made)
    if contract.about.contact:
        made["info"]["contact"] = dict(contract.about.contact)
    made["servers"] = _servers(contract)
    made["components"] |= {
        "securitySchemes": _security_schemes(contract),
        "headers": _headers(contract),
        "parameters": _parameters(),
        "responses": responses,
    }
    made["security"] = [{scheme: []} for scheme in made["components"]["securitySchemes"]]
    made["tags"] = _tags(contract, made)
    made["openapi"] = contract.openapi
    return as_3_0(made) if contract.openapi.startswith("3.0") else made


def _complete(described: Document, operation: Operation) -> None:
    words = " ".join((operation.endpoint.__doc__ or "").split())
    summary, _, rest = words.partition(". ")
    described["summary"] = summary.rstrip(".") or operation.id
    if rest:
        described["description"] = words
    else:
        described.pop("description", None)
    responses = described["responses"]
    for status in [status for status, answer in responses.items() if "HTTPValidationError" in json.dumps(answer)]:
        del responses[status]
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


def _shared_errors(made: Document) -> Document:
    """The error answers, each once: every operation has the same few."""
    shared: dict[str, str] = {}
    responses: Document = {}
    for path in made["paths"].values():
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
    """A relative address is relative to the document's own, so the first is right wherever the document is read from."""
    return [
        {"url": ".", "description": "Where this document was read"},
        {"url": CONTRACT[contract.name].mount, "description": "On the host of all contracts"},
        {"url": contract.base, "description": "On a host of the contract's own"},
    ]


def _security_schemes(contract: Contract) -> Document:
    schemes: Document = {"BearerAuth": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
    if contract.cookie:
        schemes["SessionCookie"] = {"type": "apiKey", "in": "cookie", "name": contract.cookie}
    if contract.api_keys:
        schemes["ApiKeyAuth"] = {"type": "apiKey", "in": "header", "name": "X-API-Key"}
    return schemes


def _headers(contract: Contract) -> Document:
    said = {
        "X-Request-ID": ("string", "Names this request in our logs; the caller's own where it sent one"),
        "X-RateLimit-Limit": ("integer", "Requests the window allows"),
        "X-RateLimit-Remaining": ("integer", "Requests it still allows"),
        "X-RateLimit-Reset": ("integer", "When the window ends, in seconds since 1970"),
        "X-RateLimit-Window": ("integer", "How long the window is, in seconds"),
        "Retry-After": ("integer", "Seconds after which trying again may help"),
    }
    shown = {"X-Request-ID", "Retry-After", *contract.rate_headers(0, 0, 0, 0)}
    return {name: {"description": words, "schema": {"type": kind}} for name, (kind, words) in said.items() if name in shown}


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


def _tags(contract: Contract, made: Document) -> list[Document]:
    """The tags that the contract's documentation names come first; then those in use."""
    used = {tag for path in made["paths"].values() for method in path.values() for tag in method.get("tags", [])}
    return [{"name": tag} for tag in [*contract.about.tags, *sorted(used - set(contract.about.tags))]]


def _is_used(made: Document, schema: str) -> bool:
    return f'"{_REF}{schema}"' in json.dumps(made["paths"])


# -- names of schemas: FastAPI's `functions__auth__omoios__LoginRequest` and `Envelope_User_` as a person would say them


def _renamed(made: Document) -> Document:
    given = list(made["components"]["schemas"])
    short = {name: _short(name) for name in given}
    taken: dict[str, int] = {}
    for name in short.values():
        taken[name] = taken.get(name, 0) + 1
    final = {name: short[name] if taken[short[name]] == 1 else _long(name) for name in given}
    if len(set(final.values())) != len(final):
        raise ValueError(f"two schemas would share a name: {sorted(final.items(), key=lambda pair: pair[1])}")
    text = json.dumps(made)
    text = re.sub(rf'"{_REF}([^"]+)"', lambda found: f'"{_REF}{final[found[1]]}"', text)
    renamed: Document = json.loads(text)
    schemas = renamed["components"]["schemas"]
    renamed["components"]["schemas"] = {final[name]: schemas[name] for name in sorted(given, key=final.__getitem__)}
    return renamed


def _tidied(node: Any) -> Any:
    """Without the titles that pydantic makes of field names (they say nothing and are a tenth of the document), and with the
    standard's words for bounds, which pydantic leaves as its own (`ge`) where a field may be one of several types."""
    if isinstance(node, list):
        return [_tidied(one) for one in node]
    if not isinstance(node, dict):
        return node
    tidy: Document = {}
    for key, value in node.items():
        if key in _KEPT:
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
    """With the area it comes from: two areas may call different things the same."""
    area = re.search(r"functions__([a-z_]+?)__", name)
    return (area[1].replace("_", " ").title().replace(" ", "") if area else "") + _short(name)
