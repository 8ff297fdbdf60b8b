"""Every word that people read is said in every language, and the compiled catalogue is the one that was written."""

import gettext
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from django.conf import settings
from django.utils.translation import to_locale

CATALOGUES = sorted(Path(settings.LOCALE_PATHS[0]).glob("*/LC_MESSAGES/django.po"))


@pytest.mark.parametrize("file", CATALOGUES, ids=lambda file: file.parts[-3])
def test_nothing_is_left_untranslated_or_guessed(file):
    catalogue = read_po(file.open("rb"))
    missing = [message.id for message in catalogue if message.id and (not all(words(message)) or message.fuzzy)]

    assert missing == []


@pytest.mark.parametrize("file", CATALOGUES, ids=lambda file: file.parts[-3])
def test_the_compiled_catalogue_is_up_to_date(file):
    compiled = gettext.GNUTranslations(file.with_suffix(".mo").open("rb"))
    stale = [
        message.id
        for message in read_po(file.open("rb"))
        if message.id and said_by(compiled, message) != words(message)
    ]

    assert stale == []


@pytest.mark.parametrize("file", CATALOGUES, ids=lambda file: file.parts[-3])
def test_what_is_said_in_arabic_is_said_in_every_language(file):
    (arabic,) = (file for file in CATALOGUES if file.parts[-3] == "ar")

    assert sentences(arabic) - sentences(file) == set()


def test_every_language_but_the_first_has_a_catalogue():
    shipped = {to_locale(code) for code, _name in settings.LANGUAGES}

    assert {file.parts[-3] for file in CATALOGUES} == shipped - {"en"}


def sentences(file):
    return {(message.context, message.id) for message in read_po(file.open("rb")) if message.id}


def words(message):
    return message.string if isinstance(message.string, tuple) else (message.string,)


def said_by(compiled, message):
    if isinstance(message.id, tuple):
        return tuple(compiled._catalog[(message.id[0], form)] for form in range(len(message.string)))
    return (compiled.pgettext(message.context, message.id) if message.context else compiled.gettext(message.id),)
