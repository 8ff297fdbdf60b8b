"""Is it real: addresses, order numbers and names, told apart from what only looks like them."""

import pytest

from coinshop import real, trust


@pytest.fixture(autouse=True)
def shop(settings):
    settings.ALLOWED_HOSTS = ["coins.example", ".coinshop.example", "testserver"]


def text_of(answer):
    return answer.content.decode()


def look_up(client, q):
    return text_of(client.get("/real/", {"q": q}))


OURS = [
    "coins.example",
    "https://coins.example/summary/?package=5",
    "HTTPS://COINS.EXAMPLE:443/",
    " coins.example ",
    "www.coinshop.example",
    "coins.example.",
]
NOT_OURS = [
    "coins.example.evil.test",
    "https://coins.example@evil.test/",
    "https://coins.example:pass@evil.test",
    "c0ins.example",
    "cоins.example",  # a Cyrillic о
    "xn--cins-66d.example",
    "evil.test/coins.example",
    "https://evil.test/?https://coins.example",
    "notcoinshop.example",
    "http://[",
    "...",
    "/",
]


@pytest.mark.parametrize("q", OURS)
def test_an_address_of_ours_is_ours(client, db, q):
    page = look_up(client, q)

    assert "is ours" in page
    assert "is not ours" not in page


@pytest.mark.parametrize("q", NOT_OURS)
def test_an_address_that_only_looks_like_ours_is_not(client, db, q):
    assert "is not ours" in look_up(client, q)


def test_a_shop_that_answers_to_every_name_vouches_for_none(client, db, settings):
    settings.ALLOWED_HOSTS = ["*"]

    assert "is not ours" in look_up(client, "evil.test")


def test_an_order_number_tells_its_month_and_nothing_else(client, alice, people, bought_by):
    order = bought_by(alice)
    client.force_login(people("dora"))
    page = look_up(client, order.number.lower())
    without_hyphen = look_up(client, order.number.replace("-", ""))

    for told in (page, without_hyphen):
        assert f"Order {order.number} is one of ours" in told
        assert "@alice" not in told
        assert "4.15" not in told
        assert str(order.pk) not in told


def test_the_buyer_is_led_to_the_order(client, alice, bought_by):
    order = bought_by(alice)
    client.force_login(alice)

    assert f"/orders/{order.pk}/" in look_up(client, order.number)


def test_a_number_of_nobody_is_not_ours(client, db):
    assert "We have no order K7Q2-M9RT" in look_up(client, "k7q2-m9rt")


def test_a_name_is_a_creator_somebody_or_nobody(client, alice, bob, people):
    people("gone", is_active=False)

    assert "@bob is a creator here" in look_up(client, "@Bob")
    assert "@alice has an account here" in look_up(client, "alice")
    for nobody in ["@a1ice", "@gone", "@" + "x" * 200, "@al.ice"]:
        assert "Nobody here is called" in look_up(client, nobody)


@pytest.mark.parametrize("q", ["", " ", "x" * 301, "<script>alert(1)</script>", "\0"])
def test_strange_words_are_answered_kindly(client, db, q):
    answer = client.get("/real/", {"q": q})

    assert answer.status_code in (200, 422)
    assert "<script>alert" not in text_of(answer)


def test_who_asks_without_end_waits(client, db, monkeypatch):
    monkeypatch.setattr(trust, "LOOKS", 3)
    statuses = [client.get("/real/", {"q": "@x"}, REMOTE_ADDR="198.51.100.77").status_code for _ in range(5)]

    assert statuses == [200, 200, 200, 429, 429]


def test_every_page_leads_there_and_to_the_tricks(client, db):
    for page in ["/", "/accounts/login/", "/real/", "/scams/"]:
        told = text_of(client.get(page))
        assert 'href="/real/"' in told
        assert 'href="/scams/"' in told


@pytest.fixture
def bought_by(ireland):
    import uuid

    from payments import checkout, pricing

    def make(buyer):
        return checkout.place(pricing.offer_amount(ireland, "IE", 350), buyer=buyer, form_key=uuid.uuid4())

    return make


def test_a_host_is_what_the_wire_says():
    assert real.host_of("https://coins.example@evil.test") == "evil.test"
    assert real.host_of("cоins.example").startswith("xn--")
