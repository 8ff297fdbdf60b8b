"""What a coin cost, against a slow and obvious twin: one that keeps every single coin."""

import json
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wallet import lots
from wallet.lots import Book, Event, ForgottenError, fold


def test_a_gift_costs_what_its_coins_were_bought_for():
    book = fold([Event(1, 1400, 1675, "EUR"), Event(2, -500)])

    assert book.cost_of(2) == {"EUR": 598}
    assert book.left_of(1) == (900, 1077)


def test_coins_cost_the_same_one_by_one_and_together():
    one_by_one = fold([Event(1, 350, 415, "EUR"), *(Event(number, -1) for number in range(2, 222))])
    together = fold([Event(1, 350, 415, "EUR"), Event(2, -220)])

    assert one_by_one.left_of(1) == together.left_of(1) == (130, 154)


def test_the_oldest_coins_go_first_whatever_they_cost():
    book = fold([Event(1, 100, 120, "EUR"), Event(2, 100, 90, "EUR"), Event(3, -150)])

    assert book.left_of(1) == (0, 0)
    assert book.left_of(2) == (50, 45)
    assert book.cost_of(3) == {"EUR": 165}


def test_what_is_undone_restores_exactly_what_it_took():
    before = fold([Event(1, 100, 101, "EUR"), Event(2, 7)])
    after = fold([Event(1, 100, 101, "EUR"), Event(2, 7), Event(3, -103), Event(4, 103, reverses=3)])

    assert after.lots == before.lots
    assert after.cost_of(3) == {}


def test_what_is_taken_back_comes_from_the_order_it_was_bought_with():
    book = fold([Event(1, 100, 120, "EUR"), Event(2, 100, 90, "EUR"), Event(3, -60, reverses=2)])

    assert book.left_of(1) == (100, 120)
    assert book.left_of(2) == (40, 36)


def test_presents_cost_nothing():
    assert fold([Event(1, 30), Event(2, -10)]).cost_of(2) == {}


def test_a_book_that_was_kept_goes_on_where_it_was():
    rows = [Event(1, 100, 120, "EUR"), Event(2, -30), Event(3, 50, 45, "EUR"), Event(4, -90), Event(5, 20, reverses=4)]

    assert fold(rows[3:], fold(rows[:3])) == fold(rows)


class EveryCoin:
    """The slow twin: a list with every coin in it, and what it cost as a fraction. It knows who took which."""

    def __init__(self):
        self.coins, self.taken = [], {}

    def add(self, event):
        if event.coins > 0 and event.reverses in self.taken:
            for _ in range(event.coins):
                place, coin = self.taken[event.reverses].pop()
                self.coins[place] = coin
        elif event.coins > 0:
            self.coins += [(event.transfer_id, Fraction(event.cost_minor, event.coins))] * event.coins
        else:
            places = [place for place, coin in enumerate(self.coins) if coin]
            places.sort(key=lambda place: self.coins[place][0] != event.reverses)
            self.taken[event.transfer_id] = [(place, self.coins[place]) for place in places[: -event.coins]]
            for place in places[: -event.coins]:
                self.coins[place] = None

    def left_of(self, lot):
        return sum(1 for coin in self.coins if coin and coin[0] == lot)


ACTS = ["buy", "buy", "spend", "spend", "undo", "take back"]


@st.composite
def histories(draw, acts=ACTS):
    """Rows that could have happened: nobody spends what they have not, nothing is undone beyond what it was."""
    rows, balance, undoable, credits_ = [], 0, {}, []
    for number in range(1, draw(st.integers(2, 25)) + 1):
        act = draw(st.sampled_from(acts))
        if act == "undo" and any(undoable.values()):
            which = draw(st.sampled_from([key for key, coins in undoable.items() if coins]))
            coins = draw(st.integers(1, undoable[which]))
            undoable[which] -= coins
            rows.append(Event(number, coins, reverses=which))
        elif act in ("spend", "take back") and balance:
            coins = -draw(st.integers(1, balance))
            undoable[number] = -coins
            is_return = act == "take back"
            bought = draw(st.sampled_from(credits_)) if is_return else None
            rows.append(Event(number, coins, reverses=bought, is_return=is_return))
        else:
            coins = draw(st.integers(1, 60))
            rows.append(Event(number, coins, draw(st.integers(0, 500)), "EUR"))
            credits_.append(number)
        balance += rows[-1].coins
    return rows


