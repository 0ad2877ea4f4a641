"""aintandem, section 2: workspaces."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from shared.agents.providers.registry import NAMES, canonical_name
from shared.core.actor import Permission
from shared.core.ids import bare_id
from shared.core.situations import Situation
from shared.edge.contracts.aintandem import AINTANDEM, Page, PerPage, Search, SortOrder, public_id
from shared.edge.contracts.base import Paged, Request, Shape
from shared.edge.contracts.fields import Name, Seen
from shared.edge.http.call import Caller
from shared.edge.http.routing import Routes
from shared.edge.views.aintandem.sandboxes import Resources
from shared.people.tenancy import workspaces
from shared.people.tenancy.limits import workspace_limit
from shared.people.tenancy.rows import Workspace
from shared.sandboxes.configuration.policy import MODES, Rule, policy_of, policy_to_store
from shared.sandboxes.lifecycle.reading import begin_named, sandbox_counts
from shared.sandboxes.lifecycle.rows import ASLEEP, STOPPED
from shared.store import page_of

routes = Routes(AINTANDEM, "workspaces", rate_class="workspace")
Description = Annotated[str, StringConstraints(max_length=500), Seen]
Mode = Literal["allow_all", "allow_list", "deny_list"]
assert set(Mode.__args__) == set(MODES)  # type: ignore[attr-defined]  # noqa: S101


def _provider(value: str) -> str:
    if canonical_name(value) not in NAMES:
        raise ValueError(f"There is no such provider; there are {', '.join(NAMES)}")
    return value


Provider = Annotated[str, Field(max_length=50), AfterValidator(_provider)]


class PolicyRule(Request):
    """`from` and `to` are names of sandboxes, or `*` for all."""

    sender: Annotated[str | list[str], Field(alias="from")] = "*"
    to: str | list[str] = "*"
    message_types: list[Literal["request", "response", "notification", "command"]] | None = None
    approval_required: bool = False

    def as_rule(self) -> Rule:
        return Rule(_names(self.sender), _names(self.to), tuple(self.message_types or ()), self.approval_required)


def _names(value: str | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


class Policy(Request):
    mode: Mode
    rules: Annotated[list[PolicyRule], Field(max_length=100)] = []


class SettingsChanges(Request):
    max_sandboxes: Annotated[int, Field(ge=1, le=1_000)] | None = None
    default_llm_provider: Provider | None = None
    collaboration_policy: Mode | Policy | None = None
    resource_defaults: Resources | None = None

    def to_settings(self, before: dict[str, Any]) -> dict[str, Any]:
        """Return the settings as the workspace stores them; a policy that is only named keeps its rules."""
        changes = self.model_dump(exclude_none=True, include={"max_sandboxes", "default_llm_provider"})
        policy = self.collaboration_policy
        if policy is not None:
            mode = policy if isinstance(policy, str) else policy.mode
            rules = policy_of(before).rules if isinstance(policy, str) else [one.as_rule() for one in policy.rules]
            changes["collaboration_policy"] = policy_to_store(mode, rules)
        if self.resource_defaults is not None:
            changes["resource_defaults"] = self.resource_defaults.model_dump(exclude_none=True)
        return changes


class CreateWorkspace(Request):
    name: Name
    description: Description | None = None
    settings: SettingsChanges | None = None


class UpdateWorkspace(Request):
    name: Name | None = None
    description: Description | None = None
    settings: SettingsChanges | None = None


class ShownSettings(Shape):
    max_sandboxes: int
    default_llm_provider: str
    collaboration_policy: str
    resource_defaults: dict[str, Any] | None


class WorkspaceFields(Shape):
    """`sandbox_limit` is an addition: the smaller one of `max_sandboxes` and what the plan allows, which is what holds."""

    workspace_id: str
    name: str
    description: str | None
    owner_id: str
    settings: ShownSettings
    sandbox_limit: int
    sandbox_count: int
    created_at: str
    updated_at: str


class SandboxName(Shape):
    sandbox_id: str
    name: str
    status: str


class WorkspaceDetails(WorkspaceFields):
    sandboxes: list[SandboxName]


class UpdatedWorkspace(Shape):
    workspace_id: str
    name: str
    updated_at: str


def shown_settings(workspace: Workspace) -> ShownSettings:
    """Return the settings as the customer gave them; what the plan allows is `sandbox_limit`."""
    held = workspace.settings
    return ShownSettings(
        max_sandboxes=held.get("max_sandboxes", 10),
        default_llm_provider=held.get("default_llm_provider", "qwen"),
        collaboration_policy=policy_of(held).mode,
        resource_defaults=held.get("resource_defaults"),
    )


def _fields(workspace: Workspace, count: int) -> dict[str, Any]:
    return {
        "workspace_id": public_id("workspace", workspace.id),
        "name": workspace.name,
        "description": workspace.description,
        "owner_id": public_id("user", workspace.owner["id"]),
        "settings": shown_settings(workspace),
        "sandbox_limit": workspace_limit(workspace, "max_sandboxes"),
        "sandbox_count": count,
        "created_at": workspace.created_at,
        "updated_at": workspace.updated_at,
    }


@routes.get("/workspaces", "workspaces.list")
async def list_workspaces(
    caller: Caller,
    page: Page = 1,
    per_page: PerPage = 20,
    sort: Literal["name", "created_at", "updated_at"] = "created_at",
    order: SortOrder = "desc",
    search: Search | None = None,
) -> Paged[WorkspaceFields]:
    """List the caller's workspaces, newest first. `search` looks for words in names and descriptions."""
    words = (search or "").casefold()
    found = [one for one in workspaces.list_workspaces(caller) if words in f"{one.name} {one.description or ''}".casefold()]
    found.sort(key=lambda one: (str(getattr(one, sort)).casefold(), one.id), reverse=order == "desc")
    shown, total = page_of(found, (page - 1) * per_page, per_page)
    counts = sandbox_counts([one.id for one in shown])
    return Paged([WorkspaceFields(**_fields(one, counts[one.id])) for one in shown], total, page, per_page)


