# Made from the API's OpenAPI document by `make sdk`: do not change it here.
# sha256:4ad8d643d7fa418c3accecc2c2fd43b092c34915d0dc4936cf6126fcf27b4dd1
"""The resources of the enterprise API: one method for each operation."""

from typing import Literal, Unpack

from ai_agents import bodies, models
from ai_agents._calls import Call, path_of
from ai_agents._resource import AsyncResource, Resource
from ai_agents._session import AsyncSession, Session
from ai_agents._transport import AsyncTransport, Transport
from ai_agents.pages import AsyncPage, Page


class ApiKeys(Resource):
    def list(self, *, page: int | None = None, page_size: int | None = None) -> Page[models.ApiKey]:
        """The organization's keys, newest first, revoked ones too. `last_used_at` is a minute."""
        return self._list(Call("GET", "/api-keys", query={"page": page, "page_size": page_size}), models.ApiKey)

    def create(self, *, idempotency_key: str | None = None, **body: Unpack[bodies.CreateApiKeyRequest]) -> models.NewApiKey:
        """Make a key for programs: `X-API-Key` instead of a bearer token. It acts as its maker, within its `permissions`:
        never more than the maker may now or later.
        """
        return self._ask(Call("POST", "/api-keys", body=body, idempotency_key=idempotency_key), models.NewApiKey)

    def revoke(self, key_id: str) -> None:
        """Revoke a key: from the next request on it opens nothing."""
        self._do(Call("DELETE", path_of("/api-keys/{}", key_id)))


class AsyncApiKeys(AsyncResource):
    async def list(self, *, page: int | None = None, page_size: int | None = None) -> AsyncPage[models.ApiKey]:
        """The organization's keys, newest first, revoked ones too. `last_used_at` is a minute."""
        return await self._list(Call("GET", "/api-keys", query={"page": page, "page_size": page_size}), models.ApiKey)

    async def create(self, *, idempotency_key: str | None = None, **body: Unpack[bodies.CreateApiKeyRequest]) -> models.NewApiKey:
        """Make a key for programs: `X-API-Key` instead of a bearer token. It acts as its maker, within its `permissions`:
        never more than the maker may now or later.
        """
        return await self._ask(Call("POST", "/api-keys", body=body, idempotency_key=idempotency_key), models.NewApiKey)

    async def revoke(self, key_id: str) -> None:
        """Revoke a key: from the next request on it opens nothing."""
        await self._do(Call("DELETE", path_of("/api-keys/{}", key_id)))


class Builds(Resource):
    def get(self, build_id: str) -> models.Build:
        """Get a build. What was neither told nor measured is absent."""
        return self._ask(Call("GET", path_of("/builds/{}", build_id)), models.Build)

    def deploy(
        self, build_id: str, *, idempotency_key: str | None = None, **body: Unpack[bodies.DeployBuild]
    ) -> models.Deployment:
        """Deploy a successful build to an environment, whose target is set by `PUT
        /projects/{project_id}/environments/{environment}`. One deployment at a time works in an environment. Production
        needs `deployments:approve` and notes.
        """
        return self._ask(
            Call("POST", path_of("/builds/{}/deploy", build_id), body=body, idempotency_key=idempotency_key), models.Deployment
        )

    def log(self, build_id: str) -> models.BuildLog:
        """Get the end of a build's log, also while it runs; empty for a build that ran elsewhere."""
        return self._ask(Call("GET", path_of("/builds/{}/log", build_id)), models.BuildLog)

    def vulnerabilities(
        self,
        build_id: str,
        *,
        severity: Literal["low", "medium", "high", "critical"] | None = None,
        page: int | None = None,
        page_size: int | None = None,
    ) -> Page[models.Vulnerability]:
        """List the vulnerabilities of a build, the most severe first. The fifty most severe are kept; the build itself
        counts all.
        """
        return self._list(
            Call(
                "GET",
                path_of("/builds/{}/vulnerabilities", build_id),
                query={"severity": severity, "page": page, "page_size": page_size},
            ),
            models.Vulnerability,
        )

    def list(
        self,
        feature_id: str,
        *,
        status: Literal["pending", "building", "success", "failed", "cancelled"] | None = None,
        page: int | None = None,
        page_size: int | None = None,
    ) -> Page[models.Build]:
        """List the builds of a feature, newest first: the newest 2,000, if there are more."""
        return self._list(
            Call(
                "GET", path_of("/features/{}/builds", feature_id), query={"status": status, "page": page, "page_size": page_size}
            ),
            models.Build,
        )

    def create(self, feature_id: str, *, idempotency_key: str | None = None, **body: Unpack[bodies.CreateBuild]) -> models.Build:
        """Record a build that ran elsewhere. Without a status it failed if a test or the scan did; a scan report is
        counted by severity.
        """
        return self._ask(
            Call(
                "POST",
                path_of("/features/{}/builds", feature_id),
                body={"git_branch": "main", **body},
                idempotency_key=idempotency_key,
            ),
            models.Build,
        )


