"""Build the FastAPI app of one contract, with the contract's own error bodies for requests that match no operation."""

from fastapi import FastAPI
from pydantic_core import from_json
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match

from shared.core.edge_keys import require_edge
from shared.core.errors import CadreError, Forbidden
from shared.core.situations import Situation
from shared.edge.contracts.base import Contract
from shared.edge.http.operation import Operation
from shared.edge.http.pipeline import edge_key, failure, http_problem, request_id
from shared.edge.http.routing import FindRetired, mount, none_retired
from shared.store import read_answers_with

read_answers_with(from_json)  # two thirds of the time of Python's own; a function of the API has it anyway


def application(
    contract: Contract, operations: list[Operation], *, describe: bool = False, retired: FindRetired = none_retired
) -> FastAPI:
    """Return the app. With `describe` it can generate its OpenAPI document (`app.openapi()`); without, it starts faster."""
    about = contract.about
    app = FastAPI(
        title=about.title,
        version=about.version,
        description=about.description,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        # nobody provides it; FastAPI would look for it at each request
        telemetry={"tracing": False, "metrics": False, "logs": False},
        strict_content_type=False,  # a body without a type is JSON; the pipeline refuses other types
    )

    async def unmatched(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - Starlette calls this only for HTTPException
        try:
            require_edge(edge_key(request))
        except Forbidden as refused:
            return failure(contract, contract.problem(refused), request_id(request))
        if gone := retired(request.url.path):
            response = failure(contract, contract.problem(CadreError(Situation.NOT_FOUND, gone.advice)), request_id(request))
            response.headers.update(dict(gone.deprecation.headers))
            return response
        if error.status_code == 405:
            allowed = {
                method for route in app.routes if _matches_path(route, request) for method in getattr(route, "methods", ())
            }
            allowed |= {"HEAD"} if "GET" in allowed else set()  # `LambdaHandler` serves HEAD
            error = HTTPException(405, headers={"Allow": ", ".join(sorted(allowed))})
        return failure(contract, http_problem(contract, error), request_id(request))

    app.add_exception_handler(HTTPException, unmatched)
    mount(app, operations, describe=describe)
    return app


def _matches_path(route: BaseRoute, request: Request) -> bool:
    return route.matches(request.scope)[0] is not Match.NONE
