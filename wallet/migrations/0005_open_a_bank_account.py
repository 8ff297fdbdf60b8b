"""An account for what the provider has paid out to the shop's bank."""

from pathlib import Path

from django.db import migrations

BANK_ACCOUNT = Path(__file__).with_suffix(".sql").read_text()


class Migration(migrations.Migration):
    dependencies = [("wallet", "0004_keep_books_of_lots")]
    operations = [migrations.RunSQL(BANK_ACCOUNT)]
