"""What a pricing manager fills in around the grid."""

import re
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from payments import money
from payments.derive import Rounding
from payments.models import PriceList, Region


class RegionsField(forms.ModelMultipleChoiceField):
    """Boxes with the regions' names in the reader's language."""

    widget = forms.CheckboxSelectMultiple

    def label_from_instance(self, obj: Any) -> str:
        return str(obj.display_name)


class BeginForm(forms.Form):
    """A new revision: its name, and which regions it may change."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=60)
    note = forms.CharField(label=gettext_lazy("What for"), max_length=500, required=False)
    channel = forms.ChoiceField(
        label=gettext_lazy("Channel"), choices=PriceList.Channel.choices, initial=PriceList.Channel.WEB
    )
    regions = RegionsField(
        Region.objects.prefetch_related("countries"),
        label=gettext_lazy("Regions"),
        required=False,
        help_text=gettext_lazy("None chosen: all of them."),
    )

    def clean_regions(self) -> list[Region]:
        return list(self.cleaned_data["regions"]) or list(Region.objects.all())


class DeriveForm(forms.Form):
    """A base price for one coin, how prices end, and which sizes there are."""

    base = forms.CharField(label=gettext_lazy("One coin is worth, USD"), max_length=12, initial="0.01057")
    rounding = forms.ChoiceField(label=gettext_lazy("Rounding"), choices=Rounding.choices, initial=Rounding.HABIT)
    sizes = forms.CharField(label=gettext_lazy("Packages, in coins"), max_length=120)

    def clean_base(self) -> Decimal:
        try:
            base = Decimal(self.cleaned_data["base"].replace(",", "."))
            if not Decimal("0.00001") <= base <= 100:
                raise InvalidOperation
        except InvalidOperation:
            raise forms.ValidationError(_("Write what a coin is worth in US dollars, such as 0.01057.")) from None
        return base

    def clean_sizes(self) -> list[int]:
        words = re.split(r"[\s,;]+", self.cleaned_data["sizes"].strip())
        if not all(re.fullmatch("[1-9][0-9]{0,6}", word) for word in words) or len(words) > 20:
            raise forms.ValidationError(_("Write numbers of coins, such as 70 350 700: at most twenty."))
        return sorted({int(word) for word in words})


class ApproveForm(forms.Form):
    live_from = forms.DateTimeField(
        label=gettext_lazy("Goes live"),
        required=False,
        help_text=gettext_lazy("In your local time. Empty: at once."),
        widget=forms.DateTimeInput({"type": "datetime-local", "class": "input", "step": "1"}, "%Y-%m-%dT%H:%M:%S"),
    )


class RatesForm(forms.Form):
    """Exchange rates as they come from a bank's page: a currency and a number in each line."""

    rates = forms.CharField(
        label=gettext_lazy("Rates for 1 USD"),
        max_length=5000,
        widget=forms.Textarea({"rows": 8, "class": "input", "spellcheck": "false"}),
        help_text=gettext_lazy("One in a line: EUR 0.9213"),
    )
    day = forms.DateField(
        label=gettext_lazy("Day"),
        initial=date.today,
        widget=forms.DateInput({"type": "date", "class": "input"}, "%Y-%m-%d"),
    )
    source = forms.CharField(label=gettext_lazy("Source"), max_length=100)

    def clean_rates(self) -> dict[str, Decimal]:
        rates = {}
        for nth, line in enumerate(self.cleaned_data["rates"].splitlines(), start=1):
            if line.strip():
                currency, rate = self._line(nth, line)
                rates[currency] = rate
        if not rates:
            raise forms.ValidationError(_("There is no rate in it."))
        return rates

    def clean_day(self) -> date:
        day: date = self.cleaned_data["day"]
        if day > timezone.now().date():
            raise forms.ValidationError(_("This day is still to come."))
        return day

    def _line(self, nth: int, line: str) -> tuple[str, Decimal]:
        found = re.fullmatch(r"\s*([A-Za-z]{3})[\s,;=:]+([0-9]{1,12}(?:\.[0-9]{1,6})?)\s*", line)
        currency = found[1].upper() if found else ""
        if not found or currency not in money.LEAST_CHARGE or not Decimal(found[2]):
            told = _("Line %(nth)s is not a currency that we charge and a number with a point: %(line)s")
            raise forms.ValidationError(told % {"nth": nth, "line": line.strip()[:30]})
        return currency, Decimal(found[2])
