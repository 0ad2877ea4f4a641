"""Who pays for a workspace, under which plan and how.

There is one way to an account: `opened` answers it, and makes it where there is none. It is asked before a run is written and whenever
somebody looks, so nothing can be used in a workspace that has no account, however old the workspace is.
"""

from dataclasses import dataclass
from typing import Any, Final

from shared.core.actor import Actor, Permission
from shared.core.errors import Conflict, FieldError, Invalid, LimitExceeded, NotFound
from shared.core.ids import derived_id
from shared.core.plans import more_expensive
from shared.core.situations import Situation
from shared.events import EventType, record
from shared.money.billing import gateways, months
from shared.money.billing.rows import BillingAccount
from shared.money.billing.taxes import checked_tax_id
from shared.people.tenancy.rows import Organization, Workspace
from shared.people.tenancy.workspaces import authorize_workspace
from shared.store import Operation, create, get, get_many, update, update_with_retry, write

MAX_METHODS: Final = 10
LOOK_BACK: Final = 12
"""Months in which usage that came after its invoice is still found."""
EXISTS = Conflict(Situation.VERSION_CONFLICT, "The billing account was made at the same time; try again")


def new_account(workspace: Workspace) -> BillingAccount:
    """The account of a workspace, not yet written: of its owner, on the free plan, from this month on.

    What an older workspace used before it had an account counts as usage that nobody billed yet.
    """
    month = months.this_month()
    earlier = months.between(workspace.created_at[:7], month)[-LOOK_BACK:]
    return BillingAccount.new(
        workspace.id,
        org_id=workspace.org_id,
        ws_id=workspace.id,
        email=workspace.owner.get("email", ""),
        period=month,
        billed={one: [0, 0] for one in earlier},
    )


def opening(workspace: Workspace, account: BillingAccount | None) -> list[Operation]:
    """What a transaction carries so that the workspace has an account afterwards: nothing where it has one."""
    return [] if account is not None else [create(new_account(workspace), EXISTS)]


def opened(workspace: Workspace, account: BillingAccount | None) -> BillingAccount:
    """The account as it was read, or a new one. A write only where there was none."""
    if account is not None:
        return account
    made = new_account(workspace)
    try:
        write(create(made, EXISTS))
    except Conflict:
        found = get(BillingAccount, *BillingAccount.key(workspace.id))
        assert found is not None  # noqa: S101 - the write was just refused because it exists
        return found
    return made


def the_account(actor: Actor, ws_id: str) -> tuple[Workspace, BillingAccount]:
    """For whoever may see the bills. One round trip, two for an account that nobody needed before."""
    bare = authorize_workspace(actor, ws_id, Permission.WORKSPACE_BILLING)
    workspace, account = get_many([(Workspace, *Workspace.key(bare)), (BillingAccount, *BillingAccount.key(bare))])
    if not isinstance(workspace, Workspace) or workspace.deleted_at:
        raise NotFound(Workspace.NAME)
    return workspace, opened(workspace, account if isinstance(account, BillingAccount) else None)


@dataclass(frozen=True)
class Standing:
    """What everybody in a workspace may know: how it stands, the plan, the day of the next invoice (`2026-12-01`)."""

    status: str
    plan: str
    next_date: str


def standing_of(workspace: Workspace) -> Standing:
    """One round trip."""
    account = get(BillingAccount, *BillingAccount.key(workspace.id)) or new_account(workspace)
    return Standing(account.status, account.plan, account.next_date)


def new_standing(workspace: Workspace) -> Standing:
    """Of a workspace that was just made: no round trip."""
    account = new_account(workspace)
    return Standing(account.status, account.plan, account.next_date)


def refuse_suspended(account: BillingAccount | None) -> None:
    """Raises LimitExceeded(WORKSPACE_SUSPENDED) where the bills were not paid for so long that nothing new may be started."""
    if account is not None and account.status == "suspended":
        raise LimitExceeded(
            Situation.WORKSPACE_SUSPENDED,
            "The workspace is suspended: an invoice is more than 30 days overdue. Agents run again once it is paid",
            {"status": "suspended", "overdue_invoices": list(account.overdue)},
        )


