-- One row per collation that comes with the server and that an object of a list names: the collation, such an object.
select
    collation_entry.collname as collation_name,
    min(object.identity) as named_by
from unnest(%(classids)s::bigint[], %(oids)s::bigint[]) as wanted (classid, objid)
inner join pg_catalog.pg_depend as dependency
    on
        wanted.classid::oid = dependency.classid
        and wanted.objid::oid = dependency.objid
        and dependency.refclassid = 'pg_catalog.pg_collation'::regclass
inner join pg_catalog.pg_collation as collation_entry on dependency.refobjid = collation_entry.oid
cross join
    lateral pg_catalog.pg_identify_object(
        dependency.classid, dependency.objid, dependency.objsubid
    ) as object
where collation_entry.collnamespace = 'pg_catalog'::regnamespace
group by collation_entry.collname
order by collation_entry.collname
