"""The limits of a workspace: what its settings say, and never more than the plan that it is billed under (decision 22). The limits of an
organization: what an administrator has chosen, else its plan's (decision 30)."""

from collections.abc import Mapping
from typing import Any, Final

from shared.core.errors import CadreError, FieldError, Invalid, NotFound, OrganizationClosed
from shared.core.plans import PLANS, cheapest_plan_above
from shared.people.tenancy.rows import Organization, Workspace

_PLAN_FIELDS: Final = {
    "maxProjects": "max_projects",
    "maxMembers": "max_members",
    "maxMonthlyUsage": "max_monthly_usage",
    "maxUnpricedTokens": "max_unpriced_tokens",
    "max_sandboxes": "max_sandboxes",
}
"""The settings that are limits, with the fields of `Plan` that limit them."""
MONTHLY_LIMITS: Final = ("maxMonthlyUsage", "maxUnpricedTokens")
"""Those of a month's model calls."""


def workspace_limit(workspace: Workspace, name: str) -> Any:
    """Return the limit that holds: the smaller one of the setting and the plan's limit; 0 without a setting."""
    chosen, most = workspace.settings.get(name, 0), getattr(PLANS[workspace.plan], _PLAN_FIELDS[name])
    return chosen if most is None else min(chosen, most)


def effective_settings(workspace: Workspace) -> dict[str, Any]:
    """Return the settings with the limits that hold: after a change to a smaller plan, the stored ones may be higher."""
    held: dict[str, Any] = workspace.settings
    return held | {name: workspace_limit(workspace, name) for name in _PLAN_FIELDS if name in workspace.settings}


def refuse_above_plan(plan: str, settings: Mapping[str, Any]) -> None:
    """Raise Invalid for each limit in `settings` that is higher than the plan's, with the plan that allows it.

    Not for `max_sandboxes`: aintandem's own samples ask for more than its free edition allows. The smaller one of both holds.
    """
    errors = []
    for name, field in _PLAN_FIELDS.items():
        most = getattr(PLANS[plan], field)
        if name != "max_sandboxes" and most is not None and settings.get(name, 0) > most:
            message = f"The plan {PLANS[plan].name} allows at most {most:,}; {change_of_plan(plan, field)}"
            errors.append(FieldError(f"settings.{field}", message, settings[name]))
    if errors:
        raise Invalid(*errors)


def how_to_raise(workspace: Workspace, name: str) -> str:
    """Return who can raise a limit of this workspace, and how, as the end of a message."""
    most = getattr(PLANS[workspace.plan], _PLAN_FIELDS[name])
    if most is None or workspace.settings.get(name, 0) < most:
        return f"an administrator of the workspace can raise {name} in its settings"
    return change_of_plan(workspace.plan, _PLAN_FIELDS[name])


def room_in_organization(count: Any, field: str) -> Any:
    """Return the condition that `count`, an attribute of an organization, is below its plan's limit, a field of `Plan`."""
    room: Any = count.does_not_exist()
    for plan in PLANS.values():
        most = getattr(plan, field)
        held = Organization.plan == plan.key
        room |= held if most is None else held & (count < most)
    return room


def room_for_project(workspace: Workspace) -> Any:
    """Return the condition that the organization has room for one more project in this workspace."""
    return _room_for(workspace, Organization.project_count, Organization.max_projects, "max_organization_projects")


def room_for_user(workspace: Workspace) -> Any:
    """Return the condition that the organization has room for one more person, who enters this workspace."""
    return _room_for(workspace, Organization.user_count, Organization.max_users, "max_organization_users")


def _room_for(workspace: Workspace, count: Any, chosen: Any, field: str) -> Any:
    """Return the condition that `count` is below what was `chosen`, else below the plan's `field`. What a workspace with a plan of its own
    may hold is not limited by a smaller plan of the organization."""
    by_plan = chosen.does_not_exist()
    if getattr(PLANS[workspace.plan], field) is not None:
        by_plan &= room_in_organization(count, field)
    return count.does_not_exist() | (count < chosen) | by_plan


def organization_limit(organization: Organization, name: str) -> int | None:
    """Return the limit that holds, `max_projects` or `max_users`: what was chosen, else the plan's; None: there is none."""
    chosen = getattr(organization, name)
    limit: int | None = getattr(PLANS[organization.plan], _plan_field(name)) if chosen is None else int(chosen)
    return limit


def _plan_field(name: str) -> str:
    return name.replace("max_", "max_organization_")


def refuse_above_organization_plan(plan: str, **chosen: int) -> None:
    """Raise Invalid for `max_projects` and `max_users` of an organization above what its plan allows."""
    errors = []
    for name, number in chosen.items():
        most = getattr(PLANS[plan], _plan_field(name))
        if most is not None and number > most:
            errors.append(FieldError(name, f"The plan {PLANS[plan].name} allows at most {most:,}", number))
    if errors:
        raise Invalid(*errors)


def active_organization() -> Any:
    """Return the condition that things may change in an organization."""
    return Organization.status == "active"


def closed_error(raw: dict[str, Any] | None) -> CadreError:
    """Return the error for a change in an organization (raw, None: there is none) that is not active."""
    return NotFound(Organization.NAME) if raw is None else OrganizationClosed()


def change_of_plan(plan: str, field: str, where: str = "the workspace") -> str:
    """Return which plan has a higher limit and who can change to it, as the end of a message."""
    above = cheapest_plan_above(plan, field)
    return f"the owner of {where} can change to the plan {above.name} in its billing" if above else "no plan allows more"
