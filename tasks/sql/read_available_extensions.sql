-- One row per extension of a list: the version that this server has or would make, if any, and in which schema it
-- already is, if it is.
select
    wanted.extension_name,
    coalesce(installed.extversion, available.default_version) as version,
    namespace.nspname as installed_schema
from unnest(%(names)s::text[]) as wanted (extension_name)
left join pg_catalog.pg_available_extensions as available on wanted.extension_name = available.name
left join pg_catalog.pg_extension as installed on wanted.extension_name = installed.extname
left join pg_catalog.pg_namespace as namespace on installed.extnamespace = namespace.oid
