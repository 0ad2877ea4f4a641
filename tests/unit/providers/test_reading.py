"""Reading prose: what becomes a statement, a clause, a kind."""

import pytest

from shared.agents.providers.embedded import reading
from shared.agents.providers.embedded.brief import Brief
from shared.agents.providers.embedded.verbs import base_form, family_of, third_person


@pytest.mark.parametrize(
    ("text", "actor", "verb", "thing"),
    [
        ("As an admin, I want to export reports as CSV so that I can file them", "admin", "export", "reports"),
        ("Users can delete their own comments.", "user", "delete", "their own comments"),
        ("Allow customers to cancel an order", "customer", "cancel", "an order"),
        ("Invoices can be exported by admins", "admin", "export", "invoices"),
        ("Deleted conversations are kept for 30 days", "system", "keep", "deleted conversations"),
        ("When a customer writes, the assigned agent gets a notification", "assigned agent", "get", "a notification"),
        ("Upload files from the desktop", "user", "upload", "files"),
        ("The system sends a receipt to the buyer", "system", "send", "a receipt"),
        ("The export must finish in under 30 seconds", "export", "finish", "the export"),
    ],
)
def test_clauses(text, actor, verb, thing):
    clause = reading.clause(text)
    assert (clause.actor, clause.verb, clause.object) == (actor, verb, thing)


def test_purpose_condition_and_negation():
    clause = reading.clause("If the card is declined, the buyer must not see the receipt so that I am safe")
    assert clause.condition == "If the card is declined"
    assert clause.purpose == "they are safe"
    assert clause.negated


def test_sentences_keep_abbreviations_and_decimals_whole():
    assert reading.sentences("Pay e.g. 2.50 USD. Then leave! Done?") == ["Pay e.g. 2.50 USD.", "Then leave!", "Done?"]


def test_statements_know_their_heading_and_skip_code():
    found = reading.statements("# Goals\n- fast\n\nText one. Text two.\n```\nnot prose. at all.\n```\nLimits: at most 5 users")
    assert [(item.text, item.heading) for item in found] == [
        ("fast", "goals"),
        ("Text one.", "goals"),
        ("Text two.", "goals"),
        ("at most 5 users", "limits"),
    ]


def test_quantities_and_technologies():
    assert reading.quantities("under 200 ms for 1,000 users at 99.9 %") == ["under 200 ms", "1,000 users", "99.9 %"]
    assert reading.technologies("React in front, postgres behind, exports CSV") == [
        ("React", "client"),
        ("PostgreSQL", "store"),
        ("CSV", "format"),
    ]


def test_kinds_of_statements():
    brief = Brief(
        {
            "title": "Exports",
            "description": "Today this is slow. Users can export data. We will not print: out of scope. Which format?\n\n"
            "## Acceptance criteria\n- Given data\n- When I export\n- Then a file comes",
        }
    )
    assert brief.texts("problem") == ["Today this is slow."]
    assert [item.text for item in brief.requirements] == ["Users can export data."]
    assert brief.questions == ["Which format?"]
    assert brief.criteria == ["Given data, when I export, then a file comes"]


@pytest.mark.parametrize(
    ("word", "base"),
    [("exporting", "export"), ("notified", "notify"), ("planned", "plan"), ("searches", "search"), ("zebra", "zebra")],
)
def test_base_forms(word, base):
    assert base_form(word) == base


def test_families_and_third_person():
    assert family_of("uploads").name == "import"
    assert family_of("frobnicate").name == "do"
    assert [third_person(verb) for verb in ("try", "search", "export", "have", "play")] == [
        "tries",
        "searches",
        "exports",
        "has",
        "plays",
    ]
