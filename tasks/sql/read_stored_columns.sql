-- One row per table that is there, of those that are named: its schema, its name, its columns in order of their names.
select
    namespace.nspname as schema_name,
    class.relname as table_name,
    array(
        select attribute.attname::text
        from pg_catalog.pg_attribute as attribute
        where
            attribute.attrelid = class.oid
            and attribute.attnum > 0
            and not attribute.attisdropped
            -- A virtual column holds nothing: it is worked out, and may fail, whenever it is read.
            and attribute.attgenerated <> 'v'
        -- By name: a table that inherits may have them in another order once it is made anew.
        order by attribute.attname
    ) as column_names
from unnest(%(schemas)s::text[], %(names)s::text[]) as wanted (schema_name, table_name)
inner join pg_catalog.pg_namespace as namespace on wanted.schema_name = namespace.nspname
inner join pg_catalog.pg_class as class
    on namespace.oid = class.relnamespace and wanted.table_name = class.relname
