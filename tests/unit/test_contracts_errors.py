"""Every domain error in every contract: status, code, words, body, headers. The codes are the documents' own, written out here
and not read from the table under test."""

import json

import pytest

from shared.core.errors import (
    Conflict,
    FieldError,
    Forbidden,
    Invalid,
    LimitExceeded,
    Malformed,
    NotFound,
    RateLimited,
    TooLarge,
    TransitionRefused,
    Unauthenticated,
    Upstream,
)
from shared.core.situations import Situation
from shared.edge.contracts import NAMES, contract

NOW = "2026-11-21T09:30:00.123Z"
FIELDS = (FieldError("email", "Email format invalid", "nonsense"), FieldError("name", "This field is required"))
LIMITED = RateLimited(limit=1000, window=3600, retry_after=42, reset=1_795_231_080)

ERRORS = {
    "invalid": Invalid(*FIELDS),
    "email_format": Invalid(FIELDS[0], situation=Situation.EMAIL_FORMAT),
    "password_weak": Invalid(FIELDS[0], situation=Situation.PASSWORD_WEAK),
    "malformed": Malformed(message="Broken"),
    "credentials": Unauthenticated(Situation.CREDENTIALS_WRONG, "Invalid email or password"),
    "no_token": Unauthenticated(),
    "expired": Unauthenticated(Situation.TOKEN_EXPIRED),
    "forbidden": Forbidden(),
    "access": Forbidden(situation=Situation.WORKSPACE_ACCESS_DENIED),
    "no_workspace": NotFound("workspace"),
    "no_project": NotFound("project"),
    "no_card": NotFound("card"),
    "no_agent": NotFound("agent"),
    "slug": Conflict(Situation.SLUG_TAKEN, "URL slug already exists"),
    "duplicate": Conflict(Situation.ALREADY_MEMBER, "Taken"),
    "state": Conflict(Situation.PROJECT_ARCHIVED, "Not now"),
    "run_in_progress": Conflict(Situation.RUN_IN_PROGRESS, "Agent run already in progress for this card"),
    "transition": TransitionRefused("Invalid lane transition"),
    "members": LimitExceeded(Situation.MEMBER_LIMIT, "Full"),
    "usage": LimitExceeded(Situation.USAGE_LIMIT, "Used up"),
    "rate": LIMITED,
    "large": TooLarge(1024),
    "provider_down": Upstream(Situation.PROVIDER_UNAVAILABLE, "Down"),
    "provider_busy": Upstream(Situation.PROVIDER_RATE_LIMITED, "Busy"),
    "storage": Upstream(Situation.UNAVAILABLE, "Busy"),
}
EXPECTED = {
    "agentworks": {
        "invalid": "422 VALIDATION_ERROR",
        "email_format": "422 INVALID_EMAIL_FORMAT",
        "password_weak": "422 PASSWORD_TOO_WEAK",
        "malformed": "400 INVALID_REQUEST",
        "credentials": "401 AUTH_INVALID_CREDENTIALS",
        "no_token": "401 AUTH_TOKEN_INVALID",
        "expired": "401 AUTH_TOKEN_EXPIRED",
        "forbidden": "403 INSUFFICIENT_PERMISSIONS",
        "access": "403 WORKSPACE_ACCESS_DENIED",
        "no_workspace": "404 WORKSPACE_NOT_FOUND",
        "no_project": "404 PROJECT_NOT_FOUND",
        "no_card": "404 CARD_NOT_FOUND",
        "no_agent": "404 AGENT_NOT_FOUND",
        "slug": "409 SLUG_ALREADY_EXISTS",
        "duplicate": "409 CONFLICT",
        "state": "409 CONFLICT",
        "run_in_progress": "409 AGENT_RUN_IN_PROGRESS",
        "transition": "422 INVALID_LANE_TRANSITION",
        "members": "403 WORKSPACE_MEMBER_LIMIT",
        "usage": "403 USAGE_LIMIT_EXCEEDED",
        "rate": "429 RATE_LIMIT_EXCEEDED",
        "large": "413 PAYLOAD_TOO_LARGE",
        "provider_down": "503 PROVIDER_UNAVAILABLE",
        "provider_busy": "503 PROVIDER_RATE_LIMITED",
        "storage": "503 SERVICE_UNAVAILABLE",
    },
    "enterprise": {
        "invalid": "400 VALIDATION_ERROR",
        "email_format": "400 VALIDATION_ERROR",
        "password_weak": "400 VALIDATION_ERROR",
        "malformed": "400 VALIDATION_ERROR",
        "credentials": "401 AUTHENTICATION_FAILED",
        "no_token": "401 AUTHENTICATION_FAILED",
        "expired": "401 AUTHENTICATION_FAILED",
        "forbidden": "403 AUTHORIZATION_DENIED",
        "access": "403 AUTHORIZATION_DENIED",
        "no_workspace": "404 RESOURCE_NOT_FOUND",
        "no_project": "404 RESOURCE_NOT_FOUND",
        "no_card": "404 RESOURCE_NOT_FOUND",
        "no_agent": "404 RESOURCE_NOT_FOUND",
        "slug": "409 DUPLICATE_SLUG",
        "duplicate": "409 DUPLICATE_RESOURCE",
        "state": "409 CONFLICT",
        "run_in_progress": "409 CONFLICT",
        "transition": "400 VALIDATION_ERROR",
        "members": "403 AUTHORIZATION_DENIED",
        "usage": "403 AUTHORIZATION_DENIED",
        "rate": "429 RATE_LIMIT_EXCEEDED",
        "large": "413 PAYLOAD_TOO_LARGE",
        "provider_down": "503 SERVICE_UNAVAILABLE",
        "provider_busy": "503 SERVICE_UNAVAILABLE",
        "storage": "503 SERVICE_UNAVAILABLE",
    },
    "aintandem": {
        "invalid": "422 VALIDATION_ERROR",
        "email_format": "422 VALIDATION_ERROR",
        "password_weak": "422 VALIDATION_ERROR",
        "malformed": "400 VALIDATION_ERROR",
        "credentials": "401 AUTHENTICATION_FAILED",
        "no_token": "401 AUTHENTICATION_FAILED",
        "expired": "401 AUTHENTICATION_FAILED",
        "forbidden": "403 AUTHORIZATION_FAILED",
        "access": "403 AUTHORIZATION_FAILED",
        "no_workspace": "404 RESOURCE_NOT_FOUND",
        "no_project": "404 RESOURCE_NOT_FOUND",
        "no_card": "404 RESOURCE_NOT_FOUND",
        "no_agent": "404 RESOURCE_NOT_FOUND",
        "slug": "409 RESOURCE_ALREADY_EXISTS",
        "duplicate": "409 RESOURCE_ALREADY_EXISTS",
        "state": "409 CONFLICT",
        "run_in_progress": "409 CONFLICT",
        "transition": "409 CONFLICT",
        "members": "429 RESOURCE_EXHAUSTED",
        "usage": "429 RESOURCE_EXHAUSTED",
        "rate": "429 RATE_LIMIT_EXCEEDED",
        "large": "413 PAYLOAD_TOO_LARGE",
        "provider_down": "503 SERVICE_UNAVAILABLE",
        "provider_busy": "503 SERVICE_UNAVAILABLE",
        "storage": "503 SERVICE_UNAVAILABLE",
    },
    "orchestrator": {
        "invalid": "400 VALIDATION_ERROR",
        "email_format": "400 VALIDATION_ERROR",
        "password_weak": "400 VALIDATION_ERROR",
        "malformed": "400 VALIDATION_ERROR",
        "credentials": "401 AUTHENTICATION_ERROR",
        "no_token": "401 AUTHENTICATION_ERROR",
        "expired": "401 AUTHENTICATION_ERROR",
        "forbidden": "403 AUTHORIZATION_ERROR",
        "access": "403 AUTHORIZATION_ERROR",
        "no_workspace": "404 NOT_FOUND",
        "no_project": "404 NOT_FOUND",
        "no_card": "404 NOT_FOUND",
        "no_agent": "404 NOT_FOUND",
        "slug": "409 CONFLICT",
        "duplicate": "409 CONFLICT",
        "state": "409 CONFLICT",
        "run_in_progress": "409 CONFLICT",
        "transition": "400 VALIDATION_ERROR",
        "members": "403 AUTHORIZATION_ERROR",
        "usage": "403 AUTHORIZATION_ERROR",
        "rate": "429 RATE_LIMIT_EXCEEDED",
        "large": "413 PAYLOAD_TOO_LARGE",
        "provider_down": "503 SERVICE_UNAVAILABLE",
        "provider_busy": "503 SERVICE_UNAVAILABLE",
        "storage": "503 SERVICE_UNAVAILABLE",
    },
}
# omoios documents no errors: it has orchestrator's codes, and 422 for what does not validate
EXPECTED["omoios"] = EXPECTED["orchestrator"] | {
    "invalid": "422 VALIDATION_ERROR",
    "email_format": "422 VALIDATION_ERROR",
    "password_weak": "422 VALIDATION_ERROR",
}
CASES = [
    pytest.param(name, ERRORS[case], *expected.split(), id=f"{name}-{case}")
    for name in NAMES
    for case, expected in EXPECTED[name].items()
]


