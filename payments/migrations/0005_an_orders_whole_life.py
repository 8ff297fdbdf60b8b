"""An order ends in every way it can: paid by voucher, failed, cancelled, decided by a person, asked about in a case."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0004_write_down_what_leaves"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Case",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("opened_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="opened")),
                ("why", models.TextField(verbose_name="what is wrong")),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "open"), ("closed", "answered")],
                        default="open",
                        max_length=6,
                        verbose_name="state",
                    ),
                ),
                ("reply", models.TextField(blank=True, verbose_name="answer")),
                ("closed_at", models.DateTimeField(null=True, verbose_name="closed")),
            ],
            options={
                "verbose_name": "case",
                "verbose_name_plural": "cases",
                "ordering": ["-opened_at"],
            },
        ),
        migrations.RemoveConstraint(
            model_name="payment",
            name="one_payment_settles_an_order",
        ),
        migrations.AddField(
            model_name="order",
            name="answered_at",
            field=models.DateTimeField(help_text="when the provider last told us about this order", null=True),
        ),
        migrations.AddField(
            model_name="order",
            name="attempt",
            field=models.PositiveSmallIntegerField(db_default=1, default=1, verbose_name="attempt to pay"),
        ),
        migrations.AddField(
            model_name="order",
            name="retried_at",
            field=models.DateTimeField(help_text="when the last attempt began, if it is not the first", null=True),
        ),
        migrations.AddField(
            model_name="order",
            name="returned_at",
            field=models.DateTimeField(help_text="when the buyer came back from the payment page", null=True),
        ),
        migrations.AlterModelOptions(
            name="payment",
            options={
                "ordering": ["recorded_at"],
                "permissions": [("decide_money", "Can decide about money that does not agree with its order")],
                "verbose_name": "payment",
                "verbose_name_plural": "payments",
            },
        ),
        migrations.AddField(
            model_name="payment",
            name="decided_at",
            field=models.DateTimeField(null=True, verbose_name="decided"),
        ),
        migrations.AddField(
            model_name="payment",
            name="decided_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="decided by",
            ),
        ),
        migrations.AddField(
            model_name="payment",
            name="decision",
            field=models.CharField(
                blank=True,
                choices=[
                    ("delivered", "delivered anyway"),
                    ("returned", "sent back"),
                    ("moved", "belongs to another order"),
                ],
                db_default="",
                max_length=9,
                verbose_name="decision",
            ),
        ),
        migrations.AddField(
            model_name="payment",
            name="decision_reason",
            field=models.CharField(blank=True, db_default="", max_length=500, verbose_name="reason of the decision"),
        ),
        migrations.AlterField(
            model_name="order",
            name="state",
            field=models.CharField(
                choices=[
                    ("created", "ordered"),
                    ("opened", "waiting for payment"),
                    ("processing", "payment on its way"),
                    ("paid", "paid, being checked"),
                    ("settled", "delivered"),
                    ("expired", "expired"),
                    ("cancelled", "cancelled"),
                    ("failed", "payment failed"),
                ],
                default="created",
                max_length=10,
                verbose_name="state",
            ),
        ),
        migrations.AlterField(
            model_name="payment",
            name="intent_id",
            field=models.CharField(max_length=255, verbose_name="payment intent"),
        ),
        migrations.AlterField(
            model_name="timelineentry",
            name="what",
            field=models.CharField(
                choices=[
                    ("ordered", "Ordered"),
                    ("opened", "Payment page opened"),
                    ("processing", "Payment on its way"),
                    ("failed", "Payment failed"),
                    ("retried", "Tried again"),
                    ("paid", "Paid"),
                    ("disagreed", "The payment does not agree with the order"),
                    ("surplus", "Paid a second time"),
                    ("settled", "Delivered"),
                    ("expired", "Expired unpaid"),
                    ("cancelled", "Cancelled"),
                    ("accepted", "Delivered by a person’s decision"),
                    ("returned", "Money sent back"),
                    ("moved", "Money moved to its own order"),
                ],
                max_length=12,
                verbose_name="what",
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                condition=models.Q(("returned_at__isnull", False), ("state", "opened")),
                fields=["returned_at"],
                name="orders_back_from_paying",
            ),
        ),
        migrations.AddIndex(
            model_name="payment",
            index=models.Index(
                condition=models.Q(models.Q(("disagreement", ""), _negated=True), ("decision", "")),
                fields=["recorded_at"],
                name="payments_to_look_at",
            ),
        ),
        migrations.AddConstraint(
            model_name="payment",
            constraint=models.UniqueConstraint(
                fields=("order", "intent_id"), name="each_payment_is_noted_once_per_order"
            ),
        ),
        migrations.AddConstraint(
            model_name="payment",
            constraint=models.UniqueConstraint(
                condition=models.Q(("disagreement", ""), ("decision", "delivered"), _connector="OR"),
                fields=("intent_id",),
                name="money_is_good_for_one_order",
            ),
        ),
        migrations.AddConstraint(
            model_name="payment",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    ("is_surplus", False), models.Q(("disagreement", ""), ("decision", "delivered"), _connector="OR")
                ),
                fields=("order",),
                name="one_payment_settles_an_order",
            ),
        ),
        migrations.AddConstraint(
            model_name="payment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decided_at", None), ("decided_by", None), ("decision", ""), ("decision_reason", "")),
                    models.Q(
                        models.Q(("decision", ""), _negated=True),
                        ("decided_at__isnull", False),
                        ("decided_by__isnull", False),
                        models.Q(("decision_reason", ""), _negated=True),
                        models.Q(("disagreement", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="decisions_say_who_when_and_why",
            ),
        ),
        migrations.AddField(
            model_name="case",
            name="closed_by",
            field=models.ForeignKey(
                help_text="none: the coins came",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="closed by",
            ),
        ),
        migrations.AddField(
            model_name="case",
            name="opened_by",
            field=models.ForeignKey(
                help_text="none: the tracker itself",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="cases",
                to=settings.AUTH_USER_MODEL,
                verbose_name="opened by",
            ),
        ),
        migrations.AddField(
            model_name="case",
            name="order",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="cases",
                to="payments.order",
                verbose_name="order",
            ),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(condition=models.Q(("state", "open")), fields=["opened_at"], name="open_cases"),
        ),
        migrations.AddConstraint(
            model_name="case",
            constraint=models.UniqueConstraint(
                condition=models.Q(("opened_by", None)), fields=("order",), name="the_tracker_opens_one_case_an_order"
            ),
        ),
        migrations.AddConstraint(
            model_name="case",
            constraint=models.UniqueConstraint(
                condition=models.Q(("opened_by__isnull", False), ("state", "open")),
                fields=("order",),
                name="one_open_question_an_order",
            ),
        ),
        migrations.AddConstraint(
            model_name="case",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("closed_at", None), ("closed_by", None), ("reply", ""), ("state", "open")),
                    models.Q(("closed_at__isnull", False), ("state", "closed"), models.Q(("reply", ""), _negated=True)),
                    _connector="OR",
                ),
                name="closed_cases_have_an_answer",
            ),
        ),
    ]
