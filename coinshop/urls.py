"""The site's table of contents."""

from django.contrib import admin
from django.urls import include, path

from coinshop import health, pages, trust
from coinshop.accounts import views as accounts

urlpatterns = [
    path("", include("payments.urls")),
    path("", include("gifts.urls")),
    path("wallet/", pages.wallet, name="wallet"),
    path("wallet/statement.csv", pages.wallet_csv, name="wallet_csv"),
    path("real/", trust.is_it_real, name="real"),
    path("scams/", trust.scams, name="scams"),
    path("manifest.webmanifest", trust.manifest, name="manifest"),
    path("me/", accounts.me, name="me"),
    path("me/phrase/", accounts.phrase, name="phrase"),
    path("me/blocks/", accounts.block_create, name="block_create"),
    path("me/blocks/<int:block_id>/delete/", accounts.block_delete, name="block_delete"),
    path("mailbox/", accounts.mailbox_list, name="mailbox"),
    path("mailbox/<str:name>/", accounts.mailbox_mail, name="mail"),
    path("accounts/", include("allauth.account.urls")),
    path("language/", include("django.conf.urls.i18n")),
    path("admin/evidence/<int:dispute_id>/", pages.evidence_pack, name="evidence_pack"),
    path("admin/evidence/<int:dispute_id>/submit/", pages.evidence_submit, name="evidence_submit"),
    path("admin/", admin.site.urls),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
]
