from payments.models.balance import BalanceTransaction
from payments.models.cases import Case
from payments.models.duties import Duty
from payments.models.findings import Finding
from payments.models.gift_cards import GiftCard, GiftCardBatch
from payments.models.inbox import Heartbeat, StripeEvent
from payments.models.orders import Order, Payment, TimelineEntry
from payments.models.outgoing import Outgoing
from payments.models.prices import PackagePrice, PriceList, Region, RegionCountry
from payments.models.promotions import CodeGuess, Coupon, Promotion, PromotionUse
from payments.models.revenue import BreakageRate, CoinsOwed
from payments.models.reversals import Dispute, DisputeEvidence, FraudWarning, Refund
from payments.models.revisions import ExchangeRate, PriceChange, Revision, Waiver
from payments.models.withdrawals import Withdrawal

__all__ = [
    "BalanceTransaction",
    "BreakageRate",
    "Case",
    "CodeGuess",
    "CoinsOwed",
    "Coupon",
    "Dispute",
    "DisputeEvidence",
    "Duty",
    "ExchangeRate",
    "Finding",
    "FraudWarning",
    "GiftCard",
    "GiftCardBatch",
    "Heartbeat",
    "Order",
    "Outgoing",
    "PackagePrice",
    "Payment",
    "PriceChange",
    "PriceList",
    "Promotion",
    "PromotionUse",
    "Refund",
    "Region",
    "RegionCountry",
    "Revision",
    "StripeEvent",
    "TimelineEntry",
    "Waiver",
    "Withdrawal",
]
