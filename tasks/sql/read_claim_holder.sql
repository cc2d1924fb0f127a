-- One row per session that holds the claim on this database: its name tells the run.
select
    activity.application_name,
    activity.pid,
    coalesce(activity.client_addr::text, 'this machine') as client
from pg_catalog.pg_locks as held
inner join pg_catalog.pg_stat_activity as activity on held.pid = activity.pid
inner join pg_catalog.pg_database as database on held.database = database.oid
where
    held.locktype = 'advisory'
    and held.granted
    and database.datname = pg_catalog.current_database()
    and ((held.classid::bigint << 32) | held.objid::bigint) = %(claim)s
