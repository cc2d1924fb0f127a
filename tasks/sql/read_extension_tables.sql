-- One row per table or sequence of an extension's own whose contents are the users', with the condition that tells
-- which rows are.
select
    extension.extname as extension_name,
    namespace.nspname::text as schema_name,
    class.relname::text as table_name,
    class.relkind = 'S' as is_sequence,
    coalesce(extension.extcondition[config.number], '') as condition
from pg_catalog.pg_extension as extension
cross join lateral unnest(extension.extconfig) with ordinality as config (oid, number)
inner join pg_catalog.pg_class as class on config.oid = class.oid
inner join pg_catalog.pg_namespace as namespace on class.relnamespace = namespace.oid
where class.relkind in ('r', 'S')
order by namespace.nspname, class.relname
