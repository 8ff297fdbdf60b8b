"""Promotions, codes and regions in the console: told in words, changed by pricing alone, what was before is kept."""

import re
from datetime import timedelta

import pytest
from conftest import writer
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from coinshop import roles
from payments.models import Coupon, Promotion, Region


def browser_of(somebody):
    browser = Client()
    browser.force_login(somebody)
    return browser


@pytest.fixture
def ines(db):
    return browser_of(writer())


@pytest.fixture
def promotion(db, ireland):
    now = timezone.now()
    promotion = Promotion.objects.create(
        name="Winter", discount_bp=1250, starts_at=now - timedelta(days=1), ends_at=now + timedelta(days=1)
    )
    promotion.regions.add(ireland)
    return promotion


def page(what, *args):
    return reverse(f"admin:payments_{what}", args=args)


def text_of(answer):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def form_of(promotion, **changes):
    return {
        "name": promotion.name,
        "is_on": "on",
        "discount_bp": "12.5",
        "bonus_bp": "0",
        "starts_at": promotion.starts_at.strftime("%Y-%m-%dT%H:%M"),
        "ends_at": promotion.ends_at.strftime("%Y-%m-%dT%H:%M"),
        "least_coins": "1",
        "regions": [region.pk for region in promotion.regions.all()],
    } | changes


def test_a_promotion_is_told_in_words(ines, promotion):
    told = text_of(ines.get(page("promotion_changelist")))

    assert all(word in told for word in ["−12.5%", "running", "Eurozone"])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"is_on": False}, "switched off"),
        ({"starts_at": timezone.now() + timedelta(hours=1)}, "to come"),
        ({"starts_at": timezone.now() - timedelta(days=3), "ends_at": timezone.now() - timedelta(days=2)}, "over"),
    ],
)
def test_whether_a_promotion_runs_is_seen_at_once(ines, promotion, change, told):
    Promotion.objects.update(**change)

    assert told in text_of(ines.get(page("promotion_changelist")))


def test_percent_is_written_as_people_write_it_and_the_history_keeps_what_was_before(ines, promotion):
    before = ines.get(page("promotion_change", promotion.pk)).content.decode()
    form = form_of(promotion, discount_bp="20", bonus_bp="7.5", regions=[])
    ines.post(page("promotion_change", promotion.pk), form)
    promotion.refresh_from_db()
    said = LogEntry.objects.latest("pk").get_change_message()

    assert 'name="discount_bp" value="12.5"' in before
    assert (promotion.discount_bp, promotion.bonus_bp) == (2000, 750)
    for told in ["discount: 12.5 → 20", "bonus: 0 → 7.5", "regions: Eurozone → —"]:
        assert told.casefold() in said.casefold()
    assert "→ 20" in text_of(ines.get(page("promotion_history", promotion.pk)))


def test_what_was_left_alone_is_not_in_the_history(ines, promotion):
    ines.post(page("promotion_change", promotion.pk), form_of(promotion, name="Snow"))
    said = LogEntry.objects.latest("pk").get_change_message()

    assert said.startswith("Name: Winter → Snow")
    assert "discount" not in said.casefold()


@pytest.mark.parametrize("percent", ["90.5", "-1", "ten", "1.234", ""])
def test_a_discount_that_leaves_no_price_or_makes_no_sense_is_refused(ines, promotion, percent):
    answer = ines.post(page("promotion_change", promotion.pk), form_of(promotion, discount_bp=percent))
    promotion.refresh_from_db()

    assert answer.status_code == 200
    assert "errorlist" in answer.content.decode()
    assert promotion.discount_bp == 1250


def test_a_code_says_how_many_of_its_uses_are_left(ines, promotion):
    Promotion.objects.update(needs_code=True)
    ines.post(page("coupon_add"), {"promotion": promotion.pk, "code": "SNOW26", "most_uses": 10} | PER)
    told = text_of(ines.get(page("coupon_changelist")))

    assert "0 of 10" in told
    assert "Code: — → SNOW26" in LogEntry.objects.latest("pk").get_change_message()
    assert Coupon.objects.get().promotion == promotion


PER = {"most_per_person": 1, "most_per_network": 5, "is_on": "on"}


@pytest.mark.parametrize("role", [roles.FINANCE, roles.SUPPORT])
def test_other_roles_look_at_promotions_and_do_not_touch(people, promotion, role):
    somebody = people(role, is_staff=True)
    somebody.groups.add(Group.objects.get(name=role))
    browser = browser_of(somebody)

    assert browser.get(page("promotion_change", promotion.pk)).status_code == 200
    assert browser.post(page("promotion_change", promotion.pk), form_of(promotion, name="Mine")).status_code == 403
    assert browser.post(page("promotion_add"), form_of(promotion)).status_code == 403
    assert browser.post(page("coupon_add"), {"code": "FREE26"}).status_code == 403
    assert [each.name for each in Promotion.objects.all()] == ["Winter"]


@pytest.mark.parametrize("term", ["eurozone", "EUR", "ireland", "IE"])
def test_a_region_is_found_by_its_name_currency_or_a_country(ines, term):
    assert "Eurozone" in text_of(ines.get(page("region_changelist"), {"q": term}))


def test_a_region_is_not_found_by_another_country(ines):
    assert "1 region" in text_of(ines.get(page("region_changelist"), {"q": "japan"}))


def test_the_history_of_a_region_names_its_countries(people, db):
    admin = browser_of(people("root", is_staff=True, is_superuser=True))
    region = Region.objects.get(slug="japan")
    form = {"name": "Nippon", "is_open": "on", "countries-TOTAL_FORMS": 2, "countries-INITIAL_FORMS": 1}
    form |= {"countries-0-code": "JP", "countries-0-region": region.pk}
    form |= {"countries-1-code": "XK", "countries-1-region": region.pk}
    admin.post(page("region_change", region.pk), form)
    said = LogEntry.objects.latest("pk").get_change_message()

    assert "Name: Japan → Nippon" in said
    assert re.search("Kosovo.*added", said)


def test_each_field_of_a_code_is_told_with_what_it_was(people, db):
    admin = browser_of(people("root", is_staff=True, is_superuser=True))
    promotion = Promotion.objects.create(
        name="Code", bonus_bp=100, needs_code=True, starts_at=timezone.now(), ends_at=timezone.now() + timedelta(days=1)
    )
    admin.post(page("coupon_add"), {"promotion": promotion.pk, "code": "SNOW26"} | PER)
    coupon = Coupon.objects.get()
    admin.post(page("coupon_change", coupon.pk), PER | {"most_uses": 5, "is_on": ""})

    assert "Promotion: — → Code" in LogEntry.objects.earliest("pk").get_change_message()
    assert LogEntry.objects.latest("pk").get_change_message() == "Uses in all: — → 5; Switched on: True → False"


def test_a_country_that_leaves_its_region_is_named_in_the_history(people, db):
    admin = browser_of(people("root", is_staff=True, is_superuser=True))
    region = Region.objects.get(slug="japan")
    form = {"name": region.name, "is_open": "on", "countries-TOTAL_FORMS": 1, "countries-INITIAL_FORMS": 1}
    form |= {"countries-0-code": "JP", "countries-0-region": region.pk, "countries-0-DELETE": "on"}
    answer = admin.post(page("region_change", region.pk), form)

    assert answer.status_code == 302
    assert re.search("Japan.*deleted", LogEntry.objects.latest("pk").get_change_message())
