"""Many made-up requests to each operation, at the functions' handlers; `tests/stack/test_fuzz.py` sends some through API Gateway."""

import io
import re
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPHeaderDict, HTTPResponse

from infra.routes import table
from shared.edge.contracts import NAMES
from tests.areas.driving import call
from tests.examples import QUICK
from tests.fuzzing import Platform, fuzz

# requests an operation (with fewer, too few get past the first check), and operations: to read what one takes costs half a second
EXAMPLES, MOST = (6, 20) if QUICK else (24, 1_000)


class Functions(HTTPAdapter):
    """Sends requests for `http://{contract}/...` to the functions that serve them."""

    def __init__(self) -> None:
        super().__init__()
        self._routes = [
            (route.contract, route.method, re.compile(re.sub(r"\\{[^}]+\\}", "[^/]*", re.escape(route.path))), route.area)
            for route in table()
        ]

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        contract, path = re.fullmatch(r"http://(\w+)\.test(.*)", str(request.url)).groups()
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


@pytest.fixture
def functions(aws: None, deployed: None) -> Platform:
    session = requests.Session()
    session.trust_env = False  # a look at all variables for each request, for a proxy
    session.mount("http://", Functions())
    return Platform(session, lambda contract: f"http://{contract}.test")


@pytest.mark.parametrize("contract", NAMES)
def test_nothing_a_document_allows_breaks_a_function(contract: str, functions: Platform, documents: dict[str, Any]) -> None:
    fuzz(functions, contract, documents[contract], EXAMPLES, MOST)
