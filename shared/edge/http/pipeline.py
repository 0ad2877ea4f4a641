"""Everything around an endpoint: size, authentication, rate limit, idempotency before; headers, errors, one log line after.

A FastAPI route class instead of middleware: it runs before the body is validated (an anonymous caller learns nothing from a
validation error) and needs no extra ASGI layer.
"""

import re
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.params import Form
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from shared.core import clock
from shared.core.aws import busy_error
from shared.core.edge_keys import HEADER, is_edge, require_edge
from shared.core.errors import CadreError, FieldError, Invalid, TooLarge
from shared.core.networks import network_of
from shared.core.situations import Situation
from shared.edge.contracts.base import Contract
from shared.edge.contracts.problems import Problem
from shared.edge.http import idempotency, log
from shared.edge.http.authentication import authenticate
from shared.edge.http.call import Call, begin
from shared.edge.http.json_body import JsonRequest
from shared.edge.http.operation import Operation
from shared.edge.http.validation import to_invalid
from shared.store import ensure_authorized, request_scope

Endpoint = Callable[[Request], Coroutine[Any, Any, Response]]
_UNPRINTABLE = re.compile(rb"[^\x20-\x7e]")
_REQUEST_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_MOST_UNKNOWN, _LONGEST_NAME = 50, 200  # parameters that one answer names, and characters of a name
_HTTP = {
    404: (Situation.NOT_FOUND, "No such path"),
    405: (Situation.METHOD_NOT_ALLOWED, ""),
    413: (Situation.TOO_LARGE, ""),
    415: (Situation.UNSUPPORTED_MEDIA, "The request body must be application/json"),
}
"""Errors of the framework by status: the situation and the reason to show."""


def route_class(operation: Operation) -> type[APIRoute]:
    """Return the route class of one operation."""

    class Gated(APIRoute):
        def get_route_handler(self) -> Endpoint:
            endpoint = super().get_route_handler()
            takes_json = self.body_field is not None and not isinstance(self.body_field.field_info, Form)
            parameters = frozenset(one.alias for one in self.dependant.query_params)

            async def handle(request: Request) -> Response:
                return await _serve(operation, JsonRequest(request.scope, request.receive), endpoint, takes_json, parameters)

            return handle

    return Gated


async def _serve(
    operation: Operation, request: Request, endpoint: Endpoint, takes_json: bool, parameters: frozenset[str]
) -> Response:
    started = time.perf_counter()
    call = Call(request_id(request), client_ip(request))
    begin(call)
    if operation.deprecation is not None:
        call.headers += operation.deprecation.headers
    contract = operation.contract
    problem: Problem | None = None
    try:
        require_edge(edge_key(request))
        _check_size(operation, await request.body())
        await authenticate(operation, request, call)
        with request_scope():
            response = await _answer(operation, request, call, endpoint, takes_json, parameters)
    except Exception as error:
        problem = _problem(operation, call, error)
    if problem is not None:
        response = failure(contract, problem, call.request_id)
        if problem.status == 401 and not operation.public:  # a failed login must not end the browser's session
            call.rate_status = None  # how much its owner asks is nothing for an old token
            if contract.cookie and contract.cookie in request.cookies:
                response.delete_cookie(contract.cookie, path="/", secure=True, httponly=True)
    response.headers["X-Request-ID"] = call.request_id
    rate_status = call.rate_status
    if rate_status is not None and (problem is None or problem.rate is None):  # a 429 has the headers of the exceeded limit
        response.headers.update(
            contract.rate_headers(rate_status.limit, rate_status.remaining, rate_status.reset, rate_status.window)
        )
    response.headers.setdefault("Cache-Control", "no-store")  # responses contain tokens and private data
    for name, value in call.headers:
        response.headers.append(name, value.encode("latin-1", "replace").decode("latin-1"))
    # a header with text from users (a file name) must neither start a new header nor fail to be sent
    response.raw_headers = [(name, _UNPRINTABLE.sub(b"?", value)) for name, value in response.raw_headers]
    log.request(operation, call, response.status_code, problem.code if problem else None, time.perf_counter() - started)
    return response


