"""A few made-up requests to each operation of the deployed stack; `tests/contracts/test_fuzz.py` sends many without it."""

from collections.abc import Iterator

import pytest
import requests

from local.stack import LocalStack
from shared.edge.contracts import NAMES
from tests.fuzzing import Platform, fuzz

EXAMPLES = 6  # an operation


@pytest.fixture(scope="module")
def platform_of_stack(stack: LocalStack) -> Iterator[Platform]:
    with requests.Session() as session:
        yield Platform(session, stack.url)


@pytest.mark.parametrize("contract", NAMES)
def test_nothing_a_document_allows_breaks_the_deployed_platform(contract: str, platform_of_stack: Platform) -> None:
    document = platform_of_stack.session.get(f"{platform_of_stack.base(contract)}/openapi.json").json()
    fuzz(platform_of_stack, contract, document, EXAMPLES)
