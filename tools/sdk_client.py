"""What the Python client of an API is made of: the schemas of its document that it needs, and the text of its methods."""

import hashlib
import json
import re
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

Document = dict[str, Any]
_REF = "#/components/schemas/"
_METHODS = ("get", "post", "put", "patch", "delete")
_LIMITS = (
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "exclusiveMinimum",
    "additionalProperties",
)
"""The platform says what it refuses: a client that knew it too would have to be renewed with it."""
_TYPES = {"integer": "int", "number": "float", "boolean": "bool", "string": "str"}


@dataclass(frozen=True)
class API:
    """An API, the package of its client, and which operations it has: all that answer JSON if none are named."""

    name: str
    module: str
    operations: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    """Operations, or groups of them, that are for no client of ours."""
    waits: tuple[bool, ...] = (True, False)
    """Whether the methods wait, or are awaited: there is a client for each."""
    page: str = "pagination"
    """Where the answer of a list says which page it is."""
    defaults: dict[str, dict[str, str]] = field(default_factory=dict)
    """By operation: fields that the API requires and the client fills in."""

    @property
    def folder(self) -> str:
        return self.module.replace(".", "/")


APIS = (
    # the document's example of `builds.create` names no branch
    API("enterprise", "ai_agents", defaults={"builds.create": {"git_branch": "main"}}),
    API(
        "agentworks",
        "ai_agents.agentworks",
        (
            *("auth.me", "auth.logout", "workspaces.list", "workspaces.get", "projects.list", "projects.create", "projects.get"),
            *("boards.list", "boards.get", "boards.lanes", "cards.list", "cards.create", "cards.get", "cards.update"),
            *("cards.move", "agents.list", "agents.get", "runs.trigger", "runs.list", "runs.get", "runs.cancel"),
            *("runs.approve", "runs.reject"),
        ),
    ),
    # the document's example awaits each method; `without` is what sandboxes ask, by tokens of their own
    API("aintandem", "aintandem", without=("completions.", "sandboxes.egress"), waits=(False,), page="meta"),
)


@dataclass(frozen=True)
class Method:
    """An operation as a method of a resource."""

    id: str
    verb: str
    path: str
    described: Document
    answer: Document | None
    accepts: tuple[int, ...]

    @property
    def resource(self) -> str:
        return snake("_".join(self.id.split(".")[:-1]))

    @property
    def name(self) -> str:
        return snake(self.id.split(".")[-1])

    @property
    def body(self) -> Document | None:
        content: Document = self.described.get("requestBody", {}).get("content", {})
        return next((one["schema"] for one in content.values()), None)

    @property
    def is_form(self) -> bool:
        return "application/x-www-form-urlencoded" in self.described.get("requestBody", {}).get("content", {})

    @property
    def body_name(self) -> str:
        """The name of the body's schema; a form has none of its own."""
        return _ref(self.body) or class_name(snake(self.id.replace(".", "_"))) + "Form"


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])([A-Z])", r"_\1", name).lower()


def class_name(attribute: str) -> str:
    return "".join(part.title() for part in attribute.split("_"))


def methods(api: API, document: Document) -> list[Method]:
    """Return the operations of the client: those that answer JSON or nothing, and are not pages for people."""
    found = []
    for path, verbs in document["paths"].items():
        for verb in _METHODS:
            if verb in verbs and (one := _method(document, path, verb, verbs[verb])) is not None:
                found.append(one)
    if api.operations:
        found = [one for one in found if one.id in api.operations]
        if missing := set(api.operations) - {one.id for one in found}:
            raise ValueError(f"{api.name} has no operations {sorted(missing)}")
    found = [one for one in found if not one.id.startswith(api.without)] if api.without else found
    return sorted(found, key=lambda one: (one.resource, one.path, one.verb))


def _method(document: Document, path: str, verb: str, described: Document) -> Method | None:
    answers = {int(status): _resolved(document, one) for status, one in described["responses"].items()}
    good = {status: one for status, one in answers.items() if status < 300}
    schema = next((_json_schema(one) for one in good.values() if _json_schema(one)), None)
    if schema is None and set(good) != {204}:
        return None
    accepts = tuple(status for status, one in answers.items() if status >= 400 and schema and _json_schema(one) == schema)
    return Method(described["operationId"], verb.upper(), path, described, schema, accepts)


def _resolved(document: Document, response: Document) -> Document:
    name = response.get("$ref", "").rpartition("/")[2]
    return cast(Document, document["components"]["responses"][name]) if name else response


def _json_schema(response: Document) -> Document | None:
    schema: Document | None = response.get("content", {}).get("application/json", {}).get("schema")
    return schema or None


def _ref(schema: Document | None) -> str:
    """Return the name of the schema that this one is, also if it may be null."""
    schema = schema or {}
    named = schema.get("$ref") or next((one.get("$ref", "") for one in schema.get("allOf", []) + schema.get("anyOf", [])), "")
    return str(named).removeprefix(_REF)


