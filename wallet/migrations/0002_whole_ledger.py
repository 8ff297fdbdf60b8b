"""Debts, holds, undoing, taking as far as it goes, batches, and the house's accounts of money."""

from pathlib import Path

from django.db import migrations

WHOLE_LEDGER = Path(__file__).with_suffix(".sql").read_text()


class Migration(migrations.Migration):
    dependencies = [("wallet", "0001_ledger")]
    operations = [migrations.RunSQL(WHOLE_LEDGER)]
