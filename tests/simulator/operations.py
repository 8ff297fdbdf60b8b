"""What people, the house and impostors do: one use at a time, drawn from a random generator and from what happened."""

import random
import uuid
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from django.db import DatabaseError
from simulator.model import HOUSE, Book, Name, Row

from wallet import ledger, postings
from wallet.ledger import MAX_AMOUNT, AccountKind, Entry, Move, TransferKind

A, K = AccountKind, TransferKind
CURRENCIES = ["EUR", "USD", "JPY"]
NOBODY = 10**12


@dataclass(frozen=True)
class Call:
    """One call of a public function of the ledger. An argument that is a function is made from the answers so far."""

    verb: str
    args: dict[str, Any]

    def of(self, books: Any, answers: list[Any]) -> Any:
        """What these books answer; for a refusal, its name."""
        args = {name: value(answers) if callable(value) else value for name, value in self.args.items()}
        try:
            answer = getattr(books, self.verb)(**args)
            return None if self.verb == "roll_up" else answer  # how many it folded depends on who else is there
        except (ledger.LedgerError, DatabaseError) as refusal:
            return type(refusal).__name__

    def __str__(self) -> str:
        said = {name: value.name if isinstance(value, TransferKind) else value for name, value in self.args.items()}
        return f"{self.verb}({', '.join(f'{name}={value}' for name, value in said.items())})"


@dataclass(frozen=True)
class Use:
    """What somebody does: calls that belong together, in one transaction or each in its own."""

    what: str
    calls: list[Call]
    is_atomic: bool = False

    def homes(self) -> set[int | None]:
        return {call.args.get("person", call.args.get("home")) for call in self.calls}

    def __str__(self) -> str:
        return f"{self.what}{' in one transaction' if self.is_atomic else ''}: {'; '.join(map(str, self.calls))}"


