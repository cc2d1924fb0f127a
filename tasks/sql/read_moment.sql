-- One row: which server this is since when, on which timeline, how far its log is written, and which transactions this
-- transaction's snapshot may see.
select
    pg_catalog.pg_postmaster_start_time()::text as started_at,
    control.timeline_id as timeline,
    case
        when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_replay_lsn()
        else pg_catalog.pg_current_wal_insert_lsn()
    end::text as lsn,
    pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())::text::bigint as xmin,
    pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text::bigint as xmax
from pg_catalog.pg_control_checkpoint() as control
