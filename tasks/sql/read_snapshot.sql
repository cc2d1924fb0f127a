-- One row: what identifies the database, and the point in its history that this snapshot shows.
select
    pg_catalog.pg_export_snapshot() as snapshot,
    pg_catalog.to_char(pg_catalog.clock_timestamp(), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as snapshot_at,
    case
        when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_replay_lsn()
        else pg_catalog.pg_current_wal_lsn()
    end::text as lsn,
    control.system_identifier::text as system_identifier,
    database.oid::bigint as database_oid,
    (select count(*) from pg_catalog.pg_largeobject_metadata) as large_objects
from pg_catalog.pg_control_system() as control
cross join pg_catalog.pg_database as database
where database.datname = pg_catalog.current_database()