# -- the schemas


def models(api: API, document: Document) -> Document:
    """Return a document of the schemas of all answers, without envelopes. What one of a few words may say may be another later."""
    wanted = [schema for one in methods(api, document) if (schema := _content(api, document, one)[0])]
    if api.name == "enterprise":
        wanted.append({"$ref": f"{_REF}PaginationInfo"})
    return cast(Document, _opened(_pruned(document, wanted, {})))


def bodies(api: API, document: Document) -> Document:
    """Return a document of the schemas of all requests."""
    named: Document = {}
    wanted = []
    for one in methods(api, document):
        if one.body is None:
            continue
        name = one.body_name
        schema = dict(document["components"]["schemas"].get(name) or one.body)
        filled = api.defaults.get(one.id, {})
        schema["required"] = [field for field in schema.get("required", []) if field not in filled]
        named[name] = schema
        wanted.append({"$ref": _REF + name})
    return _pruned(document, wanted, named)


def _pruned(document: Document, wanted: list[Document], own: Document) -> Document:
    schemas = document["components"]["schemas"] | own
    needed: Document = {}
    todo = _names(wanted)
    while todo:
        name = todo.pop()
        if name not in needed:
            needed[name] = _unlimited(schemas[name])
            todo |= _names(schemas[name])
    return {
        "openapi": document["openapi"],
        "info": document["info"],
        "paths": {},
        "components": {"schemas": dict(sorted(needed.items()))},
    }


def text_digest(*parts: Any) -> str:
    """Return the digest of what a file is made from, and of this module."""
    return hashlib.sha256(json.dumps([*parts, Path(__file__).read_text()], sort_keys=True).encode()).hexdigest()


def _names(node: Any) -> set[str]:
    return set(re.findall(rf'"{_REF}([^"]+)"', json.dumps(node)))


def _unlimited(node: Any, *, is_names: bool = False) -> Any:
    """Return a schema without limits of values; the keys of `properties` are names, whatever they are."""
    if isinstance(node, list):
        return [_unlimited(one) for one in node]
    if not isinstance(node, dict):
        return node
    kept = {key: one for key, one in node.items() if is_names or key not in _LIMITS or isinstance(one, dict)}
    return {key: _unlimited(one, is_names=key == "properties") for key, one in kept.items()}


def _opened(node: Any) -> Any:
    if isinstance(node, list):
        return [_opened(one) for one in node]
    if not isinstance(node, dict):
        return node
    opened = {key: _opened(one) for key, one in node.items()}
    words = [word for word in opened.get("enum", []) if word is not None]
    if words and opened.get("type") == "string":
        rest = {key: one for key, one in opened.items() if key not in ("enum", "type")}
        return rest | {"anyOf": [{"type": "string", "enum": words}, {"type": "string"}]}
    return opened


def thin(api: API, document: Document) -> Document:
    """Return a document of the operations of the client alone: parameters, bodies and good answers, without limits of values."""
    paths: Document = {}
    for one in methods(api, document):
        good = {status: _resolved(document, answer) for status, answer in one.described["responses"].items() if int(status) < 300}
        shown = {
            key: one.described[key] for key in ("summary", "description", "operationId", "requestBody") if key in one.described
        }
        parameters = [given for given in one.described.get("parameters", []) if "name" in given]
        answers = {status: {key: part for key, part in answer.items() if key != "headers"} for status, answer in good.items()}
        paths.setdefault(one.path, {})[one.verb.lower()] = shown | {"parameters": parameters, "responses": answers}
    pruned = _pruned(document, [paths], {})
    return cast(Document, pruned | {"paths": _unlimited(paths)})


def digest(api: API, document: Document) -> str:
    """Return the digest of all that the client is made from: the document's part, and this module."""
    return text_digest(models(api, document), bodies(api, document), resources(api, document))


# -- the methods


def resources(api: API, document: Document) -> str:
    """Return the module of resources, before ruff formats it."""
    by_resource: dict[str, list[Method]] = {}
    for one in methods(api, document):
        by_resource.setdefault(one.resource, []).append(one)
    names = ["" if waits else "Async" for waits in api.waits]
    head = f'''"""The resources of the {api.name} API: one method for each operation."""

import builtins
from typing import Literal, Unpack

from ai_agents._calls import Call, path_of
from ai_agents._resource import AsyncResource, Resource
from ai_agents._session import AsyncSession, Session
from ai_agents._transport import AsyncTransport, Transport
from ai_agents.pages import AsyncPage, Page
from {api.module} import bodies, models

'''
    classes = []
    for attribute, group in by_resource.items():
        for prefix in names:
            text = "\n".join(_method_text(api, document, one, awaiting=bool(prefix)) for one in group)
            classes.append(f"class {prefix}{class_name(attribute)}({prefix}Resource):\n{text}")
    return head + "\n\n".join([*classes, *(_all(by_resource, prefix) for prefix in names)])


