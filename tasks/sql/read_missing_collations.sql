-- One row per collation of a list that this server does not have for this database's encoding.
select wanted.collation_name
from unnest(%(names)s::text[]) as wanted (collation_name)
where
    not exists (
        select 1
        from pg_catalog.pg_collation as collation_entry
        where
            wanted.collation_name = collation_entry.collname
            and collation_entry.collnamespace = 'pg_catalog'::regnamespace
            and collation_entry.collencoding in (
                -1,
                (
                    select database.encoding from pg_catalog.pg_database as database
                    where database.datname = pg_catalog.current_database()
                )
            )
    )
order by wanted.collation_name
