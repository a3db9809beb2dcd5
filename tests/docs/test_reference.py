"""The reference of the settings is what the code says, and its examples are values that services take."""

from __future__ import annotations

import pytest

from framework.settings import load
from framework.settings.listing import Listed, listed
from tests.docs.reference import EXAMPLES, IN_CODE, PAGE, TITLES, AllSettings, example_of, page, section_of

SETTINGS = [*listed(AllSettings)]
SPELT = [each for each in SETTINGS if each.default != IN_CODE]
KEYS = {name: EXAMPLES[name] for name in ("SESSIONS_KEYS", "AUTH_KEYS", "MANAGEMENT_TOKEN")}
# A provider is set as a whole, with its keys or where they are; others are parts of a larger figure.
PROVIDER = {
    name: EXAMPLES[name]
    for name in ("AUTH_PROVIDER_ISSUER", "AUTH_PROVIDER_AUDIENCE", "AUTH_PROVIDER_JWKS_URL")
}


def test_the_page_is_up_to_date() -> None:
    assert page() == PAGE.read_text("utf-8"), "write it anew: make reference"


def test_every_setting_says_what_it_means() -> None:
    assert [each.variable for each in SETTINGS if not each.means] == []


def test_every_section_has_a_title_of_its_own() -> None:
    assert {section_of(each.variable) for each in SETTINGS} == {*TITLES}


@pytest.mark.parametrize(
    "setting", [each for each in SETTINGS if each.default != IN_CODE], ids=lambda setting: setting.variable
)
def test_the_example_is_a_value_that_a_service_takes(setting: Listed) -> None:
    environ = {**KEYS}
    if setting.variable.startswith("AUTH_PROVIDER"):
        environ |= PROVIDER
    if setting.variable == "AUTH_PROVIDER_KEYS":
        environ |= {"AUTH_PROVIDER_ALGORITHM": "HS256"}
        del environ["AUTH_PROVIDER_JWKS_URL"]
    environ[setting.variable] = example_of(setting)

    settings = load(AllSettings, environ, env_file=None)

    assert isinstance(settings, AllSettings)
