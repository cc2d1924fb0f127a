-- One row: a number of no account, how many rows there are (of a table `only`, without its children), and a digest of
-- them, in any order.
select
    0 as number,
    count(*) as row_count,
    -- A sum, because two equal rows would cancel each other out in an exclusive or. As UTF-8, because a source may have
    -- another encoding. By way of an array, because it is what hashes a bytea to 64 bits before PostgreSQL 18.
    coalesce(
        sum(pg_catalog.hash_array_extended(array[pg_catalog.convert_to(row({columns})::text, 'UTF8')], 0)), 0
    )::text as digest
from {own_rows}
