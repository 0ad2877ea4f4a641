"""Requests made up from the published OpenAPI documents: whatever is sent, the answer is in the contract's shape and never a 5xx.

Every third request breaks the document's rules on purpose, and half of them name things that exist: a made-up id only ever finds
"not found". Each operation that changes something gets a person of its own: a made-up logout ends a session, a made-up deletion takes
what others would name. Those that read share one, as many as an hour's rate limit has room for.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from hypothesis.internal.conjecture import engine
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.generation.jsonschema import strategy as made_up
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

REQUESTS = {"enterprise": 100}
"""Requests of a person within a minute, by the rate limit of a contract; in the others a thousand within an hour."""
CHECKS = [not_a_server_error, response_schema_conformance, content_type_conformance]
FEW = 6  # requests: four by the rules, and two that break them
IN_VAIN = 50  # requests that could not be made wrong, until an operation counts as one that takes nothing wrong (Hypothesis: 458)
_dictionaries: dict[tuple[tuple[str, int], ...], st.SearchStrategy[Any]] = {}


def _fixed_dictionaries(fields: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    """Hypothesis's own, once for the same fields: schemathesis asks for it at each draw."""
    key = tuple((name, id(value)) for name, value in fields.items())  # what is made keeps them
    if key not in _dictionaries:
        _dictionaries[key] = st.fixed_dictionaries(fields)
    return _dictionaries[key]


made_up.st = SimpleNamespace(**vars(st) | {"fixed_dictionaries": _fixed_dictionaries})


