"""The pricing manager's pages: who may touch them, what is told when something is wrong, nothing is half applied."""

import re
from datetime import timedelta

import pytest
from conftest import writer
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from coinshop import roles
from payments import market, pricing, revisions
from payments.models import ExchangeRate, PriceChange, Region, Revision

POSTS = ["grid", "derive", "file", "waive", "submit", "return", "approve", "drop", "back"]


@pytest.fixture
def rates(db):
    known = market.Market.now().rates.values()
    market.enter({rate.currency: rate.per_usd for rate in known}, day=timezone.now().date(), source="a test", by=None)


@pytest.fixture
def ines(rates):
    return browser_of(writer())


@pytest.fixture
def jon(rates):
    return browser_of(writer("jon"))


def browser_of(somebody):
    browser = Client()
    browser.force_login(somebody)
    return browser


@pytest.fixture
def revision(rates):
    regions = Region.objects.filter(slug__in=["eurozone", "japan"])
    return revisions.begin(name="Winter prices", regions=regions, by=writer())


def to(what, *args):
    return reverse(f"admin:payments_revision_{what}", args=args)


def text_of(answer):
    return re.sub(r"\s+", " ", answer.content.decode())


def euro(revision):
    return revision.lists.get(region__slug="eurozone")


def cell(revision, coins=700):
    return f"p-{euro(revision).pk}-{coins}"


def save(browser, revision, seen=None, **cells):
    form = {"edits": str(revision.edits if seen is None else seen), "size": "700"} | cells
    return browser.post(to("grid", revision.pk), form, follow=True)


def price(revision, coins=700):
    return {package.coins: package.price_minor for package in euro(revision).prices().packages}.get(coins)


# Who may touch -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [roles.FINANCE, roles.SUPPORT])
def test_other_roles_look_and_do_not_touch(people, revision, role):
    from django.contrib.auth.models import Group

    somebody = people(role, is_staff=True)
    somebody.groups.add(Group.objects.get(name=role))
    browser = browser_of(somebody)
    page = text_of(browser.get(to("change", revision.pk)))

    assert "Winter prices" in page
    assert f'name="{cell(revision)}"' not in page
    assert browser.get(to("changelist")).status_code == browser.get(to("csv", revision.pk)).status_code == 200
    assert browser.post(to("rates"), {"rates": "EUR 1"}).status_code == 403
    assert browser.get(to("add")).status_code == 403
    assert {browser.post(to(what, revision.pk), {}).status_code for what in POSTS} == {403}


def test_a_fan_sees_none_of_it(client, alice, revision):
    client.force_login(alice)

    assert client.get(to("change", revision.pk), follow=True).status_code == 403


def test_a_link_alone_changes_nothing(ines, revision):
    before = [*PriceChange.objects.values_list("pk", flat=True)]
    for what in set(POSTS) - {"file"}:
        assert ines.get(to(what, revision.pk)).status_code in (302, 303, 422)

    assert [*PriceChange.objects.values_list("pk", flat=True)] == before
    assert Revision.objects.get(pk=revision.pk).state == "draft"


# From a draft to the window ------------------------------------------------------------------------------------------


def test_a_manager_begins_writes_and_sends_and_another_approves(ines, jon, ireland):
    answer = ines.post(to("add"), {"name": "Winter", "channel": "web", "regions": [ireland.pk]})
    revision = Revision.objects.get()
    assert answer.headers["Location"] == to("change", revision.pk)
    assert "Saved: 1 region changed" in text_of(save(ines, revision, **{cell(revision): "8,34"}))
    assert "Sent for review" in text_of(ines.post(to("submit", revision.pk), follow=True))
    assert ines.post(to("approve", revision.pk), {}, follow=True).status_code == 200
    assert pricing.offer_amount(ireland, "IE", 700).price_minor == 829

    assert "Approved" in text_of(jon.post(to("approve", revision.pk), {"live_from": ""}, follow=True))
    assert pricing.offer_amount(ireland, "IE", 700).price_minor == 834


def test_whoever_wrote_it_is_told_that_somebody_else_approves(ines, revision):
    save(ines, revision, **{cell(revision): "8.34"})
    ines.post(to("submit", revision.pk))
    page = text_of(ines.get(to("change", revision.pk)))
    told = text_of(ines.post(to("approve", revision.pk), {}, follow=True))

    assert "somebody else of Pricing approves them" in page
    assert "Somebody else has to approve them" in told
    assert Revision.objects.get(pk=revision.pk).state == "review"


def test_all_regions_are_the_choice_when_none_is_chosen(ines):
    ines.post(to("add"), {"name": "All", "channel": "web"})

    assert Revision.objects.get().lists.count() == Region.objects.count()


