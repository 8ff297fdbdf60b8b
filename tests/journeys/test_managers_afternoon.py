"""The pricing manager's afternoon: all regions from a new base, three by hand, mended, approved, live on the minute."""

import re
from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect


def test_a_managers_afternoon(visit, shop):
    manager, second, fan = visit(1280), visit(1280), visit(390)
    manager.sign_in("pricing@example.com")
    second.sign_in("admin@example.com")
    fan.sign_in("fan2@example.com")
    write_down_rates(manager, shop)
    begin(manager)
    derive(manager)

    by_hand(manager, shop, {"japan": "1230", "mexico": "1.61", "brazil": "45.90"})
    send(manager)
    expect(manager.page.locator(".messages")).to_contain_text("It would be about")
    by_hand(manager, shop, {"mexico": "160.90"})
    explain_the_rest(manager)
    assert manager.stumbles() == []
    send(manager)
    expect(manager.page.locator(".messages")).to_contain_text("Sent for review")

    order_url = open_an_order(fan)
    document = manager.page.url.removeprefix(shop.url)
    moment = approve(second, document)
    before = price_of_700(fan)
    wait_until(fan, moment)
    after = price_of_700(fan)
    fan.page.goto(order_url)
    kept = fan.page.locator("main").inner_text()

    assert "8,29" in before
    assert after != before
    assert "8,29" in kept or "8.29" in kept
    roll_back(manager, document)
    fan.page.wait_for_timeout(6000)
    assert price_of_700(fan) == before
    assert manager.stumbles() + second.stumbles() == []
    assert not manager.is_wider_than_the_screen()


def write_down_rates(manager, shop):
    rows = shop.ask("SELECT currency, per_usd FROM payments_exchangerate")
    manager.go("/admin/payments/revision/rates/")
    manager.page.fill("[name=rates]", "\n".join(f"{currency} {rate:f}" for currency, rate in rows))
    manager.page.fill("[name=source]", "the central bank")
    assert manager.stumbles() == []
    manager.page.locator("main form button").click()
    expect(manager.page.locator(".messages")).to_contain_text("rates are written down")


def begin(manager):
    manager.go("/admin/payments/revision/add/")
    manager.page.fill("[name=name]", "Winter prices")
    assert manager.stumbles() == []
    manager.page.locator("main form button").click()
    manager.page.wait_for_url(re.compile(r"/change/$"))


def derive(manager):
    manager.page.fill("[name=base]", "0.0108")
    manager.page.fill("[name=sizes]", "70 350 700 1400 3500 7000 17500")
    manager.page.get_by_role("button", name="Derive").click()
    expect(manager.page.locator(".messages")).to_contain_text("Derived: 32 regions changed")


def by_hand(manager, shop, prices):
    """On the page of one size, by keyboard."""
    document = manager.page.url.split("?")[0]
    manager.page.goto(f"{document}?size=700")
    for slug, price in prices.items():
        (row,) = shop.ask(
            """SELECT l.id FROM payments_pricelist l JOIN payments_region r ON r.id = l.region_id
                WHERE r.slug = %s AND l.state = 'draft' ORDER BY l.id DESC LIMIT 1""",
            slug,
        )
        cell = manager.page.locator(f"[name=p-{row[0]}-700]")
        cell.fill(price)
        cell.press("ArrowDown")
        expect(cell).not_to_be_focused()
    manager.page.get_by_role("button", name="Save draft").click()
    expect(manager.page.locator(".messages")).to_contain_text("Saved")


def explain_the_rest(manager):
    while (forms := manager.page.locator("form[action$='/waivers/']")).count():
        forms.first.locator("[name=reason]").fill("The winter campaign follows the dollar.")
        forms.first.locator("button").click()
        manager.page.wait_for_load_state()


def send(manager):
    manager.page.get_by_role("button", name="Send for review").click()
    manager.page.wait_for_load_state()


def open_an_order(fan):
    """The fan opens a payment page, and goes away for a while."""
    fan.go("/")
    fan.page.locator(".package", has_text="700").first.locator("input").check()
    fan.page.locator(".paybar button").click()
    fan.page.wait_for_url("**/summary/**")
    fan.page.locator("main form button").last.click()
    fan.page.wait_for_load_state()
    fan.go("/orders/")
    fan.page.locator("main a[href^='/orders/']").first.click()
    return fan.page.url


def approve(second, document):
    second.go(document)
    now = second.page.evaluate("Date.now() - new Date().getTimezoneOffset() * 60000")
    local = datetime.fromtimestamp(now // 1000, tz=UTC).replace(tzinfo=None) + timedelta(minutes=1)
    second.page.fill("[name=live_from]", local.isoformat())
    second.page.get_by_role("button", name="Approve").click()
    expect(second.page.locator(".messages")).to_contain_text("Approved")
    expect(second.page.locator("main")).to_contain_text("scheduled")
    return second.page.evaluate("Date.now()") + 60_000


def wait_until(fan, moment):
    left = moment - fan.page.evaluate("Date.now()")
    fan.page.wait_for_timeout(max(0, left) + 7000)


def price_of_700(fan):
    fan.go("/")
    return fan.page.locator(".package", has_text="700").first.locator(".package-price bdi").last.inner_text()


def roll_back(manager, document):
    manager.go(document)
    manager.page.get_by_role("button", name="Roll back").click()
    expect(manager.page.locator(".messages")).to_contain_text("live again")