@routes.post("/workspaces", "workspaces.create", status=201, errors=(Situation.LIMIT_REACHED,))
async def create(body: CreateWorkspace, caller: Caller) -> WorkspaceFields:
    """Create a workspace in the caller's organization; the caller becomes its owner."""
    settings = body.settings.to_settings({}) if body.settings else None
    workspace = workspaces.create_named_workspace(caller, body.name, description=body.description, settings=settings)
    return WorkspaceFields(**_fields(workspace, 0))


@routes.get("/workspaces/{workspace_id}", "workspaces.get", permission=Permission.WORKSPACE_READ)
async def get(workspace_id: str, caller: Caller) -> WorkspaceDetails:
    """A workspace with its sandboxes, oldest first."""
    named = begin_named(bare_id(workspace_id))
    workspace = workspaces.get_workspace(caller, workspace_id)
    sandboxes = [
        SandboxName(sandbox_id=public_id("sandbox", one.id), name=one.f["name"], status=_shown(one.f["status"])) for one in named
    ]
    return WorkspaceDetails(**_fields(workspace, len(sandboxes)), sandboxes=sandboxes)


def _shown(status: str) -> str:
    return STOPPED if status == ASLEEP else status


@routes.put("/workspaces/{workspace_id}", "workspaces.update", permission=Permission.WORKSPACE_WRITE)
async def update(workspace_id: str, body: UpdateWorkspace, caller: Caller) -> UpdatedWorkspace:
    """Change the given fields; settings change key by key."""
    workspace = workspaces.update_workspace(
        caller,
        workspace_id,
        name=body.name,
        description=body.description,
        settings=body.settings.to_settings if body.settings else None,
    )
    return UpdatedWorkspace(
        workspace_id=public_id("workspace", workspace.id), name=workspace.name, updated_at=workspace.updated_at
    )


@routes.delete("/workspaces/{workspace_id}", "workspaces.delete", status=204, permission=Permission.WORKSPACE_ADMIN)
async def delete(workspace_id: str, caller: Caller) -> None:
    """Delete a workspace with all that is in it: nothing in it can be reached from now on, and its sandboxes are stopped."""
    workspaces.delete_workspace(caller, workspace_id)
