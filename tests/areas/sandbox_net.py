"""A net of sandboxes that goes wrong: it loses, doubles and delays what is said, and everybody in it may die at any write."""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

import time_machine
from moto.dynamodb.models import dynamodb_backends

from shared.core import clock
from shared.core.ids import bare_id, derived_id, new_id
from shared.edge.reactions import parse_change, sandbox_messages
from shared.sandboxes.lifecycle.creating import NewSandbox, create_sandbox
from shared.sandboxes.lifecycle.rows import RUNNING, Link
from shared.sandboxes.messages import delivering, receiving, sending
from shared.sandboxes.messages.changing import retry_message
from shared.sandboxes.messages.rows import DELIVERED, FAILED, TIMEOUT, Line, MessageHead, Pair
from shared.sandboxes.messages.wakes import wake
from shared.store import fetch, get, put, query, write
from tests.areas.boards_world import World
from tests.areas.sandbox_post import wakes, work
from tests.areas.viewers import Gateway, stream_record
from tests.kills import crash_at_write
from tests.samples.sandboxes import TEAM, in_status
from tests.snapshots import ACCOUNT, REGION

FAR = float("inf")
WRITES = 3
"""A killed call dies at one of its first writes."""


@dataclass(frozen=True)
class Faults:
    """How likely each fault is."""

    lose_frame: float = 0.1
    lose_ack: float = 0.1
    double: float = 0.1
    delay: float = 0.2
    lose_wake: float = 0.05
    kill: float = 0.15
    die: float = 0.02


NONE = Faults(0, 0, 0, 0, 0, 0, 0)


@dataclass
class FakeAgent:
    """A sandbox's agent: its journal outlives it, as a file does. `effects` are the messages that it has worked on, in order."""

    id: str
    connection: str | None = None
    journal: set[str] = field(default_factory=set)
    effects: list[tuple[str, str]] = field(default_factory=list)
    later: list[tuple[str, ...]] = field(default_factory=list)
    """What it will say: acknowledgements and answers."""


