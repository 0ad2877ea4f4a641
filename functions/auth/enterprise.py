"""enterprise: API keys, and by `functions.auth.oauth` OAuth 2.0. The document promises both without a description of their own."""

from typing import Annotated

from pydantic import Field, StringConstraints

from functions.auth import oauth
from shared.core.actor import Permission
from shared.core.situations import Situation
from shared.edge.contracts.base import Paged, Shape, StrictRequest
from shared.edge.contracts.enterprise import ENTERPRISE, Page, PageSize
from shared.edge.contracts.fields import Date, OneLine
from shared.edge.http.call import Caller
from shared.edge.http.routing import Routes
from shared.people.identity import api_keys

routes = Routes(ENTERPRISE, "auth")
oauth.publish(routes)
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), OneLine]
Scopes = Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=32)]


class CreateApiKeyRequest(StrictRequest):
    """Without `permissions` the key has all scopes of its maker; without `expires_at` it does not expire."""

    name: Title
    permissions: Scopes | None = None
    expires_at: Date | None = None


class ApiKey(Shape):
    id: str
    name: str
    prefix: str
    permissions: list[str]
    created_at: str
    expires_at: str | None
    last_used_at: str | None
    revoked_at: str | None


class NewApiKey(ApiKey):
    """`key` is shown this once."""

    key: str


def _shown(key: api_keys.ApiKey, last_used_at: str | None) -> ApiKey:
    return ApiKey(
        id=key.id,
        name=key.name,
        prefix=key.prefix,
        permissions=key.scopes,
        created_at=key.created_at,
        expires_at=key.expires_at,
        last_used_at=last_used_at,
        revoked_at=key.revoked_at,
    )


@routes.post(
    "/api-keys",
    "apiKeys.create",
    status=201,
    permission=Permission.WORKSPACE_ADMIN,
    secret=True,
    errors=(Situation.LIMIT_REACHED,),
)
async def create(body: CreateApiKeyRequest, caller: Caller) -> NewApiKey:
    """Make a key for programs: `X-API-Key` instead of a bearer token. It acts as its maker, within its `permissions`: never more than the
    maker may now or later."""
    key, text = api_keys.create_key(caller, body.name, body.permissions, body.expires_at)
    return NewApiKey(**_shown(key, None).model_dump(), key=text)


@routes.get("/api-keys", "apiKeys.list", permission=Permission.WORKSPACE_ADMIN)
async def list_keys(caller: Caller, page: Page = 1, page_size: PageSize = 20) -> Paged[ApiKey]:
    """The organization's keys, newest first, revoked ones too. `last_used_at` is a minute."""
    shown, total = api_keys.list_keys(caller, page, page_size)
    return Paged([_shown(one.key, one.last_used_at) for one in shown], total, page, page_size)


@routes.delete("/api-keys/{key_id}", "apiKeys.revoke", status=204, permission=Permission.WORKSPACE_ADMIN)
async def revoke(key_id: str, caller: Caller) -> None:
    """Revoke a key: from the next request on it opens nothing."""
    api_keys.revoke_key(caller, key_id)
