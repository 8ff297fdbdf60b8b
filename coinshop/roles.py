"""What the people in the console may do, by role. Nobody's role writes the ledger."""

from django.contrib.auth.models import Group, Permission

PRICING, FINANCE, SUPPORT = "pricing", "finance", "support"

_LOOK = [
    "payments.view_region",
    "payments.view_pricelist",
    "payments.view_packageprice",
    "payments.view_revision",
    "payments.view_pricechange",
    "payments.view_promotion",
    "payments.view_coupon",
    "payments.view_giftcardbatch",
    "payments.view_giftcard",
    "gifts.view_gift",
    "accounts.view_countrylaw",
]
_FOLLOW_AN_ORDER = [
    "payments.view_order",
    "payments.view_payment",
    "payments.view_stripeevent",
    "payments.view_outgoing",
    "payments.view_case",
    "payments.view_finding",
    "payments.view_balancetransaction",
    "payments.view_refund",
    "payments.view_dispute",
    "payments.view_fraudwarning",
    "wallet.view_account",
    "wallet.view_transfer",
    "gifts.view_sentgift",
    "gifts.view_creator",
    "payments.view_promotionuse",
]
_GIVE_BACK = ["payments.add_refund", "payments.change_dispute", "payments.change_outgoing"]
_PRICE = [
    "payments.add_revision",
    "payments.change_revision",
    "payments.approve_revision",
    "payments.add_promotion",
    "payments.change_promotion",
    "payments.add_coupon",
    "payments.change_coupon",
    "payments.view_promotionuse",
    "payments.add_giftcardbatch",
    "payments.approve_giftcardbatch",
    "gifts.add_gift",
    "gifts.change_gift",
]

ROLES = {
    PRICING: [*_LOOK, *_PRICE],
    FINANCE: [
        *_LOOK,
        *_FOLLOW_AN_ORDER,
        *_GIVE_BACK,
        "payments.decide_money",
        "payments.change_finding",
        "payments.approve_giftcardbatch",
    ],
    SUPPORT: [
        *_LOOK,
        *_FOLLOW_AN_ORDER,
        *_GIVE_BACK,
        "accounts.view_user",
        "accounts.view_residencechange",
        "payments.change_stripeevent",
        "payments.change_case",
    ],
}


def make() -> None:
    """Make the groups, or bring them up to date."""
    for role, names in ROLES.items():
        group, _ = Group.objects.get_or_create(name=role)
        group.permissions.set([_permission(name) for name in names])


def _permission(name: str) -> Permission:
    app, codename = name.split(".")
    return Permission.objects.get(content_type__app_label=app, codename=codename)
