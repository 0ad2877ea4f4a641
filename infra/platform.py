"""All stacks of one deployment."""

from pathlib import Path

from aws_cdk import App, Tags

from infra.backend import Backend
from infra.data import Data
from infra.function import Functions
from infra.names import CONTRACTS, PROJECT
from infra.rest_api import RestApi
from infra.routes import Code
from infra.settings import Settings
from infra.socket import Socket
from infra.watch import Watch


def compose(app: App, settings: Settings, code: Code, package: Path, agent: Path | None = None) -> None:
    """Add every stack to `app`. `package` is the zip of the functions' code, `agent` that of the sandbox agent."""
    data = Data(app, settings)
    functions = Functions(settings, data, package)
    socket = Socket(app, functions)
    if settings.sandboxes and agent is not None:
        from infra.sandbox_runtime import SandboxRuntime

        functions.sandbox_runtime = SandboxRuntime(app, settings, agent).runtime.attr_agent_runtime_arn
    backend = Backend(app, functions, data, code)
    apis = {contract.name: RestApi(app, settings, contract, code.routes, functions.by_name) for contract in CONTRACTS}
    Watch(app, settings, functions, data, backend, socket, apis)
    if not settings.local:
        from infra.account import Account
        from infra.edge import Edge

        if settings.gateway_log_role:
            account = Account(app, settings)
            for stack in (socket, *apis.values()):
                stack.add_stack_dependency(account)
        Edge(app, settings, apis, socket, data.edge_key)
    Tags.of(app).add("project", PROJECT)
    Tags.of(app).add("stage", settings.stage)
    Tags.of(app).add("deployment", settings.deployment)
