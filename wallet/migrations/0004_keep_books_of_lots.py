"""Books of lots that were kept, so that long accounts are not folded from the start. Derived, and Django's own."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("wallet", "0003_light_rules")]
    operations = [
        migrations.CreateModel(
            name="LotCheckpoint",
            fields=[
                ("account_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("state", models.JSONField(help_text="wallet.lots.Book.as_json")),
            ],
            options={"verbose_name": "checkpoint of lots", "verbose_name_plural": "checkpoints of lots"},
        ),
    ]
