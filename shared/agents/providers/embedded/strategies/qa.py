"""QA: derive test cases from the acceptance criteria and the requirements, and report what cannot be tested yet."""

import re

from shared.agents.providers.embedded import deriving, reading
from shared.agents.providers.embedded.brief import Brief
from shared.agents.providers.embedded.plan import Action, Page, Plan, bullets, comment, count_of, discovery, document, table
from shared.agents.providers.embedded.terms import STOP_WORDS
from shared.agents.providers.embedded.verbs import base_form

_VAGUE = re.compile(
    r"\b(fast|quick(?:ly)?|easy|easily|simple|user[- ]friendly|intuitive|good|nice|properly|appropriate(?:ly)?|robust|seamless|etc)\b",
    re.I,
)


def work(brief: Brief) -> Plan:
    title = f"Test plan: {brief.title}"
    rows = _cases(brief)
    vague = [
        text
        for text in [*brief.criteria, *(item.text for item in brief.scope)]
        if _VAGUE.search(text) and not reading.quantities(text)
    ]
    untested = [item for item in brief.scope if brief.criteria and not _is_covered(item.text, brief.criteria)]
    page = (
        Page(title)
        .section(
            "What is tested",
            deriving.sentence(f"“{brief.subject}”: {count_of(len(brief.scope), 'requirement')}"),
            _traceability(brief),
        )
        .section("Test cases", table(("Case", "Kind", "Given", "When", "Then", "From"), rows))
        .section("Edge cases", bullets([f"{item.id}: {case}" for item in brief.scope for case in deriving.edge_cases(item)[1:]]))
        .section(
            "Measurements",
            bullets(
                [
                    f"{text} → measure {', '.join(reading.quantities(text))}"
                    for text in brief.constraints
                    if reading.quantities(text)
                ]
            ),
        )
        .section(
            "Test data",
            bullets(
                [f"{thing}: none, one, many, at its limits, belonging to somebody else" for thing in deriving.entities(brief)]
            ),
        )
        .section("Cannot be tested as written", bullets([f"“{text}”: say how it is measured" for text in dict.fromkeys(vague)]))
        .section("Requirements without a criterion of their own", bullets([f"{item.id}: {item.text}" for item in untested]))
    )
    findings: list[Action] = [
        discovery("clarification_needed", f"“{text}” cannot be tested as written: it names a quality and no measure.", "low")
        for text in dict.fromkeys(vague)
    ][:3]
    if not brief.criteria:
        findings.append(
            discovery(
                "missing_requirement",
                f"“{brief.subject}” has no acceptance criteria. The test plan derives its own; somebody should confirm them.",
            )
        )
    summary = f"Wrote “{title}” with {count_of(len(rows), 'test case')} from {_sources(brief)}."
    note = summary + ("\n\nNot testable as written:\n" + bullets(list(dict.fromkeys(vague))) if vague else "")
    return Plan(((document("custom", title, page.text()), *findings, comment(note)),), summary)


def _sources(brief: Brief) -> str:
    stated = f"{len(brief.criteria)} stated {'criterion' if len(brief.criteria) == 1 else 'criteria'}"
    return f"{stated} and {count_of(len(brief.scope), 'requirement')}"


def _cases(brief: Brief) -> list[tuple[str, str, str, str, str, str]]:
    rows: list[tuple[str, str, str, str, str, str]] = []
    for number, text in enumerate(brief.criteria, 1):
        precondition, action, outcome = _parts(text)
        rows.append((f"TC-{len(rows) + 1}", _kind(text), precondition, action, outcome, f"AC-{number}"))
    for item in brief.scope:
        for scenario in deriving.scenarios(item):
            rows.append((f"TC-{len(rows) + 1}", _kind(item.text), scenario.given, scenario.when, scenario.then, item.id))
    return rows


def _parts(text: str) -> tuple[str, str, str]:
    match = re.match(r"\s*given\s+(.*?),?\s*\bwhen\s+(.*?),?\s*\bthen\s+(.*)", text, re.I | re.S)
    if match:
        return match[1], match[2], match[3]
    clause = reading.clause(text)
    if clause.condition:
        return "the feature is available", clause.condition, deriving.lower_first(text.split(",", 1)[-1].strip())
    return (
        "the feature is available with realistic data",
        f"somebody looks at {clause.object}",
        deriving.lower_first(text.rstrip(".")),
    )


def _kind(text: str) -> str:
    qualities = reading.qualities(text)
    for quality, kind in (
        ("security", "security"),
        ("performance", "performance"),
        ("scale", "performance"),
        ("accessibility", "accessibility"),
    ):
        if quality in qualities:
            return kind
    return "integration" if any(part == "external service" for _, part in reading.technologies(text)) else "e2e"


def _is_covered(text: str, criteria: list[str]) -> bool:
    """Tell whether a criterion covers the text: they share two significant words (one if the text has only one)."""
    words = _significant_words(text)
    return any(len(words & _significant_words(criterion)) >= min(2, len(words)) for criterion in criteria)


def _significant_words(text: str) -> set[str]:
    words = re.findall(r"[a-z][a-z-]{2,}", text.lower())
    return {base_form(reading.singular(word)) for word in words if word not in STOP_WORDS}


def _traceability(brief: Brief) -> str:
    return bullets([f"**{item.id}** ({item.level}): {deriving.sentence(item.text)}" for item in brief.scope])
