"""The entry of an API function: the event names the contract, the contract's module is loaded when it is first asked for.

handler = door("cards", agentworks="functions.cards.agentworks", omoios="functions.cards.omoios")
"""

import asyncio
import atexit
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from mangum import Mangum

from shared.edge.contracts import contract as contract_named
from shared.edge.http import cold_start
from shared.edge.http.event import RestEvent

if TYPE_CHECKING:
    from fastapi import FastAPI

    from shared.edge.http.routing import Routes


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """The one event loop that requests run on. Mangum takes the thread's current one, and newer Pythons no longer make it."""
    loop = asyncio.new_event_loop()
    atexit.register(loop.close)
    return loop


class LambdaHandler:
    """A Lambda handler for one area; `contracts` maps each contract it serves to the module that declares its routes."""

    def __init__(self, area: str, contracts: dict[str, str]) -> None:
        self.area, self.contracts = area, contracts
        self._open: dict[str, Mangum] = {}

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Answer an API Gateway REST event. The stage variable `contract` says whose request it is."""
        name = (event.get("stageVariables") or {}).get("contract", "")
        asyncio.set_event_loop(_loop())  # before Mangum is made, which otherwise makes a loop that nobody closes
        if name not in self._open:
            self._open[name] = self._build(name)
        answer: dict[str, Any] = self._open[name](event, context)
        if event["httpMethod"] == "HEAD":
            answer |= {"body": "", "isBase64Encoded": False}
        return answer

    def routes(self, name: str) -> "Routes":
        """The routes this area declares for a contract."""
        found: Routes = import_module(self.contracts[name]).routes
        return found

    def warm_up(self) -> None:
        """Make ready what the first request needs, while the function starts: then it has a whole processor, later what its memory
        buys. One request that leads nowhere goes through the first contract's app; no table is asked."""
        from shared.store.client import dynamodb

        name = next(iter(self.contracts))
        self({"httpMethod": "GET", "path": "/-", "stageVariables": {"contract": name}}, None)
        dynamodb()

    def _build(self, name: str) -> Mangum:
        from shared.edge.http.application import application

        served = contract_named(name)
        app: FastAPI = application(served, self.routes(name).operations)
        return Mangum(app, lifespan="off", api_gateway_base_path=served.base, custom_handlers=[RestEvent])


def lambda_handler(area: str, **contracts: str) -> LambdaHandler:
    made = LambdaHandler(area, contracts)
    if cold_start.ON_LAMBDA:
        made.warm_up()
        cold_start.finish()
    return made
