"""Whose prices somebody sees: where they live, or what they chose, or where they seem to be."""

import pytest

from payments.models import Region
from payments.pricing import live_list


@pytest.fixture
def trusted(settings):
    """The test's own address belongs to a proxy that the operator named."""
    settings.TRUSTED_PROXIES = ["127.0.0.0/8"]


def seen(client, language="", country=None, path="/"):
    """The currency of the prices on the page, as its script is told."""
    headers = {"Accept-Language": language} if language else {}
    page = client.get(path, headers=headers | ({"CF-IPCountry": country} if country else {}))
    assert page.status_code == 200
    return page.context["region"]().slug


@pytest.mark.django_db
class TestAVisitor:
    def test_without_any_hint_sees_the_fallback(self, client):
        assert seen(client) == "rest-of-the-world-usd"

    def test_sees_the_region_of_a_country_in_their_languages(self, client):
        assert seen(client, "de-DE,de;q=0.9,en-US;q=0.5") == "eurozone"
        assert seen(client, "fr,pt-BR;q=0.8") == "brazil"
        assert seen(client, "zh-Hant-TW") == "taiwan"

    def test_sees_the_region_that_a_trusted_proxy_names_before_that_of_their_language(self, trusted, client):
        assert seen(client, "de-DE", country="JP") == "japan"
        assert seen(client, "de-DE", country="jp") == "japan"

    def test_sees_the_region_of_their_language_when_the_proxy_knows_none(self, trusted, client):
        assert seen(client, "de-DE", country="XX") == "eurozone"

    def test_is_not_believed_when_they_write_the_proxys_header_themselves(self, client):
        assert seen(client, "de-DE", country="PK") == "eurozone"

    def test_sees_what_they_chose_before_anything_else(self, trusted, client):
        answer = client.post("/region/", {"region": "turkey", "next": "/gifts/"})

        assert (answer.status_code, answer.url) == (303, "/gifts/")
        assert seen(client, "de-DE", country="JP") == "turkey"

    @pytest.mark.parametrize("slug", ["nowhere", "", "eurozone' --", "eurozone\x00", "x" * 10_000])
    def test_who_chooses_a_region_that_is_not_there_is_told_so(self, client, slug):
        page = client.post("/region/", {"region": slug}, follow=True)

        assert "We do not know that region" in page.content.decode()
        assert seen(client) == "rest-of-the-world-usd"

    @pytest.mark.parametrize(
        "elsewhere", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", ""]
    )
    def test_who_chose_never_goes_on_to_another_site(self, client, elsewhere):
        assert client.post("/region/", {"region": "japan", "next": elsewhere}).url == "/"

    def test_does_not_see_a_region_that_was_closed(self, client):
        client.post("/region/", {"region": "japan"})
        Region.objects.filter(slug="japan").update(is_open=False)

        assert seen(client, "ja-JP") == "rest-of-the-world-usd"
        assert "japan" not in [region.slug for region in client.get("/locale/").context["regions"]]

    def test_sees_that_nothing_is_sold_when_every_region_is_closed(self, client):
        Region.objects.update(is_open=False)
        page = client.get("/").content.decode()

        assert "Not sold here yet" in page
        assert "come back later" in page


def test_who_lives_somewhere_buys_at_its_prices_wherever_they_seem_to_be(trusted, client, alice):
    client.force_login(alice)

    assert seen(client, "tr-TR", country="TR") == "eurozone"


def test_who_lives_somewhere_cannot_choose_another_regions_prices(client, alice):
    client.post("/region/", {"region": "turkey"})
    client.force_login(alice)
    page = client.post("/region/", {"region": "pakistan"}, follow=True)

    assert "the country you live in" in page.content.decode()
    assert seen(client) == "eurozone"


def test_a_package_of_a_cheaper_region_is_not_sold_to_who_lives_elsewhere(client, alice):
    client.force_login(alice)
    turkish = live_list(Region.objects.get(slug="turkey")).packages.last()
    page = client.get("/summary/", {"package": turkish.pk})

    assert page.status_code == 422
    assert "no longer on sale" in page.content.decode()


def test_who_lives_where_nothing_is_sold_is_told_so_by_name(client, people):
    client.force_login(people("dewi", country="IS"))
    page = client.get("/").content.decode()

    assert "We do not sell coins in Iceland yet" in page
    assert client.get("/summary/", {"package": "custom", "amount": "100"}).context["country"] == "Iceland"


def test_who_lives_in_a_region_that_was_closed_is_told_so(client, alice):
    Region.objects.filter(slug="eurozone").update(is_open=False)
    client.force_login(alice)

    assert "We do not sell coins in Ireland yet" in client.get("/").content.decode()
