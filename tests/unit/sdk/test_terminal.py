"""The Python client's terminal: a log without a gap, also over several connections; against a socket server on loopback."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from ai_agents import Retries, errors
from ai_agents.agentworks import AgentWorks, AsyncAgentWorks

RUN = "run-1"


def entry(number, run_id=RUN):
    return {"runId": run_id, "seq": number, "message": f"line {number}", "level": "info"}


def log_entry(number, run_id=RUN):
    return {"type": "log_entry", "data": entry(number, run_id)}


def batch(*numbers):
    return {"type": "logs_batch", "data": [entry(one) for one in numbers]}


def ended(last):
    return {"type": "run_status", "data": {"runId": RUN, "status": "completed", "lastSequence": last}}


class Sockets:
    """Each connection gets the next list of messages and is closed then; `asked` is what clients said first."""

    def __init__(self, *connections, status=None):
        self.connections, self.status, self.asked, self.paths = list(connections), status, [], []

    def serve(self, connection: ServerConnection) -> None:
        self.asked.append(json.loads(connection.recv()))
        for message in self.connections.pop(0):
            connection.send(json.dumps(message))

    def refuse(self, connection: ServerConnection, request: Request) -> Response | None:
        self.paths.append(request.path)
        return connection.respond(self.status, "no") if self.status else None

    @contextmanager
    def url(self) -> Iterator[str]:
        with serve(self.serve, "127.0.0.1", 0, process_request=self.refuse) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.socket.getsockname()[1]}/agentworks/v1"
            finally:
                server.shutdown()
                thread.join()


def waiting(url, slept, retries, **who):
    with AgentWorks(base_url=url, sleep=slept.append, retries=retries, **who) as client:
        return [line.text for line in client.follow_run("card-1", RUN)]


def awaiting(url, slept, retries, **who):
    async def sleep(seconds):
        slept.append(seconds)

    async def lines():
        async with AsyncAgentWorks(base_url=url, sleep=sleep, retries=retries, **who) as client:
            return [line.text async for line in client.follow_run("card-1", RUN)]

    return asyncio.run(lines())


@pytest.fixture(params=[waiting, awaiting])
def follow(request):
    def run(sockets, retries=None, **who):
        with sockets.url() as url:
            return request.param(url, slept, retries or Retries(), **(who or {"token": "t+1"}))

    slept: list[float] = []
    run.slept = slept
    return run


def test_lines_come_in_order_whatever_the_socket_does(follow):
    sockets = Sockets(
        [{"type": "connected", "data": {}}, log_entry(2), log_entry(7, "run-2"), batch(1, 2), ended(4), batch(3, 4)]
    )
    assert follow(sockets) == ["line 1", "line 2", "line 3", "line 4"]
    assert sockets.asked == [{"type": "subscribe_run", "runId": RUN, "fromSequence": 1}]
    assert sockets.paths == ["/agentworks/api/cards/card-1/terminal?token=t%2B1"]


def test_after_a_break_the_next_connection_goes_on_where_the_last_one_ended(follow):
    sockets = Sockets([log_entry(1)], [], [log_entry(2)], [], [batch(2, 3), ended(3)])
    assert follow(sockets, Retries(attempts=2)) == ["line 1", "line 2", "line 3"]
    assert [one["fromSequence"] for one in sockets.asked] == [1, 2, 2, 3, 3]
    assert len(follow.slept) == 4


def test_a_socket_that_never_says_anything_is_given_up(follow):
    with pytest.raises(errors.APIConnectionError, match="broke off"):
        follow(Sockets([], [], []), Retries(attempts=2))
    with pytest.raises(errors.APIConnectionError, match="503"):
        follow(Sockets(status=503), Retries(attempts=1))


@pytest.mark.parametrize(("status", "kind"), [(401, errors.AuthenticationError), (404, errors.NotFoundError)])
def test_a_refusal_is_the_platforms_and_not_repeated(follow, status, kind):
    sockets = Sockets(status=status)
    with pytest.raises(kind):
        follow(sockets)
    assert len(sockets.paths) == 1


def test_a_run_of_another_card_is_an_error(follow):
    refused = {"type": "error", "data": {"code": "NOT_FOUND", "message": "There is no such run"}}
    with pytest.raises(errors.UnexpectedAnswerError, match=r"There is no such run \(NOT_FOUND\)"):
        follow(Sockets([refused]))


def test_an_api_key_opens_no_terminal(follow):
    with pytest.raises(ValueError, match="needs a token"):
        follow(Sockets(), api_key="sk-1")
