"""The demo's mailbox: what the shop mailed, read in the browser; and no door to any other file."""

import re
from datetime import UTC, datetime
from html import unescape

import pytest
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.urls import reverse

MADE_UP = "1999-01-01-00.00.00-1"


@pytest.fixture
def mailbox(settings, tmp_path):
    """A shop that keeps its mails in files, as `make run` does. The folder."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = tmp_path / "mail"
    settings.HAS_MAILBOX = True
    return tmp_path / "mail"


def post(subject, body="Hello.", to="alice@example.com"):
    EmailMessage(subject, body, "shop@localhost", [to]).send()


def words(answer):
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode())))


def links(answer):
    return re.findall(r'<li><a href="(/mailbox/[^"]+)"', answer.content.decode())


def test_a_mail_is_listed_and_can_be_read(client, db, mailbox):
    post("Your coins are here", "Grüße, أهلا.\n\nhttp://localhost/orders/7/?a=1&b=2\n")
    (url,) = links(client.get("/mailbox/"))
    answer = client.get(url)

    assert "Your coins are here" in words(answer)
    assert "Grüße, أهلا." in words(answer)
    assert "alice@example.com" in words(answer)
    assert '<a class="link" href="http://localhost/orders/7/?a=1&amp;b=2">' in answer.content.decode()


def test_several_mails_of_one_connection_are_several(client, db, mailbox):
    from django.core.mail import get_connection

    mails = [EmailMessage(subject, "Hello.", "shop@localhost", ["a@example.com"]) for subject in ["One", "Two"]]
    get_connection().send_messages(mails)
    listed = client.get("/mailbox/")

    assert len(set(links(listed))) == 2
    assert {"One", "Two"} <= {words(client.get(url)).split("All mails ")[1].split()[0] for url in links(listed)}


def test_the_newest_comes_first(client, db, mailbox, monkeypatch):
    for day, subject in [(1, "First"), (3, "Third"), (2, "Second")]:
        mail = EmailMessage(subject, "Hello.", "shop@localhost", ["a@example.com"])
        mail.extra_headers["Date"] = datetime(2024, 1, day, tzinfo=UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")
        mail.send()
    said = words(client.get("/mailbox/"))

    assert said.index("Third") < said.index("Second") < said.index("First")


def test_a_mail_with_a_picture_of_itself_is_read_as_text(client, db, mailbox):
    mail = EmailMultiAlternatives("Both", "The plain one.", "shop@localhost", ["a@example.com"])
    mail.attach_alternative("<b>The other.</b>", "text/html")
    mail.send()
    answer = client.get(links(client.get("/mailbox/"))[0])

    assert "The plain one." in words(answer)
    assert "The other." not in words(answer)


def test_what_a_mail_says_is_text_and_never_markup(client, db, mailbox):
    post("<script>alert(1)</script>", "<script>alert(2)</script> javascript:alert(3)")
    listed = client.get("/mailbox/")
    read = client.get(links(listed)[0])

    for answer in [listed, read]:
        assert b"<script>alert" not in answer.content
        assert b'href="javascript' not in answer.content


def test_an_empty_mailbox_says_so(client, db, mailbox):
    assert "No mail yet" in words(client.get("/mailbox/"))


def test_a_mail_that_never_was_is_not_found(client, db, mailbox):
    post("Here")

    assert client.get(f"/mailbox/{MADE_UP}/").status_code == 404


@pytest.mark.parametrize(
    "name",
    [
        "../secret",
        "..%2Fsecret",
        "%2e%2e%2fsecret",
        "..\\secret",
        "secret",
        "secret-0",
        "%2Fetc%2Fpasswd",
        "*",
        "secret.log",
    ],
)
def test_no_other_file_is_read(name, client, db, mailbox):
    post("Here")
    (mailbox.parent / "secret.log").write_text("Subject: secret\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n\nsecret")

    assert client.get(f"/mailbox/{name}/").status_code == 404


def test_a_shop_in_the_open_has_no_mailbox(client, db, mailbox, settings):
    post("Here")
    (url,) = links(client.get("/mailbox/"))
    settings.HAS_MAILBOX = False

    assert client.get("/mailbox/").status_code == 404
    assert client.get(url).status_code == 404


def test_the_me_page_leads_to_the_mailbox_where_there_is_one(client, alice, mailbox, settings):
    client.force_login(alice)
    assert reverse("mailbox") in client.get("/me/").content.decode()
    settings.HAS_MAILBOX = False

    assert reverse("mailbox") not in client.get("/me/").content.decode()


def test_a_mailbox_is_to_be_read_only(client, db, mailbox):
    assert client.post("/mailbox/").status_code == 405
