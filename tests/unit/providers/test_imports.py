"""What a function pays for, and what no import may do."""

import subprocess
import sys

HEAVY = ("boto3", "httpx2", "genai_prices", "openai", "anthropic", "papagan")


def imported(statement: str) -> set[str]:
    code = (
        "import socket, sys, threading\n"
        "def refused(*a, **k): raise SystemExit('an import opened a connection')\n"
        "socket.socket.connect = refused\n"
        f"{statement}\n"
        "assert threading.active_count() == 1, 'an import started a thread'\n"
        "print('\\n'.join(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    return set(done.stdout.split())


def test_the_port_the_embedded_model_the_catalogue_and_the_prices_cost_no_client():
    modules = imported(
        "import shared.agents.providers.port, shared.agents.providers.registry\n"
        "import shared.agents.providers.openai, shared.agents.providers.anthropic, shared.agents.providers.bedrock\n"
        "import shared.agents.providers.embedded.model, shared.agents.catalogue\n"
        "import shared.money.billing.prices, shared.money.billing.pricing\n"
        "shared.agents.providers.registry.provider('embedded')"
    )
    assert modules.isdisjoint(HEAVY)


def test_pricing_from_the_snapshot_stays_offline():
    modules = imported(
        "from shared.money.billing.prices import call_cost\nfrom shared.agents.providers.port import TokenUsage\n"
        "from shared.money.billing.prices import Priced\nassert isinstance(call_cost('openai', 'gpt-5', TokenUsage(input=5)), Priced)"
    )
    assert "genai_prices" in modules