async def _answer(
    operation: Operation, request: Request, call: Call, endpoint: Endpoint, takes_json: bool, parameters: frozenset[str]
) -> Response:
    """Run the endpoint. Whatever it returns or raises is shown only to a caller whose access is decided."""
    contract = operation.contract

    def refusal(error: CadreError) -> Response:
        return failure(contract, contract.domain_problem(error, operation.fields), call.request_id)

    try:
        _check_query(operation, request, parameters)
        if takes_json:
            await _check_media(request)
        response = await idempotency.run_once(operation, request, call, endpoint, refusal)
    except Exception:
        ensure_authorized()
        raise
    ensure_authorized()
    return response


def _problem(operation: Operation, call: Call, error: Exception) -> Problem:
    """Return an error as the contract shows it; an unexpected one is a 5xx, and the log gets its traceback."""
    contract = operation.contract
    if isinstance(error, CadreError):
        return contract.domain_problem(error, operation.fields)
    if isinstance(error, RequestValidationError):
        return contract.problem(to_invalid(error))
    if isinstance(error, HTTPException):
        return http_problem(contract, error)
    log.crash(operation, call)
    return _crash_problem(contract, error)


def _crash_problem(contract: Contract, error: Exception) -> Problem:
    """Return a 503 if AWS was too busy or unreachable (a retry helps), a 500 for everything else."""
    return contract.problem(busy_error(error) or CadreError(Situation.INTERNAL))


def failure(contract: Contract, problem: Problem, request: str) -> Response:
    """Return an error response in the contract's format, with its headers."""
    body = contract.dump(dict[str, Any], contract.error_body(problem, request, clock.iso()))
    response = Response(body, problem.status, dict(problem.headers), media_type="application/json")
    response.headers["X-Request-ID"] = request
    response.headers["Cache-Control"] = "no-store"
    if problem.rate is not None:
        rate = problem.rate
        response.headers.update(contract.rate_headers(rate.limit, 0, rate.reset, rate.window))
    return response


def http_problem(contract: Contract, error: HTTPException) -> Problem:
    """Convert an error of the framework: an unknown path, a wrong method, an unreadable form."""
    situation, reason = _HTTP.get(error.status_code, (Situation.MALFORMED, str(error.detail)))
    problem = contract.problem(CadreError(situation, reason))
    return replace(problem, headers=error.headers or {})


def request_id(request: Request) -> str:
    """Return the caller's X-Request-ID if it is short and harmless, else the gateway's id."""
    requested_id = request.headers.get("x-request-id", "")
    if _REQUEST_ID.fullmatch(requested_id):
        return requested_id
    event = request.scope.get("aws.event") or {}
    gateway_id: str = event.get("requestContext", {}).get("requestId", "")
    return gateway_id or "local"


def edge_key(request: Request) -> str:
    """Return what the request says to have come through the edge, or an empty string."""
    return request.headers.get(HEADER, "")


def client_ip(request: Request) -> str:
    """Return the network address of the caller, as callers are counted (`network_of`).

    Behind the edge the gateway sees only the edge. The address is then the second last in X-Forwarded-For, which the edge added.
    The edge proves itself with a key (infra/edge.py); without it the gateway's own view counts, whatever the headers say.
    """
    if is_edge(edge_key(request)):
        addresses = [one.strip() for one in request.headers.get("x-forwarded-for", "").split(",")]
        if len(addresses) > 1:
            return network_of(addresses[-2])
    event = request.scope.get("aws.event") or {}
    address: str = event.get("requestContext", {}).get("identity", {}).get("sourceIp", "")
    return network_of(address or "unknown")


def _check_size(operation: Operation, body: bytes) -> None:
    if len(body) > operation.max_body:
        raise TooLarge(operation.max_body)


def _check_query(operation: Operation, request: Request, parameters: frozenset[str]) -> None:
    """Refuse unknown parameters, if the contract does: a misspelt filter would show everything. What is public takes what others add to
    addresses (RFC 6749, a probe's time)."""
    if operation.contract.closed_queries and not operation.public:
        unknown = sorted(set(request.query_params) - parameters)[:_MOST_UNKNOWN]
        if unknown:
            raise Invalid(*(FieldError(name[:_LONGEST_NAME], "Unknown parameter") for name in unknown))


async def _check_media(request: Request) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not kind or not await request.body():
        return
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise HTTPException(415)
