"""Look at somebody's coins and take them, with nothing in between."""

from pathlib import Path

from django.db import migrations

HOLD_STILL = Path(__file__).with_suffix(".sql").read_text()


class Migration(migrations.Migration):
    dependencies = [("wallet", "0005_open_a_bank_account")]
    operations = [migrations.RunSQL(HOLD_STILL, "DROP FUNCTION ledger_hold_still")]
