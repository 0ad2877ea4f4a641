"""GitHub on loopback, in the shapes of its public API: repositories, webhooks and their deliveries, commits, contents and issues.

It keeps what it is told, counts what it is asked, and signs the webhooks that it would send. `python -m tests.github_server` serves one on
a port of this machine, for a laptop whose functions have `CADRE_GITHUB_API` set to it.
"""

import base64
import hashlib
import hmac
import json
import re
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit
from uuid import uuid4

TOKEN = "ghp_0123456789abcdefghijklmnopqrstuvwxyz"
OWNER, NAME, LOGIN = "octo-org", "engine", "octo-bot"
FULL = f"{OWNER}/{NAME}"
PATCH = "@@ -1,3 +1,4 @@\n import os\n-old = 1\n+new = 1\n+more = 2\n last = 3"
NEW_FILE = "@@ -0,0 +1,2 @@\n+one\n+two"

APP_SECRET = "the secret of the app's webhook"
CLIENT = ("Iv1.app", "the secret of the app's client")


@cache
def app_keys() -> tuple[str, str]:
    """The private key of the app and its public one, as PEM."""
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    private = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()).decode()
    return private, key.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo).decode()


def app_settings() -> dict[str, str]:
    """The variables of a deployment that has the app."""
    values = {"ID": "4711", "PRIVATE_KEY": app_keys()[0], "CLIENT_ID": CLIENT[0], "CLIENT_SECRET": CLIENT[1],
              "WEBHOOK_SECRET": APP_SECRET, "SLUG": "cadre"}  # fmt: skip
    return {f"GITHUB_APP_{name}": value for name, value in values.items()}


Answer = tuple[int, Any] | tuple[int, Any, dict[str, str]]


def moment() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def sha_of(text: str) -> str:
    return hashlib.sha1(text.encode()).hexdigest()  # noqa: S324 - as git names a commit


