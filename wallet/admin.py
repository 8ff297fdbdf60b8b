"""The ledger in the console: to look at. Nobody edits a transfer, a superuser least of all."""

from django.contrib import admin
from django.utils.formats import localize
from django.utils.translation import gettext_lazy as _

from coinshop.console import ReadOnlyAdmin
from wallet import ledger
from wallet.models import Account, Transfer


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    list_display = ["id", "kind", "owner", "shown_balance", "opened_at"]
    list_filter = ["kind", "is_house"]
    search_fields = ["owner__handle", "owner__email"]
    list_select_related = ["owner"]
    fields = ["owner", "kind", "unit", "shown_balance", "balance", "posting", "opened_at", "closed_at"]

    @admin.display(description=_("balance with what is on its way"))
    def shown_balance(self, account: Account) -> str:
        return str(localize(ledger.balance(account.pk)))


@admin.register(Transfer)
class TransferAdmin(ReadOnlyAdmin):
    list_display = [
        "id",
        "created_at",
        "kind",
        "debit_account",
        "debit_amount",
        "credit_account",
        "credit_amount",
        "cause",
    ]
    list_filter = ["kind", "created_at"]
    search_fields = ["cause", "key", "debit_account__owner__handle", "credit_account__owner__handle"]
    list_select_related = ["debit_account__owner", "credit_account__owner"]
    ordering = ["-id"]
