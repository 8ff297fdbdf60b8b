"""The catalogue's names, named here once more so that translators find them: names are data, translators read code."""

from django.utils.translation import gettext_noop

NAMES = [
    gettext_noop("Rose"),
    gettext_noop("Heart"),
    gettext_noop("Coffee"),
    gettext_noop("Ice Cream Cone"),
    gettext_noop("Finger Heart"),
    gettext_noop("Microphone"),
    gettext_noop("Lollipop"),
    gettext_noop("Perfume"),
    gettext_noop("Doughnut"),
    gettext_noop("Butterfly"),
    gettext_noop("Guitar"),
    gettext_noop("Little Crown"),
    gettext_noop("Star"),
    gettext_noop("Hot-air Balloon"),
    gettext_noop("Sports Car"),
    gettext_noop("Lion"),
]
