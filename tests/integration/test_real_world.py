"""A database with one thing of each kind that real ones have, copied three times in a row."""

import contextlib
import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tasks.manifest import Manifest
from tasks.postgres import Database
from tasks.statements import with_names
from tests.conftest import DATA, _fresh, run_sql_file
from tests.integration.comparing import DEFINITIONS, RELATIONS, differences, everything
from tests.integration.copying import OPTIONS, dumped, restored

# Schemas are told by their number in a list, so that every query looks at the same ones on both sides.
SCHEMAS = ["Sales", "prêt-à-porter", 'it\'s "ours"', "extensions", "empty 100%", "public"]


@dataclass(frozen=True)
class Copied:
    """The source, its copy, and how the last dump described it."""

    source: Database
    destination: Database
    manifest: Manifest
    folder: Path


@pytest.fixture(scope="module")
def copied(servers, tools, tmp_path_factory) -> Iterator[Copied]:
    """The database after three loads, each from a dump of its own and of everything."""
    options = dataclasses.replace(OPTIONS, keeps_unchanged=False)
    fresh = contextlib.contextmanager(_fresh)
    with (
        fresh(servers["source"], "real_source") as source,
        fresh(servers["destination"], "real_destination") as destination,
    ):
        run_sql_file(source, DATA / "real_world.sql")
        manifests = []
        folder = Path()
        for run in ("first", "second", "third"):
            folder = tmp_path_factory.mktemp(run)
            manifests.append(dumped(source, folder, tools))
            restored(manifests[-1], folder, destination, tools, options)
        yield Copied(source, destination, manifests[-1], folder)


def contents(query, database: Database, kinds: list[str]) -> dict[str, tuple[Any, ...]]:
    """Rows and a digest of them, for every relation of these kinds."""
    digest = (
        "select count(*), pg_catalog.md5(pg_catalog.string_agg(x::text, chr(10) order by x::text collate \"C\")) "
        "from {} as x"
    )  # fmt: skip
    relations = query(database, RELATIONS, {"schemas": SCHEMAS, "kinds": kinds})
    return {
        f"{schema}.{name}": query(database, with_names(digest, (schema, name)))[0] for _, schema, name, _ in relations
    }


def test_every_table_arrives_with_the_same_rows(copied, query):
    at_the_source = contents(query, copied.source, ["r", "p"])

    at_the_destination = contents(query, copied.destination, ["r", "p"])

    assert len(at_the_source) > 25
    assert at_the_destination == at_the_source


@pytest.mark.parametrize(("kind", "number"), [("v", 5), ("m", 2)], ids=["views", "materialized views"])
def test_every_view_gives_the_same_answer(copied, query, kind, number):
    at_the_source = contents(query, copied.source, [kind])

    at_the_destination = contents(query, copied.destination, [kind])

    assert len(at_the_source) == number
    assert at_the_destination == at_the_source


def test_every_sequence_goes_on_where_the_source_stands(copied, query):
    at_the_source = values_of_sequences(query, copied.source)

    at_the_destination = values_of_sequences(query, copied.destination)

    assert len(at_the_source) == 6
    assert at_the_destination == at_the_source


def values_of_sequences(query, database: Database) -> dict[str, tuple[Any, ...]]:
    """Last value, and whether it was given out, for every sequence."""
    sequences = query(database, RELATIONS, {"schemas": SCHEMAS, "kinds": ["S"]})
    return {
        f"{schema}.{name}": query(database, with_names("select last_value, is_called from {}", (schema, name)))[0]
        for _, schema, name, _ in sequences
    }


@pytest.mark.parametrize("kind", list(DEFINITIONS))
def test_every_object_is_defined_as_at_the_source(copied, query, kind):
    at_the_source = query(copied.source, DEFINITIONS[kind], {"schemas": SCHEMAS})

    at_the_destination = query(copied.destination, DEFINITIONS[kind], {"schemas": SCHEMAS})

    assert at_the_source
    assert sorted(map(repr, at_the_destination)) == sorted(map(repr, at_the_source))


@pytest.mark.parametrize(
    "title",
    [
        'CAST - CAST ("Sales"."Address" AS text)',
        "EVENT TRIGGER - after_command",
        "FOREIGN DATA WRAPPER - dummy",
        "FOREIGN TABLE Sales far_away",
        "POLICY public secret own rows; 100%",
        "PUBLICATION - All articles",
        "PUBLICATION TABLE Sales All articles Article",
        "ROW SECURITY public secret",
        "SERVER - Far away",
        "USER MAPPING - USER MAPPING public SERVER Far away",
        'ACL - SCHEMA "Sales"',
        'ACL Sales TABLE "Article"',
        'ACL Sales COLUMN "Article".title',
        "ACL public FUNCTION listing(max integer)",
        "DEFAULT ACL Sales DEFAULT PRIVILEGES FOR TABLES",
        'COMMENT - SCHEMA "Sales"',
        'COMMENT public POLICY "own rows; 100%" ON secret',
    ],
)
def test_what_a_copy_into_schemas_cannot_carry_is_named(copied, title):
    named = [line for line in copied.manifest.left_out if line.startswith(title)]

    assert len(named) == 1


def test_nothing_that_is_copied_is_called_left_out(copied):
    kinds = {line.split(" ", 1)[0] for line in copied.manifest.left_out}

    assert kinds == {
        "ACL", "CAST", "COMMENT", "DEFAULT", "EVENT", "FOREIGN", "POLICY", "PUBLICATION", "ROW", "SERVER", "USER"
    }  # fmt: skip


def test_the_load_before_is_kept_whole_and_the_one_before_that_is_gone(copied, query):
    kept = contents_of_previous(query, copied.destination)
    current = {name: counted for name, (counted, _) in contents(query, copied.destination, ["r", "p"]).items()}

    places = query(copied.destination, "select load_id, state, place from towpath.loads order by load_id")

    assert kept == current
    assert places == [(1, "dropped", None), (2, "restored", "previous"), (3, "restored", "landing")]


def contents_of_previous(query, database: Database) -> dict[str, int]:
    """Rows of every table that is set aside, by the name that it had."""
    values = {"schemas": [f"{schema}__previous" for schema in SCHEMAS], "kinds": ["r", "p"]}
    return {
        f"{schema.removesuffix('__previous')}.{name}": query(
            database, with_names("select count(*) from {}", (schema, name))
        )[0][0]
        for _, schema, name, _ in query(database, RELATIONS, values)
    }


def test_no_schema_is_left_in_passing(copied, query):
    schemas = {name for (name,) in query(copied.destination, "select nspname from pg_catalog.pg_namespace")}

    strangers = {name for name in schemas if not name.startswith("pg_")} - {
        *SCHEMAS, *(f"{schema}__previous" for schema in SCHEMAS), "information_schema", "towpath"
    }  # fmt: skip

    assert strangers == set()


def test_of_all_that_did_not_change_nothing_is_loaded_again(copied, tools):
    load = restored(copied.manifest, copied.folder, copied.destination, tools)

    assert load.unchanged == load.tables
    assert differences(everything(copied.source), everything(copied.destination)) == []
