"""`luigi.cfg` is where a person looks for what can be set: it must have all of it, as it is."""

import configparser
import datetime
import inspect
import os
import subprocess
import sys
from typing import Any
from zoneinfo import ZoneInfo

import luigi
import pytest

from tasks import parameters, sections
from tests.conftest import PROJECT

LINES = (PROJECT / "luigi.cfg").read_text(encoding="utf-8").splitlines()
SECTIONS = {
    name: section
    for name, section in inspect.getmembers(sections, inspect.isclass)
    if section in parameters.Section.__subclasses__()
}
SETTINGS = [(section, name) for section, found in SECTIONS.items() for name, _ in found.get_params()]


@pytest.fixture(scope="module")
def file() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read_string("\n".join(LINES))
    return parser


def parameter(section: str, name: str) -> luigi.Parameter[Any]:
    found: luigi.Parameter[Any] = dict(SECTIONS[section].get_params())[name]
    return found


@pytest.mark.parametrize(("section", "name"), SETTINGS)
def test_luigi_cfg_has_the_setting_with_the_default_that_it_has_without_the_file(section, name, file):
    setting = parameter(section, name)

    written = setting.normalize(setting.parse(file[section][name]))

    # The file is read in the project's folder, where its paths begin.
    assert setting._default in (written, str(PROJECT / str(written)))


@pytest.mark.parametrize(("section", "name"), SETTINGS)
def test_a_setting_is_explained_as_a_flag(section, name):
    assert parameter(section, name).description


@pytest.mark.parametrize(("section", "name"), SETTINGS)
def test_luigi_cfg_explains_the_setting_or_the_group_that_it_is_in(section, name):
    begin = LINES.index(f"[{section}]")
    line = next(n for n in range(begin, len(LINES)) if LINES[n].split(" =")[0] == name)

    while not LINES[line].startswith(("#", "[")):
        line -= 1

    assert LINES[line].startswith("#"), "a comment stands above each group of settings"


@pytest.mark.parametrize("section", SECTIONS)
def test_luigi_cfg_sets_nothing_that_is_not_there(section, file):
    assert list(file[section]) == [name for name, _ in SECTIONS[section].get_params()]


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_a_run_is_named_for_the_day_on_the_clock_of_whoever_starts_it(zone):
    """The two are 25 hours apart, and so never have the same date."""
    environment = os.environ | {"TZ": zone}
    ask = "from tasks import settings; print(settings.default_run_id())"
    today = datetime.datetime.now(ZoneInfo(zone)).date()

    named = subprocess.run(
        [sys.executable, "-c", ask],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()

    # Midnight may have passed since.
    assert named in (str(today), str(today + datetime.timedelta(days=1)))
