"""The source's tables change from one night to the next, and each policy does as it says, by the real command."""

import json

import pytest

from tests.worlds import World, ask, contents

SECOND = ("FullPipeline", "--run-id=second")
CHANGES = (
    "alter table public.films drop column price",
    "alter table public.films alter release_date type text",
    "alter table public.films rename rating to certificate",
    "alter table public.films add column sequel integer",
    "create table public.invoices (invoice_id bigint primary key)",
    "drop table public.film_category",
    "truncate public.users",
)
READ = " (read by analytics.ratings)"
STOPPING = [
    "table public.film_category is gone",
    f"column public.films.release_date was date and is text{READ}",
    f"column public.films.price is gone{READ}",
    f"column public.films.rating is gone and certificate is new in its place: perhaps renamed{READ}",
]
ADDED = ["table public.invoices is new", f"column public.films.sequel, integer, is new{READ}"]
EMPTIED = "table public.users had 14 rows and has none now"


def change(world: World, *statements: str) -> None:
    for statement in statements:
        ask(world.source, statement)


@pytest.mark.parametrize(("policy", "stopping"), [("freeze", [*STOPPING, *ADDED]), ("additive", STOPPING)])
def test_a_policy_stops_the_run_before_anything_is_touched_and_evolve_accepts_it_once(published, policy, stopping):
    change(published, *CHANGES)
    before = contents(published.destination)

    stopped = published.run(*SECOND, f"--restore-drift={policy}")
    after, done_so_far = contents(published.destination), published.times("second")
    accepted = published.run(*SECOND, "--restore-drift=evolve")
    done = published.run(*SECOND, f"--restore-drift={policy}")
    next_night = published.run("FullPipeline", "--run-id=third", f"--restore-drift={policy}")

    assert stopped.returncode == 39
    assert [words for words in [*STOPPING, *ADDED] if f"{words}; " in stopped.stderr] == stopping
    assert "nothing was changed, readers see what they saw" in stopped.stderr
    assert "--restore-drift=evolve" in stopped.stderr
    assert "Traceback" not in stopped.stderr
    assert after == before
    assert done_so_far == {}
    assert published.litter() == []
    assert accepted.returncode == 0, accepted.stderr
    assert f"WARNING not as in the load before: {EMPTIED}\n" in accepted.stderr
    assert (done.returncode, next_night.returncode) == (0, 0), next_night.stderr
    assert "not as in the load before" not in done.stderr + next_night.stderr


def test_by_default_a_run_goes_on_and_tells_what_differs_wherever_one_looks(published):
    change(published, *CHANGES)

    ran = published.run(*SECOND)

    words = [*STOPPING, *ADDED, EMPTIED]
    report = json.loads((published.folder("second").path / "report.json").read_text(encoding="utf-8"))
    restored = published.checkpoint("second", "restore")
    assert ran.returncode == 0, ran.stderr
    assert sorted(restored["drift"]) == sorted(report["drift"]) == sorted(words)
    for told in words:
        # Rows are counted when the dump is made: until then nobody knows that there are none.
        topic = "" if told == EMPTIED else "drift: "
        assert f"WARNING {topic}not as in the load before: {told}\n" in ran.stderr
        assert told in ran.stdout
    assert restored["catalogue"] == published.checkpoint("second", "dump")["catalogue"]
    assert ask(published.destination, "select catalogue from towpath.catalogues order by load_id desc limit 1") == [
        (restored["catalogue"],)
    ]


def test_a_run_that_finds_its_tables_as_they_were_says_nothing_of_it(published):
    ran = published.run(*SECOND, "--restore-drift=freeze")

    assert ran.returncode == 0, ran.stderr
    assert "  changed " not in ran.stdout
    assert published.checkpoint("second", "restore")["drift"] == []
