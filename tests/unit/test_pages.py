import itertools
import json
from html.parser import HTMLParser

import pytest
from jinja2 import UndefinedError

from tasks import pages
from tasks.archive import DumpOptions
from tasks.checkpoints import FORMAT, Json
from tasks.errors import ArtifactsUnwritable
from tasks.run_folder import RunFolder
from tests import gallery
from tests.reports import Run, result, seen

VOID = ("meta", "link", "br", "hr", "img", "input")
INLINE = ("a", "b", "bdi", "code", "small", "span", "strong", "time")


class Page(HTMLParser):
    """A page as a browser reads it; its making fails where an element is closed that is not open, or left open."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.folded: list[str] = []
        self._open: list[str] = []
        self.feed(source)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"{tag} has an attribute twice"
        if tag not in INLINE:
            self.handle_data(" ")
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            (self.folded if "details" in self._open else self.words).append(data)

    @property
    def text(self) -> str:
        """What is to be read without a click."""
        return " ".join("".join(self.words).split())

    @property
    def all_text(self) -> str:
        return " ".join("".join([*self.words, *self.folded]).split())

    def values(self, attribute: str) -> list[str]:
        return [value for _, attributes in self.tags if (value := attributes.get(attribute)) is not None]


def page_of(report: Json) -> Page:
    return Page(pages.report_page(report))


@pytest.fixture(params=gallery.KINDS)
def report(request) -> Json:
    return gallery.KINDS[request.param]()


def test_the_page_of_every_kind_of_run_is_whole(report):
    page = page_of(report)

    names = page.values("id")
    assert len(names) == len(set(names))
    assert {link[1:] for link in page.values("href") if link[0] == "#"} <= set(names)
    assert report["outcome"] in page.text
    assert "None" not in page.all_text


def test_a_page_needs_nothing_but_itself(report):
    for source in (pages.report_page(report), pages.index_page([report], untold=[])):
        page = Page(source)

        assert not {"script", "iframe", "img", "object", "embed"} & {tag for tag, _ in page.tags}
        assert page.values("src") == []
        assert not [link for link in page.values("href") if ":" in link and link != "data:,"]
        assert "@import" not in source
        assert "http:" not in source
        assert "https:" not in source
        assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]


def test_what_others_have_named_is_text_and_all_of_it():
    page, index = page_of(gallery.hostile()), Page(pages.index_page([gallery.hostile()], untold=gallery.HOSTILE))

    for name in gallery.HOSTILE:
        assert page.all_text.count(name) >= 10
        assert name in index.text
    assert "../index.html" in page.values("href")
    # A run called a:b is no address of the kind a.
    assert "a%3Ab%2Bc/report.html" in index.values("href")


def test_a_page_is_small_with_a_few_tables_and_with_500():
    few, many = (pages.report_page(report) for report in (gallery.later(), gallery.large()))

    assert len(few.encode()) < 32_000
    assert len(many.encode()) < 400_000
    assert all(table["table"] in many for table in gallery.large()["tables"])


def test_of_500_tables_a_page_shows_first_what_has_changed():
    page = page_of(gallery.large())

    assert "64 of 500 tables with more or fewer rows, or new" in page.text
    assert "480 more tables" in page.all_text
    assert "sales_and_inventory.table_495" in page.text
    assert "sales_and_inventory.table_003 rows not copied" in page.text
    assert "sales_and_inventory.table_400" not in page.text


def test_the_headings_of_a_page_leave_no_level_out(report):
    levels = [int(tag[1]) for tag, _ in page_of(report).tags if tag in ("h1", "h2", "h3", "h4")]

    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_the_first_run_is_not_compared_with_another():
    page = page_of(gallery.first())

    assert "There is no run before to compare with" in page.text
    assert "Change" not in page.text


def test_a_failed_run_tells_what_failed_what_to_do_and_what_readers_see():
    page = page_of(gallery.a_test_failed())

    assert "Run second has ✗ failed" in page.text
    assert "RunDbt failed, exit code 28" in page.text
    assert "test not_null_films_price (Got 2 results)" in page.text
    assert "What to do: mend the model, the test or the data, and run again" in page.text
    assert "Readers see run first: shop on db.example.com:5432 as of 2026-11-22 03:00:01 UTC" in page.text
    assert "Test not_null_films_price of silver.films failed" in page.text
    assert "Tests: 1 of 81 tests failed" in page.text
    assert "5 models and tests skipped after a failure" in page.all_text


def test_each_thing_that_stops_a_run_beforehand_has_its_own_remedy():
    page = page_of(gallery.stopped_beforehand())

    assert page.text.count("What to do:") == 2
    for finding in gallery.STOPS[1:3]:
        assert f"{finding.topic} {finding.text} What to do: {finding.remedy}" in page.text


def test_servers_that_do_not_answer_are_all_told_and_what_readers_see_is_not_guessed():
    page = page_of(gallery.nobody_answers())

    assert page.text.count("DatabaseReady failed, exit code 11") == 2
    assert "What readers see could not be asked" in page.text
    assert "Runs have failed one after another since 2026-11-23 03:00:00 UTC" in page.text


def test_a_run_that_went_on_after_hours_says_so_and_what_it_had_failed_of():
    page = page_of(gallery.resumed())

    assert (
        "not to scale: 9 h 2 min between DumpSource and RestoreDestination, 3 d between RunDbt and PublishModels"
        in (page.text)
    )
    assert "This is the first success since run second failed" in page.text


def test_a_run_whose_version_readers_do_not_see_any_more_says_whose_they_see():
    report = Run(readers=seen("third")).report()

    assert "Readers see run third" in page_of(report).text


def test_what_a_report_does_not_have_is_passed_over_and_what_it_has_is_shown():
    without, withal = page_of(gallery.first()), page_of(gallery.later())
    failed = page_of({**gallery.first(), "docs": {"error": "dbt came to no result"}})

    assert "Catalogue" not in without.text
    assert "12.3 MB in this run's folder, 346 MB in all runs', 78.6 GB free" in withal.text
    assert "Removed run 2026-11-14, 81.2 MB; the dump of run 2026-11-20, 0 bytes" in withal.text
    assert "catalogue.html" in withal.values("href")
    assert "Catalogue was not made: dbt came to no result" in failed.text


def test_what_the_settings_leave_out_is_told_with_the_setting():
    chosen = DumpOptions(exclude_tables=("public.audit_*", "public.users"), exclude_table_data=("public.visits",))

    whole, partly = page_of(gallery.first()), page_of(Run(selection=chosen).report())
    with_objects = page_of(Run(selection=DumpOptions(schemas=("sales",)), left_out=["CAST - c"]).report())

    assert "Left out: nothing" in whole.text
    assert "Left out: nothing" not in partly.text
    assert "Left out: what [source] exclude_tables, exclude_table_data say" in partly.text
    assert "by [source] exclude_tables: public.audit_*, public.users" in partly.text
    assert "rows by [source] exclude_table_data: public.visits" in partly.text
    assert "Left out: 1 object, and what [source] schemas says" in with_objects.text
    assert "whatever is not in [source] schemas: sales" in with_objects.text


def test_a_hook_that_failed_is_told_as_one():
    hook = result("shop-on-run-end-0", kind="operation", status="error", message="permission denied")

    page = page_of(Run(results=[hook]).report())

    assert "Hooks of the dbt project: 1 hook failed" in page.text
    assert "Models:" not in page.text
    assert "Operation shop-on-run-end-0 failed" in page.text


def test_the_list_of_runs_has_the_last_first_and_marks_what_failed_and_what_readers_see():
    reports = gallery.month()

    page = Page(pages.index_page(reports, untold=["2026-11-24"]))

    listed = page.text[page.text.index("60 runs") :]
    assert listed.index("2026-11-23") < listed.index("2026-11-22") < listed.index("2026-09-25")
    assert listed.count("✗ failed in RunDbt, code 27") == 9
    assert listed.count("readers see it") == 1
    assert "Still at work, or killed: 2026-11-24." in listed
    assert page.text.startswith("✓ 2026-11-23 published")


def test_a_report_of_a_version_that_said_less_is_listed_by_its_name_and_how_it_ended():
    older = {"format": FORMAT, "run": "<long ago>", "outcome": "failed", "ended_at": "2026-01-01T03:00:00+00:00"}

    page = Page(pages.index_page([gallery.later(), gallery.first(), older], untold=[]))

    assert "2 runs" in page.text
    assert "Of another version of Towpath <long ago> failed." in page.text


def test_the_list_needs_no_more_of_other_runs_than_it_says():
    last, *others = gallery.month()
    less = [{name: report[name] for name in pages.LISTED} for report in others]

    assert pages.index_page([last, *less], untold=[]) == pages.index_page([last, *others], untold=[])


def test_while_the_destination_is_down_the_list_says_what_was_known():
    page = Page(pages.index_page([gallery.nobody_answers(), gallery.a_test_failed()], untold=[]))

    assert "What readers see could not be asked" in page.text
    assert "UTC: Readers see run first" in page.text


@pytest.fixture
def folder(tmp_path) -> RunFolder:
    made = RunFolder(tmp_path / "artifacts" / "second")
    made.path.mkdir(parents=True)
    return made


def test_the_list_has_a_run_whose_report_is_not_yet_written_and_not_its_earlier_try(folder):
    for run, report in (("second", gallery.a_model_is_broken()), ("first", gallery.first())):
        (folder.path.parent / run).mkdir(exist_ok=True)
        (folder.path.parent / run / "report.json").write_text(json.dumps({"format": FORMAT, **report}))

    pages.write_index(gallery.later(), folder)

    page = Page(folder.index.read_text(encoding="utf-8"))
    assert "2 runs" in page.text
    assert "failed" not in page.text


def test_a_page_is_written_whole_or_not_at_all(folder):
    pages.write_report(gallery.first(), folder)
    before = folder.page.read_text(encoding="utf-8")
    folder.index.mkdir()

    with pytest.raises(ArtifactsUnwritable):
        pages.write_index(gallery.later(), folder)
    unfit = {name: value for name, value in gallery.later().items() if name != "versions"}
    with pytest.raises(UndefinedError, match="versions"):
        pages.write_report(unfit, folder)

    assert folder.page.read_text(encoding="utf-8") == before
    assert [path.name for path in folder.path.iterdir()] == ["report.html"]
