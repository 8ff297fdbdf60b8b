from django.urls import path

from payments import views

app_name = "payments"

urlpatterns = [
    path("", views.top_up, name="top_up"),
    path("summary/", views.summary, name="summary"),
    path("orders/", views.order_create, name="order_create"),
    path("orders/<uuid:order_id>/", views.order, name="order"),
    path("orders/<uuid:order_id>/tracker/", views.order_tracker, name="order_tracker"),
    path("orders/<uuid:order_id>/return/", views.order_return, name="order_return"),
    path("orders/<uuid:order_id>/checkout/", views.order_checkout, name="order_checkout"),
    path("orders/<uuid:order_id>/cancel/", views.order_cancel, name="order_cancel"),
    path("orders/<uuid:order_id>/cases/", views.case_create, name="case_create"),
    path("orders/<uuid:order_id>/receipt/", views.receipt, name="receipt"),
    path("locale/", views.locale, name="locale"),
    path("region/", views.choose_region, name="choose_region"),
    path("webhooks/stripe/", views.stripe_webhook, name="stripe_webhook"),
]
