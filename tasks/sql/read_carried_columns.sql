-- One row per table that is there, of those that are named: its schema and name, the columns that a dump carries, those
-- that the destination works out anew. By name: a table that inherits may have them in another order once made anew.
select
    namespace.nspname as schema_name,
    class.relname as table_name,
    coalesce(
        pg_catalog.array_agg(attribute.attname::text order by attribute.attname)
        filter (where attribute.attgenerated = ''),
        '{}'
    ) as column_names,
    coalesce(
        pg_catalog.array_agg(attribute.attname::text order by attribute.attname)
        filter (where attribute.attgenerated <> ''),
        '{}'
    ) as generated_names
from unnest(%(schemas)s::text[], %(names)s::text[]) as wanted (schema_name, table_name)
inner join pg_catalog.pg_namespace as namespace on wanted.schema_name = namespace.nspname
inner join pg_catalog.pg_class as class
    on namespace.oid = class.relnamespace and wanted.table_name = class.relname
left join pg_catalog.pg_attribute as attribute
    on class.oid = attribute.attrelid and attribute.attnum > 0 and not attribute.attisdropped
group by namespace.nspname, class.relname
