"""Small pages for the links in e-mails. On AWS the web application has them (setting `appUrl`); these only send the documented requests.

A page has no data of anybody: the token is only in the browser's address.
"""

import json

from aiohttp import web

from infra.names import CONTRACT

_API = CONTRACT["agentworks"].mount
_PAGES = {
    "/verify-email": ("Confirm your e-mail address", (), "confirm()"),
    "/forgot-password": ("Forgotten password", ("email",), "forgot()"),
    "/reset-password": ("Choose a new password", ("newPassword",), "reset()"),
    "/invitations/accept": (
        "Accept an invitation (with a name: register; without: log in)",
        ("name", "email", "password"),
        "accept()",
    ),
}
_SCRIPT = """
const query=new URLSearchParams(location.search),token=query.get('token'),output=document.getElementById('output');
const field=name=>document.querySelector(`[name=${name}]`).value;
async function send(path,body,bearer){
  const headers={'Content-Type':'application/json'};
  if(bearer)headers.Authorization='Bearer '+bearer;
  const response=await fetch(API+path,{method:'POST',headers,body:JSON.stringify(body)}),text=await response.text();
  output.textContent=response.status+' '+text;
  if(!response.ok)throw new Error(text);
  return text?JSON.parse(text):null;
}
async function confirm(){
  await send('/auth/verify-email',{token});
  output.textContent+='\\nUnless you are logged in in this browser, the password from before has ended: '
    +'choose one by the mail that comes now.';
}
const forgot=()=>send('/auth/forgot-password',{email:field('email')});
const reset=()=>send('/auth/reset-password',{token,newPassword:field('newPassword')});
async function accept(){
  const person={email:field('email'),password:field('password')},name=field('name');
  if(name){await send('/auth/register',{...person,name,invitationToken:token});return}
  const login=await send('/auth/login',person);
  const [workspace,invitation]=[query.get('workspace'),token].map(encodeURIComponent);
  await send(`/workspaces/${workspace}/invitations/${invitation}/accept`,{token},login.token);
}
document.forms[0].onsubmit=event=>{event.preventDefault();ACTION};
"""


def add_to(app: web.Application) -> None:
    """Add the pages' routes to `app`."""
    for path in _PAGES:
        app.router.add_get(path, _page)


async def _page(request: web.Request) -> web.Response:
    title, fields, action = _PAGES[request.path]
    inputs = "".join(
        f'<p><label>{name}<br><input name="{name}" type="{"password" if "assword" in name else "text"}"></label>'
        for name in fields
    )
    script = _SCRIPT.replace("ACTION", action).replace("API", json.dumps(_API), 1)
    return web.Response(
        text=(
            f'<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer"><title>{title}</title>'
            '<body style="font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:2rem auto">'
            f"<h1>{title}</h1><form>{inputs}<p><button>Go on</button></form><pre id=output style='white-space:pre-wrap'></pre>"
            f"<script>{script}</script>"
        ),
        content_type="text/html",
    )
