"""Source and destination that are unlike each other, or unlike a fresh server: encodings, versions, settings."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tasks import embedded
from tasks.errors import DumpFailed
from tasks.postgres import Database, connect
from tasks.tools import choose_tools
from tests.conftest import DATA, run_sql_file
from tests.integration.comparing import contents, differences
from tests.integration.copying import copied, dumped

CASES = DATA / "special_cases"


def run(database: Database, *statements: str) -> None:
    """What somebody does who is not Towpath."""
    with connect(database) as session:
        for statement in statements:
            session.run(statement)


@pytest.fixture
def encoded(servers) -> Iterator[Callable[[str], Database]]:
    """Make a source in an encoding: `encoded("LATIN1")`."""
    server = Database.from_uri(servers["source"], application_name="pytest")
    with ExitStack() as made:

        def make(encoding: str) -> Database:
            name = f"in_{encoding.lower()}"
            run(server, f"create database {name} template template0 encoding '{encoding}' locale 'C'")
            made.callback(run, server, f"drop database {name} with (force)")
            return server.named(name)

        yield make


# Text in everything that may hold it, names included.
TEXTS = """
create schema "Größen";
create extension hstore schema public;
create type "Größen"."Maß" as enum ('groß', 'klein');
create domain "Größen".wort as text check (value <> 'ärger');
create type "Größen"."Paar" as ("schlüssel" text, "maß" "Größen"."Maß");
create table "Größen"."Übersicht" (
    "Zähler" integer generated always as identity, "Wörter" text, "Namen" name, fest character(7), reihe text[],
    json json, jsonb jsonb, worte tsvector, frage tsquery, maß "Größen"."Maß", maße "Größen"."Maß"[],
    wort "Größen".wort, paar "Größen"."Paar", notiz public.hstore, pfad jsonpath, "letter" "char", roh bytea
);
insert into "Größen"."Übersicht"
    ("Wörter", "Namen", fest, reihe, json, jsonb, worte, frage, maß, maße, wort, paar, notiz, pfad, "letter", roh)
values (
    'naïve Straße', 'Müller', 'fest', '{é,NULL,"ü ö"}', '{"ä": "ö"}', '{"ä": "ö"}', 'straße:1', 'straße & é', 'groß',
    '{groß,klein}', 'schön', ('ß', 'groß'), 'ä=>ö', '$."ä"', E'\\\\303', '\\xe9'
), ('', '', '', '{}', '{}', '""', '', 'a', 'klein', '{}', '', (null, null), '', '$', 'e', '');
create table "Größen".ümläut_kind ("Wörter" text) inherits ("Größen"."Übersicht");
insert into "Größen".ümläut_kind ("Zähler", "Wörter", fest) values (7, 'geerbt', 'kurz');
create index "nach Größe" on "Größen"."Übersicht" ("Wörter") where "Wörter" <> 'ärger';
create view "Größen"."Häufig" as select "Wörter" || 'ß' as "ß" from "Größen"."Übersicht";
comment on table "Größen"."Übersicht" is 'für alle';
"""


@pytest.mark.parametrize("encoding", ["LATIN1", "WIN1252", "EUC_JIS_2004", "SQL_ASCII"])
def test_text_and_names_of_another_encoding_arrive(encoded, destination, tools, tmp_path, encoding):
    source = encoded(encoding)
    run(source, TEXTS)

    copied(source, destination, tools, tmp_path)

    assert "\n".join(differences(contents(source), contents(destination))) == ""


def test_bytes_that_are_no_text_to_anybody_else_are_told_by_table(encoded, tools, tmp_path):
    source = encoded("SQL_ASCII")
    run(source, "create table public.words (word text)", "insert into public.words values (E'stra\\xdfe')")

    with pytest.raises(DumpFailed, match=r"words.*invalid byte sequence"):
        dumped(source, tmp_path, tools)

    assert list(tmp_path.iterdir()) == []


BENDING = {
    "array_nulls": "off",
    "backslash_quote": "off",
    "bytea_output": "escape",
    "check_function_bodies": "on",
    "client_encoding": "'LATIN1'",
    "datestyle": "'SQL, DMY'",
    "default_toast_compression": "pglz",
    "extra_float_digits": "-15",
    "intervalstyle": "sql_standard",
    "lc_monetary": "'C'",
    "quote_all_identifiers": "on",
    "row_security": "on",
    "search_path": "nowhere",
    "standard_conforming_strings": "off",
    "synchronize_seqscans": "on",
    "timezone": "'Asia/Kathmandu'",
    "transform_null_equals": "on",
    "vacuum_freeze_min_age": "0",
    "xmloption": "document",
}


@pytest.mark.parametrize("case", ["types", "texts"])
@pytest.mark.parametrize("side", ["source", "destination"])
def test_settings_of_a_database_bend_no_value(source, destination, tools, tmp_path, case, side):
    run_sql_file(source, CASES / f"{case}.sql")
    straight = contents(source)
    bent = {"source": source, "destination": destination}[side]
    name = bent.parameters["dbname"]
    run(bent, *(f"alter database {name} set {setting} = {value}" for setting, value in BENDING.items()))

    copied(source, destination, tools, tmp_path)

    run(bent, f"alter database {name} reset all")
    assert "\n".join(differences(straight, contents(destination))) == ""


def test_a_source_that_is_set_to_read_only_is_copied(source, destination, tools, tmp_path):
    run_sql_file(source, CASES / "sequences.sql")
    name = source.parameters["dbname"]
    run(source, f"alter database {name} set default_transaction_read_only = on")

    copied(source, destination, tools, tmp_path)

    run(Database(parameters={**source.parameters, "dbname": "postgres"}), f"alter database {name} reset all")
    assert "\n".join(differences(contents(source), contents(destination))) == ""


# What psql would do first, and what libpq would ask for, were they let.
PSQLRC = """
\\set ON_ERROR_ROLLBACK on
\\set AUTOCOMMIT off
\\set SINGLELINE on
\\set ECHO all
\\pset null 'nothing'
\\pset format html
\\timing on
\\encoding LATIN1
\\o /dev/null
set search_path = nowhere;
"""


def test_what_a_user_has_set_for_psql_bends_no_value(source, destination, tools, tmp_path, monkeypatch):
    file = tmp_path / "psqlrc"
    file.write_text(PSQLRC)
    run_sql_file(source, CASES / "texts.sql")
    monkeypatch.setenv("PSQLRC", str(file))
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    monkeypatch.setenv("PGDATESTYLE", "SQL, DMY")
    monkeypatch.setenv("PGOPTIONS", "-c bytea_output=escape -c statement_timeout=1h")
    monkeypatch.setenv("LC_ALL", "C")

    copied(source, destination, tools, tmp_path / "run")

    assert "\n".join(differences(contents(source), contents(destination))) == ""


@pytest.mark.parametrize(
    "case", sorted(path.stem for path in CASES.glob("*.sql") if path.stem not in ("newer_servers", "parts"))
)
def test_special_cases_of_an_older_server_arrive(server_15, destination, tools, tmp_path, case):
    server = server_15.database("postgres")
    run(server, f"create database {case} template template0")
    source = server_15.database(case)
    run_sql_file(source, CASES / f"{case}.sql")
    of_15 = choose_tools("", embedded.binaries(), source_major=15, destination_major=18)

    copied(source, destination, of_15, tmp_path)

    assert "\n".join(differences(contents(source), contents(destination))) == ""