def body_of(name: str, error) -> dict:
    found = contract(name)
    return found.error_body(found.problem(error), "req-1", NOW)


@pytest.mark.parametrize(("name", "error", "status", "code"), CASES)
def test_every_error_has_the_contracts_status_code_and_form(name, error, status, code):
    found = contract(name)
    problem = found.problem(error)
    body = found.error_body(problem, "req-1", NOW)
    assert (str(problem.status), problem.code, body["error"]["code"]) == (status, code, code)
    assert body["error"]["message"]
    found.error_model.model_validate(body, strict=True)
    assert json.loads(found.dump(dict, body)) == body


def test_agentworks_form():
    body = body_of("agentworks", Invalid(*FIELDS))
    assert body == {
        "error": {
            "code": "VALIDATION_ERROR",
            "message": "The request has invalid fields",
            "timestamp": NOW,
            "requestId": "req-1",
        },
        "validationErrors": [
            {"field": "email", "message": "Email format invalid", "value": "nonsense"},
            {"field": "name", "message": "This field is required"},
        ],
    }
    assert "validationErrors" not in body_of("agentworks", NotFound("card"))


def test_enterprise_form():
    assert body_of("enterprise", Invalid(*FIELDS)) == {
        "success": False,
        "status": 400,
        "error": {
            "code": "VALIDATION_ERROR",
            "message": "Invalid request parameters",
            "details": [
                {"field": "email", "message": "Email format invalid"},
                {"field": "name", "message": "This field is required"},
            ],
        },
        "meta": {"timestamp": NOW, "request_id": "req-1"},
    }


