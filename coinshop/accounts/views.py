"""A person's own page, and the mail that this shop sent when it is run for a look."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from coinshop.accounts import blocks, countries, mailbox
from coinshop.accounts.forms import BlockForm, PhraseForm, ResidenceForm
from coinshop.accounts.models import User


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def me(request: HttpRequest) -> HttpResponse:
    """Who I am here. Where I live is asked for once, if it is not known."""
    person = request.user
    assert isinstance(person, User)
    is_known = bool(person.country and person.birth_date)
    form = None if is_known else ResidenceForm(request.POST or None, initial={"country": person.country})
    if form is not None and request.method == "POST" and form.is_valid():
        form.tell(person)
        messages.success(request, _("Saved."))
        return redirect("me")
    return _page(request, person, residence=form, status=422 if form is not None and form.errors else 200)


@login_required
@require_POST
def phrase(request: HttpRequest) -> HttpResponse:
    """Words of one's own, or none any more."""
    person = request.user
    assert isinstance(person, User)
    form = PhraseForm(request.POST)
    if not form.is_valid():
        return _page(request, person, phrase=form, status=422)
    User.objects.filter(pk=person.pk).update(phrase=form.cleaned_data["phrase"])
    messages.success(request, _("Saved."))
    return redirect("me")


@login_required
@require_POST
def block_create(request: HttpRequest) -> HttpResponse:
    person = request.user
    assert isinstance(person, User)
    form = BlockForm(request.POST)
    if form.is_valid() and form.cleaned_data["handle"] == person:
        form.add_error("handle", _("That is you."))
    if not form.is_valid():
        return _page(request, person, block=form, status=422)
    blocks.block(person, form.cleaned_data["handle"])
    messages.success(request, _("They cannot buy coins for you any more. They are not told."))
    return redirect("me")


@login_required
@require_POST
def block_delete(request: HttpRequest, block_id: int) -> HttpResponse:
    person = request.user
    assert isinstance(person, User)
    blocks.unblock(person, block_id)
    return redirect("me")


def _page(
    request: HttpRequest,
    person: User,
    *,
    residence: ResidenceForm | None = None,
    phrase: PhraseForm | None = None,
    block: BlockForm | None = None,
    status: int = 200,
) -> HttpResponse:
    address = person.emailaddress_set.filter(email=person.email).first()  # type: ignore[attr-defined]  # allauth's relation
    context: dict[str, Any] = {
        "person": person,
        "form": residence,
        "phrase_form": phrase or PhraseForm(initial={"phrase": person.phrase}),
        "block_form": block or BlockForm(),
        "blocks": person.blocks.select_related("blocked"),
        "country": countries.name_of(person.country) if person.country else "",
        "is_email_confirmed": bool(address and address.verified),
    }
    return render(request, "accounts/me.html", context, status=status)


@require_safe
def mailbox_list(request: HttpRequest) -> HttpResponse:
    _only_where_there_is_one()
    return render(request, "accounts/mailbox.html", {"mails": mailbox.mails()})


@require_safe
def mailbox_mail(request: HttpRequest, name: str) -> HttpResponse:
    _only_where_there_is_one()
    mail = mailbox.mail(name)
    if mail is None:
        raise Http404
    return render(request, "accounts/mail.html", {"mail": mail})


def _only_where_there_is_one() -> None:
    if not settings.HAS_MAILBOX:
        raise Http404
