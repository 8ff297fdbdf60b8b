"""The shape of what people send when they buy. Prices are never among it, but the one they saw, to notice a change."""

import re
import uuid
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from payments import gift_cards, money, refunds
from payments.models import Payment, Refund
from payments.models.orders import READABLE
from payments.pricing import Offer

CUSTOM = "custom"
MOST_TYPED = 60  # of a code, with whatever people put between its letters
EASTERN_DIGITS = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹", "01234567890123456789")


class WholeNumberField(forms.Field):
    """A whole number in plain digits, or in those of Arabic keyboards. Python's own int() would take far more."""

    def to_python(self, value: Any) -> Any:
        text = str(value or "").strip().translate(EASTERN_DIGITS)
        if text == "":
            return None
        if not re.fullmatch(r"[0-9]{1,18}", text):
            raise forms.ValidationError(_("Write a whole number with the digits 0 to 9, such as 900."), code="invalid")
        return int(text)


class RefundForm(forms.Form):
    """How much of a payment to give back, and why. `key` was made with the form: sent twice, it is one refund."""

    amount = forms.DecimalField(label=_("Amount"), min_value=0)
    reason = forms.ChoiceField(label=_("Reason"), choices=Refund.Reason.choices)
    note = forms.CharField(label=_("Note"), max_length=500, help_text=_("For whoever reads this order later."))
    key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, payment: Payment, sent: Any = None) -> None:
        self.payment = payment
        left = money.to_major(max(0, refunds.refundable_minor(payment)), payment.currency)
        super().__init__(sent, initial={"amount": left, "key": uuid.uuid4()})
        self.fields["amount"].help_text = _("In %(currency)s, the tax included.") % {"currency": payment.currency}

    def clean_amount(self) -> int:
        """In minor units."""
        try:
            return money.from_major(self.cleaned_data["amount"], self.payment.currency)
        except ValueError:
            problem = _("This currency has no such fraction. Please write a rounder amount.")
            raise forms.ValidationError(problem, code="fraction") from None


class CodeField(forms.CharField):
    """A code as people type it: in small letters, with spaces or hyphens between."""

    def __init__(self, letters: str, **options: Any) -> None:
        self.letters = letters
        super().__init__(max_length=MOST_TYPED, **options)

    def to_python(self, value: Any) -> str:
        code = re.sub(r"[\s-]", "", super().to_python(value) or "").upper()
        if code and not re.fullmatch(self.letters, code):
            raise forms.ValidationError(_("This is no code of ours. Check how it is written."), code="invalid")
        return code


class ChoiceForm(forms.Form):
    """A package, or a number of coins; for whom, and with which code."""

    package = forms.CharField(
        max_length=20, error_messages={"required": _("Choose a package, or the number of coins you want.")}
    )
    amount = WholeNumberField(required=False)
    to = forms.CharField(max_length=40, required=False)
    code = CodeField(letters="[A-Z0-9]{4,20}", required=False)

    def clean_package(self) -> str:
        package: str = self.cleaned_data["package"]
        if package != CUSTOM and not re.fullmatch(r"[0-9]{1,18}", package):
            raise forms.ValidationError(_("This price is no longer on sale. Please choose again."))
        return package

    def clean(self) -> dict[str, Any]:
        if self.is_custom and "amount" not in self.errors and self.cleaned_data.get("amount") is None:
            self.add_error("amount", _("How many coins would you like? Write a whole number."))
        return self.cleaned_data

    @property
    def is_custom(self) -> bool:
        return self.cleaned_data.get("package") == CUSTOM

    @property
    def choice(self) -> list[Any]:
        """What the price hangs on."""
        amount = self.cleaned_data.get("amount") if self.is_custom else None
        return [self.cleaned_data.get("package"), amount, self.cleaned_data.get("code", "")]


class GiftCardForm(forms.Form):
    """The code of a gift card, as it is printed on it."""

    code = CodeField(
        letters=f"[{READABLE}]{{{gift_cards.LETTERS}}}",
        label=_("Code on the card"),
        widget=forms.TextInput({"autocapitalize": "characters", "spellcheck": "false", "autocomplete": "off"}),
        help_text=_("16 letters and digits. Small letters and missing hyphens do not matter."),
    )


class RecipientForm(forms.Form):
    """Whom to buy for."""

    handle = forms.CharField(
        label=_("Their name in the shop"),
        max_length=40,
        widget=forms.TextInput({"autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"}),
        help_text=_("It begins with @ and stands at the top of their page Me."),
    )


class OrderForm(ChoiceForm):
    """The summary's form: the choice, what was shown for it, and a key that makes a second sending harmless.

    `held` is our promise of the price that was shown. Without it, today's price counts if it is the one that was shown.
    """

    key = forms.UUIDField()
    seen_minor = WholeNumberField()
    seen_coins = WholeNumberField(required=False)
    held = forms.CharField(max_length=2000, required=False)

    def shows_other_than(self, offer: Offer) -> bool:
        """Was another price shown, or another number of coins?"""
        seen_coins = self.cleaned_data["seen_coins"]
        return self.cleaned_data["seen_minor"] != offer.price_minor or seen_coins not in (None, offer.total_coins)


class WithdrawalForm(forms.Form):
    """The declaration of a buyer who withdraws, for the number of coins that the page has shown."""

    coins = WholeNumberField()


class ReportForm(forms.Form):
    """What is wrong with an order, in its buyer's own words."""

    why = forms.CharField(
        label=_("What is wrong?"),
        max_length=1000,
        widget=forms.Textarea({"rows": 3}),
        help_text=_("No screenshot needed: we see what you see here."),
    )
