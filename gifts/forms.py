"""The shape of what the gift tray sends."""

import re

from django import forms
from django.utils.translation import gettext_lazy as _

from gifts.models import Gift


class SendForm(forms.Form):
    """A gift, how many, and the key that the tray was made with."""

    gift = forms.ModelChoiceField(
        Gift.objects.filter(is_on_sale=True),
        to_field_name="slug",
        error_messages={
            "required": _("Choose a gift first."),
            "invalid_choice": _("This gift is no longer in the catalogue. Please choose another."),
        },
    )
    quantity = forms.CharField(max_length=6)
    key = forms.UUIDField(error_messages=dict.fromkeys(["required", "invalid"], _("Please open the page again.")))

    def clean_quantity(self) -> int:
        text: str = self.cleaned_data["quantity"]
        if not re.fullmatch(r"[0-9]{1,6}", text):
            raise forms.ValidationError(_("Write how many as a whole number with the digits 0 to 9."))
        return int(text)
