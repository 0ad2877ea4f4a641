"""The rows of organizations, workspaces, memberships and invitations."""

import re
import secrets
from typing import Any, Final

from shared.agents.providers.registry import OWN
from shared.core.actor import Role
from shared.core.plans import FREE, PLANS
from shared.core.settings import settings
from shared.store import (
    BooleanAttribute,
    Entity,
    Guard,
    JSONAttribute,
    NumberAttribute,
    Row,
    Shards,
    UnicodeAttribute,
    UnicodeSetAttribute,
)

DEFAULT_SETTINGS: Final[dict[str, Any]] = {
    "maxProjects": PLANS[FREE].max_projects,
    "maxMembers": PLANS[FREE].max_members,
    "maxMonthlyUsage": PLANS[FREE].max_monthly_usage,
    "allowedProviders": ["openai", "anthropic", "google", "bedrock"],
    "requireApprovalForAgentRuns": False,
    "defaultAgentConfigs": {},
    "max_sandboxes": 10,
    "default_llm_provider": "qwen",
    "collaboration_policy": {"mode": "allow_all", "rules": []},
}


def default_settings() -> dict[str, Any]:
    """Return the settings of a new workspace, with the deployment's first model: on a laptop the one that was found there.

    Whoever starts the platform on a laptop and gives it a model allows it, also without a known price.
    """
    chosen = dict(DEFAULT_SETTINGS)
    provider, model = settings().default_provider, settings().default_model
    if provider:
        chosen["allowedProviders"] = list(dict.fromkeys([provider, *chosen["allowedProviders"]]))
        chosen["default_llm_provider"] = provider
        chosen["default_model"] = model
    if settings().local and model and provider not in OWN:
        chosen["unpricedModels"] = [f"{provider}/{model}"]
        chosen["maxUnpricedTokens"] = PLANS[FREE].max_unpriced_tokens
    return chosen


DELETED_WORKSPACES: Final = "TRASH#WS"
"""The partition of index 1 that lists deleted workspaces by the time of their deletion."""

ORGANIZATIONS: Final = Shards("ORGS", 4)


class Organization(Entity):
    KIND = "ORG"
    NAME = "organization"

    name = UnicodeAttribute()
    slug = UnicodeAttribute()
    type = UnicodeAttribute(default="startup")  # enterprise | startup | nonprofit
    plan = UnicodeAttribute(default=FREE)
    """A key of `PLANS`; valid for all contracts."""
    status = UnicodeAttribute(default="active")  # active | inactive | suspended
    description = UnicodeAttribute(null=True)
    website_url = UnicodeAttribute(null=True)
    max_users = NumberAttribute(null=True)
    max_projects = NumberAttribute(null=True)
    """What an administrator has chosen, as `max_users`; None: the plan's limit holds (`tenancy.limits`)."""
    user_count = NumberAttribute(default=1)
    """The people in its workspaces, each once (`tenancy.seats`)."""
    workspace_count = NumberAttribute(default=1)
    """Its workspaces that are not deleted, changed in the same transactions as these."""
    project_count = NumberAttribute(default=0)
    """The projects in all its workspaces that are neither archived nor deleted, changed in the same transactions as these."""
    default_ws_id = UnicodeAttribute()

    def indexes(self) -> dict[int, tuple[str, str]]:
        return {1: (ORGANIZATIONS.partition_of(self.id), f"{self.created_at}#{self.id}")}

    def filters(self) -> dict[str, Any]:
        return {"created_at": self.created_at, "updated_at": self.updated_at}


class OrgMembership(Entity):
    """Stored at `ORG#<org>, MEM#<user>`; its id is the user's id."""

    KIND = "ORGMEM"
    NAME = "member"

    email = UnicodeAttribute()
    name = UnicodeAttribute()
    role = UnicodeAttribute()

    @classmethod
    def key_in(cls, org_id: str, user_id: str) -> tuple[str, str]:
        return f"ORG#{org_id}", f"MEM#{user_id}"

    def indexes(self) -> dict[int, tuple[str, str]]:
        return {1: (f"USER#{self.id}#ORGS", str(self.org_id))}