class AsyncBuilds(AsyncResource):
    async def get(self, build_id: str) -> models.Build:
        """Get a build. What was neither told nor measured is absent."""
        return await self._ask(Call("GET", path_of("/builds/{}", build_id)), models.Build)

    async def deploy(
        self, build_id: str, *, idempotency_key: str | None = None, **body: Unpack[bodies.DeployBuild]
    ) -> models.Deployment:
        """Deploy a successful build to an environment, whose target is set by `PUT
        /projects/{project_id}/environments/{environment}`. One deployment at a time works in an environment. Production
        needs `deployments:approve` and notes.
        """
        return await self._ask(
            Call("POST", path_of("/builds/{}/deploy", build_id), body=body, idempotency_key=idempotency_key), models.Deployment
        )

    async def log(self, build_id: str) -> models.BuildLog:
        """Get the end of a build's log, also while it runs; empty for a build that ran elsewhere."""
        return await self._ask(Call("GET", path_of("/builds/{}/log", build_id)), models.BuildLog)

    async def vulnerabilities(
        self,
        build_id: str,
        *,
        severity: Literal["low", "medium", "high", "critical"] | None = None,
        page: int | None = None,
        page_size: int | None = None,
    ) -> AsyncPage[models.Vulnerability]:
        """List the vulnerabilities of a build, the most severe first. The fifty most severe are kept; the build itself
        counts all.
        """
        return await self._list(
            Call(
                "GET",
                path_of("/builds/{}/vulnerabilities", build_id),
                query={"severity": severity, "page": page, "page_size": page_size},
            ),
            models.Vulnerability,
        )

    async def list(
        self,
        feature_id: str,
        *,
        status: Literal["pending", "building", "success", "failed", "cancelled"] | None = None,
        page: int | None = None,
        page_size: int | None = None,
    ) -> AsyncPage[models.Build]:
        """List the builds of a feature, newest first: the newest 2,000, if there are more."""
        return await self._list(
            Call(
                "GET", path_of("/features/{}/builds", feature_id), query={"status": status, "page": page, "page_size": page_size}
            ),
            models.Build,
        )

    async def create(
        self, feature_id: str, *, idempotency_key: str | None = None, **body: Unpack[bodies.CreateBuild]
    ) -> models.Build:
        """Record a build that ran elsewhere. Without a status it failed if a test or the scan did; a scan report is
        counted by severity.
        """
        return await self._ask(
            Call(
                "POST",
                path_of("/features/{}/builds", feature_id),
                body={"git_branch": "main", **body},
                idempotency_key=idempotency_key,
            ),
            models.Build,
        )


class Deployments(Resource):
    def list(
        self,
        build_id: str,
        *,
        status: Literal["pending", "in_progress", "success", "failed", "rolled_back"] | None = None,
        page: int | None = None,
        page_size: int | None = None,
    ) -> Page[models.Deployment]:
        """List the deployments of a build, newest first: the newest 2,000, if there are more."""
        return self._list(
            Call(
                "GET", path_of("/builds/{}/deployments", build_id), query={"status": status, "page": page, "page_size": page_size}
            ),
            models.Deployment,
        )

    def get(self, deployment_id: str) -> models.Deployment:
        """Get a deployment, with what its target measured last."""
        return self._ask(Call("GET", path_of("/deployments/{}", deployment_id)), models.Deployment)

    def rollback(
        self, deployment_id: str, *, idempotency_key: str | None = None, **body: Unpack[bodies.RollbackDeployment]
    ) -> models.Deployment:
        """Give the traffic back to the version before: of a deployment that succeeded or failed, the last of its
        environment, within 24 hours. If the target does not do it, the answer is 503 and the rollback can be repeated.
        """
        return self._ask(
            Call("POST", path_of("/deployments/{}/rollback", deployment_id), body=body, idempotency_key=idempotency_key),
            models.Deployment,
        )

    def trace(self, deployment_id: str) -> models.Trace:
        """Trace a deployment back to its build, feature and requirement, whose criteria have the tests that prove them.
        Needs the scopes `features:read`, `tests:read` and `deployments:read`.
        """
        return self._ask(Call("GET", path_of("/deployments/{}/trace", deployment_id)), models.Trace)


class AsyncDeployments(AsyncResource):
    async def list(
        self,
        build_id: str,
        *,
        status: Literal["pending", "in_progress", "success", "failed", "rolled_back"] | None = None,
        page: int | None = None,
        page_size: int | None = None,
    ) -> AsyncPage[models.Deployment]:
        """List the deployments of a build, newest first: the newest 2,000, if there are more."""
        return await self._list(
            Call(
                "GET", path_of("/builds/{}/deployments", build_id), query={"status": status, "page": page, "page_size": page_size}
            ),
            models.Deployment,
        )

    async def get(self, deployment_id: str) -> models.Deployment:
        """Get a deployment, with what its target measured last."""
        return await self._ask(Call("GET", path_of("/deployments/{}", deployment_id)), models.Deployment)

    async def rollback(
        self, deployment_id: str, *, idempotency_key: str | None = None, **body: Unpack[bodies.RollbackDeployment]
    ) -> models.Deployment:
        """Give the traffic back to the version before: of a deployment that succeeded or failed, the last of its
        environment, within 24 hours. If the target does not do it, the answer is 503 and the rollback can be repeated.
        """
        return await self._ask(
            Call("POST", path_of("/deployments/{}/rollback", deployment_id), body=body, idempotency_key=idempotency_key),
            models.Deployment,
        )

    async def trace(self, deployment_id: str) -> models.Trace:
        """Trace a deployment back to its build, feature and requirement, whose criteria have the tests that prove them.
        Needs the scopes `features:read`, `tests:read` and `deployments:read`.
        """
        return await self._ask(Call("GET", path_of("/deployments/{}/trace", deployment_id)), models.Trace)


