"""The protocol of deploy hooks, as the OpenAPI document shows it: one POST for each action, sent by `shared/delivery/targets/hook.py`."""

from typing import Any, Final

_NAME: Final = {"type": "string", "minLength": 1, "maxLength": 200}
_FENCE: Final = {
    "type": "integer",
    "description": "Rises with each step. Answer 409 to a lower one than you have seen, and change nothing: it is late.",
}
_WEIGHTS: Final = {
    "type": "object",
    "additionalProperties": {"type": "integer", "minimum": 1, "maximum": 100},
    "description": "Percent by version, 100 in all; empty: nothing serves",
}
_RELEASE: Final = {
    "type": "object",
    "properties": {
        name: {"type": "string", "nullable": True}
        for name in (
            "deployment_id", "build_id", "version_tag", "git_commit_hash", "git_branch", "docker_image_url", "repository_url",
        )
    },
}  # fmt: skip
ACTIONS: Final[dict[str, tuple[dict[str, Any], dict[str, Any]]]] = {
    "deploy": (
        {"fence": _FENCE, "release": _RELEASE},
        {"ready": {"type": "boolean"}, "version": _NAME, "serving": {**_NAME, "nullable": True}},
    ),
    "set_weights": ({"fence": _FENCE, "weights": _WEIGHTS}, {"weights": _WEIGHTS}),
    "health": ({"version": _NAME}, {"healthy": {"type": "boolean"}}),
    "figures": (
        {"version": _NAME, "seconds": {"type": "integer", "minimum": 1}},
        {
            "requests": {"type": "integer", "minimum": 0, "maximum": 10**12},
            "errors": {"type": "integer", "minimum": 0, "maximum": 10**12},
            "p95_ms": {"type": "number", "minimum": 0, "maximum": 10**12, "nullable": True},
        },
    ),
    "remove": ({"fence": _FENCE, "version": _NAME}, {}),
}
"""What a request has beside `action`, `project_id` and `environment`, and what its answer has."""
_OPTIONAL: Final = {"version", "serving", "p95_ms"}
_TEXT: Final = """Each request is signed as webhooks are.
`X-Signature-256` is `sha256=` and the HMAC-SHA256 of the raw body in hexadecimal, with
the secret of the environment; `webhook-id`, `webhook-timestamp` and `webhook-signature` are those of Standard Webhooks. Check one
of them, and answer within 5 seconds. Every request may come again: whoever does it twice does it once.

`deploy` begins to make the release ready without traffic, and is asked again every 5 seconds until `ready` is true; `version` is
your name of it (by default the deployment's id), `serving` that of the version with the traffic. `set_weights` shares the traffic
out, all at once, and answers the weights that it was sent. `figures` are of one version in the last `seconds`. `remove` ends a
version that has no traffic, if there is one.

An answer of 4xx or 5xx says why in `message`; the step is tried again for about a minute, and then the deployment is rolled back."""


def request_schema(action: str) -> dict[str, Any]:
    more, _ = ACTIONS[action]
    about = {"action": {"type": "string", "enum": [action]}, "project_id": {"type": "string"}, "environment": {"type": "string"}}
    return {"type": "object", "properties": about | more, "required": [*about, *more]}


def answer_schema(action: str) -> dict[str, Any]:
    _, answer = ACTIONS[action]
    required = [name for name in answer if name not in (_OPTIONAL if action != "remove" else answer)]
    return {"type": "object", "properties": answer} | ({"required": required} if required else {})


def callbacks() -> dict[str, Any]:
    """Return OpenAPI's description of what a deploy hook is sent."""
    body = {"oneOf": [request_schema(action) for action in ACTIONS]}
    answer = {"anyOf": [answer_schema(action) for action in ACTIONS]}
    post = {
        "summary": "A step of a deployment",
        "description": _TEXT,
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {
            "200": {"description": "Done", "content": {"application/json": {"schema": answer}}},
            "409": {"description": "The fence is lower than one that was seen"},
        },
    }
    return {"deployHook": {"{$request.body#/target/url}": {"post": post}}}
