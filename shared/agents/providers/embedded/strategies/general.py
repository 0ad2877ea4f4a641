"""Any other role: report what was understood, what follows from it, and what is missing."""

from shared.agents.providers.embedded import deriving
from shared.agents.providers.embedded.brief import Brief
from shared.agents.providers.embedded.plan import Page, Plan, bullets, checklist, comment, count_of, document, numbered


def work(brief: Brief) -> Plan:
    steps = [f"{deriving.short_title(item)} ({item.level})" for item in brief.scope]
    page = (
        Page(f"Working notes: {brief.title}")
        .section(
            "Understood",
            deriving.sentence(f"The task is “{brief.subject}”"),
            bullets(brief.texts("context")[:6] + brief.texts("problem")[:6]),
        )
        .section("What follows from it", numbered(steps))
        .section("Limits to respect", bullets(brief.constraints))
        .section("Done when", checklist(brief.criteria or [deriving.scenarios(item)[0].then for item in brief.scope[:6]]))
        .section("Open", bullets(brief.questions + brief.gaps))
    )
    open_points = brief.questions + brief.gaps
    note = f"Read “{brief.title}”: {count_of(len(steps), 'step')}, {count_of(len(open_points), 'open point')}."
    comments = [comment(note + ("\n\n" + bullets(open_points) if open_points else ""))] if open_points else []
    page_action = document("custom", f"Working notes: {brief.title}", page.text())
    return Plan(((page_action, *comments),), note)
