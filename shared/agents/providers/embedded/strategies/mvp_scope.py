"""MVP scope: sort the requirements into must, should and later for the first version, with reasons."""

from shared.agents.providers.embedded import deriving, reading
from shared.agents.providers.embedded.brief import Brief, Requirement
from shared.agents.providers.embedded.plan import Page, Plan, bullets, comment, count_of, document, table

_FOUNDATION = ("create", "import", "sign in", "integrate")


def work(brief: Brief) -> Plan:
    title = f"MVP scope: {brief.title}"
    split = _split(brief)
    total = {level: sum(deriving.estimated_hours(item) for item, _ in items) for level, items in split.items()}
    page = (
        Page(title)
        .section("The first version in one sentence", _sentence(brief, split["must"]))
        .section("Must: without it there is nothing to try", _rows(split["must"]))
        .section("Should: soon after", _rows(split["should"]))
        .section("Could: when the first two prove themselves", _rows(split["could"]))
        .section(
            "Won't, for now",
            bullets(brief.texts("excluded") or ["Nothing is excluded on the card; whatever is not listed above is out."]),
        )
        .section("Effort", bullets([f"{level.capitalize()}: about {hours} hours" for level, hours in total.items()]))
        .section("We learn from it", bullets(_signals(brief, split["must"])))
        .section("Open", bullets(brief.questions + brief.gaps))
    )
    sizes = ", ".join(f"{len(items)} {level}" for level, items in split.items())
    summary = f"Split “{brief.subject}” into {sizes}; the first version is about {total['must']} hours."
    moved = [f"{item.id}: {reason}" for items in split.values() for item, reason in items if reason.startswith("moved")]
    note = summary + ("\n\nDifferent from the card's own words:\n" + bullets(moved) if moved else "")
    return Plan(((document("mvp", title, page.text()), comment(note)),), summary)


def _split(brief: Brief) -> dict[str, list[tuple[Requirement, str]]]:
    """Sort the requirements by the card's own words, with their reasons and these exceptions.

    A requirement that creates what a must needs becomes a must. If there are more than six, a must that only measures, exports
    or schedules, and that the card does not demand explicitly, becomes a should. Without any must, the first one becomes a must.
    """
    split: dict[str, list[tuple[Requirement, str]]] = {"must": [], "should": [], "could": []}
    needed = {deriving.collection(item.clause) for item in brief.scope if item.level == "must"}
    for item in brief.scope:
        level, reason = (
            item.level,
            f"the card says so (“{item.text[:40].rstrip()}…”)" if len(item.text) > 40 else "the card says so",
        )
        if level != "must" and item.clause.family.name in _FOUNDATION and deriving.collection(item.clause) in needed:
            level, reason = "must", f"moved up: other musts need {deriving.collection(item.clause)} to exist"
        elif (
            level == "must"
            and len(brief.scope) > 6
            and item.clause.family.name in ("measure", "export", "schedule")
            and not item.clause.negated
            and not _is_demanded(brief, item)
        ):
            level, reason = "should", "moved down: useful once the rest is in use, and nothing else depends on it"
        split[level].append((item, reason))
    if not split["must"] and brief.scope:
        first = next(level for level in ("should", "could") if split[level])
        item, _ = split[first].pop(0)
        split["must"].append((item, "moved up: a first version needs at least one thing that works"))
    return split


def _is_demanded(brief: Brief, item: Requirement) -> bool:
    """Tell whether the card demands the requirement explicitly, or the card's title names it."""
    named = reading.slug(brief.title, 200).split("-")
    return " must " in f" {item.text.lower()} " or reading.singular(item.clause.verb) in named


def _rows(items: list[tuple[Requirement, str]]) -> str:
    return table(
        ("Requirement", "What", "Hours", "Why here"),
        [(item.id, deriving.short_title(item), deriving.estimated_hours(item), why) for item, why in items],
    )


def _sentence(brief: Brief, items: list[tuple[Requirement, str]]) -> str:
    activities = [deriving.lower_first(deriving.short_title(item, 70)) for item, _ in items[:3]]
    who = brief.actors[0] if brief.actors else "the user"
    return (
        f"{deriving.with_article(who).capitalize() if brief.actors else 'The user'} gets: {'; '.join(activities)}."
        if activities
        else f"Open: {count_of(0, 'requirement')} can be read from the card."
    )


def _signals(brief: Brief, items: list[tuple[Requirement, str]]) -> list[str]:
    goals = [f"{text.rstrip('.')}: measured before and after" for text in brief.texts("goal")]
    return goals + [
        f"How many of those who could {item.clause.predicate.rstrip('.')} do so in the first two weeks ({item.id})"
        for item, _ in items[:3]
        if item.clause.by_person
    ]