def test_prices_are_derived_side_by_side_with_what_is_live(ines, revision):
    form = {"edits": "0", "base": "0.0107", "rounding": "habit", "sizes": "350, 700 1400"}
    page = text_of(ines.post(to("derive", revision.pk), form, follow=True))
    change = PriceChange.objects.filter(what="derived").first()

    assert "Derived: 2 regions changed" in page
    assert [package.coins for package in euro(revision).prices().packages] == [350, 700, 1400]
    assert change.reason == "1 coin = 0.0107 USD, Local habit"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"base": "x"}, "Write what a coin is worth"),
        ({"base": "0"}, "Write what a coin is worth"),
        ({"sizes": "seventy"}, "Write numbers of coins"),
    ],
)
def test_a_base_that_makes_no_sense_derives_nothing(ines, revision, change, told):
    form = {"edits": "0", "base": "0.0107", "rounding": "habit", "sizes": "700"} | change
    answer = ines.post(to("derive", revision.pk), form)

    assert (answer.status_code, told in text_of(answer)) == (422, True)
    assert price(revision) == 829


# What can go wrong ---------------------------------------------------------------------------------------------------


def test_what_cannot_be_read_is_marked_and_nothing_is_saved(ines, revision):
    answer = save(ines, revision, **{cell(revision): "8.34", cell(revision, 350): "four"})

    assert answer.status_code == 422
    assert "Write a price above zero" in text_of(answer)
    assert 'value="four"' in text_of(answer)
    assert price(revision) == 829


def test_the_second_of_two_managers_keeps_what_they_typed(ines, jon, revision):
    save(ines, revision, **{cell(revision): "8.34"})
    answer = save(jon, revision, seen=0, **{cell(revision): "8.39"})

    assert answer.status_code == 409
    assert "@ines changed this draft while you were writing" in text_of(answer)
    assert 'value="8.39"' in text_of(answer)
    assert price(revision) == 834


def test_a_slip_of_the_hand_is_told_beside_its_region(ines, revision):
    save(ines, revision, **{cell(revision, 17_500): "1.85"})
    page = text_of(ines.get(to("change", revision.pk)))
    told = text_of(ines.post(to("submit", revision.pk), follow=True))

    assert "17500 coins for €1.85? It would be about €205.19." in page.replace("17,500", "17500")
    assert "It would be about" in told
    assert Revision.objects.get(pk=revision.pk).state == "draft"


def test_a_doubt_is_explained_with_one_sentence_for_all_of_its_kind(ines, revision):
    save(ines, revision, **{cell(revision): "10.90"})
    keys = re.findall(r'name="key" value="([^"]+)"', ines.get(to("change", revision.pk)).content.decode())
    silent = ines.post(to("waive", revision.pk), {"key": keys, "reason": ""}, follow=True)
    assert "Write in a sentence" in text_of(silent)
    page = text_of(ines.post(to("waive", revision.pk), {"key": keys, "reason": "A test of demand."}, follow=True))

    assert "A test of demand." in page
    assert "Sent for review" in text_of(ines.post(to("submit", revision.pk), follow=True))


