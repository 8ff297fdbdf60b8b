from payments.models.inbox import Heartbeat, StripeEvent
from payments.models.orders import Order, Payment, TimelineEntry
from payments.models.prices import PackagePrice, PriceList, Region, RegionCountry

__all__ = [
    "Heartbeat",
    "Order",
    "PackagePrice",
    "Payment",
    "PriceList",
    "Region",
    "RegionCountry",
    "StripeEvent",
    "TimelineEntry",
]
