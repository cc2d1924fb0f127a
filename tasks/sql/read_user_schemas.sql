-- One row per schema that is neither the system's nor the ledger's.
select namespace.nspname as schema_name
from pg_catalog.pg_namespace as namespace
where
    namespace.nspname !~ '^pg_'
    and namespace.nspname not in ('information_schema', 'towpath')
order by namespace.nspname
