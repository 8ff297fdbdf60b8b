"""What is looked at before prices may go live: what has to be mended, and what needs a reason."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from statistics import median
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from payments import money
from payments.market import Market
from payments.models import PriceList, Region
from payments.models.prices import Package, Prices
from payments.window import show

FIX, LOOK = "fix", "look"

LEAP = 5  # times as much or as little as before is a slip of the hand, not a price
CHANGE_PERCENT = 25
DEARER_PERCENT = 1  # what rounding does to a coin's price
MARGIN_PERCENT = 30
APP_PERCENT = 15
RESALE_PERCENT = 15

TITLES = {
    "empty": gettext_lazy("Every list sells something"),
    "currency": gettext_lazy("Every currency can be charged"),
    "fraction": gettext_lazy("Prices have no fractions that a currency does not have"),
    "most": gettext_lazy("No price is more than can be charged at once"),
    "leap": gettext_lazy("No price is a slip of the hand"),
    "loss": gettext_lazy("Nothing sells at a loss"),
    "cheaper": gettext_lazy("A bigger package costs more than a smaller one"),
    "dearer": gettext_lazy("A bigger package never costs more per coin"),
    "least": gettext_lazy("Every package can be charged"),
    "change": gettext_lazy("No price changes by more than a quarter"),
    "margin": gettext_lazy("A fair margin stays after fees and creators"),
    "app": gettext_lazy("Coins cost clearly less than in the app"),
    "resale": gettext_lazy("No region sells so cheaply that its coins are worth reselling"),
    "rate": gettext_lazy("Exchange rates are known, and of this week"),
}


@dataclass(frozen=True)
class Fault:
    """What a check found in a list. `fix` has to be mended; `look` may be waived, for just these figures."""

    list_id: int
    region: Region
    code: str
    level: str
    text: str
    coins: int | None = None
    figure: str = ""

    @property
    def key(self) -> str:
        return f"{self.code} {self.coins or ''} {self.figure}".strip()


@dataclass(frozen=True)
class Checked:
    """A list's prices and what they are looked at with."""

    list_id: int
    region: Region
    channel: str
    prices: Prices
    market: Market
    usual: Fraction | None  # what a coin brings in the middle of all regions, net, in US dollars

    def fault(self, code: str, level: str, text: str, *, coins: int | None = None, figure: Any = "") -> Fault:
        return Fault(self.list_id, self.region, code, level, text, coins, str(figure))


def faults_of(lists: Iterable[PriceList], market: Market | None = None) -> list[Fault]:
    """Everything that is wrong or doubtful in drafts that would go live together."""
    drafts, market = list(lists), market or Market.now()
    usual = _usual(drafts, market)
    found = [
        check(Checked(draft.pk, draft.region, draft.channel, draft.prices(), market, usual.get(draft.channel)))
        for draft in drafts
    ]
    return [fault for faults in found for fault in faults]


def check(it: Checked) -> list[Fault]:
    """The faults of one list. Where it could not be charged at all, that alone is told."""
    return list(_chargeable(it)) or [*_in_order(it), *_like_before(it), *_worth_it(it)]


def _chargeable(it: Checked) -> Iterator[Fault]:
    currency = it.region.currency
    if currency not in money.LEAST_CHARGE:
        text = _("We do not know the least that can be charged in %(currency)s.") % {"currency": currency}
        yield it.fault("currency", FIX, text)
        return
    if not it.prices.packages:
        yield it.fault("empty", FIX, _("The list has no packages."))
    for coins, _bonus, price in it.prices.packages:
        named = {"coins": coins, "currency": currency}
        if price % money.step(currency):
            text = _("%(coins)s coins: %(currency)s has no such fraction.") % named
            yield it.fault("fraction", FIX, text, coins=coins)
        elif price > money.most_charge(currency):
            text = _("%(coins)s coins: the price is more than can be charged at once.") % named
            yield it.fault("most", FIX, text, coins=coins)


def _in_order(it: Checked) -> Iterator[Fault]:
    """Packages beside each other, the smallest first."""
    best: Package | None = None
    for package in it.prices.packages:
        if best and package.price_minor <= best.price_minor:
            text = _("%(coins)s coins cost no more than %(fewer)s.") % {"coins": package.coins, "fewer": best.coins}
            yield it.fault("cheaper", FIX, text, coins=package.coins)
        elif best and (percent := _over(_per_coin(package), _per_coin(best))) > DEARER_PERCENT:
            text = _("%(coins)s coins cost %(percent)s%% more per coin than %(fewer)s.") % {
                "coins": package.coins,
                "percent": percent,
                "fewer": best.coins,
            }
            yield it.fault("dearer", LOOK, text, coins=package.coins, figure=percent)
        if best is None or _per_coin(package) < _per_coin(best):
            best = package
        if package.price_minor < money.least_charge(it.region.currency):
            least = _said(money.least_charge(it.region.currency), it.region)
            text = _("%(coins)s coins cost less than the %(least)s that can be charged, so they are not shown.")
            yield it.fault("least", LOOK, text % {"coins": package.coins, "least": least}, coins=package.coins)


