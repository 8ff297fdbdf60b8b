"""What time alone brings about: sessions expire, money arrives, refunds fail weeks later, banks decide."""

from __future__ import annotations

from collections.abc import Callable

from . import agenda, balance, checkout, delayed, disputes, payouts, refunds
from .drawer import Drawer

ACTS: dict[str, Callable[[Drawer, str], None]] = {
    "refund.succeed": refunds.succeed_by_itself,
    "refund.fail": refunds.fail_by_itself,
    "refund.expire": refunds.expire_by_itself,
    "payment.settle": delayed.settle_by_itself,
    "payment.bounce": delayed.bounce_by_itself,
    "balance.arrive": balance.arrive,
    "payouts.daily": payouts.daily,
    "payout.arrive": payouts.arrive,
    "dispute.decide": disputes.decide_by_itself,
    "dispute.lapse": disputes.lapse,
}


def catch_up(drawer: Drawer) -> None:
    """Do everything that is due by now."""
    checkout.expire_due(drawer)
    balance.settle_due(drawer)
    for act, subject in agenda.take_due(drawer):
        ACTS[act](drawer, subject)


def advance(drawer: Drawer, seconds: int) -> None:
    """Move time forward, stopping wherever something happens, so that each thing carries the time it was due."""
    end = drawer.clock.now() + seconds
    while (moment := agenda.next_due(drawer)) is not None and moment <= end:
        drawer.clock.advance(max(0, moment - drawer.clock.now()))
        catch_up(drawer)
    drawer.clock.advance(max(0, end - drawer.clock.now()))
    catch_up(drawer)
