"""The entry of an API function: the event names the contract, whose module is loaded at its first request.

handler = lambda_handler("cards", agentworks="functions.cards.agentworks", omoios="functions.cards.omoios")
"""

import asyncio
import atexit
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from mangum import Mangum

from shared.core import start
from shared.edge.contracts import contract as get_contract
from shared.edge.http.event import RestEvent

if TYPE_CHECKING:
    from fastapi import FastAPI

    from shared.edge.http.routing import Routes


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """Return the one event loop for all requests. Mangum uses the thread's current loop, and newer Pythons no longer create one."""
    loop = asyncio.new_event_loop()
    atexit.register(loop.close)
    return loop


class LambdaHandler:
    """A Lambda handler for one area; `contracts` maps each served contract to the module that declares its routes."""

    def __init__(self, area: str, contracts: dict[str, str]) -> None:
        self.area, self.contracts = area, contracts
        self._apps: dict[str, Mangum] = {}

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Handle an API Gateway REST event. The stage variable `contract` names the contract."""
        name = (event.get("stageVariables") or {}).get("contract", "")
        asyncio.set_event_loop(_loop())  # before Mangum, which would otherwise create a loop that nobody closes
        if name not in self._apps:
            self._apps[name] = self._build(name)
        response: dict[str, Any] = self._apps[name](event, context)
        if event["httpMethod"] == "HEAD":
            response |= {"body": "", "isBase64Encoded": False}
        return response

    def routes(self, name: str) -> "Routes":
        """Return the routes that this area declares for a contract."""
        routes: Routes = import_module(self.contracts[name]).routes
        return routes

    def warm_up(self) -> None:
        """Prepare what the first request needs while the function starts, because it has a full processor only then.

        Sends one request to an unknown path through the first contract's app; no table is read.
        """
        from shared.store.client import dynamodb

        name = next(iter(self.contracts))
        self({"httpMethod": "GET", "path": "/-", "stageVariables": {"contract": name}}, None)
        dynamodb()

    def _build(self, name: str) -> Mangum:
        from shared.edge.http.application import application

        contract = get_contract(name)
        routes = self.routes(name)
        app: FastAPI = application(contract, routes.operations, retired=routes.retired)
        return Mangum(app, lifespan="off", api_gateway_base_path=contract.base, custom_handlers=[RestEvent])


def lambda_handler(area: str, **contracts: str) -> LambdaHandler:
    lambda_function = LambdaHandler(area, contracts)
    if start.ON_LAMBDA:
        lambda_function.warm_up()
        start.finish()
    return lambda_function
