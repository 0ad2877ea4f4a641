"""The whole deployment, composed in one place."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aws_cdk import App, Tags

from infra.backend import Backend
from infra.bundling import bundle
from infra.data import Data
from infra.function import Functions
from infra.names import CONTRACTS, PROJECT
from infra.rest_api import RestApi
from infra.routes import Code, found
from infra.settings import Settings
from infra.socket import Socket
from infra.watch import Watch


def compose(app: App, settings: Settings, code: Code | None = None, package: Path | None = None) -> None:
    """Add every stack to `app`, for the code that is there and its package (or for what a test gives)."""
    code = code or found()
    package = package or bundle(settings.bundle, settings.architecture)
    data = Data(app, settings)
    functions = Functions(settings, data, package)
    socket = Socket(app, functions, present="ws" in code.workers)
    backend = Backend(app, functions, data, code)
    apis = {
        contract.name: RestApi(app, settings, contract, code.routes, functions.made)
        for contract in CONTRACTS
    }
    Watch(app, settings, functions, data, backend, socket, apis)
    if not settings.local:
        from infra.account import Account
        from infra.edge import Edge

        if settings.gateway_log_role:
            account = Account(app, settings)
            for stack in (socket, *apis.values()):
                stack.add_stack_dependency(account)
        Edge(app, settings, apis, socket)
    Tags.of(app).add("project", PROJECT)
    Tags.of(app).add("stage", settings.stage)
    Tags.of(app).add("deployment", settings.deployment)


def synthesize(context: Mapping[str, Any], environment: Mapping[str, str] = os.environ, outdir: Path | None = None) -> Path:
    """Write the cloud assembly; answers its folder. No network, no Docker, no CDK CLI."""
    from infra.settings import load

    app = App(context=dict(context), analytics_reporting=False, outdir=str(outdir) if outdir else None)
    merged = dict(context) | {key: app.node.try_get_context(key) for key in _keys() if app.node.try_get_context(key) is not None}
    compose(app, load(merged, environment))
    return Path(app.synth().directory)


def _keys() -> list[str]:
    from dataclasses import fields

    from infra.settings import camel

    return [camel(each.name) for each in fields(Settings)]
