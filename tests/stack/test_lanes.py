"""A card from idea to done, through all eleven lanes, an agent at work in each of them."""

from local.stack import LocalStack
from tests.stack.test_journey import ENDED, Person, Row, micros, sign_up, with_a_board
from tests.waiting import eventually

AT_WORK = [
    "ceo_copilot", "prd", "research", "architect", "planner", "devops", "dev_backend", "qa", "deployment", "documentation", "refactor",
]  # fmt: skip


def worked_on(ada: Person, card: str, lane: int) -> Row:
    """The run of the lane's agent, once it has ended: the lane starts its own, the others are asked for."""
    agent = AT_WORK[lane]
    assert ada.lanes[lane].get("autoTriggerAgent") in (agent, None)
    if lane == 0 or ada.lanes[lane].get("autoTriggerAgent") is None:
        ada.start(card, agent)

    def runs() -> list[Row]:
        return [run for run in ada("GET", f"/cards/{card}/runs", limit=50)["runs"] if run["agent"]["name"] == agent]

    (run,) = eventually(runs, lambda found: found and found[0]["status"] in ENDED)
    return dict(ada("GET", f"/runs/{run['id']}"))


def test_from_idea_to_done(stack: LocalStack) -> None:
    ada = with_a_board(sign_up(stack, "ada"))
    ada("PUT", f"/workspaces/{ada.workspace}/billing", {"plan": "pro"})  # eleven runs in a day
    card = ada.card(0)
    runs = []
    for lane in range(11):
        if lane:
            moved = ada("POST", f"/cards/{card}/move", {"toLaneId": ada.lanes[lane]["id"], "reason": "It is ready for this"})
            assert moved["laneId"] == ada.lanes[lane]["id"]
        run = worked_on(ada, card, lane)
        assert run["status"] == "completed", run
        assert run["resultSummary"], lane
        runs.append(run)
    done = ada("PUT", f"/cards/{card}", {"status": "done"})
    assert (done["status"], bool(done["completedAt"])) == ("done", True)
    assert ada.at("omoios")("GET", f"/tickets/{card}")["status"] == "done"

    assert len({run["resultSummary"] for run in runs}) == len(runs)  # nobody says the same
    documents = {made["title"] for run in runs for made in (run["resultData"] or {}).get("documents", [])}
    assert len(documents) >= 6
    month = ada("GET", f"/workspaces/{ada.workspace}/usage")["summary"]
    assert micros(month["totalPrice"]) == sum(micros(run["customerPrice"]) for run in runs)
    assert micros(month["totalCost"]) == sum(micros(run["providerCost"]) for run in runs)
    activities = ada("GET", f"/cards/{card}/activities", limit=100)["activities"]
    assert {"created", "moved", "agent_run", "commented"} <= {one["type"] for one in activities}
    assert len([one for one in activities if one["type"] == "moved"]) >= 10
