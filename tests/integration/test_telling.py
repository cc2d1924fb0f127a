"""What each step tells of itself while it is at work."""

import pytest

from tasks import dump, landing, publish, rollback
from tasks.archive import DumpOptions
from tasks.publish import PublishOptions
from tasks.run_folder import RunFolder
from tests.integration.conftest import FIRST, SECOND
from tests.integration.copying import OPTIONS, dumped

PUBLISHING = PublishOptions(readers_timeout_seconds=20, keep_previous=True, rebinds=True)


class Told(list[tuple[int, str]]):
    """What a listener was told, in order."""

    def __call__(self, percentage: int, text: str) -> None:
        self.append((percentage, text))

    @property
    def texts(self) -> list[str]:
        return [text for _, text in self]

    def ends_well(self) -> bool:
        """Whether the percentage has only ever risen, to 100 at the end."""
        percentages = [percentage for percentage, _ in self]
        return percentages == sorted(percentages) and percentages[-1] == 100


@pytest.fixture
def told() -> Told:
    return Told()


def test_a_dump_tells_its_tables_and_then_what_it_has_made(films, tmp_path, tools, told):
    dump.dump_database(films, RunFolder(tmp_path), tools, DumpOptions(), listener=told)

    assert told.ends_well()
    assert told.texts[0].startswith("locking the tables of source_")
    assert [text for text in told.texts if text.startswith("dumping: table 5 of 5, ")]
    assert "describing what was dumped" in told.texts
    assert told.texts[-1].startswith("dumped 5 tables, 191 rows, ")


def test_a_restore_tells_what_it_does_before_and_after_the_tables(films, destination, tmp_path, tools, told):
    manifest = dumped(films, tmp_path, tools)

    directory = RunFolder(tmp_path).dump
    landing.restore(manifest, directory, destination, tools, OPTIONS, run="test", listener=told)

    assert told.ends_well()
    assert told.texts[0] == "digesting the dump, to see that it is what was dumped"
    assert [text for text in told.texts if text.startswith("restoring: table 5 of 5, ")]
    assert "adding 3 foreign keys, and what else needs several tables" in told.texts
    assert "comparing 5 tables with what was dumped (counts)" in told.texts
    assert told.texts[-1] == "restored 5 tables, 191 rows, as load 1"


def test_publishing_tells_which_readers_it_waits_for_and_how_long(rebuilt, told):
    reader = rebuilt.reader("begin", "select * from analytics.ratings")
    digest = rebuilt.dbt_options(SECOND).digest()

    def let_go(percentage: int, text: str) -> None:
        told(percentage, text)
        if "waits for readers" in text:
            reader.close()

    publish.publish(rebuilt.landed_load, digest, rebuilt.destination, PUBLISHING, listener=let_go)

    assert told.ends_well()
    waiting = next(text for text in told.texts if "waits for readers" in text)
    assert " of 20 s: session " in waiting
    assert "analyst, idle in transaction" in waiting
    assert told.texts[-1] == f"readers see load {rebuilt.landed_load}, in analytics, analytics_extra, analytics_marts"


def test_a_build_tells_how_many_models_and_tests_are_done(landed, told):
    landed.build(FIRST, listener=told)

    assert told.ends_well()
    assert told.texts[0] == "dbt reads the project"
    assert [text for text in told.texts if " models and tests done, now analytics.ratings" in text]
    assert told.texts[-1].startswith("built ")


def test_rolling_back_tells_what_readers_see_again(replaced, told):
    rollback.roll_back(replaced.destination, readers_timeout_seconds=3, rebinds=True, listener=told)

    assert told.ends_well()
    assert told.texts[-1].startswith("readers see load ")
