-- One row per object of a list that the role may not move or drop: it is not its owner, nor a member of the owner.
select
    object.type as object_type,
    object.identity,
    pg_catalog.pg_get_userbyid(coalesce(ownership.refobjid, 10)) as owner_name
from unnest(%(classids)s::bigint[], %(objids)s::bigint[]) as given (classid, objid)
cross join lateral pg_catalog.pg_identify_object(given.classid::oid, given.objid::oid, 0) as object
left join pg_catalog.pg_shdepend as ownership
    on
        ownership.dbid = (
            select database.oid from pg_catalog.pg_database as database
            where database.datname = pg_catalog.current_database()
        )
        and given.classid::oid = ownership.classid
        and given.objid::oid = ownership.objid
        and ownership.objsubid = 0
        and ownership.deptype = 'o'
-- The bootstrap superuser owns what pg_shdepend does not mention.
where not pg_catalog.pg_has_role(coalesce(ownership.refobjid, 10), 'usage')
order by object.type, object.identity
