-- One row per table in the schemas of our loads and versions, with or without a passing name, that autovacuum is at
-- work on, with the seconds for which somebody has to wait until the server ends that work. Of sessions of others a
-- role sees little more than that they have a role: a worker has none.
select
    namespace.nspname::text as schema_name,
    class.relname::text as table_name,
    extract(epoch from pg_catalog.current_setting('deadlock_timeout')::interval) as deadlock_timeout_seconds
from pg_catalog.pg_locks as held
inner join pg_catalog.pg_stat_activity as activity on held.pid = activity.pid
inner join pg_catalog.pg_class as class on held.relation = class.oid
inner join pg_catalog.pg_namespace as namespace on class.relnamespace = namespace.oid
where
    held.locktype = 'relation'
    and held.granted
    and held.mode = 'ShareUpdateExclusiveLock'
    and held.database = (
        select database.oid from pg_catalog.pg_database as database
        where database.datname = pg_catalog.current_database()
    )
    and activity.usesysid is null
    and class.relkind = 'r'
    and pg_catalog.regexp_replace(namespace.nspname, '__(next|previous|dropped)$', '') in (
        select pg_catalog.unnest(loads.schemas) from towpath.loads as loads
        union all
        select pg_catalog.unnest(versions.schemas || versions.built_schemas || versions.target)
        from towpath.versions as versions
    )
    and pg_catalog.pg_has_role(class.relowner, 'usage')
order by namespace.nspname, class.relname
