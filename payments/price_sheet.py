"""What somebody typed into a grid of prices, or into a region's page: read as people write, or told what is wrong."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation

from django.utils.translation import gettext as _

from payments import money
from payments.models import PriceList
from payments.models.prices import CustomRule, Package, Prices

MOST_COINS = 10_000_000


@dataclass(frozen=True)
class Typed:
    """What somebody wrote into a grid: prices by list, and what could not be read, by field."""

    prices: dict[int, Prices] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


def read(drafts: list[PriceList], fields: Mapping[str, str]) -> Typed:
    """What was typed into a grid or a region's page; a price that was emptied takes its package out of the list."""
    typed = Typed()
    for draft in drafts:
        sheet = _Sheet(draft, fields, typed.errors)
        typed.prices[draft.pk] = sheet.prices()
    return typed


def amount_of(text: str, currency: str) -> int:
    """16.79, 16,79, 1 234,50 or ١٢٫٥ in minor units. Raises ValueError with words for who typed it."""
    digits = "".join(str(unicodedata.decimal(sign)) if sign.isdecimal() else sign for sign in text)
    plain = "".join(digits.split()).replace("٫", ".").replace("٬", ",").replace("’", "").replace("'", "")
    try:
        amount = Decimal(_with_point(plain, currency))
        if not amount.is_finite() or amount <= 0 or "e" in plain.lower():
            raise InvalidOperation
    except InvalidOperation:
        raise ValueError(_("Write a price above zero, such as 16.79.")) from None
    try:
        return money.from_major(amount, currency)
    except ValueError:
        raise ValueError(_("%(currency)s has no such fraction.") % {"currency": currency}) from None


def count_of(text: str, *, least: int = 0) -> int:
    """A whole number of coins, in any script's digits. Raises ValueError with words for who typed it."""
    digits = "".join(text.split())
    if not digits.isdecimal() or not least <= int(digits) <= MOST_COINS:
        raise ValueError(_("Write a whole number of coins, such as 700."))
    return int(digits)


class _Sheet:
    """What was typed about one list. Names say what it is about: p-7-700 is the price of 700 coins in list 7."""

    def __init__(self, draft: PriceList, fields: Mapping[str, str], errors: dict[str, str]) -> None:
        self.draft, self.fields, self.errors = draft, fields, errors
        self.before, self.currency = draft.prices(), draft.region.currency

    def prices(self) -> Prices:
        packages = {package.coins: package for package in self.before.packages}
        for coins in self._sizes():
            price, bonus = self._price(coins, packages.get(coins)), self._bonus(coins, packages.get(coins))
            if price is None:
                packages.pop(coins, None)
            else:
                packages[coins] = Package(coins, bonus, price)
        if new := self._new(packages):
            packages[new.coins] = new
        prices = self.before.with_packages(packages.values())
        return replace(prices, custom=self._rule(prices.custom))

    def _sizes(self) -> list[int]:
        named = [re.fullmatch(rf"[pb]-{self.draft.pk}-([1-9][0-9]{{0,7}})", name) for name in self.fields]
        return sorted({int(found[1]) for found in named if found})

    def _price(self, coins: int, package: Package | None) -> int | None:
        """In minor units; None for an emptied one."""
        name, was = f"p-{self.draft.pk}-{coins}", package.price_minor if package else None
        text = self.fields.get(name)
        if text is None:
            return was
        return self._read(name, lambda: amount_of(text, self.currency), was) if text.strip() else None

    def _bonus(self, coins: int, package: Package | None) -> int:
        name, was = f"b-{self.draft.pk}-{coins}", package.bonus if package else 0
        text = self.fields.get(name)
        return was if text is None else self._read(name, lambda: count_of(text or "0"), was) or 0

    def _new(self, packages: Mapping[int, Package]) -> Package | None:
        size, price = f"n-{self.draft.pk}-coins", f"n-{self.draft.pk}-price"
        if not self.fields.get(size, "").strip() and not self.fields.get(price, "").strip():
            return None
        coins = self._read(size, lambda: count_of(self.fields.get(size, ""), least=1), None)
        amount = self._read(price, lambda: amount_of(self.fields.get(price, ""), self.currency), None)
        if coins in packages:
            self.errors[size] = _("There is such a package already.")
        return Package(coins, 0, amount) if coins and amount else None

    def _rule(self, followed: CustomRule | None) -> CustomRule | None:
        """The rule as it was typed. What was left alone follows its package's price."""
        coins, price, most = (f"r-{self.draft.pk}-{what}" for what in ("coins", "price", "max"))
        texts = [self.fields.get(name) for name in (coins, price, most)]
        if None in texts:
            return followed
        if not any(text and text.strip() for text in texts):
            return None
        rule = CustomRule(
            self._read(coins, lambda: count_of(self.fields[coins], least=1), None),
            self._read(price, lambda: amount_of(self.fields[price], self.currency), None),
            self._read(most, lambda: count_of(self.fields[most], least=1), None),
        )
        return followed if rule == self.before.custom else rule

    def _read(self, name: str, read: Callable[[], int], was: int | None) -> int | None:
        """What was typed into a field; where it cannot be read, its error is kept, and what stood there before."""
        try:
            return read()
        except ValueError as problem:
            self.errors[name] = str(problem)
            return was


def _with_point(text: str, currency: str) -> str:
    """The last of two kinds of sign is the decimal one. A single one before three digits groups, where nobody writes
    decimals; anywhere else it could mean either, so it is taken as it stands, and refused where it has no sense."""
    if "." in text and "," in text:
        thousands = "," if text.rfind(".") > text.rfind(",") else "."
        return text.replace(thousands, "").replace(",", ".")
    has_no_decimals = currency in money.WRITTEN_WHOLE or not money.exponent(currency)
    groups = "+" if has_no_decimals else "{2,}"
    if re.fullmatch(r"[0-9]{1,3}([.,][0-9]{3})" + groups, text):
        return text.replace(",", "").replace(".", "")
    return text.replace(",", ".")