class Environments(Resource):
    def list(self, project_id: str, *, page: int | None = None, page_size: int | None = None) -> Page[models.Environment]:
        """List the environments of a project that are set up, in the order dev, staging, production."""
        return self._list(
            Call("GET", path_of("/projects/{}/environments", project_id), query={"page": page, "page_size": page_size}),
            models.Environment,
        )

    def get(self, project_id: str, environment: Literal["dev", "staging", "production"]) -> models.Environment:
        """Get an environment of a project: its target, and what is deployed there."""
        return self._ask(Call("GET", path_of("/projects/{}/environments/{}", project_id, environment)), models.Environment)

    def set(
        self, project_id: str, environment: Literal["dev", "staging", "production"], **body: Unpack[bodies.SetEnvironment]
    ) -> models.EnvironmentWithSecret:
        """Set where a project's builds are deployed to in an environment, and how a deployment is judged there. With
        another target, what was deployed before cannot be rolled back any more. The answer has the secret of a deploy
        hook.
        """
        return self._ask(
            Call("PUT", path_of("/projects/{}/environments/{}", project_id, environment), body=body), models.EnvironmentWithSecret
        )


class AsyncEnvironments(AsyncResource):
    async def list(
        self, project_id: str, *, page: int | None = None, page_size: int | None = None
    ) -> AsyncPage[models.Environment]:
        """List the environments of a project that are set up, in the order dev, staging, production."""
        return await self._list(
            Call("GET", path_of("/projects/{}/environments", project_id), query={"page": page, "page_size": page_size}),
            models.Environment,
        )

    async def get(self, project_id: str, environment: Literal["dev", "staging", "production"]) -> models.Environment:
        """Get an environment of a project: its target, and what is deployed there."""
        return await self._ask(Call("GET", path_of("/projects/{}/environments/{}", project_id, environment)), models.Environment)

    async def set(
        self, project_id: str, environment: Literal["dev", "staging", "production"], **body: Unpack[bodies.SetEnvironment]
    ) -> models.EnvironmentWithSecret:
        """Set where a project's builds are deployed to in an environment, and how a deployment is judged there. With
        another target, what was deployed before cannot be rolled back any more. The answer has the secret of a deploy
        hook.
        """
        return await self._ask(
            Call("PUT", path_of("/projects/{}/environments/{}", project_id, environment), body=body), models.EnvironmentWithSecret
        )


class Features(Resource):
    def get(self, feature_id: str) -> models.Feature:
        """Get a feature."""
        return self._ask(Call("GET", path_of("/features/{}", feature_id)), models.Feature)

    def build_and_deploy(
        self, feature_id: str, *, idempotency_key: str | None = None, **body: Unpack[bodies.BuildAndDeploy]
    ) -> models.AcceptedOperation:
        """Build the project's repository, by default the head of its own branch, as its `buildspec.yml` says, and deploy
        the build. If nothing is said of the deployment and `dev` has no target, there is nothing to deploy to:
        `resource_type` is then `build`.
        """
        return self._ask(
            Call("POST", path_of("/features/{}/build-and-deploy", feature_id), body=body, idempotency_key=idempotency_key),
            models.AcceptedOperation,
        )

    def update_status(self, feature_id: str, **body: Unpack[bodies.UpdateFeatureStatus]) -> models.Feature:
        """Set the status of a feature. A completed one moves to the last lane of its board, and back when it is taken up
        again.
        """
        return self._ask(Call("PATCH", path_of("/features/{}/status", feature_id), body=body), models.Feature)

    def list(self, requirement_id: str, *, page: int | None = None, page_size: int | None = None) -> Page[models.Feature]:
        """List the features of a requirement."""
        return self._list(
            Call("GET", path_of("/requirements/{}/features", requirement_id), query={"page": page, "page_size": page_size}),
            models.Feature,
        )

    def create(
        self, requirement_id: str, *, idempotency_key: str | None = None, **body: Unpack[bodies.CreateFeature]
    ) -> models.Feature:
        """Create a feature of a requirement: a card below the requirement's, assigned to the developer."""
        return self._ask(
            Call("POST", path_of("/requirements/{}/features", requirement_id), body=body, idempotency_key=idempotency_key),
            models.Feature,
        )


class AsyncFeatures(AsyncResource):
    async def get(self, feature_id: str) -> models.Feature:
        """Get a feature."""
        return await self._ask(Call("GET", path_of("/features/{}", feature_id)), models.Feature)

    async def build_and_deploy(
        self, feature_id: str, *, idempotency_key: str | None = None, **body: Unpack[bodies.BuildAndDeploy]
    ) -> models.AcceptedOperation:
        """Build the project's repository, by default the head of its own branch, as its `buildspec.yml` says, and deploy
        the build. If nothing is said of the deployment and `dev` has no target, there is nothing to deploy to:
        `resource_type` is then `build`.
        """
        return await self._ask(
            Call("POST", path_of("/features/{}/build-and-deploy", feature_id), body=body, idempotency_key=idempotency_key),
            models.AcceptedOperation,
        )

    async def update_status(self, feature_id: str, **body: Unpack[bodies.UpdateFeatureStatus]) -> models.Feature:
        """Set the status of a feature. A completed one moves to the last lane of its board, and back when it is taken up
        again.
        """
        return await self._ask(Call("PATCH", path_of("/features/{}/status", feature_id), body=body), models.Feature)

    async def list(
        self, requirement_id: str, *, page: int | None = None, page_size: int | None = None
    ) -> AsyncPage[models.Feature]:
        """List the features of a requirement."""
        return await self._list(
            Call("GET", path_of("/requirements/{}/features", requirement_id), query={"page": page, "page_size": page_size}),
            models.Feature,
        )

    async def create(
        self, requirement_id: str, *, idempotency_key: str | None = None, **body: Unpack[bodies.CreateFeature]
    ) -> models.Feature:
        """Create a feature of a requirement: a card below the requirement's, assigned to the developer."""
        return await self._ask(
            Call("POST", path_of("/requirements/{}/features", requirement_id), body=body, idempotency_key=idempotency_key),
            models.Feature,
        )


