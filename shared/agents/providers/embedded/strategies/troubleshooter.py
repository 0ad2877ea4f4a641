"""Troubleshooter: list the card's symptoms, rank hypotheses by the number of matching signs, and give a cheap test for each."""

import re
from dataclasses import dataclass

from shared.agents.providers.embedded import reading
from shared.agents.providers.embedded.brief import Brief
from shared.agents.providers.embedded.plan import (
    Page,
    Plan,
    bullets,
    checklist,
    comment,
    count_of,
    discovery,
    document,
    numbered,
    table,
)


@dataclass(frozen=True)
class _Cause:
    signs: str  # pattern of words in a report that point to this cause
    cause: str
    test: str
    kind: str  # type of the discovery to raise


_CAUSES = (
    _Cause(
        r"timeout|timed out|hang|stuck|slow|latency|takes (?:too )?long|504",
        "something waited on is slow or unreachable, and the wait has no limit of its own",
        "trace one slow case end to end and note where the time goes",
        "performance_issue",
    ),
    _Cause(
        r"intermittent|sometimes|random|occasionally|flaky|race|concurrent|at the same time|twice|duplicate",
        "two things happen at once and the rule between them is not a condition in the write",
        "run the same action twice in parallel, a hundred times, and count the outcomes",
        "bug",
    ),
    _Cause(
        r"50[023]|exception|traceback|stack ?trace|crash|null|undefined|none ?type|keyerror|typeerror",
        "a value that is assumed to exist does not",
        "take the first exception in the log and the input that led to it, and repeat it in a test",
        "bug",
    ),
    _Cause(
        r"401|403|permission|denied|unauthori[sz]ed|forbidden|token|login|session|expired",
        "the caller's proof is missing, expired or checked against the wrong thing",
        "repeat with a fresh login and compare the decoded token and the check",
        "security_issue",
    ),
    _Cause(
        r"(?:since|after) (?:the )?(?:last )?(?:deploy|release|update|upgrade)|regression|used to work|no longer",
        "a change in the named release",
        "bisect between the last good and the first bad version",
        "bug",
    ),
    _Cause(
        r"memory|oom|out of memory|leak|grows|disk|full|quota|limit exceeded|429|throttl",
        "a resource runs out: it is kept too long, or its limit is too low for the load",
        "plot the resource against time and load; find what is still held when the work is done",
        "performance_issue",
    ),
    _Cause(
        r"wrong|incorrect|mismatch|missing|lost|disappear|old value|stale|not updated|outdated|empty",
        "what is shown is not what is stored: a cache, a stale read or a filter",
        "read the stored value directly and compare it with every layer up to the screen",
        "bug",
    ),
    _Cause(
        r"encoding|umlaut|unicode|utf|character|accent|special character|emoji",
        "text is decoded with the wrong encoding at one border",
        "send one non-ASCII character through every step and note where it changes",
        "bug",
    ),
    _Cause(
        r"time ?zone|daylight|dst|midnight|\bdate|utc|one day off|hour off",
        "local time and UTC are mixed",
        "repeat at 23:30 and 00:30 in two time zones",
        "bug",
    ),
    _Cause(
        r"network|connection|refused|reset|dns|ssl|certificate|tls|unreachable|proxy",
        "the way to the other side: name, certificate, firewall or proxy",
        "make the same call by hand from the same place",
        "integration_issue",
    ),
    _Cause(
        r"webhook|api|third[- ]party|integration|provider|external",
        "the other side changed its behaviour or its limits",
        "replay a recorded exchange and compare the answers",
        "integration_issue",
    ),
)


