-- One row per load that is in place and version built on it (a load without one has one row): where, in what state.
with missing as (
    select
        objects.load_id,
        objects.version_id
    from towpath.objects
    left join pg_catalog.pg_class as class on objects.objid = class.oid
    where
        -- Parts have no identity: an index that was made anew by REINDEX CONCURRENTLY has another number.
        objects.identity is not null
        and objects.classid = 'pg_catalog.pg_class'::regclass::oid::bigint
        and class.oid is null
)

select
    loads.load_id,
    loads.run,
    loads.source,
    loads.dump_digest,
    pg_catalog.to_char(loads.snapshot_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as snapshot_at,
    loads.place,
    loads.state as load_state,
    loads.schemas as load_schemas,
    -- Tables dropped by hand, or a database that came from a backup: then the load is not held.
    not exists (
        select 1 from missing
        where missing.load_id = loads.load_id
    ) as is_load_whole,
    coalesce(versions.version_id, 0) as version_id,
    versions.dbt_digest,
    coalesce(versions.target, '') as target,
    versions.state as version_state,
    coalesce(versions.schemas, '{}') as version_schemas,
    coalesce(versions.built_schemas, '{}') as built_schemas,
    coalesce(versions.stateful, '{}') as stateful,
    coalesce(versions.in_place, '{}') as in_place,
    not exists (
        select 1 from missing
        where missing.version_id = versions.version_id
    ) as is_version_whole
from towpath.loads
left join towpath.versions on loads.load_id = versions.load_id and versions.state <> 'dropped'
where loads.place is not null
order by loads.load_id, versions.version_id
