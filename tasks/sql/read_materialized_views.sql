-- One row per materialized view of a list: its name, whether it is filled, and those of the list that it reads, in any
-- way.
with recursive readers as (
    select distinct
        rule.ev_class as reader_oid,
        dependency.refobjid as read_oid
    from pg_catalog.pg_rewrite as rule
    inner join pg_catalog.pg_depend as dependency
        on
            dependency.classid = 'pg_catalog.pg_rewrite'::regclass
            and rule.oid = dependency.objid
            and dependency.refclassid = 'pg_catalog.pg_class'::regclass
            and rule.ev_class <> dependency.refobjid
),

reads as (
    select
        class.oid as view_oid,
        readers.read_oid
    from pg_catalog.pg_class as class
    inner join readers on class.oid = readers.reader_oid
    where class.oid = any(%(oids)s::bigint[]::oid[])
    union
    select
        reads.view_oid,
        readers.read_oid
    from reads
    inner join readers on reads.read_oid = readers.reader_oid
)

select
    class.oid::bigint as oid,
    namespace.nspname::text as schema_name,
    class.relname::text as view_name,
    class.relispopulated as is_filled,
    coalesce(
        (
            select pg_catalog.array_agg(reads.read_oid::bigint)
            from reads
            where reads.view_oid = class.oid and reads.read_oid = any(%(oids)s::bigint[]::oid[])
        ),
        '{}'
    ) as read_oids
from pg_catalog.pg_class as class
inner join pg_catalog.pg_namespace as namespace on class.relnamespace = namespace.oid
where class.oid = any(%(oids)s::bigint[]::oid[]) and class.relkind = 'm'
order by namespace.nspname, class.relname
