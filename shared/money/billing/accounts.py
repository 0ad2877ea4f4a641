"""The billing account of a workspace: who pays, under which plan and how.

`ensure_account` returns the account and creates it if there is none. Requests for runs and views of the bills both make sure that the
account exists, so that nothing can be used in a workspace without one, however old the workspace is.
"""

from collections.abc import Callable
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
from shared.money.billing.taxes import normalize_tax_id
from shared.people.tenancy.rows import Organization, Workspace
from shared.people.tenancy.workspaces import authorize_workspace
from shared.store import Operation, create, get, get_many, id_of, read_ahead, update, update_with_retry, write

MAX_PAYMENT_METHODS: Final = 10
LOOKBACK_MONTHS: Final = 12
"""Months in which usage that was recorded after its invoice is still billed."""


class _AccountExists(Conflict):
    def __init__(self) -> None:
        super().__init__(Situation.VERSION_CONFLICT, "The billing account was made at the same time; try again")


def new_account(workspace: Workspace) -> BillingAccount:
    """Build the account of a workspace without writing it: it belongs to the owner, on the free plan, from this month on.

    Usage of an older workspace from before it had an account counts as not billed yet.
    """
    month = months.this_month()
    earlier = months.months_between(workspace.created_at[:7], month)[-LOOKBACK_MONTHS:]
    return BillingAccount.new(
        workspace.id,
        org_id=workspace.org_id,
        ws_id=workspace.id,
        email=workspace.owner.get("email", ""),
        period=month,
        billed={one: [0, 0] for one in earlier},
    )


def create_account_operations(workspace: Workspace, account: BillingAccount | None) -> list[Operation]:
    """Return the operations that create the account in a transaction; none if the workspace has one."""
    return [] if account is not None else [create(new_account(workspace), _AccountExists)]


def ensure_account(workspace: Workspace, account: BillingAccount | None) -> BillingAccount:
    """Return the account that was read, or create one; only that costs a write."""
    if account is not None:
        return account
    account = new_account(workspace)
    try:
        write(create(account, _AccountExists))
    except Conflict:
        stored = get(BillingAccount, *BillingAccount.key(workspace.id))
        assert stored is not None  # noqa: S101 - the write was just refused because it exists
        return stored
    return account


def get_account(actor: Actor, ws_id: str) -> tuple[Workspace, BillingAccount]:
    """Return workspace and account to an actor who may see the bills; one round trip, two if the account is new."""
    bare = id_of(Workspace, ws_id)
    workspace, account = get_many([(Workspace, *Workspace.key(bare)), (BillingAccount, *BillingAccount.key(bare))])
    authorize_workspace(actor, bare, Permission.WORKSPACE_BILLING)
    if not isinstance(workspace, Workspace) or workspace.deleted_at:
        raise NotFound(Workspace.NAME)
    return workspace, ensure_account(workspace, account if isinstance(account, BillingAccount) else None)


@dataclass(frozen=True)
class BillingStatus:
    """What every member may know: the status, the plan, the date of the next invoice (`2026-12-01`)."""

    status: str
    plan: str
    next_date: str


def begin_billing_status(ws_id: str) -> Callable[[Workspace], BillingStatus]:
    """Begin to read the billing status of a workspace; what is returned waits for it. The caller authorizes the workspace in between."""
    found = read_ahead(lambda: get(BillingAccount, *BillingAccount.key(ws_id)))

    def status(workspace: Workspace) -> BillingStatus:
        account = found.result() or new_account(workspace)
        return BillingStatus(account.status, account.plan, account.next_date)

    return status


def initial_billing_status(workspace: Workspace) -> BillingStatus:
    """Return the billing status of a workspace that was just created; no round trip."""
    account = new_account(workspace)
    return BillingStatus(account.status, account.plan, account.next_date)


def refuse_suspended(account: BillingAccount | None) -> None:
    """Raise LimitExceeded(WORKSPACE_SUSPENDED) if the account is suspended because of unpaid invoices."""
    if account is not None and account.status == "suspended":
        raise LimitExceeded(
            Situation.WORKSPACE_SUSPENDED,
            "The workspace is suspended: an invoice is more than 30 days overdue. Agents run again once it is paid",
            {"status": "suspended", "overdue_invoices": list(account.overdue)},
        )


