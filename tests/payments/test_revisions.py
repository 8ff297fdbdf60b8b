"""Prices have a life: written by one, approved by another, live at an instant, and taken back."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest
from conftest import at_once, writer
from django.core import mail
from django.db import DatabaseError, IntegrityError, transaction
from django.utils import timezone

from payments import checkout, market, outgoing, pricing, regions, revisions, sweep
from payments.models import PriceChange, PriceList, Region, Revision
from payments.models.prices import Package, Prices
from payments.revisions import Changed, NotPossible, NotReady

GUARD = "restrict_violation|price list|checked|scheduled|revision|approves|log of prices|never live"


@pytest.fixture
def rates(db):
    """Today's, so that none is old."""
    known = market.Market.now().rates.values()
    market.enter({rate.currency: rate.per_usd for rate in known}, day=timezone.now().date(), source="a test", by=None)


@pytest.fixture
def ines(rates):
    return writer()


@pytest.fixture
def jon(rates):
    return writer("jon")


@pytest.fixture
def revision(ines, ireland):
    return revisions.begin(name="Winter", regions=[ireland], by=ines, note="The euro slid.")


def priced(prices: Prices, coins: int, price_minor: int) -> Prices:
    changed = [each._replace(price_minor=price_minor) if each.coins == coins else each for each in prices.packages]
    return replace(prices, packages=tuple(changed))


def set_price(revision, coins, price_minor, *, by, seen=None):
    draft = revision.lists.get()
    wanted = {draft.pk: priced(draft.prices(), coins, price_minor)}
    return revisions.write(revision, wanted, by=by, seen=revision.edits if seen is None else seen)


def ready(revision, ines):
    set_price(revision, 700, 834, by=ines)
    revisions.submit(revision, by=ines)
    return revision


def selling(coins=700):
    return pricing.offer_amount(Region.objects.get(slug="eurozone"), "IE", coins).price_minor


def keys_of(revision):
    return [(fault.list_id, fault.key) for fault in revisions.faults_of(revision)]


# The whole life ------------------------------------------------------------------------------------------------------


def test_prices_written_by_one_and_approved_by_another_are_live(revision, ines, jon):
    ready(revision, ines)
    assert selling() == 829
    revisions.approve(revision, by=jon)

    assert selling() == 834
    assert (revision.state, revision.live_at is not None) == ("live", True)


