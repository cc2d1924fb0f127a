-- One row: how many rows a table has, and a digest of them, in any order.
select
    count(*) as row_count,
    coalesce(sum(hash_record_extended(one, 0)), 0)::text as digest
from {table} as one;