class Net:
    def __init__(self, world: World, gateway: Gateway, clock_: time_machine.Traveller, random: Random, size: int) -> None:
        self.world, self.gateway, self.clock, self.random = world, gateway, clock_, random
        self.agents = {one.id: one for one in (self._agent() for _ in range(size))}
        self.sent: list[str] = []
        self.seen: dict[str, dict[str, Any]] = {}
        self.open: set[str] = set()
        self.faults = Faults()
        self.frames = 0
        self.killed = 0
        self.job_at = 0
        self.revived: set[str] = set()
        """Messages that failed for a time: what was sent after them went on."""

    # -- the sandboxes

    def _agent(self) -> FakeAgent:
        made = create_sandbox(self.world.actor, self.world.ws_id, NewSandbox(new_id(), TEAM["agent_config"]))
        in_status(made.id, RUNNING)
        agent = FakeAgent(made.id)
        self._connect(agent)
        return agent

    def _connect(self, agent: FakeAgent) -> None:
        agent.connection = f"{new_id()[-12:]}="
        link = Link.of(agent.id)
        link.start_number, link.connection = 1, agent.connection
        write(put(link))

    def _die(self, agent: FakeAgent) -> None:
        """What it had not said yet is said after its next start; frames on their way are gone."""
        self.gateway.answers[str(agent.connection)] = [410] * 10_000
        self.gateway.frames.pop(str(agent.connection), None)
        agent.connection = None

    def _begin(self, agent: FakeAgent) -> None:
        self._connect(agent)
        wake(agent.id)  # it says that it is ready

    def _listen(self, agent: FakeAgent) -> None:
        frames, self.gateway.frames[str(agent.connection)] = self.gateway.frames[str(agent.connection)], []
        for text in frames:
            self.frames += 1
            if self._is("lose_frame"):
                continue
            told = json.loads(text)["data"]
            message_id = bare_id(told["message_id"])
            if message_id not in agent.journal:
                agent.journal.add(message_id)
                agent.effects.append((bare_id(told["from_sandbox"]), message_id))
                if told["requires_response"]:
                    agent.later.append(("respond", message_id))
            if not self._is("lose_ack"):
                agent.later += [("ack", message_id)] * (2 if self._is("double") else 1)

    def _speak(self, agent: FakeAgent) -> None:
        said, agent.later = agent.later, []
        for what, message_id in said:
            if self._is("delay"):
                agent.later.append((what, message_id))
            elif what == "ack":
                self._alive(lambda message_id=message_id: receiving.acknowledge(agent.id, message_id))
            else:
                answer_id = derived_id("response", message_id)
                self.open.add(answer_id)
                done = self._alive(
                    lambda message_id=message_id, answer_id=answer_id: receiving.respond(
                        agent.id, answer_id, message_id, None, "done"
                    )
                )
                if not done:  # by HTTP, until it is answered
                    agent.later.append((what, message_id))

    # -- the platform

    def send(self) -> None:
        one, two = self.random.sample(sorted(self.agents), 2)
        message_id = new_id()
        new = sending.NewMessage(
            two,
            self.random.choice(["request", "notification"]),
            len(self.sent),
            priority=self.random.randrange(10),
            timeout_seconds=300,
            message_id=message_id,
        )
        self.open.add(message_id)
        while not self._alive(lambda: sending.send_message(self.world.actor, one, new)):
            pass
        self.sent.append(message_id)

    def _stream(self) -> None:
        """Give each changed message to the reaction, again if it died, and sometimes twice."""
        table = dynamodb_backends[ACCOUNT][REGION].tables["core"].items
        for message_id in sorted(self.open):
            rows = table.get(f"MSG#{message_id}")
            if not rows:
                continue
            new, old = rows["META"].to_json()["Attributes"], self.seen.get(message_id)
            if old is not None and old["event_id"] == new["event_id"]:
                continue
            change = parse_change(stream_record(new, old))
            if change is None or not self._alive(lambda change=change: sandbox_messages.react(change)):
                continue
            if not self._is("double"):
                self.seen[message_id] = new
            if new["status"]["S"] in (DELIVERED, FAILED, TIMEOUT) and "due_at" not in new:
                self.open.discard(message_id)

    def _work(self) -> None:
        woken = wakes()
        self.random.shuffle(woken)
        for one in woken:
            if self._is("lose_wake"):
                continue
            if not self._alive(lambda one=one: work([one])) and self.random.random() < 0.5:
                continue  # the wake is a dead letter
            if self._is("double"):
                work([one])
        if clock.epoch() >= self.job_at:
            self.job_at = clock.epoch() + 60
            self._alive(lambda: delivering.deliver_due(FAR))

    def _is(self, fault: str) -> bool:
        return self.random.random() < getattr(self.faults, fault)

    def _alive(self, work_: Any) -> bool:
        """Do something in a process that may die; return whether it lived."""
        if not self._is("kill"):
            work_()
            return True
        with crash_at_write(self.random.randint(1, WRITES)) as process:
            work_()
        self.killed += process.dead
        return not process.dead

    def step(self) -> None:
        """A moment in the net: each does what it has to, unless it dies."""
        self.clock.shift(timedelta(seconds=self.random.choice((0, 0.1, 0.5, 2))))
        self._stream()
        self._work()
        for agent in self.agents.values():
            if agent.connection is None:
                if self.random.random() < 0.3 or self.faults is NONE:
                    self._begin(agent)
            elif self._is("die"):
                self._die(agent)
            else:
                self._listen(agent)
                self._speak(agent)

    def settle(self) -> None:
        """Let everything come to rest in a net that is well again; what has failed is sent again by hand."""
        self.faults, waiting = NONE, list(self.sent)
        for _ in range(400):
            self.step()
            self.clock.shift(timedelta(seconds=20))
            rows = list(map(self.row, waiting))
            waiting = [one.id for one in rows if not self._is_settled(one)]
            waiting += [str(one.response_id) for one in rows if one.response_id and one.id not in waiting]
            if not waiting and not any(agent.later for agent in self.agents.values()) and not self._lines():
                return
        raise AssertionError(f"{len(waiting)} messages never come to rest: {waiting[:3]}")

    def _is_settled(self, message: MessageHead) -> bool:
        if message.status in (FAILED, TIMEOUT) and message.response_id is None:
            retry_message(self.world.actor, message.id)
            self.revived.add(message.id)
            self.open.add(message.id)
            return False
        return (message.status == DELIVERED and not message.awaits_answer) or message.response_id is not None

    def row(self, message_id: str) -> MessageHead:
        found = fetch(MessageHead, message_id)
        assert found is not None, "a message is lost"
        return found

    def _lines(self) -> list[Line]:
        return [line for one in self.agents for line in query(Line, Line.partition(one), consistent=True).rows]

    # -- what must hold

    def check(self) -> None:
        """Nothing is lost, nothing is done twice, and each pair is in order but for what was a dead letter in between."""
        messages = {one: self.row(one) for one in self.sent}
        for message in messages.values():
            done = [message_id for _, message_id in self.agents[message.to_sandbox].effects if message_id == message.id]
            assert done == [message.id], message
            if message.requires_response:
                answer = self.row(str(message.response_id))
                assert (answer.in_reply_to, answer.id) == (message.id, derived_id("response", message.id))
                assert [one for _, one in self.agents[message.from_sandbox].effects if one == answer.id] == [answer.id]
        places = {message_id: number for number, message_id in enumerate(self.sent)}
        for agent in self.agents.values():
            by_sender: dict[str, list[int]] = defaultdict(list)
            for sender, message_id in agent.effects:
                if message_id in places and message_id not in self.revived:
                    by_sender[sender].append(places[message_id])
            for order in by_sender.values():
                assert order == sorted(order)
        for one in self.agents:
            for two in self.agents:
                pair = get(Pair, f"PAIR#{one}", two)
                assert pair is None or int(pair.waiting) == 0
