"""OpenAPI 3.1 to 3.0: the differences that pydantic's schemas make use of, and no others.

3.1 (JSON Schema 2020-12)                3.0
anyOf [X, null], type [X, null]          X and nullable
const                                    an enum of one
exclusiveMinimum: n                      minimum: n, exclusiveMinimum: true
examples: [a, ...]                       example: a
prefixItems                              items that are any of them
contentMediaType, contentEncoding        format binary, byte
$ref with siblings                       allOf [$ref] with siblings
"""

from typing import Any

Node = dict[str, Any]
_ONE = ("not", "items", "additionalProperties")
_MANY = ("anyOf", "oneOf", "allOf")
_UNKNOWN = ("$schema", "$id", "$comment", "$defs", "propertyNames", "contentSchema", "unevaluatedProperties", "dependentRequired")


def as_3_0(document: Node) -> Node:
    """The same document in 3.0; what it describes stays as it is, except that tuples lose the order of their types."""
    made: Node = _walk(document)
    made["info"].pop("summary", None)
    made.pop("jsonSchemaDialect", None)
    made.pop("webhooks", None)
    return made


def _walk(node: Any) -> Any:
    """Everything that is no schema."""
    if isinstance(node, list):
        return [_walk(one) for one in node]
    if not isinstance(node, dict):
        return node
    made: Node = {}
    for key, value in node.items():
        if key == "schema":
            made[key] = schema(value)
        elif key == "schemas":
            made[key] = {name: schema(one) for name, one in value.items()}
        else:
            made[key] = _walk(value)
    return made


def schema(given: Any) -> Any:
    """A schema, with the schemas inside it."""
    if not isinstance(given, dict):
        return given
    made = {key: value for key, value in given.items() if key not in _UNKNOWN}
    for key in _MANY:
        if key in made:
            made[key] = [schema(one) for one in made[key]]
    for key in _ONE:
        if key in made:
            made[key] = schema(made[key])
    if "properties" in made:
        made["properties"] = {name: schema(one) for name, one in made["properties"].items()}
    _types(made)
    _alternatives(made)
    _values(made)
    if "$ref" in made and len(made) > 1:
        made["allOf"] = [{"$ref": made.pop("$ref")}, *made.get("allOf", [])]
    return made


def _types(made: Node) -> None:
    kinds = made.get("type")
    if isinstance(kinds, list):
        named = [kind for kind in kinds if kind != "null"]
        if len(named) < len(kinds):
            made["nullable"] = True
        made.pop("type")
        if len(named) == 1:
            made["type"] = named[0]
        elif named:
            made["anyOf"] = [{"type": kind, **({"items": {}} if kind == "array" else {})} for kind in named]
    elif kinds == "null":
        made.pop("type")
        made |= {"nullable": True, "enum": [None]}
    if "prefixItems" in made:
        items = [schema(one) for one in made.pop("prefixItems")]
        rest = made.get("items")
        if isinstance(rest, dict):
            items.append(rest)
        made["items"] = {"anyOf": items} if items else {}
    if made.get("type") == "array" and not isinstance(made.get("items"), dict):
        made["items"] = {}
    if "patternProperties" in made:
        patterns = [schema(one) for one in made.pop("patternProperties").values()]
        made.setdefault("additionalProperties", patterns[0] if len(patterns) == 1 else {"anyOf": patterns})


def _alternatives(made: Node) -> None:
    for key in ("anyOf", "oneOf"):
        if key not in made:
            continue
        others = [one for one in made[key] if not _is_null(one)]
        if len(others) == len(made[key]):
            continue
        made["nullable"] = True
        if len(others) != 1:
            made[key] = others
            continue
        del made[key]
        only = others[0]
        if set(only) == {"$ref"}:
            made["allOf"] = [only]
        else:
            made.update({name: value for name, value in only.items() if name not in made})


def _is_null(one: Any) -> bool:
    return isinstance(one, dict) and one.get("enum") == [None]


def _values(made: Node) -> None:
    if "const" in made:
        made["enum"] = [made.pop("const")]
    for side in ("Minimum", "Maximum"):
        bound = made.get(f"exclusive{side}")
        if bound is not None and not isinstance(bound, bool):
            made[side.lower()] = bound
            made[f"exclusive{side}"] = True
    if examples := made.pop("examples", None):
        made.setdefault("example", examples[0])
    media, encoding = made.pop("contentMediaType", None), made.pop("contentEncoding", None)
    if encoding == "base64":
        made.setdefault("format", "byte")
    elif media is not None:
        made.setdefault("format", "binary")
    if made.get("nullable") and "enum" in made and None not in made["enum"]:
        made["enum"] = [*made["enum"], None]
