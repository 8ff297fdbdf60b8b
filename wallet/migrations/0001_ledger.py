"""The ledger's tables, functions, guards and rights."""

from pathlib import Path

from django.conf import settings
from django.db import migrations, models

LEDGER = Path(__file__).with_suffix(".sql").read_text()
NOTHING = """
DROP VIEW wallet_entry;
DROP TABLE wallet_transfer, wallet_pendingcredit, wallet_account;
DROP FUNCTION ledger_account, ledger_roll_up, ledger_transfer, ledger_refuse_change;
"""


class Migration(migrations.Migration):
    initial = True
    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL)]
    operations = [
        migrations.RunSQL(LEDGER, NOTHING),
        # What Django is to know of the tables; it does not manage them.
        migrations.CreateModel(
            name="Account",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("home", models.BigIntegerField()),
                (
                    "balance",
                    models.BigIntegerField(help_text="without what is still on its way", verbose_name="balance"),
                ),
                ("opened_at", models.DateTimeField(verbose_name="opened")),
                ("closed_at", models.DateTimeField(null=True, verbose_name="closed")),
                ("unit", models.SmallIntegerField(choices=[(1, "coins"), (2, "diamonds")], verbose_name="unit")),
                ("is_house", models.BooleanField(verbose_name="the house's")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("coins", "coins"),
                            ("promo", "bonus coins"),
                            ("diamonds", "diamonds"),
                            ("issued", "coins sold by the house"),
                            ("promo_issued", "coins given by the house"),
                        ],
                        max_length=32,
                        verbose_name="kind",
                    ),
                ),
                ("posting", models.CharField(max_length=10, verbose_name="posting")),
            ],
            options={
                "verbose_name": "account",
                "verbose_name_plural": "accounts",
                "db_table": "wallet_account",
                "abstract": False,
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="Transfer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("home", models.BigIntegerField(verbose_name="home")),
                ("debit_amount", models.BigIntegerField(verbose_name="amount out")),
                ("credit_amount", models.BigIntegerField(verbose_name="amount in")),
                ("debit_balance_after", models.BigIntegerField(null=True, verbose_name="balance after")),
                ("reverses", models.BigIntegerField(null=True, verbose_name="reverses")),
                ("created_at", models.DateTimeField(verbose_name="at")),
                ("key", models.UUIDField(verbose_name="key")),
                (
                    "debit_unit",
                    models.SmallIntegerField(choices=[(1, "coins"), (2, "diamonds")], verbose_name="unit out"),
                ),
                (
                    "credit_unit",
                    models.SmallIntegerField(choices=[(1, "coins"), (2, "diamonds")], verbose_name="unit in"),
                ),
                (
                    "kind",
                    models.SmallIntegerField(choices=[(1, "top-up"), (2, "bonus"), (3, "gift")], verbose_name="kind"),
                ),
                ("cause", models.TextField(verbose_name="cause")),
            ],
            options={
                "verbose_name": "transfer",
                "verbose_name_plural": "transfers",
                "db_table": "wallet_transfer",
                "abstract": False,
                "managed": False,
            },
        ),
    ]
