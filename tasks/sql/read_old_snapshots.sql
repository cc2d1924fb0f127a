-- One row per other session of this database that is in a transaction: who it is, since when, what it does.
select
    activity.pid,
    activity.usename as role_name,
    activity.application_name,
    activity.state,
    extract(epoch from pg_catalog.clock_timestamp() - activity.xact_start)::integer as seconds
from pg_catalog.pg_stat_activity as activity
where
    activity.datname = pg_catalog.current_database()
    and activity.pid <> pg_catalog.pg_backend_pid()
    and activity.xact_start is not null
    and activity.backend_type = 'client backend'
order by activity.xact_start
