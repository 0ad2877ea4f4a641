"""Declare the operations of a contract. Each is declared once; everything else is derived from it.

    routes = Routes(AGENTWORKS, "cards")

    @routes.post("/boards/{boardId}/cards", "cards.create", status=201, permission=Permission.CARD_CREATE)
    async def create(boardId: str, body: CreateCardRequest, caller: Caller) -> Card: ...

The gateway's methods, the OpenAPI document and the authorization matrix of the tests all read `routes.operations`.
"""

import functools
import inspect
import typing
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from starlette.responses import Response

from shared.core.situations import Situation
from shared.edge.contracts.base import Contract, Paged
from shared.edge.http.answer_size import rendered
from shared.edge.http.call import GIVEN
from shared.edge.http.operation import Endpoint, Operation, Retired
from shared.edge.http.pipeline import route_class

FindRetired = Callable[[str], Retired | None]
"""Finds what an unknown path was in an older version."""
Declare = Callable[[Endpoint], Endpoint]


def none_retired(path: str) -> Retired | None:  # noqa: ARG001 - one kind of FindRetired
    return None


class Routes:
    """The operations of one contract in one area."""

    def __init__(self, contract: Contract, area: str, *, rate_class: str = "", retired: FindRetired = none_retired) -> None:
        self.contract, self.area, self.rate_class, self.retired = contract, area, rate_class, retired
        self.operations: list[Operation] = []

    def _declare(self, method: str, path: str, operation_id: str, **attributes: Any) -> Declare:
        def declare(endpoint: Endpoint) -> Endpoint:
            answer = typing.get_type_hints(endpoint).get("return")
            paged = typing.get_origin(answer) is Paged
            model = typing.get_args(answer)[0] if paged else answer
            if model is type(None) or (isinstance(model, type) and issubclass(model, Response)):
                model = None
            arguments: dict[str, Any] = {"rate_class": self.rate_class, "model": model} | attributes
            self.operations.append(
                Operation(
                    self.contract,
                    self.area,
                    method,
                    path,
                    operation_id,
                    endpoint,
                    paged=paged,
                    **arguments,
                )
            )
            return endpoint

        return declare

    def get(self, path: str, operation_id: str, **attributes: Any) -> Declare:
        return self._declare("GET", path, operation_id, **attributes)

    def post(self, path: str, operation_id: str, **attributes: Any) -> Declare:
        return self._declare("POST", path, operation_id, **attributes)

    def put(self, path: str, operation_id: str, **attributes: Any) -> Declare:
        return self._declare("PUT", path, operation_id, **attributes)

    def patch(self, path: str, operation_id: str, **attributes: Any) -> Declare:
        return self._declare("PATCH", path, operation_id, **attributes)

    def delete(self, path: str, operation_id: str, **attributes: Any) -> Declare:
        return self._declare("DELETE", path, operation_id, **attributes)


def mount(app: FastAPI, operations: list[Operation], *, describe: bool = False) -> None:
    """Add operations to an app. `describe` adds the response and error models for the OpenAPI document, which cost 1 ms per route."""
    for operation in sorted(operations, key=lambda one: one.order):
        app.router.add_api_route(
            operation.path,
            _RenderedEndpoint(operation),
            methods=[operation.method],
            operation_id=operation.id,
            status_code=operation.status,
            route_class_override=route_class(operation),
            response_model_exclude_none=operation.contract.drop_none,
            **(_openapi_arguments(operation) if describe else {"response_model": None}),
        )


