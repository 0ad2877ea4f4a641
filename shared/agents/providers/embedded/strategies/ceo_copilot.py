"""CEO CoPilot: check whether a card is ready to leave the vision lane; write a blueprint, list the gaps, move the card if it is ready."""

from shared.agents.providers.embedded import deriving, reading
from shared.agents.providers.embedded.brief import Brief
from shared.agents.providers.embedded.plan import Action, Page, Plan, bullets, checklist, comment, count_of, document, table

PRD_LANE = 1
# card type -> next lane, and the reason
_NEXT = {"bug": (7, "a bug is reproduced and fixed, not specified"), "doc": (9, "documentation is written, not specified")}


def work(brief: Brief) -> Plan:
    title = f"Blueprint: {brief.title}"
    checks = _checks(brief)
    failed = [what for what, passed, _ in checks if not passed]
    blocking = [what for what, passed, needed in checks if needed and not passed]
    page = (
        Page(title)
        .section("Idea", *_idea(brief))
        .section("What it gives to whom", table(("Who", "Gets", "From"), _gains(brief)))
        .section("Scope as read", bullets([f"{item.id} ({item.level}): {deriving.sentence(item.text)}" for item in brief.scope]))
        .section("Path", table(("Lane", "What happens there", "Who"), _path(brief)))
        .section("Readiness", table(("Check", "Result"), [(what, "yes" if passed else "no") for what, passed, _ in checks]))
        .section("Related cards", bullets(_related(brief)))
        .section("Gaps", checklist(brief.questions + brief.gaps))
    )
    if blocking:
        verdict = f"Not ready to go on: {'; '.join(blocking)}."
        moves: list[Action] = []
    else:
        lane, why = _NEXT.get(
            str(brief.card.get("type")), (PRD_LANE, "what it is for and what it must do are clear enough to specify")
        )
        verdict = f"Ready: moved on to lane {lane}, because {why}."
        here = brief.lane is None or brief.lane < lane
        moves = (
            [Action("move_card", {"to_lane": lane, "reason": f"CEO CoPilot review: {why}."}, f"Moving the card to lane {lane}.")]
            if here
            else []
        )
        if not moves:
            verdict = f"Ready, and already in lane {brief.lane}."
    passed = len(checks) - len(failed)
    note = f"**Review of “{brief.title}”** - {passed} of {len(checks)} checks passed. {verdict}"
    if failed:
        note += "\n\nTo improve:\n" + checklist(failed)
    if brief.questions + brief.gaps:
        note += "\n\nQuestions:\n" + bullets(brief.questions + brief.gaps)
    read = count_of(len(brief.scope), "requirement")
    summary = f"Reviewed “{brief.title}”: {passed} of {len(checks)} checks passed, {read} read. {verdict}"
    stages: tuple[tuple[Action, ...], ...] = ((document("blueprint", title, page.text()), comment(note)), tuple(moves))
    return Plan(tuple(stage for stage in stages if stage), summary)


def _checks(brief: Brief) -> list[tuple[str, bool, bool]]:
    """Return (check, passed, required for the move) for every check."""
    words = reading.word_count(brief.description)
    duplicates = [card for card in brief.siblings if str(card.get("title", "")).lower().strip() == brief.title.lower()]
    return [
        ("says what it is in more than a title (12 words or more)", words >= 12, True),
        ("names at least one thing it must do", bool(brief.scope) and words >= 3, True),
        ("is not on the board already", not duplicates, True),
        ("names who it is for", bool(brief.actors), False),
        (
            "says why, or what is wrong today",
            bool(brief.texts("problem") or brief.texts("goal") or any(item.clause.purpose for item in brief.scope)),
            False,
        ),
        ("says how we will see that it is done", bool(brief.criteria), False),
        (
            "carries a number to measure against",
            bool(any(reading.quantities(text) for text in brief.everything.splitlines())),
            False,
        ),
        ("draws a line around its scope", bool(brief.texts("excluded")), False),
    ]


def _idea(brief: Brief) -> list[str]:
    statements = [*brief.texts("context"), *brief.texts("problem"), *brief.texts("goal")]
    return [" ".join(deriving.sentence(text) for text in statements) or deriving.sentence(brief.description or brief.title)]


def _gains(brief: Brief) -> list[tuple[str, str, str]]:
    rows = []
    for actor in brief.actors:
        items = [item for item in brief.scope if item.clause.actor == actor and not item.clause.negated]
        if items:
            gains = "; ".join(deriving.lower_first(deriving.short_title(item, 60)) for item in items[:4])
            rows.append((actor.capitalize(), gains, ", ".join(item.id for item in items[:4])))
    return rows


def _path(brief: Brief) -> list[tuple[str, str, str]]:
    unknown = [name for name, part in brief.technologies if part in ("external service", "identity", "live channel")]
    hours = sum(deriving.estimated_hours(item) for item in brief.scope)
    rows = [("1 PRD / MVP", f"specify {count_of(len(brief.scope), 'requirement')}", "prd, mvp_scope")]
    if unknown or brief.questions:
        what = ", ".join([*unknown[:3], *(["open questions"] if brief.questions else [])])
        rows.append(("2 Research", f"find out about {what}", "research"))
    rows.append(("3 Architecture", f"decide how to keep {', '.join(deriving.entities(brief)[:3]) or 'its data'}", "architect"))
    rows += [
        ("4 Planning", f"split about {hours} hours of work into cards", "planner"),
        ("6 Build", "build it card by card", "dev_backend, dev_frontend"),
    ]
    rows.append(
        (
            "7 Test & QA",
            f"prove {count_of(len(brief.criteria) or len(brief.scope), 'criterion').replace('criterions', 'criteria')}",
            "qa",
        )
    )
    return rows


def _related(brief: Brief) -> list[str]:
    own = set(brief.topics[:5])
    related = []
    for card in brief.siblings:
        shared = own & set(reading.topics([str(card.get("title"))]))
        if shared:
            related.append(f"“{card.get('title')}” ({card.get('status') or 'no status'}): shares {', '.join(sorted(shared))}")
    return related[:8]
