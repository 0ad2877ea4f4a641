"""The front door's pages: an overview, the documentation of the five contracts, the e-mails sent."""

import html
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout, web

from infra.names import CONTRACTS, LOCAL_ACCOUNT
from local import LocalError
from local.engine import Engine
from local.models import Model
from local.routes import endpoints

_ENGINE = web.AppKey("engine", Engine)
_MODEL = web.AppKey("model", Model)
_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse}td,th{padding:.3rem .8rem .3rem 0;text-align:left;vertical-align:top}code{font-size:.9em}
"""


def add_to(app: web.Application, engine: Engine, model: Model) -> None:
    """Add the pages' routes to `app`."""
    app[_ENGINE] = engine
    app[_MODEL] = model
    app.router.add_get("/", _index)
    app.router.add_get("/docs", _docs)
    app.router.add_get("/redoc", _redoc)
    app.router.add_get("/local/health", _health)
    app.router.add_get("/local/mail", _mails)
    app.router.add_get("/local/mail/{id}", _mail)
    app.router.add_static("/local/static", assets())


def assets() -> Path:
    """The folder with Swagger UI and ReDoc, from an installed package: no CDN."""
    spec = find_spec("fastapi_offline")
    if spec is None or not spec.submodule_search_locations:
        raise LocalError("fastapi_offline is not installed: install requirements/dev.txt into the venv")
    return Path(next(iter(spec.submodule_search_locations))) / "static"


def _page(title: str, body: str) -> web.Response:
    text = f'<!doctype html><meta charset="utf-8"><title>{html.escape(title)}</title><style>{_STYLE}</style>{body}'
    return web.Response(text=text, content_type="text/html")


def _wants_json(request: web.Request) -> bool:
    return "text/html" not in request.headers.get("Accept", "")


async def _index(request: web.Request) -> web.Response:
    model = request.app[_MODEL]
    addresses: dict[str, Any] = endpoints(f"http://{request.host}") | {"model": model.shown}
    if _wants_json(request) and "application/json" in request.headers.get("Accept", ""):
        return web.json_response(addresses)
    rest = "".join(f"<tr><td>{html.escape(name)}<td><code>{html.escape(url)}</code>" for name, url in addresses["rest"].items())
    sockets = "".join(
        f"<tr><td>{html.escape(name)}<td><code>{html.escape(url)}</code>" for name, url in addresses["websockets"].items()
    )
    return _page(
        "Cadre on this machine",
        "<h1>Cadre on this machine</h1>"
        f"<p>The agents of new workspaces think with {html.escape(model.line)}.</p>"
        '<p><a href="/docs">API documentation</a> &middot; <a href="/redoc">the same in ReDoc</a> &middot; '
        f'<a href="/local/mail">mails sent</a> &middot; <a href="{html.escape(addresses["health"])}">health</a></p>'
        f"<h2>APIs</h2><table>{rest}</table><h2>WebSockets</h2><table>{sockets}</table>",
    )


def _documents() -> list[dict[str, str]]:
    return [{"url": f"{contract.mount}/openapi.json", "name": contract.name} for contract in CONTRACTS]


async def _docs(_request: web.Request) -> web.Response:
    return web.Response(
        text=(
            '<!doctype html><meta charset="utf-8"><title>Cadre: API documentation</title>'
            '<link rel="stylesheet" href="/local/static/swagger-ui.css">'
            f'<div style="padding:.6rem 1rem;font:16px system-ui">Contract {_choice()}</div>'
            '<div id="ui"></div><script src="/local/static/swagger-ui-bundle.js"></script>'
            f"<script>{_CHOOSE}</script>"
        ),
        content_type="text/html",
    )


_CHOOSE = """
const choice=document.getElementById('contract');
function show(url){SwaggerUIBundle({url:url,dom_id:'#ui',deepLinking:true,persistAuthorization:true})}
choice.onchange=()=>{history.replaceState(null,'','?contract='+choice.selectedOptions[0].text);show(choice.value)};
const wanted=new URLSearchParams(location.search).get('contract');
for(const option of choice.options)if(option.text===wanted)choice.value=option.value;
show(choice.value);
"""


