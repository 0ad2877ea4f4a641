"""What every request passes before and after its endpoint: size, identity, rate limit, idempotency; then headers, errors, one log line.

A FastAPI route class instead of middleware: it runs before the body is read (an anonymous caller learns nothing from a validation
error) and costs no extra ASGI layer.
"""

import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from shared.contracts.base import Contract
from shared.contracts.problems import Problem, plain
from shared.core import clock
from shared.core.errors import CadreError, TooLarge, Unauthenticated
from shared.http import idempotency, log
from shared.http.authentication import admit
from shared.http.call import Call, begin
from shared.http.validation import as_invalid
from shared.store import Taken

if TYPE_CHECKING:
    from shared.http.routing import Operation


def gated(operation: "Operation") -> type[APIRoute]:
    """The route class of one operation."""

    class Gated(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            endpoint = super().get_route_handler()

            async def handle(request: Request) -> Response:
                return await _serve(operation, request, endpoint)

            return handle

    return Gated


async def _serve(
    operation: "Operation", request: Request, endpoint: Callable[[Request], Coroutine[Any, Any, Response]]
) -> Response:
    started = time.perf_counter()
    call = Call(request_id(request), client_ip(request))
    begin(call)
    contract = operation.contract
    taken: Taken | None = None
    try:
        _check_size(operation, request)
        taken = admit(operation, request, call)
        response = await idempotency.once(operation, request, call, endpoint)
    except CadreError as error:
        response = failure(contract, contract.problem(error), call.request_id)
        if isinstance(error, Unauthenticated) and contract.cookie and contract.cookie in request.cookies:
            response.delete_cookie(contract.cookie, path="/")
    except RequestValidationError as error:
        response = failure(contract, contract.problem(as_invalid(error)), call.request_id)
    except HTTPException as error:
        response = failure(contract, http_problem(contract, error), call.request_id)
    except Exception:
        log.crash(operation, call)
        response = failure(contract, plain(contract.name, "internal", "Something went wrong on our side"), call.request_id)
    response.headers["X-Request-ID"] = call.request_id
    if taken is not None:
        response.headers.update(contract.rate_headers(taken.limit, taken.remaining, taken.reset, taken.window))
    for name, value in call.headers:
        response.headers.append(name, value)
    log.request(operation, call, response.status_code, time.perf_counter() - started)
    return response


def failure(contract: Contract, problem: Problem, request: str) -> Response:
    """An error in the contract's format, with its headers."""
    body = contract.dump(dict[str, Any], contract.error_body(problem, request, clock.iso()))
    response = Response(body, problem.status, dict(problem.headers), media_type="application/json")
    if problem.rate is not None:
        rate = problem.rate
        response.headers.update(contract.rate_headers(rate.limit, 0, rate.reset, rate.window))
    return response


def http_problem(contract: Contract, error: HTTPException) -> Problem:
    """What the framework itself refuses: an unknown path, a wrong method, an unreadable form."""
    name = {404: "missing", 405: "method", 413: "large", 415: "media"}.get(error.status_code, "malformed")
    words = {"missing": "No such path", "method": "This path has no such method"}.get(name, str(error.detail))
    problem = plain(contract.name, name, words)
    return Problem(problem.status, problem.code, problem.message, headers=error.headers or {})


def request_id(request: Request) -> str:
    """The caller's X-Request-ID where it is short and harmless, else the gateway's."""
    asked = request.headers.get("x-request-id", "")
    if 0 < len(asked) <= 128 and all(ch.isalnum() or ch in "-_.:" for ch in asked):
        return asked
    event = request.scope.get("aws.event") or {}
    given: str = event.get("requestContext", {}).get("requestId", "")
    return given or "local"


def client_ip(request: Request) -> str:
    event = request.scope.get("aws.event") or {}
    address: str = event.get("requestContext", {}).get("identity", {}).get("sourceIp", "")
    return address or "unknown"


def _check_size(operation: "Operation", request: Request) -> None:
    length = request.headers.get("content-length", "0")
    if length.isdigit() and int(length) > operation.max_body:
        raise TooLarge(operation.max_body)
