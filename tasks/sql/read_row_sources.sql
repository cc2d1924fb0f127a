-- One row per table of a list that may have rows: the columns that a copy carries, in order, whether all of them are of
-- types that are the same in binary on every server, and how large it is. To ask takes a lock: only of tables that are
-- locked already.
select
    class.oid::bigint as oid,
    namespace.nspname::text as schema_name,
    class.relname::text as table_name,
    coalesce(
        pg_catalog.array_agg(attribute.attname::text order by attribute.attnum)
        filter (where attribute.attname is not null),
        '{}'
    ) as column_names,
    coalesce(
        pg_catalog.bool_and(attribute.atttypid = any((%(binary_types)s::regtype[])::oid[])), false
    ) as is_binary_safe,
    access_method.amname = 'heap' as is_heap,
    pg_catalog.pg_relation_size(class.oid) as heap_bytes,
    pg_catalog.pg_table_size(class.oid) as table_bytes,
    pg_catalog.current_setting('block_size')::integer as block_bytes
from pg_catalog.pg_class as class
inner join pg_catalog.pg_namespace as namespace on class.relnamespace = namespace.oid
inner join pg_catalog.pg_am as access_method on class.relam = access_method.oid
left join pg_catalog.pg_attribute as attribute
    on
        class.oid = attribute.attrelid
        and attribute.attnum > 0
        and not attribute.attisdropped
        and attribute.attgenerated = ''
where
    class.oid = any(%(oids)s::bigint[]::oid[])
    and class.relkind = 'r'
    and pg_catalog.pg_relation_size(class.oid) > 0
group by class.oid, namespace.nspname, class.relname, access_method.amname
order by namespace.nspname, class.relname
