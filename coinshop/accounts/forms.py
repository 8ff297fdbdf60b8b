"""What we ask people about themselves."""

from datetime import date
from typing import Any

from allauth.account import forms as allauth
from django import forms
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from coinshop.accounts import countries
from coinshop.accounts.models import ResidenceChange, User

YOUNGEST = 13  # to have an account at all; buying and sending ask for the country's own age


class DateInput(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d", attrs={"autocomplete": "bday"})


class ResidenceForm(forms.Form):
    """Where somebody lives and when they were born: what the law wants to know before coins are sold."""

    country = forms.ChoiceField(label=_("Country you live in"), choices=[], help_text=_("It decides your currency."))
    birth_date = forms.DateField(label=_("Date of birth"), widget=DateInput(), help_text=_("Coins are for adults."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        country = self.fields["country"]
        assert isinstance(country, forms.ChoiceField)
        country.choices = [("", _("Choose")), *countries.choices()]
        country.widget.attrs["autocomplete"] = "country"
        country.disabled = bool(self.initial.get("country"))  # moving has a page of its own

    def clean_birth_date(self) -> date:
        born: date = self.cleaned_data["birth_date"]
        today = timezone.now().date()
        if born > today or born.year < today.year - 120:
            raise forms.ValidationError(_("Check the date: it should be the day you were born."))
        if (User(birth_date=born).age_on(today) or 0) < YOUNGEST:
            raise forms.ValidationError(_("You can have an account from the age of %(age)s."), params={"age": YOUNGEST})
        return born

    def tell(self, person: User) -> None:
        """Write it down."""
        person.country = self.cleaned_data["country"]
        person.birth_date = self.cleaned_data["birth_date"]
        person.save(update_fields=["country", "birth_date"])


class MoveForm(forms.Form):
    """Where somebody lives now, and why that is another country."""

    country = forms.ChoiceField(label=_("Country you live in now"), choices=[])
    reason = forms.ChoiceField(label=_("Why"), choices=ResidenceChange.Reason.choices)
    note = forms.CharField(
        label=_("In your words"),
        max_length=200,
        required=False,
        help_text=_("Only if it is something else. We read it when somebody asks about your prices."),
    )
    is_confirmed = forms.BooleanField(required=False, widget=forms.HiddenInput)

    def __init__(self, person: User, sent: Any = None) -> None:
        self.person = person
        super().__init__(sent)
        country = self.fields["country"]
        assert isinstance(country, forms.ChoiceField)
        country.choices = [("", _("Choose")), *countries.choices()]
        country.widget.attrs["autocomplete"] = "country"

    def clean_country(self) -> str:
        country: str = self.cleaned_data["country"]
        if country == self.person.country:
            raise forms.ValidationError(_("That is where you live already."))
        return country

    def clean(self) -> dict[str, Any]:
        is_other = self.cleaned_data.get("reason") == ResidenceChange.Reason.OTHER
        if is_other and self.cleaned_data.get("note") == "":
            self.add_error("note", _("Tell us in a few words what it is."))
        return self.cleaned_data


class PhraseForm(forms.Form):
    """Words of one's own, shown before paying, which a false page cannot know."""

    phrase = forms.CharField(
        label=_("Words of your own"),
        max_length=60,
        required=False,
        help_text=_("Such as: the blue teapot sings. Leave it empty to show none."),
    )


class BlockForm(forms.Form):
    """Whom to want nothing from."""

    handle = forms.CharField(
        label=_("Name in the shop"),
        max_length=31,
        widget=forms.TextInput({"autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"}),
    )

    def clean_handle(self) -> User:
        """The person of that name."""
        handle = self.cleaned_data["handle"].strip().lstrip("@").lower()
        person = User.objects.filter(handle=handle, is_active=True).first()
        if person is None:
            raise forms.ValidationError(_("We know nobody of that name. Check how it is written."))
        return person


class SignupForm(ResidenceForm, allauth.SignupForm):  # type: ignore[misc]  # allauth ships no types
    """allauth's own fields for e-mail, name and password, and where somebody lives."""

    field_order = ["email", "username", "password1", "country", "birth_date"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        name = self.fields["username"]
        name.label = _("Your name in the shop")
        name.help_text = _("Others see it as @name. Small letters, digits, dots and underscores.")
        name.widget.attrs.update({"placeholder": "", "autocapitalize": "none", "spellcheck": "false"})
        self.fields["email"].widget.attrs["placeholder"] = ""
        self.fields["password1"].widget.attrs["placeholder"] = ""

    def save(self, request: HttpRequest) -> User:
        person: User = super().save(request)
        person.language = get_language() or "en"
        person.save(update_fields=["language"])
        self.tell(person)
        return person
