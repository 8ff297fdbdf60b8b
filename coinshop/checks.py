"""What an operator must not get wrong: said by `manage.py check --deploy`, and at the start for what is never right."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as Caution
from django.db import connection


@register()
def keys_fit_together(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A live key must meet Stripe itself: never a stand-in, and never the embedded shop with its known passwords."""
    found: list[CheckMessage] = []
    if "_live_" in settings.STRIPE_API_KEY and settings.STRIPE_API_BASE:
        found.append(Error("A live key is set together with STRIPE_API_BASE.", hint="Unset one.", id="coinshop.E001"))
    if "_live_" in settings.STRIPE_API_KEY and (settings.IS_EMBEDDED or settings.DEBUG):
        found.append(Error("A live key is set in a shop for trying out.", hint="Use a test key.", id="coinshop.E002"))
    if not 0 <= settings.CREATOR_SHARE_PERCENT <= 100 or not 0 <= settings.PROMO_SHARE_PERCENT <= 100:
        found.append(Error("A creator's share is between 0 and 100 percent.", id="coinshop.E003"))
    return found


@register(Tags.security, deploy=True)
def is_production(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if settings.IS_EMBEDDED:
        found.append(Error("COINSHOP_EMBEDDED is set: demo people have a known password.", id="coinshop.E004"))
    if settings.IS_SANDBOX:
        found.append(Caution("STRIPE_API_BASE is set: no real money is taken.", id="coinshop.W001"))
    return found


@register(Tags.database)
def the_site_may_not_write_the_ledger(app_configs: Any, databases: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Asked by `check --database default`: the site's role can read the ledger and call its functions, and no more."""
    if not databases or settings.MIGRATES:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT count(*) FROM unnest(ARRAY['wallet_account', 'wallet_transfer', 'wallet_pendingcredit']) AS name,
                      unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS privilege
                WHERE to_regclass(name) IS NOT NULL AND has_table_privilege(to_regclass(name), privilege)"""
        )
        (allowed,) = cursor.fetchone()
    hint = "Let DATABASE_URL name the site's role, and DATABASE_OWNER_URL the owner of the tables."
    return [Error("The site's database role may write the ledger.", hint=hint, id="coinshop.E005")] if allowed else []