class Person:
    """Somebody with one of everything, made when it is first named."""

    numbers: Iterator[int] = iter(range(1_000_000))

    def __init__(self, session: requests.Session, base: Callable[[str], str]) -> None:
        self.session, self.base, self.token = session, base, ""
        body = {"name": "Fuzz", "email": f"fuzz-{next(self.numbers)}@example.com", "password": "correct horse"}
        self.token = self.ask("POST", "/auth/register", body)["token"]

    def ask(self, method: str, path: str, body: Any = None, contract: str = "agentworks") -> Any:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        answer = self.session.request(method, self.base(contract) + path, json=body, headers=headers)
        assert answer.status_code < 300, answer.text
        return answer.json()

    @cached_property
    def workspace(self) -> str:
        return str(self.ask("GET", "/workspaces")["workspaces"][0]["id"])

    @cached_property
    def project(self) -> str:
        return str(self.ask("POST", f"/workspaces/{self.workspace}/projects", {"name": "Fuzz", "slug": "fuzz"})["id"])

    @cached_property
    def board(self) -> str:
        return str(self.ask("GET", f"/projects/{self.project}/boards")["boards"][0]["id"])

    @cached_property
    def lane(self) -> str:
        return str(self.ask("GET", f"/boards/{self.board}/lanes")[1]["id"])

    @cached_property
    def card(self) -> str:
        return self._card("A card")

    @cached_property
    def other_card(self) -> str:
        return self._card("Another card")

    def _card(self, title: str) -> str:
        body = {"laneId": self.lane, "title": title, "type": "task"}
        return str(self.ask("POST", f"/boards/{self.board}/cards", body)["id"])

    @cached_property
    def comment(self) -> str:
        return str(self.ask("POST", f"/cards/{self.card}/comments", {"content": "Words"})["id"])

    @cached_property
    def dependency(self) -> str:
        body = {"dependencyCardId": self.other_card, "type": "relates_to"}
        return str(self.ask("POST", f"/cards/{self.card}/dependencies", body)["id"])

    @cached_property
    def document(self) -> str:
        body = {"type": "prd", "title": "A document", "content": "Words"}
        return str(self.ask("POST", f"/projects/{self.project}/docs", body)["id"])

    @cached_property
    def run(self) -> str:
        return str(self.ask("POST", f"/cards/{self.card}/agents/prd/run", {})["run"]["id"])

    @cached_property
    def organization(self) -> str:
        return str(self._enterprise("GET", "/organizations")[0]["id"])

    @cached_property
    def requirement(self) -> str:
        body = {"title": "A requirement", "description": "Words", "acceptance_criteria": ["It works"]}
        return str(self._enterprise("POST", f"/projects/{self.project}/requirements", body)["id"])

    @cached_property
    def feature(self) -> str:
        body = {"name": "A feature", "description": "Words"}
        return str(self._enterprise("POST", f"/requirements/{self.requirement}/features", body)["id"])

    @cached_property
    def test_case(self) -> str:
        body = {"name": "A test", "description": "Words", "steps": [{"action": "Look"}], "expected_result": "Seen"}
        return str(self._enterprise("POST", f"/features/{self.feature}/tests", body)["id"])

    @cached_property
    def test_result(self) -> str:
        return str(self._enterprise("POST", f"/testcases/{self.test_case}/results", {"status": "passed"})["id"])

    @cached_property
    def webhook(self) -> str:
        body = {"url": "https://127.0.0.1:1/", "events": ["*"]}  # where nobody listens
        return str(self._enterprise("POST", "/webhooks", body)["id"])

    @cached_property
    def delivery(self) -> str:
        return str(self._enterprise("POST", f"/webhooks/{self.webhook}/test")["id"])

    @cached_property
    def build(self) -> str:
        body = {"version_tag": "1.0.0", "git_commit_hash": "abc123", "git_branch": "main"}
        return str(self._enterprise("POST", f"/features/{self.feature}/builds", body)["id"])

    @cached_property
    def deployment(self) -> str:
        target = {"target": {"kind": "hook", "url": "https://127.0.0.1:1/"}}
        self._enterprise("PUT", f"/projects/{self.project}/environments/staging", target)
        return str(self._enterprise("POST", f"/builds/{self.build}/deploy", {"environment": "staging"})["id"])

    @cached_property
    def sandbox(self) -> str:
        return self._sandbox("fuzz-first")

    @cached_property
    def other_sandbox(self) -> str:
        return self._sandbox("fuzz-second")

    def _sandbox(self, name: str) -> str:
        """A workspace has few places for sandboxes: there is one of a name for all who ask in it."""
        found = self._aintandem("GET", f"/workspaces/{self.workspace}/sandboxes?search={name}")
        if found:
            return str(found[0]["sandbox_id"])
        body = {"name": name, "agent_config": {"primary_agent": {"name": name, "role": "worker", "model": "embedded"}}}
        return str(self._aintandem("POST", f"/workspaces/{self.workspace}/sandboxes", body)["sandbox_id"])

    @cached_property
    def message(self) -> str:
        body = {"to_sandbox": self.other_sandbox, "message_type": "notification", "content": "Words"}
        return str(self._aintandem("POST", f"/sandboxes/{self.sandbox}/messages", body)["message_id"])

    @cached_property
    def collaboration(self) -> str:
        body = {"task": "Words", "participants": [self.sandbox, self.other_sandbox]}
        path = f"/workspaces/{self.workspace}/collaboration/orchestrate"
        return str(self._aintandem("POST", path, body)["collaboration_id"])

    def _aintandem(self, method: str, path: str, body: Any = None) -> Any:
        return self.ask(method, path, body, "aintandem")["data"]

    def _enterprise(self, method: str, path: str, body: Any = None) -> Any:
        return self.ask(method, path, body, "enterprise")["data"]

    def named(self, name: str, before: str = "") -> str | None:
        """What a parameter or field of this name stands for; `before` is the path's segment before it."""
        kinds = {
            "workspaces": "workspace", "projects": "project", "boards": "board", "lanes": "lane", "cards": "card",
            "comments": "comment", "dependencies": "dependency", "documents": "document", "runs": "run",
            "organizations": "organization", "requirements": "requirement", "features": "feature", "testcases": "test_case",
            "testresults": "test_result", "builds": "build", "tickets": "card", "auto-transition": "card", "webhooks": "webhook",
            "deliveries": "delivery", "deployments": "deployment",
            "sandboxes": "sandbox", "messages": "message", "collaborations": "collaboration", "to_sandbox": "other_sandbox",
            "project_id": "project", "ticket_id": "card", "laneId": "lane", "toLaneId": "lane", "dependencyCardId": "other_card",
        }  # fmt: skip
        fixed = {
            "agents": "prd",
            "agent-configs": "prd",
            "docs": "prd",
            "column": "PHASE_BACKLOG",
            "environments": "dev",
            "target_column_id": "analyzing",
        }
        known = before or name
        return fixed.get(known) or (str(getattr(self, kinds[known])) if known in kinds else None)


