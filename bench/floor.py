"""The minimum cost of FastAPI, Mangum and a DynamoDB client: one route, and of our code only the part that shortens imports."""

from typing import Any

import functions  # isort: skip  # noqa: F401 - hands over what was kept
from shared.core import start  # isort: skip

import botocore.session
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from mangum import Mangum

client = botocore.session.get_session().create_client("dynamodb")


class _One:
    """The endpoint, as an object and not a function: that saves 60 ms (see `shared.edge.http.routing`)."""

    async def __call__(self) -> JSONResponse:
        item = client.get_item(TableName="core", Key={"PK": {"S": "x"}, "SK": {"S": "y"}}).get("Item", {})
        return JSONResponse({name: next(iter(value.values())) for name, value in item.items()})


app = FastAPI(openapi_url=None)
app.add_api_route("/one", _One(), name="one", response_model=None)
_mangum = Mangum(app, lifespan="off")
start.finish()


def handler(event: dict[str, Any], context: Any) -> Any:
    return _mangum(event, context)
