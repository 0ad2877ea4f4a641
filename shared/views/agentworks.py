"""agentworks' shapes of entities that several areas and the sockets show."""

from shared.contracts.base import Shape
from shared.core.actor import Actor, Role
from shared.identity.users import User
from shared.tenancy.rows import Workspace


class NotificationPreferences(Shape):
    email: bool
    browser: bool
    agentCompleted: bool
    usageAlerts: bool


class EditorPreferences(Shape):
    fontSize: int
    tabSize: int
    wordWrap: bool


class UserPreferences(Shape):
    theme: str
    timezone: str
    notifications: NotificationPreferences
    editor: EditorPreferences


class UserProfile(Shape):
    id: str
    email: str
    name: str
    avatarUrl: str | None = None
    emailVerified: bool
    preferences: UserPreferences
    createdAt: str
    lastLoginAt: str


def user_profile(user: User) -> UserProfile:
    return UserProfile(
        id=user.id,
        email=user.email,
        name=user.name,
        avatarUrl=user.avatar_url,
        emailVerified=user.email_verified,
        preferences=UserPreferences.model_validate(user.preferences),
        createdAt=user.created_at,
        lastLoginAt=user.last_login_at or user.created_at,
    )


class WorkspaceSummary(Shape):
    id: str
    name: str
    slug: str
    description: str | None = None
    role: Role
    memberCount: int
    projectCount: int
    createdAt: str
    lastActivity: str


def workspace_summary(workspace: Workspace, role: Role) -> WorkspaceSummary:
    return WorkspaceSummary(
        id=workspace.id,
        name=workspace.name,
        slug=workspace.slug,
        description=workspace.description,
        role=role,
        memberCount=int(workspace.member_count),
        projectCount=int(workspace.project_count),
        createdAt=workspace.created_at,
        lastActivity=workspace.last_activity or workspace.updated_at,
    )


def workspace_summaries(actor: Actor, workspaces: list[Workspace]) -> list[WorkspaceSummary]:
    return [workspace_summary(workspace, actor.workspaces[workspace.id]) for workspace in workspaces]