def _like_before(it: Checked) -> Iterator[Fault]:
    """Each size beside what it costs now; one that is new, beside the others of its list."""
    live = it.market.prices_of(it.region, it.channel)
    before = {package.coins: _per_coin(package) for package in live.packages} if live else {}
    middle = median(_per_coin(package) for package in it.prices.packages)
    for package in _with_custom(it.prices):
        usual = before.get(package.coins, middle)
        times = _per_coin(package) / usual
        percent = round((times - 1) * 100)
        if not Fraction(1, LEAP) < times < LEAP:
            text = _("%(coins)s coins for %(price)s? It would be about %(usual)s.") % {
                "coins": package.coins,
                "price": _said(package.price_minor, it.region),
                "usual": _said(round(usual * (package.coins + package.bonus)), it.region),
            }
            yield it.fault("leap", FIX, text, coins=package.coins)
        elif package.coins in before and abs(percent) > CHANGE_PERCENT:
            text = _("%(coins)s coins change by %(percent)s%%.") % {"coins": package.coins, "percent": f"{percent:+}"}
            yield it.fault("change", LOOK, text, coins=package.coins, figure=percent)


def _worth_it(it: Checked) -> Iterator[Fault]:
    """Beside costs, the app, and other regions. The app's own prices are somebody else's."""
    if it.channel != PriceList.Channel.WEB:
        return
    yield from _rates(it)
    for coins, bonus, price in _with_custom(it.prices):
        margin = it.market.margin(price, coins, bonus, it.region, each_fee=False)
        if margin is not None and margin < 0:
            text = _("%(coins)s coins sell at a loss, after tax, fees and the creator’s share.") % {"coins": coins}
            yield it.fault("loss", FIX, text, coins=coins)
    coins, bonus, price = _middle(it.prices)
    middle = it.market.margin(price, coins, bonus, it.region)
    if middle is not None and middle < Fraction(MARGIN_PERCENT, 100):
        text = _("%(coins)s coins leave a margin of %(percent)s%%.") % {"coins": coins, "percent": int(middle * 100)}
        yield it.fault("margin", LOOK, text, coins=coins, figure=int(middle * 100))
    yield from _beside_the_app(it)
    yield from _beside_others(it)


def _rates(it: Checked) -> Iterator[Fault]:
    age = it.market.age_days(it.region.currency)
    if age is None:
        text = _("No exchange rate is known for %(currency)s.") % {"currency": it.region.currency}
        yield it.fault("rate", LOOK, text)
    elif it.market.is_stale(it.region.currency):
        text = ngettext(
            "The rate of %(currency)s is %(days)s day old.", "The rate of %(currency)s is %(days)s days old.", age
        )
        # The day, not the age: a reason given today still holds tomorrow, when the prices are to go live.
        day = it.market.rates[it.region.currency].day
        yield it.fault("rate", LOOK, text % {"currency": it.region.currency, "days": age}, figure=day)


def _beside_the_app(it: Checked) -> Iterator[Fault]:
    app = it.market.prices_of(it.region, PriceList.Channel.APP)
    savings = [saving for p in it.prices.packages if (saving := saving_percent(p, app)) is not None]
    if savings and min(savings) < APP_PERCENT:
        text = _("Only %(percent)s%% less than in the app.") % {"percent": min(savings)}
        yield it.fault("app", LOOK, text, figure=min(savings))


def _beside_others(it: Checked) -> Iterator[Fault]:
    mine = coin_usd(it.prices, it.region, it.market)
    if mine is None or it.usual is None:
        return
    percent = round((1 - mine / it.usual) * 100)
    if percent > RESALE_PERCENT:
        text = _("A coin is %(percent)s%% cheaper than in the middle of all regions, after tax.") % {"percent": percent}
        yield it.fault("resale", LOOK, text, figure=percent)


def saving_percent(package: Package, app: Prices | None) -> int | None:
    """How much less a coin costs than in the app's largest package that is not larger; whole percent, rounded down."""
    rivals = [rival for rival in app.packages if rival.coins <= package.coins] if app else []
    return int(100 * (1 - _per_coin(package) / _per_coin(rivals[-1]))) if rivals else None


def coin_usd(prices: Prices, region: Region, market: Market) -> Fraction | None:
    """What a coin of the middle package brings, after tax, in US dollars; None without packages or a rate."""
    if not prices.packages:
        return None
    middle = _middle(prices)
    net = market.net_usd(middle.price_minor, region)
    return net / (middle.coins + middle.bonus) if net is not None else None


def _usual(drafts: list[PriceList], market: Market) -> dict[str, Fraction]:
    """What a coin brings in the middle of all regions, by channel, if these drafts were live."""
    lists = {**market.live, **{(draft.region_id, draft.channel): draft for draft in drafts}}
    worth: dict[str, list[Fraction]] = {}
    for each in lists.values():
        if (usd := coin_usd(each.prices(), each.region, market)) is not None:
            worth.setdefault(each.channel, []).append(usd)
    return {channel: median(amounts) for channel, amounts in worth.items()}


def _with_custom(prices: Prices) -> list[Package]:
    """The packages, and the rule of custom amounts as one more."""
    rule = prices.custom
    extra = [Package(rule.coins, 0, rule.price_minor)] if rule and rule.coins and rule.price_minor else []
    return list(dict.fromkeys([*prices.packages, *extra]))


def _middle(prices: Prices) -> Package:
    return prices.packages[len(prices.packages) // 2]


def _per_coin(package: Package) -> Fraction:
    return Fraction(package.price_minor, package.coins + package.bonus)


def _over(mine: Fraction, other: Fraction) -> int:
    """By how many whole percent mine is more, rounded up: 0 is no more."""
    return -((other - mine) * 100 // other) if mine > other else 0


def _said(amount_minor: int, region: Region) -> str:
    return show(amount_minor, region.currency, "")
