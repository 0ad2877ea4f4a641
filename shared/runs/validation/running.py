"""Criteria that are run and not read: those that a test case proves, or that speak of the build, get the verdict of its newest result.

What ran before the last change of the work is stale, and says nothing of it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from shared.runs.validation.criteria import FAILED, PASSED, UNKNOWN, Verdict
from shared.work.items.tracing import marks_of

_NAME: Final = 6  # characters: a shorter name of a test stands in too many sentences


@dataclass(frozen=True)
class CaseSeen:
    """A test case with its newest result; `status` and `at` are None if it never ran."""

    id: str
    name: str
    proves: Sequence[str] = ()
    """The acceptance criteria that it proves."""
    script: str | None = None
    status: str | None = None  # passed | failed | error | skipped
    at: str | None = None


@dataclass(frozen=True)
class BuildSeen:
    """A build of the card. What was not measured is None."""

    number: int
    status: str  # pending | building | success | failed | cancelled
    at: str
    """When it was asked for, or told to us."""
    commit: str | None = None
    tests_run: int | None = None
    tests_failed: int | None = None
    coverage: float | None = None
    vulnerabilities: Mapping[str, int] | None = None
    log: str = ""


@dataclass(frozen=True)
class Ran:
    """What has run of a task's work: tests, builds (newest first), and since when the work is as it is."""

    tests: Sequence[CaseSeen] = ()
    builds: Sequence[BuildSeen] = field(default_factory=tuple)
    changed_at: str = ""
    commit_sha: str | None = None
    """The commit that is reviewed: a build of it is no older than the work, a build of another one is of other work."""


def verdict_of(criterion: str, ran: Ran) -> Verdict | None:
    """Return the verdict of what has run; None for a criterion that names neither a test nor the build."""
    tests = [one for one in ran.tests if _is_proven_by(criterion, one)]
    if tests:
        return _by_tests(criterion, tests, ran)
    for form, judge in _FORMS:
        match = form.fullmatch(" ".join(criterion.split()).rstrip(". "))
        if match:
            return _by_build(criterion, match, judge, ran)
    return None


def _is_proven_by(criterion: str, test: CaseSeen) -> bool:
    if marks_of([criterion])[0] in marks_of(test.proves):
        return True
    said = criterion.casefold()
    named = [one for one in (test.name, test.script) if one and len(one) >= _NAME]
    return test.id in said or any(re.search(rf"(?<!\w){re.escape(one.casefold())}(?!\w)", said) for one in named)


def _by_tests(criterion: str, tests: Sequence[CaseSeen], ran: Ran) -> Verdict:
    fresh = [one for one in tests if one.at is not None and one.at > ran.changed_at]
    for one in fresh:
        if one.status in ("failed", "error"):
            return Verdict(criterion, FAILED, f"{one.status} at {one.at}", f"test {one.name}"[:200])
    for one in tests:
        if one not in fresh:
            when = "has never run" if one.at is None else f"last ran at {one.at}, before the last change ({ran.changed_at})"
            return Verdict(criterion, UNKNOWN, source=f"test {one.name}"[:200], reason=f"The test {when}")
        if one.status != "passed":
            return Verdict(criterion, UNKNOWN, source=f"test {one.name}"[:200], reason=f"The test was {one.status}")
    return Verdict(criterion, PASSED, f"passed at {fresh[0].at}", f"test {fresh[0].name}"[:200])


def _by_build(criterion: str, match: "re.Match[str]", judge: "_Judge", ran: Ran) -> Verdict:
    newest = ran.builds[0] if ran.builds else None
    if newest is None:
        return Verdict(criterion, UNKNOWN, reason="There is no build")
    source = f"build {newest.number}"
    if newest.status not in ("success", "failed"):
        return Verdict(criterion, UNKNOWN, source=source, reason=f"The newest build is {newest.status}")
    if ran.commit_sha and newest.commit and not _same_commit(ran.commit_sha, newest.commit):
        return Verdict(criterion, UNKNOWN, source=source, reason=f"The newest build is of another commit, {newest.commit[:12]}")
    if not (ran.commit_sha and newest.commit) and newest.at <= ran.changed_at:
        reason = f"The newest build is of {newest.at}, before the last change ({ran.changed_at})"
        return Verdict(criterion, UNKNOWN, source=source, reason=reason)
    result, evidence = judge(match, newest)
    if result == UNKNOWN:
        return Verdict(criterion, UNKNOWN, source=source, reason=evidence)
    return Verdict(criterion, result, evidence, source)


