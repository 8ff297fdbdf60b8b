"""The whole product, as a person meets it: sign up, buy, wait, give, and the creator sees it."""

import itertools
import re

import pytest
from playwright.sync_api import expect

numbers = itertools.count(1)


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_fan_signs_up_buys_and_gives_and_the_creator_sees_it(visit, shop, width, language):
    creator = visit(1280)
    creator.sign_in("creator@example.com")
    creator.go("/@creator/")
    handle = f"noor{next(numbers)}{language}{width}"
    fan = visit(width, language)
    sign_up(fan, handle)
    buy_a_package(fan)
    coins = shop.coins_of(handle)

    give_a_perfume(fan)

    assert coins == 350
    assert shop.coins_of(handle) == 330
    expect(creator.page.locator("#feed")).to_contain_text(f"@{handle}")
    fan.go("/wallet/")
    expect(fan.page.locator(".statement").first).to_contain_text("330")
    fan.page.select_option("#kind", "top-ups")
    fan.page.locator(".filters button").click()
    expect(fan.page.locator(".statement").first).not_to_contain_text("330")
    assert fan.stumbles() + creator.stumbles() == []
    assert not fan.is_wider_than_the_screen()


def sign_up(fan, handle):
    fan.go("/")
    assert fan.page.locator("html").get_attribute("dir") == ("rtl" if "ar" in handle else "ltr")
    assert fan.stumbles() == []
    fan.go("/accounts/signup/")
    fan.page.fill("[name=email]", f"{handle}@example.com")
    fan.page.fill("[name=username]", handle)
    fan.page.fill("[name=password1]", "correct horse battery")
    fan.page.select_option("[name=country]", "SA" if "ar" in handle else "IE")
    fan.page.fill("[name=birth_date]", "1999-04-30")
    assert fan.stumbles() == []
    fan.page.locator("main form button").click()
    fan.page.wait_for_url(re.compile(r"/$"))


def buy_a_package(fan):
    fan.go("/")
    fan.page.locator(".package", has_text="350").locator("input").check()
    assert fan.stumbles() == []
    fan.page.locator(".paybar button").click()
    fan.page.wait_for_url("**/summary/**")
    assert fan.stumbles() == []
    assert not fan.is_wider_than_the_screen()
    fan.page.locator(".paybar button").click()
    fan.page.wait_for_url("**/c/pay/**")
    assert fan.stumbles() == []
    fan.pay("4000 0000 0000 0002")
    expect(fan.page.locator("[role=alert]")).to_be_visible()
    fan.said.clear()  # the browser reports the refused card's status, as it should
    fan.pay()
    fan.page.wait_for_url("**/orders/**")
    expect(fan.page.locator(".tracker .is-done")).to_have_count(4)
    assert fan.stumbles() == []


def give_a_perfume(fan):
    fan.go("/@creator/")
    fan.page.locator("input[value=perfume]").check()
    assert fan.stumbles() == []
    fan.page.locator(".send button").click()
    fan.page.wait_for_url("**/@creator/?sent=*")
    expect(fan.page.locator("[role=status]")).to_be_visible()


def test_a_gift_that_is_too_dear_says_what_is_missing_and_leads_to_buying_just_that(visit, shop):
    fan = visit()
    fan.sign_in("fan2@example.com")
    fan.go("/@creator/")
    fan.page.locator("input[value=sports-car]").check()
    fan.page.locator(".send button").click()
    missing = 7000 - shop.coins_of("fan2")
    fan.page.get_by_role("link", name=f"Get exactly {missing:,} coins").click()
    fan.said.clear()  # the browser reports the refusal's status, as it should

    expect(fan.page.locator("#amount")).to_have_value(str(missing))
    total = fan.page.locator("#total")
    expect(total).to_contain_text("€")
    fan.page.fill("#amount", "1000")
    expect(total).to_have_text(re.compile(r"11[.,]8\d"))
    fan.page.fill("#amount", "1")
    expect(total).not_to_have_text(re.compile(r"11[.,]8\d"))


def test_buying_works_without_javascript(visit, shop):
    fan = visit(java_script_enabled=False)
    fan.sign_in("fan@example.com")
    before = shop.coins_of("fan")
    fan.go("/")
    fan.page.locator(".package", has_text="1,400").locator("input").check()
    fan.page.locator(".paybar button").click()
    fan.page.locator(".paybar button").click()
    fan.pay()
    fan.page.wait_for_url("**/orders/**")

    expect(fan.page.locator("h1")).to_have_text("Your coins are here")
    assert shop.coins_of("fan") == before + 1400


def test_a_visitor_switches_region_and_language(visit):
    visitor = visit()
    visitor.go("/locale/")
    visitor.page.get_by_role("button", name="Japan").click()
    visitor.page.wait_for_url(re.compile(r"/$"))
    expect(visitor.page.locator(".packages")).to_contain_text("¥610")
    visitor.go("/locale/")
    visitor.page.locator("button[value=ar]").last.click()

    expect(visitor.page.locator("html")).to_have_attribute("dir", "rtl")


def test_the_console_is_usable_and_silent_under_the_strict_policy(visit):
    admin = visit(1280)
    admin.sign_in("admin@example.com")
    for path in ["", "payments/pricelist/", "payments/order/", "wallet/transfer/", "wallet/account/", "gifts/gift/"]:
        admin.go(f"/admin/{path}")
        assert admin.stumbles() == []


BUTTERFLY = 88


def buy(fan, coins):
    """Type a number of coins, or leave the one that is there, and pay for it."""
    if coins:
        fan.page.locator(".package input[value=custom]").check()
        fan.page.fill("#amount", str(coins))
    fan.page.locator(".paybar button").click()
    fan.page.wait_for_url("**/summary/**")
    assert fan.stumbles() == []
    fan.page.locator(".paybar button").click()
    fan.pay()
    fan.page.wait_for_url("**/orders/**")