def test_aintandem_form():
    body = body_of("aintandem", NotFound("workspace"))
    assert body == {
        "success": False,
        "error": {
            "code": "RESOURCE_NOT_FOUND",
            "message": "The requested resource was not found",
            "details": {"reason": "Workspace not found"},
        },
        "meta": {"request_id": "req-1", "timestamp": NOW},
    }
    details = body_of("aintandem", Invalid(*FIELDS))["error"]["details"]
    assert isinstance(details, dict)  # the document's details are an object
    assert [one["field"] for one in details["fields"]] == ["email", "name"]


def test_orchestrator_form():
    assert body_of("orchestrator", Invalid(FIELDS[1])) == {
        "error": {
            "code": "VALIDATION_ERROR",
            "message": "Invalid request data",
            "details": [{"field": "name", "message": "This field is required"}],
            "timestamp": NOW,
            "correlation_id": "req-1",
        }
    }


def test_omoios_form():
    body = body_of("omoios", NotFound("ticket"))
    assert body == {
        "detail": "Ticket not found",
        "error": {
            "code": "NOT_FOUND",
            "message": "Resource not found",
            "details": {"reason": "Ticket not found"},
            "timestamp": NOW,
            "request_id": "req-1",
        },
    }


def test_rate_limit_bodies():
    details = {"limit": 1000, "window": 3600, "retry_after": 42}
    assert body_of("agentworks", LIMITED)["error"] | {"timestamp": "", "requestId": ""} == {
        "code": "RATE_LIMIT_EXCEEDED",
        "message": "Rate limit exceeded",
        "details": {"limit": 1000, "window": 3600, "retryAfter": 42},
        "timestamp": "",
        "requestId": "",
    }
    enterprise = body_of("enterprise", LIMITED)
    assert enterprise["error"] == {
        "code": "RATE_LIMIT_EXCEEDED",
        "message": "You have exceeded the rate limit. Please retry after 42 seconds.",
    }
    assert set(enterprise["meta"]) == {"timestamp", "request_id", "retry_after", "limit_resets_at"}
    assert enterprise["meta"]["retry_after"] == 42
    for name in ("aintandem", "omoios"):
        assert body_of(name, LIMITED)["error"]["details"] == details
    # the document's details are a list of fields
    listed = [{"field": "request", "message": "Rate limit exceeded"} | details]
    assert body_of("orchestrator", LIMITED)["error"]["details"] == listed


