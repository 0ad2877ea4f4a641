"""Documentation: write a user guide in the words of the card, task by task, with limits and troubleshooting."""

from shared.agents.providers.embedded import deriving, reading
from shared.agents.providers.embedded.brief import Brief, Requirement
from shared.agents.providers.embedded.plan import Page, Plan, bullets, comment, count_of, document, numbered, table


def work(brief: Brief) -> Plan:
    title = f"User guide: {brief.title}"
    tasks = [item for item in brief.scope if not item.clause.negated and item.clause.by_person] or brief.scope
    forbidden = [item for item in brief.scope if item.clause.negated]
    automatic = [item for item in brief.scope if item not in tasks and item not in forbidden]
    terms = _terms(brief)
    page = (
        Page(title)
        .section(
            "What it is for",
            " ".join(
                deriving.sentence(text) for text in [*brief.texts("goal"), *brief.texts("context"), *brief.texts("problem")][:4]
            )
            or deriving.sentence(brief.subject),
        )
        .section("At a glance", table(("You are", "You can"), _overview(brief, tasks)))
        .section("How to", *[_how_to(item) for item in tasks])
        .section("What happens by itself", bullets([deriving.sentence(item.text) for item in automatic]))
        .section(
            "Limits",
            bullets(
                [deriving.sentence(text) for text in brief.constraints if reading.quantities(text)]
                + [deriving.sentence(item.text) for item in forbidden]
            ),
        )
        .section("When something goes wrong", table(("You see", "Why", "What to do"), _troubleshooting(tasks)))
        .section(
            "Interfaces",
            table(("Call", "Does"), [(f"`{deriving.endpoint(item)}`", deriving.short_title(item)) for item in tasks])
            if any(part == "interface" for _, part in brief.technologies)
            else "",
        )
        .section("Words", table(("Word", "Where it appears"), terms))
        .section("Not covered", bullets(brief.texts("excluded")))
    )
    unclear = brief.questions
    note = f"Wrote “{title}” with {count_of(len(tasks), 'how-to')} for {', '.join(brief.actors) or 'its users'}."
    remark = note + ("\n\nThe guide is silent on what the card leaves open:\n" + bullets(unclear) if unclear else "")
    return Plan(((document("custom", title, page.text()), comment(remark)),), note)


def _overview(brief: Brief, tasks: list[Requirement]) -> list[tuple[str, str]]:
    rows = []
    for actor in brief.actors or ["user"]:
        activities = [
            deriving.lower_first(deriving.short_title(item, 70))
            for item in tasks
            if item.clause.actor in {actor, "user" if "user" not in brief.actors else actor}
        ]
        if activities:
            rows.append((deriving.with_article(actor), "; ".join(activities)))
    return rows


def _how_to(item: Requirement) -> str:
    clause = item.clause
    noun = deriving.collection(clause)
    steps = [f"Open **{noun.capitalize()}**" + (f" ({clause.condition})" if clause.condition else "") + "."]
    steps.append(f"Choose what to {clause.verb}: {clause.object}. You find: {deriving.ui_control(item)}.")
    steps.append(f"{clause.predicate[:1].upper()}{clause.predicate[1:].rstrip('.')}.")
    result = deriving.scenarios(item)[0].then
    return f"### {deriving.short_title(item)}\n\n{numbered(steps)}\n\n**Result:** {result}."


def _troubleshooting(tasks: list[Requirement]) -> list[tuple[str, str, str]]:
    rows = []
    for item in tasks:
        refused = deriving.scenarios(item)[-1].then
        rows.append((f"“{deriving.short_title(item, 40)}” does not work", deriving.edge_cases(item)[0], refused))
    return rows[:10]


def _terms(brief: Brief) -> list[tuple[str, str]]:
    rows = []
    for thing in deriving.entities(brief):
        ids = [item.id for item in brief.scope if thing in item.text.lower()]
        rows.append((thing.capitalize(), ", ".join(ids)))
    return rows
