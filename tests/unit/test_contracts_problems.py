"""What each contract answers in each situation: nothing is forgotten, nothing is left over, and a documented code has its documented
message. The messages are the documents' own, written out here."""

import ast
from collections import defaultdict
from pathlib import Path

import pytest

from shared.core.errors import CadreError, Conflict, Forbidden, Invalid, NotFound, RateLimited
from shared.core.situations import Situation
from shared.edge.contracts import NAMES, contract

ROOT = Path(__file__).parent.parent.parent
DOCUMENTED = {
    "agentworks": {
        "AUTH_INVALID_CREDENTIALS": "Invalid email or password",
        "AUTH_TOKEN_EXPIRED": "Authentication token has expired",
        "AUTH_TOKEN_INVALID": "Invalid authentication token",
        "WORKSPACE_ACCESS_DENIED": "Access denied to workspace",
        "INSUFFICIENT_PERMISSIONS": "Insufficient permissions for this action",
        "WORKSPACE_MEMBER_LIMIT": "Workspace member limit exceeded",
        "USAGE_LIMIT_EXCEEDED": "Monthly usage limit exceeded",
        "AGENT_RUN_IN_PROGRESS": "Agent run already in progress for this card",
        "INVALID_LANE_TRANSITION": "Invalid lane transition",
        "PROVIDER_UNAVAILABLE": "LLM provider temporarily unavailable",
        "PROVIDER_RATE_LIMITED": "Provider rate limit exceeded",
        "INVALID_EMAIL_FORMAT": "Invalid email format",
        "PASSWORD_TOO_WEAK": "Password does not meet requirements",
        "SLUG_ALREADY_EXISTS": "URL slug already exists",
        "RATE_LIMIT_EXCEEDED": "Rate limit exceeded",
    },
    # where the document shows an answer with the code, its message; else the code's description
    "enterprise": {
        "VALIDATION_ERROR": "Invalid request parameters",
        "AUTHENTICATION_FAILED": "Invalid credentials",
        "AUTHORIZATION_DENIED": "Insufficient permissions",
        "RESOURCE_NOT_FOUND": "Requested resource not found",
        "DUPLICATE_RESOURCE": "Resource already exists",
        "RATE_LIMIT_EXCEEDED": "Too many requests",
        "SERVICE_UNAVAILABLE": "Service temporarily unavailable",
        "TIMEOUT": "Request timeout",
    },
    "aintandem": {
        "AUTHENTICATION_FAILED": "Invalid credentials",
        "AUTHORIZATION_FAILED": "Insufficient permissions",
        "RESOURCE_NOT_FOUND": "The requested resource was not found",
        "RESOURCE_ALREADY_EXISTS": "Resource with same identifier exists",
        "VALIDATION_ERROR": "Request validation failed",
        "RATE_LIMIT_EXCEEDED": "Too many requests",
        "CONFIGURATION_INVALID": "Invalid configuration",
        "RESOURCE_EXHAUSTED": "Resource limits exceeded",
    },
    "orchestrator": {
        "VALIDATION_ERROR": "Invalid request data",
        "AUTHENTICATION_ERROR": "Authentication failed",
        "AUTHORIZATION_ERROR": "Insufficient permissions",
        "NOT_FOUND": "Resource not found",
        "CONFLICT": "Resource conflict",
        "RATE_LIMIT_EXCEEDED": "Rate limit exceeded",
        "INTERNAL_ERROR": "Internal server error",
        "SERVICE_UNAVAILABLE": "Service temporarily unavailable",
    },
    "omoios": {},  # its document has no errors
}
SAYS_NO = sorted(situation for situation in Situation if situation not in (Situation.NOT_FOUND, Situation.RATE_LIMITED))


def raised() -> set[str]:
    """The situations that code outside the contracts names."""
    names: set[str] = set()
    for folder in ("shared", "functions", "infra"):
        for path in (ROOT / folder).rglob("*.py"):
            if "contracts" in path.parts or path.name == "situations.py":
                continue
            names |= {
                node.attr
                for node in ast.walk(ast.parse(path.read_text()))
                if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Situation"
            }
    return names


