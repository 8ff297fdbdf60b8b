"""Add up what arrives within a batch in one pass, so that a batch of a thousand costs ten times one of a hundred."""

from pathlib import Path

from django.db import migrations

BATCHES_IN_STEP = Path(__file__).with_suffix(".sql").read_text()


class Migration(migrations.Migration):
    dependencies = [("wallet", "0006_hold_people_still")]
    operations = [migrations.RunSQL(BATCHES_IN_STEP, migrations.RunSQL.noop)]
