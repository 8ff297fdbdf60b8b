"""Who signed in is kept with where from and what with, for 400 days."""

from datetime import timedelta

import pytest
from django.utils import timezone

from coinshop.accounts import sign_ins
from coinshop.accounts.models import SignIn


@pytest.fixture
def sign_in(client, alice):
    def through_the_door(**headers):
        answer = client.post(
            "/accounts/login/", {"login": "alice@example.com", "password": "correct horse battery"}, headers=headers
        )
        assert answer.status_code == 302

    return through_the_door


def test_a_sign_in_is_kept_with_its_address_and_browser(sign_in, alice):
    sign_in(user_agent="Lynx/2.9")
    kept = SignIn.objects.get()

    assert (kept.user, kept.address, kept.user_agent) == (alice, "127.0.0.1", "Lynx/2.9")


def test_a_browser_that_talks_a_lot_does_not_keep_anybody_out(sign_in):
    sign_in(user_agent="x" * 5000)

    assert len(SignIn.objects.get().user_agent) == 300


def test_a_sign_in_that_fails_is_nobodys(client, alice):
    client.post("/accounts/login/", {"login": "alice@example.com", "password": "wrong"})

    assert not SignIn.objects.exists()


def test_old_sign_ins_are_forgotten(alice):
    for days in [399, 401]:
        SignIn.objects.create(user=alice, at=timezone.now() - timedelta(days=days), address="192.0.2.1")
    sign_ins.forget_old()

    assert timezone.now() - SignIn.objects.get().at < timedelta(days=400)
