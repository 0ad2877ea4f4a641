"""The rows of a project: the project itself and its statistics."""

from typing import Any

from shared.core.texts import searchable
from shared.store import CountedEntity, CountedList, Entity, JSONAttribute, NumberAttribute, Operation, UnicodeAttribute, update

STATUSES = ("active", "archived")

DEFAULT_SETTINGS: dict[str, Any] = {
    "autoTriggerAgents": True,
    "requireApprovalForDeployment": False,
    "maxConcurrentRuns": 5,
    "defaultWipLimits": {},
}


def label_of(f: dict[str, Any]) -> str:
    """Return what a project is counted as."""
    return str(f["status"])


def projects_of(ws_id: str) -> CountedList:
    """Return the projects of a workspace as a counted list, by status."""
    return CountedList(f"WS#{ws_id}", "PROJ", f"WS#{ws_id}#PROJ", label_of)


_ORDERS = {"name": (2, "NAME"), "updated_at": (3, "UPD"), "last_activity": (1, "ACT")}


def in_order(ws_id: str, order: str, status: str) -> tuple[int, str]:
    """Return the index, and its partition, that hold the projects of a status in an order: name, updated_at, or last_activity (of which
    they hold the statistics)."""
    index, name = _ORDERS[order]
    return index, f"WS#{ws_id}#PROJ{name}" + ("" if status == "active" else f"#{status}")


def name_key(name: str) -> str:
    """Return a name as it stands in the order of names. A key has at most 1,024 bytes, so only the beginning counts."""
    return searchable(name)[:200]


def named_repository(project: "Project") -> str | None:
    """Return the repository at GitHub that a project names, `owner/name`; None if it names none."""
    return f"{project.github_owner}/{project.github_repo}" if project.github_owner and project.github_repo else None


class Project(CountedEntity):
    KIND = "PROJ"
    NAME = "project"

    name = UnicodeAttribute()
    slug = UnicodeAttribute()
    description = UnicodeAttribute(null=True)
    status = UnicodeAttribute(default="active")  # active | archived | deleted
    visibility = UnicodeAttribute(default="private")  # private | internal | public
    """Who may see that it is there: the workspace; everybody in the organization; everybody who has its id, and those."""
    template_type = UnicodeAttribute(null=True)
    repository_url = UnicodeAttribute(null=True)
    repository_type = UnicodeAttribute(null=True)  # git | svn
    github_owner = UnicodeAttribute(null=True)
    github_repo = UnicodeAttribute(null=True)
    deployment_url = UnicodeAttribute(null=True)
    documentation_url = UnicodeAttribute(null=True)
    tech_stack = JSONAttribute(default=list)
    settings = JSONAttribute(default=lambda: dict(DEFAULT_SETTINGS))
    default_phase_id = UnicodeAttribute(null=True)
    board_id = UnicodeAttribute()
    created_by = JSONAttribute()

    @property
    def validates(self) -> bool:
        """Tell whether each of its tasks is completed only by a review that passes."""
        return bool(self.settings.get("validationEnabled"))

    def indexes(self) -> dict[int, tuple[str, str]]:
        ws_id, status = str(self.ws_id), self.status
        by_name, names = in_order(ws_id, "name", status)
        by_change, changes = in_order(ws_id, "updated_at", status)
        named = named_repository(self)
        by_repository = {4: (f"WS#{ws_id}#REPO#{named.lower()}", self.id)} if named else {}
        return by_repository | {
            1: (projects_of(ws_id).partition, self.place),
            by_name: (names, f"{name_key(self.name)}\t{self.id}"),  # a tab sorts before all that a name has in it
            by_change: (changes, f"{self.updated_at}#{self.id}"),
        }

    def filters(self) -> dict[str, Any]:
        return {
            "description": (self.description or "")[:200],
            "updated_at": self.updated_at,
        } | ({"visibility": self.visibility} if self.visibility != "private" else {})


class ProjectStats(Entity):
    """Statistics at `PROJ#<id>, STATS`, updated by the stream consumer: how many cards exist and how many runs are active."""

    KIND = "PROJSTATS"
    NAME = "project"

    cards = NumberAttribute(default=0)
    active_runs = NumberAttribute(default=0)
    last_activity = UnicodeAttribute(null=True)

    @classmethod
    def key(cls, entity_id: str) -> tuple[str, str]:
        return f"PROJ#{entity_id}", "STATS"

    def indexes(self) -> dict[int, tuple[str, str]]:
        index, partition = in_order(str(self.ws_id), "last_activity", "active")
        return {index: (self.gsi1pk or partition, f"{self.last_activity}#{self.proj_id}")}

    @classmethod
    def activity(cls, project_id: str, at: str) -> list[Any]:
        """Return the actions that set the last activity."""
        return [cls.last_activity.set(at), cls.gsi1sk.set(f"{at}#{project_id}"), cls.kind.set(cls.KIND)]

    @classmethod
    def with_status(cls, ws_id: str, project_id: str, status: str, at: str) -> Operation:
        """Return the operation that lists the statistics among those of a project with this status."""
        pk, sk = cls.key(project_id)
        _, partition = in_order(ws_id, "last_activity", status)
        return update(cls(pk=pk, sk=sk), [cls.gsi1pk.set(partition), *cls.activity(project_id, at)])