class Health(Resource):
    def get(self) -> models.HealthReport:
        """Whether everything that the platform depends on responds. The body has no envelope."""
        return self._ask(Call("GET", "/health", public=True, accepts=(503,), bare=True), models.HealthReport)


class AsyncHealth(AsyncResource):
    async def get(self) -> models.HealthReport:
        """Whether everything that the platform depends on responds. The body has no envelope."""
        return await self._ask(Call("GET", "/health", public=True, accepts=(503,), bare=True), models.HealthReport)


class Jwks(Resource):
    def get(self) -> models.KeySet:
        """The keys by which tokens of OAuth clients are verified (RFC 7517)."""
        return self._ask(Call("GET", "/.well-known/jwks.json", public=True, bare=True), models.KeySet)


class AsyncJwks(AsyncResource):
    async def get(self) -> models.KeySet:
        """The keys by which tokens of OAuth clients are verified (RFC 7517)."""
        return await self._ask(Call("GET", "/.well-known/jwks.json", public=True, bare=True), models.KeySet)


class Metrics(Resource):
    def get(
        self,
        *,
        time_range: Literal["1h", "6h", "24h", "7d", "30d"] | None = None,
        aggregation: Literal["1m", "5m", "1h"] | None = None,
    ) -> models.Metrics:
        """Show how the platform does: requests, their latency and errors, calls of tables, hits of caches. They are a
        minute old, or some.
        """
        return self._ask(Call("GET", "/metrics", query={"time_range": time_range, "aggregation": aggregation}), models.Metrics)


class AsyncMetrics(AsyncResource):
    async def get(
        self,
        *,
        time_range: Literal["1h", "6h", "24h", "7d", "30d"] | None = None,
        aggregation: Literal["1m", "5m", "1h"] | None = None,
    ) -> models.Metrics:
        """Show how the platform does: requests, their latency and errors, calls of tables, hits of caches. They are a
        minute old, or some.
        """
        return await self._ask(
            Call("GET", "/metrics", query={"time_range": time_range, "aggregation": aggregation}), models.Metrics
        )


class Oauth(Resource):
    def revoke(self, **body: Unpack[bodies.OauthRevokeForm]) -> models.Revoked:
        """End a token and what was given with it, at once (RFC 7009). A token that is not the client's changes nothing."""
        return self._ask(Call("POST", "/oauth/revoke", form=body, public=True), models.Revoked)

    def token(self, **body: Unpack[bodies.OauthTokenForm]) -> models.TokenAnswer:
        """Tokens for a code, for a refresh token, which is replaced, or for the client itself. A client says who it is by
        HTTP Basic or in the form. Errors have the form of RFC 6749.
        """
        return self._ask(Call("POST", "/oauth/token", form=body, public=True, bare=True), models.TokenAnswer)


class AsyncOauth(AsyncResource):
    async def revoke(self, **body: Unpack[bodies.OauthRevokeForm]) -> models.Revoked:
        """End a token and what was given with it, at once (RFC 7009). A token that is not the client's changes nothing."""
        return await self._ask(Call("POST", "/oauth/revoke", form=body, public=True), models.Revoked)

    async def token(self, **body: Unpack[bodies.OauthTokenForm]) -> models.TokenAnswer:
        """Tokens for a code, for a refresh token, which is replaced, or for the client itself. A client says who it is by
        HTTP Basic or in the form. Errors have the form of RFC 6749.
        """
        return await self._ask(Call("POST", "/oauth/token", form=body, public=True, bare=True), models.TokenAnswer)


class OauthClients(Resource):
    def create(self, *, idempotency_key: str | None = None, **body: Unpack[bodies.CreateClientRequest]) -> models.NewClient:
        """Register a client of the organization."""
        return self._ask(Call("POST", "/oauth/clients", body=body, idempotency_key=idempotency_key), models.NewClient)

    def delete(self, client_id: str) -> None:
        """Remove a client, for example one whose secret is known to others. Its own tokens end at once, those that people
        have allowed it within an hour.
        """
        self._do(Call("DELETE", path_of("/oauth/clients/{}", client_id)))


class AsyncOauthClients(AsyncResource):
    async def create(self, *, idempotency_key: str | None = None, **body: Unpack[bodies.CreateClientRequest]) -> models.NewClient:
        """Register a client of the organization."""
        return await self._ask(Call("POST", "/oauth/clients", body=body, idempotency_key=idempotency_key), models.NewClient)

    async def delete(self, client_id: str) -> None:
        """Remove a client, for example one whose secret is known to others. Its own tokens end at once, those that people
        have allowed it within an hour.
        """
        await self._do(Call("DELETE", path_of("/oauth/clients/{}", client_id)))


class Operations(Resource):
    def get(self, operation_id: str) -> models.Operation:
        """Get how far an operation is. Operations are kept for 30 days."""
        return self._ask(Call("GET", path_of("/operations/{}", operation_id)), models.Operation)

    def cancel(self, operation_id: str, *, idempotency_key: str | None = None) -> models.Operation:
        """Cancel an operation with its build, of which what runs is stopped within seconds, and with its deployment. A
        deployment that goes on gives the traffic back at once. If its target does not do it, the answer is 503, and the
        rollback can be repeated.
        """
        return self._ask(
            Call("POST", path_of("/operations/{}/cancel", operation_id), idempotency_key=idempotency_key), models.Operation
        )


