-- One row per partitioned table of a list whose rows belong to other partitions on another server: a hash of an enum is
-- one of the number that its value has there.
select
    namespace.nspname::text as schema_name,
    class.relname::text as table_name
from pg_catalog.pg_partitioned_table as partitioned
inner join pg_catalog.pg_class as class on partitioned.partrelid = class.oid
inner join pg_catalog.pg_namespace as namespace on class.relnamespace = namespace.oid
where
    partitioned.partrelid = any(%(oids)s::bigint[]::oid[])
    and partitioned.partstrat = 'h'
    and exists (
        select 1
        from pg_catalog.pg_opclass as operator_class
        where
            operator_class.oid = any(partitioned.partclass::oid[])
            and operator_class.opcintype = 'pg_catalog.anyenum'::regtype
    )
order by namespace.nspname, class.relname
