"""Parts of a statement: some kinds, some time. A filter hides lines and changes nothing about those it shows."""

import random
import uuid
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from conftest import as_owner, empty_database, person
from django.db import connection

from wallet import filters, ledger
from wallet.filters import KINDS
from wallet.ledger import AccountKind, Filter, Group, TransferKind

MONTHS = [datetime(2025, number, 1, tzinfo=UTC) for number in range(1, 8)]
SPANS = [(None, None), *pairwise(MONTHS), (MONTHS[2], None), (None, MONTHS[2])]
FILTERS = [Filter(group, *span) for group in [None, *Group] for span in SPANS]


@pytest.fixture(scope="module")
def accounts(django_db_setup, django_db_blocker):
    """Coins and diamonds of one person, five months long; around midnight, neighbours stand in the other order."""
    with django_db_blocker.unblock():
        noor, fan = person("noor").pk, person("fan").pk
        live(noor, fan, random.Random(7))
        spread_over_months()
        yield {"coins": ledger.coins_of(noor), "diamonds": ledger.diamonds_of(noor)}
        connection.close()
        empty_database()


@pytest.fixture
def db_access(django_db_blocker):
    """Read what was committed before; nothing is rolled back."""
    with django_db_blocker.unblock():
        yield


def live(noor, fan, drawn):
    post(TransferKind.SALE, noor, 10_000)
    post(TransferKind.SALE, fan, 10_000)
    for _ in range(45):
        post(TransferKind.GIFT, fan, drawn.randint(5, 50), other=noor)
        act = drawn.choice(["buy", "charge", "charge", "gift", "gift", "exchange", "payout", "adjustment"])
        if act == "buy":
            post(TransferKind.SALE, noor, drawn.randint(50, 500))
        if act == "charge":
            charge = post(TransferKind.CHARGE, noor, 40)
            post(TransferKind.CHARGE_REFUNDED, noor, drawn.randint(1, 40), undoes=charge.transfer_id)
        if act == "gift":
            post(TransferKind.GIFT, noor, drawn.randint(5, 50), other=fan)
        if act == "exchange":
            post(TransferKind.EXCHANGE, noor, 4)
        if act == "payout":
            post(TransferKind.PAYOUT_ASKED, noor, 1)
        if act == "adjustment":
            post(TransferKind.COINS_REMOVED, noor, 3)


def post(kind, person, amount, **more):
    return ledger.post(kind, person=person, amount=amount, key=uuid.uuid4(), cause="a test", **more)


def spread_over_months():
    """Forty transfers a month; ten of them near midnight at its end, one before it and one after it in turn."""
    with as_owner() as cursor:
        cursor.execute("ALTER TABLE wallet_transfer DISABLE TRIGGER transfers_are_append_only")
        cursor.execute("SELECT id FROM wallet_transfer ORDER BY id")
        for number, (transfer_id,) in enumerate(cursor.fetchall()):
            month, place = divmod(number, 40)
            if place < 30:
                at = MONTHS[month] + timedelta(days=3, hours=place)
            else:
                at = MONTHS[month + 1] + timedelta(minutes=15 if place % 2 else -15)
            cursor.execute("UPDATE wallet_transfer SET created_at = %s WHERE id = %s", [at, transfer_id])
        cursor.execute("ALTER TABLE wallet_transfer ENABLE TRIGGER transfers_are_append_only")


def part_of(account, which):
    """What a filter must show, the obvious way: of all lines, those it is about."""
    everything = list(ledger.every_line(account))
    begin, end = which.since or datetime.min.replace(tzinfo=UTC), which.until or datetime.max.replace(tzinfo=UTC)
    kinds = KINDS[which.group] if which.group else {*TransferKind}
    return [line for line in everything if line.kind in kinds and begin <= line.at < end]


def pages_of(account, which, limit):
    page = ledger.page(account, which, limit=limit)
    while page.older:
        assert len(page.lines) <= limit
        yield from page.lines
        page = ledger.page(account, which, before=page.older, limit=limit)
    yield from page.lines


