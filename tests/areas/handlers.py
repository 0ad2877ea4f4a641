"""The functions behind an HTTP client library: its requests are answered by the Lambda handlers, as API Gateway would choose them."""

import io
import re
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPHeaderDict, HTTPResponse

from infra.routes import table
from tests.areas.driving import call


class Functions(HTTPAdapter):
    """Sends requests for `http://{contract}.test/...` to the functions that serve them."""

    def __init__(self) -> None:
        super().__init__()
        self._routes = [
            (route.contract, route.method, re.compile(re.sub(r"\\{[^}]+\\}", "[^/]*", re.escape(route.path))), route.area)
            for route in table()
        ]

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        contract, path = re.fullmatch(r"https?://(\w+)\.test(.*)", str(request.url)).groups()
        body = request.body.encode() if isinstance(request.body, str) else request.body
        answer = call(
            self._area(contract, str(request.method), path),
            contract,
            str(request.method),
            path,
            body=body,
            headers=request.headers,
        )
        headers = HTTPHeaderDict([(name, value) for name, values in answer.headers.items() for value in values])
        return self.build_response(request, HTTPResponse(io.BytesIO(answer.body), headers, answer.status, preload_content=False))

    def _area(self, contract: str, method: str, path: str) -> str:
        """The function that API Gateway would choose; where it would choose none, one that answers for the path's beginning."""
        path = path.partition("?")[0]
        known = [(way.fullmatch(path), verb == method, area) for of, verb, way, area in self._routes if of == contract]
        return max(known, key=lambda one: (bool(one[0]), one[1]))[2]
