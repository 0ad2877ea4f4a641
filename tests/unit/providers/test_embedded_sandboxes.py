"""What the embedded model answers a sandbox: it quotes what it was given, asks for what is missing, and every answer is one that a
collaboration can read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadre_sandbox.thinking import Configuration, shown
from shared.agents.providers import port
from shared.agents.providers.embedded_sandboxes import EmbeddedWithSandboxes
from shared.sandboxes.collaborations.state import ANALYSE, CONTRIBUTE, PLAN, SUMMARISE, TALK, VOTE, WRITE, Ask, Member, State
from shared.sandboxes.collaborations.wording import ASK_CHARS, MAX_TASK, read_answer, text_of_ask

MEMBERS = (
    Member("1", "frontend-team", ("frontend", "react", "forms")),
    Member("2", "backend-team", ("backend", "api", "database")),
    Member("3", "security-team", ("security", "audit")),
)
ASKED_FOR = ("frontend_components", "backend_api", "security_review")
STATE = State("orchestrated", ASKED_FOR, MEMBERS, 3).ask("frontend_components", WRITE, 0).ask("backend_api", WRITE, 1)
TASK = """Implement user authentication for the shop.

- The frontend shows a login form.
- The backend API locks an account after 5 failed logins.
- Should a customer be able to sign in with Google?
"""
ROLE = {"name": "backend-architect", "role": "Backend Architect", "capabilities": ["api_design"]}
OTHERS = {0: "# Frontend\n\nThe form has two fields.\n\nTask: none of this", 1: "The API has a backend and a database."}


def said(text: str, role=ROLE) -> str:
    """The answer to a request as the agent of a sandbox shows it to the model."""
    configured = Configuration.of({"name": "backend-team", "agent_config": {"primary_agent": role}})
    message = {"message_type": "request", "from_name": "frontend-team", "from_agent": "lead", "content": {"text": text}}
    request = port.Request(
        model="m",
        system=configured.prompt(configured.agent(None)),
        messages=(port.Message.user(shown(message)),),
        tools=(),
        max_tokens=8_000,
        metadata={"sandbox": "1", "agent": role["name"]},
    )
    return "".join(event.text for event in EmbeddedWithSandboxes().stream(request) if isinstance(event, port.TextDelta))


def ask(kind: str, step: str = "backend_api", material: tuple[int, ...] = ()) -> str:
    return text_of_ask(STATE, Ask(2, step, kind, 1, 0, material), TASK, OTHERS)


def test_a_deliverable_quotes_what_the_task_says_of_it_and_asks_what_it_does_not_say():
    text = said(ask(WRITE))
    assert text.startswith("# Backend api\n")
    assert "## What the task says of it\n\n> The backend API locks an account after 5 failed logins.\n" in text
    assert "- Should a customer be able to sign in with Google?" in text
    assert text == said(ask(WRITE))


def test_of_what_the_task_does_not_name_it_says_so():
    text = said(ask(WRITE, "deployment_plan"))
    assert "- What belongs into deployment_plan? The task names nothing of it." in text
    assert "## What the task says of it" not in text


def test_a_review_quotes_what_the_others_have_written_also_if_it_has_labels_in_it():
    text = said(ask(WRITE, "security_review", (0, 1)))
    assert "- frontend-team, frontend_components: “The form has two fields.”" in text
    assert "- backend-team, backend_api: “The API has a backend and a database.”" in text


def test_a_plan_gives_each_deliverable_to_who_knows_it():
    plan = read_answer({"text": said(ask(PLAN, "task_breakdown"))}, STATE).plan
    assert plan == dict(zip(ASKED_FOR, ("frontend-team", "backend-team", "security-team"), strict=True))


def test_a_vote_goes_to_the_answer_that_says_most_of_what_it_stands_for():
    answer = read_answer({"text": said(ask(VOTE, "vote", (0, 1)))}, STATE)
    assert (answer.vote, bool(answer.reason)) == (2, True)


def test_a_talk_comes_to_an_end():
    assert read_answer({"text": said(ask(TALK, "conversation"))}, STATE).done


def test_any_other_message_is_quoted():
    assert "> Design the user authentication API" in said("Design the user authentication API")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"text": "**VOTE:** 3 (the third)\n> REASON: short"}, (3, "short")),
        ({"text": "vote: none"}, (None, "")),
        ({"text": "VOTE: 1\nOn reflection:\nVOTE: 2"}, (2, "")),
        ({"vote": 2, "reason": "because"}, (2, "because")),
        ({"vote": True}, (None, "")),
        ("VOTE: 4", (4, "")),
        (None, (None, "")),
        (["VOTE: 1"], (None, "")),
    ],
)
def test_votes_are_read_from_lines_and_from_fields(content, expected):
    answer = read_answer(content, STATE)
    assert (answer.vote, answer.reason) == expected


@given(
    st.sampled_from([WRITE, CONTRIBUTE, PLAN, SUMMARISE, TALK, ANALYSE, VOTE]),
    st.text(min_size=1, max_size=MAX_TASK),
    st.lists(st.text(max_size=3_000), min_size=2, max_size=2),
)
def test_whatever_is_asked_fits_into_a_message_and_is_answered(kind: str, task: str, others: list[str]):
    text = text_of_ask(STATE, Ask(2, "backend_api", kind, 1, 0, (0, 1)), task, dict(enumerate(others)))
    assert len(text) <= ASK_CHARS
    answer = said(text)
    assert answer.strip()
    read_answer({"text": answer}, STATE)


def test_the_longest_names_leave_room_for_every_answer():
    members = tuple(Member(str(number), f"{number:03d}" + "n" * 97, ("w" * 30,) * 9) for number in range(20))
    names = tuple(f"{number:02d}" + "d" * 58 for number in range(20))
    state = State("swarm", names, members, 20)
    for number in range(20):
        state = state.ask("independent_answers", ANALYSE, number)
    for kind in (PLAN, VOTE, SUMMARISE):
        asked = Ask(20, "vote", kind, 1, 0, tuple(range(20)))
        text = text_of_ask(state, asked, "t" * MAX_TASK, dict.fromkeys(range(20), "a" * 500))
        assert "[20] " in text
        assert len(text) <= ASK_CHARS
