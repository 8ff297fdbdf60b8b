"""The console's first page asks for what it shows: its view is Django's own and knows nothing of sales."""

from django import template

from coinshop.accounts.models import User
from payments import console_home
from payments.console_home import Home

register = template.Library()


@register.simple_tag(takes_context=True)
def home(context: template.Context) -> Home:
    """The home page of whoever looks."""
    reader = context["request"].user
    assert isinstance(reader, User)  # nobody else is let into the console
    return console_home.home(reader)
