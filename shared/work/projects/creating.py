"""Creating a project: its row, board, lanes, card counts and statistics are written in one transaction, which also checks the limits."""

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from shared.core.actor import Actor, Permission
from shared.core.errors import CadreError, FieldError, Invalid, LimitExceeded, NotFound
from shared.core.ids import bare_id, new_id
from shared.core.plans import PLANS
from shared.core.situations import Situation
from shared.core.wording import Wording
from shared.events import EventType, record
from shared.people.tenancy.limits import change_of_plan, how_to_raise, room_for_project, workspace_limit
from shared.people.tenancy.provisioning import SlugTaken
from shared.people.tenancy.rows import Organization, Workspace, slug_guard, slugify
from shared.people.tenancy.workspaces import authorize_workspace, get_workspace
from shared.store import Block, BlockMoved, LastBlock, Operation, create, enter, fetch, id_of, retrying, update, write
from shared.work.boards.creating import LaneOptions, new_board
from shared.work.boards.lanes import LANE_PHASES, canonical_phase
from shared.work.boards.updating import agent_name
from shared.work.projects.rows import DEFAULT_SETTINGS, Project, ProjectStats, projects_of

_GITHUB = re.compile(r"(?:https?://(?:www\.)?github\.com/|git@github\.com:)([\w.-]+)/([\w.-]+?)(?:\.git)?/?\Z")


@dataclass(frozen=True)
class NewProject:
    """The values of a new project. Without `slug`, one is made from the name. `settings` override the defaults key by key."""

    name: str
    slug: str | None = None
    description: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    repository_url: str | None = None
    repository_type: str | None = None
    documentation_url: str | None = None
    github_owner: str | None = None
    github_repo: str | None = None
    default_phase_id: str | None = None
    more: Mapping[str, Any] = field(default_factory=dict)
    """Other attributes of the row by name (visibility, template_type, tech_stack, ...)."""


def create_project(
    actor: Actor,
    ws_id: str,
    new: NewProject,
    *,
    project_id: str | None = None,
    permission: Permission = Permission.PROJECT_CREATE,
) -> Project:
    """Create a project in a workspace, by the permission that the contract asks for. Two round trips.

    Raises NotFound("workspace"), Forbidden, Conflict(SLUG_TAKEN), LimitExceeded at the workspace's `maxProjects` or the
    limit of the organization, Invalid for a phase in which no card can begin.
    """
    counted = projects_of(bare_id(ws_id))
    last = LastBlock(counted)
    workspace = get_workspace(actor, ws_id, permission)
    check_phase(new.default_phase_id)

    def create_with(slug: str) -> Project:
        return retrying(
            lambda number: _create(actor, workspace, new, slug, project_id, (LastBlock(counted) if number else last).result()),
            again=lambda error: isinstance(error, BlockMoved),
        )

    if new.slug is not None:
        return create_with(new.slug)
    try:
        return create_with(slugify(new.name))
    except SlugTaken:
        return create_with(slugify(new.name, unique=True))


def default_workspace_id(actor: Actor, org_id: str | None, permission: Permission = Permission.PROJECT_CREATE) -> str:
    """Return the id of the default workspace of an organization, in which the caller may create projects. Raises NotFound for an
    organization in whose default workspace the caller is not, Forbidden."""
    organization = fetch(Organization, id_of(Organization, org_id or ""))
    if organization is None or organization.default_ws_id not in actor.workspaces:
        raise NotFound(Organization.NAME)
    return authorize_workspace(actor, organization.default_ws_id, permission)


def increment_project_counts(workspace: Workspace) -> list[Operation]:
    """Return the operations that count one more project in the workspace and in its organization, within their limits.

    Both rows also get a new `version`, so that a concurrent save cannot overwrite the new count. Refused with NotFound, LimitExceeded.
    """
    limit = int(workspace_limit(workspace, "maxProjects"))
    pk, sk = Organization.key(str(workspace.org_id))
    return [
        update(
            Workspace(pk=workspace.pk, sk=workspace.sk),
            [Workspace.project_count.add(1), Workspace.version.add(1)],
            Workspace.deleted_at.does_not_exist() & (Workspace.project_count < limit),
            lambda raw: _refusal(Workspace.decode(raw) if raw else None, limit, how_to_raise(workspace, "maxProjects")),
        ),
        update(
            Organization(pk=pk, sk=sk),
            [Organization.project_count.add(1), Organization.version.add(1)],
            room_for_project(workspace),
            _organization_full,
        ),
    ]


