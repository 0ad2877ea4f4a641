"""The embedded AWS engine as a child process."""

import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from infra.names import LOCAL_ACCOUNT, LOCAL_REGION
from local import LocalError

ROOT = Path(__file__).resolve().parent.parent

_START_WITHIN = 30.0
_END_WITHIN = 6.0  # the launcher ends itself after 5 s


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


_CREDENTIAL = re.compile(
    r"OAUTH_[A-Z0-9]+_[A-Z_]+|[A-Z]+_(API_KEY|BASE_URL|WEBHOOK_SECRET)"
    r"|(OPENAI|GOOGLE|QWEN|GLM|LOCAL)_TOOLS|LOCAL_CONTEXT|BEDROCK_(REGION|ENDPOINT_URL)|AWS_BEARER_TOKEN_BEDROCK"
)
"""Variables that functions read by `shared.core.credentials`: of sign-in, model and payment providers."""


class Engine:
    """One engine process over one data folder.

    `data` holds what survives (`state/`, `s3/`), what does not (`tmp/`), the log (`engine.log`) and, while it runs, its credentials.
    """

    def __init__(self, data: Path, port: int | None = None, extra: dict[str, str] | None = None) -> None:
        self.data = data
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = data / "engine.log"
        self.credentials = data / "credentials"
        self.secret = ""
        self._extra = extra or {}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers; raises `LocalError` with the end of its log."""
        private(self.data)
        shutil.rmtree(self.data / "tmp", ignore_errors=True)
        for name in ("tmp", "state", "s3"):
            (self.data / name).mkdir(parents=True, exist_ok=True)
        self._renew_credentials()
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "local.launcher"],
                cwd=ROOT,
                env=environment(self.data, self.port, self.secret) | self._extra,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches only the parent, which then stops the engine
            )
        deadline = time.monotonic() + _START_WITHIN
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise LocalError(f"the local AWS engine did not start; the end of {self.log}:\n{self.tail()}")
            time.sleep(0.03)

    def stop(self) -> None:
        """Stop it after it has saved its state; kill it after 6 s."""
        self.credentials.unlink(missing_ok=True)
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(_END_WITHIN)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _renew_credentials(self) -> None:
        """A new secret, in a file as AWS SDKs read it (`AWS_SHARED_CREDENTIALS_FILE`), for programs beside the platform."""
        self.secret = secrets.token_urlsafe(32)
        self.credentials.unlink(missing_ok=True)
        with os.fdopen(os.open(self.credentials, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(
                f"[default]\naws_access_key_id = {LOCAL_ACCOUNT}\naws_secret_access_key = {self.secret}\n"
                f"region = {LOCAL_REGION}\nendpoint_url = {self.url}\n"
            )

    def client(self, service: str, account: str = LOCAL_ACCOUNT) -> Any:
        """A boto3 client of the engine; each account has resources of its own."""
        import boto3
        from botocore.config import Config

        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=LOCAL_REGION,
            aws_access_key_id=account,
            aws_secret_access_key=self.secret,
            config=Config(retries={"max_attempts": 2}, s3={"addressing_style": "path"}, parameter_validation=False),
        )

    def save(self) -> None:
        """Ask for a snapshot now, without waiting for it."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGUSR1)

    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def tail(self, lines: int = 15) -> str:
        """The end of the engine's log."""
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return "(no log)"

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/_ministack/health", timeout=2) as response:  # noqa: S310  # loopback
                return bool(response.status == 200)
        except (urllib.error.URLError, OSError):
            return False


def private(folder: Path) -> None:
    """Make the folder, or make sure of it: only its owner reads what is in it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)


def environment(data: Path, port: int, secret: str) -> dict[str, str]:
    """The launcher's whole environment. Only listed variables of the shell are in it, because functions inherit it."""
    variables = {
        name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE") if name in os.environ
    }
    variables |= {name: value for name, value in os.environ.items() if _CREDENTIAL.fullmatch(name)}
    return variables | {
        "VIRTUAL_ENV": sys.prefix,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "PYTHONUNBUFFERED": "1",
        "CADRE_PARENT": str(os.getpid()),
        "CADRE_LOCAL": "1",
        "LOG_LEVEL": os.environ.get("CADRE_ENGINE_LOG", "WARNING"),
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "localhost",
        "MINISTACK_REGION": LOCAL_REGION,
        "MINISTACK_ACCOUNT_ID": LOCAL_ACCOUNT,
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_DEFAULT_REGION": LOCAL_REGION,
        "AWS_REGION": LOCAL_REGION,
        "AWS_ACCESS_KEY_ID": LOCAL_ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_EC2_METADATA_DISABLED": "true",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "PERSIST_STATE": "1",
        "STATE_DIR": str(data / "state"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(data / "s3"),
        "TMPDIR": str(data / "tmp"),
        "DOCKER_HOST": "unix:///nonexistent",  # no containers: never search for a daemon
        "LAMBDA_EXECUTOR": "local",
    }
