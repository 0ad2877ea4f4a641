"""What every request passes before and after its endpoint: size, identity, rate limit, idempotency; then headers, errors, one log line.

A FastAPI route class instead of middleware: it runs before the body is read (an anonymous caller learns nothing from a validation
error) and costs no extra ASGI layer.
"""

import hmac
import re
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError, HTTPClientError
from fastapi.exceptions import RequestValidationError
from fastapi.params import Form
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from shared.core import clock
from shared.core.errors import CadreError, TooLarge, Upstream
from shared.core.settings import settings
from shared.core.situations import Situation
from shared.edge.contracts.base import Contract
from shared.edge.contracts.problems import Problem
from shared.edge.http import idempotency, log
from shared.edge.http.authentication import authenticate
from shared.edge.http.call import Call, begin
from shared.edge.http.json_body import StrictRequest
from shared.edge.http.operation import Operation
from shared.edge.http.validation import to_invalid

Endpoint = Callable[[Request], Coroutine[Any, Any, Response]]
_UNPRINTABLE = re.compile(rb"[^\x20-\x7e]")
_REQUEST_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_HTTP = {
    404: (Situation.NOT_FOUND, "No such path"),
    405: (Situation.METHOD_NOT_ALLOWED, ""),
    413: (Situation.TOO_LARGE, ""),
    415: (Situation.UNSUPPORTED_MEDIA, "The request body must be application/json"),
}
"""What the framework refuses, by its status: the situation and what is to be said of it."""
_BUSY = {"ThrottlingException", "ProvisionedThroughputExceededException", "RequestLimitExceeded", "InternalServerError"}


def route_class(operation: Operation) -> type[APIRoute]:
    """The route class of one operation."""

    class Gated(APIRoute):
        def get_route_handler(self) -> Endpoint:
            endpoint = super().get_route_handler()
            takes_json = self.body_field is not None and not isinstance(self.body_field.field_info, Form)

            async def handle(request: Request) -> Response:
                return await _serve(operation, StrictRequest(request.scope, request.receive), endpoint, takes_json)

            return handle

    return Gated


async def _serve(operation: Operation, request: Request, endpoint: Endpoint, takes_json: bool) -> Response:
    started = time.perf_counter()
    call = Call(request_id(request), client_ip(request))
    begin(call)
    if operation.retired is not None:
        call.headers += operation.retired.headers
    contract = operation.contract
    problem: Problem | None = None
    try:
        _check_size(operation, await request.body())
        await authenticate(operation, request, call)
        if takes_json:
            await _check_media(request)
        response = await idempotency.run_once(operation, request, call, endpoint)
    except CadreError as error:
        problem = contract.domain_problem(error, operation.fields)
    except RequestValidationError as error:
        problem = contract.problem(to_invalid(error))
    except HTTPException as error:
        problem = http_problem(contract, error)
    except Exception as error:  # the caller gets a 5xx in the contract's form, the log gets the traceback
        log.crash(operation, call)
        problem = _crashed(contract, error)
    if problem is not None:
        response = failure(contract, problem, call.request_id)
        refused = problem.status == 401 and not operation.public  # a wrong password or token ends nobody's living session
        if refused and contract.cookie and contract.cookie in request.cookies:
            response.delete_cookie(contract.cookie, path="/")
    response.headers["X-Request-ID"] = call.request_id
    taken = call.rate_status
    if taken is not None and (problem is None or problem.rate is None):  # a refusal has the headers of the limit that refused
        response.headers.update(contract.rate_headers(taken.limit, taken.remaining, taken.reset, taken.window))
    response.headers.setdefault("Cache-Control", "no-store")  # answers hold tokens and other people's work
    for name, value in call.headers:
        response.headers.append(name, value.encode("latin-1", "replace").decode("latin-1"))
    # a header made of somebody's words (a file name) must neither start a new header nor fail on its way out
    response.raw_headers = [(name, _UNPRINTABLE.sub(b"?", value)) for name, value in response.raw_headers]
    log.request(operation, call, response.status_code, problem.code if problem else None, time.perf_counter() - started)
    return response


def _crashed(contract: Contract, error: Exception) -> Problem:
    """A 503 where AWS was too busy or out of reach (trying again helps), a 500 for everything else."""
    if isinstance(error, ClientError):
        busy = error.response["Error"]["Code"] in _BUSY
    else:
        busy = isinstance(error, HTTPClientError)
    if busy:
        return contract.problem(Upstream(Situation.UNAVAILABLE, "The service is busy; try again shortly", retry_after=1))
    return contract.problem(CadreError(Situation.INTERNAL))


def failure(contract: Contract, problem: Problem, request: str) -> Response:
    """An error in the contract's format, with its headers."""
    body = contract.dump(dict[str, Any], contract.error_body(problem, request, clock.iso()))
    response = Response(body, problem.status, dict(problem.headers), media_type="application/json")
    response.headers["X-Request-ID"] = request
    response.headers["Cache-Control"] = "no-store"
    if problem.rate is not None:
        rate = problem.rate
        response.headers.update(contract.rate_headers(rate.limit, 0, rate.reset, rate.window))
    return response


def http_problem(contract: Contract, error: HTTPException) -> Problem:
    """What the framework itself refuses: an unknown path, a wrong method, an unreadable form."""
    situation, reason = _HTTP.get(error.status_code, (Situation.MALFORMED, str(error.detail)))
    problem = contract.problem(CadreError(situation, reason))
    return replace(problem, headers=error.headers or {})


def request_id(request: Request) -> str:
    """The caller's X-Request-ID where it is short and harmless, else the gateway's."""
    asked = request.headers.get("x-request-id", "")
    if _REQUEST_ID.fullmatch(asked):
        return asked
    event = request.scope.get("aws.event") or {}
    given: str = event.get("requestContext", {}).get("requestId", "")
    return given or "local"


def client_ip(request: Request) -> str:
    """Where the request comes from. Behind the edge the gateway sees only the edge: then it is the address before the last in
    X-Forwarded-For, the one that the edge added. The edge proves itself with a key that it sends along (infra/edge.py): whoever
    reaches the gateway around it counts by the address that the gateway sees, whatever the headers say."""
    key = settings().edge_key
    if key and hmac.compare_digest(request.headers.get("x-cadre-edge", "").encode(), key.encode()):
        addresses = [one.strip() for one in request.headers.get("x-forwarded-for", "").split(",")]
        if len(addresses) > 1:
            return addresses[-2][:45]  # an IPv6 address at its longest
    event = request.scope.get("aws.event") or {}
    address: str = event.get("requestContext", {}).get("identity", {}).get("sourceIp", "")
    return address or "unknown"


def _check_size(operation: Operation, body: bytes) -> None:
    if len(body) > operation.max_body:
        raise TooLarge(operation.max_body)


async def _check_media(request: Request) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not kind or not await request.body():
        return
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise HTTPException(415)