def _choice() -> str:
    options = "".join(
        f'<option value="{html.escape(document["url"])}">{html.escape(document["name"])}</option>' for document in _documents()
    )
    return f'<select id="contract">{options}</select>'


async def _redoc(request: web.Request) -> web.Response:
    names = {contract.name: contract for contract in CONTRACTS}
    contract = names.get(request.query.get("contract", ""), CONTRACTS[0])
    links = " &middot; ".join(f'<a href="/redoc?contract={html.escape(name)}">{html.escape(name)}</a>' for name in names)
    return web.Response(
        text=(
            '<!doctype html><meta charset="utf-8"><title>Cadre: API documentation</title>'
            f'<div style="padding:.6rem 1rem;font:16px system-ui">{links}</div>'
            f'<redoc spec-url="{html.escape(contract.mount)}/openapi.json"></redoc>'
            '<script src="/local/static/redoc.standalone.js"></script>'
        ),
        content_type="text/html",
    )


async def _health(request: web.Request) -> web.Response:
    try:
        await _get(request, "/_ministack/health")
    except ClientError:
        return web.json_response({"status": "unhealthy", "engine": "does not answer"}, status=503)
    return web.json_response({"status": "healthy"})


async def _get(request: web.Request, path: str) -> Any:
    timeout, engine = ClientTimeout(total=10), request.app[_ENGINE]
    bearer = {"Authorization": f"Bearer {engine.secret}"}
    async with (
        ClientSession(timeout=timeout) as session,
        session.get(engine.url + path, headers=bearer, raise_for_status=True) as response,
    ):
        return await response.json()


async def sent_mails(request: web.Request) -> list[dict[str, Any]]:
    """Every e-mail that the platform sent, newest first: id, from, to, subject, text, html, sent_at (epoch seconds)."""
    answer = await _get(request, f"/_ministack/ses/messages?account={LOCAL_ACCOUNT}")
    mails = [
        {
            "id": mail["MessageId"],
            "from": mail["Source"],
            "to": [*mail["To"], *mail["CC"], *mail["BCC"]],
            "subject": mail["Subject"],
            "text": mail["BodyText"],
            "html": mail["BodyHtml"],
            "sent_at": mail["Timestamp"],
        }
        for box in answer["messages"].values()
        for mail in box
    ]
    return sorted(mails, key=lambda mail: str(mail["sent_at"]), reverse=True)


async def _mails(request: web.Request) -> web.Response:
    mails = await sent_mails(request)
    if _wants_json(request):
        return web.json_response({"mails": mails, "total": len(mails)})
    rows = "".join(
        f'<tr><td><a href="/local/mail/{html.escape(mail["id"])}">{html.escape(mail["subject"] or "(no subject)")}</a>'
        f"<td>{html.escape(', '.join(mail['to']))}"
        for mail in mails
    )
    return _page("Mails", f"<h1>Mails sent</h1><table>{rows or '<tr><td>None yet.'}</table><p><a href='/'>Overview</a>")


async def _mail(request: web.Request) -> web.Response:
    mail = next((mail for mail in await sent_mails(request) if mail["id"] == request.match_info["id"]), None)
    if mail is None:
        return web.json_response({"error": {"code": "NOT_FOUND", "message": "No such mail"}}, status=404)
    if _wants_json(request):
        return web.json_response(mail)
    return _page(
        mail["subject"] or "Mail",
        f"<h1>{html.escape(mail['subject'] or '(no subject)')}</h1><p>To {html.escape(', '.join(mail['to']))}, "
        f"from {html.escape(mail['from'])}</p><pre style='white-space:pre-wrap'>{html.escape(mail['text'] or '')}</pre>"
        "<p><a href='/local/mail'>All mails</a>",
    )
