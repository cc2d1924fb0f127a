"""What a source looks like, what the ledger keeps of it, and how the next restore tells the difference."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tasks import claims, drift, ledger
from tasks.archive import DumpOptions
from tasks.errors import SchemaDrifted
from tasks.landing import Load
from tasks.manifest import Manifest
from tasks.postgres import Database, connect
from tasks.shapes import Catalogue, Column, Key
from tasks.tools import Tools
from tests.integration.copying import OPTIONS, dumped, restored

LOADS = "select load_id, state, place from towpath.loads order by load_id"


@dataclass
class Nightly:
    """Copies a source again and again, each time under another run's name, in-process."""

    source: Database
    destination: Database
    tools: Tools
    folder: Path
    night: int = 0

    def dump(self, *changes: str, **selection) -> Manifest:
        """Change the source and dump it."""
        with connect(self.source) as session:
            for statement in changes:
                session.run(statement)
        self.night += 1
        return dumped(self.source, self._tonight, self.tools, DumpOptions(**selection))

    def catalogue(self, *changes: str, **selection) -> Catalogue:
        return Catalogue.from_json(self.dump(*changes, **selection).catalogue)

    def load(self, manifest: Manifest, policy: str = "evolve") -> Load:
        return restored(manifest, self._tonight, self.destination, self.tools, replace(OPTIONS, drift=policy))

    def copy(self, *changes: str, policy: str = "evolve", **selection) -> Load:
        return self.load(self.dump(*changes, **selection), policy)

    @property
    def _tonight(self) -> Path:
        return self.folder / str(self.night)

    def query(self, statement: str):
        with connect(self.destination) as session:
            return session.all(statement)


@pytest.fixture
def nightly(source, destination, tools, tmp_path) -> Nightly:
    """An empty source."""
    return Nightly(source, destination, tools, tmp_path)


@pytest.fixture
def loaded(films, destination, tools, tmp_path) -> Nightly:
    """The sample has been copied once."""
    nightly = Nightly(films, destination, tools, tmp_path)
    nightly.copy()
    return nightly


def found(nightly: Nightly, manifest: Manifest) -> list[str]:
    """What a dump would be told to differ in, were it loaded."""
    with connect(nightly.destination) as session:
        changes = drift.changes(session, ledger.read_holding(session), Catalogue.from_json(manifest.catalogue))
    return [change.words for change in changes]


# What is noted


def test_a_table_is_described_by_its_columns_as_they_are_left_and_its_keys(nightly):
    catalogue = nightly.catalogue(
        "create schema shop",
        "create type shop.mood as enum ('good', 'bad')",
        "create table shop.films (id bigint primary key, gone text, price numeric(5,2) not null, moods shop.mood[])",
        "alter table shop.films drop column gone, add unique (price, id)",
        'create table shop."Odd ""name""" ("the film" bigint references shop.films, "100%" varchar(7))',
        "insert into shop.films values (1, 1, null), (2, 1, null)",
    )

    films, odd = catalogue.shapes[1], catalogue.shapes[0]
    assert (str(films), films.kind, films.rows) == ("shop.films", "table", 2)
    assert films.columns == (
        Column(number=1, name="id", type="bigint", is_never_null=True),
        Column(number=3, name="price", type="numeric(5,2)", is_never_null=True),
        Column(number=4, name="moods", type="shop.mood[]", is_never_null=False),
    )
    assert sorted(map(str, films.keys)) == ["primary key (id)", "unique key (price, id)"]
    assert (odd.name, odd.rows, [(c.name, c.type) for c in odd.columns]) == (
        'Odd "name"', 0, [("the film", "bigint"), ("100%", "character varying(7)")],
    )  # fmt: skip
    assert odd.keys == (
        Key(
            kind="foreign key",
            columns=("the film",),
            referenced_table=("shop", "films"),
            referenced_columns=("id",),
        ),
    )


def test_a_partitioned_table_has_its_partitions_rows_and_views_are_described_too(nightly):
    catalogue = nightly.catalogue(
        "create table public.sales (day date primary key, amount integer) partition by range (day)",
        "create table public.sales_25 partition of public.sales for values from ('2025-01-01') to ('2026-01-01')"
        " partition by range (day)",
        "create table public.sales_25_1 partition of public.sales_25 for values from ('2025-01-01') to ('2025-02-01')",
        "create table public.sales_26 partition of public.sales for values from ('2026-01-01') to ('2027-01-01')",
        "insert into public.sales values ('2025-01-05', 1), ('2026-01-05', 2), ('2026-01-06', 3)",
        "create table public.refunds (day date references public.sales)",
        "create view public.recent as select * from public.sales",
        "create materialized view public.totals as select sum(amount) as total from public.sales",
    )

    assert [(str(s), s.kind, s.rows, len(s.columns), len(s.keys)) for s in catalogue.shapes] == [
        ("public.recent", "view", None, 2, 0),
        ("public.refunds", "table", 0, 1, 1),
        ("public.sales", "table", 3, 2, 1),
        ("public.totals", "materialized view", None, 1, 0),
    ]


