"""What the process that workers are forked from has done before there is a function."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRELOAD = """
import gc, logging, sys, threading
sys.path[:0] = [sys.argv[1]]
from local.fork_server import preload
preload()
from shared.core.settings import settings
from shared.core import aws
import botocore.loaders
reads = []
read = botocore.loaders.JSONFileLoader.load_file
botocore.loaders.JSONFileLoader.load_file = lambda *asked: (answer := read(*asked)) and reads.append(asked[1]) or answer
for service in ("dynamodb", "sqs", "s3", "secretsmanager"):
    aws.client(service)
loggers = [one for one in logging.root.manager.loggerDict.values() if isinstance(one, logging.Logger)]
writing = [one.name for one in loggers for handler in one.handlers if not isinstance(handler, logging.NullHandler)]
print(settings.cache_info().currsize, writing, threading.active_count(), gc.isenabled(), "shared.store.rows" in sys.modules)
print(sorted(reads))
"""


@pytest.mark.thorough
def test_what_is_imported_ahead_knows_nothing_of_a_function() -> None:
    """Models of services were read, no settings were; no logger writes to the standard output, no thread is lost by a fork."""
    told = subprocess.run(  # noqa: S603 - this Python
        [sys.executable, "-I", "-c", PRELOAD, str(ROOT)], capture_output=True, text=True, check=True, timeout=120, cwd="/",
        env={"AWS_LAMBDA_FUNCTION_NAME": "fork-server", "AWS_DEFAULT_REGION": "us-east-1"},
    )  # fmt: skip
    state, read = told.stdout.splitlines()
    assert state == "0 [] 1 True True"
    assert read == "[]"  # what a client of a usual service is made from was read before the fork
