-- One row per sequence of a list: its schema and name.
select
    class.oid::bigint as oid,
    namespace.nspname::text as schema_name,
    class.relname::text as sequence_name
from pg_catalog.pg_class as class
inner join pg_catalog.pg_namespace as namespace on class.relnamespace = namespace.oid
where class.oid = any(%(oids)s::bigint[]::oid[]) and class.relkind = 'S'
order by namespace.nspname, class.relname
