"""What to expect of a way to pay, where the buyer lives."""

import pytest

from payments import ways
from payments.models import PriceList


@pytest.mark.parametrize(
    ("country", "names"),
    [("IE", ["Visa", "SEPA"]), ("MX", ["Visa", "OXXO"]), ("BR", ["Pix", "Boleto"]), ("KR", ["Visa"])],
)
def test_the_quickest_ways_come_first_and_each_says_when_coins_come(country, names):
    found = ways.ways_in(country)

    assert len(found) == (1 if country == "KR" else 2)
    for name in names:
        assert name in " ".join(way.names for way in found)
    assert found[0].pace == ways.Pace.AT_ONCE.value
    assert ("some days" in str(found[-1].pace)) == (country == "IE")
    assert ("voucher" in str(found[-1].pace)) == (country in ("MX", "BR"))


def test_the_summary_says_so_and_asks_for_delivery_at_once_where_one_may_withdraw(client, alice, people):
    for who, currency_region, is_granted in [
        (alice, "eurozone", True),
        (people("sam", country="US"), "united-states", False),
    ]:
        client.force_login(who)
        package = PriceList.objects.get(region__slug=currency_region, channel="web", state="live").packages.get(
            coins=700
        )
        page = client.get("/summary/", {"package": package.pk, "amount": ""}).content.decode()

        assert "Coins at once." in page
        assert ("By paying you ask us to deliver at once" in page) == is_granted