@pytest.mark.parametrize("name", NAMES)
def test_a_contract_answers_every_situation(name):
    assert set(contract(name).answers) == set(Situation)


def test_every_situation_occurs():
    assert raised() == {situation.name for situation in Situation}


@pytest.mark.parametrize("name", NAMES)
def test_a_code_has_one_message(name):
    messages = defaultdict(set)
    for answer in contract(name).answers.values():
        messages[answer.code].add(answer.message)
    assert {code: found for code, found in messages.items() if len(found) != 1} == {}
    assert all(message.strip() for found in messages.values() for message in found)


@pytest.mark.parametrize("name", NAMES)
def test_a_documented_code_has_its_documented_message(name):
    messages = {answer.code: answer.message for answer in contract(name).answers.values()}
    assert {code: messages.get(code) for code in DOCUMENTED[name]} == DOCUMENTED[name]


@pytest.mark.parametrize(
    ("kind", "code", "message"),
    [
        ("workspace", "WORKSPACE_NOT_FOUND", "Workspace not found"),
        ("project", "PROJECT_NOT_FOUND", "Project not found"),
        ("card", "CARD_NOT_FOUND", "Card not found"),
        ("agent", "AGENT_NOT_FOUND", "Agent not found"),
        ("credit_note", "CREDIT_NOTE_NOT_FOUND", "Credit note not found"),
    ],
)
def test_agentworks_names_what_is_not_there(kind, code, message):
    problem = contract("agentworks").problem(NotFound(kind))
    assert (problem.status, problem.code, problem.message, problem.explained) == (404, code, message, None)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("situation", SAYS_NO)
def test_the_particular_reason_is_in_the_details(name, situation):
    known = contract(name)
    problem = known.problem(CadreError(situation, "The very reason", {"limit": 3}))
    assert problem.message == known.answers[situation].message
    body = known.error_body(problem, "req-1", "2026-11-21T09:30:00.123Z")
    explained = {"reason": "The very reason", "limit": 3}
    if name in {"enterprise", "orchestrator"}:  # their documents' details are a list of fields
        explained = [{"field": "request", "message": "The very reason", "limit": 3}]
    assert (body["error"]["message"], body["error"]["details"]) == (problem.message, explained)
    known.error_model.model_validate(body, strict=True)


@pytest.mark.parametrize("name", NAMES)
def test_what_the_message_says_already_is_not_said_again(name):
    known = contract(name)
    for situation, answer in known.answers.items():
        assert known.problem(CadreError(situation, answer.message)).explained is None
        assert known.problem(CadreError(situation)).explained is None


def test_omoios_says_the_reason_to_clients_of_the_original_service():
    known = contract("omoios")
    body = known.error_body(known.problem(Conflict(Situation.CARD_ARCHIVED, "The card is archived")), "req-1", "now")
    assert (body["detail"], body["error"]["details"]) == ("The card is archived", {"reason": "The card is archived"})
    assert (
        known.error_body(known.problem(CadreError(Situation.INTERNAL)), "req-1", "now")["detail"]
        == "Something went wrong on our side"
    )


def test_people_and_models_read_the_reason():
    assert str(Conflict(Situation.CARD_ARCHIVED, "The card is archived")) == "The card is archived"
    assert Forbidden().message == "Insufficient permissions for this action"
    assert Invalid().message == "The request has invalid fields"
    assert RateLimited(1, 1, 1, 1).message == "Rate limit exceeded"


def test_no_conflict_is_another_things():
    assert contract("aintandem").answers[Situation.PROJECT_ARCHIVED].code == "CONFLICT"
    assert contract("enterprise").answers[Situation.DEPENDENCY_CYCLE].code == "CONFLICT"
    about_access_tokens = {Situation.TOKEN_EXPIRED, Situation.TOKEN_INVALID}
    for situation, answer in contract("agentworks").answers.items():
        assert answer.code.startswith("AUTH_TOKEN_") == (situation in about_access_tokens)
