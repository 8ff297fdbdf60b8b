"""For who sets prices: what is under way, and which promotions run."""

from dataclasses import dataclass

from django.db.models import Count, Q
from django.utils import timezone

from payments.models import Order, Promotion, Revision

SHOWN = 5
State = Revision.State
GAVE_BACK = [Order.State.EXPIRED, Order.State.CANCELLED]  # an order that ended unpaid gives its use back


@dataclass(frozen=True)
class Prices:
    revisions: list[Revision]
    promotions: list[Promotion]


def prices() -> Prices:
    """Revisions that are not over, and promotions of this moment with how often each was used."""
    now = timezone.now()
    under_way = Revision.objects.filter(state__in=[State.DRAFT, State.REVIEW, State.SCHEDULED])
    running = Promotion.objects.filter(is_on=True, starts_at__lte=now, ends_at__gt=now)
    counted = running.annotate(used=Count("uses", filter=~Q(uses__order__state__in=GAVE_BACK)))
    return Prices(list(under_way.select_related("created_by")[:SHOWN]), list(counted[:SHOWN]))
