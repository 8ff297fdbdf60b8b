"""A difference is written down once, told once, and goes away when it is gone or when somebody has explained it."""

import logging

import pytest
from conftest import at_once
from django.db import IntegrityError
from django.utils import timezone

from payments import findings
from payments.findings import Difference
from payments.models import Finding

WHAT = Finding.What.WRONG_AMOUNT
OTHER = Finding.What.EVENT_WAITS


@pytest.fixture(autouse=True)
def told(caplog):
    caplog.set_level(logging.CRITICAL, "payments.findings")
    return caplog


@pytest.fixture
def off_by(order):
    """A payment that differs from its order by so much."""

    def make(cents):
        return Difference(
            what=WHAT,
            reference="pi_1",
            detail=f"{415 + cents} were paid",
            order_id=order.pk,
            expected=415,
            found=415 + cents,
            unit="EUR",
        )

    return make


def close(finding, who):
    Finding.objects.filter(pk=finding.pk).update(closed_at=timezone.now(), closed_by=who, note="The bank rounds.")


def test_a_difference_that_is_found_again_and_again_is_one_finding_and_told_once(off_by, told):
    for _ in range(3):
        findings.report([off_by(1)], of=[WHAT])
    row = Finding.objects.get()

    assert (row.expected, row.found, row.unit, row.gone_at) == (415, 416, "EUR", None)
    assert len(told.records) == 1
    assert "pi_1 (416 were paid)" in told.text


def test_a_difference_that_is_not_found_any_more_is_gone_and_when_it_comes_back_it_is_a_new_one(off_by, told):
    findings.report([off_by(1)], of=[WHAT])
    findings.report([], of=[WHAT])
    assert Finding.objects.get().gone_at is not None

    findings.report([off_by(1)], of=[WHAT])
    assert Finding.objects.filter(gone_at=None).count() == 1
    assert len(told.records) == 2


def test_a_check_leaves_the_findings_of_others_alone(off_by):
    findings.report([off_by(1)], of=[WHAT])
    findings.report([], of=[OTHER])

    assert Finding.objects.get().gone_at is None


def test_a_closed_finding_stays_closed_while_nothing_about_it_changes(alice, off_by, told):
    findings.report([off_by(1)], of=[WHAT])
    close(Finding.objects.get(), alice)
    findings.report([off_by(1)], of=[WHAT])
    assert Finding.objects.count() == len(told.records) == 1

    findings.report([off_by(2)], of=[WHAT])
    assert [*Finding.objects.filter(gone_at=None).values_list("found", "closed_at")] == [(417, None)]
    assert len(told.records) == 2


def test_a_finding_whose_figures_change_says_the_new_ones(off_by, told):
    findings.report([off_by(1)], of=[WHAT])
    findings.report([off_by(2)], of=[WHAT])

    assert Finding.objects.get().found == 417
    assert len(told.records) == 1


def test_two_checks_at_once_are_one_finding_told_once(committed, off_by, told):
    results = at_once(*[lambda: findings.report([off_by(1)], of=[WHAT])] * 4)

    assert results == [None] * 4
    assert Finding.objects.count() == len(told.records) == 1


def test_nobody_closes_a_finding_without_a_word(off_by):
    findings.report([off_by(1)], of=[WHAT])

    with pytest.raises(IntegrityError, match="who_closes_a_finding_says_why"):
        Finding.objects.update(closed_at=timezone.now())
