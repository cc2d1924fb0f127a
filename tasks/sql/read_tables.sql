-- One row per table, partitioned table and sequence of the users' in this database: what a role needs to dump it.
select
    class.oid::bigint as oid,
    namespace.nspname as schema_name,
    class.relname as table_name,
    class.relkind::text as kind,
    pg_catalog.has_schema_privilege(namespace.oid, 'usage')
    and (
        pg_catalog.has_table_privilege(class.oid, 'select')
        or (class.relkind = 'S' and pg_catalog.has_sequence_privilege(class.oid, 'select'))
    ) as is_readable,
    pg_catalog.row_security_active(class.oid) as is_filtered
from pg_catalog.pg_class as class
inner join pg_catalog.pg_namespace as namespace on class.relnamespace = namespace.oid
where
    class.relkind in ('r', 'p', 'S')
    and class.relpersistence <> 't'
    and namespace.nspname <> 'information_schema'
    and namespace.nspname !~ '^pg_'
order by namespace.nspname, class.relname
