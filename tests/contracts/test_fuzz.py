"""Many made-up requests to each operation, at the functions' handlers; `tests/stack/test_fuzz.py` sends some through API Gateway."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from shared.edge.contracts import NAMES
from tests.areas.github_world import use
from tests.areas.handlers import Functions
from tests.client_key import use_client_key
from tests.examples import QUICK
from tests.fuzzing import Platform, fuzz
from tests.github_server import FakeGithub

# requests an operation (with fewer, too few get past the first check), and operations: to read what one takes costs half a second
EXAMPLES, MOST = (6, 20) if QUICK else (18, 1_000)


@pytest.fixture
def functions(aws: None, deployed: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    use_client_key()
    github = FakeGithub()  # one that does not answer is an answer of 503
    use(github, monkeypatch)
    session = requests.Session()
    session.trust_env = False  # a look at all variables for each request, for a proxy
    session.mount("http://", Functions())
    yield Platform(session, lambda contract: f"http://{contract}.test")
    github.close()


@pytest.mark.parametrize("contract", NAMES)
def test_nothing_a_document_allows_breaks_a_function(contract: str, functions: Platform, documents: dict[str, Any]) -> None:
    fuzz(functions, contract, documents[contract], EXAMPLES, MOST)