def test_a_partition_that_comes_or_goes_is_no_change(nightly):
    nightly.copy(
        "create table public.sales (day date) partition by range (day)",
        "create table public.sales_25 partition of public.sales for values from ('2025-01-01') to ('2026-01-01')",
        "insert into public.sales values ('2025-01-05')",
    )

    load = nightly.copy(
        "create table public.sales_26 partition of public.sales for values from ('2026-01-01') to ('2027-01-01')",
        "insert into public.sales values ('2026-01-05')",
        "drop table public.sales_25",
        policy="freeze",
    )

    assert load.drift == []


def test_only_what_is_copied_is_described(loaded):
    catalogue = loaded.catalogue("create schema other", "create table other.notes (note text)", schemas=("public",))

    assert [str(shape) for shape in catalogue.shapes] == [
        "public.actors", "public.film_actors", "public.film_category", "public.films", "public.users",
    ]  # fmt: skip


def test_the_ledger_keeps_the_catalogues_of_loads_that_are_in_place_and_no_others(loaded):
    loaded.copy()
    manifest = loaded.dump("alter table public.films add column sequel integer")

    loaded.load(manifest)

    with connect(loaded.destination) as session:
        assert ledger.catalogue_of(session, 3) == Catalogue.from_json(manifest.catalogue)
    assert loaded.query("select load_id from towpath.catalogues order by 1") == [(2,), (3,)]


def test_the_models_that_read_a_table_themselves_are_noted_under_the_names_that_readers_know(landed, tmp_path):
    landed.project = tmp_path / "project"
    for name, text in {
        "dbt_project.yml": "name: reading\nversion: '1.0'\nprofile: reading\n"
        "flags:\n  send_anonymous_usage_stats: false\n",
        "models/sources.yml": "sources:\n  - name: shop\n    schema: public\n    tables:\n      - name: films\n"
        "      - name: people\n        identifier: actors\n",
        "models/inlined.sql": "{{ config(materialized='ephemeral') }} select * from {{ source('shop', 'films') }}",
        "models/inlined_again.sql": "{{ config(materialized='ephemeral') }} select * from {{ ref('inlined') }}",
        "models/titles.sql": "{{ config(alias='Titles, all') }} select title from {{ ref('inlined_again') }}",
        "models/shouted.sql": 'select upper(title) as title from {{ ref("titles") }}',
        "models/pairs.sql": "select film_id from {{ source('shop', 'films') }}, {{ source('shop', 'people') }}",
        "models/unaware.sql": "select film_id from public.films",
        "snapshots/kept.yml": "snapshots:\n  - name: kept\n    relation: source('shop', 'films')\n"
        "    config: {unique_key: film_id, strategy: check, check_cols: [price]}\n",
    }.items():
        (landed.project / name).parent.mkdir(parents=True, exist_ok=True)
        (landed.project / name).write_text(text, encoding="utf-8")

    built = landed.build("{}")

    with connect(landed.destination) as session:
        assert ledger.readers_of(session, built.version_id) == {
            ("public", "films"): ["analytics.Titles, all", "analytics.kept", "analytics.pairs"],
            ("public", "actors"): ["analytics.pairs"],
        }


# What is told


def test_a_first_load_has_nothing_to_differ_from(nightly):
    load = nightly.copy("create table public.notes (note text)", policy="freeze")

    assert load.drift == []


def test_the_same_tables_with_other_rows_are_no_drift(loaded):
    load = loaded.copy("delete from public.users where id > 3", "vacuum full", policy="freeze")

    assert load.drift == []


CHANGES = (
    "alter table public.films add column sequel integer",
    "alter table public.films rename user_rating to stars",
    "alter table public.films alter price type integer",
    "alter table public.users drop column email",
    "alter table public.actors rename to people",
    "create table public.invoices (invoice_id bigint primary key)",
    "drop table public.film_category",
    "truncate public.film_actors",
)
WORDS = [
    "table public.film_category is gone",
    "table public.invoices is new",
    "table public.actors is named public.people now",
    "table public.film_actors had 62 rows and has none now",
    "column public.films.price was numeric(6,2) and is integer",
    "column public.films.user_rating is named stars now",
    "column public.films.sequel, integer, is new",
    "column public.users.email is gone",
    "table public.users has lost its unique key (email)",
]


