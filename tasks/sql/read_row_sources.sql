-- One row per table of a list that may have rows: the columns that a copy carries, in order, whether all of them are of
-- types that are the same in binary on every server, what tells whether its rows still read as they did, and how large
-- it is. To ask takes a lock: only of tables that are locked already.
with columns as (
    select
        attribute.attrelid,
        attribute.attnum,
        attribute.attname::text as column_name,
        attribute.atttypid = any((%(binary_types)s::regtype[])::oid[]) as is_binary_safe,
        -- A name of something shows what it is called now; what is in a composite type is not looked at.
        part.typtype in ('b', 'e') and part.typname !~ '^(reg|aclitem)' as is_lasting,
        -- A column that was dropped and added again has another number, and other values, and no row was written.
        attribute.attnum || ' ' || attribute.atttypid || ' ' || attribute.atttypmod as form
    from pg_catalog.pg_attribute as attribute
    inner join pg_catalog.pg_type as type on attribute.atttypid = type.oid
    inner join pg_catalog.pg_type as base on coalesce(nullif(type.typbasetype, 0), type.oid) = base.oid
    inner join pg_catalog.pg_type as part on coalesce(nullif(base.typelem, 0), base.oid) = part.oid
    where
        attribute.attrelid = any(%(oids)s::bigint[]::oid[])
        and attribute.attnum > 0
        and not attribute.attisdropped
        and attribute.attgenerated = ''
)

select
    class.oid::bigint as oid,
    namespace.nspname::text as schema_name,
    class.relname::text as table_name,
    coalesce(
        pg_catalog.array_agg(columns.column_name order by columns.attnum) filter (where columns.attnum is not null),
        '{}'
    ) as column_names,
    coalesce(pg_catalog.bool_and(columns.is_binary_safe), false) as is_binary_safe,
    access_method.amname = 'heap' as is_heap,
    case
        when access_method.amname = 'heap' and coalesce(pg_catalog.bool_and(columns.is_lasting), true)
            then pg_catalog.md5(coalesce(pg_catalog.string_agg(columns.form, ',' order by columns.attnum), ''))
    end as form,
    pg_catalog.pg_table_size(class.oid) as table_bytes,
    pg_catalog.pg_relation_size(class.oid) as heap_bytes,
    -- Without its maps, which come and go with every vacuum.
    coalesce(pg_catalog.pg_relation_size(class.reltoastrelid), 0) as toast_bytes,
    pg_catalog.current_setting('block_size')::integer as block_bytes
from pg_catalog.pg_class as class
inner join pg_catalog.pg_namespace as namespace on class.relnamespace = namespace.oid
inner join pg_catalog.pg_am as access_method on class.relam = access_method.oid
left join columns on class.oid = columns.attrelid
where
    class.oid = any(%(oids)s::bigint[]::oid[])
    and class.relkind = 'r'
    -- Other ways to keep rows may keep them elsewhere.
    and (access_method.amname <> 'heap' or pg_catalog.pg_relation_size(class.oid) > 0)
group by class.oid, class.reltoastrelid, namespace.nspname, class.relname, access_method.amname
order by namespace.nspname, class.relname
