"""Signing up, signing in and out, and a forgotten password: what people see, and what is mailed to them."""

import re
from html import unescape

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from django.core import mail
from django.core.cache import cache
from django.utils import timezone

from coinshop.accounts.models import User

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def nobody_was_here_before(db):
    """How often somebody may try is counted in the cache."""
    cache.clear()


def words(answer):
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode())))


def sign_up(client, **asked):
    form = {"email": "dora@example.com", "username": "dora", "password1": PASSWORD, "country": "IE"}
    return client.post("/accounts/signup/", form | {"birth_date": "1990-05-20"} | asked)


def sign_in(client, email="alice@example.com", password=PASSWORD):
    return client.post("/accounts/login/", {"login": email, "password": password})


def is_signed_in(client):
    return client.get("/me/").status_code == 200


def link_in(mailed):
    return re.search(r"https?://testserver(/\S+)", mailed.body)[1]


# Signing up ----------------------------------------------------------------------------------------------------------


def test_somebody_new_signs_up_and_is_in(client):
    answer = sign_up(client)
    dora = User.objects.get(handle="dora")

    assert (answer.status_code, answer.url) == (302, "/")
    assert is_signed_in(client)
    assert (dora.email, dora.country, str(dora.birth_date), dora.language) == (
        "dora@example.com",
        "IE",
        "1990-05-20",
        "en",
    )
    assert dora.check_password(PASSWORD)
    assert (dora.is_staff, dora.is_superuser) == (False, False)


def test_a_link_to_confirm_the_address_is_mailed_and_works(client):
    sign_up(client)
    (mailed,) = mail.outbox

    assert mailed.to == ["dora@example.com"]
    assert mailed.subject == "Confirm your e-mail"
    assert "@dora" in mailed.body
    assert "not confirmed" in words(client.get("/me/"))
    client.post(link_in(mailed))
    assert "not confirmed" not in words(client.get("/me/"))


def test_looking_at_the_link_confirms_nothing(client):
    """Mail scanners open every link."""
    sign_up(client)
    client.get(link_in(mail.outbox[0]))

    assert "not confirmed" in words(client.get("/me/"))


def test_after_signing_up_people_come_back_to_what_they_were_doing(client):
    assert sign_up(client, next="/@bob/").url == "/@bob/"


def test_nobody_is_sent_to_another_site(client):
    assert sign_up(client, next="https://evil.example/").url == "/"


def test_names_and_addresses_are_taken_in_small_letters(client):
    sign_up(client, email="Dora@Example.com", username="DoRa")

    assert User.objects.get().handle == "dora"
    assert User.objects.get().email == "dora@example.com"


@pytest.mark.parametrize("more", [{"is_staff": "on"}, {"is_superuser": "1"}, {"handle": "admin"}, {"id": "1"}])
def test_nobody_makes_themselves_more_than_they_are(more, client):
    sign_up(client, **more)
    dora = User.objects.get()

    assert (dora.handle, dora.is_staff, dora.is_superuser) == ("dora", False, False)


def refused(answer, saying):
    """The page came back with a reason, and nobody new is here."""
    assert answer.status_code == 200
    assert saying in words(answer)
    assert not User.objects.filter(email="dora@example.com").exists()
    assert mail.outbox == []


@pytest.mark.parametrize("handle", ["alice", "ALICE", " alice "])
def test_a_name_that_is_taken_is_refused_however_it_is_typed(handle, client, alice):
    refused(sign_up(client, username=handle), "already exists")


@pytest.mark.parametrize(
    "handle", ["d", ".dora", "_dora", "do ra", "do-ra", "döra", "дора", "dora!", "@dora", "d" * 31, ""]
)
def test_a_name_that_cannot_be_one_is_refused(handle, client):
    answer = sign_up(client, username=handle)

    assert answer.status_code == 200
    assert User.objects.count() == 0
    assert 'aria-invalid="true"' in answer.content.decode()


@pytest.mark.parametrize(
    ("birth_date", "saying"),
    [
        ("2999-01-01", "it should be the day you were born"),
        ("1850-01-01", "it should be the day you were born"),
        ("20-05-1990x", "Enter a valid date"),
        ("", "This field is required"),
    ],
)
def test_a_birthday_that_cannot_be_one_is_refused(birth_date, saying, client):
    refused(sign_up(client, birth_date=birth_date), saying)


def test_children_have_no_account(client):
    today = timezone.now().date()
    twelve = today.replace(year=today.year - 13, month=12, day=31)
    if twelve.replace(year=today.year) == today:
        twelve = twelve.replace(year=twelve.year + 1)

    refused(sign_up(client, birth_date=twelve.isoformat()), "You can have an account from the age of 13.")


def test_from_thirteen_they_may(client):
    today = timezone.now().date()
    sign_up(client, birth_date=today.replace(year=today.year - 13, month=1, day=1).isoformat())

    assert User.objects.filter(handle="dora").exists()


@pytest.mark.parametrize("country", ["", "XX", "ie", "Ireland", "001"])
def test_a_country_that_is_none_is_refused(country, client):
    answer = sign_up(client, country=country)

    assert answer.status_code == 200
    assert User.objects.count() == 0


