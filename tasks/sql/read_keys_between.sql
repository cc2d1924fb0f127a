-- One row per foreign key to one of these tables from another one that Towpath made: its table, its name, the name that
-- the load has noted for it. A key of a partition that comes with its parent's is none by itself.
select
    pg_catalog.format('%%I.%%I', namespace.nspname, referring.relname) as table_name,
    foreign_key.tableoid::bigint as classid,
    foreign_key.oid::bigint as objid,
    foreign_key.conname::text as key_name,
    coalesce(noted.object_name, foreign_key.conname::text) as noted_name
from pg_catalog.pg_constraint as foreign_key
inner join pg_catalog.pg_class as referring on foreign_key.conrelid = referring.oid
inner join pg_catalog.pg_namespace as namespace on referring.relnamespace = namespace.oid
left join towpath.objects as noted
    on
        foreign_key.oid::bigint = noted.objid
        and noted.classid = 'pg_catalog.pg_constraint'::regclass::oid::bigint
        and noted.load_id = %(load_id)s
where
    foreign_key.contype = 'f'
    and foreign_key.conparentid = 0
    and foreign_key.confrelid = any(%(tables)s::bigint[]::oid[])
    and foreign_key.conrelid <> all(%(tables)s::bigint[]::oid[])
    and exists (
        select 1 from towpath.objects as made
        where
            made.load_id is not null
            and made.classid = 'pg_catalog.pg_class'::regclass::oid::bigint
            and made.objid = foreign_key.conrelid::bigint
    )
order by table_name, key_name