class AsyncOperations(AsyncResource):
    async def get(self, operation_id: str) -> models.Operation:
        """Get how far an operation is. Operations are kept for 30 days."""
        return await self._ask(Call("GET", path_of("/operations/{}", operation_id)), models.Operation)

    async def cancel(self, operation_id: str, *, idempotency_key: str | None = None) -> models.Operation:
        """Cancel an operation with its build, of which what runs is stopped within seconds, and with its deployment. A
        deployment that goes on gives the traffic back at once. If its target does not do it, the answer is 503, and the
        rollback can be repeated.
        """
        return await self._ask(
            Call("POST", path_of("/operations/{}/cancel", operation_id), idempotency_key=idempotency_key), models.Operation
        )


class Organizations(Resource):
    def list(
        self,
        *,
        page: int | None = None,
        page_size: int | None = None,
        status: Literal["active", "inactive", "suspended"] | None = None,
        search: str | None = None,
        sort_by: Literal["name", "created_at", "updated_at"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
    ) -> Page[models.Organization]:
        """List the organizations that the caller administers; all of them for an administrator of the platform. The
        default `sort_order` is asc for names and desc (newest first) for times.
        """
        return self._list(
            Call(
                "GET",
                "/organizations",
                query={
                    "page": page,
                    "page_size": page_size,
                    "status": status,
                    "search": search,
                    "sort_by": sort_by,
                    "sort_order": sort_order,
                },
            ),
            models.Organization,
        )

    def create(self, *, idempotency_key: str | None = None, **body: Unpack[bodies.CreateOrganization]) -> models.Organization:
        """Create an organization with a default workspace, which is billed under the plan; the caller becomes its owner."""
        return self._ask(Call("POST", "/organizations", body=body, idempotency_key=idempotency_key), models.Organization)


class AsyncOrganizations(AsyncResource):
    async def list(
        self,
        *,
        page: int | None = None,
        page_size: int | None = None,
        status: Literal["active", "inactive", "suspended"] | None = None,
        search: str | None = None,
        sort_by: Literal["name", "created_at", "updated_at"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
    ) -> AsyncPage[models.Organization]:
        """List the organizations that the caller administers; all of them for an administrator of the platform. The
        default `sort_order` is asc for names and desc (newest first) for times.
        """
        return await self._list(
            Call(
                "GET",
                "/organizations",
                query={
                    "page": page,
                    "page_size": page_size,
                    "status": status,
                    "search": search,
                    "sort_by": sort_by,
                    "sort_order": sort_order,
                },
            ),
            models.Organization,
        )

    async def create(
        self, *, idempotency_key: str | None = None, **body: Unpack[bodies.CreateOrganization]
    ) -> models.Organization:
        """Create an organization with a default workspace, which is billed under the plan; the caller becomes its owner."""
        return await self._ask(Call("POST", "/organizations", body=body, idempotency_key=idempotency_key), models.Organization)


class Projects(Resource):
    def list(
        self,
        org_id: str,
        *,
        page: int | None = None,
        page_size: int | None = None,
        status: Literal["active", "archived", "deleted"] | None = None,
        search: str | None = None,
        sort_by: Literal["name", "created_at", "updated_at"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
    ) -> Page[models.Project]:
        """List the projects of all workspaces of an organization: those of the caller's workspaces, and of the others what
        is not private.
        """
        return self._list(
            Call(
                "GET",
                path_of("/organizations/{}/projects", org_id),
                query={
                    "page": page,
                    "page_size": page_size,
                    "status": status,
                    "search": search,
                    "sort_by": sort_by,
                    "sort_order": sort_order,
                },
            ),
            models.Project,
        )

    def create(self, org_id: str, *, idempotency_key: str | None = None, **body: Unpack[bodies.CreateProject]) -> models.Project:
        """Create a project with a board in the default workspace of an organization. Whoever has the scope
        `projects:write` may, so a developer too.
        """
        return self._ask(
            Call("POST", path_of("/organizations/{}/projects", org_id), body=body, idempotency_key=idempotency_key),
            models.Project,
        )

    def get(self, project_id: str) -> models.Project:
        """Get a project: of the caller's workspaces, an internal one of the organization, or a public one."""
        return self._ask(Call("GET", path_of("/projects/{}", project_id)), models.Project)

    def traceability(
        self,
        project_id: str,
        *,
        coverage_state: Literal["proven", "partial", "unproven"] | None = None,
        page: int | None = None,
        page_size: int | None = None,
    ) -> Page[models.RequirementCoverage]:
        """List the requirements of a project, oldest first, with what tests prove of them; `coverage_state=unproven`:
        those of which nothing is proven. What is archived is in it, what is deleted is not. Needs the scopes
        `features:read` and `tests:read`.
        """
        return self._list(
            Call(
                "GET",
                path_of("/projects/{}/traceability", project_id),
                query={"coverage_state": coverage_state, "page": page, "page_size": page_size},
            ),
            models.RequirementCoverage,
        )


class AsyncProjects(AsyncResource):
    async def list(
        self,
        org_id: str,
        *,
        page: int | None = None,
        page_size: int | None = None,
        status: Literal["active", "archived", "deleted"] | None = None,
        search: str | None = None,
        sort_by: Literal["name", "created_at", "updated_at"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
    ) -> AsyncPage[models.Project]:
        """List the projects of all workspaces of an organization: those of the caller's workspaces, and of the others what
        is not private.
        """
        return await self._list(
            Call(
                "GET",
                path_of("/organizations/{}/projects", org_id),
                query={
                    "page": page,
                    "page_size": page_size,
                    "status": status,
                    "search": search,
                    "sort_by": sort_by,
                    "sort_order": sort_order,
                },
            ),
            models.Project,
        )

    async def create(
        self, org_id: str, *, idempotency_key: str | None = None, **body: Unpack[bodies.CreateProject]
    ) -> models.Project:
        """Create a project with a board in the default workspace of an organization. Whoever has the scope
        `projects:write` may, so a developer too.
        """
        return await self._ask(
            Call("POST", path_of("/organizations/{}/projects", org_id), body=body, idempotency_key=idempotency_key),
            models.Project,
        )

    async def get(self, project_id: str) -> models.Project:
        """Get a project: of the caller's workspaces, an internal one of the organization, or a public one."""
        return await self._ask(Call("GET", path_of("/projects/{}", project_id)), models.Project)

    async def traceability(
        self,
        project_id: str,
        *,
        coverage_state: Literal["proven", "partial", "unproven"] | None = None,
        page: int | None = None,
        page_size: int | None = None,
    ) -> AsyncPage[models.RequirementCoverage]:
        """List the requirements of a project, oldest first, with what tests prove of them; `coverage_state=unproven`:
        those of which nothing is proven. What is archived is in it, what is deleted is not. Needs the scopes
        `features:read` and `tests:read`.
        """
        return await self._list(
            Call(
                "GET",
                path_of("/projects/{}/traceability", project_id),
                query={"coverage_state": coverage_state, "page": page, "page_size": page_size},
            ),
            models.RequirementCoverage,
        )


class Requirements(Resource):
    def create(
        self, project_id: str, *, idempotency_key: str | None = None, **body: Unpack[bodies.CreateRequirement]
    ) -> models.Requirement:
        """Create a requirement: an epic on the project's board."""
        return self._ask(
            Call("POST", path_of("/projects/{}/requirements", project_id), body=body, idempotency_key=idempotency_key),
            models.Requirement,
        )

    def get(self, requirement_id: str) -> models.Requirement:
        """Get a requirement."""
        return self._ask(Call("GET", path_of("/requirements/{}", requirement_id)), models.Requirement)

    def trace(self, requirement_id: str) -> models.Trace:
        """Trace a requirement: its criteria with the tests that prove them, its features, tests, builds and deployments.
        Needs the scopes `features:read`, `tests:read` and `deployments:read`.
        """
        return self._ask(Call("GET", path_of("/requirements/{}/trace", requirement_id)), models.Trace)


class AsyncRequirements(AsyncResource):
    async def create(
        self, project_id: str, *, idempotency_key: str | None = None, **body: Unpack[bodies.CreateRequirement]
    ) -> models.Requirement:
        """Create a requirement: an epic on the project's board."""
        return await self._ask(
            Call("POST", path_of("/projects/{}/requirements", project_id), body=body, idempotency_key=idempotency_key),
            models.Requirement,
        )

    async def get(self, requirement_id: str) -> models.Requirement:
        """Get a requirement."""
        return await self._ask(Call("GET", path_of("/requirements/{}", requirement_id)), models.Requirement)

    async def trace(self, requirement_id: str) -> models.Trace:
        """Trace a requirement: its criteria with the tests that prove them, its features, tests, builds and deployments.
        Needs the scopes `features:read`, `tests:read` and `deployments:read`.
        """
        return await self._ask(Call("GET", path_of("/requirements/{}/trace", requirement_id)), models.Trace)


class Testcases(Resource):
    def get(self, testcase_id: str, *, page: int | None = None, page_size: int | None = None) -> models.TestCaseWithHistory:
        """Get a test case with its flakiness and a page of its history, newest first."""
        return self._ask(
            Call("GET", path_of("/testcases/{}", testcase_id), query={"page": page, "page_size": page_size}),
            models.TestCaseWithHistory,
        )

    def set_criteria(self, testcase_id: str, **body: Unpack[bodies.SetCriteria]) -> models.TestCase:
        """Say which acceptance criteria a test case proves, in place of those before; a criterion that was reworded has to
        be named again.
        """
        return self._ask(Call("PUT", path_of("/testcases/{}/acceptance-criteria", testcase_id), body=body), models.TestCase)

    def record_result(
        self, testcase_id: str, *, idempotency_key: str | None = None, **body: Unpack[bodies.RecordResult]
    ) -> models.TestResult:
        """Record the result of a run of a test case."""
        return self._ask(
            Call("POST", path_of("/testcases/{}/results", testcase_id), body=body, idempotency_key=idempotency_key),
            models.TestResult,
        )


class AsyncTestcases(AsyncResource):
    async def get(self, testcase_id: str, *, page: int | None = None, page_size: int | None = None) -> models.TestCaseWithHistory:
        """Get a test case with its flakiness and a page of its history, newest first."""
        return await self._ask(
            Call("GET", path_of("/testcases/{}", testcase_id), query={"page": page, "page_size": page_size}),
            models.TestCaseWithHistory,
        )

    async def set_criteria(self, testcase_id: str, **body: Unpack[bodies.SetCriteria]) -> models.TestCase:
        """Say which acceptance criteria a test case proves, in place of those before; a criterion that was reworded has to
        be named again.
        """
        return await self._ask(Call("PUT", path_of("/testcases/{}/acceptance-criteria", testcase_id), body=body), models.TestCase)

    async def record_result(
        self, testcase_id: str, *, idempotency_key: str | None = None, **body: Unpack[bodies.RecordResult]
    ) -> models.TestResult:
        """Record the result of a run of a test case."""
        return await self._ask(
            Call("POST", path_of("/testcases/{}/results", testcase_id), body=body, idempotency_key=idempotency_key),
            models.TestResult,
        )


class Testresults(Resource):
    def get(self, result_id: str) -> models.TestResultWithLogs:
        """Get the result of a run with its logs."""
        return self._ask(Call("GET", path_of("/testresults/{}", result_id)), models.TestResultWithLogs)


class AsyncTestresults(AsyncResource):
    async def get(self, result_id: str) -> models.TestResultWithLogs:
        """Get the result of a run with its logs."""
        return await self._ask(Call("GET", path_of("/testresults/{}", result_id)), models.TestResultWithLogs)


class Tests(Resource):
    def list(self, feature_id: str, *, page: int | None = None, page_size: int | None = None) -> Page[models.TestCase]:
        """List the test cases of a feature, oldest first."""
        return self._list(
            Call("GET", path_of("/features/{}/tests", feature_id), query={"page": page, "page_size": page_size}), models.TestCase
        )

    def create(
        self, feature_id: str, *, idempotency_key: str | None = None, **body: Unpack[bodies.CreateTestCase]
    ) -> models.TestCase:
        """Create a test case of a feature. Its steps are numbered from 1 on without gaps."""
        return self._ask(
            Call("POST", path_of("/features/{}/tests", feature_id), body=body, idempotency_key=idempotency_key), models.TestCase
        )


class AsyncTests(AsyncResource):
    async def list(self, feature_id: str, *, page: int | None = None, page_size: int | None = None) -> AsyncPage[models.TestCase]:
        """List the test cases of a feature, oldest first."""
        return await self._list(
            Call("GET", path_of("/features/{}/tests", feature_id), query={"page": page, "page_size": page_size}), models.TestCase
        )

    async def create(
        self, feature_id: str, *, idempotency_key: str | None = None, **body: Unpack[bodies.CreateTestCase]
    ) -> models.TestCase:
        """Create a test case of a feature. Its steps are numbered from 1 on without gaps."""
        return await self._ask(
            Call("POST", path_of("/features/{}/tests", feature_id), body=body, idempotency_key=idempotency_key), models.TestCase
        )


class Webhooks(Resource):
    def list(self, *, page: int | None = None, page_size: int | None = None) -> Page[models.WebhookShape]:
        """List the webhooks of the caller's organization, oldest first: twenty at most."""
        return self._list(Call("GET", "/webhooks", query={"page": page, "page_size": page_size}), models.WebhookShape)

    def create(
        self, *, idempotency_key: str | None = None, **body: Unpack[bodies.CreateWebhookRequest]
    ) -> models.WebhookWithSecret:
        """Create a webhook of the caller's organization. The address must be https and in the public internet."""
        return self._ask(Call("POST", "/webhooks", body=body, idempotency_key=idempotency_key), models.WebhookWithSecret)

    def delete(self, webhook_id: str) -> None:
        """Delete a webhook, with what waits to be sent to it."""
        self._do(Call("DELETE", path_of("/webhooks/{}", webhook_id)))

    def get(self, webhook_id: str) -> models.WebhookShape:
        """Get a webhook, without its secret."""
        return self._ask(Call("GET", path_of("/webhooks/{}", webhook_id)), models.WebhookShape)

    def update(self, webhook_id: str, **body: Unpack[bodies.UpdateWebhookRequest]) -> models.WebhookShape:
        """Change a webhook. `active: false` pauses it: what happens meanwhile is not sent, what waits is kept for three
        days.
        """
        return self._ask(Call("PATCH", path_of("/webhooks/{}", webhook_id), body=body), models.WebhookShape)

    def deliveries(
        self, webhook_id: str, *, page: int | None = None, page_size: int | None = None
    ) -> Page[models.WebhookDelivery]:
        """List the deliveries of the last 30 days, newest first."""
        return self._list(
            Call("GET", path_of("/webhooks/{}/deliveries", webhook_id), query={"page": page, "page_size": page_size}),
            models.WebhookDelivery,
        )

    def delivery(self, webhook_id: str, delivery_id: str) -> models.DeliveryReport:
        """Get a delivery with its request and the answer to each attempt."""
        return self._ask(Call("GET", path_of("/webhooks/{}/deliveries/{}", webhook_id, delivery_id)), models.DeliveryReport)

    def redeliver(self, webhook_id: str, delivery_id: str, *, idempotency_key: str | None = None) -> models.WebhookDelivery:
        """Send a delivery that has ended once more, with the same `event_id`, as a new delivery."""
        return self._ask(
            Call(
                "POST", path_of("/webhooks/{}/deliveries/{}/redeliver", webhook_id, delivery_id), idempotency_key=idempotency_key
            ),
            models.WebhookDelivery,
        )

    def rotate_secret(self, webhook_id: str, *, idempotency_key: str | None = None) -> models.WebhookWithSecret:
        """Give a webhook a new secret. For 24 hours `webhook-signature` has a signature of each, and
        `X-Signature-256-Previous` that of the one before.
        """
        return self._ask(
            Call("POST", path_of("/webhooks/{}/rotate-secret", webhook_id), idempotency_key=idempotency_key),
            models.WebhookWithSecret,
        )

    def test(self, webhook_id: str, *, idempotency_key: str | None = None) -> models.WebhookDelivery:
        """Send the event `webhook.test`; the log has its delivery."""
        return self._ask(
            Call("POST", path_of("/webhooks/{}/test", webhook_id), idempotency_key=idempotency_key), models.WebhookDelivery
        )


class AsyncWebhooks(AsyncResource):
    async def list(self, *, page: int | None = None, page_size: int | None = None) -> AsyncPage[models.WebhookShape]:
        """List the webhooks of the caller's organization, oldest first: twenty at most."""
        return await self._list(Call("GET", "/webhooks", query={"page": page, "page_size": page_size}), models.WebhookShape)

    async def create(
        self, *, idempotency_key: str | None = None, **body: Unpack[bodies.CreateWebhookRequest]
    ) -> models.WebhookWithSecret:
        """Create a webhook of the caller's organization. The address must be https and in the public internet."""
        return await self._ask(Call("POST", "/webhooks", body=body, idempotency_key=idempotency_key), models.WebhookWithSecret)

    async def delete(self, webhook_id: str) -> None:
        """Delete a webhook, with what waits to be sent to it."""
        await self._do(Call("DELETE", path_of("/webhooks/{}", webhook_id)))

    async def get(self, webhook_id: str) -> models.WebhookShape:
        """Get a webhook, without its secret."""
        return await self._ask(Call("GET", path_of("/webhooks/{}", webhook_id)), models.WebhookShape)

    async def update(self, webhook_id: str, **body: Unpack[bodies.UpdateWebhookRequest]) -> models.WebhookShape:
        """Change a webhook. `active: false` pauses it: what happens meanwhile is not sent, what waits is kept for three
        days.
        """
        return await self._ask(Call("PATCH", path_of("/webhooks/{}", webhook_id), body=body), models.WebhookShape)

    async def deliveries(
        self, webhook_id: str, *, page: int | None = None, page_size: int | None = None
    ) -> AsyncPage[models.WebhookDelivery]:
        """List the deliveries of the last 30 days, newest first."""
        return await self._list(
            Call("GET", path_of("/webhooks/{}/deliveries", webhook_id), query={"page": page, "page_size": page_size}),
            models.WebhookDelivery,
        )

    async def delivery(self, webhook_id: str, delivery_id: str) -> models.DeliveryReport:
        """Get a delivery with its request and the answer to each attempt."""
        return await self._ask(Call("GET", path_of("/webhooks/{}/deliveries/{}", webhook_id, delivery_id)), models.DeliveryReport)

    async def redeliver(self, webhook_id: str, delivery_id: str, *, idempotency_key: str | None = None) -> models.WebhookDelivery:
        """Send a delivery that has ended once more, with the same `event_id`, as a new delivery."""
        return await self._ask(
            Call(
                "POST", path_of("/webhooks/{}/deliveries/{}/redeliver", webhook_id, delivery_id), idempotency_key=idempotency_key
            ),
            models.WebhookDelivery,
        )

    async def rotate_secret(self, webhook_id: str, *, idempotency_key: str | None = None) -> models.WebhookWithSecret:
        """Give a webhook a new secret. For 24 hours `webhook-signature` has a signature of each, and
        `X-Signature-256-Previous` that of the one before.
        """
        return await self._ask(
            Call("POST", path_of("/webhooks/{}/rotate-secret", webhook_id), idempotency_key=idempotency_key),
            models.WebhookWithSecret,
        )

    async def test(self, webhook_id: str, *, idempotency_key: str | None = None) -> models.WebhookDelivery:
        """Send the event `webhook.test`; the log has its delivery."""
        return await self._ask(
            Call("POST", path_of("/webhooks/{}/test", webhook_id), idempotency_key=idempotency_key), models.WebhookDelivery
        )


class Resources(Session):
    """Every resource of the API."""

    def _open(self, transport: Transport) -> None:
        self.api_keys = ApiKeys(transport)
        self.builds = Builds(transport)
        self.deployments = Deployments(transport)
        self.environments = Environments(transport)
        self.features = Features(transport)
        self.health = Health(transport)
        self.jwks = Jwks(transport)
        self.metrics = Metrics(transport)
        self.oauth = Oauth(transport)
        self.oauth_clients = OauthClients(transport)
        self.operations = Operations(transport)
        self.organizations = Organizations(transport)
        self.projects = Projects(transport)
        self.requirements = Requirements(transport)
        self.testcases = Testcases(transport)
        self.testresults = Testresults(transport)
        self.tests = Tests(transport)
        self.webhooks = Webhooks(transport)


class AsyncResources(AsyncSession):
    """Every resource of the API."""

    def _open(self, transport: AsyncTransport) -> None:
        self.api_keys = AsyncApiKeys(transport)
        self.builds = AsyncBuilds(transport)
        self.deployments = AsyncDeployments(transport)
        self.environments = AsyncEnvironments(transport)
        self.features = AsyncFeatures(transport)
        self.health = AsyncHealth(transport)
        self.jwks = AsyncJwks(transport)
        self.metrics = AsyncMetrics(transport)
        self.oauth = AsyncOauth(transport)
        self.oauth_clients = AsyncOauthClients(transport)
        self.operations = AsyncOperations(transport)
        self.organizations = AsyncOrganizations(transport)
        self.projects = AsyncProjects(transport)
        self.requirements = AsyncRequirements(transport)
        self.testcases = AsyncTestcases(transport)
        self.testresults = AsyncTestresults(transport)
        self.tests = AsyncTests(transport)
        self.webhooks = AsyncWebhooks(transport)
