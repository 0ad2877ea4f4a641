"""Made-up requests through API Gateway, to some operations of each contract; `tests/contracts/test_fuzz.py` tries all, without it."""

import sys
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from local.stack import LocalStack
from shared.edge.contracts import NAMES
from tests.fuzzing import Platform, fuzz

# requests an operation, and operations of a contract: what the gateway does to a request is the same in all of them
EXAMPLES, MOST = 6, 40
# Sign-ins are counted by address: made-up ones must not use up those of the other tests. Only Linux has the whole of 127.0.0.0/8
ADDRESS = "127.0.0.2" if sys.platform == "linux" else "127.0.0.1"


class FromAnotherAddress(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **named: Any) -> Any:
        return super().init_poolmanager(*args, source_address=(ADDRESS, 0), **named)


@pytest.fixture(scope="module")
def platform_of_stack(stack: LocalStack) -> Iterator[Platform]:
    with requests.Session() as session:
        session.trust_env = False  # a look at all variables for each request, for a proxy
        session.mount("http://", FromAnotherAddress())
        yield Platform(session, stack.url)


@pytest.mark.parametrize("contract", NAMES)
def test_nothing_a_document_allows_breaks_the_deployed_platform(contract: str, platform_of_stack: Platform) -> None:
    document = platform_of_stack.session.get(f"{platform_of_stack.base(contract)}/openapi.json").json()
    fuzz(platform_of_stack, contract, document, EXAMPLES, MOST)
