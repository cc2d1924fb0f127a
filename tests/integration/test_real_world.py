"""A database with one thing of each kind that real ones have, copied three times in a row."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tasks.manifest import Manifest
from tasks.postgres import Database
from tasks.statements import with_names
from tests.conftest import DATA, _fresh, run_sql_file
from tests.integration.copying import dumped, restored

# Schemas are told by their number in a list, so that every query looks at the same ones on both sides.
SCHEMAS = ["Sales", "prêt-à-porter", 'it\'s "ours"', "extensions", "empty 100%", "public"]

# One row per relation of the users'; extensions' members come with their extension.
RELATIONS = """
    select class.oid, namespace.nspname, class.relname, class.relkind
    from pg_catalog.pg_class as class
    inner join pg_catalog.pg_namespace as namespace on class.relnamespace = namespace.oid
    where
        namespace.nspname = any(%(schemas)s)
        and class.relkind = any(%(kinds)s)
        and not exists (
            select from pg_catalog.pg_depend
            where classid = 'pg_catalog.pg_class'::regclass and objid = class.oid and deptype = 'e'
        )
    order by namespace.nspname, class.relname
"""

OURS = """
    namespace.nspname = any(%(schemas)s)
    and not exists (select from pg_catalog.pg_depend where classid = x.tableoid and objid = x.oid and deptype = 'e')
