-- One row per object that is one of these, or is part of one: its indexes, constraints, defaults, triggers, types.
with recursive family as (
    select
        given.classid::oid as classid,
        given.objid::oid as objid
    from unnest(%(classids)s::bigint[], %(objids)s::bigint[]) as given (classid, objid)
    union
    select
        dependency.classid,
        dependency.objid
    from family
    inner join pg_catalog.pg_depend as dependency
        on
            family.classid = dependency.refclassid
            and family.objid = dependency.refobjid
            and dependency.deptype in ('a', 'i', 'P', 'S')
)

select
    family.classid::bigint as classid,
    family.objid::bigint as objid,
    address.object_names[pg_catalog.array_upper(address.object_names, 1)] as object_name
from family
cross join lateral pg_catalog.pg_identify_object_as_address(family.classid, family.objid, 0) as address
