"""What the provider told us and what we ask of it, its own account of our money, and what differs from ours."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from coinshop.console import ReadOnlyAdmin, ReasonForm
from payments.models import (
    BalanceTransaction,
    Finding,
    Outgoing,
    StripeEvent,
)


@admin.register(StripeEvent)
class StripeEventAdmin(ReadOnlyAdmin):
    """What the provider told us. A dead event can be driven again; none can be changed."""

    list_display = ["id", "type", "state", "attempts", "received_at", "ended_at", "remark"]
    list_filter = ["state", "type", "received_at"]
    search_fields = ["id", "type", "payload__data__object__id"]
    actions = ["drive_again"]

    def has_drive_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("payments.change_stripeevent")

    @admin.action(description=_("Drive again"), permissions=["drive"])
    def drive_again(self, request: HttpRequest, events: QuerySet[StripeEvent]) -> None:
        dead = events.filter(state=StripeEvent.State.DEAD)
        for event in dead:
            self.log_change(request, event, f"driven again after {event.attempts} attempts: {event.remark}")
        count = dead.update(state=StripeEvent.State.RECEIVED, attempts=0, due_at=timezone.now())
        told = ngettext("%(count)s event will be worked on.", "%(count)s events will be worked on.", count)
        self.message_user(request, told % {"count": count}, messages.SUCCESS)


@admin.register(Outgoing)
class OutgoingAdmin(ReadOnlyAdmin):
    """What we ask of others. A dead row can be driven again, with the key it always had; none can be changed."""

    list_display = ["__str__", "state", "attempts", "written_at", "ended_at", "remark"]
    list_filter = ["state", "kind", "written_at"]
    search_fields = ["subject", "key"]
    actions = ["drive_again"]

    def has_drive_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("payments.change_outgoing")

    @admin.action(description=_("Drive again"), permissions=["drive"])
    def drive_again(self, request: HttpRequest, rows: QuerySet[Outgoing]) -> None:
        dead = rows.filter(state=Outgoing.State.DEAD)
        for row in dead:
            self.log_change(request, row, f"driven again after {row.attempts} attempts: {row.remark}")
        count = dead.update(state=Outgoing.State.WAITING, attempts=0, due_at=timezone.now())
        told = ngettext("%(count)s request will be sent.", "%(count)s requests will be sent.", count)
        self.message_user(request, told % {"count": count}, messages.SUCCESS)


@admin.register(BalanceTransaction)
class BalanceTransactionAdmin(ReadOnlyAdmin):
    """The provider's own account of our money. The ledger has each line too."""

    list_display = [
        *["id", "category", "order", "gross_minor", "gross_currency"],
        *["amount_minor", "fee_minor", "net_minor", "currency", "created_at"],
    ]
    list_filter = ["category", "currency", "was_unknown", "created_at"]
    list_select_related = ["order"]
    search_fields = ["id", "source_id", "intent_id", "order__number", "order__id"]


@admin.register(Finding)
class FindingAdmin(ReadOnlyAdmin):
    """Differences that the shop found in itself. A person may close one with a reason; others go away by themselves."""

    list_display = ["what", "order", "reference", "expected", "found", "unit", "found_at", "gone_at", "closed_at"]
    list_filter = [("gone_at", admin.EmptyFieldListFilter), ("closed_at", admin.EmptyFieldListFilter), "what"]
    list_select_related = ["order"]
    search_fields = ["reference", "detail", "order__number", "order__id"]
    action_form = ReasonForm
    actions = ["close"]

    def has_close_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("payments.change_finding")

    @admin.action(description=_("Close, with the reason"), permissions=["close"])
    def close(self, request: HttpRequest, rows: QuerySet[Finding]) -> None:
        reason = request.POST.get("reason", "").strip()
        if not reason:
            self.message_user(request, _("Say why this difference may be."), messages.ERROR)
            return
        for row in rows.filter(closed_at=None):
            Finding.objects.filter(pk=row.pk).update(closed_at=timezone.now(), closed_by=request.user, note=reason)
            self.log_change(request, row, f"closed: {reason}")
            self.message_user(request, _("%(finding)s is closed.") % {"finding": row}, messages.SUCCESS)
