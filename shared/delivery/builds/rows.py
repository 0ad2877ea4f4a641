"""The rows of builds: a build, the vulnerabilities found in it, and the counter of a project's builds."""

from typing import Any, Final

from shared.store import Entity, JSONAttribute, NumberAttribute, Row, UnicodeAttribute
from shared.work.items.tracing import BUILD, INDEX, link_at, newest_first

SEVERITIES: Final = ("critical", "high", "medium", "low")
ENDED: Final = frozenset({"success", "failed", "cancelled"})


class Build(Entity):
    """A build of a feature. What was not told or measured is None."""

    KIND = "BLD"
    NAME = "build"

    item_id = UnicodeAttribute()
    """Its feature."""
    requirement_id = UnicodeAttribute(null=True)
    """The card above its feature."""
    board_id = UnicodeAttribute()
    number = NumberAttribute()
    """Its place among the builds of the project, from 1 without gaps."""
    version_tag = UnicodeAttribute(null=True)
    git_commit_hash = UnicodeAttribute(null=True)
    git_branch = UnicodeAttribute(null=True)
    status = UnicodeAttribute()  # pending | building | success | failed | cancelled
    reason = UnicodeAttribute(null=True)
    """Why a build failed, in one sentence for people."""
    docker_image_url = UnicodeAttribute(null=True)
    docker_image_size_bytes = NumberAttribute(null=True)
    artifact_size_bytes = NumberAttribute(null=True)
    tests_run = NumberAttribute(null=True)
    tests_passed = NumberAttribute(null=True)
    tests_failed = NumberAttribute(null=True)
    coverage = NumberAttribute(null=True)
    """In percent."""
    security_scan_status = UnicodeAttribute(null=True)  # passed | failed | warnings
    vulnerabilities = JSONAttribute(null=True)
    """How many were found, by severity. None: nobody looked."""
    operation_id = UnicodeAttribute(null=True)
    """The operation that builds it here; None for a build that ran elsewhere."""
    started_at = UnicodeAttribute(null=True)
    completed_at = UnicodeAttribute(null=True)
    duration_seconds = NumberAttribute(null=True)
    created_by = JSONAttribute()

    def indexes(self) -> dict[int, tuple[str, str]]:
        number = f"{int(self.number):010d}"
        place = link_at(self.proj_id, self.requirement_id or self.item_id, BUILD, newest_first(int(self.number)))
        places = {1: (f"FEAT#{self.item_id}#BLD", number), INDEX: place}
        return places | ({3: (f"SHA#{self.org_id}#{self.git_commit_hash}", number)} if self.git_commit_hash else {})

    def filters(self) -> dict[str, Any]:
        return {"feature": self.item_id, "version": self.version_tag}

    @property
    def ended(self) -> bool:
        return self.status in ENDED


class Vulnerability(Entity):
    """A vulnerability beside its build, at `BLD#<build>, VUL#<place>`: it comes and goes with it."""

    KIND = "VUL"
    NAME = "vulnerability"

    build_id = UnicodeAttribute()
    item_id = UnicodeAttribute()
    severity = UnicodeAttribute()  # one of SEVERITIES
    title = UnicodeAttribute()
    rule = UnicodeAttribute(null=True)
    """The scanner's name for it: a CVE, a rule's id."""
    package = UnicodeAttribute(null=True)
    location = UnicodeAttribute(null=True)
    """The file, with the line behind a colon if it is known."""
    status = UnicodeAttribute(default="open")
    detected_at = UnicodeAttribute()


class BuildCounter(Row):
    """How many builds a project has had, and how long the phases of the last one took that succeeded here."""

    TABLE = "core_table"

    kind = UnicodeAttribute(default="CTR")
    number = NumberAttribute(default=0)
    phases = JSONAttribute(null=True)
    """Seconds by the name of the phase."""

    @classmethod
    def of(cls, project_id: str) -> "BuildCounter":
        return cls(pk=f"CTR#PROJ#{project_id}", sk="BUILD")


class BuildLog(Row):
    """The end of a build's log, beside its build."""

    TABLE = "core_table"

    kind = UnicodeAttribute(default="LOG")
    text = UnicodeAttribute()

    @staticmethod
    def key_of(build_id: str) -> tuple[str, str]:
        return Build.key(build_id)[0], "LOG"

    @classmethod
    def of(cls, build: Build, text: str) -> "BuildLog":
        pk, sk = cls.key_of(build.id)
        return cls(pk=pk, sk=sk, text=text)


class BuildPlaces(Row):
    """The builds that a workspace makes here now, which are limited; beside the workspace, with which it goes."""

    TABLE = "core_table"

    kind = UnicodeAttribute(default="CTR")
    number = NumberAttribute(default=0)
    """Rises with each change: the condition of the next one."""
    held = JSONAttribute(default=dict)
    """By the id of the build, until when it has its place at most, in epoch seconds: one that was erased gives nothing back."""

    @classmethod
    def of(cls, workspace_id: str) -> "BuildPlaces":
        return cls(pk=f"WS#{workspace_id}", sk="CTR#BUILDS")
