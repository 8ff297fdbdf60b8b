"""The same rules, said in a way that costs a gift less."""

from pathlib import Path

from django.db import migrations

LIGHT_RULES = Path(__file__).with_suffix(".sql").read_text()


class Migration(migrations.Migration):
    dependencies = [("wallet", "0002_whole_ledger")]
    operations = [migrations.RunSQL(LIGHT_RULES)]
