"""Strategy: describe the audience, the goals, the options, the riskiest assumptions and how to measure success."""

from shared.agents.providers.embedded import deriving, reading
from shared.agents.providers.embedded.brief import Brief
from shared.agents.providers.embedded.plan import Page, Plan, bullets, comment, count_of, document, numbered, table


def work(brief: Brief) -> Plan:
    title = f"Strategy: {brief.title}"
    bets = _bets(brief)
    page = (
        Page(title)
        .section("Where we stand", bullets([*brief.texts("problem"), *brief.texts("context")]))
        .section("What we want to be true", bullets(_aims(brief)))
        .section("For whom", table(("Who", "What they get", "What we ask of them"), _audience(brief)))
        .section("Options", table(("Option", "What it means here", "Speaks for it", "Speaks against it"), _options(brief)))
        .section("Bets, riskiest first", numbered(bets))
        .section("Beside other work on the board", bullets(_neighbours(brief)))
        .section("How we will know", bullets(_measures(brief)))
        .section("To be answered first", bullets(brief.questions + brief.gaps))
    )
    summary = f"Wrote “{title}” with {count_of(len(bets), 'bet')} to test; the riskiest: {bets[0]}"
    return Plan(((document("custom", title, page.text()), comment(summary)),), summary)


def _aims(brief: Brief) -> list[str]:
    purposes = [item.clause.purpose[:1].upper() + item.clause.purpose[1:] for item in brief.scope if item.clause.purpose]
    reversed_pains = [f"No longer true: “{text.rstrip('.')}”" for text in brief.texts("problem")]
    return [*brief.texts("goal"), *purposes, *reversed_pains] or [f"“{brief.subject}” is in use and missed when it is gone"]


def _audience(brief: Brief) -> list[tuple[str, str, str]]:
    rows = []
    for actor in brief.actors[:5]:
        gains = [item for item in brief.scope if item.clause.actor == actor and not item.clause.negated]
        what = "; ".join(deriving.lower_first(deriving.short_title(item, 50)) for item in gains[:2]) or "indirectly affected"
        efforts = sorted({item.clause.family.name for item in gains} & {"create", "import", "sign in", "pay", "integrate"})
        rows.append((actor.capitalize(), what, f"to {', '.join(efforts)} first" if efforts else "to change a habit"))
    return rows


def _options(brief: Brief) -> list[tuple[str, str, str, str]]:
    musts = [item for item in brief.scope if item.level == "must"]
    hours = sum(deriving.estimated_hours(item) for item in brief.scope)
    first = deriving.short_title(musts[0], 50) if musts else brief.subject
    external_services = [name for name, part in brief.technologies if part == "external service"]
    return [
        (
            "All of it",
            f"{count_of(len(brief.scope), 'requirement')}, about {hours} hours",
            "one release, one story to tell",
            "nothing is learned until the end",
        ),
        (
            "Smallest useful part",
            f"“{first}” and what it needs",
            "feedback while changing course is cheap",
            "early users see the gaps",
        ),
        (
            "Lean on others",
            f"as much as possible through {', '.join(external_services)}"
            if external_services
            else "buy or reuse; the card names no supplier",
            "less to build",
            "their limits, prices and outages become ours",
        ),
        (
            "Leave it",
            "live with: " + (brief.texts("problem") or ["the present state"])[0].rstrip("."),
            "costs nothing today",
            "the problem stays, and its cost is not measured",
        ),
    ]


def _bets(brief: Brief) -> list[str]:
    bets = [f"That {deriving.lower_first(text.rstrip('.'))}." for text in brief.texts("risk")]
    for item in brief.scope:
        if (
            item.clause.by_person
            and not item.clause.negated
            and item.clause.family.name in ("pay", "create", "sign in", "import", "integrate", "export")
        ):
            bets.append(
                f"That {item.clause.actor}s want to {item.clause.predicate.rstrip('.')} often enough to build it "
                f"({item.id}): ask five of them."
            )
    bets += [
        f"That “{text.rstrip('.')}” can be met: try it with real amounts first."
        for text in brief.constraints
        if reading.quantities(text)
    ]
    bets += [
        f"That {name} stays available at a price we can bear." for name, part in brief.technologies if part == "external service"
    ]
    return list(dict.fromkeys(bets))[:8] or [f"That anybody needs “{brief.subject}”: the card names no one who asked for it."]


def _neighbours(brief: Brief) -> list[str]:
    own = set(brief.topics)
    neighbours = []
    for card in brief.siblings:
        shared = own & set(reading.topics([str(card.get("title"))]))
        if shared:
            neighbours.append(
                f"“{card.get('title')}” ({card.get('status') or 'no status'}) is also about {', '.join(sorted(shared))}"
            )
    return neighbours[:6]


def _measures(brief: Brief) -> list[str]:
    measures = [
        f"{text.rstrip('.')} (measure: {', '.join(reading.quantities(text))})"
        for text in brief.texts("goal")
        if reading.quantities(text)
    ]
    measures += [
        f"Share of {item.clause.actor}s who {item.clause.predicate.rstrip('.')} in a month ({item.id})"
        for item in brief.scope
        if item.clause.by_person and not item.clause.negated
    ][:3]
    return measures + [f"How often this is still said: “{text.rstrip('.')}”" for text in brief.texts("problem")[:2]]