def test_each_difference_is_told_in_words_in_what_the_load_says_of_itself(loaded):
    load = loaded.copy(*CHANGES)

    assert load.drift == WORDS


@pytest.fixture
def moved(loaded) -> Iterator[Nightly]:
    """The source has been moved to another database: all names are as they were, but no number means the same."""
    name = loaded.source.parameters["dbname"]
    with connect(loaded.source.named("postgres")) as session:
        session.run(f"create database {name}_moved template {name}")
        yield replace(loaded, source=loaded.source.named(f"{name}_moved"))
        session.run(f"drop database {name}_moved with (force)")


def test_a_source_that_was_moved_is_the_same_and_new_names_in_it_are_guesses(moved):
    same = found(moved, moved.dump())
    renamed = moved.dump("alter table public.films rename price to cost", "alter table public.users rename to people")

    assert same == []
    assert found(moved, renamed) == [
        "column public.films.price is gone and cost is new in its place: perhaps renamed",
        "table public.users is gone and public.people is new with the same columns: perhaps renamed",
    ]


def test_the_load_that_readers_see_is_what_the_next_is_compared_with(published, films, tools, tmp_path):
    nightly = Nightly(films, published.destination, tools, tmp_path)
    added = "column public.films.sequel, integer, is new"

    unseen = nightly.copy("alter table public.films add column sequel integer")
    again = nightly.copy()
    published.build("{version: second}")
    published.publish("{version: second}")
    seen = nightly.copy()

    assert [added in load.drift for load in (unseen, again, seen)] == [True, True, False]


def test_a_restore_that_was_killed_half_way_is_not_compared_with(loaded):
    manifest = loaded.dump("alter table public.films add column sequel integer")
    loaded.query("update towpath.loads set place = 'previous'")
    columns = "run, source, dump_digest, snapshot_at, schemas, table_count, row_count"
    loaded.query(
        f"insert into towpath.loads (state, place, {columns})"
        f" select 'restoring', 'landing', {columns} from towpath.loads"
    )

    assert found(loaded, manifest) == ["column public.films.sequel, integer, is new"]


# What is stopped


ADDED = (
    "create table public.invoices (invoice_id bigint primary key)",
    "alter table public.films add column code text unique",
    "alter table public.films alter user_rating set not null",
)


@pytest.mark.parametrize(
    ("policy", "change"), [*(("additive", change) for change in CHANGES[1:5]), ("freeze", ADDED[0])]
)
def test_a_policy_stops_before_the_landing_is_touched(loaded, policy, change):
    manifest, before = loaded.dump(change), loaded.query(LOADS)

    with pytest.raises(SchemaDrifted, match=r"public\..*nothing was changed") as raised:
        loaded.load(manifest, policy)

    assert "--restore-drift=evolve" in raised.value.hint
    assert loaded.query(LOADS) == before == [(1, "restored", "landing")]
    assert loaded.query("select count(price), count(title) from public.films") == [(20, 20)]


def test_additive_goes_on_with_what_takes_nothing_away_and_tells_it(loaded):
    loaded.copy("delete from public.films where user_rating is null")

    load = loaded.copy(*ADDED, policy="additive")

    assert load.drift == [
        "table public.invoices is new",
        "column public.films.user_rating is never null now",
        "column public.films.code, text, is new",
        "table public.films has a new unique key (code)",
    ]
    assert loaded.query("select count(*) from public.invoices") == [(0,)]


def test_a_table_that_has_no_rows_any_more_is_told_and_stops_nothing(loaded, caplog):
    load = loaded.copy("truncate public.film_category", policy="freeze")

    assert load.drift == ["table public.film_category had 39 rows and has none now"]
    assert "not as in the load before: table public.film_category had 39 rows" in caplog.text


def test_only_what_stops_is_in_the_error(loaded):
    manifest = loaded.dump("alter table public.films add column sequel integer, drop column price")

    with pytest.raises(SchemaDrifted) as raised:
        loaded.load(manifest, "additive")

    assert "column public.films.price is gone" in raised.value.message
    assert "sequel" not in raised.value.message


# A ledger of the version before


def test_a_load_of_which_no_catalogue_was_noted_is_nothing_to_differ_from_and_the_next_is(loaded):
    claims.release(loaded.destination)
    loaded.query("drop table towpath.catalogues, towpath.readers")
    manifest = loaded.dump("alter table public.films drop column price")
    asked = found(loaded, manifest)

    first = loaded.load(manifest, "freeze")
    second = loaded.copy("alter table public.films add column price integer")

    assert (asked, first.drift) == ([], [])
    assert second.drift == ["column public.films.price, integer, is new"]