def parse_github_repository(url: str | None) -> tuple[str | None, str | None]:
    """Return owner and name of a GitHub repository from its URL; (None, None) for any other URL."""
    match = _GITHUB.match(url or "")
    return (match.group(1), match.group(2)) if match else (None, None)


def check_phase(phase: str | None) -> None:
    """Raise Invalid for a phase in which no card can begin; None is allowed."""
    if phase is not None and canonical_phase(phase) not in LANE_PHASES:
        raise Invalid(FieldError("default_phase_id", Wording("A {card} cannot begin in {phase}", phase=phase), phase))


def _create(
    actor: Actor, workspace: Workspace, new: NewProject, slug: str, project_id: str | None, last: Block | None
) -> Project:
    project_id = project_id or new_id()
    settings = deepcopy(DEFAULT_SETTINGS) | stored_settings(new.settings)
    board, board_rows = new_board(
        project_id,
        workspace.org_id,
        workspace.id,
        {int(number): limit for number, limit in settings["defaultWipLimits"].items()},
        _lane_options(settings.get("customLaneConfig") or []),
    )
    owner, repo = new.github_owner, new.github_repo
    if owner is None and repo is None:
        owner, repo = parse_github_repository(new.repository_url)
    url = new.repository_url or (f"https://github.com/{owner}/{repo}" if owner and repo else None)
    project = Project.new(
        project_id,
        org_id=workspace.org_id,
        ws_id=workspace.id,
        proj_id=project_id,
        name=new.name,
        slug=slug,
        description=new.description,
        settings=settings,
        repository_url=url,
        repository_type=new.repository_type or ("git" if owner and repo else None),
        github_owner=owner,
        github_repo=repo,
        documentation_url=new.documentation_url,
        default_phase_id=new.default_phase_id,
        board_id=board.id,
        created_by=actor.summary,
        **new.more,
    )
    record(project, EventType.PROJECT_CREATED, actor, name=project.name, slug=slug, board_id=board.id)
    stats = ProjectStats.new(
        project_id, org_id=workspace.org_id, ws_id=workspace.id, proj_id=project_id, last_activity=project.created_at
    )
    place = enter(projects_of(workspace.id), last, project.status)
    project.counted_in = place.start
    write(
        create(slug_guard(f"WS#{workspace.id}", slug, project_id), SlugTaken),
        *increment_project_counts(workspace),
        create(project),
        create(stats),
        *place.operations,
        *board_rows,
    )
    return project


def stored_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings of a project as they are stored, with agents by name. Raises Invalid for an unknown agent."""
    lanes = [
        dict(lane, autoTriggerAgent=agent_name(lane["autoTriggerAgent"], f"{_LANE_CONFIG}.{index}.auto_trigger_agent"))
        if lane.get("autoTriggerAgent")
        else lane
        for index, lane in enumerate(settings.get("customLaneConfig") or [])
    ]
    return dict(settings, customLaneConfig=lanes) if lanes else dict(settings)


_LANE_CONFIG = "settings.custom_lane_config"


def _lane_options(lanes: Sequence[Mapping[str, Any]]) -> list[LaneOptions]:
    return [
        LaneOptions(lane["laneNumber"], lane.get("name"), lane.get("wipLimit"), lane.get("autoTriggerAgent")) for lane in lanes
    ]


def _refusal(workspace: Workspace | None, limit: int, remedy: str) -> CadreError:
    if workspace is None or workspace.deleted_at:
        return NotFound(Workspace.NAME)
    return _limit_exceeded("workspace", limit, f", or {remedy}")


def _organization_full(raw: dict[str, Any] | None) -> CadreError:
    organization = Organization.decode(raw) if raw else None
    if organization is None:
        return NotFound(Organization.NAME)
    if organization.max_projects is not None:
        return _limit_exceeded("organization", organization.max_projects)
    remedy = change_of_plan(organization.plan, "max_organization_projects", "its default workspace")
    return _limit_exceeded("organization", PLANS[organization.plan].max_organization_projects, f", or {remedy}")


def _limit_exceeded(what: str, limit: Any, remedy: str = "") -> LimitExceeded:
    return LimitExceeded(
        Situation.LIMIT_REACHED,
        f"This {what} may have at most {int(limit)} active projects; archive one{remedy}",
        {"limit": int(limit)},
    )
