-- One row per session that keeps one of these tables from being read: the table, the session, what it does.
select
    held.relation::regclass::text as table_name,
    activity.pid,
    activity.usename as role_name,
    activity.application_name,
    activity.state
from pg_catalog.pg_locks as held
inner join pg_catalog.pg_stat_activity as activity on held.pid = activity.pid
where
    held.relation = any(%(oids)s::oid[])
    and held.mode = 'AccessExclusiveLock'
    and held.database = (
        select database.oid from pg_catalog.pg_database as database
        where database.datname = pg_catalog.current_database()
    )
    and activity.pid <> pg_catalog.pg_backend_pid()
