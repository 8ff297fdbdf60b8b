"""The provider's webhook."""

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from payments import gateway, inbox
from payments.nudge import nudge
from payments.tasks import work_event


@csrf_exempt  # the signature is what proves the sender
@require_POST
def stripe_webhook(request: HttpRequest) -> HttpResponse:
    """Verify, store, answer. What the event means is decided later, so nothing else can fail this."""
    try:
        event = gateway.verify(request.body, request.headers.get("Stripe-Signature", ""))
    except gateway.BadEvent:
        return HttpResponseBadRequest("not a signed event\n", content_type="text/plain")
    inbox.store(event)
    nudge(work_event, event["id"])
    return HttpResponse("stored\n", content_type="text/plain")