@pytest.mark.parametrize("which", FILTERS, ids=str)
@pytest.mark.parametrize("whose", ["coins", "diamonds"])
def test_pages_of_a_part_hold_just_its_lines_with_their_true_balances(whose, which, accounts, db_access, monkeypatch):
    expected = part_of(accounts[whose], which)

    assert list(pages_of(accounts[whose], which, limit=1000)) == expected[::-1]
    assert list(pages_of(accounts[whose], which, limit=3)) == expected[::-1]
    monkeypatch.setattr(filters, "LOOKED_THROUGH", 7)
    assert list(pages_of(accounts[whose], which, limit=3)) == expected[::-1]
    monkeypatch.setattr(filters, "LOOKED_THROUGH", 1)
    assert list(pages_of(accounts[whose], which, limit=3)) == expected[::-1]


@pytest.mark.parametrize("which", FILTERS, ids=str)
@pytest.mark.parametrize("whose", ["coins", "diamonds"])
def test_the_same_part_can_be_had_oldest_first(whose, which, accounts, db_access):
    assert list(ledger.lines_of(accounts[whose], which)) == part_of(accounts[whose], which)


def test_a_part_may_begin_anywhere(accounts, db_access):
    for line in ledger.every_line(accounts["coins"]):
        which = Filter(None, line.at + filters.SLACK)  # so that the search ends just before the line itself

        assert list(ledger.lines_of(accounts["coins"], which)) == part_of(accounts["coins"], which)


def test_the_history_has_what_these_tests_are_about(accounts, db_access):
    lines = list(ledger.every_line(accounts["coins"]))
    months = [line.at.month for line in lines]

    assert {line.kind for line in lines} > {TransferKind.SALE, TransferKind.GIFT, TransferKind.EXCHANGE}
    assert len({*months}) >= 3
    assert months != sorted(months), "somewhere a month begins before the last one has ended"
    assert all(part_of(accounts["coins"], Filter(group)) for group in Group)


def test_a_page_that_is_turned_to_from_another_month_begins_in_the_one_asked_for(accounts, db_access, monkeypatch):
    monkeypatch.setattr(filters, "LOOKED_THROUGH", 10)
    newest = ledger.page(accounts["diamonds"], limit=5).older
    february = Filter(None, MONTHS[1], MONTHS[2])

    assert ledger.page(accounts["diamonds"], february, before=newest) == ledger.page(accounts["diamonds"], february)


def test_what_is_rare_is_looked_for_in_steps(accounts, db_access, monkeypatch):
    monkeypatch.setattr(filters, "LOOKED_THROUGH", 5)
    page = ledger.page(accounts["coins"], Filter(None, MONTHS[0], MONTHS[1]))
    empty = ledger.page(accounts["diamonds"], Filter(Group.CHARGES))

    assert page.lines
    assert empty.lines == []
    assert empty.older is not None, "there may be older ones"


def test_an_account_that_never_moved_has_no_page(alice):
    account = ledger.coins_of(alice.pk)

    for which in FILTERS:
        assert ledger.page(account, which) == ledger.Page([], None)
        assert list(ledger.lines_of(account, which)) == []
    assert ledger.begun(account) is None


def test_every_kind_that_people_can_read_about_is_in_one_group():
    for kind in [AccountKind.COINS, AccountKind.PROMO, AccountKind.DIAMONDS]:
        offered = ledger.groups_of(kind)
        for transfer_kind, lines in filters.POSTINGS.items():
            if any(kind in (line.debit, line.credit) for line in lines):
                assert sum(transfer_kind in KINDS[group] for group in offered) == 1, transfer_kind


def test_groups_that_an_account_can_have_no_line_of_are_not_offered():
    assert ledger.groups_of(AccountKind.PROMO) == [Group.TOP_UPS, Group.GIFTS, Group.CORRECTIONS]
    assert Group.TOP_UPS not in ledger.groups_of(AccountKind.DIAMONDS)
