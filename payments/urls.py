from django.urls import path

from payments.views import buying, cards, history, orders, residence, shop, webhook

app_name = "payments"

urlpatterns = [
    path("", shop.top_up, name="top_up"),
    path("for/", shop.recipient, name="recipient"),
    path("summary/", buying.summary, name="summary"),
    path("amount/", buying.amount, name="amount"),
    path("orders/", history.orders, name="orders"),
    path("orders/orders.csv", history.orders_csv, name="orders_csv"),
    path("orders/<uuid:order_id>/", orders.order, name="order"),
    path("orders/<uuid:order_id>/tracker/", orders.order_tracker, name="order_tracker"),
    path("orders/<uuid:order_id>/return/", orders.order_return, name="order_return"),
    path("orders/<uuid:order_id>/checkout/", orders.order_checkout, name="order_checkout"),
    path("orders/<uuid:order_id>/cancel/", orders.order_cancel, name="order_cancel"),
    path("orders/<uuid:order_id>/cases/", orders.case_create, name="case_create"),
    path("orders/<uuid:order_id>/withdrawal/", orders.withdrawal, name="withdrawal"),
    path("orders/<uuid:order_id>/receipt/", orders.receipt, name="receipt"),
    path("redeem/", cards.redeem, name="redeem"),
    path("redeem/<int:card_id>/", cards.gift_card, name="gift_card"),
    path("me/residence/", residence.residence, name="residence"),
    path("locale/", shop.locale, name="locale"),
    path("region/", shop.choose_region, name="choose_region"),
    path("webhooks/stripe/", webhook.stripe_webhook, name="stripe_webhook"),
]