class _RenderedEndpoint:
    """Call the endpoint, with the caller and the call if it takes them, and render its result as the contract's bytes, so that FastAPI gets
    a finished response.

    An object and not a function, because FastAPI looks up the source lines of a function at its first request, for error texts
    that we never show, and that costs 75 ms (it compiles the tokenizer's expressions).
    """

    def __init__(self, operation: Operation) -> None:
        functools.update_wrapper(self, operation.endpoint)
        self._operation = operation
        signature = inspect.signature(operation.endpoint)
        given = {name: GIVEN[one.annotation] for name, one in signature.parameters.items() if one.annotation in GIVEN}
        self._given = given.items()
        others = [one for name, one in signature.parameters.items() if name not in given]
        self.__signature__ = signature.replace(parameters=others)  # what FastAPI takes from the request

    async def __call__(self, **values: Any) -> Response:
        operation = self._operation
        for name, give in self._given:
            values[name] = give()
        result = await operation.endpoint(**values)
        if isinstance(result, Response):
            return result
        if operation.model is None or result is None:
            return Response(status_code=operation.status)
        return Response(rendered(operation, result), operation.status, media_type="application/json")


def _openapi_arguments(operation: Operation) -> dict[str, Any]:
    contract = operation.contract
    extra: dict[str, Any] = {"security": []} if operation.public else {}
    if operation.permission is not None:
        extra["x-permission"] = contract.public_name(operation.permission.value)
    if operation.addition:
        extra["x-addition"] = True
    if operation.form is not None:
        schema = {"schema": operation.form.model_json_schema()}
        extra["requestBody"] = {"required": True, "content": {operation.form_media: schema}}
    if operation.callbacks:
        extra["callbacks"] = operation.callbacks
    described: dict[str, Any] = {
        "response_model": None,
        "tags": [operation.tag],
        "deprecated": True if operation.deprecation else None,
        "openapi_extra": extra,
        "responses": {
            status: {"model": contract.error_model, "description": ", ".join(codes)}
            for status, codes in _errors(operation).items()
        },
    }
    if operation.model is not None:
        answer = operation.model if operation.raw else contract.published(operation.model, operation.paged)
        described["response_model"] = answer
        described["responses"] |= {
            status: {"model": answer, "description": "The same, with what is wrong"} for status in operation.also
        }
    else:
        described["response_class"] = Response  # describes no body
        if operation.media is not None:
            kinds = (operation.media,) if isinstance(operation.media, str) else operation.media
            content = {kind: {"schema": {} if kind == "application/json" else {"type": "string"}} for kind in kinds}
            described["responses"][operation.status] = {"description": "The file", "content": content}
    for status, other in operation.others.items():
        new = {"description": "A page" if isinstance(other, str) else "Another answer"} | (
            {"model": contract.error_model} if status >= 400 else {}
        )
        _add_answer(described["responses"].setdefault(status, new), other)
    return described


def _add_answer(described: dict[str, Any], other: Any) -> None:
    """Describe an answer beside the one that is described already: a page, or JSON of another model."""
    if isinstance(other, str):
        described["content"] = {other: {"schema": {"type": "string"}}}
    else:
        described["model"] = described["model"] | other if "model" in described else other


def _errors(operation: Operation) -> dict[int, list[str]]:
    """Return the contract's statuses and codes of the errors that any operation of this kind may have."""
    situations = [Situation.INVALID, Situation.INTERNAL, Situation.UNAVAILABLE, Situation.ADDRESS_TOO_LONG, *operation.errors]
    if operation.limited and (operation.rate_class or not operation.public):
        situations.append(Situation.RATE_LIMITED)
    if not operation.public:
        situations += [Situation.TOKEN_INVALID, Situation.TOKEN_EXPIRED, Situation.FORBIDDEN]
    elif operation.method != "GET":
        situations.append(Situation.CREDENTIALS_WRONG)
    if "{" in operation.path:
        situations.append(Situation.NOT_FOUND)
    if operation.method != "GET":
        situations += [Situation.MALFORMED, Situation.VERSION_CONFLICT, Situation.IDEMPOTENCY_KEY_USED]
        situations += [Situation.TOO_LARGE, Situation.UNSUPPORTED_MEDIA]
    errors: dict[int, list[str]] = {}
    for answer in (operation.contract.answers[situation] for situation in situations):
        if answer.code not in errors.setdefault(answer.status, []):
            errors[answer.status].append(answer.code)
    return dict(sorted(errors.items()))
