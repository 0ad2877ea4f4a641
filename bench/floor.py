"""The least that FastAPI and Mangum cost with a DynamoDB client: one route, nothing of ours but what makes their import shorter."""

from typing import Any

from shared.edge.http import cold_start  # isort: skip

import botocore.session
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from mangum import Mangum

client = botocore.session.get_session().create_client("dynamodb")


class _One:
    """An object and not a function, for the reason that `shared.edge.http.routing` gives: 60 ms less."""

    async def __call__(self) -> JSONResponse:
        item = client.get_item(TableName="core", Key={"PK": {"S": "x"}, "SK": {"S": "y"}}).get("Item", {})
        return JSONResponse({name: next(iter(value.values())) for name, value in item.items()})


app = FastAPI(openapi_url=None)
app.add_api_route("/one", _One(), name="one", response_model=None)
_mangum = Mangum(app, lifespan="off")
cold_start.finish()


def handler(event: dict[str, Any], context: Any) -> Any:
    return _mangum(event, context)
