"""Transfers: from the shop's balance into a creator's, and back."""

from __future__ import annotations

from typing import Any

from . import accounts, agenda, balance, charges, events, ids, listing, money, params
from .balance import Entry
from .drawer import Call, Cause, Drawer
from .errors import ApiError, missing_object
from .store import Object, field_is

CREATE = params.shape(
    "currency destination amount",
    amount=params.at_least(1),
    currency=money.check_currency,
    destination=params.text,
    description=params.text,
    metadata=params.metadata,
    source_transaction=params.text,
    source_type=params.one_of("bank_account", "card", "fpx"),
    transfer_group=params.text,
)
UPDATE = params.shape(metadata=params.metadata_change, description=params.text)
LIST = params.shape(**listing.PARAMS, destination=params.text, transfer_group=params.text)
REVERSE = params.shape(
    amount=params.at_least(1), description=params.text, metadata=params.metadata, refund_application_fee=params.flag
)


def create(call: Call) -> Object:
    """POST /v1/transfers"""
    wanted = CREATE(call.params, "")
    drawer = call.drawer
    _refuse_incapable(accounts.find(drawer, wanted["destination"]))
    source = _source(drawer, wanted)
    if source is None and wanted["amount"] > balance.available(drawer, wanted["currency"], None):
        message = (
            "You have insufficient available funds in your Stripe account. Try adding funds directly to your available"
            " balance by creating Charges using the 4000000000000077 test card."
        )
        raise ApiError(message, code="balance_insufficient", param="amount", executed=True)
    return _send(drawer, wanted, source, call.cause)


def _refuse_incapable(destination: Object) -> None:
    if destination["capabilities"].get("transfers") != "active":
        message = (
            "Your destination account needs to have at least one of the following capabilities enabled: transfers,"
            " crypto_transfers, legacy_payments"
        )
        raise ApiError(message, code="insufficient_capabilities_for_transfer", executed=True)


def _source(drawer: Drawer, wanted: dict[str, Any]) -> Object | None:
    """The charge that pays for it, if one is named: together its transfers may not send more than it brought."""
    if "source_transaction" not in wanted:
        return None
    charge = drawer.store.get(wanted["source_transaction"], "charge")
    if charge is None or charge["status"] != "succeeded":
        raise missing_object("charge", wanted["source_transaction"], status=400, param="source_transaction")
    brought = drawer.store.get(charge["balance_transaction"])
    assert brought is not None
    if brought["currency"] != wanted["currency"]:
        message = f"The currency of a transfer must be that of its source: {brought['currency']}."
        raise ApiError(message, param="currency", executed=True)
    sent = drawer.store.all("transfer", field_is("source_transaction", charge["id"]))
    already = sum(transfer["amount"] - transfer["amount_reversed"] for transfer in sent)
    if already + wanted["amount"] > brought["amount"]:
        most, so_far = (money.shown(amount, brought["currency"]) for amount in (brought["amount"], already))
        message = (
            f"Transfers using this transaction as a source must not exceed the source amount of {most}."
            f" (There is already a total amount of {so_far} transferred using this source.)"
        )
        raise ApiError(message, param="amount", executed=True)
    return charge


def _send(drawer: Drawer, wanted: dict[str, Any], source: Object | None, cause: Cause) -> Object:
    transfer_id = ids.new("tr_1")
    group = wanted.get("transfer_group") or (source and (source["transfer_group"] or f"group_{source['id']}"))
    entry = Entry(
        kind="transfer",
        category="transfer",
        amount=-wanted["amount"],
        currency=wanted["currency"],
        source=transfer_id,
        description=wanted.get("description"),
    )
    transfer: Object = {
        "id": transfer_id,
        "object": "transfer",
        "amount": wanted["amount"],
        "amount_reversed": 0,
        "balance_transaction": balance.enter_settled(drawer, entry)["id"],
        "created": drawer.clock.now(),
        "currency": wanted["currency"],
        "description": wanted.get("description"),
        "destination": wanted["destination"],
        "destination_payment": None,
        "livemode": False,
        "metadata": wanted.get("metadata", {}),
        "reversals": _no_reversals(transfer_id),
        "reversed": False,
        "source_transaction": source["id"] if source else None,
        "source_type": wanted.get("source_type", "card"),
        "transfer_group": group,
    }
    transfer["destination_payment"] = _arrive(drawer, transfer, source)["id"]
    drawer.store.add(transfer)
    events.record(drawer, "transfer.created", transfer, cause)
    return transfer


def _no_reversals(transfer_id: str) -> Object:
    return {**listing.as_list([], f"/v1/transfers/{transfer_id}/reversals"), "total_count": 0}


