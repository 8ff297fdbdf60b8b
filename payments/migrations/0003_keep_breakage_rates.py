"""At which rate of coins never spent revenue was recognised, and since when."""

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payments", "0002_freeze_live_prices")]
    operations = [
        migrations.CreateModel(
            name="BreakageRate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("basis_points", models.PositiveIntegerField(verbose_name="basis points of sold coins")),
                ("applied_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="applied")),
            ],
            options={
                "verbose_name": "breakage rate",
                "verbose_name_plural": "breakage rates",
                "ordering": ["pk"],
            },
        ),
    ]
