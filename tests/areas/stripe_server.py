"""Stripe on loopback: the calls that we make, with its rules for keys that are sent twice; and the webhooks that it would send."""

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY, SECRET = "sk_test_loopback", "whsec_loopback"


@dataclass
class FakeStripe:
    """`behaviour` maps a payment method to what happens when it is charged: succeeds, declines, processes, requires_action."""

    behaviour: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str], dict[str, str]]] = field(default_factory=list)
    intents: list[dict[str, Any]] = field(default_factory=list)
    attached: dict[str, str] = field(default_factory=dict)
    kept: dict[str, tuple[str, int, Any]] = field(default_factory=dict)
    broken: str = ""
    """What to answer instead: 500, html."""
    hangs_up: bool = False
    """Whether it does what it is asked and hangs up before it answers."""
    at_work: threading.Event | None = None
    """A charge is made, and can be found, only when this is set."""
    before_answer: Callable[[dict[str, Any]], None] | None = None
    """What happens between a charge and its answer; gets the intent."""

    def __post_init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        stripe = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
                form = {name: values[0] for name, values in parse_qs(raw, keep_blank_values=True).items()}
                headers = {name.lower(): value for name, value in self.headers.items()}
                self.reply(*stripe.answer(self.path, form, headers, raw))

            def do_GET(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                self.reply(*stripe.tell(self.path, headers))

            def reply(self, status: int, body: Any) -> None:
                if stripe.hangs_up:
                    self.close_connection = True
                    return
                text = body.encode() if isinstance(body, str) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: object) -> None:
                return

        return Handler

    def answer(self, path: str, form: dict[str, str], headers: dict[str, str], raw: str) -> tuple[int, Any]:
        if refused := self._refuse(headers):
            return refused
        key = headers.get("idempotency-key")
        if key in self.kept:
            told, status, body = self.kept[key]
            if told != raw:
                return 400, {"error": {"type": "idempotency_error", "message": "Keys for idempotent requests ..."}}
            return status, body
        self.asked.append((path, form, headers))
        status, body = self._act(path, form)
        if key:
            self.kept[key] = (raw, status, body)
        return status, body

    def _refuse(self, headers: dict[str, str]) -> tuple[int, Any] | None:
        if headers.get("authorization") != f"Bearer {KEY}":
            return 401, {"error": {"type": "invalid_request_error", "message": f"Invalid API Key: {KEY}"}}
        if self.broken == "html":
            return 200, "<html>maintenance</html>"
        if self.broken:
            return int(self.broken), {"error": {"type": "api_error", "message": "broken"}}
        return None

    def tell(self, path: str, headers: dict[str, str]) -> tuple[int, Any]:
        """A payment intent, or a customer's newest ones."""
        if refused := self._refuse(headers):
            return refused
        url = urlsplit(path)
        if url.path == "/v1/payment_intents":
            query = parse_qs(url.query)
            mine = [one for one in reversed(self.intents) if one["customer"] == query["customer"][0]]
            return 200, {"object": "list", "data": mine[: int(query["limit"][0])]}
        found = next((one for one in self.intents if url.path == f"/v1/payment_intents/{one['id']}"), None)
        return (200, found) if found else (404, {"error": {"type": "invalid_request_error", "message": "No such payment_intent"}})

    def _act(self, path: str, form: dict[str, str]) -> tuple[int, Any]:
        if path == "/v1/customers":
            return 200, {"id": f"cus_{len(self.asked)}", "object": "customer"}
        parts = path.split("/")
        if parts[2] == "payment_methods" and parts[4] == "attach":
            if not parts[3].startswith("pm_"):
                return 404, {"error": {"type": "invalid_request_error", "message": "No such PaymentMethod"}}
            self.attached[parts[3]] = form["customer"]
            kind = "sepa_debit" if "sepa" in parts[3] else "card"
            about = {"last4": "4242"} | ({"brand": "visa"} if kind == "card" else {})
            return 200, {"id": parts[3], "type": kind, kind: about}
        if parts[2] == "payment_methods" and parts[4] == "detach":
            if self.attached.pop(parts[3], None) is None:
                return 400, {"error": {"type": "invalid_request_error", "message": "not attached to a customer"}}
            return 200, {"id": parts[3]}
        return self._charge(form)

    def _charge(self, form: dict[str, str]) -> tuple[int, Any]:
        if self.attached.get(form["payment_method"]) != form["customer"]:
            return 400, {"error": {"type": "invalid_request_error", "message": "not attached"}}
        if int(form["amount"]) < 50:
            return 400, {"error": {"type": "invalid_request_error", "code": "amount_too_small", "message": "Amount must be ..."}}
        wanted = self.behaviour.get(form["payment_method"], "succeeds")
        status = {"succeeds": "succeeded", "processes": "processing"}.get(wanted, "requires_payment_method")
        if self.at_work:
            self.at_work.wait(10)
        intent = {
            "id": f"pi_{len(self.intents) + 1}",
            "status": status,
            "amount": int(form["amount"]),
            "amount_received": int(form["amount"]) if status == "succeeded" else 0,
            "customer": form["customer"],
            "metadata": {"invoice_id": form["metadata[invoice_id]"], "charge": form["metadata[charge]"]},
            "payment_method_types": ["card"],
        }
        self.intents.append(intent)
        if self.before_answer:
            self.before_answer(intent)
        if wanted == "declines":
            error = {
                "type": "card_error",
                "code": "card_declined",
                "message": "Your card was declined.",
                "payment_intent": intent,
            }
            return 402, {"error": error}
        return 200, intent


def webhook(
    kind: str, intent: dict[str, Any], *, secret: str = SECRET, moment: float | None = None
) -> tuple[str, dict[str, str]]:
    """Body and headers of a webhook as Stripe sends it."""
    body = json.dumps({"id": "evt_1", "type": kind, "data": {"object": intent}}, indent=2)
    second = int(time.time() if moment is None else moment)
    mac = hmac.new(secret.encode(), f"{second}.{body}".encode(), hashlib.sha256).hexdigest()
    return body, {"Stripe-Signature": f"t={second},v1={mac},v0=ignored"}