def _arrive(drawer: Drawer, transfer: Object, source: Object | None) -> Object:
    """The creator's side of it. What a charge pays for waits as long as the charge does."""
    brought = drawer.store.get(source["balance_transaction"]) if source else None
    waits_s = max(0, brought["available_on"] - drawer.clock.now()) if brought else 0
    payment = charges.received(drawer, transfer)
    entry = Entry(
        kind="payment",
        category="charge",
        amount=transfer["amount"],
        currency=transfer["currency"],
        source=payment["id"],
        waits_s=waits_s,
        account=transfer["destination"],
    )
    transaction = balance.enter_settled(drawer, entry)
    if waits_s:
        agenda.plan(drawer, "balance.arrive", transaction["id"], after_s=waits_s)
    payment["balance_transaction"] = transaction["id"]
    return drawer.store.add(payment, account=transfer["destination"])


def reverse(call: Call, transfer_id: str) -> Object:
    """POST /v1/transfers/{id}/reversals: at most what was sent, and what the creator still has."""
    wanted = REVERSE(call.params, "")
    drawer, transfer = call.drawer, find(call.drawer, transfer_id)
    left = transfer["amount"] - transfer["amount_reversed"]
    amount = wanted.get("amount", left)
    if left == 0:
        raise ApiError(f"Transfer {transfer_id} has already been fully reversed.", executed=True)
    if amount > left:
        asked, still = (money.shown(each, transfer["currency"]) for each in (amount, left))
        message = f"Transfer reversal amount ({asked}) is greater than unreversed amount on transfer ({still})"
        raise ApiError(message, param="amount", executed=True)
    if amount > balance.total(drawer, transfer["currency"], transfer["destination"]):
        message = f"Insufficient funds in the Stripe account {transfer['destination']} to reverse this transfer."
        raise ApiError(message, code="balance_insufficient", param="amount", executed=True)
    return _take_back(drawer, transfer, amount, wanted, call.cause)


def _take_back(drawer: Drawer, transfer: Object, amount: int, wanted: dict[str, Any], cause: Cause) -> Object:
    reversal_id, back_id = ids.new("trr_1"), ids.new("pyr_1")
    common = {"currency": transfer["currency"]}
    here = Entry(kind="transfer_refund", category="transfer_reversal", amount=amount, source=reversal_id, **common)
    there = Entry(
        kind="payment_refund",
        category="refund",
        amount=-amount,
        source=back_id,
        account=transfer["destination"],
        **common,
    )
    balance.enter_settled(drawer, there)
    reversal: Object = {
        "id": reversal_id,
        "object": "transfer_reversal",
        "amount": amount,
        "balance_transaction": balance.enter_settled(drawer, here)["id"],
        "created": drawer.clock.now(),
        "currency": transfer["currency"],
        "destination_payment_refund": back_id,
        "metadata": wanted.get("metadata", {}),
        "source_refund": None,
        "transfer": transfer["id"],
    }
    drawer.store.add(reversal)
    reversed_ = transfer["amount_reversed"] + amount
    members = [reversal, *transfer["reversals"]["data"]][:10]
    listed = {**transfer["reversals"], "data": members, "total_count": transfer["reversals"]["total_count"] + 1}
    after = {
        **transfer,
        "amount_reversed": reversed_,
        "reversed": reversed_ == transfer["amount"],
        "reversals": listed,
    }
    events.change(drawer, transfer, after, "transfer.reversed", cause=cause)
    return reversal


def update(call: Call, transfer_id: str) -> Object:
    """POST /v1/transfers/{id}"""
    wanted = UPDATE(call.params, "")
    transfer = find(call.drawer, transfer_id)
    metadata = params.merged(transfer["metadata"], wanted.pop("metadata", None))
    after = {**transfer, **wanted, "metadata": metadata}
    return events.change(call.drawer, transfer, after, "transfer.updated", cause=call.cause)


def retrieve(call: Call, transfer_id: str) -> Object:
    """GET /v1/transfers/{id}"""
    params.shape()(call.params, "")
    return find(call.drawer, transfer_id)


def find(drawer: Drawer, transfer_id: str) -> Object:
    """A transfer, or 404."""
    transfer = drawer.store.get(transfer_id, "transfer")
    if transfer is None:
        raise missing_object("transfer", transfer_id)
    return transfer


def index(call: Call) -> Object:
    """GET /v1/transfers: by its group a transfer is found whose answer was lost."""
    wanted = LIST(call.params, "")
    conditions = [field_is(name, wanted[name]) for name in ("destination", "transfer_group") if name in wanted]
    return listing.page(call, "transfer", "/v1/transfers", wanted, conditions)


def reversals_index(call: Call, transfer_id: str) -> Object:
    """GET /v1/transfers/{id}/reversals"""
    wanted = params.shape(**listing.PARAMS)(call.params, "")
    find(call.drawer, transfer_id)
    url = f"/v1/transfers/{transfer_id}/reversals"
    return listing.page(call, "transfer_reversal", url, wanted, [field_is("transfer", transfer_id)])


def retrieve_reversal(call: Call, transfer_id: str, reversal_id: str) -> Object:
    """GET /v1/transfers/{id}/reversals/{id}"""
    params.shape()(call.params, "")
    reversal = call.drawer.store.get(reversal_id, "transfer_reversal")
    if reversal is None or reversal["transfer"] != transfer_id:
        raise missing_object("transfer reversal", reversal_id)
    return reversal
