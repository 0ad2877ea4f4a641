"""Workspaces, for those who belong to them."""

from shared.core.actor import Actor
from shared.store import fetch_all
from shared.tenancy.rows import Workspace


def workspaces_of(actor: Actor) -> list[Workspace]:
    """The workspaces the actor belongs to, oldest first. One round trip for each hundred."""
    found = [workspace for workspace in fetch_all(Workspace, actor.workspaces) if workspace.deleted_at is None]
    return sorted(found, key=lambda workspace: workspace.created_at)
