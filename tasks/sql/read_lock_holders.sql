-- One row per lock that keeps one of these tables from being read, or will once it is granted: the table, who has it.
select
    held.relation::regclass::text as table_name,
    case
        when prepared.gid is not null
            then pg_catalog.format(
                'prepared transaction %%L of %%s, since %%s',
                prepared.gid,
                prepared.owner,
                pg_catalog.to_char(prepared.prepared, 'YYYY-MM-DD HH24:MI:SS UTC')
            )
        else pg_catalog.format(
            'session %%s (%%s, %%s, %%s, since %%s)%%s',
            activity.pid,
            activity.usename,
            coalesce(nullif(activity.application_name, ''), 'unnamed'),
            activity.state,
            pg_catalog.to_char(activity.xact_start, 'YYYY-MM-DD HH24:MI:SS UTC'),
            case
                when held.granted then ''
                else pg_catalog.format(
                    ', which itself waits for session %%s',
                    pg_catalog.array_to_string(pg_catalog.pg_blocking_pids(activity.pid), ', ')
                )
            end
        )
    end as holder
from pg_catalog.pg_locks as held
left join pg_catalog.pg_stat_activity as activity on held.pid = activity.pid
-- The locks of a prepared transaction, that on its own number among them, have one virtual number and no session.
left join pg_catalog.pg_locks as own
    on
        held.pid is null
        and own.pid is null
        and own.locktype = 'transactionid'
        and held.virtualtransaction = own.virtualtransaction
left join pg_catalog.pg_prepared_xacts as prepared on own.transactionid = prepared.transaction
where
    held.locktype = 'relation'
    and held.relation = any(%(oids)s::oid[])
    and held.mode = 'AccessExclusiveLock'
    and held.database = (
        select database.oid from pg_catalog.pg_database as database
        where database.datname = pg_catalog.current_database()
    )
    and (prepared.gid is not null or activity.pid <> pg_catalog.pg_backend_pid())
order by table_name, holder
