-- One row: how many rows a table has, and how many of them were written by transactions that an earlier snapshot may
-- not have seen. To be asked under the later one; `since` is pg_snapshot_xmin of the earlier, `until` pg_snapshot_xmax
-- of the later, less than 2^31 apart. A row shows 32 bits of its transaction's number.
with bounds as (
    select
        pg_catalog.mod(%(since)s::bigint, 4294967296) as since,
        %(until)s::bigint - %(since)s::bigint as width
)

select
    count(*) as row_count,
    count(*) filter (
        where pg_catalog.mod(writer.number - bounds.since + 4294967296, 4294967296) < bounds.width
    ) as written_count
from (
    select own_rows.xmin::text::bigint as number
    from {own_rows} as own_rows
) as writer
cross join bounds