@pytest.mark.parametrize("moment", ["yesterday", "soon", "2026-13-40T00:00"])
def test_a_moment_that_is_over_or_none_is_refused(ines, jon, revision, moment):
    save(ines, revision, **{cell(revision): "8.34"})
    ines.post(to("submit", revision.pk))
    if moment == "yesterday":
        moment = (timezone.now() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S")
    page = text_of(jon.post(to("approve", revision.pk), {"live_from": moment}, follow=True))

    assert "This moment is over" in page or "We cannot read this moment" in page
    assert Revision.objects.get(pk=revision.pk).state == "review"


def test_what_was_typed_is_saved_before_it_is_sent_for_review(ines, revision):
    answer = save(ines, revision, then="review", **{cell(revision): "8.34"})

    assert "Sent for review" in text_of(answer)
    assert (price(revision), Revision.objects.get(pk=revision.pk).state) == (834, "review")


@pytest.mark.parametrize(("typed", "seen"), [("four", 0), ("8.39", 7)])
def test_what_was_not_saved_is_not_sent_for_review(ines, revision, typed, seen):
    save(ines, revision, then="review", seen=seen, **{cell(revision): typed})

    assert (price(revision), Revision.objects.get(pk=revision.pk).state) == (829, "draft")


def test_enter_saves_and_does_nothing_else(ines, revision):
    """A browser presses the first button of the form: it must not be the one that leaves a region out."""
    page = ines.get(to("change", revision.pk)).content.decode()
    grid = page.split('id="grid"')[1].split("</form>")[0]
    first = next(button for button in re.findall(r"<button[^>]*>[^<]*", grid) if " form=" not in button)

    assert first.endswith("Save draft")


# One region ----------------------------------------------------------------------------------------------------------


def save_region(browser, revision, **fields):
    fields = {name.replace("_", f"-{euro(revision).pk}-"): value for name, value in fields.items()}
    return browser.post(to("grid", revision.pk), {"edits": "0", "list": euro(revision).pk} | fields, follow=True)


def test_a_regions_page_sells_more_sizes_gives_bonus_coins_and_any_amount(ines, revision):
    answer = save_region(
        ines,
        revision,
        b_700="50",
        n_coins="1000",
        n_price="11,90",
        r_coins="350",
        r_price="4.19",
        r_max="9000",
    )
    prices = euro(revision).prices()

    assert "Saved: 1 region changed." in text_of(answer)
    assert answer.redirect_chain[-1][0] == to("list", revision.pk, euro(revision).pk)
    assert (700, 50, 829) in prices.packages
    assert (1000, 0, 1190) in prices.packages
    assert prices.custom == (350, 419, 9000)


def test_a_size_that_is_emptied_is_sold_no_more_and_its_live_price_stays_in_sight(ines, revision):
    page = text_of(save_region(ines, revision, p_700=""))

    assert price(revision) is None
    assert f'name="{cell(revision)}" value=""' in page


def test_the_rule_of_any_amount_follows_its_package_when_it_is_left_alone(ines, revision):
    custom = euro(revision).prices().custom
    left_alone = {"r_coins": "700", "r_price": "8.29", "r_max": str(custom.max_coins)}
    save_region(ines, revision, p_700="8.34", **left_alone)

    assert euro(revision).prices().custom == (700, 834, custom.max_coins)


def test_a_rule_with_a_price_of_its_own_stays_when_its_package_changes(ines, revision):
    save_region(ines, revision, r_coins="350", r_price="4.30", r_max="9000")
    save(ines, revision, seen=1, **{cell(revision, 350): "4.19"})

    assert price(revision, 350) == 419
    assert euro(revision).prices().custom == (350, 430, 9000)


def test_no_rule_sells_packages_only(ines, revision):
    save_region(ines, revision, r_coins="", r_price="", r_max="")

    assert euro(revision).prices().custom is None


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"b_700": "a few"}, "Write a whole number of coins"),
        ({"b_700": "-1"}, "Write a whole number of coins"),
        ({"b_700": "70000000"}, "Write a whole number of coins"),
        ({"n_coins": "0", "n_price": "9"}, "Write a whole number of coins"),
        ({"n_coins": "700", "n_price": "9"}, "There is such a package already"),
        ({"n_coins": "900"}, "Write a price above zero"),
        ({"n_price": "9"}, "Write a whole number of coins"),
        ({"r_coins": "700", "r_price": "8.29", "r_max": ""}, "Write a whole number of coins"),
        ({"r_coins": "", "r_price": "8.29", "r_max": "9000"}, "Write a whole number of coins"),
    ],
)
def test_what_cannot_be_read_on_a_regions_page_stays_on_it(ines, revision, fields, told):
    before = euro(revision).prices()
    answer = save_region(ines, revision, **fields)

    assert (answer.status_code, told in text_of(answer)) == (422, True)
    assert all(f'value="{text}"' in text_of(answer) for text in fields.values())
    assert euro(revision).prices() == before


def test_saving_what_was_not_changed_says_so(ines, revision):
    assert "Nothing was changed" in text_of(save_region(ines, revision, p_700="8.29"))


# Files ---------------------------------------------------------------------------------------------------------------


def upload(browser, revision, content):
    return browser.post(to("file", revision.pk), {"file": SimpleUploadedFile("prices.csv", content)})


def test_a_file_is_looked_at_first_and_then_taken(ines, revision):
    content = ines.get(to("csv", revision.pk)).content.decode().replace("8.29", "8.34")
    answer = upload(ines, revision, content.encode())
    assert "1 price would change. Nothing is changed yet." in text_of(answer)
    assert price(revision) == 829
    told = ines.post(to("file", revision.pk), {"text": content, "agreed": "yes", "edits": "0"}, follow=True)

    assert "prices are in the draft" in text_of(told)
    assert price(revision) == 834
    assert PriceChange.objects.filter(what="read").count() == 1


def test_one_bad_line_keeps_the_whole_file_out(ines, revision):
    content = "region,currency,coins,bonus,price\neurozone,EUR,700,0,8.34\njapan,EUR,700,0,1250\n"
    answer = upload(ines, revision, content.encode())
    agreed = ines.post(to("file", revision.pk), {"text": content, "agreed": "yes", "edits": "0"})

    assert answer.status_code == agreed.status_code == 422
    assert "Line 3" in text_of(answer)
    assert price(revision) == 829


def test_fifty_megabytes_are_refused_in_words(ines, revision):
    answer = upload(ines, revision, b"x" * 50_000_000)

    assert (answer.status_code, "larger than 300 kilobytes" in text_of(answer)) == (422, True)


# Around it -----------------------------------------------------------------------------------------------------------