def _all(by_resource: dict[str, list[Method]], prefix: str) -> str:
    lines = [f"        self.{name} = {prefix}{class_name(name)}(transport)" for name in by_resource]
    head = f'class {prefix}Resources({prefix}Session):\n    """Every resource of the API."""\n\n'
    return f"{head}    def _open(self, transport: {prefix}Transport) -> None:\n" + "\n".join(lines)


def _content(api: API, document: Document, method: Method) -> tuple[Document, bool, bool]:
    """Return the schema of what an answer carries, whether it is in an envelope, and whether it is a page."""
    schema = method.answer or {}
    fields = document["components"]["schemas"].get(_ref(schema), {}).get("properties", {})
    if not {"success", "data", "meta"} <= set(fields):
        return schema, False, False
    is_page = "page" in document["components"]["schemas"].get(_ref(fields.get(api.page)), {}).get("properties", {})
    return (fields["data"]["items"] if is_page else fields["data"]), True, is_page


def _method_text(api: API, document: Document, method: Method, *, awaiting: bool) -> str:
    content, enveloped, is_page = _content(api, document, method)
    answer = _type(content) if method.answer else "None"
    shown = f"{'Async' if awaiting else ''}Page[{answer}]" if is_page else answer
    send = f"self._list({{}}, {answer})" if is_page else f"self._ask({{}}, {answer})" if method.answer else "self._do({})"
    arguments = _call_arguments(api, method)
    if method.answer and not enveloped:
        arguments.append("bare=True")
    sent = ("await " if awaiting else "") + send.format(f"Call({', '.join(arguments)})")
    lines = [
        f"{'async ' if awaiting else ''}def {method.name}({', '.join(_parameters(method))}) -> {shown}:",
        *_docstring(method.described),
        f"    {'return ' if method.answer else ''}{sent}",
    ]
    return textwrap.indent("\n".join(lines), "    ") + "\n"


def _parameters(method: Method) -> list[str]:
    listed = [one for one in method.described.get("parameters", []) if "name" in one]
    in_path = [f"{one['name']}: {_type(one['schema'])}" for one in listed if one["in"] == "path"]
    in_query = [f"{one['name']}: {_type(one['schema'])} | None = None" for one in listed if one["in"] == "query"]
    keyed = ["idempotency_key: str | None = None"] if method.verb == "POST" and not method.is_form else []
    named = in_query + keyed
    body = [f"**body: Unpack[bodies.{method.body_name}]"] if method.body is not None else []
    return ["self", *in_path, *(["*", *named] if named else []), *body]


def _call_arguments(api: API, method: Method) -> list[str]:
    listed = [one for one in method.described.get("parameters", []) if "name" in one]
    in_path = {one["name"] for one in listed if one["in"] == "path"}
    in_order = [name for name in re.findall(r"\{(\w+)\}", method.path) if name in in_path]
    path = re.sub(r"\{\w+\}", "{}", method.path)
    arguments = [f'"{method.verb}"', f"path_of({', '.join([json.dumps(path), *in_order])})" if in_order else json.dumps(path)]
    if query := [one["name"] for one in listed if one["in"] == "query"]:
        arguments.append(f"query={{{', '.join(f'{json.dumps(name)}: {name}' for name in query)}}}")
    if method.body is not None:
        filled = "".join(f"{json.dumps(name)}: {json.dumps(value)}, " for name, value in api.defaults.get(method.id, {}).items())
        arguments.append(f"{'form' if method.is_form else 'body'}={f'{{{filled}**body}}' if filled else 'body'}")
    if method.verb == "POST" and not method.is_form:
        arguments.append("idempotency_key=idempotency_key")
    if method.described.get("security") == []:
        arguments.append("public=True")
    if method.accepts:
        arguments.append(f"accepts={method.accepts!r}")
    return arguments


def _type(schema: Document) -> str:
    """Return a schema of a parameter or an answer as a type."""
    if name := _ref(schema):
        return f"models.{name}"
    if schema.get("type") == "array":
        return f"builtins.list[{_type(schema['items'])}]"  # a method may be called `list`
    if words := [word for word in schema.get("enum", []) if word is not None]:
        return f"Literal[{', '.join(json.dumps(word) for word in words)}]"
    kind = schema.get("type") or next(one["type"] for one in schema["anyOf"] if one.get("type") != "null")
    return _TYPES[kind]


def _docstring(described: Document) -> list[str]:
    words = f"{described['summary']}." + (f" {described['description']}" if "description" in described else "")
    lines = textwrap.wrap(words.replace("\\", "\\\\").replace('"', "'"), 112)
    if len(lines) == 1:
        return [f'    """{lines[0]}"""']
    return [f'    """{lines[0]}', *(f"    {line}" for line in lines[1:]), '    """']
