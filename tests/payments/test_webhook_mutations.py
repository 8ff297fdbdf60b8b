"""Two thousand bodies that are nearly events: each is refused or kept, none breaks anything, and none is believed."""

import json
import random

import pytest

from payments import gateway, inbox
from payments.models import Payment, StripeEvent
from wallet import ledger

BODIES = 2_000
ODD = [
    *[
        None,
        True,
        False,
        0,
        -1,
        0.1,
        1e308,
        10**18,
        2**63,
        10**300,
        "",
        " 5",
        "1e3",
        "１００",
        "\\u0000",
        "é😀",
        "../../",
    ],
    *[
        [],
        {},
        [[]],
        {"id": {}},
        ["cs_1"],
        "x" * 300,
        "cs_test_" + "0" * 5_000,
        "\u202e",
        "\x01",
        "\x00",
        "\ud800",
        "'; --",
        "%s",
        "{0}",
    ],
]
TOKENS = [
    *[b"NaN", b"-Infinity", b"1e999", b"-0", b"01", b"'", b"\x00", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf"],
    *[rb'"\u0000"', rb'"\ud800"', rb'"\udc00\ud800"', rb'"\u"', b"9" * 5_000, b"{", b"}", b"[", b"]", b",", b":", b'"'],
]


def somewhere(chance, thing):
    """A place in an event: the dict that holds it, and its name there."""
    while True:
        name = chance.choice(sorted(thing))
        if not isinstance(thing[name], dict) or not thing[name] or chance.random() < 0.3:
            return thing, name
        thing = thing[name]


def another_value(chance, event):
    holder, name = somewhere(chance, event)
    holder[name] = chance.choice(ODD)
    return json.dumps(event).encode()


def a_missing_field(chance, event):
    holder, name = somewhere(chance, event)
    del holder[name]
    return json.dumps(event).encode()


def a_field_given_twice(chance, event):
    field = json.dumps({chance.choice(["id", "type", "data", "object", "livemode"]): chance.choice(ODD)})[1:-1]
    body = json.dumps(event)
    return (f"{{{field}, {body[1:]}" if chance.random() < 0.5 else f"{body[:-1]}, {field}}}").encode()


def a_cut(chance, event):
    body = json.dumps(event).encode()
    return body[chance.randrange(50) :] if chance.random() < 0.3 else body[: chance.randrange(len(body))]


def other_bytes(chance, event):
    body = bytearray(json.dumps(event).encode())
    for _ in range(chance.randint(1, 4)):
        body[chance.randrange(len(body))] = chance.randrange(256)
    return bytes(body)


def a_strange_token(chance, event):
    body = json.dumps(event).encode()
    place = chance.choice([index for index, byte in enumerate(body) if byte == ord(":")]) + 2
    return body[:place] + chance.choice(TOKENS) + body[place + chance.randrange(3) :]


def a_deep_nest(chance, event):
    depth = chance.choice([50, 300, 800, 950, 990, 1_100, 2_000, 5_000, 10_000])
    opens, closes = chance.choice([(b'{"a":', b"}"), (b"[", b"]")])
    return json.dumps(event | {"more": "HERE"}).encode().replace(b'"HERE"', opens * depth + b"1" + closes * depth)


def no_object(chance, event):
    return json.dumps(chance.choice([*ODD, [event], json.dumps(event)])).encode()


def a_very_long_one(chance, event):
    return json.dumps(event | {"more": "x" * chance.choice([200_000, 262_200, 1_000_000, 5_000_000])}).encode()


COMMON = [another_value, a_missing_field, a_field_given_twice, a_cut, other_bytes, a_strange_token, no_object]
RARE = [a_deep_nest, a_very_long_one]


@pytest.fixture
def mutants(order, event_about):
    """Bodies as unlike as chance makes them, and the same ones every time."""
    chance = random.Random(20_261_126)  # to be the same every time

    def make(count):
        for _ in range(count):
            kind = chance.choice(RARE if chance.random() < 0.02 else COMMON)
            event = event_about(order, type=chance.choice(["checkout.session.completed", "refund.updated", "x"]))
            yield kind(chance, event)

    return make


def test_whatever_is_signed_is_refused_or_kept_and_never_breaks_anything(sandbox, order, mutants, deliver):
    answers = [(deliver(body).status_code, body) for body in mutants(BODIES)]
    kept = [json.loads(body)["id"] for status, body in answers if status == 200]

    assert {status for status, _ in answers} == {200, 400}
    assert BODIES / 5 < len(kept) < BODIES * 4 / 5  # it is a test of both
    assert set(StripeEvent.objects.values_list("pk", flat=True)) == set(kept)


def test_what_was_kept_of_it_can_be_worked_on_and_pays_for_nothing_that_was_not_paid(
    sandbox, alice, order, mutants, deliver, caplog
):
    for body in mutants(300):
        deliver(body)
    for event in StripeEvent.objects.all():
        inbox.work(event.pk)
    states = set(StripeEvent.objects.values_list("state", flat=True))

    assert not StripeEvent.objects.filter(state="received", attempts=0).exists()
    assert {"done", "ignored"} <= states
    assert ledger.balances(alice.pk).coins in (0, 350)
    assert {payment.amount_minor for payment in Payment.objects.filter(Payment.GOOD, is_surplus=False)} <= {415}


def test_nothing_of_it_is_written_under_a_signature_that_was_made_for_something_else(
    order, event_about, mutants, deliver, signature
):
    header = signature(json.dumps(event_about(order)).encode())
    answers = {deliver(body, header=header).status_code for body in mutants(500)}

    assert answers == {400}
    assert StripeEvent.objects.count() == 0


def test_a_buyer_who_types_an_escape_is_no_reason_to_refuse_an_event(alice, order, event_about, deliver):
    event = event_about(order, customer_details={"name": "\\u0000", "email": "alice\\\\u0000@example.com"})
    assert deliver(event).status_code == 200
    inbox.work(event["id"])

    assert StripeEvent.objects.get().payload == event
    assert ledger.balances(alice.pk).coins == 350


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "", "é"])
def test_the_bytes_that_were_signed_are_what_is_verified_whatever_they_are_called(
    order, event_about, signature, client, kind
):
    body = json.dumps(event_about(order), indent=2).encode()
    answer = client.post("/webhooks/stripe/", body, kind, headers={"Stripe-Signature": signature(body)})

    assert answer.status_code == 200
    assert StripeEvent.objects.count() == 1
    assert StripeEvent.objects.get().api_version == gateway.API_VERSION