def test_a_draft_is_previewed_in_any_language_and_sells_nothing(ines, revision):
    save(ines, revision, **{cell(revision): "8.34"})
    answer = ines.get(to("window", revision.pk, euro(revision).pk), {"language": "de", "country": "DE"})
    page = text_of(answer)

    assert "8,34" in page
    assert '<html lang="de"' in page
    assert re.search(r'<button class="button" disabled', page)


@pytest.mark.parametrize(
    ("device", "shown"), [("phone", "phone"), ("tablet", "tablet"), ("desk", "desk"), ("x", "phone")]
)
def test_a_preview_has_the_size_of_a_device(ines, revision, device, shown):
    asked = {"device": device, "language": "ar", "country": "IE"}
    page = text_of(ines.get(to("preview", revision.pk, euro(revision).pk), asked))
    ((framed),) = re.findall(r'<iframe src="([^"]+)"', page)

    assert f'class="device device--{shown}"' in page
    assert 'lang="ar" dir="rtl"' in text_of(ines.get(framed.replace("&amp;", "&")))


def test_only_our_own_preview_may_frame_a_page_and_only_the_window(ines, revision):
    framed = ines.get(to("window", revision.pk, euro(revision).pk)).headers
    framing = ines.get(to("preview", revision.pk, euro(revision).pk)).headers

    assert framed["X-Frame-Options"] == "SAMEORIGIN"
    assert "frame-ancestors 'self'" in framed["Content-Security-Policy"]
    assert framing["X-Frame-Options"] == "DENY"
    assert "frame-src 'self'" in framing["Content-Security-Policy"]


def test_rates_are_written_down_with_their_day_and_source(ines):
    form = {"rates": "EUR 0.9213\njpy\t151.2\n", "day": timezone.now().date().isoformat(), "source": "ECB"}
    page = text_of(ines.post(to("rates"), form, follow=True))

    assert "2 rates are written down" in page
    assert ExchangeRate.objects.filter(source="ECB").count() == 2


@pytest.mark.parametrize("language", ["en", "de", "ja"])
def test_today_stands_in_the_form_as_the_browser_reads_it(ines, language):
    page = ines.get(to("rates"), headers={"Accept-Language": language}).content.decode()

    assert f'type="date" name="day" value="{timezone.now().date().isoformat()}"' in page


def test_the_log_says_who_wrote_rates_down_and_what_counted_before(ines):
    form = {"rates": "EUR 0.9213", "day": timezone.now().date().isoformat(), "source": "ECB"}
    ines.post(to("rates"), form)
    last = PriceChange.objects.filter(what="rates").latest("pk")

    assert (str(last.by), last.after["EUR"][::2]) == ("@ines", ["0.9213", "ECB"])
    assert last.before["EUR"][2] == "a test"


@pytest.mark.parametrize("lines", ["EUR 0,9213", "EUR", "XXX 1", "EUR 0", "EUR -1", ""])
def test_a_rate_that_makes_no_sense_is_refused_whole(ines, lines):
    form = {"rates": f"JPY 150\n{lines}" if lines else "", "day": timezone.now().date().isoformat(), "source": "ECB"}

    assert ines.post(to("rates"), form).status_code == 422
    assert not ExchangeRate.objects.filter(source="ECB").exists()


def test_home_shows_what_is_under_way_live_and_sold(ines, revision):
    page = text_of(ines.get(to("changelist")))

    assert "Winter prices" in page
    assert "100 coins, after tax, in US dollars" in page
    assert "Nothing was sold in thirty days" in page


def test_revisions_of_long_ago_are_a_page_further(ines, ireland):
    for nth in range(31):
        revisions.begin(name=f"Prices no. {nth:02}", regions=[ireland], by=writer())
    first, second = (text_of(ines.get(to("changelist") + query)) for query in ("", "?page=2"))

    assert "Prices no. 30" in first
    assert "Prices no. 00" not in first
    assert "Prices no. 00" in second


def test_pages_of_all_regions_ask_the_database_little(ines, rates, django_assert_max_num_queries):
    revision = revisions.begin(name="All", regions=Region.objects.all(), by=writer())
    for address in [to("changelist"), to("change", revision.pk), f"{to('change', revision.pk)}?size=all"]:
        ines.get(address)
        with django_assert_max_num_queries(24):
            ines.get(address)


def test_what_was_live_before_is_one_click_away(ines, jon, revision, ireland):
    save(ines, revision, **{cell(revision): "8.34"})
    ines.post(to("submit", revision.pk))
    jon.post(to("approve", revision.pk), {})
    assert pricing.offer_amount(ireland, "IE", 700).price_minor == 834
    page = text_of(ines.post(to("back", revision.pk), follow=True))

    assert "The prices from before are live again" in page
    assert pricing.offer_amount(ireland, "IE", 700).price_minor == 829
