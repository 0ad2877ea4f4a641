"""PRD: turn the card's sentences into a structured requirements document."""

from shared.agents.providers.embedded import deriving, reading
from shared.agents.providers.embedded.brief import Brief, Requirement
from shared.agents.providers.embedded.plan import Page, Plan, bullets, comment, count_of, document, table

_LEVELS = {"must": "Must", "should": "Should", "could": "Could"}


def work(brief: Brief) -> Plan:
    requirements = brief.requirements
    title = f"PRD: {brief.title}"
    open_points = brief.questions + brief.gaps
    page = (
        Page(title)
        .section("Problem", *_problem(brief))
        .section("Goals", bullets(_goals(brief)))
        .section("Users", _users(brief))
        .section(
            "Functional requirements",
            bullets([f"**{item.id}** ({item.level}): {deriving.sentence(item.text)}" for item in requirements]),
        )
        .section("Quality requirements", _qualities(brief))
        .section("Acceptance criteria", *_criteria(brief))
        .section("Out of scope", bullets(_out_of_scope(brief)))
        .section("Risks and assumptions", bullets(_risks(brief)))
        .section("Open questions", bullets(open_points))
    )
    summary = (
        f"Wrote “{title}” with {count_of(len(requirements), 'functional requirement')} "
        f"({', '.join(f'{sum(item.level == level for item in requirements)} {level}' for level in _LEVELS)})"
        f" and {count_of(len(open_points), 'open question')}."
    )
    actions = [document("prd", title, page.text())]
    if open_points:
        actions.append(
            comment("The PRD is written. Before this goes on, somebody who knows should answer:\n\n" + bullets(open_points))
        )
    return Plan((tuple(actions),), summary)


def _problem(brief: Brief) -> list[str]:
    pains = brief.texts("problem")
    context = brief.texts("context")
    if pains:
        return [" ".join(deriving.sentence(text) for text in context + pains)]
    if context:
        return [" ".join(deriving.sentence(text) for text in context)]
    return [f"The card asks for “{brief.subject}” and does not say which problem it solves; see the open questions."]


def _goals(brief: Brief) -> list[str]:
    goals = [deriving.sentence(text) for text in brief.texts("goal")]
    for item in brief.requirements:
        if item.clause.purpose:
            purpose = item.clause.purpose
            goals.append(deriving.sentence(f"{purpose[:1].upper()}{purpose[1:]} ({item.id})"))
    if not goals:
        goals = [_goal(item) for item in brief.requirements if item.level == "must"][:5]
    return list(dict.fromkeys(goals))


def _goal(item: Requirement) -> str:
    if not item.clause.by_person or item.clause.negated:
        return deriving.sentence(item.text)
    return f"{deriving.with_article(item.clause.actor).capitalize()} can {deriving.lower_first(deriving.short_title(item))}."


def _users(brief: Brief) -> str:
    rows = []
    for actor in brief.actors:
        activities = [item for item in brief.requirements if item.clause.actor == actor or f" {actor}" in f" {item.text.lower()}"]
        needs = (
            "; ".join(deriving.lower_first(deriving.short_title(item, 60)) for item in activities[:3])
            or "named on the card, need not stated"
        )
        rows.append((actor.capitalize(), needs, ", ".join(item.id for item in activities) or "-"))
    stated = brief.texts("people")
    return "\n\n".join(part for part in (bullets(stated), table(("Who", "Needs to", "Requirements"), rows)) if part)


def _qualities(brief: Brief) -> str:
    rows = [
        (
            f"NFR-{number}",
            ", ".join(reading.qualities(text)) or "limit",
            text,
            ", ".join(reading.quantities(text)) or "to be given a number",
        )
        for number, text in enumerate(brief.constraints, 1)
    ]
    return table(("Id", "Concern", "Statement", "Measure"), rows)


def _criteria(brief: Brief) -> list[str]:
    blocks = []
    if brief.criteria:
        blocks.append(
            "Stated on the card:\n\n" + bullets([f"**AC-{number}** {text}" for number, text in enumerate(brief.criteria, 1)])
        )
        blocks.append("Derived from the requirements:")
    blocks += [scenario.markdown() for item in brief.requirements for scenario in deriving.scenarios(item)]
    return blocks


def _out_of_scope(brief: Brief) -> list[str]:
    stated = [deriving.sentence(text) for text in brief.texts("excluded")]
    later = [
        f"{item.id} is wanted later, not in the first version: {deriving.sentence(item.text)}"
        for item in brief.requirements
        if item.level == "could"
    ]
    return stated + later or ["Nothing has been excluded yet. Everything that is not a requirement above needs its own card."]


def _risks(brief: Brief) -> list[str]:
    risks = [deriving.sentence(text) for text in brief.texts("risk")]
    external_services = [name for name, part in brief.technologies if part == "external service"]
    if external_services:
        risks.append(f"Depends on {', '.join(external_services)}: an outage there must not lose work here.")
    if any("security" in reading.qualities(item.text) for item in brief.requirements):
        risks.append("Handles data that must be protected; needs a security review before release.")
    overlapping = [
        str(card.get("title")) for card in brief.siblings if set(reading.topics([str(card.get("title"))])) & set(brief.topics[:3])
    ]
    if overlapping:
        risks.append("May overlap with other cards on the board: " + "; ".join(overlapping[:4]) + ".")
    return risks
