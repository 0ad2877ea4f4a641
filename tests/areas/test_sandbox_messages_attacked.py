"""Messages between sandboxes under races, floods and loops, and what one costs."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from bench.trips import costing
from shared.core.errors import Conflict
from shared.core.ids import new_id
from shared.sandboxes.lifecycle.rows import STOPPED
from shared.sandboxes.messages.broadcasting import NewBroadcast, broadcast_message, write_messages
from shared.sandboxes.messages.receiving import acknowledge, respond
from shared.sandboxes.messages.rows import Pair
from shared.sandboxes.messages.sending import NewMessage, send_message
from shared.store import get
from tests.areas.boards_world import put_on_plan
from tests.areas.sandbox_links import Agent, new_agent
from tests.areas.sandbox_post import heard, wakes, work
from tests.kills import concurrently
from tests.samples.sandboxes import in_status

pytestmark = pytest.mark.usefixtures("no_machine")


def waiting(sender: Agent, recipient: Agent) -> int:
    return int(get(Pair, f"PAIR#{sender.id}", recipient.id).waiting)


def test_forty_at_once_have_numbers_of_their_own_and_the_same_id_is_one(world, post, pair):
    one, two = pair
    same = new_id()

    def send(number: int) -> str:
        message_id = same if number % 2 else new_id()
        return send_message(world.actor, one.id, NewMessage(two.id, "notification", number, message_id=message_id)).id

    with ThreadPoolExecutor(20) as pool:
        ids = set(pool.map(send, range(40)))
    assert len(ids) == waiting(one, two) == 21
    numbers: list[int] = []
    for _ in range(21):
        post.carry()
        for told in heard(two):
            numbers.append(told["number"])
            two.say("ack", message_id=told["message_id"])
    assert numbers == sorted(set(numbers))
    assert len(numbers) == 21
    assert waiting(one, two) == 0


def test_of_forty_answers_and_acknowledgements_at_once_one_answer_is_there(world, post, pair):
    one, two = pair
    asked = post.sent(one, two.id)
    answers = [new_id(), new_id()]

    def say(number: int) -> str:
        try:
            if number % 2:
                return str(acknowledge(two.id, asked).status)
            return respond(two.id, answers[number // 2 % 2], asked, None, "done").id
        except Conflict:
            return "conflict"

    with ThreadPoolExecutor(20) as pool:
        said = list(pool.map(say, range(40)))
    (kept,) = {one for one in said if one in answers}
    assert (said.count("delivered"), said.count(kept), said.count("conflict")) == (20, 10, 10)
    assert post.row(asked).response_id == kept
    assert (waiting(one, two), waiting(two, one)) == (0, 1)


def test_an_acknowledgement_while_the_worker_gives_up_leaves_one_end(post, pair, late):
    one, two = pair
    sent = post.sent(one, two.id)
    for seconds in (3, 5):
        post.carry()
        late.shift(seconds)
    post.carry()
    late.shift(9)
    with concurrently(lambda: acknowledge(two.id, sent)):
        work([{"sandbox": two.id}])
    assert post.row(sent).status == "delivered"
    assert waiting(one, two) == 0


def test_a_broadcast_to_a_hundred_is_written_once_by_two_workers(gateway, world, post):
    put_on_plan(world.ws_id, max_sandboxes=1_000)
    agents = [new_agent(gateway, world, f"team-{number}") for number in range(100)]
    for agent in agents:
        in_status(agent.id, STOPPED)
    new = NewBroadcast(agents[0].id, "notification", {"event": "x"})
    with costing() as asked:
        sent = broadcast_message(world.actor, world.ws_id, new).broadcast
    assert asked.trips <= 4  # however many there are
    assert not write_messages(sent.id, 0)  # its time is up after thirty
    with concurrently(lambda: write_messages(sent.id, float("inf"))):
        assert write_messages(sent.id, float("inf"))
    assert [waiting(agents[0], agent) for agent in agents] == [1] * 100


def test_a_thousand_wakes_for_one_sandbox_are_looked_at_once_for_ten(post, pair):
    one, two = pair
    post.sent(one, two.id)
    post.stream.flow()
    wakes()
    with costing() as cost:
        work([{"sandbox": two.id}] * 1_000)
    assert cost.names.count("Query") == 100
    assert len(heard(two)) == 1


def test_what_a_message_costs(post, pair, late):
    one, two = pair
    post.sent(one, two.id)
    post.carry()
    two.say("ack", message_id=heard(two)[0]["message_id"])
    post.carry()  # windows of rates and blocks of lists have begun
    late.shift(3)
    post.carry()
    with costing() as cost:
        sent = post.sent(one, two.id, {"task": "x"})
        post.carry()
        two.say("ack", message_id=sent)
        post.carry()
        late.shift(3)
        post.carry()
    assert post.row(sent).status == "delivered"
    assert cost.writes <= 62  # sent 15, its event 13, taken for a try 6, acknowledged 14, its event 12
    assert cost.reads <= 24