"""

# What a kind of object is defined by, in words of the server's own where it has them.
DEFINITIONS = {
    "schemas": "select nspname from pg_catalog.pg_namespace where nspname = any(%(schemas)s)",
    "extensions": """
        select extname, extnamespace::regnamespace::text, extversion from pg_catalog.pg_extension""",
    "relations": f"""
        select
            x.oid::regclass::text, x.relkind, x.relpersistence, x.reloptions, x.relreplident, x.relispartition,
            pg_catalog.pg_get_expr(x.relpartbound, x.oid), x.reloftype::regtype::text,
            case when x.relkind = 'p' then pg_catalog.pg_get_partkeydef(x.oid) end
        from pg_catalog.pg_class as x
        inner join pg_catalog.pg_namespace as namespace on x.relnamespace = namespace.oid
        where x.relkind <> 'f' and {OURS}""",
    "columns": f"""
        select
            x.oid::regclass::text, row_number() over (partition by x.oid order by attnum), attname,
            pg_catalog.format_type(atttypid, atttypmod), attnotnull, attidentity, attgenerated, attstorage,
            attstattarget, attcollation::regcollation::text, attislocal, attinhcount,
            pg_catalog.pg_get_expr(adbin, adrelid)
        from pg_catalog.pg_class as x
        inner join pg_catalog.pg_namespace as namespace on x.relnamespace = namespace.oid
        inner join pg_catalog.pg_attribute on attrelid = x.oid
        left join pg_catalog.pg_attrdef on adrelid = x.oid and adnum = attnum
        where x.relkind not in ('f', 'i', 'I') and attnum > 0 and not attisdropped and {OURS}""",
    "inheritance": f"""
        select inhrelid::regclass::text, inhparent::regclass::text, inhseqno
        from pg_catalog.pg_inherits
        inner join pg_catalog.pg_class as x on inhrelid = x.oid
        inner join pg_catalog.pg_namespace as namespace on x.relnamespace = namespace.oid
        where {OURS}""",
    "constraints": f"""
        select
            conrelid::regclass::text, contypid::regtype::text, conname, pg_catalog.pg_get_constraintdef(x.oid),
            convalidated, conislocal,
            contype = 'c' and connoinherit
        from pg_catalog.pg_constraint as x
        inner join pg_catalog.pg_namespace as namespace on connamespace = namespace.oid
        where {OURS}""",
    "indexes": f"""
        select pg_catalog.pg_get_indexdef(x.oid), indisclustered, indisreplident, indisvalid
        from pg_catalog.pg_index
        inner join pg_catalog.pg_class as x on indexrelid = x.oid
        inner join pg_catalog.pg_namespace as namespace on x.relnamespace = namespace.oid
        where {OURS}""",
    "triggers": f"""
        select pg_catalog.pg_get_triggerdef(x.oid), tgenabled, tgparentid <> 0
        from pg_catalog.pg_trigger as x
        inner join pg_catalog.pg_class on tgrelid = pg_class.oid
        inner join pg_catalog.pg_namespace as namespace on relnamespace = namespace.oid
        where not tgisinternal and {OURS}""",
    "views and rules": f"""
        select pg_catalog.pg_get_ruledef(x.oid), ev_enabled, pg_class.reloptions
        from pg_catalog.pg_rewrite as x
        inner join pg_catalog.pg_class on ev_class = pg_class.oid
        inner join pg_catalog.pg_namespace as namespace on relnamespace = namespace.oid
        where {OURS}""",
    "functions": f"""
        select pg_catalog.pg_get_functiondef(x.oid)
        from pg_catalog.pg_proc as x
        inner join pg_catalog.pg_namespace as namespace on pronamespace = namespace.oid
        where prokind <> 'a' and {OURS}""",
    "aggregates": f"""
        select
            x.oid::regprocedure::text, aggkind, aggtransfn::regprocedure::text, aggfinalfn::regproc::text,
            aggtranstype::regtype::text, agginitval
        from pg_catalog.pg_proc as x
        inner join pg_catalog.pg_aggregate on aggfnoid = x.oid
        inner join pg_catalog.pg_namespace as namespace on pronamespace = namespace.oid
        where {OURS}""",
    "types": f"""
        select
            x.oid::regtype::text, typtype, typdefault, typnotnull, pg_catalog.format_type(typbasetype, typtypmod),
            (
                select pg_catalog.array_agg(enumlabel order by enumsortorder)
                from pg_catalog.pg_enum where enumtypid = x.oid
            ),
            (
                select (rngsubtype::regtype::text, rngsubdiff::regproc::text, rngmultitypid::regtype::text)::text
                from pg_catalog.pg_range where rngtypid = x.oid
            )
        from pg_catalog.pg_type as x
        inner join pg_catalog.pg_namespace as namespace on typnamespace = namespace.oid
        where
            typrelid not in (select oid from pg_catalog.pg_class where relkind = 'f')
            and typelem not in (
                select t.oid from pg_catalog.pg_type as t inner join pg_catalog.pg_class on typrelid = pg_class.oid
                where relkind = 'f'
            )
            and {OURS}""",
    "operators": f"""
        select x.oid::regoperator::text, oprcode::regprocedure::text, oprcom::regoper::text
        from pg_catalog.pg_operator as x
        inner join pg_catalog.pg_namespace as namespace on oprnamespace = namespace.oid
        where {OURS}""",
    "operator classes": f"""
        select opcname, namespace.nspname, opfname, opfnamespace::regnamespace::text, opcintype::regtype::text, (
            select pg_catalog.array_agg(amopopr::regoperator::text order by amopstrategy)
            from pg_catalog.pg_amop where amopfamily = opcfamily
        ), (
            select pg_catalog.array_agg(amproc::regprocedure::text order by amprocnum)
            from pg_catalog.pg_amproc where amprocfamily = opcfamily
        )
        from pg_catalog.pg_opclass as x
        inner join pg_catalog.pg_opfamily on opcfamily = pg_opfamily.oid
        inner join pg_catalog.pg_namespace as namespace on opcnamespace = namespace.oid
        where {OURS}""",
    "collations": f"""
        select collname, namespace.nspname, collprovider, collcollate
        from pg_catalog.pg_collation as x
        inner join pg_catalog.pg_namespace as namespace on collnamespace = namespace.oid
        where {OURS}""",
    "text search": f"""
        select cfgname, namespace.nspname, (
            select pg_catalog.array_agg((maptokentype, mapdict::regdictionary)::text order by maptokentype, mapseqno)
            from pg_catalog.pg_ts_config_map where mapcfg = x.oid
        )
        from pg_catalog.pg_ts_config as x
        inner join pg_catalog.pg_namespace as namespace on cfgnamespace = namespace.oid
        where {OURS}
        union all
        select dictname, namespace.nspname, array[dictinitoption]
        from pg_catalog.pg_ts_dict as x
        inner join pg_catalog.pg_namespace as namespace on dictnamespace = namespace.oid
        where {OURS}""",
    "statistics": f"""
        select pg_catalog.pg_get_statisticsobjdef(x.oid)
        from pg_catalog.pg_statistic_ext as x
        inner join pg_catalog.pg_namespace as namespace on stxnamespace = namespace.oid
        where {OURS}""",
    "sequences": f"""
        select
            x.oid::regclass::text, seqtypid::regtype::text, seqstart, seqincrement, seqmax, seqmin, seqcache, seqcycle,
            (
                select (refobjid::regclass::text, refobjsubid > 0, deptype)::text
                from pg_catalog.pg_depend where objid = x.oid and deptype in ('a', 'i') and refobjsubid > 0
            )
        from pg_catalog.pg_sequence
        inner join pg_catalog.pg_class as x on seqrelid = x.oid
        inner join pg_catalog.pg_namespace as namespace on relnamespace = namespace.oid
        where {OURS}""",
    # Comments on schemas and policies are left out, by name.
    "comments": """
        select object.type, object.identity, description
        from pg_catalog.pg_description
        cross join lateral pg_catalog.pg_identify_object(classoid, objoid, objsubid) as object
        where
            objoid >= 16384
            and object.type not in ('schema', 'policy')
            and object.identity !~ '__previous|^towpath|^pg_'
            and not exists (
                select from pg_catalog.pg_depend
                where pg_depend.classid = classoid and pg_depend.objid = objoid and deptype = 'e'
            )""",
}


@dataclass(frozen=True)
class Copied:
    """The source, its copy, and how the last dump described it."""

    source: Database
    destination: Database
    manifest: Manifest


@pytest.fixture(scope="module")
def copied(servers, tools, tmp_path_factory) -> Iterator[Copied]:
    """The database after three loads, each from a dump of its own."""
    fresh = contextlib.contextmanager(_fresh)
    with (
        fresh(servers["source"], "real_source") as source,
        fresh(servers["destination"], "real_destination") as destination,
    ):
        run_sql_file(source, DATA / "real_world.sql")
        manifests = []
        for run in ("first", "second", "third"):
            folder = tmp_path_factory.mktemp(run)
            manifests.append(dumped(source, folder, tools))
            restored(manifests[-1], folder, destination, tools)
        yield Copied(source, destination, manifests[-1])


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
