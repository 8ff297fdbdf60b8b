"""People: how old they are, what the law of their country says, and how their names are kept."""

from datetime import date

import pytest
from conftest import ADULT
from django.db import IntegrityError, transaction
from django.utils import timezone

from coinshop.accounts import ages, countries, facts
from coinshop.accounts.models import CountryLaw, User


@pytest.mark.parametrize(
    ("born", "day", "age"),
    [
        (date(2000, 6, 15), date(2018, 6, 14), 17),
        (date(2000, 6, 15), date(2018, 6, 15), 18),
        (date(2000, 6, 15), date(2018, 6, 16), 18),
        (date(2000, 12, 31), date(2018, 1, 1), 17),
        (date(2000, 1, 1), date(2018, 12, 31), 18),
        (date(2000, 2, 29), date(2018, 2, 28), 17),
        (date(2000, 2, 29), date(2018, 3, 1), 18),
        (date(2000, 2, 29), date(2020, 2, 28), 19),
        (date(2000, 2, 29), date(2020, 2, 29), 20),
        (date(2000, 6, 15), date(2000, 6, 15), 0),
        (None, date(2018, 6, 15), None),
    ],
)
def test_people_are_a_year_older_on_their_birthday_and_not_before(born, day, age):
    assert User(birth_date=born).age_on(day) == age


# Laws ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def laws(db):
    """A country that changed its mind twice."""
    for valid_from, adult_age in [(date(2020, 1, 1), 18), (date(2021, 7, 1), 21), (date(2023, 1, 1), 20)]:
        CountryLaw.objects.create(
            country="QZ", valid_from=valid_from, adult_age=adult_age, withdrawal_days=0, tax_rate_bp=0
        )


@pytest.mark.parametrize(
    ("day", "adult_age"),
    [
        (date(2020, 1, 1), 18),
        (date(2021, 6, 30), 18),
        (date(2021, 7, 1), 21),
        (date(2022, 12, 31), 21),
        (date(2023, 1, 1), 20),
        (date(2999, 1, 1), 20),
    ],
)
def test_the_newest_law_that_has_begun_is_in_force(day, adult_age, laws):
    assert CountryLaw.in_force("QZ", day).adult_age == adult_age


def test_before_the_first_law_and_without_one_we_know_none(laws):
    assert CountryLaw.in_force("QZ", date(2019, 12, 31)) is None
    assert CountryLaw.in_force("XX") is None
    assert CountryLaw.in_force("") is None


def test_a_law_that_begins_tomorrow_is_not_in_force_today(laws):
    CountryLaw.objects.create(country="QZ", valid_from=date(2999, 1, 1), adult_age=30, withdrawal_days=0, tax_rate_bp=0)

    assert CountryLaw.in_force("QZ").adult_age == 20


def test_laws_are_loaded_once_and_what_was_changed_stays(db):
    CountryLaw.objects.filter(country="IE").update(withdrawal_days=30)
    before = list(CountryLaw.objects.order_by("pk").values())
    facts.load()

    assert list(CountryLaw.objects.order_by("pk").values()) == before


def test_nowhere_may_children_buy(db):
    with pytest.raises(IntegrityError, match="coins_are_for_adults"), transaction.atomic():
        CountryLaw.objects.filter(country="IE").update(adult_age=17)


# May they buy and send -----------------------------------------------------------------------------------------------


def aged(years, country):
    today = timezone.now().date()
    return User(country=country, birth_date=date(today.year - years, 1, 1))


@pytest.mark.parametrize(
    ("years", "country", "objection"),
    [
        (17, "IE", "Coins are for people of 18 and older in your country. Nothing was charged."),
        (18, "IE", ""),
        (18, "KR", "Coins are for people of 19 and older in your country. Nothing was charged."),
        (19, "KR", ""),
    ],
)
def test_the_age_to_buy_is_that_of_the_country(years, country, objection, db):
    assert ages.objection_to(aged(years, country)) == objection


def test_on_their_birthday_they_may(db, monkeypatch):
    today = timezone.now().date()
    birthday = today.replace(year=today.year - 18, day=min(today.day, 28))

    assert ages.objection_to(User(country="IE", birth_date=birthday)) == ""


@pytest.mark.parametrize("country", ["", "XX", "ie"])
def test_where_we_know_no_law_nothing_is_sold(country, db):
    assert "Check your country in Me." in ages.objection_to(User(country=country, birth_date=ADULT))


def test_whose_birthday_we_do_not_know_is_asked_for_it(db):
    assert "Tell us your date of birth first." in ages.objection_to(User(country="IE"))


# Names ---------------------------------------------------------------------------------------------------------------


def test_names_and_addresses_are_kept_in_small_letters(people):
    dora = people("DoRa")

    assert (dora.handle, dora.email) == ("dora", "dora@example.com")
    assert User.objects.get_by_natural_key("DORA@Example.com") == dora


@pytest.mark.parametrize(
    ("field", "constraint"), [("handle", "handles_are_in_small_letters"), ("email", "addresses_are_in_small_letters")]
)
def test_the_database_keeps_capitals_out(field, constraint, alice):
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        User.objects.filter(pk=alice.pk).update(**{field: "Alice@example.com"})


@pytest.mark.parametrize("facts_of_another", [{"handle": "alice"}, {"email": "alice@example.com"}])
def test_no_two_people_share_a_name_or_an_address(facts_of_another, alice):
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create(**{"handle": "other", "email": "other@example.com"} | facts_of_another)


# Countries -----------------------------------------------------------------------------------------------------------


def test_countries_are_named_in_the_readers_language():
    assert countries.name_of("IE") == "Ireland"
    assert countries.name_of("IE", "ar") == "أيرلندا"
    assert countries.name_of("XX") in ["XX", "unknown", countries.name_of("XX")]


@pytest.mark.parametrize("code", ["", "I", "IRL", "12", "ie", "ＩＥ", "150"])
def test_what_is_no_country(code):
    assert code not in dict(countries.choices())


def test_every_country_with_a_law_can_be_chosen(db):
    offered = {code for code, _name in countries.choices()}

    assert set(CountryLaw.objects.values_list("country", flat=True)) <= offered
