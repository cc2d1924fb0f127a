-- One row per other session of this database that is in a transaction, and per prepared transaction, which has no
-- session: who it is, since when, what it does.
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
union all
select
    null as pid,
    prepared.owner,
    prepared.gid,
    'prepared' as state,
    extract(epoch from pg_catalog.clock_timestamp() - prepared.prepared)::integer as seconds
from pg_catalog.pg_prepared_xacts as prepared
where prepared.database = pg_catalog.current_database()
order by seconds desc
