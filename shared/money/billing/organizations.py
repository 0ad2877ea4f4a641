"""Creating an organization under a plan: with its default workspace and, in the same transaction, the account that is billed for it."""

from dataclasses import dataclass

from shared.core.actor import Actor, Permission
from shared.core.errors import Forbidden
from shared.core.plans import PLANS
from shared.money.billing.accounts import new_account
from shared.people.access import records
from shared.people.tenancy.limits import refuse_above_organization_plan
from shared.people.tenancy.provisioning import new_organization
from shared.people.tenancy.rows import Organization
from shared.store import create, write


@dataclass(frozen=True)
class NewOrganization:
    """The values of a new organization. `plan` is a key of `PLANS`."""

    name: str
    slug: str
    type: str
    plan: str
    max_users: int
    max_projects: int
    description: str | None = None
    website_url: str | None = None


def create_organization(actor: Actor, new: NewOrganization) -> Organization:
    """Create an organization, whose owner the actor becomes. Two round trips: who asks, and the transaction.

    Raises Conflict(SLUG_TAKEN), Invalid for limits above the plan's, LimitExceeded for a person who has too many organizations, and
    Forbidden unless the actor administers their own organization and has confirmed their address: somebody must pay for it.
    """
    if not actor.platform_admin and not actor.may(Permission.WORKSPACE_WRITE, None, actor.org_id):
        raise Forbidden("Only administrators create organizations")
    if not actor.email_verified:
        raise Forbidden("Confirm your own e-mail address before you create an organization")
    refuse_above_organization_plan(new.plan, max_users=new.max_users, max_projects=new.max_projects)
    founded = new_organization(
        actor,
        new.name,
        slug=new.slug,
        settings=_workspace_limits(new),
        type=new.type,
        plan=new.plan,
        max_users=new.max_users,
        max_projects=new.max_projects,
        description=new.description,
        website_url=new.website_url,
    )
    organization, workspace = founded.organization, founded.workspace
    account = new_account(workspace)
    account.plan = new.plan
    write(*founded.operations, create(account), records.grant_organization(actor.id, organization.id, workspace.id))
    return organization


def _workspace_limits(new: NewOrganization) -> dict[str, int]:
    """Return the settings of the default workspace: it may hold what the organization may, as far as its plan allows."""
    plan = PLANS[new.plan]
    return {
        "maxProjects": min(new.max_projects, plan.max_projects or new.max_projects),
        "maxMembers": min(new.max_users, plan.max_members or new.max_users),
    }
