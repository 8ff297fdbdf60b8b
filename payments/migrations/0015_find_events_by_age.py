from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Built beside the webhooks that go on arriving, so not within a transaction."""

    atomic = False

    dependencies = [
        ("payments", "0014_note_declines_and_cards_from_abroad"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="stripeevent",
            index=models.Index(fields=["received_at"], name="events_by_age"),
        ),
    ]