@settings(max_examples=300, deadline=None)
@given(histories())
def test_lots_agree_with_a_twin_that_keeps_every_coin_and_add_up_to_what_was_paid(rows):
    book, twin = fold(rows), EveryCoin()
    for row in rows:
        twin.add(row)

    assert {lot: book.left_of(lot)[0] for lot in book.lots} == {lot: twin.left_of(lot) for lot in book.lots}
    spent = sum(portion.cost_minor for portions in book.taken.values() for portion in portions)
    assert spent + sum(lot.left_minor for lot in book.lots.values()) == sum(
        lot.cost_minor for lot in book.lots.values()
    )
    assert all(lot.left_minor >= 0 and (lot.left or not lot.left_minor) for lot in book.lots.values())
    assert all(portion.cost_minor >= 0 for portions in book.taken.values() for portion in portions)


@settings(max_examples=200, deadline=None)
@given(histories(["buy", "spend", "spend", "take back"]))
def test_without_undoing_what_is_left_is_worth_its_share_to_half_a_minor_unit(rows):
    book = fold(rows)

    for lot in book.lots.values():
        assert abs(lot.left_minor * lot.coins - lot.cost_minor * lot.left) * 2 <= lot.coins


# A book that forgets --------------------------------------------------------------------------------------------------


def kept(book):
    """The book as it comes back from the database."""
    book.forget()
    return Book.from_json(json.loads(json.dumps(book.as_json())))


def spent_of(book):
    """What was spent in all, in minor units by currency."""
    total = dict(book.spent_before)
    for lot in book.lots.values():
        total[lot.currency] = total.get(lot.currency, 0) + lot.spent_minor
    return {currency: spent for currency, spent in total.items() if currency and spent}


def assert_same(book, whole):
    assert {number: book.left_of(number) for number in whole.lots} == {
        number: whole.left_of(number) for number in whole.lots
    }
    assert spent_of(book) == spent_of(whole)
    assert all(book.lots[number] == whole.lots[number] for number in book.lots)
    assert all(whole.taken[debit] == portions for debit, portions in book.taken.items())


@settings(max_examples=200, deadline=None)
@given(histories(), st.integers(0, 3))
def test_a_book_that_forgets_at_any_point_goes_on_as_if_it_had_not_or_says_so(rows, remembered):
    whole = fold(rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lots, "REMEMBERED", remembered)
        for point in range(len(rows) + 1):
            book, before = kept(fold(rows[:point])), {row.transfer_id for row in rows[:point]}
            try:
                assert_same(fold(rows[point:], book), whole)
            except ForgottenError:
                newest = [row.transfer_id for row in rows[:point] if row.coins < 0][-remembered or point :]
                undone = {row.reverses for row in rows[point:] if row.coins > 0} & before
                assert undone - {*newest}, "what is remembered is never missed"


@settings(max_examples=200, deadline=None)
@given(histories())
def test_a_book_that_remembers_enough_may_forget_after_every_row(rows):
    book = Book()
    for row in rows:
        book.add(row)
        book = kept(book)

    assert_same(book, fold(rows))


@settings(max_examples=200, deadline=None)
@given(histories())
def test_a_book_that_forgets_agrees_with_the_twin(rows):
    twin = EveryCoin()
    for row in rows:
        twin.add(row)
    for point in range(len(rows) + 1):
        book = fold(rows[point:], kept(fold(rows[:point])))

        assert {row.transfer_id: book.left_of(row.transfer_id)[0] for row in rows if row.transfer_id in book.lots} == {
            row.transfer_id: twin.left_of(row.transfer_id) for row in rows if row.transfer_id in book.lots
        }
        assert sum(lot.left for lot in book.lots.values()) == sum(1 for coin in twin.coins if coin)


def test_a_book_that_forgot_says_so_instead_of_guessing():
    book = fold([Event(1, 10, 10, "EUR"), *(Event(number, -1) for number in range(2, 9))])
    lots_before = book.left_of(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lots, "REMEMBERED", 2)
        book.forget()

    assert book.left_of(1) == lots_before
    assert book.cost_of(8) == {"EUR": 1}
    with pytest.raises(ForgottenError):
        book.cost_of(3)
    with pytest.raises(ForgottenError):
        book.add(Event(9, 1, reverses=3))


def test_what_is_used_up_is_forgotten_but_for_what_it_earned():
    book = fold([Event(1, 10, 12, "EUR"), Event(2, -10), Event(3, 5, 7, "EUR"), Event(4, -1)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lots, "REMEMBERED", 1)
        book.forget()

    assert [*book.lots] == [3]
    assert book.spent_before == {"EUR": 12}
    assert book.left_of(1) == (0, 0)