class Seat(Row):
    """Somebody in an organization, at `ORG#<org>, SEAT#<user>`: the ids of the workspaces of which they are a member."""

    TABLE = "core_table"

    workspaces = UnicodeSetAttribute(null=True)

    @classmethod
    def key(cls, org_id: str, user_id: str) -> tuple[str, str]:
        return f"ORG#{org_id}", f"SEAT#{user_id}"


def workspaces_of(org_id: str) -> str:
    """Return the partition of index 1 that holds the workspaces of an organization."""
    return f"ORG#{org_id}#WS"


class Workspace(Entity):
    KIND = "WS"
    NAME = "workspace"

    name = UnicodeAttribute()
    slug = UnicodeAttribute()
    description = UnicodeAttribute(null=True)
    owner = JSONAttribute()
    plan = UnicodeAttribute(default=FREE)
    """The plan of its billing account, whose limits hold here; changed in the same transaction as the account."""
    settings = JSONAttribute(default=default_settings)
    is_default = BooleanAttribute(default=False)
    member_count = NumberAttribute(default=1)
    project_count = NumberAttribute(default=0)
    """The projects that are neither archived nor deleted; limited by `maxProjects` (`tenancy.limits`)."""
    last_activity = UnicodeAttribute(null=True)
    cleared_at = UnicodeAttribute(null=True)
    """When the cascade of its deletion was finished."""

    def indexes(self) -> dict[int, tuple[str, str]]:
        return {1: (workspaces_of(str(self.org_id)), f"{self.created_at}#{self.id}")}

    def trash(self) -> tuple[str, str]:
        return DELETED_WORKSPACES, f"{self.deleted_at}#{self.id}"


class WorkspaceMembership(Entity):
    """Stored at `WS#<workspace>, MEM#<user>`; its id is the user's id."""

    KIND = "WSMEM"
    NAME = "member"

    user = JSONAttribute()
    role = UnicodeAttribute()
    permissions = JSONAttribute(default=list)
    last_active_at = UnicodeAttribute()

    @classmethod
    def key_in(cls, ws_id: str, user_id: str) -> tuple[str, str]:
        return f"WS#{ws_id}", f"MEM#{user_id}"

    def indexes(self) -> dict[int, tuple[str, str]]:
        return {1: (f"USER#{self.id}#WSS", f"{self.created_at}#{self.ws_id}")}

    def trash(self) -> None:
        """Return None: the row is in the partition of its workspace and is purged with it."""


class Invitation(Entity):
    """One row per address and workspace: a new invitation renews the row. Only the fingerprint of the token's secret is stored.

    It is listed while it is pending. The row expires a month after the invitation.
    """

    KIND = "INV"
    NAME = "invitation"

    email = UnicodeAttribute()
    role = UnicodeAttribute()
    message = UnicodeAttribute(null=True)
    token_hash = UnicodeAttribute()
    status = UnicodeAttribute(default="pending")  # pending | accepted | cancelled
    invited_by = JSONAttribute()
    invited_at = UnicodeAttribute()
    expires_at = UnicodeAttribute()
    accepted_by = UnicodeAttribute(null=True)

    def indexes(self) -> dict[int, tuple[str, str]]:
        return {1: (f"WS#{self.ws_id}#INV", f"{self.invited_at}#{self.id}")} if self.status == "pending" else {}


def slug_guard(scope: str, slug: str, ref: str = "") -> Guard:
    """Return the guard of a slug. `scope` is ORG, WS, or WS#<id> for the projects of a workspace."""
    return Guard.of(f"SLUG#{scope}#{slug}", ref)


def slugify(name: str, *, unique: bool = False) -> str:
    """Return a URL-friendly form of a name; with `unique`, six random characters are added."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60].rstrip("-") or "workspace"
    return f"{slug}-{secrets.token_hex(3)}" if unique else slug


def membership_row(cls: Any, container: str, user_id: str, role: Role, **fields: Any) -> Any:
    """Build a membership row at its key in an organization or a workspace."""
    row = cls.new(user_id, role=role.value, **fields)
    row.pk, row.sk = cls.key_in(container, user_id)
    return row
