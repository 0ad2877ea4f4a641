"""What several unit tests share."""

from typing import Any

import pytest

from infra import openapi


@pytest.fixture(scope="session")
def documents() -> dict[str, dict[str, Any]]:
    """The five published documents."""
    return openapi.documents()
