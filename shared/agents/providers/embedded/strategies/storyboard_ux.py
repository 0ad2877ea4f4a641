"""Storyboard and UX: describe each person's journey, screen by screen, with the states of every screen."""

from shared.agents.providers.embedded import deriving, reading
from shared.agents.providers.embedded.brief import Brief, Requirement
from shared.agents.providers.embedded.plan import Page, Plan, bullets, comment, count_of, document, table

# the order in which people usually meet these functions
_ORDER = (
    "sign in",
    "create",
    "import",
    "integrate",
    "show",
    "search",
    "change",
    "approve",
    "schedule",
    "notify",
    "measure",
    "export",
    "pay",
    "delete",
    "do",
)


def work(brief: Brief) -> Plan:
    title = f"User journey: {brief.title}"
    journeys = _journeys(brief)
    screens = _screens(brief)
    page = (
        Page(title)
        .section("Who", bullets([f"**{actor.capitalize()}**: {_feeling(brief, actor)}" for actor in journeys]))
        .section("Journeys", *[_journey(actor, items) for actor, items in journeys.items()])
        .section("Screens", table(("Screen", "Shows", "Controls", "Serves"), screens))
        .section(
            "States every screen needs", table(("Screen", "Empty", "Working", "Failed"), [_states(screen) for screen in screens])
        )
        .section("Wireframes", *[_wireframe(screen) for screen in screens[:4]])
        .section("Accessibility", bullets(_accessibility(brief, screens)))
        .section(
            "To test with people",
            bullets(
                [
                    f"Ask {deriving.with_article(actor)} to {items[0].clause.predicate.rstrip('.')} without help: where do they hesitate?"
                    for actor, items in journeys.items()
                    if items
                ]
            ),
        )
        .section("Open", bullets(brief.questions))
    )
    summary = f"Wrote “{title}”: {count_of(len(journeys), 'journey')} over {count_of(len(screens), 'screen')}."
    return Plan(((document("custom", title, page.text()), comment(summary)),), summary)


def _journeys(brief: Brief) -> dict[str, list[Requirement]]:
    people = [item for item in brief.scope if not item.clause.negated]
    journeys: dict[str, list[Requirement]] = {}
    for item in sorted(people, key=lambda item: _ORDER.index(item.clause.family.name)):
        actor = item.clause.actor if item.clause.by_person else (brief.actors[0] if brief.actors else "user")
        journeys.setdefault(actor, []).append(item)
    return journeys


def _feeling(brief: Brief, actor: str) -> str:
    pains = [text for text in brief.texts("problem") if actor in text.lower()] or brief.texts("problem")[:1]
    return f"comes with “{pains[0].rstrip('.')}”" if pains else "the card does not say what brings them here"


def _journey(actor: str, items: list[Requirement]) -> str:
    rows = []
    for number, item in enumerate(items, 1):
        worry = deriving.edge_cases(item)[0]
        rows.append((number, deriving.short_title(item, 70), deriving.scenarios(item)[0].then, worry, item.id))
    head = ("Step", f"The {actor} …", "Sees that", "Worries about", "From")
    return f"### {actor.capitalize()}\n\n{table(head, rows)}"


def _screens(brief: Brief) -> list[tuple[str, str, str, str]]:
    by_thing: dict[str, list[Requirement]] = {}
    for item in brief.scope:
        if item.clause.by_person and not item.clause.negated:
            by_thing.setdefault(deriving.collection(item.clause), []).append(item)
    rows = []
    for thing, items in by_thing.items():
        controls = "; ".join(dict.fromkeys(deriving.ui_control(item) for item in items))
        limits = [quantity for item in items for quantity in reading.quantities(item.text)]
        shows = f"{thing} and their state" + (f" (up to {', '.join(limits)})" if limits else "")
        rows.append((thing.capitalize(), shows, controls, ", ".join(item.id for item in items)))
    return rows or [(brief.title, "what the card describes", "to be decided", "-")]


def _states(screen: tuple[str, str, str, str]) -> tuple[str, str, str, str]:
    name = screen[0].lower()
    return (
        screen[0],
        f"says what {name} are for and offers the first step",
        f"keeps the old {name} visible",
        "says what was not done and offers to try again",
    )


def _wireframe(screen: tuple[str, str, str, str]) -> str:
    width = 46
    controls = [f"[ {control.split(' with ')[0].split(',')[0][: width - 6]} ]" for control in screen[2].split("; ")]
    lines = [
        screen[0].upper(),
        "-" * (width - 4),
        *controls,
        "-" * (width - 4),
        screen[1][: width - 4],
        "state line: saved / working / failed",
    ]
    box = "+" + "-" * width + "+"
    return "```\n" + "\n".join([box, *(f"|  {line[: width - 4]:<{width - 4}}  |" for line in lines), box]) + "\n```"


def _accessibility(brief: Brief, screens: list[tuple[str, str, str, str]]) -> list[str]:
    stated = [text for text in brief.constraints if "accessibility" in reading.qualities(text)]
    return [
        *stated,
        *(
            f"{name}: every control reachable by keyboard, named for screen readers, errors said in words"
            for name, *_ in screens[:4]
        ),
    ]
