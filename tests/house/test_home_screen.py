"""The shop on a home screen: a manifest that a browser accepts, in the reader's language, and its pictures."""

import pytest
from django.contrib.staticfiles import finders


def test_the_manifest_says_what_a_phone_needs(client, settings):
    settings.SHOP_NAME = "Marisol’s coins"
    answer = client.get("/manifest.webmanifest", headers={"Accept-Language": "ar"})
    told = answer.json()

    assert answer.headers["Content-Type"] == "application/manifest+json"
    assert (told["name"], told["short_name"], told["lang"], told["dir"]) == (
        "Marisol’s coins",
        "Marisol’s co",
        "ar",
        "rtl",
    )
    assert (told["start_url"], told["scope"], told["display"]) == ("/", "/", "standalone")
    assert {icon["sizes"] for icon in told["icons"]} == {"192x192", "512x512"}
    assert [icon["purpose"] for icon in told["icons"] if "purpose" in icon] == ["maskable"]


@pytest.mark.parametrize("name", ["icon-192", "icon-512", "icon-maskable-512", "apple-touch-icon"])
def test_its_pictures_are_there_and_as_large_as_it_says(name):
    with open(finders.find(f"img/{name}.png"), "rb") as file:
        head = file.read(24)
    width, height = int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")

    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    assert (width, height) == {"icon-192": (192, 192), "apple-touch-icon": (180, 180)}.get(name, (512, 512))


def test_every_page_names_it(client, db):
    page = client.get("/").content.decode()

    assert '<link rel="manifest" href="/manifest.webmanifest">' in page
    assert 'rel="apple-touch-icon"' in page
    assert page.count('name="theme-color"') == 2
