-- One row: whether the disk has what was committed up to a point of the log, at which the log was at a given time.
-- A server that does not wait for its disk never knows.
select
    case
        when pg_catalog.current_setting('fsync') = 'off' then false
        when pg_catalog.pg_is_in_recovery() then true
        else
            pg_catalog.pg_current_wal_flush_lsn() >= %s::pg_lsn
            or pg_catalog.clock_timestamp() - %s::timestamptz
            > 4 * pg_catalog.current_setting('wal_writer_delay')::interval
    end as is_durable