def _same_commit(one: str, other: str) -> bool:
    one, other = one.lower(), other.lower()
    return one.startswith(other) or other.startswith(one)


_Judge = Callable[["re.Match[str]", BuildSeen], tuple[str, str]]


def _builds(_: "re.Match[str]", build: BuildSeen) -> tuple[str, str]:
    return (PASSED if build.status == "success" else FAILED), f"The build ended with {build.status}"


def _tests(_: "re.Match[str]", build: BuildSeen) -> tuple[str, str]:
    if not build.tests_run or build.tests_failed is None:
        return UNKNOWN, "The build reports no tests"
    said = f"{build.tests_run} tests ran, {build.tests_failed} failed"
    if build.tests_failed:
        return FAILED, said
    return (PASSED, said) if build.status == "success" else (UNKNOWN, f"{said}, and the build has failed")


def _coverage(match: "re.Match[str]", build: BuildSeen) -> tuple[str, str]:
    if build.coverage is None:
        return UNKNOWN, "The build measured no coverage"
    wanted = float(match["percent"].replace(",", "."))
    enough = build.coverage > wanted if match["more"] else build.coverage >= wanted
    return (PASSED if enough else FAILED), f"The coverage is {build.coverage:g} %"


def _vulnerabilities(match: "re.Match[str]", build: BuildSeen) -> tuple[str, str]:
    if build.vulnerabilities is None:
        return UNKNOWN, "Nobody has looked for vulnerabilities"
    named = re.findall(r"critical|high|medium|low", match["levels"] or "", re.IGNORECASE)
    levels = {one.lower() for one in named} or set(build.vulnerabilities)
    found = {level: int(number) for level, number in build.vulnerabilities.items() if level in levels and number}
    said = ", ".join(f"{number} {level}" for level, number in found.items()) or "none"
    return (FAILED if found else PASSED), f"Vulnerabilities: {said}"


def _command(match: "re.Match[str]", build: BuildSeen) -> tuple[str, str]:
    """Return what CodeBuild's log says of a command: it names each that it runs, and the one that fails."""
    command = match["command"].strip()
    if f"Command did not exit successfully {command} exit status" in build.log:
        return FAILED, f"Command did not exit successfully {command}"
    ran = any(line.endswith(f"Running command {command}") for line in build.log.splitlines())
    if not ran or build.status != "success":
        return UNKNOWN, "No log of a build that succeeded shows that this command ran"
    return PASSED, f"Running command {command}"


_SUCCEEDS: Final = r"(?:succeeds?|pass(?:es)?|is (?:green|successful)|runs through|works|ist (?:grün|erfolgreich)|läuft durch)"
_FORMS: Final[Sequence[tuple[Any, _Judge]]] = (
    (re.compile(rf"(?:the |a |der )?(?:CI )?(?:build|pipeline|CI)(?: run)? {_SUCCEEDS}", re.IGNORECASE), _builds),
    (re.compile(r"(?:the )?(?:code|project) (?:compiles|builds)(?: without errors?)?", re.IGNORECASE), _builds),
    (
        re.compile(
            r"(?:all|the|alle) (?:(?:unit|automated|integration|automatischen) )?tests?"
            r" (?:pass|are green|succeed|run through|laufen durch|sind grün|bestehen)|no tests? fails?|kein test schlägt fehl",
            re.IGNORECASE,
        ),
        _tests,
    ),
    (
        re.compile(
            r"(?:the |die )?(?:(?:test|code|line) ?)?(?:coverage|testabdeckung) (?:is |of |beträgt |liegt bei )?"
            r"(?:at least |>= ?|≥ ?|not below |mindestens |(?P<more>more than |above |over |> ?|über ))(?P<percent>\d{1,3}(?:[.,]\d+)?) ?%",
            re.IGNORECASE,
        ),
        _coverage,
    ),
    (
        re.compile(
            r"(?:there are |it has |the build has )?no (?:known |open )?"
            r"(?P<levels>(?:critical|high|medium|low)(?:(?:,| or| and)+ (?:critical|high|medium|low))*)? ?vulnerabilities",
            re.IGNORECASE,
        ),
        _vulnerabilities,
    ),
    (
        re.compile(
            rf"(?:the command |running )?`(?P<command>[^`]+)` (?:{_SUCCEEDS}|runs|ends with 0|exits with 0)(?: without errors?)?",
            re.IGNORECASE,
        ),
        _command,
    ),
)
