"""Any other role: say what was understood, what follows, and what is missing."""

from shared.agents.providers.embedded import deriving
from shared.agents.providers.embedded.brief import Brief
from shared.agents.providers.embedded.plan import Page, Plan, boxes, bullets, comment, count_of, document, numbered


def work(brief: Brief) -> Plan:
    steps = [f"{deriving.short(item)} ({item.level})" for item in brief.scope]
    page = (
        Page(f"Working notes: {brief.title}")
        .section(
            "Understood",
            deriving.sentence(f"The task is “{brief.subject}”"),
            bullets(brief.texts("context")[:6] + brief.texts("problem")[:6]),
        )
        .section("What follows from it", numbered(steps))
        .section("Limits to respect", bullets(brief.constraints))
        .section("Done when", boxes(brief.criteria or [deriving.scenarios(item)[0].then for item in brief.scope[:6]]))
        .section("Open", bullets(brief.questions + brief.gaps))
    )
    open_points = brief.questions + brief.gaps
    note = f"Read “{brief.title}”: {count_of(len(steps), 'step')}, {count_of(len(open_points), 'open point')}."
    said = [comment(note + ("\n\n" + bullets(open_points) if open_points else ""))] if open_points else []
    page_action = document("custom", f"Working notes: {brief.title}", page.text())
    return Plan(((page_action, *said),), note)