def change_account(actor: Actor, ws_id: str, changes: dict[str, Any]) -> BillingAccount:
    """Change what is given of `email`, `address`, `tax_id` and `plan`; None clears address and tax id.

    A plan (a key of `PLANS`) holds from now on; the fee of a period is that of the dearest plan it had. Raises Invalid for a tax id
    that is none of the address's country.
    """
    workspace: Workspace

    def load() -> BillingAccount:
        nonlocal workspace
        workspace, account = the_account(actor, ws_id)
        return account

    def change(account: BillingAccount) -> list[Operation]:
        before = {name: getattr(account, name) for name in changes}
        for name, value in changes.items():
            setattr(account, name, value)
        account.tax_id = checked_tax_id(account.tax_id, account.address)
        account.dearest_plan = more_expensive(account.dearest_plan, account.plan)
        changed = sorted(name for name in changes if before[name] != getattr(account, name))
        if changed:  # names only: an address is nobody's news
            plan = {"plan": [before["plan"], account.plan]} if "plan" in changed else {}
            record(account, EventType.BILLING_CHANGED, actor, changes=plan, fields=changed)
        return _organization_follows(workspace, account.plan) if "plan" in changed else []

    return update_with_retry(load, change)


def _organization_follows(workspace: Workspace, plan: str) -> list[Operation]:
    """What a transaction carries so that the organization has the plan that is paid for with its own workspace (decision 21)."""
    if not workspace.is_default:
        return []
    pk, sk = Organization.key(str(workspace.org_id))
    actions = [Organization.plan.set(plan), Organization.version.add(1)]
    return [update(Organization(pk=pk, sk=sk), actions, Organization.pk.exists())]


def add_method(actor: Actor, ws_id: str, kind: str, token: str | None, default: bool) -> dict[str, Any]:
    """A way to pay. `bank_transfer` needs nothing; of the others the gateway's own pages gave the client a token.

    The same token again is the same method. Raises Invalid and Upstream as the gateway does, LimitExceeded (MAX_METHODS).
    """
    workspace, account = the_account(actor, ws_id)
    method: dict[str, Any] = {"id": derived_id("method", account.id, token or kind), "type": kind}
    customer = account.customer
    if kind != "bank_transfer":
        if not token:
            raise Invalid(FieldError("token", f"A {kind} needs the token that the payment gateway gave for it"))
        gateway = gateways.chosen()
        if customer is None or customer["gateway"] != gateway.name:
            customer = {"gateway": gateway.name, "id": gateway.customer(account.id, workspace.name, account.email)}
        attached = gateway.attach(customer["id"], token)
        method |= {
            "type": attached.type,
            "brand": attached.brand,
            "last4": attached.last4,
            "token": token,
            "gateway": gateway.name,
        }

    def change(fresh: BillingAccount) -> None:
        others = [one for one in fresh.methods if one["id"] != method["id"]]
        if len(others) >= MAX_METHODS:
            raise LimitExceeded(Situation.LIMIT_REACHED, f"At most {MAX_METHODS} payment methods", {"limit": MAX_METHODS})
        method["default"] = default or not any(one["default"] for one in others)
        fresh.methods = [{**one, "default": one["default"] and not method["default"]} for one in others] + [method]
        fresh.customer = customer
        record(fresh, EventType.BILLING_CHANGED, actor, fields=["methods"])

    update_with_retry(lambda: the_account(actor, ws_id)[1], change)
    return method


def remove_method(actor: Actor, ws_id: str, method_id: str) -> None:
    """Nobody pays with it any more. Where it was the default, the newest other one is it. Raises NotFound."""
    method = _method(the_account(actor, ws_id)[1], method_id)
    if method.get("token"):
        gateways.named(method["gateway"]).detach(method["token"])

    def change(account: BillingAccount) -> None:
        gone = _method(account, method_id)
        rest = [one for one in account.methods if one["id"] != method_id]
        if gone["default"] and rest:
            rest[-1] = {**rest[-1], "default": True}
        account.methods = rest
        record(account, EventType.BILLING_CHANGED, actor, fields=["methods"])

    update_with_retry(lambda: the_account(actor, ws_id)[1], change)


def _method(account: BillingAccount, method_id: str) -> dict[str, Any]:
    for method in account.methods:
        if method["id"] == method_id:
            found: dict[str, Any] = method
            return found
    raise NotFound("payment_method")


def chargeable(account: BillingAccount) -> dict[str, Any] | None:
    """The default way to pay, if it is one that can be charged without its owner."""
    return next((one for one in account.methods if one["default"] and one.get("token")), None)