@pytest.mark.parametrize("password", ["", "short", "password", "12345678", "dora@example.com"])
def test_a_password_that_is_easily_guessed_is_refused(password, client):
    assert sign_up(client, password1=password).status_code == 200
    assert User.objects.count() == 0


@pytest.mark.parametrize("email", ["alice@example.com", "ALICE@example.COM", " alice@example.com "])
def test_an_address_has_one_account_however_it_is_typed(email, client, alice):
    answer = sign_up(client, email=email)

    assert answer.status_code == 200
    assert "already registered with this email address" in words(answer)
    assert list(User.objects.all()) == [alice]
    assert not is_signed_in(client)


def test_the_password_is_never_shown_again(client):
    assert PASSWORD not in sign_up(client, country="").content.decode()


# Language ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def arabic(settings, tmp_path):
    """A catalogue with one sentence, so that these tests wait for no translator."""
    catalog = Catalog(locale="ar")
    catalog.add("Confirm your e-mail", "أكِّد بريدك")
    catalog.add("Choose a new password", "اختر كلمة مرور")
    folder = tmp_path / "ar" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    with (folder / "django.mo").open("wb") as file:
        write_mo(file, catalog)
    settings.LOCALE_PATHS = [tmp_path]


def test_the_confirmation_is_in_the_language_somebody_signed_up_in(client, arabic):
    client.post("/language/setlang/", {"language": "ar"})
    sign_up(client)

    assert User.objects.get().language == "ar"
    assert mail.outbox[0].subject == "أكِّد بريدك"


def test_a_mail_is_in_the_language_of_who_reads_it_and_not_of_who_caused_it(client, arabic, people):
    people("erin", language="ar")
    client.post("/accounts/password/reset/", {"email": "erin@example.com"}, headers={"Accept-Language": "en"})
    erins = mail.outbox[0].subject
    people("finn", language="en")
    client.post("/accounts/password/reset/", {"email": "finn@example.com"}, headers={"Accept-Language": "ar"})

    assert (erins, mail.outbox[1].subject) == ("اختر كلمة مرور", "Choose a new password")


# Signing in and out --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("email", ["alice@example.com", "Alice@EXAMPLE.com"])
def test_people_sign_in_with_their_address(email, client, alice):
    assert sign_in(client, email).status_code == 302
    assert is_signed_in(client)


@pytest.mark.parametrize(
    ("email", "password"), [("alice@example.com", "wrong"), ("nobody@example.com", PASSWORD), ("alice", PASSWORD)]
)
def test_a_wrong_password_and_an_unknown_address_are_told_the_same(email, password, client, alice):
    answer = sign_in(client, email, password)

    assert answer.status_code == 200
    assert not is_signed_in(client)
    if "@" in email:
        assert "The email address and/or password you specified are not correct." in words(answer)


def test_guessing_is_slowed_down(client, alice):
    for _ in range(6):
        sign_in(client, password="wrong")
    answer = sign_in(client)

    assert not is_signed_in(client)
    assert "Too many failed login attempts" in words(answer)


def test_who_was_shut_out_is_not_in(client, alice):
    alice.is_active = False
    alice.save()
    sign_in(client)

    assert not is_signed_in(client)


def test_people_sign_out_by_a_form_and_not_by_a_link(client, alice):
    sign_in(client)
    client.get("/accounts/logout/")
    assert is_signed_in(client)
    client.post("/accounts/logout/")

    assert not is_signed_in(client)


# A forgotten password ------------------------------------------------------------------------------------------------


def test_a_forgotten_password_is_replaced_by_mail(client, alice):
    client.post("/accounts/password/reset/", {"email": "alice@example.com"})
    (mailed,) = mail.outbox
    page = client.get(link_in(mailed), follow=True)
    client.post(page.request["PATH_INFO"], {"password1": "a new horse entirely", "password2": "a new horse entirely"})

    assert not sign_in(client).wsgi_request.user.is_authenticated
    assert sign_in(client, password="a new horse entirely").wsgi_request.user.is_authenticated


def test_a_link_works_once(client, alice):
    client.post("/accounts/password/reset/", {"email": "alice@example.com"})
    link = link_in(mail.outbox[0])
    page = client.get(link, follow=True)
    client.post(page.request["PATH_INFO"], {"password1": "a new horse entirely", "password2": "a new horse entirely"})
    client.logout()

    assert "This link has ended" in words(client.get(link, follow=True))


def test_until_the_link_is_used_the_old_password_works(client, alice):
    client.post("/accounts/password/reset/", {"email": "alice@example.com"})
    sign_in(client)

    assert is_signed_in(client)


def test_asking_for_an_unknown_address_shows_nothing(client, alice):
    known = client.post("/accounts/password/reset/", {"email": "alice@example.com"})
    unknown = client.post("/accounts/password/reset/", {"email": "nobody@example.com"})

    assert (known.status_code, known.url) == (unknown.status_code, unknown.url)
    assert mail.outbox[0].to == ["alice@example.com"]
    assert "a link to choose a new password is on its way" in words(client.get(unknown.url))


@pytest.mark.parametrize("handle", ["support", "Admin"])
def test_nobody_can_pass_for_the_house(client, handle):
    sign_up(client, username=handle)

    assert not User.objects.filter(handle=handle.lower()).exists()
