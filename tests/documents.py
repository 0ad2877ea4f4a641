"""The published documents, made once in each process: that takes seconds."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from functions.system import docs
from infra import openapi


@pytest.fixture(scope="session")
def documents() -> dict[str, dict[str, Any]]:
    """The five published documents."""
    return openapi.documents()


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch, documents: dict[str, dict[str, Any]], tmp_path: Path) -> Iterator[None]:
    """The package has the documents, as after a deployment."""
    for contract, document in documents.items():
        (tmp_path / f"{contract}.json").write_text(json.dumps(document))
    monkeypatch.setattr(docs, "ROOT", tmp_path)
    docs.read_document.cache_clear()
    yield
    docs.read_document.cache_clear()
