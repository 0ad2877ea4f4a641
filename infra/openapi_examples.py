"""The examples of the published documents: requests of enterprise as its Postman collection sends them, and the answers that are chains."""

from typing import Any, Final

from functions.system.postman_steps import STEPS
from shared.edge.http.operation import Operation

_MADE_UP: Final = "{{$guid}}"
"""What the collection puts into names that have to be new."""
_REQUIREMENT: Final = {
    "id": "01a223f2-4da3-745d-b1d2-ffba8d2e9fe4",
    "project_id": "01a223f2-4c8f-7262-9ffb-0a7ca4184493",
    "title": "A shop",
    "status": "in_progress",
}
_FEATURE: Final = "01a223f2-4ddd-72cc-a6cd-246689d766c6"
_TEST: Final = "01a223f2-4e6e-74f2-b8ee-9c13a9cddf4b"
_BUILD: Final = "01a223f2-abb4-7280-b4c5-eced30484f85"
_CRITERIA: Final = [
    {"text": "The shop has a page", "user_story": None, "proven": True, "test_case_ids": [_TEST]},
    {"text": "The buyer sees the price", "user_story": "Buying", "proven": False, "test_case_ids": []},
]
_TRACE: Final = {
    "requirement": _REQUIREMENT,
    "criteria": _CRITERIA,
    "features": [{"id": _FEATURE, "name": "The page", "implementation_status": "in_progress"}],
    "test_cases": [
        {
            "id": _TEST,
            "feature_id": _FEATURE,
            "name": "The page is there",
            "last_status": "passed",
            "last_result_id": "01a223f2-4fe0-7520-855f-d5e20308705b",
            "last_result_at": "2026-11-28T20:56:52.456Z",
        }
    ],
    "builds": [{"id": _BUILD, "feature_id": _FEATURE, "build_number": 3, "version_tag": "1.1.1", "status": "success"}],
    "deployments": [
        {
            "id": "01a223f2-e72e-764e-af14-3a8f7a746bc5",
            "build_id": _BUILD,
            "feature_id": _FEATURE,
            "environment": "production",
            "status": "success",
        }
    ],
    "complete": True,
}
_META: Final = {"timestamp": "2026-11-28T20:59:14.856Z", "request_id": "854b454c-bf56-4c54-bb62-91d02f647a59", "version": "1.0"}
_ONE: Final = {"success": True, "status": 200, "data": _TRACE, "meta": _META}
_ANSWERS: Final[dict[str, Any]] = {
    "requirements.trace": _ONE,
    "deployments.trace": _ONE,
    "projects.traceability": {
        "success": True,
        "status": 200,
        "data": [_REQUIREMENT | {"coverage": "partial", "criteria": _CRITERIA}],
        "pagination": {"page": 1, "page_size": 20, "total": 1, "pages": 1, "has_next": False, "has_prev": False},
        "meta": _META,
    },
}
_REQUESTS: Final = {step.operation: step.body for step in STEPS if step.body}


def add_examples(described: dict[str, Any], operation: Operation) -> None:
    """Add the examples of an operation to its description."""
    if operation.contract.name != "enterprise":
        return
    sent = described.get("requestBody", {}).get("content", {}).get("application/json")
    if sent is not None and operation.id in _REQUESTS:
        sent["example"] = _filled(_REQUESTS[operation.id])
    if operation.id in _ANSWERS:
        described["responses"]["200"]["content"]["application/json"]["example"] = _ANSWERS[operation.id]


def _filled(body: Any) -> Any:
    """Return a body with a word in place of what the collection makes up."""
    return {name: value.replace(_MADE_UP, "2") if isinstance(value, str) else value for name, value in body.items()}
