"""A workspace through everything that is deployed: who comes is told on its socket; what is deleted takes its agents and sockets with it,
by stream and queue."""

import asyncio
from typing import Any

from aiohttp import ClientSession, WSMsgType

from local.stack import LocalStack
from tests.stack.test_journey import mail_to, token_in
from tests.stack.test_redrive import resource
from tests.stack.test_sockets import Person, board_of, hear, join
from tests.waiting import eventually, eventually_async

TIMEOUT = 90  # seconds: of a busy machine


async def invited(ada: Person, eve: Person, email: str) -> dict[str, Any]:
    body = {"email": email, "role": "viewer"}
    made = await ada.call("agentworks", "POST", f"/workspaces/{ada.ws_id}/members/invite", body)
    token = made["invitationUrl"].rpartition("token=")[2]
    path = f"/workspaces/{ada.ws_id}/invitations/{token}/accept"
    member: dict[str, Any] = await eve.call("agentworks", "POST", path, {"token": token})
    return member


async def _lives_and_goes(stack: LocalStack) -> None:
    async with ClientSession() as session:
        ada, eve = await join(stack, session, "ada"), await join(stack, session, "eve")
        settings = {"requireApprovalForAgentRuns": True}
        made = await ada.call(
            "agentworks", "POST", "/workspaces", {"name": "Brief", "slug": f"brief-{ada.id}", "settings": settings}
        )
        ada.ws_id = made["id"]
        _, board, lanes = await board_of(ada)
        mail = (await eve.call("agentworks", "GET", "/auth/me"))["email"]
        own = (await ada.call("agentworks", "GET", "/auth/me"))["email"]
        token = token_in(await asyncio.to_thread(mail_to, stack, own, "Confirm"))
        await ada.call("agentworks", "POST", "/auth/verify-email", {"token": token})
        async with ada.socket("agentworks", f"/api/workspaces/{ada.ws_id}/events") as socket:
            member = await invited(ada, eve, mail)
            told = await hear(socket, "member_joined", within=TIMEOUT)
            assert (told["data"]["member"]["id"], told["data"]["role"]) == (eve.id, member["role"])
            card = await ada.call(
                "agentworks", "POST", f"/boards/{board}/cards", {"laneId": lanes[1]["id"], "title": "A card", "type": "doc"}
            )
            started = await ada.call("agentworks", "POST", f"/cards/{card['id']}/agents/prd/run", {})
            await _waits(ada, started["run"]["id"])

            await ada.call("agentworks", "DELETE", f"/workspaces/{ada.ws_id}")
            async with session.get(
                f"{stack.url('agentworks')}/cards/{card['id']}", headers={"Authorization": f"Bearer {eve.token}"}
            ) as gone:
                assert gone.status == 404
            async with asyncio.timeout(TIMEOUT):
                while (await socket.receive()).type not in {WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED}:
                    pass
        table, rows = resource(stack, "data", "Core"), stack.boto("dynamodb")

        def row(pk: str) -> dict[str, Any]:
            key = {"PK": {"S": pk}, "SK": {"S": "META"}}
            found: dict[str, Any] = rows.get_item(TableName=table, Key=key, ConsistentRead=True)["Item"]
            return found

        eventually(lambda: row(f"WS#{ada.ws_id}"), lambda found: "cleared_at" in found, TIMEOUT)
        run = row(f"RUN#{started['run']['id']}")
        assert (run["status"]["S"], run["error_message"]["S"]) == ("cancelled", "The workspace was deleted")
        machine = stack.boto("stepfunctions")
        arn = run["execution"]["S"]
        eventually(lambda: machine.describe_execution(executionArn=arn)["status"], lambda status: status == "ABORTED", TIMEOUT)


async def _waits(person: Person, run_id: str) -> None:
    await eventually_async(
        lambda: person.call("agentworks", "GET", f"/runs/{run_id}"),
        lambda run: run["executionMetadata"].get("waitingFor") == "approval",
        TIMEOUT,
    )


def test_a_workspace_lives_and_goes(stack: LocalStack) -> None:
    asyncio.run(_lives_and_goes(stack))