@dataclass
class FakeGithub:
    tokens: dict[str, str] = field(default_factory=lambda: {TOKEN: LOGIN})
    """Who has each token that is valid."""
    repositories: dict[str, int] = field(default_factory=lambda: {FULL: 1296269})
    renamed: dict[str, str] = field(default_factory=dict)
    """The names that repositories had before."""
    administers: bool = True
    """Whether tokens may make webhooks."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    sent: list[tuple[str, str, Any]] = field(default_factory=list)
    hooks: dict[int, dict[str, Any]] = field(default_factory=dict)
    deliveries: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    commits: dict[str, dict[str, Any]] = field(default_factory=dict)
    contents: dict[tuple[str, str], bytes] = field(default_factory=dict)
    """The bytes of a file by the sha of the commit and its path."""
    issues: dict[int, dict[str, Any]] = field(default_factory=dict)
    app_key: str = ""
    """The public key (PEM) of the app; empty: there is none."""
    installations: dict[int, dict[str, Any]] = field(default_factory=dict)
    """The app's installations: `account`, `repositories` (names), `users` (names of those who see it), `suspended`."""
    admins: dict[str, set[str]] = field(default_factory=dict)
    """Who administers each repository."""
    codes: dict[str, tuple[str, str]] = field(default_factory=dict)
    """The person of a code, and the challenge that it was asked for with."""
    app_deliveries: list[dict[str, Any]] = field(default_factory=list)
    branches: dict[str, str] = field(default_factory=dict)
    """The newest commit of each branch."""
    remaining: int = 4_987
    """The requests that a token has left of 5,000."""
    comments: dict[int, dict[str, Any]] = field(default_factory=dict)
    """Those under issues."""
    refusal: Answer | None = None
    """What everything is answered, if something."""
    loses_answer: bool = False
    """Whether it does what it is asked and hangs up before it answers."""
    port: int = 0

    def __post_init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    # -- what happens there

    def commit(self, message: str, *, files: list[dict[str, Any]] | None = None, name: str = "Ida Levi", **more: Any) -> str:
        """Make a commit, in the shape of "Get a commit". Return its sha."""
        sha, parent = sha_of(f"{message}{len(self.commits)}"), sha_of(f"parent of {message}")
        files = files if files is not None else [changed("src/app.py", PATCH, 2, 1)]
        self.commits[sha] = {
            "sha": sha,
            "html_url": f"https://github.com/{FULL}/commit/{sha}",
            "commit": {
                "message": message,
                "author": {"name": name, "email": "ida@example.com", "date": "2026-05-04T12:00:00Z"},
                "committer": {"name": "GitHub", "email": "noreply@github.com", "date": "2026-05-04T12:00:00Z"},
            },
            "author": {"login": "ida", "id": 1},
            "parents": [{"sha": parent}],
            "stats": {
                "additions": sum(one["additions"] for one in files),
                "deletions": sum(one["deletions"] for one in files),
                "total": sum(one["changes"] for one in files),
            },
            "files": files,
        } | more
        return sha

    def push(self, *shas: str, branch: str = "main") -> dict[str, Any]:
        """The payload of a push of these commits."""
        entries = [
            {
                "id": sha,
                "tree_id": sha_of(sha),
                "distinct": True,
                "message": self.commits[sha]["commit"]["message"],
                "timestamp": "2026-05-04T14:00:00+02:00",
                "url": self.commits[sha]["html_url"],
                "author": {"name": "Ida Levi", "email": "ida@example.com", "username": "ida"},
                "added": [],
                "removed": [],
                "modified": [one["filename"] for one in self.commits[sha]["files"]],
            }
            for sha in shas
        ]
        return self.payload(ref=f"refs/heads/{branch}", before="0" * 40, after=shas[-1] if shas else "0" * 40, commits=entries,
                            created=False, deleted=False, forced=False, head_commit=entries[-1] if entries else None)  # fmt: skip

    def payload(self, **about: Any) -> dict[str, Any]:
        """A payload with what all have: the repository and who did it."""
        return self.payload_of(self.repository(FULL), **about)

    def payload_of(self, repository: dict[str, Any], **about: Any) -> dict[str, Any]:
        return about | {"repository": repository, "sender": {"login": "ida", "id": 1, "type": "User"}}

    def repository(self, full_name: str) -> dict[str, Any]:
        owner, _, name = full_name.partition("/")
        return {
            "id": self.repositories[full_name],
            "name": name,
            "full_name": full_name,
            "private": True,
            "owner": {"login": owner, "id": 1},
            "html_url": f"https://github.com/{full_name}",
            "default_branch": "main",
        }

    def issue(
        self, number: int, title: str, body: str = "", *, state: str = "open", labels: tuple[str, ...] = (), **more: Any
    ) -> dict:
        """An issue, kept here and in the shape of the API."""
        made = {
            "number": number,
            "title": title,
            "body": body,
            "state": state,
            "html_url": f"https://github.com/{FULL}/issues/{number}",
            "created_at": moment(),
            "updated_at": moment(),
            "labels": [{"name": label} for label in labels],
            "user": {"login": "ida"},
        } | more
        self.issues[number] = made
        return made

    def comment(self, issue: int, body: str, **more: Any) -> dict[str, Any]:
        """A comment under an issue, kept here and in the shape of the API."""
        number = 9_000 + len(self.sent) + len(self.comments)
        made = {
            "id": number,
            "issue_number": issue,
            "body": body,
            "html_url": f"https://github.com/{FULL}/issues/{issue}#issuecomment-{number}",
            "created_at": moment(),
            "updated_at": moment(),
            "user": {"login": "ida"},
        } | more
        self.comments[number] = made
        return made

    def pull(
        self, number: int, *, action: str, merged: bool = False, title: str = "A change", branch: str = "topic", **more: Any
    ) -> dict:
        pull = {
            "number": number,
            "title": title,
            "body": "",
            "state": "closed" if merged or action == "closed" else "open",
            "merged": merged,
            "merge_commit_sha": sha_of(f"merge {number}") if merged else None,
            "html_url": f"https://github.com/{FULL}/pull/{number}",
            "head": {"ref": branch, "sha": sha_of(branch)},
            "base": {"ref": "main"},
            "updated_at": moment(),
        } | more
        return self.payload(action=action, number=number, pull_request=pull)

    def signed(
        self, event: str, payload: Any, *, hook: int | None = None, delivery: str | None = None
    ) -> tuple[bytes, dict[str, str], str]:
        """The body, the headers and the query of a webhook as GitHub sends it to the newest hook."""
        known = self.hooks[hook or max(self.hooks)]
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        headers = {
            "X-GitHub-Event": event,
            "X-GitHub-Delivery": delivery or str(uuid4()),
            "X-GitHub-Hook-ID": str(known["id"]),
            "X-Hub-Signature-256": signature(known["config"]["secret"], body),
            "User-Agent": "GitHub-Hookshot/0123abc",
        }
        return body, headers, urlsplit(known["config"]["url"]).query

    def lose(self, event: str, payload: Any, *, status: int = 502, guid: str | None = None) -> str:
        """Note a delivery that was not accepted. Return its GUID."""
        hook, guid = max(self.hooks), guid or str(uuid4())
        kept = self.deliveries.setdefault(hook, [])
        number = 1 + sum(map(len, self.deliveries.values()))
        kept.insert(0, {
            "id": number, "guid": guid, "delivered_at": datetime.now(UTC).isoformat().replace("+00:00", "Z"), "redelivery": False,
            "duration": 0.3, "status": "OK" if status < 300 else "Invalid HTTP Response", "status_code": status, "event": event,
            "action": payload.get("action"), "request": {"headers": {}, "payload": payload},
        })  # fmt: skip
        return guid

    def deliver(self, event: str, payload: Any) -> int:
        """Send a webhook to the newest hook, as GitHub does. Return the status of the answer."""
        body, headers, _ = self.signed(event, payload)
        address = self.hooks[max(self.hooks)]["config"]["url"]
        request = urllib.request.Request(address, body, headers | {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    # -- the API

    def answer(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Answer:
        url = urlsplit(path)
        self.asked.append((method, url.path))
        if method != "GET":
            self.sent.append((method, url.path, body))
        if self.refusal is not None:
            return self.refusal
        token = headers.get("authorization", "").rpartition(" ")[2]
        if url.path == "/login/oauth/access_token":
            return self._exchange(body)
        if self.app_key and self._is_app(token):
            return self._of_app(method, url.path, body)
        if token not in self.tokens:
            return 401, {"message": "Bad credentials", "documentation_url": "https://docs.github.com/rest", "status": "401"}
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path.startswith("/user/installations"):
            return self._of_person(self.tokens[token], url.path)
        if url.path == "/user":
            return 200, {"login": self.tokens[token], "id": 583231, "type": "User"}
        if numbered := re.fullmatch(r"/repositories/(\d+)", url.path):
            named = next((name for name, number in self.repositories.items() if str(number) == numbered[1]), None)
            return (200, self.repository(named)) if named else _missing()
        match = re.match(r"/repos/([^/]+)/([^/]+)(/.*)?\Z", url.path)
        full_name = next((one for one in self.repositories if match and one.lower() == f"{match[1]}/{match[2]}".lower()), None)
        if match and f"{match[1]}/{match[2]}" in self.renamed:
            number = self.repositories[self.renamed[f"{match[1]}/{match[2]}"]]
            return 301, {"message": "Moved Permanently"}, {"Location": f"{self.url}/repositories/{number}"}
        if match is None or full_name is None:
            return _missing()
        return self._of_repository(method, unquote(match[3] or ""), full_name, body, query, headers)

    # -- the app

    def person(self, login: str, url: str) -> str:
        """Let a person say at this address who they are. Return the code with which they come back."""
        query = parse_qs(urlsplit(url).query)
        code = f"code-{len(self.codes)}"
        self.codes[code] = login, query["code_challenge"][0]
        return code

    def _exchange(self, form: dict[str, str]) -> Answer:
        login, challenge = self.codes.pop(form.get("code", ""), ("", ""))
        proven = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).decode().rstrip("=")
        if not login or proven != challenge or (form["client_id"], form["client_secret"]) != CLIENT:
            return 200, {"error": "bad_verification_code", "error_description": "The code passed is incorrect or expired."}
        token = f"ghu_{uuid4().hex}"
        self.tokens[token] = login
        return 200, {"access_token": token, "token_type": "bearer", "expires_in": 28_800}

    def _is_app(self, token: str) -> bool:
        import jwt

        try:
            return bool(jwt.decode(token, self.app_key, algorithms=["RS256"], options={"verify_iat": False}))
        except jwt.InvalidTokenError:
            return False

    def _of_app(self, method: str, path: str, body: Any) -> Answer:
        if found := re.fullmatch(r"/app/installations/(\d+)/access_tokens", path):
            return self._installation_token(int(found[1]), body)
        if path == "/app/hook/deliveries":
            return 200, [{name: value for name, value in one.items() if name != "request"} for one in self.app_deliveries]
        if found := re.fullmatch(r"/app/hook/deliveries/(\d+)", path):
            return 200, next(one for one in self.app_deliveries if one["id"] == int(found[1]))
        if found := re.fullmatch(r"/repos/([^/]+/[^/]+)/installation", path):
            named = next((number for number, one in self.installations.items() if found[1] in one["repositories"]), None)
            return (200, {"id": named}) if named else _missing()
        return _missing()

    def _installation_token(self, installation: int, body: Any) -> Answer:
        held = self.installations.get(installation)
        if held is None:
            return _missing()
        if held.get("suspended"):
            return 403, {"message": "This installation has been suspended"}
        if not set(body["repository_ids"]) <= {self.repositories.get(name) for name in held["repositories"]}:
            return 422, {
                "message": "There is at least one repository that does not exist or is not accessible to the parent installation."
            }
        token = f"ghs_{uuid4().hex}"
        self.tokens[token] = "cadre[bot]"
        expires = datetime.fromtimestamp(time.time() + 3_600, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return 201, {"token": token, "expires_at": expires, "permissions": {"contents": "read"}}

    def _of_person(self, login: str, path: str) -> Answer:
        own = {number: one for number, one in self.installations.items() if login in one["users"]}
        if path == "/user/installations":
            shown = [
                {"id": number, "account": {"login": one["account"]}, "target_type": "Organization",
                 "suspended_at": moment() if one.get("suspended") else None}
                for number, one in own.items()
            ]  # fmt: skip
            return 200, {"total_count": len(shown), "installations": shown}
        number = int(path.split("/")[3])
        if number not in own:
            return _missing()
        names = own[number]["repositories"]
        listed = [self.repository(name) | {"permissions": {"admin": login in self.admins.get(name, set())}} for name in names]
        return 200, {"total_count": len(listed), "repositories": listed}

    def signed_by_app(self, event: str, payload: Any, *, secret: str = APP_SECRET) -> tuple[bytes, dict[str, str]]:
        """The body and the headers of a webhook of the app."""
        body = json.dumps(payload).encode()
        return body, {
            "X-GitHub-Event": event,
            "X-GitHub-Delivery": str(uuid4()),
            "X-GitHub-Hook-Installation-Target-Type": "integration",
            "X-Hub-Signature-256": signature(secret, body),
        }

    def _of_repository(
        self, method: str, path: str, full_name: str, body: Any, query: dict[str, str], headers: dict[str, str]
    ) -> Answer:
        parts = path.split("/")[1:]
        match (method, *parts):
            case ("GET",):
                who = self.tokens[headers.get("authorization", "").rpartition(" ")[2]]
                rights = {"permissions": {"admin": who in self.admins.get(full_name, set()), "pull": True}}
                return 200, self.repository(full_name) | rights
            case (_, "hooks", *rest):
                return self._hooks(method, rest, full_name, body, headers) if self.administers else _missing()
            case ("GET", "branches"):
                return self._branches(headers)
            case ("GET", "compare", stretch):
                return self._compare(*stretch.split("..."), query)
            case ("GET", "commits"):
                return self._history(query)
            case ("GET", "commits", sha):
                return self._commit(sha, int(query.get("page", "1")))
            case ("GET", "contents", *place):
                return self._content(query["ref"], "/".join(place))
            case ("GET", "issues"):
                return 200, self._listed(query)
            case ("POST", "issues"):
                number = 1 + max(self.issues, default=0)
                return 201, self.issue(number, body["title"], body.get("body") or "", user={"login": LOGIN})
            case (_, "issues", "comments", number) if int(number) in self.comments:
                return self._change_comment(method, int(number), body)
            case ("GET", "issues", number, "comments"):
                return 200, [one for one in self.comments.values() if one["issue_number"] == int(number)]
            case ("POST", "issues", number, "comments") if int(number) in self.issues:
                return 201, self.comment(int(number), body["body"], user={"login": LOGIN})
            case ("PATCH", "issues", number) if int(number) in self.issues:
                self.issues[int(number)] |= body | {"updated_at": moment()}
                return 200, self.issues[int(number)]
        return _missing()

    def _change_comment(self, method: str, number: int, body: Any) -> Answer:
        if method == "DELETE":
            del self.comments[number]
            return 204, None
        self.comments[number] |= body | {"updated_at": moment()}
        return 200, self.comments[number]

    def _hooks(self, method: str, rest: list[str], full_name: str, body: Any, headers: dict[str, str]) -> Answer:
        here = {number: hook for number, hook in self.hooks.items() if hook["repository"] == full_name}
        if not rest and method == "GET":
            return 200, [self._shown(hook) for hook in here.values()]
        if not rest:
            if any(hook["config"]["url"] == body["config"]["url"] for hook in here.values()):
                already = [{"resource": "Hook", "code": "custom", "message": "Hook already exists on this repository"}]
                return 422, {"message": "Validation Failed", "errors": already}
            number = 100 + len(self.hooks)
            self.hooks[number] = body | {
                "id": number,
                "url": f"https://api.github.com/repos/{full_name}/hooks/{number}",
                "repository": full_name,
            }
            return 201, self._shown(self.hooks[number])
        number = int(rest[0])
        if number not in here:
            return _missing()
        if rest[1:2] == ["deliveries"]:
            return self._deliveries(number, rest[2:], headers)
        if method == "DELETE":
            del self.hooks[number]
            return 204, None
        self.hooks[number] |= body
        return 200, self._shown(self.hooks[number])

    def _shown(self, hook: dict[str, Any]) -> dict[str, Any]:
        return hook | {"config": hook["config"] | {"secret": "********"}}

    def _deliveries(self, number: int, rest: list[str], headers: dict[str, str]) -> Answer:
        kept = self.deliveries.get(number, [])
        if rest:
            found = next((one for one in kept if str(one["id"]) == rest[0]), None)
            return (200, found) if found else _missing()
        shown = [{name: value for name, value in one.items() if name != "request"} for one in kept[:100]]
        etag = f'W/"{sha_of(json.dumps(shown))}"'
        return (304, None, {"ETag": etag}) if headers.get("if-none-match") == etag else (200, shown, {"ETag": etag})

    def _commit(self, sha: str, page: int) -> Answer:
        sha = next((one for one in self.commits if len(sha) >= 7 and one.startswith(sha)), sha)
        if sha not in self.commits:
            return 422, {"message": f"No commit found for SHA: {sha}"}
        found = self.commits[sha]
        start = (page - 1) * 300
        following = f'<{self.url}/repos/{FULL}/commits/{sha}?per_page=300&page={page + 1}>; rel="next"'
        more = {"Link": following} if len(found["files"]) > start + 300 else {}
        return 200, found | {"files": found["files"][start : start + 300]}, more

    def _branches(self, headers: dict[str, str]) -> Answer:
        shown = [{"name": name, "commit": {"sha": sha}, "protected": False} for name, sha in self.branches.items()]
        etag = f'W/"{sha_of(json.dumps(shown))}"'
        return (304, None, {"ETag": etag}) if headers.get("if-none-match") == etag else (200, shown, {"ETag": etag})

    def _compare(self, base: str, head: str, query: dict[str, str]) -> Answer:
        """The commits after `base` up to `head`, in the order in which they were made."""
        order = list(self.commits)
        first, last = (self.branches.get(one, one) for one in (base, head))
        if first not in self.commits or last not in self.commits:
            return _missing()
        found = order[order.index(first) + 1 : order.index(last) + 1]
        size, page = int(query["per_page"]), int(query["page"])
        shown = [self._bare(sha) for sha in found[(page - 1) * size :][:size]]
        return 200, {"status": "ahead", "ahead_by": len(found), "total_commits": len(found), "commits": shown}

    def _history(self, query: dict[str, str]) -> Answer:
        order = list(self.commits)
        if query["sha"] not in order:
            return _missing()
        size, page = int(query["per_page"]), int(query["page"])
        found = order[order.index(query["sha"]) :: -1][(page - 1) * size :][:size]
        return 200, [self._bare(sha) for sha in found]

    def _bare(self, sha: str) -> dict[str, Any]:
        return {name: value for name, value in self.commits[sha].items() if name not in ("files", "stats")}

    def _content(self, ref: str, path: str) -> Answer:
        found = self.contents.get((ref, path))
        if found is None:
            return _missing()
        about = {"type": "file", "path": path, "size": len(found), "sha": sha_of(path)}
        if len(found) > 1_000_000:
            return 200, about | {"encoding": "none", "content": ""}
        return 200, about | {"encoding": "base64", "content": base64.encodebytes(found).decode()}

    def _listed(self, query: dict[str, str]) -> list[dict[str, Any]]:
        found = [one for one in self.issues.values() if query.get("state", "open") in ("all", one["state"])]
        size, page = int(query.get("per_page", "30")), int(query.get("page", "1"))
        return sorted(found, key=lambda one: -one["number"])[(page - 1) * size :][:size]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        github = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                raw = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                is_form = "form" in headers.get("content-type", "")
                sent_body = dict(parse_qsl(raw.decode())) if is_form else json.loads(raw) if raw else None
                status, body, *more = github.answer(self.command, self.path, sent_body, headers)
                if github.loses_answer and self.command != "GET":
                    self.close_connection = True
                    return
                text = b"" if body is None else json.dumps(body).encode()
                self.send_response(status)
                sent = {"Content-Type": "application/json; charset=utf-8", "Content-Length": str(len(text))}
                limits = {
                    "X-RateLimit-Limit": "5000",
                    "X-RateLimit-Remaining": str(github.remaining),
                    "X-RateLimit-Reset": str(int(time.time()) + 3_000),
                }
                for name, value in (sent | limits | (more[0] if more else {})).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PATCH = do_DELETE = _answer

            def log_message(self, *_: object) -> None:
                return

        return Handler


def changed(
    path: str, patch: str | None, additions: int, deletions: int, status: str = "modified", **more: Any
) -> dict[str, Any]:
    """A file of a commit."""
    about = {"sha": sha_of(path), "filename": path, "status": status, "additions": additions, "deletions": deletions,
             "changes": additions + deletions, "blob_url": f"https://github.com/{FULL}/blob/main/{path}"}  # fmt: skip
    return about | ({"patch": patch} if patch is not None else {}) | more


def signature(secret: str, body: bytes) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def limited(seconds: int = 120) -> Answer:
    """The answer to somebody who has no requests left."""
    reset = str(int(time.time()) + seconds)
    body = {"message": "API rate limit exceeded for user ID 1.", "documentation_url": "https://docs.github.com/rest"}
    return 403, body, {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}


def _missing() -> Answer:
    return 404, {"message": "Not Found", "documentation_url": "https://docs.github.com/rest", "status": "404"}


if __name__ == "__main__":
    served = FakeGithub(port=9_410)
    print(f"GitHub at {served.url}, with the repository {FULL} and the token {TOKEN}")
    served._thread.join()