class Crowd:
    """Everybody who does something. `book` is only read, to act on what there is and a little beyond it."""

    def __init__(self, rng: random.Random, book: Book) -> None:
        self.rng, self.book = rng, book
        self.people = sorted(book.people)
        self.creators = self.people[:3]
        self.told: dict[int, list[Row]] = defaultdict(list)  # transfers by kind, oldest first
        self.said: list[Call] = []  # earlier calls that had a key
        self.facts = 0

    def next_use(self, acts: "list[Callable[[Crowd], Use | Call]] | None" = None) -> Use:
        act = self.rng.choice(acts) if acts else self.rng.choices(list(ACTS), list(ACTS.values()))[0]
        calls = act(self)
        use = calls if isinstance(calls, Use) else Use(act.__name__, [calls])
        self.said += [call for call in use.calls if "key" in call.args and not any(map(callable, call.args.values()))]
        return use

    def near(self, use: Use) -> Use:
        """Something that may get into this use's way: the same, or something about the same person."""
        if self.rng.random() < 0.25:
            return use
        all_people = self.people
        if self.rng.random() < 0.8:
            self.people = sorted(use.homes() & set(all_people)) or all_people
        try:
            return self.next_use(CONTENDED if self.rng.random() < 0.5 else None)
        finally:
            self.people = all_people

    # What is drawn ---------------------------------------------------------------------------------------------------

    def somebody(self) -> int:
        return self.rng.choice(self.people)

    def creator(self) -> int:
        return self.rng.choice(self.creators if self.rng.random() < 0.7 else self.people)

    def key(self) -> uuid.UUID:
        return uuid.UUID(int=self.rng.getrandbits(128))

    def cause(self, about: str) -> str:
        self.facts += 1
        return f"{about}:{self.facts}"

    def some(self, there_is: int) -> int:
        """An amount: mostly a part of what there is, at times all of it, or one more."""
        there_is, dice = max(there_is, 0), self.rng.random()
        if dice < 0.12:
            return max(there_is, 1)
        if dice < 0.22:
            return there_is + 1
        return self.rng.randint(1, max(1, there_is if dice < 0.4 else min(there_is, 60)))

    def has(self, person: int, kind: AccountKind) -> int:
        return self.book.has.get(Name(person, kind.value, postings.UNIT_OF[kind]), 0)

    def earlier(self, *kinds: TransferKind) -> Row | None:
        """An earlier transfer of such a kind, rather a young one."""
        rows = [row for kind in kinds for row in self.told[kind][-60:] if row.home in self.people]
        return self.rng.choice(rows) if rows else None

    def left_of(self, row: Row) -> int:
        return row.out - self.book.undone.get(row.id, 0)

    def post(self, kind: TransferKind, person: int, amount: int, about: str, **more: Any) -> Call:
        fact = {"kind": kind, "person": person, "amount": amount, "key": self.key(), "cause": self.cause(about)}
        return Call("post", fact | more)

    def take(self, kind: TransferKind, rest_as: TransferKind | None, person: int, amount: int) -> Call:
        fact = {"kind": kind, "amount": amount, "person": person, "key": self.key(), "cause": self.cause("refund")}
        return Call("take_up_to", fact | {"rest_as": rest_as})

    def undo(self, kind: TransferKind, first: Row, about: str, **more: Any) -> Call:
        return self.post(kind, first.home, self.some(self.left_of(first)), about, undoes=first.id, **more)

    # Coins in --------------------------------------------------------------------------------------------------------

    def sale(self) -> Use:
        person = self.somebody()
        coins = MAX_AMOUNT if self.rng.random() < 0.002 else self.rng.randint(1, 700)
        calls = [self.post(K.SALE, person, coins, "order")]
        if self.rng.random() < 0.5:
            calls.append(self.post(K.BONUS, person, self.rng.randint(1, 200), "order"))
        if self.has(person, A.RECEIVABLE):
            calls.append(self._repay(person))
        return Use("sale", calls, is_atomic=self.rng.random() < 0.8)

    def bonus(self) -> Call:
        return self.post(K.BONUS, self.somebody(), self.rng.randint(1, 200), "campaign")

    def adjustment(self) -> Call:
        coins, diamonds = [K.COINS_ADDED, K.COINS_REMOVED], [K.DIAMONDS_ADDED, K.DIAMONDS_REMOVED]
        kind = self.rng.choice([*coins, *diamonds])
        of = A.COINS if kind in coins else A.DIAMONDS
        person = self.somebody()
        return self.post(kind, person, min(self.some(self.has(person, of)), 500), "adjustment")

    # Coins out -------------------------------------------------------------------------------------------------------

    def gift(self) -> Call:
        person, how = self.somebody(), self.rng.random()
        if how < 0.3:
            return self._gift(person, A.PROMO, purse=A.PROMO)
        if how < 0.65:
            return self._gift(person, self.rng.choice([A.COINS, A.PROMO]), promo_in=self.rng.randint(0, 3))
        return self._gift(person, A.COINS)

    def gift_between_accounts(self) -> Call:
        """By the accounts' own numbers; whose coins would rather pay is sometimes somebody else."""
        person, whose = self.somebody(), self.somebody()
        whose = person if self.rng.random() < 0.7 else whose
        coins = self.some(self.has(person, self.rng.choice([A.COINS, A.PROMO])))
        promo = self.number(whose, A.PROMO) if self.rng.random() < 0.7 else None
        move = Move(
            debit=self.number(person, A.COINS) or NOBODY,
            credit=self.number(self.creator(), A.DIAMONDS) or NOBODY,
            amount=min(coins, MAX_AMOUNT),
            amount_in=min(coins, MAX_AMOUNT) // 2,
            rather=promo,
            rather_in=promo and self.rng.randint(0, 3),
        )
        return self._transfer(move, person, K.GIFT, "gift")

    def hold(self) -> Use:
        """A gift in its undo window; sometimes closed or undone at once."""
        person, coins = self.somebody(), self.rng.choice([A.COINS, A.PROMO])
        amount, how = min(self.some(self.has(person, coins)), MAX_AMOUNT), self.rng.random()
        more = {} if how < 0.4 else {"promo_in": amount} if how < 0.8 else {"purse": A.PROMO}
        calls = [self.post(K.GIFT_HELD, person, amount, "gift", **more)]
        if how < 0.15:
            calls.append(self.post(K.GIFT_CLOSED, person, amount, "gift", other=self.creator(), amount_in=amount // 2))
        elif how < 0.3:
            held = {"undoes": lambda answers: next(filter(None, answers)).transfer_id}
            calls.append(self.post(K.GIFT_UNDONE, person, amount, "gift", **held))
        return Use("hold", calls, is_atomic=self.rng.random() < 0.5)

    def close_gift(self) -> Call:
        person = self.somebody()
        coins = self.some(self.has(person, A.COINS_HELD))
        return self.post(K.GIFT_CLOSED, person, coins, "gift", other=self.creator(), amount_in=coins // 2)

    def undo_gift(self) -> Call:
        if not (held := self.earlier(K.GIFT_HELD)):
            return self.hold().calls[0]
        purse = AccountKind(held.debit.kind) if self.rng.random() < 0.9 else self.rng.choice([A.COINS, A.PROMO])
        return self.undo(K.GIFT_UNDONE, held, "gift", purse=purse)

    def charge(self) -> Call:
        person = self.somebody()
        return self.post(K.CHARGE, person, self.some(self.has(person, A.COINS)), "charge")

    def refund_charge(self) -> Call:
        charged = self.earlier(K.CHARGE)
        return self.undo(K.CHARGE_REFUNDED, charged, "charge") if charged else self.charge()

    def forfeit(self) -> Use:
        person = self.somebody()
        purses = [(K.COINS_FORFEITED, A.COINS), (K.PROMO_FORFEITED, A.PROMO), (K.DIAMONDS_FORFEITED, A.DIAMONDS)]
        there = [(kind, self.has(person, purse)) for kind, purse in purses]
        calls = [self.post(kind, person, min(has, MAX_AMOUNT), "user") for kind, has in there if has > 0]
        return Use("forfeit", calls or [self.post(K.COINS_FORFEITED, person, 1, "user")], is_atomic=True)

    # Taken, owed, given back -----------------------------------------------------------------------------------------

    def refund(self) -> Call:
        person = self.somebody()
        rest = K.TAKEN_AS_DEBT if self.rng.random() < 0.7 else None
        return self.take(K.TAKEN_BACK, rest, person, self.some(self.has(person, A.COINS)) + self.rng.randint(0, 40))

    def clawback(self) -> Call:
        creator = self.creator()
        rest = K.CLAWED_BACK_AS_DEBT if self.rng.random() < 0.7 else None
        return self.take(K.CLAWED_BACK, rest, creator, self.some(self.has(creator, A.DIAMONDS)))

    def give_back(self) -> Call:
        taken = self.earlier(K.TAKEN_BACK, K.TAKEN_AS_DEBT)
        if not taken:
            return self.refund()
        return self.undo(K.GIVEN_BACK if taken.kind == K.TAKEN_BACK else K.DEBT_FORGIVEN, taken, "refund")

    def repay(self) -> Call:
        owing = [person for person in self.people if self.has(person, A.RECEIVABLE)]
        return self._repay(self.rng.choice(owing) if owing else self.somebody())

    # Creators --------------------------------------------------------------------------------------------------------

    def ask_payout(self) -> Call:
        creator = self.creator()
        return self.post(K.PAYOUT_ASKED, creator, self.some(self.has(creator, A.DIAMONDS)), "payout")

    def send_payout(self) -> Call:
        asked = self.earlier(K.PAYOUT_ASKED)
        return self.post(K.PAYOUT_SENT, asked.home, self.left_of(asked) or 1, "payout") if asked else self.ask_payout()

    def fail_payout(self) -> Call:
        asked = self.earlier(K.PAYOUT_ASKED)
        return self.undo(K.PAYOUT_FAILED, asked, "payout") if asked else self.ask_payout()

    def exchange(self) -> Call:
        creator = self.creator()
        diamonds = self.some(self.has(creator, A.DIAMONDS))
        return self.post(K.EXCHANGE, creator, diamonds, "exchange", amount_in=diamonds // 3)

    # Money -----------------------------------------------------------------------------------------------------------

    def money(self) -> Use:
        person, currency = self.somebody(), self.rng.choice(CURRENCIES)
        steps = self.rng.choice(
            [
                [K.MONEY_SOLD, K.MONEY_TAXED],
                [K.MONEY_ARRIVED, K.MONEY_FEE],
                [K.MONEY_EARNED, K.MONEY_CREATOR],
                [K.MONEY_UNSOLD, K.MONEY_UNEARNED, K.MONEY_UNTAXED, K.MONEY_RETURNED],
                [K.MONEY_LOST],
                [K.MONEY_PAID_OUT],
            ]
        )
        calls = [self.post(kind, person, self.rng.randint(1, 9999), "order", currency=currency) for kind in steps]
        return Use("money", calls, is_atomic=True)

    # Many at once ----------------------------------------------------------------------------------------------------

    def batch(self) -> Call:
        """Good and bad movements, some of them twice; few people, so that they touch the same accounts."""
        people = self.rng.sample(self.people, min(3, len(self.people)))
        is_good = self.rng.random() < 0.4
        entries: list[Entry] = []
        for _ in range(self.rng.choice([1, 3, 6, 12, 40])):
            entries.append(self._entry(people, is_good=is_good))
            if not is_good and self.rng.random() < 0.12:
                again = self.rng.choice(entries)
                more = self.rng.choice([{}, {"move": replace(again.move, amount=again.move.amount + 1)}])
                entries.append(replace(again, **more))
        return Call("transfer_many", {"entries": entries, "each_for_itself": self.rng.random() < 0.6})

    def _entry(self, people: list[int], *, is_good: bool) -> Entry:
        person, other = self.rng.choice(people), self.rng.choice(people)
        kind, payer, payee = self.rng.choice(
            [
                (K.GIFT, (person, A.COINS), (other, A.DIAMONDS)),
                (K.GIFT, (person, A.PROMO), (other, A.DIAMONDS)),
                (K.GIFT_HELD, (person, A.COINS), (person, A.COINS_HELD)),
                (K.GIFT_CLOSED, (person, A.COINS_HELD), (other, A.DIAMONDS)),
                (K.SALE, (HOUSE, A.ISSUED), (person, A.COINS)),
                (K.BONUS, (HOUSE, A.PROMO_ISSUED), (person, A.PROMO)),
                (K.CHARGE, (person, A.COINS), (HOUSE, A.SPENT)),
                (K.EXCHANGE, (person, A.DIAMONDS), (person, A.COINS)),
                (K.PAYOUT_ASKED, (person, A.DIAMONDS), (person, A.DIAMONDS_HELD)),
                (K.MONEY_EARNED, (HOUSE, A.DEFERRED_REVENUE), (HOUSE, A.REVENUE)),
            ]
        )
        home, amount = person, self.rng.randint(1, 30)
        if payer[0] != HOUSE and self.rng.random() < 0.15:
            amount = min(self.some(self.has(*payer)), 10**9)
        share = amount // 2 if kind in (K.GIFT, K.GIFT_CLOSED, K.EXCHANGE) else None
        payer, payee = self.number(*payer) or NOBODY, self.number(*payee) or NOBODY
        if not is_good:
            dice = self.rng.random()
            home = self.somebody() if dice < 0.04 else home
            share = amount + 1 if 0.04 < dice < 0.07 else share
            payee = payer if 0.07 < dice < 0.08 else payee
            payee = self.number(person, A.RECEIVABLE) or payee if 0.08 < dice < 0.09 else payee
        return Entry(
            move=Move(debit=payer, credit=payee, amount=amount, amount_in=share),
            home=home,
            key=self.key(),
            kind=kind,
            cause=self.cause("batch"),
        )

    # What must not be ------------------------------------------------------------------------------------------------

    def wrong_home(self) -> Call:
        person, other = self.somebody(), self.somebody()
        if self.rng.random() < 0.5:
            return self.post(K.SALE, person, self.rng.randint(1, 90), "order", other=other)
        payer = (person, A.COINS) if self.rng.random() < 0.6 else (HOUSE, A.ISSUED)
        payee = (other, A.DIAMONDS) if payer[0] else (person, A.COINS)
        debit, credit = self.number(*payer) or NOBODY, self.number(*payee) or NOBODY
        kind = K.GIFT if payer[0] else K.SALE
        return self._transfer(Move(debit=debit, credit=credit, amount=self.rng.randint(1, 9)), other, kind, "gift")

    def nonsense(self) -> Call:
        person = self.somebody()
        return self.rng.choice(
            [
                lambda: self.post(K.SALE, person, self.rng.choice([0, -1, MAX_AMOUNT + 1]), "order"),
                lambda: self.post(K.GIFT, person, 5, "gift", other=self.creator(), promo_in=-1),
                lambda: self.post(K.EXCHANGE, person, 5, "exchange", amount_in=-1),
                lambda: self.post(K.CHARGE, person, 5, "charge", amount_in=4),
                lambda: self.post(K.GIFT_HELD, person, 1, "gift", promo_in=2),
                lambda: self.post(K.SALE, NOBODY, 5, "order"),
                lambda: self.post(K.MONEY_SOLD, person, 5, "order", currency="XXX"),
                lambda: self.take(K.TAKEN_BACK, None, person, 0),
                lambda: self.post(K.SALE, person, 5, "order", cause=""),
                lambda: Call("transfer_many", {"entries": []}),
            ]
        )()

    def repeat(self) -> Call:
        """An earlier call again, the very same or another movement under its key."""
        if not self.said:
            return self.bonus()
        said = self.rng.choice(self.said[-300:] if self.rng.random() < 0.7 else self.said)
        changes: list[dict[str, Any]] = [{}, {}, {}]
        if said.verb == "post":
            changes += [{"amount": said.args["amount"] + 1}, {"amount_in": 1}, {"other": self.somebody()}]
            other_kind = self.rng.choice([K.SALE, K.BONUS, K.CHARGE])
            changes.append({"kind": other_kind, "purse": None, "promo_in": None, "undoes": None})
            changes += [{"person": self.somebody()}] * 2  # another person's key is another key
            if said.args.get("undoes") and (earlier := self.earlier(K.GIFT_HELD, K.CHARGE)):
                changes.append({"undoes": earlier.id})
        elif said.verb == "take_up_to":
            changes += [{"amount": said.args["amount"] + 1}, {"rest_as": None}]
        return replace(said, args=said.args | self.rng.choice(changes))

    # The rest --------------------------------------------------------------------------------------------------------

    def open_account(self) -> Call:
        kind = self.rng.choice([A.COINS, A.PROMO, A.COINS_HELD, A.RECEIVABLE, A.DIAMONDS, A.DIAMONDS_HELD])
        return Call("account", {"kind": kind, "person": self.somebody()})

    def look(self) -> Call:
        return Call("balances", {"owner_id": self.somebody()})

    def roll_up(self) -> Call:
        return Call("roll_up", {})

    def number(self, home: int, kind: AccountKind) -> int | None:
        """What the database calls an account, where there is one; of money, that of euros."""
        unit = postings.UNIT_OF.get(kind, ledger.unit_of("EUR"))
        return self.book.numbers.get(Name(home, kind.value, unit))

    def _gift(self, person: int, has: AccountKind, **more: Any) -> Call:
        coins = self.some(self.has(person, has))
        return self.post(K.GIFT, person, coins, "gift", other=self.creator(), amount_in=coins // 2, **more)

    def _repay(self, person: int) -> Call:
        return Call("repay", {"person": person, "key": self.key(), "cause": self.cause("order")})

    def _transfer(self, move: Move, home: int, kind: TransferKind, about: str) -> Call:
        return Call(
            "transfer", {"move": move, "home": home, "key": self.key(), "kind": kind, "cause": self.cause(about)}
        )


# How often each is done.
ACTS: dict[Callable[[Crowd], Use | Call], int] = {
    Crowd.sale: 14,
    Crowd.bonus: 5,
    Crowd.gift: 14,
    Crowd.gift_between_accounts: 6,
    Crowd.hold: 8,
    Crowd.close_gift: 4,
    Crowd.undo_gift: 5,
    Crowd.charge: 4,
    Crowd.refund_charge: 4,
    Crowd.refund: 6,
    Crowd.give_back: 5,
    Crowd.repay: 4,
    Crowd.ask_payout: 4,
    Crowd.send_payout: 2,
    Crowd.fail_payout: 3,
    Crowd.clawback: 3,
    Crowd.exchange: 4,
    Crowd.adjustment: 2,
    Crowd.forfeit: 1,
    Crowd.money: 3,
    Crowd.batch: 6,
    Crowd.wrong_home: 2,
    Crowd.nonsense: 2,
    Crowd.repeat: 8,
    Crowd.open_account: 2,
    Crowd.look: 2,
    Crowd.roll_up: 3,
}

# What takes more than one account of a person, in different orders.
CONTENDED = [Crowd.hold, Crowd.undo_gift, Crowd.refund, Crowd.repay, Crowd.give_back, Crowd.exchange, Crowd.batch]
