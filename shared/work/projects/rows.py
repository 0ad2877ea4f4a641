"""The rows of a project: the project itself and its statistics."""

from typing import Any

from shared.store import CountedEntity, CountedList, Entity, JSONAttribute, NumberAttribute, UnicodeAttribute

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


def activity_of(ws_id: str) -> str:
    """Return the partition of index 1 that holds the statistics of a workspace's projects by their last activity."""
    return f"WS#{ws_id}#PROJACT"


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

    def indexes(self) -> dict[int, tuple[str, str]]:
        return {
            1: (f"WS#{self.ws_id}#PROJ", self.place),
            2: (f"ORG#{self.org_id}#PROJ", f"{self.created_at}#{self.id}"),
        }

    def filters(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "slug": self.slug,
            "description": (self.description or "")[:200],
            "status": self.status,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
            "visibility": self.visibility,
            "ws_id": self.ws_id,
        }


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
        return {1: (activity_of(str(self.ws_id)), f"{self.last_activity}#{self.proj_id}")}

    @classmethod
    def activity(cls, ws_id: str, project_id: str, at: str) -> list[Any]:
        """Return the actions that set the last activity."""
        return [
            cls.last_activity.set(at),
            cls.gsi1pk.set(activity_of(ws_id)),
            cls.gsi1sk.set(f"{at}#{project_id}"),
            cls.kind.set(cls.KIND),
        ]