@pytest.mark.parametrize("name", NAMES)
def test_headers_of_errors(name):
    found = contract(name)
    assert found.problem(LIMITED).headers["Retry-After"] == "42"
    assert found.problem(Unauthenticated()).headers["WWW-Authenticate"] == "Bearer"
    assert found.problem(Upstream(Situation.PROVIDER_RATE_LIMITED, "Busy", retry_after=0.2)).headers["Retry-After"] == "1"
    rate = found.rate_headers(1000, 975, 1_698_339_600, 3600)
    assert rate["X-RateLimit-Limit"] == "1000"
    assert rate["X-RateLimit-Remaining"] == "975"
    assert rate["X-RateLimit-Reset"] == "1698339600"
    assert rate.get("X-RateLimit-Window") == ("3600" if name == "agentworks" else None)


@pytest.mark.parametrize(
    ("name", "rate_class", "plan", "rules"),
    [
        ("agentworks", "", "free", [(1000, 3600)]),
        ("enterprise", "", "free", [(100, 60), (1_000, 3600), (10_000, 86_400)]),
        ("enterprise", "", "professional", [(1_000, 60), (50_000, 3600), (500_000, 86_400)]),
        ("enterprise", "", "enterprise", []),
        ("aintandem", "auth", "free", [(10, 60)]),
        ("aintandem", "workspace", "free", [(100, 3600)]),
        ("aintandem", "sandbox", "free", [(200, 3600)]),
        ("aintandem", "message", "free", [(1000, 3600)]),
        ("aintandem", "", "free", []),
        ("orchestrator", "", "free", [(1_000, 3600)]),
        ("orchestrator", "", "enterprise", []),
        ("omoios", "", "professional", [(50_000, 3600)]),
    ],
)
def test_documented_limits(name, rate_class, plan, rules):
    assert [(rule.limit, rule.window) for rule in contract(name).rate_rules(rate_class, plan)] == rules


def test_rules_of_two_contracts_are_counted_apart():
    names = [rule.name for name in NAMES for kind in ("", "auth") for rule in contract(name).rate_rules(kind, "free")]
    assert len(set(names)) == len(
        {(name, rule) for name in NAMES for k in ("", "auth") for rule in contract(name).rate_rules(k, "free")}
    )