def change_account(actor: Actor, ws_id: str, changes: dict[str, Any]) -> BillingAccount:
    """Change the fields in `changes` (`email`, `address`, `tax_id`, `plan`); None clears address and tax id.

    A plan (a key of `PLANS`) applies from now on; a period costs the fee of the most expensive plan that it had. Raises Invalid if the tax
    id does not fit the country of the address.
    """
    workspace: Workspace

    def load() -> BillingAccount:
        nonlocal workspace
        workspace, account = get_account(actor, ws_id)
        return account

    def change(account: BillingAccount) -> list[Operation]:
        before = {name: getattr(account, name) for name in changes}
        if "plan" in changes:
            account.dearest_plans = _dearest_plans(account, changes["plan"])
        for name, value in changes.items():
            setattr(account, name, value)
        if {"tax_id", "address"} & changes.keys():  # a tax id of before stays as it is
            account.tax_id = normalize_tax_id(account.tax_id, account.address)
        changed = sorted(name for name in changes if before[name] != getattr(account, name))
        if changed:  # names only: an address does not belong in an event
            plan = {"plan": [before["plan"], account.plan]} if "plan" in changed else {}
            record(account, EventType.BILLING_CHANGED, actor, changes=plan, fields=changed)
        return _plan_operations(workspace, account.plan) if "plan" in changed else []

    return update_with_retry(load, change)


def _dearest_plans(account: BillingAccount, plan: str) -> dict[str, str]:
    """Return the plan that each open month costs after a change to `plan`. A month that is over keeps its own: it is closed hours later."""
    month = months.this_month()
    plans = {one: account.plan_of(one) for one in months.months_between(account.period, months.next_month(month))}
    return plans | ({month: more_expensive(plans[month], plan)} if month in plans else {})


def _plan_operations(workspace: Workspace, plan: str) -> list[Operation]:
    """Return the operations that give the plan to the workspace (decision 22), and to the organization of a default workspace (21)."""
    rows: list[type[Workspace] | type[Organization]] = [Workspace, Organization] if workspace.is_default else [Workspace]
    keys = {Workspace: Workspace.key(workspace.id), Organization: Organization.key(str(workspace.org_id))}
    return [update(row(*keys[row]), [row.plan.set(plan), row.version.add(1)], row.pk.exists()) for row in rows]


def add_payment_method(actor: Actor, ws_id: str, kind: str, token: str | None, default: bool) -> dict[str, Any]:
    """Add a payment method. `bank_transfer` needs no token; the others need the token that the gateway's own pages gave the client.

    The same token always gives the same method. Raises Invalid and Upstream as the gateway does, LimitExceeded (MAX_PAYMENT_METHODS).
    """
    workspace, account = get_account(actor, ws_id)
    method: dict[str, Any] = {"id": derived_id("method", account.id, token or kind), "type": kind}
    customer = account.customer
    if kind != "bank_transfer":
        if not token:
            raise Invalid(FieldError("token", f"A {kind} needs the token that the payment gateway gave for it"))
        gateway = gateways.configured_gateway()
        if customer is None or customer["gateway"] != gateway.name:
            customer = {"gateway": gateway.name, "id": gateway.create_customer(account.id, workspace.name, account.email)}
        attached = gateway.attach(customer["id"], token)
        method |= {
            "type": attached.type,
            "brand": attached.brand,
            "last4": attached.last4,
            "token": token,
            "customer": customer["id"],
            "gateway": gateway.name,
        }

    def change(fresh: BillingAccount) -> None:
        others = [one for one in fresh.methods if one["id"] != method["id"]]
        if len(others) >= MAX_PAYMENT_METHODS:
            raise LimitExceeded(
                Situation.LIMIT_REACHED, f"At most {MAX_PAYMENT_METHODS} payment methods", {"limit": MAX_PAYMENT_METHODS}
            )
        method["default"] = default or not any(one["default"] for one in others)
        fresh.methods = [{**one, "default": one["default"] and not method["default"]} for one in others] + [method]
        fresh.customer = customer
        record(fresh, EventType.BILLING_CHANGED, actor, fields=["methods"])

    update_with_retry(lambda: get_account(actor, ws_id)[1], change, first=account)
    return method


def remove_payment_method(actor: Actor, ws_id: str, method_id: str) -> None:
    """Remove a payment method; if it was the default, the newest other one becomes the default. Raises NotFound."""
    _, account = get_account(actor, ws_id)
    method = _get_method(account, method_id)
    if method.get("token"):
        gateways.get_gateway(method["gateway"]).detach(method["token"])

    def change(account: BillingAccount) -> None:
        removed = _get_method(account, method_id)
        rest = [one for one in account.methods if one["id"] != method_id]
        if removed["default"] and rest:
            rest[-1] = {**rest[-1], "default": True}
        account.methods = rest
        record(account, EventType.BILLING_CHANGED, actor, fields=["methods"])

    update_with_retry(lambda: get_account(actor, ws_id)[1], change, first=account)


def _get_method(account: BillingAccount, method_id: str) -> dict[str, Any]:
    for method in account.methods:
        if method["id"] == method_id:
            matching: dict[str, Any] = method
            return matching
    raise NotFound("payment_method")


def chargeable_method(account: BillingAccount) -> dict[str, Any] | None:
    """Return the default payment method if it can be charged without action by its owner."""
    return next((one for one in account.methods if one["default"] and one.get("token")), None)
