"""OpenAPI 3.1 to 3.0: only the differences that occur in pydantic's schemas.

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
    """The same document in OpenAPI 3.0. Only tuples lose something: the order of their types."""
    result: Node = _walk(document)
    result["info"].pop("summary", None)
    result.pop("jsonSchemaDialect", None)
    result.pop("webhooks", None)
    return result


def _walk(node: Any) -> Any:
    """A part of the document outside schemas, with the schemas in it converted."""
    if isinstance(node, list):
        return [_walk(each) for each in node]
    if not isinstance(node, dict):
        return node
    result: Node = {}
    for key, value in node.items():
        if key == "schema":
            result[key] = schema(value)
        elif key == "schemas":
            result[key] = {name: schema(each) for name, each in value.items()}
        else:
            result[key] = _walk(value)
    return result


def schema(source: Any) -> Any:
    """A schema and the schemas in it, converted."""
    if not isinstance(source, dict):
        return source
    result = {key: value for key, value in source.items() if key not in _UNKNOWN}
    for key in _MANY:
        if key in result:
            result[key] = [schema(each) for each in result[key]]
    for key in _ONE:
        if key in result:
            result[key] = schema(result[key])
    if "properties" in result:
        result["properties"] = {name: schema(each) for name, each in result["properties"].items()}
    _types(result)
    _alternatives(result)
    _values(result)
    if "$ref" in result and len(result) > 1:
        result["allOf"] = [{"$ref": result.pop("$ref")}, *result.get("allOf", [])]
    return result


def _types(result: Node) -> None:
    kinds = result.get("type")
    if isinstance(kinds, list):
        named = [kind for kind in kinds if kind != "null"]
        if len(named) < len(kinds):
            result["nullable"] = True
        result.pop("type")
        if len(named) == 1:
            result["type"] = named[0]
        elif named:
            result["anyOf"] = [{"type": kind, **({"items": {}} if kind == "array" else {})} for kind in named]
    elif kinds == "null":
        result.pop("type")
        result |= {"nullable": True, "enum": [None]}
    if "prefixItems" in result:
        items = [schema(each) for each in result.pop("prefixItems")]
        rest = result.get("items")
        if isinstance(rest, dict):
            items.append(rest)
        result["items"] = {"anyOf": items} if items else {}
    if result.get("type") == "array" and not isinstance(result.get("items"), dict):
        result["items"] = {}
    if "patternProperties" in result:
        patterns = [schema(each) for each in result.pop("patternProperties").values()]
        result.setdefault("additionalProperties", patterns[0] if len(patterns) == 1 else {"anyOf": patterns})


def _alternatives(result: Node) -> None:
    for key in ("anyOf", "oneOf"):
        if key not in result:
            continue
        others = [each for each in result[key] if not _is_null(each)]
        if len(others) == len(result[key]):
            continue
        result["nullable"] = True
        if len(others) != 1:
            result[key] = others
            continue
        del result[key]
        only = others[0]
        if set(only) == {"$ref"}:
            result["allOf"] = [only]
        else:
            result.update({name: value for name, value in only.items() if name not in result})


def _is_null(each: Any) -> bool:
    return isinstance(each, dict) and each.get("enum") == [None]


def _values(result: Node) -> None:
    if "const" in result:
        result["enum"] = [result.pop("const")]
    for side in ("Minimum", "Maximum"):
        bound = result.get(f"exclusive{side}")
        if bound is not None and not isinstance(bound, bool):
            result[side.lower()] = bound
            result[f"exclusive{side}"] = True
    if examples := result.pop("examples", None):
        result.setdefault("example", examples[0])
    media, encoding = result.pop("contentMediaType", None), result.pop("contentEncoding", None)
    if encoding == "base64":
        result.setdefault("format", "byte")
    elif media is not None:
        result.setdefault("format", "binary")
    if result.get("nullable") and "enum" in result and None not in result["enum"]:
        result["enum"] = [*result["enum"], None]