def test_a_revision_of_all_regions_goes_live_in_one_transaction(ines, jon):
    every = list(Region.objects.all())
    revision = revisions.begin(name="All", regions=every, by=ines)
    drafts = list(revision.lists.select_related("region"))
    wanted = {
        each.pk: priced(each.prices(), 700, each.prices().packages[2].price_minor * 101 // 100 // 100 * 100 + 100)
        for each in drafts
    }
    revisions.write(revision, wanted, by=ines, seen=0)
    revisions.waive(revision, keys_of(revision), reason="The market is like this.", by=ines)
    revisions.submit(revision, by=ines)
    revisions.approve(revision, by=jon)

    assert PriceList.objects.filter(channel="web", state="live").count() == len(every)
    assert set(PriceList.objects.filter(channel="web", state="live").values_list("revision", flat=True)) == {
        revision.pk
    }


def test_scheduled_prices_wait_for_their_moment_and_the_sweep_puts_them_live(revision, ines, jon):
    ready(revision, ines)
    revisions.approve(revision, by=jon, live_from=timezone.now() + timedelta(minutes=1))
    sweep.once(sweep.Breaker())
    assert selling() == 829

    Revision.objects.filter(pk=revision.pk).update(live_from=timezone.now() - timedelta(seconds=1))
    sweep.once(sweep.Breaker())
    assert selling() == 834
    sweep.once(sweep.Breaker())
    assert PriceChange.objects.filter(what="live").count() == 1


def test_an_order_keeps_the_price_it_was_made_with(revision, ines, jon, alice, ireland):
    offer = pricing.offer_amount(ireland, "IE", 700)
    order = checkout.place(offer, buyer=alice, form_key="6f2b1c4e-0000-4000-8000-000000000001")
    ready(revision, ines)
    revisions.approve(revision, by=jon)
    order.refresh_from_db()

    assert (order.price_minor, selling()) == (829, 834)


def test_a_new_region_gets_its_first_prices_by_a_revision_too(ines, jon):
    malta = Region.objects.create(slug="malta", name="Malta", currency="EUR")
    revision = revisions.begin(name="Malta", regions=[malta], by=ines)
    draft = revision.lists.get()
    packages = (Package(100, 0, 120), Package(1000, 0, 1200))
    revisions.write(revision, {draft.pk: Prices(packages)}, by=ines, seen=0)
    revisions.submit(revision, by=ines)
    revisions.approve(revision, by=jon)

    assert regions.region_of_country("MT") is None
    assert pricing.live_list(malta).prices() == Prices(packages)


# Who may what --------------------------------------------------------------------------------------------------------


def test_nobody_approves_what_they_wrote(revision, ines, jon):
    set_price(revision, 350, 425, by=jon)
    ready(revision, ines)
    for writer_of_it in [ines, jon]:
        with pytest.raises(NotPossible, match="Somebody else has to approve"):
            revisions.approve(revision, by=writer_of_it)

    assert revisions.writers_of(revision) == {ines.pk, jon.pk}
    revisions.approve(revision, by=writer("kim"))
    assert selling() == 834


@pytest.mark.parametrize("who", ["ines", "jon"])
def test_the_database_knows_who_wrote_them(revision, ines, jon, who):
    set_price(revision, 350, 425, by=jon)
    ready(revision, ines)
    with pytest.raises((IntegrityError, DatabaseError), match="approve"), transaction.atomic():
        Revision.objects.filter(pk=revision.pk).update(
            state="scheduled", approved_by=writer(who), approved_at=timezone.now(), live_from=timezone.now()
        )


def test_a_moment_that_is_over_is_refused(revision, ines, jon):
    ready(revision, ines)
    with pytest.raises(NotPossible, match="This moment is over"):
        revisions.approve(revision, by=jon, live_from=timezone.now() - timedelta(seconds=1))

    assert Revision.objects.get(pk=revision.pk).state == "review"


def test_what_is_not_a_draft_is_not_written(revision, ines):
    ready(revision, ines)
    with pytest.raises(NotPossible, match="is in review now"):
        set_price(revision, 700, 1, by=ines)
    with pytest.raises(DatabaseError, match="is not a draft"), transaction.atomic():
        revision.lists.get().packages.update(price_minor=1)
    with pytest.raises(DatabaseError, match="is not a draft"), transaction.atomic():
        revision.lists.update(custom_price_minor=1)


def test_nothing_is_sent_for_review_that_changes_nothing(revision, ines):
    with pytest.raises(NotPossible, match="Nothing differs"):
        revisions.submit(revision, by=ines)


def test_what_goes_back_says_why_and_can_be_mended(revision, ines, jon):
    ready(revision, ines)
    with pytest.raises(NotPossible, match="Write why"):
        revisions.send_back(revision, by=jon, reason=" ")
    revisions.send_back(revision, by=jon, reason="Too dear.")
    set_price(revision, 700, 833, by=ines)
    revisions.submit(revision, by=ines)
    revisions.approve(revision, by=jon, live_from=timezone.now() + timedelta(hours=1))
    revisions.send_back(revision, by=ines, reason="Not today.")

    assert (revision.state, revision.approved_by, revision.live_from) == ("draft", None, None)
    assert [*revision.changes.filter(what="returned").values_list("reason", flat=True)] == ["Too dear.", "Not today."]


def test_a_draft_that_is_put_aside_is_kept_and_over(revision, ines):
    revisions.drop(revision, by=ines)
    with pytest.raises(NotPossible, match="put aside"):
        set_price(revision, 700, 834, by=ines)
    with pytest.raises(DatabaseError, match="put aside, not deleted"), transaction.atomic():
        Revision.objects.filter(pk=revision.pk)._raw_delete("default")


# Two at once ---------------------------------------------------------------------------------------------------------


def test_of_two_managers_in_one_draft_the_second_is_told(revision, ines, jon):
    set_price(revision, 700, 834, by=ines)
    with pytest.raises(Changed, match="@ines changed this draft while you were writing"):
        set_price(revision, 350, 499, by=jon, seen=0)

    assert revision.lists.get().prices().packages[1].price_minor == 415


def test_writing_at_once_lets_one_through(committed, ireland):
    who = writer()
    revision = revisions.begin(name="Race", regions=[ireland], by=who)
    jobs = [partial(set_price, revision, 700, price, by=who, seen=0) for price in [870, 880, 890, 900]]
    results = at_once(*jobs)

    assert sum(isinstance(result, Changed) for result in results) == 3
    assert PriceChange.objects.filter(what="edited").count() == 1


def test_two_revisions_that_go_live_at_once_leave_one_live_list(committed, ireland):
    by, other = writer(), writer("jon")
    both = [revisions.begin(name=name, regions=[ireland], by=by) for name in "AB"]
    for price, revision in enumerate(both, start=880):
        set_price(revision, 700, price, by=by)
        revisions.waive(revision, keys_of(revision), reason="A test.", by=by)
        revisions.submit(revision, by=by)
    results = at_once(*[partial(revisions.approve, revision, by=other) for revision in both])

    assert results == [None, None]
    assert PriceList.objects.filter(region=ireland, channel="web", state="live").count() == 1


def test_two_sweeps_put_one_revision_live_once(committed, ireland):
    by, other = writer(), writer("jon")
    revision = revisions.begin(name="Race", regions=[ireland], by=by)
    set_price(revision, 700, 880, by=by)
    revisions.waive(revision, keys_of(revision), reason="A test.", by=by)
    revisions.submit(revision, by=by)
    revisions.approve(revision, by=other, live_from=timezone.now() + timedelta(hours=1))
    Revision.objects.update(live_from=timezone.now() - timedelta(seconds=1))
    at_once(*[partial(revisions.go_live, revision)] * 4)

    assert PriceChange.objects.filter(what="live").count() == 1
    assert selling() == 880


# Checks --------------------------------------------------------------------------------------------------------------


def test_a_slip_of_the_hand_cannot_be_waived(revision, ines):
    """17,500 coins for 185 cents."""
    set_price(revision, 17_500, 185, by=ines)
    waived = revisions.waive(revision, keys_of(revision), reason="I mean it.", by=ines)
    with pytest.raises(NotReady, match="It would be about") as refusal:
        revisions.submit(revision, by=ines)

    assert waived == 0
    assert {fault.code for fault in refusal.value.faults} >= {"leap", "cheaper"}


def test_what_is_doubtful_needs_a_reason_for_just_these_figures(revision, ines):
    set_price(revision, 700, 1090, by=ines)
    assert {fault.code for fault in revisions.faults_of(revision)} == {"change", "dearer"}
    with pytest.raises(NotPossible, match="Write in a sentence"):
        revisions.waive(revision, keys_of(revision), reason="", by=ines)
    revisions.waive(revision, keys_of(revision), reason="A test of what people pay.", by=ines)
    assert revisions.faults_of(revision) == []

    set_price(revision, 700, 1190, by=ines)
    with pytest.raises(NotReady):
        revisions.submit(revision, by=ines)


@pytest.mark.parametrize(("price_minor", "told"), [(560, "-32%"), (1_060, "+28%")])
def test_a_price_that_changes_much_needs_a_reason_up_or_down(revision, ines, price_minor, told):
    set_price(revision, 700, price_minor, by=ines)
    (change,) = [fault for fault in revisions.faults_of(revision) if fault.code == "change"]

    assert told in change.text
    assert change.level == "look"


def test_one_package_as_dear_as_in_the_app_is_found_among_cheaper_ones(ines):
    here = Region.objects.get(slug="united-states")
    revision = revisions.begin(name="Dear", regions=[here], by=ines)
    in_the_app = {package.coins: package.price_minor for package in market.Market.now().prices_of(here, "app").packages}
    set_price(revision, 350, in_the_app[350], by=ines)

    assert "app" in {fault.code for fault in revisions.faults_of(revision)}


def test_a_regions_tax_is_the_highest_of_its_countries(db, ireland):
    """Finland's, 25.5 %: whoever lives there pays no less for a coin after tax than we reckoned with."""
    assert market.Market.now().tax_bp[ireland.pk] == 2550


def test_old_rates_are_told(revision, ines):
    day = timezone.now().date() - timedelta(days=8)
    for rate in market.Market.now().rates.values():
        rate.day = day
        rate.save(update_fields=["day"])

    assert [fault.text for fault in revisions.faults_of(revision)] == ["The rate of EUR is 8 days old."]


def test_a_reason_for_an_old_rate_still_holds_on_the_next_day(revision, ines, monkeypatch):
    market.ExchangeRate.objects.filter(currency="EUR").delete()
    market.enter({"EUR": Decimal("0.92")}, day=timezone.now().date() - timedelta(days=9), source="a test", by=None)
    revisions.waive(revision, keys_of(revision), reason="The bank is closed.", by=ines)
    tomorrow = timezone.now().date() + timedelta(days=1)
    monkeypatch.setattr(market, "_today", lambda: tomorrow)

    assert market.Market.now().age_days("EUR") == 10
    assert revisions.faults_of(revision) == []


@pytest.fixture
def held_back(revision, ines, jon):
    """The euro fell to a tenth after the approval: what was a fair price would be a loss."""
    ready(revision, ines)
    revisions.approve(revision, by=jon, live_from=timezone.now() + timedelta(hours=1))
    market.enter({"EUR": Decimal("9.2")}, day=timezone.now().date(), source="a crash", by=None)
    Revision.objects.update(live_from=timezone.now() - timedelta(seconds=1))
    revisions.go_live(revision)
    return revision


def test_prices_whose_checks_hold_no_more_are_held_back_at_their_moment(held_back):
    last = held_back.changes.last()

    assert (selling(), held_back.state, last.what) == (829, "draft", "held back")
    assert "sell at a loss" in last.after["checks"][0]


def test_whoever_made_or_approved_them_is_told_by_mail_that_they_were_held_back(held_back):
    revisions.go_live(held_back)
    for row in outgoing.due():
        outgoing.work(row)

    assert sorted(message.to for message in mail.outbox) == [["ines@example.com"], ["jon@example.com"]]
    assert all("“Winter” did not go live" in message.subject for message in mail.outbox)
    assert all("sell at a loss" in message.body for message in mail.outbox)


def test_a_rate_that_grew_old_since_the_approval_holds_nothing_back(revision, ines, jon):
    ready(revision, ines)
    revisions.approve(revision, by=jon, live_from=timezone.now() + timedelta(hours=1))
    market.ExchangeRate.objects.filter(currency="EUR", day=timezone.now().date()).delete()
    Revision.objects.update(live_from=timezone.now() - timedelta(seconds=1))
    revisions.go_live(revision)

    assert [fault.code for fault in revisions.faults_of(revision)] == ["rate"]
    assert (selling(), revision.state) == (834, "live")


ROUTES = {
    "the list alone": lambda revision: revision.lists.update(state="live"),
    "the list, as if it was checked": lambda revision: revision.lists.update(state="live", checked="x" * 32),
    "straight to scheduled": lambda revision: scheduled(revision),
    "straight to live": lambda revision: Revision.objects.filter(pk=revision.pk).update(
        state="live", live_at=timezone.now()
    ),
    "a review of nothing": lambda revision: Revision.objects.filter(pk=revision.pk).update(state="review"),
    "checked, but straight to scheduled": lambda revision: scheduled(checked(revision)),
    "checked, but straight to live": lambda revision: Revision.objects.filter(pk=checked(revision).pk).update(
        state="live", live_at=timezone.now(), submitted_by=writer(), approved_by=writer("jon")
    ),
    "as first prices": lambda revision: PriceList.objects.filter(pk=first_prices().pk).update(state="live"),
    "as a roll-back": lambda revision: as_a_roll_back(revision),
    "born live": lambda revision: PriceList.objects.create(
        region=revision.lists.get().region, version=99, state="live"
    ),
}


def scheduled(revision):
    Revision.objects.filter(pk=revision.pk).update(
        state="scheduled", submitted_by=writer(), approved_by=writer("jon"), live_from=timezone.now()
    )


def checked(revision):
    revisions._mark_checked(revision.lists.all())
    return revision


def first_prices():
    nowhere = Region.objects.create(slug="nowhere", name="Nowhere", currency="EUR")
    return PriceList.objects.create(region=nowhere, version=1)


def as_a_roll_back(revision):
    other = Revision.objects.create(name="x", undoes=revision, created_by=writer())
    draft = PriceList.objects.create(region=revision.lists.get().region, version=98, revision=other)
    draft.write(Prices((Package(17_500, 0, 185),)))
    revisions._mark_checked(other.lists.all())
    scheduled(other)


@pytest.mark.parametrize("route", ROUTES.values(), ids=ROUTES.keys())
def test_the_database_lets_no_unchecked_price_live(revision, ines, route):
    set_price(revision, 17_500, 185, by=ines)
    with pytest.raises(DatabaseError, match=GUARD), transaction.atomic():
        route(revision)

    assert selling(17_500) == 20_519


BEHIND = {
    "a price": lambda draft: draft.packages.filter(coins=700).update(price_minor=1),
    "bonus coins": lambda draft: draft.packages.filter(coins=700).update(bonus=70_000),
    "coins of any amount": lambda draft: PriceList.objects.filter(pk=draft.pk).update(custom_coins=70_000),
    "price of any amount": lambda draft: PriceList.objects.filter(pk=draft.pk).update(custom_price_minor=1),
    "limit of any amount": lambda draft: PriceList.objects.filter(pk=draft.pk).update(custom_max_coins=9_999_999),
}


@pytest.mark.parametrize("change", BEHIND.values(), ids=BEHIND.keys())
def test_prices_changed_behind_a_review_do_not_go_live(revision, ines, change):
    ready(revision, ines)
    Revision.objects.filter(pk=revision.pk).update(state="draft")
    change(revision.lists.get())
    with pytest.raises(DatabaseError, match="were not checked"), transaction.atomic():
        Revision.objects.filter(pk=revision.pk).update(state="review")


def test_approving_checks_once_more(revision, ines, jon):
    ready(revision, ines)
    market.enter({"EUR": Decimal("9.2")}, day=timezone.now().date(), source="a crash", by=None)
    with pytest.raises(NotReady, match="sell at a loss"):
        revisions.approve(revision, by=jon)

    assert (selling(), Revision.objects.get(pk=revision.pk).state) == (829, "review")


def test_before_its_moment_nothing_goes_live_by_any_route(revision, ines, jon):
    ready(revision, ines)
    revisions.approve(revision, by=jon, live_from=timezone.now() + timedelta(hours=1))
    revisions.go_live(revision)
    with pytest.raises(DatabaseError, match="not scheduled for now"), transaction.atomic():
        revision.lists.update(state="live")

    assert (selling(), revision.state) == (829, "scheduled")


def test_who_approved_what_is_live_never_changes(revision, ines, jon):
    ready(revision, ines)
    revisions.approve(revision, by=jon)
    with pytest.raises(DatabaseError, match="this revision is over"), transaction.atomic():
        Revision.objects.filter(pk=revision.pk).update(approved_by=writer("kim"))


def test_the_log_is_written_once(revision):
    for change in [lambda rows: rows.update(reason="x"), lambda rows: rows._raw_delete("default")]:
        with pytest.raises(DatabaseError, match="log of prices"), transaction.atomic():
            change(PriceChange.objects.all())


# Back ----------------------------------------------------------------------------------------------------------------


def test_one_person_rolls_back_at_once(revision, ines, jon):
    ready(revision, ines)
    revisions.approve(revision, by=jon)
    back = revisions.roll_back(revision, by=ines)

    assert selling() == 829
    assert (back.state, back.undoes, back.approved_by) == ("live", revision, None)
    assert [*revision.changes.values_list("what", flat=True)][-1] == "rolled back"


def test_a_roll_back_is_done_once_and_only_of_what_is_live(revision, ines, jon):
    with pytest.raises(NotPossible, match="Only prices that are live"):
        revisions.roll_back(revision, by=ines)
    ready(revision, ines)
    revisions.approve(revision, by=jon)
    revisions.roll_back(revision, by=ines)
    with pytest.raises(NotPossible):
        revisions.roll_back(revision, by=jon)


def test_a_roll_back_can_be_taken_back_too(revision, ines, jon):
    ready(revision, ines)
    revisions.approve(revision, by=jon)
    back = revisions.roll_back(revision, by=ines)
    again = revisions.roll_back(back, by=ines)
    assert selling() == 834
    revisions.roll_back(again, by=jon)

    assert selling() == 829


def test_a_roll_back_goes_to_what_was_live_last_not_to_what_was_drafted_last(revision, ines, jon, ireland):
    drafted_later = revisions.begin(name="Later", regions=[ireland], by=ines)
    set_price(drafted_later, 700, 832, by=ines)
    revisions.submit(drafted_later, by=ines)
    revisions.approve(drafted_later, by=jon)
    ready(revision, ines)
    revisions.approve(revision, by=jon)
    back = revisions.roll_back(revision, by=ines)
    assert selling() == 832
    revisions.roll_back(back, by=ines)

    assert selling() == 834


def test_what_was_replaced_since_is_not_rolled_back(revision, ines, jon, ireland):
    ready(revision, ines)
    revisions.approve(revision, by=jon)
    newer = revisions.begin(name="Newer", regions=[ireland], by=ines)
    set_price(newer, 700, 832, by=ines)
    revisions.submit(newer, by=ines)
    revisions.approve(newer, by=jon)
    with pytest.raises(NotPossible, match="Nothing of these prices is live any more"):
        revisions.roll_back(revision, by=ines)

    assert selling() == 832


# The log -------------------------------------------------------------------------------------------------------------


def test_the_log_tells_who_did_what_with_before_and_after(revision, ines, jon):
    ready(revision, ines)
    revisions.approve(revision, by=jon)
    told = [(change.what, str(change.by), change.reason) for change in revision.changes.all()]
    edited = revision.changes.get(what="edited")

    assert told == [
        ("begun", "@ines", "The euro slid."),
        ("edited", "@ines", ""),
        ("submitted", "@ines", ""),
        ("approved", "@jon", ""),
        ("live", "@jon", ""),
    ]
    assert [700, 0, 829] in edited.before["packages"]
    assert [700, 0, 834] in edited.after["packages"]
    assert revision.changes.get(what="live").before["packages"] == edited.before["packages"]
    states = [(change.before.get("state"), change.after.get("state")) for change in revision.changes.all()]
    assert ("draft", "review") in states
    assert ("review", "scheduled") in states


def test_a_region_can_be_left_out_but_not_the_last(ines, ireland):
    japan = Region.objects.get(slug="japan")
    revision = revisions.begin(name="Two", regions=[ireland, japan], by=ines)
    revisions.leave_out(revision, revision.lists.get(region=japan).pk, by=ines)
    with pytest.raises(NotPossible, match="last region"):
        revisions.leave_out(revision, revision.lists.get().pk, by=ines)

    assert revision.changes.get(what="left out").region == japan
