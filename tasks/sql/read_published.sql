-- One row at most: the version that readers see, with the load that it was built on; times are ISO 8601 in UTC.
select
    loads.load_id,
    loads.run,
    loads.source,
    pg_catalog.to_char(loads.snapshot_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"') as snapshot_at,
    pg_catalog.to_char(versions.published_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"') as published_at
from towpath.versions
inner join towpath.loads on versions.load_id = loads.load_id
where versions.state = 'published'
order by versions.version_id desc
limit 1