def test_from_a_gift_37_coins_too_dear_to_sending_it_on_a_phone_in_arabic_without_javascript(visit, shop):
    handle = f"hind{next(numbers)}ar"
    fan = visit(390, "ar", java_script_enabled=False)
    sign_up(fan, handle)
    fan.go("/")
    buy(fan, BUTTERFLY - 37)
    fan.go("/@creator/")
    fan.page.locator("input[value=butterfly]").check()
    fan.page.locator(".send button").click()
    fan.page.locator("a[href='/?coins=37']").click()
    fan.page.wait_for_url("**/?coins=37")
    fan.said.clear()  # the browser reports the refusal's status, as it should

    offered = int(fan.page.locator("#amount").input_value())
    assert 37 < offered < 60, "the least that can be paid in riyals, and not a package"
    expect(fan.page.locator(".notice.is-note")).to_contain_text("37")
    assert fan.stumbles() == []
    assert not fan.is_wider_than_the_screen()
    buy(fan, None)
    assert shop.coins_of(handle) == BUTTERFLY - 37 + offered
    fan.page.locator("a[href='/@creator/']").first.click()
    fan.page.locator("input[value=butterfly]").check()
    fan.page.locator(".send button").click()
    fan.page.wait_for_url("**/@creator/?sent=*")
    assert shop.coins_of(handle) == offered - 37


def test_a_fan_buys_coins_for_a_friend(visit, shop):
    fan = visit(390)
    fan.sign_in("fan@example.com")
    mine, theirs = shop.coins_of("fan"), shop.coins_of("fan2")
    fan.go("/for/")
    assert fan.stumbles() == []
    fan.page.fill("[name=handle]", "@fan2")
    fan.page.get_by_role("button", name="Show me who that is").click()
    expect(fan.page.locator("main")).to_contain_text("@fan2")
    assert fan.stumbles() == []
    fan.page.get_by_role("link", name=re.compile("Yes, buy for")).click()
    fan.page.locator(".package", has_text="350").locator("input").check()
    assert fan.stumbles() == []
    buy(fan, None)

    expect(fan.page.locator("h1")).to_have_text("The coins are with @fan2")
    assert (shop.coins_of("fan"), shop.coins_of("fan2")) == (mine, theirs + 350)


def test_a_fan_redeems_a_card_buys_for_a_friend_and_withdraws_what_the_friend_has_not_spent(visit, shop):
    giver_is, friend_is = f"rosa{next(numbers)}", f"lena{next(numbers)}"
    friend, giver = visit(390), visit(390)
    sign_up(friend, friend_is)
    sign_up(giver, giver_is)

    giver.go("/redeem/")
    assert giver.stumbles() == []
    giver.page.fill("[name=code]", a_gift_card(visit).lower())
    giver.page.locator("main form button").click()
    expect(giver.page.locator("main")).to_contain_text("+500")
    assert giver.stumbles() == []
    assert shop.coins_of(giver_is) == 500

    giver.go(f"/?to={friend_is}")
    giver.page.locator(".package", has_text="350").locator("input").check()
    buy(giver, None)
    expect(giver.page.locator("h1")).to_have_text(f"The coins are with @{friend_is}")
    friend.go("/@creator/")
    friend.page.locator("input[value=perfume]").check()
    friend.page.locator("[name=quantity][value='10']").check()
    friend.page.locator(".send button").click()
    friend.page.wait_for_url("**/@creator/?sent=*")
    assert shop.coins_of(friend_is) == 350 - 200

    giver.page.get_by_role("link", name="Withdraw from contract").click()
    expect(giver.page.locator("main")).to_contain_text("€1.78")
    assert giver.stumbles() == []
    assert not giver.is_wider_than_the_screen()
    giver.page.get_by_role("button", name="Confirm withdrawal").click()
    giver.page.wait_for_url("**/orders/**")
    assert (shop.coins_of(friend_is), shop.coins_of(giver_is)) == (0, 500)
    expect(giver.page.locator("h1")).to_have_text("A part of your money was given back")
    assert shop.manage("audit_ledger").returncode == 0


def a_gift_card(visit):
    """Made in the console by one, approved by another."""
    maker, second = visit(1280), visit(1280)
    maker.sign_in("pricing@example.com")
    maker.go("/admin/payments/giftcardbatch/add/")
    assert maker.stumbles() == []
    for name, value in {"name": "Fair", "coins": "500", "count": "3"}.items():
        maker.page.fill(f"[name={name}]", value)
    maker.page.locator("#content-main [type=submit]").click()
    code = maker.page.locator(".gift-cards code").first.inner_text()
    assert maker.stumbles() == []
    second.sign_in("finance@example.com")
    second.go("/admin/payments/giftcardbatch/")
    second.page.locator("[name=_selected_action]").first.check()
    second.page.select_option("[name=action]", "approve")
    second.page.locator("#changelist-form .actions button").click()
    expect(second.page.locator(".messages")).to_contain_text("can be redeemed")
    return code


def test_a_phone_may_put_the_shop_on_its_home_screen(visit):
    fan = visit(390)
    fan.go("/")
    devtools = fan.page.context.new_cdp_session(fan.page)
    said = devtools.send("Page.getAppManifest")

    assert said["errors"] == []
    assert '"display": "standalone"' in said["data"]
    assert devtools.send("Page.getInstallabilityErrors")["installabilityErrors"] in (
        [],
        [{"errorId": "in-incognito", "errorArguments": []}],
    )
