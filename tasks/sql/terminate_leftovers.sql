-- One row per session that an earlier, killed run has left at work in this database, told to end.
select
    activity.pid,
    pg_catalog.pg_terminate_backend(activity.pid) as is_told
from pg_catalog.pg_stat_activity as activity
where
    activity.datname = pg_catalog.current_database()
    and activity.pid <> pg_catalog.pg_backend_pid()
    and activity.usename = current_user
    and activity.application_name like 'towpath %'
