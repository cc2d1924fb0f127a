-- One row per column of a table that a copy must be given, in order: its name, its type as it is called now, and
-- whether that type belongs to a load that is set aside.
select
    attribute.attname as column_name,
    pg_catalog.format_type(attribute.atttypid, attribute.atttypmod) as type_name,
    namespace.nspname = any(%(set_aside)s) as is_set_aside
from pg_catalog.pg_attribute as attribute
inner join pg_catalog.pg_type as type on attribute.atttypid = type.oid
inner join pg_catalog.pg_namespace as namespace on type.typnamespace = namespace.oid
where
    attribute.attrelid = pg_catalog.to_regclass(%(table)s)
    and attribute.attnum > 0
    and not attribute.attisdropped
    and attribute.attgenerated = ''
order by attribute.attnum
