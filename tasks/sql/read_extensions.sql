-- One row per extension, but for those that every database has: its name, the schema of its members, its version.
select
    extension.extname as extension_name,
    namespace.nspname as schema_name,
    extension.extversion as version
from pg_catalog.pg_extension as extension
inner join pg_catalog.pg_namespace as namespace on extension.extnamespace = namespace.oid
where extension.extname <> 'plpgsql'
order by extension.extname
