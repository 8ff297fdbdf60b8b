"""Every page, as a phone shows it: nothing for a screen reader to stumble over, nothing wider than the screen.

In two languages here; `make pages` takes all of them.
"""

import json
import os

import pytest
from django.conf import settings
from django.urls import URLPattern, get_resolver

LANGUAGES = os.environ.get("PAGES_LANGUAGES", "en ar").split()
NOT_PAGES = (
    *("admin", "metrics", "healthz", "readyz", "webhooks", "manifest", "language", "amount", "region"),
    *("orders/orders.csv", "wallet/statement.csv", "accounts/logout", "me/phrase", "me/blocks", "accounts/inactive"),
)
CONSOLE = [
    *[
        "",
        "payments/pricelist/",
        "payments/revision/",
        "payments/revision/add/",
        "payments/revision/rates/",
        "payments/pricechange/",
        "payments/order/",
        "payments/promotion/add/",
        "payments/giftcardbatch/add/",
    ],
    *["payments/coupon/add/", "payments/promotion/", "payments/coupon/", "payments/giftcard/", "payments/region/"],
    *["gifts/creator/add/", "gifts/gift/add/", "accounts/countrylaw/", "accounts/user/1/change/"],
    *["payments/payment/", "payments/case/", "payments/finding/", "gifts/gift/", "accounts/user/", "wallet/transfer/"],
]

# Somebody with an order in each state that looks different.
SEED = """
import datetime, json, uuid
from allauth.account.models import EmailAddress
from coinshop.accounts.models import User
from payments import checkout, gateway, gift_cards, pricing, regions, revisions, settlement
from payments.models import Region
from payments.models.prices import Package
fan = User.objects.create_user(
    "walker@example.com", "walker", "coinshop-demo", country="DE", birth_date=datetime.date(1990, 5, 20))
EmailAddress.objects.create(user=fan, email=fan.email, verified=True, primary=True)
region = regions.region_of_country("DE")
def place(coins):
    return checkout.place(pricing.offer_amount(region, "DE", coins), buyer=fan, form_key=uuid.uuid4())
def evidence(order, **more):
    told = dict(session_id="cs_test_" + order.number, order_ids=(str(order.pk),) * 2, status="complete", is_paid=True,
                intent_id="pi_" + order.number, amount_minor=order.price_minor, currency=order.currency, is_live=False)
    return gateway.Evidence(**{**told, **more})
created, settled, checked, cancelled = place(350), place(700), place(1400), place(99)
created.note("declined", reference="ch_1", code="insufficient_funds")
settlement.settle(settled.pk, evidence(settled))
settlement.settle(checked.pk, evidence(checked, amount_minor=1))
settlement.cancel(cancelled.pk)
sheet = gift_cards.issue(name="Fair", coins=5, count=1, by=User.objects.get(handle="pricing"))
gift_cards.approve(sheet.batch, by=User.objects.get(handle="finance"))
card = gift_cards.redeem(sheet.codes[0].replace("-", ""), by=fan, network="")
orders = [str(order.pk) for order in (created, settled, checked, cancelled)]
world = Region.objects.filter(slug__in=["eurozone", "japan", "pakistan"])
prices = revisions.begin(name="Winter", regions=world, by=User.objects.get(handle="pricing"))
one = prices.lists.get(region=region)
revisions.write(prices, {one.pk: one.prices().with_packages([Package(700, 10, 1090)])}, by=prices.created_by, seen=0)
found = {"orders": orders, "settled": str(settled.pk), "card": card.pk, "package": settled.package_id}
print(json.dumps(found | {"revision": prices.pk, "list": one.pk, "region": region.pk}))
"""


@pytest.fixture(scope="module")
def seeded(shop):
    return json.loads(shop.manage("shell", "-v0", "-c", SEED).stdout.splitlines()[-1])


def addresses(patterns=None, prefix=""):
    """Every address that names no object and shows a page."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        here = prefix + str(pattern.pattern).lstrip("^").rstrip("$").replace("\\Z", "")
        if "<" not in here and not here.startswith(NOT_PAGES):
            yield from [f"/{here}"] if isinstance(pattern, URLPattern) else addresses(pattern.url_patterns, here)


def pages_of_a_fan(seeded):
    package, settled = seeded["package"], seeded["settled"]
    return [
        *addresses(),
        *[f"/orders/{order}/" for order in seeded["orders"]],
        *[f"/orders/{settled}/receipt/", f"/orders/{settled}/withdrawal/", f"/redeem/{seeded['card']}/"],
        *[f"/summary/?package={package}&amount=", f"/summary/?package={package}&amount=&code=NONESUCH", "/?coins=37"],
        *["/@creator/", "/for/?handle=fan", "/for/?handle=nobody", "/real/?q=evil.test", "/orders/?state=ended"],
        *["/wallet/?account=promo", "/nowhere/", "/?like=rose", "/orders/?month=2020-01"],
    ]


def pages_of_staff(seeded):
    revision, one = f"payments/revision/{seeded['revision']}", seeded["list"]
    return [
        *CONSOLE,
        *[f"{revision}/change/", f"{revision}/change/?size=all", f"{revision}/file/", f"{revision}/lists/{one}/"],
        f"{revision}/lists/{one}/preview/",
        *[f"payments/region/{seeded['region']}/change/", f"payments/order/{seeded['settled']}/change/"],
    ]


def problems(visitor, path):
    visitor.go(path)
    wide = [f"{path} is wider than the screen"] if visitor.is_wider_than_the_screen() else []
    return [*visitor.stumbles(), *wide]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_fan_can_use_every_page_on_a_phone(visit, seeded, language):
    fan = visit(390, language)
    fan.sign_in("walker@example.com")
    found = [problem for path in pages_of_a_fan(seeded) for problem in problems(fan, path)]
    fan.said.clear()  # the browser reports the statuses of refusals, as it should

    assert found == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_visitor_can_use_every_page_on_a_phone(visit, language):
    visitor = visit(390, language)
    found = [problem for path in addresses() for problem in problems(visitor, path)]
    visitor.said.clear()

    assert found == []


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_console_can_be_used_in_every_language(visit, seeded, language, width):
    admin = visit(width, language)
    admin.sign_in("admin@example.com")
    found = []
    for path in pages_of_staff(seeded):
        admin.go(f"/admin/{path}")
        said = [*admin.said]
        found += admin.stumbles()
        found += [f"{path} is wider than the screen"] if admin.is_wider_than_the_screen() else []
        admin.said[:] = said  # what axe itself tries on long forms is not the page's doing

    assert found == []


def test_make_pages_takes_every_language():
    makefile = (settings.BASE_DIR / "Makefile").read_text()
    (line,) = [line for line in makefile.splitlines() if "PAGES_LANGUAGES" in line and "export" in line]

    assert {*line.split("=")[1].split()} == {code for code, _name in settings.LANGUAGES}
