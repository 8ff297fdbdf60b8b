"""What a coin cost, against a slow and obvious twin: one that keeps every single coin."""

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from wallet.lots import Event, fold


def test_a_gift_costs_what_its_coins_were_bought_for():
    book = fold([Event(1, 1400, 1675, "EUR"), Event(2, -500)])

    assert book.cost_of(2) == {"EUR": 598}
    assert book.left_of(1) == (900, 1077)


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


@st.composite
def histories(draw):
    """Rows that could have happened: nobody spends what they have not, nothing is undone beyond what it was."""
    rows, balance, undoable, credits_ = [], 0, {}, []
    for number in range(1, draw(st.integers(2, 25)) + 1):
        act = draw(st.sampled_from(["buy", "buy", "spend", "spend", "undo", "take back"]))
        if act == "undo" and any(undoable.values()):
            which = draw(st.sampled_from([key for key, coins in undoable.items() if coins]))
            coins = draw(st.integers(1, undoable[which]))
            undoable[which] -= coins
            rows.append(Event(number, coins, reverses=which))
        elif act in ("spend", "take back") and balance:
            coins = -draw(st.integers(1, balance))
            undoable[number] = -coins
            rows.append(Event(number, coins, reverses=draw(st.sampled_from(credits_)) if act == "take back" else None))
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
