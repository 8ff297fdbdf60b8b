"""The console's first page in a real browser: on a phone and a desk, by day and by night, from both sides."""

import pytest

SEED = """
import uuid
from datetime import timedelta
from django.utils import timezone
from coinshop.accounts.models import User
from payments import cases, checkout, gateway, gift_cards, pricing, regions, settlement
from payments.models import Order, Payment
fan = User.objects.create_user("home@example.com", "home-fan", "coinshop-demo", country="IE", birth_date="1990-05-20")
fan.refresh_from_db()
now = timezone.now()
def sell(country, late=0, **wrong):
    offer = pricing.offer_amount(regions.region_of_country(country), country, 350)
    order = checkout.place(offer, buyer=fan, form_key=uuid.uuid4())
    told = dict(session_id="cs_" + order.number, order_ids=(str(order.pk),), status="complete", is_paid=True,
                intent_id="pi_" + order.number, amount_minor=order.price_minor, currency=order.currency, is_live=False)
    settlement.settle(order.pk, gateway.Evidence(**told | wrong))
    Payment.objects.filter(order=order).update(recorded_at=now - timedelta(seconds=90 + late))
    return order
for country, late in [("IE", 0), ("IE", 60), ("BR", 0), ("JP", 0)]:
    order = sell(country, late)
sell("IE", amount_minor=1)
cases.report(order, by=fan, why="Where are my coins?")
gift_cards.issue(name="Home", coins=5, count=1, by=User.objects.get(handle="pricing"))
"""


@pytest.fixture(scope="module")
def busy(shop):
    """A shop that sold in three currencies, and where something waits for a person."""
    told = shop.manage("shell", "-v0", "-c", SEED)
    assert told.returncode == 0, told.stderr


@pytest.mark.parametrize("light", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_first_page_is_for_everybody(visit, busy, language, width, light):
    somebody = visit(width, language, color_scheme=light)
    somebody.sign_in("finance@example.com")
    somebody.go("/admin/")
    somebody.page.locator("main summary").first.click()

    assert somebody.page.locator("main .kpi").count() == 4
    assert somebody.stumbles() == []
    assert not somebody.is_wider_than_the_screen()


def test_a_line_leads_to_what_waits(visit, busy):
    support = visit(1280)
    support.sign_in("support@example.com")
    support.go("/admin/")
    support.page.get_by_role("link", name="batch").first.click()

    assert "/admin/payments/giftcardbatch/?approved_at__isempty=1" in support.page.url
    assert "Home" in support.page.locator("#result_list").inner_text()
