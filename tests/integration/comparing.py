"""What two databases hold of some schemas, to be compared: rows, values of sequences, definitions."""

from collections import Counter
from typing import Any

from tasks.postgres import Database, Session, connect
from tasks.statements import quoted

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

USERS_SCHEMAS = """
    select nspname::text from pg_catalog.pg_namespace
    where nspname !~ '^pg_|__previous$' and nspname not in ('information_schema', 'towpath') order by 1
"""

# By name: whoever inherits may have its columns in another order once it is made anew.
COLUMNS = """
    select attname::text from pg_catalog.pg_attribute
    where attrelid = %s and attnum > 0 and not attisdropped order by attname
"""


def contents(database: Database) -> dict[str, list[Any]]:
    """What each relation of the users' holds."""
    with connect(database) as session:
        wanted = {"schemas": _schemas(session), "kinds": ["r", "p", "m", "v", "S"]}
        return {
            f"{schema}.{name}": _held(session, oid, f"{quoted(schema)}.{quoted(name)}", kind)
            for oid, schema, name, kind in session.all(RELATIONS, wanted)
        }


def everything(database: Database) -> dict[str, list[Any]]:
    """All that a copy carries: the contents of the users' schemas, and what each object in them is."""
    with connect(database) as session:
        wanted = {"schemas": _schemas(session)}
        definitions = {kind: session.all(query, wanted) for kind, query in DEFINITIONS.items()}
    # But for the position in the table.
    definitions["columns"] = [(name, *rest) for name, _, *rest in definitions["columns"]]
    return {**contents(database), **{kind: list(map(repr, rows)) for kind, rows in definitions.items()}}


def _schemas(session: Session) -> list[str]:
    return [name for (name,) in session.all(USERS_SCHEMAS)]


def _held(session: Session, oid: int, name: str, kind: str) -> list[tuple[Any, ...]]:
    """Every row, as text; of a sequence its state, and which values it gives next."""
    if kind == "S":
        state = session.all(f"select last_value, is_called from {name}")
        return [*state, *session.all("select pg_catalog.nextval(%s) from pg_catalog.generate_series(1, 3)", [name])]
    if kind == "m" and not session.value("select relispopulated from pg_catalog.pg_class where oid = %s", [oid]):
        return [("not populated",)]
    columns = ", ".join(quoted(column) for (column,) in session.all(COLUMNS, [oid]))
    own = "only " if kind == "r" else ""
    return sorted(session.all(f"select row({columns})::text from {own}{name}"))


def differences(one: dict[str, list[Any]], other: dict[str, list[Any]]) -> list[str]:
    """Say what only one of two databases has, in a line for each row or object."""
    return [
        f"{name}, {side}: {str(row)[:300]}"
        for name in sorted(one.keys() | other.keys())
        for side, here, there in (("only here", one, other), ("only there", other, one))
        for row in _without(here.get(name, []), there.get(name, []))
    ]


def _without(rows: list[Any], others: list[Any]) -> list[Any]:
    # A row may be there twice. The order matters to a sequence's values only.
    return list((Counter(rows) - Counter(others)).elements())
