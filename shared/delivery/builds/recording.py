"""Recording builds that ran elsewhere, and reading builds."""

from dataclasses import dataclass
from typing import Any, Final

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import ConditionFailed, FieldError, Invalid
from shared.core.ids import derived_id, new_id
from shared.delivery.builds.places import PlacesTaken, key_in, take
from shared.delivery.builds.rows import Build, BuildCounter, Vulnerability
from shared.delivery.builds.scans import Finding, count, read_report, verdict
from shared.events import EventType, record
from shared.store import Operation, create, get_many, load, retrying, update, write
from shared.work.boards.counting import require_writable
from shared.work.items.planning import FEATURE, load_type
from shared.work.items.rows import Item

MAX_VULNERABILITIES: Final = 50
"""Rows of vulnerabilities, the most severe ones: they are written with their build, and a transaction has 100 rows. All are counted."""
_TRIES: Final = 30  # of builds that are numbered at once: each takes the number after the one before it


class NumberTaken(ConditionFailed):
    """Another build took the number first."""


@dataclass(frozen=True)
class NewBuild:
    """What is told of a build that ran elsewhere; None for what was not told. `coverage` is in percent."""

    version_tag: str
    git_commit_hash: str
    git_branch: str
    status: str | None = None
    docker_image_url: str | None = None
    docker_image_size_bytes: int | None = None
    tests_passed: int | None = None
    tests_failed: int | None = None
    coverage: float | None = None
    security_scan_status: str | None = None
    scan_report: dict[str, Any] | None = None
    started_at: str | None = None


def record_build(actor: Actor, feature_id: str, new: NewBuild) -> Build:
    """Record a build that ran elsewhere, with the next number of its project. Three round trips: the feature names the project.

    Raises NotFound("feature"), Forbidden, Invalid for an unreadable report and for a start that is to come, Conflict (archived project).
    """
    findings = read_report(new.scan_report) if new.scan_report is not None else None
    moment = clock.iso()
    if new.started_at is not None and new.started_at > moment:
        raise Invalid(FieldError("started_at", "This is in the future", new.started_at))
    feature = load_type(actor, feature_id, FEATURE, Permission.DEPLOYMENT_WRITE)
    build = new_build(actor, feature, new_id(), new.status or _outcome(new))
    build.version_tag, build.git_commit_hash, build.git_branch = new.version_tag, new.git_commit_hash, new.git_branch
    build.docker_image_url, build.docker_image_size_bytes = new.docker_image_url, new.docker_image_size_bytes
    set_tests(build, new.tests_passed, new.tests_failed)
    build.coverage, build.security_scan_status = new.coverage, new.security_scan_status
    set_times(build, new.started_at, moment)
    found = set_findings(build, actor, findings)
    record_completion(build, actor)
    write_numbered(build, lambda: [require_writable(feature.board_id), *found])
    return build


def get_build(actor: Actor, build_id: str) -> Build:
    """Return a build. One round trip. Raises NotFound, Forbidden."""
    return load(Build, build_id, actor, Permission.DEPLOYMENT_READ)


def new_build(actor: Actor, feature: Item, build_id: str, status: str) -> Build:
    """Build the row of a build that has no number yet."""
    return Build.new(
        build_id,
        org_id=feature.org_id,
        ws_id=feature.ws_id,
        proj_id=feature.proj_id,
        item_id=feature.id,
        requirement_id=feature.parent_id,
        board_id=feature.board_id,
        number=0,
        status=status,
        created_by=actor.summary,
    )


def write_numbered(build: Build, beside: Any) -> None:
    """Create a build with the next number of its project, and what `beside()` returns, in one transaction. One that is made here takes a
    place of its workspace. Two round trips.

    The counter's condition is the number itself, so builds that race have different numbers and none is left out. Raises LimitExceeded.
    """

    def attempt(_: int) -> None:
        counter = BuildCounter.of(str(build.proj_id))
        places = [key_in(build.ws_id)] if build.operation_id else []
        last, *held = get_many([(BuildCounter, counter.pk, counter.sk), *places])
        before = int(last.number) if isinstance(last, BuildCounter) else 0
        build.number = before + 1
        taken = BuildCounter.number == before if last else BuildCounter.pk.does_not_exist()
        number = update(counter, _next(before + 1), taken, NumberTaken)
        write(create(build), number, *(take(build, row) for row in held), *beside())

    retrying(attempt, times=_TRIES, again=lambda error: isinstance(error, NumberTaken | PlacesTaken))


def _next(number: int) -> list[Any]:
    return [BuildCounter.number.set(number), BuildCounter.kind.set("CTR")]


def set_tests(build: Build, passed: int | None, failed: int | None) -> None:
    """Set the tests of a build; how many ran is known only if both parts are."""
    build.tests_passed, build.tests_failed = passed, failed
    build.tests_run = passed + failed if passed is not None and failed is not None else None


def set_times(build: Build, started_at: str | None, completed_at: str) -> None:
    """Set when a build began and ended; without a beginning there is no duration."""
    build.started_at, build.completed_at = started_at, completed_at
    if started_at is not None:
        build.duration_seconds = clock.seconds_between(started_at, completed_at)


def set_findings(build: Build, actor: Actor, findings: list[Finding] | None) -> list[Operation]:
    """Set what a scan found in a build; return the writes of the vulnerabilities, each with its event."""
    if findings is None:
        return []
    build.vulnerabilities = count(findings)
    build.security_scan_status = build.security_scan_status or verdict(build.vulnerabilities)
    return [create(_vulnerability(build, actor, place, one)) for place, one in enumerate(findings[:MAX_VULNERABILITIES], 1)]


def _vulnerability(build: Build, actor: Actor, place: int, finding: Finding) -> Vulnerability:
    row = Vulnerability.new(
        derived_id("vulnerability", build.id, place),
        org_id=build.org_id,
        ws_id=build.ws_id,
        proj_id=build.proj_id,
        build_id=build.id,
        item_id=build.item_id,
        severity=finding.severity,
        title=finding.title,
        rule=finding.rule,
        package=finding.package,
        location=finding.location,
        detected_at=build.completed_at,
    )
    row.pk, row.sk = Build.key(build.id)[0], f"VUL#{place:03d}"
    record(
        row,
        EventType.VULNERABILITY_FOUND,
        actor,
        item_id=build.item_id,
        build_id=build.id,
        severity=finding.severity,
        title=finding.title,
    )
    return row


def record_completion(build: Build, actor: Actor) -> None:
    """Set the event that a build has ended."""
    record(build, EventType.BUILD_FINISHED, actor, item_id=build.item_id, version_tag=build.version_tag, status=build.status)


def _outcome(new: NewBuild) -> str:
    """Return the status of a build of which only parts are told: a failed test or a failed scan is a failed build."""
    return "failed" if new.tests_failed or new.security_scan_status == "failed" else "success"
