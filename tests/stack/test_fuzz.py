"""Requests made up from the published OpenAPI documents, against the deployed stack: whatever is sent, the answer is in the contract's shape
and never a 5xx.

Each operation gets a person of its own: an hour's rate limit is soon used up, and a made-up logout ends a session.
"""

from typing import Any

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from shared.contracts import NAMES

EXAMPLES = 12  # an operation; the same every time


@pytest.mark.parametrize("contract", NAMES)
def test_nothing_a_document_allows_breaks_the_platform(contract: str, stack: Any) -> None:
    schema = schemathesis.openapi.from_url(f"{stack.url(contract)}/openapi.json")
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    assert operations
    failures = [problem for operation in operations if (problem := _try(operation, stack))]
    assert not failures, "\n\n".join(failures)


def _try(operation: Any, stack: Any) -> str | None:
    headers = {"Authorization": f"Bearer {_somebody(stack)}"}

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def send(case: Any) -> None:
        case.call_and_validate(
            headers=headers, checks=[not_a_server_error, response_schema_conformance, content_type_conformance]
        )

    try:
        send()
    except AssertionError as error:
        return f"{operation.label}: {error}"
    except BaseExceptionGroup as group:
        return f"{operation.label}: " + "; ".join(str(one) for one in group.exceptions)
    return None


_people = iter(range(1_000_000))


def _somebody(stack: Any) -> str:
    body = {"name": "Fuzz", "email": f"fuzz-{next(_people)}@example.com", "password": "correct horse"}
    answer = httpx2.post(f"{stack.url('agentworks')}/auth/register", json=body, timeout=30)
    assert answer.status_code == 201, answer.text
    token: str = answer.json()["token"]
    return token