def work(brief: Brief) -> Plan:
    title = f"Diagnosis: {brief.title}"
    symptoms = [statement.text for statement in reading.statements(brief.description)] or [
        item.text for item in brief.requirements
    ]
    facts = _facts(brief)
    ranked = _hypotheses(brief, symptoms)
    missing = _missing(brief, facts)
    page = (
        Page(title)
        .section("Symptoms", bullets(symptoms))
        .section("Facts in the report", table(("Kind", "Found"), facts))
        .section(
            "Hypotheses, most likely first",
            table(
                ("No", "Cause", "Explained by it", "Cheapest test"),
                [(number, cause.cause, "; ".join(signs), cause.test) for number, (cause, signs) in enumerate(ranked, 1)],
            ),
        )
        .section(
            "Next steps",
            numbered(
                [cause.test[:1].upper() + cause.test[1:] for cause, _ in ranked[:3]]
                + ["Write the failing case down as a test before changing anything"]
            ),
        )
        .section(
            "Once it is fixed",
            checklist(
                [f"Given the reported situation, “{text.rstrip('.')}” no longer happens" for text in brief.texts("problem")[:5]]
                + brief.criteria
            ),
        )
        .section("Missing in the report", bullets(missing))
    )
    best, signs = ranked[0]
    finding = discovery(
        best.kind,
        f"{brief.title}: most likely {best.cause}.\n\nPoints to it: {'; '.join(signs)}.\nTest: {best.test}.",
        brief.priority,
    )
    extra = (
        [discovery("clarification_needed", f"{brief.title}: the report does not say:\n{bullets(missing)}", "medium")]
        if len(missing) >= 3
        else []
    )
    causes = count_of(len(ranked), "possible cause")
    summary = f"Found {causes} of “{brief.subject}”; most likely: {best.cause}. Nothing was run or changed."
    note = f"{summary}\n\nFirst test: {best.test}." + (f"\n\nPlease add:\n{bullets(missing)}" if missing else "")
    return Plan(((document("custom", title, page.text()), finding, *extra, comment(note)),), summary)


_ERROR = re.compile(
    r"\b\w+(?:Error|Exception)\b(?:: (?:[^\n.]|\.(?=\S)){1,80})?|\bHTTP ?[45]\d\d\b|\b[45]\d\d (?:error|status|[A-Z][a-z]+)"
)
_VERSION = re.compile(r"\bv?\d+\.\d+(?:\.\d+)?\b(?!\s?(?:ms|s|%))")
_WHEN = re.compile(
    r"\b(?:since|after|before|at|on) (?:the )?(?:last |latest )?(?:\d[\d:-]+|\w+day|deploy\w*|release|update|upgrade|midnight)\b",
    re.I,
)
_PLACE = re.compile(r"(?<![\w/])/[a-z][\w/{}.-]{2,60}|\b[\w/]+\.(?:py|ts|tsx|js|go|rs|java|sql)\b(?::\d+)?")


def _facts(brief: Brief) -> list[tuple[str, str]]:
    """Return (kind, matches in the report) for every kind that has a match."""
    text = brief.everything
    rows = [
        (kind, pattern.findall(text))
        for kind, pattern in (("error", _ERROR), ("version", _VERSION), ("when", _WHEN), ("place", _PLACE))
    ]
    rows += [("amount", reading.quantities(text)), ("involved", [name for name, _ in brief.technologies])]
    return [(kind, ", ".join(dict.fromkeys(matches))) for kind, matches in rows if matches]


def _hypotheses(brief: Brief, symptoms: list[str]) -> list[tuple[_Cause, list[str]]]:
    source = "\n".join([brief.title, *symptoms, brief.everything])
    scored = []
    for cause in _CAUSES:
        signs = list(dict.fromkeys(match.group(0).lower() for match in re.finditer(cause.signs, source, re.I)))
        if signs:
            scored.append((cause, [f"“{sign}”" for sign in signs[:4]]))
    scored.sort(key=lambda pair: -len(pair[1]))
    if scored:
        return scored[:5]
    topic = brief.topics[0] if brief.topics else brief.subject
    general = _Cause(
        "",
        f"a recent change around {topic}",
        f"list the changes to {topic} since it last worked and undo them one by one in a copy",
        "bug",
    )
    return [(general, ["no symptom in the report points anywhere in particular"])]


def _missing(brief: Brief, facts: list[tuple[str, str]]) -> list[str]:
    known = {kind for kind, _ in facts}
    needed = {
        "error": "the exact error text or status code",
        "version": "the version it happens in",
        "when": "since when it happens",
        "place": "the page, path or file it happens in",
    }
    missing = [what for kind, what in needed.items() if kind not in known]
    if not re.search(r"steps|reproduce|when (?:i|a|the|we|they)\b|^\s*\d+[.)]", brief.description, re.I | re.M):
        missing.append("the steps that lead to it, from the first screen on")
    if not re.search(r"expect|should", brief.description, re.I):
        missing.append("what was expected instead")
    return missing
