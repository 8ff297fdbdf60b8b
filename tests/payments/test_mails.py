"""What people get by mail about their orders: once, in their own language and at their own time."""

from datetime import UTC, datetime

import pytest
from django.core import mail
from django.utils import timezone, translation

from payments import cases, outgoing, settlement
from payments.models import Order, Outgoing, TimelineEntry
from wallet.models import Transfer


@pytest.fixture
def sent():
    """Send everything that waits; the mails of it."""

    def send():
        for row in outgoing.due():
            outgoing.work(row)
        return mail.outbox

    return send


def html_of(message):
    ((html, kind),) = message.alternatives
    assert kind == "text/html"
    return html


def test_a_settled_order_mails_its_receipt_once(order, evidence_of, sent):
    for _ in range(2):
        settlement.settle(order.pk, evidence_of(order))
        sent()
    (receipt,) = sent()
    sale = str(Transfer.objects.get(cause=f"order:{order.pk}", kind=1).pk)

    assert receipt.to == ["alice@example.com"]
    assert order.number in receipt.subject
    for told in [order.number, "350 coins", "€4.15", "€3.37", "€0.78", "VAT 23%", "@alice", sale]:
        assert told in receipt.body
        assert told in html_of(receipt)


def test_a_receipt_is_in_the_language_of_its_reader_whatever_the_sweep_speaks(people, order_of, evidence_of, sent):
    noor = people("noor", country="SA", language="ar")
    order = order_of(noor, 350)
    settlement.settle(order.pk, evidence_of(order))
    with translation.override("en"):
        (receipt,) = sent()

    assert 'lang="ar" dir="rtl"' in html_of(receipt)
    assert "الإيصال" in receipt.subject or "إيصال" in receipt.subject


def test_times_in_a_receipt_are_those_of_where_its_reader_lives(people, order_of, evidence_of, sent):
    noor = people("noor", country="SA")
    order = order_of(noor, 350)
    settlement.settle(order.pk, evidence_of(order))
    TimelineEntry.objects.filter(what="settled").update(at=datetime(2026, 11, 22, 22, 30, tzinfo=UTC))
    (receipt,) = sent()

    assert "Nov. 23, 2026, 1:30 a.m. (Asia/Riyadh)" in receipt.body


def test_a_receipt_that_is_sent_again_after_a_lost_answer_is_the_same_message(order, evidence_of, sent):
    settlement.settle(order.pk, evidence_of(order))
    sent()
    Outgoing.objects.update(state="waiting", due_at=timezone.now())
    first, again = sent()

    assert first.message()["Message-ID"] == again.message()["Message-ID"]


def test_a_mail_server_that_is_away_loses_no_receipt(order, evidence_of, sent, settings):
    settlement.settle(order.pk, evidence_of(order))
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    sent()
    row = Outgoing.objects.get(kind="receipt_mail")
    assert (row.state, row.attempts) == ("waiting", 1)
    assert Order.objects.get().state == "settled"

    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    Outgoing.objects.update(due_at=timezone.now())
    assert len(sent()) == 1


def test_the_answer_to_a_question_is_mailed_to_who_asked(alice, people, order, sent):
    case = cases.report(order, by=alice, why="Where are <b>my</b> coins?")
    cases.answer(case.pk, by=people("helper"), reply="They come on Monday.")
    (answer,) = sent()

    assert answer.to == ["alice@example.com"]
    assert "Where are <b>my</b> coins?" in answer.body
    assert "They come on Monday." in answer.body
    assert "Where are &lt;b&gt;my&lt;/b&gt; coins?" in html_of(answer)