def name_real_things(case: Any, person: Person) -> None:
    segments = case.path.split("/")
    for name in list(case.path_parameters or ()):
        before = segments[segments.index(f"{{{name}}}") - 1]
        case.path_parameters[name] = person.named(name, before) or case.path_parameters[name]
    for part in (case.query, case.body):
        for name in list(part) if isinstance(part, dict) else ():
            part[name] = person.named(name) or part[name]


@dataclass(frozen=True)
class Platform:
    """Where requests go: `session` sends them, `base` is the URL of a contract."""

    session: requests.Session
    base: Callable[[str], str]

    def person(self) -> Person:
        return Person(self.session, self.base)


def fuzz(platform: Platform, contract: str, document: dict[str, Any], examples: int, most: int = 1_000) -> None:
    """Send so many made-up requests to each operation of a contract's document, or to some `most` of them.

    An operation that takes only ids gets a third as many, but FEW at least. The requests are the same every time.
    """
    base = platform.base(contract)
    operations = [found.ok() for found in schemathesis.openapi.from_dict(document).get_all_operations() if isinstance(found, Ok)]
    operations = operations[:: len(operations) // most + 1]
    assert operations
    statuses = {operation.label: Counter[int]() for operation in operations}
    failures = [
        problem
        for operation, person in zip(operations, _people(platform, contract, operations, examples), strict=True)
        if (problem := _try(operation, person, base, statuses[operation.label], _number(operation, examples)))
    ]
    assert not failures, "\n\n".join(failures)
    done = [label for label, seen in statuses.items() if any(status < 400 for status in seen)]
    assert len(done) > len(operations) / 3, statuses  # else nothing got past the first check; half of omoios needs what is there


def _number(operation: Any, examples: int) -> int:
    """How many requests an operation gets: few if all that it takes are the ids in its path."""
    return examples if operation.body or len(operation.query) else min(examples, max(FEW, examples // 3))


def _people(platform: Platform, contract: str, operations: list[Any], examples: int) -> Iterator[Person]:
    """Who asks for each operation."""
    reader, reads = platform.person(), count(1)
    for operation in operations:
        if operation.method != "get":
            yield platform.person()
            continue
        if next(reads) % (REQUESTS.get(contract, 1000) // examples // 2) == 0:
            reader = platform.person()
        yield reader


def _try(operation: Any, person: Person, base: str, statuses: Counter[int], examples: int) -> str | None:
    valid, broken = operation.as_strategy(), operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)

    def trying(strategy: Any, examples: int) -> None:
        @settings(
            max_examples=examples,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=strategy, real=st.booleans())
        def send(case: Any, real: bool) -> None:
            if real:
                name_real_things(case, person)
            if case.headers:
                case.headers.pop("X-API-Key", None)  # a made-up key would be taken before the token, and refused
            answer = case.call(base_url=base, session=person.session, headers={"Authorization": f"Bearer {person.token}"})
            statuses[answer.status_code] += 1
            case.validate_response(answer, checks=CHECKS)

        send()

    try:
        trying(valid, examples * 2 // 3)
        with (
            suppress(Unsatisfiable),
            patch.object(engine, "INVALID_THRESHOLD_BASE", IN_VAIN),
        ):  # it takes nothing that could be wrong
            trying(broken, examples // 3)
    except AssertionError as error:
        return f"{operation.label}: {error}"
    except BaseExceptionGroup as group:
        return f"{operation.label}: " + "; ".join(str(one) for one in group.exceptions)
    return None
