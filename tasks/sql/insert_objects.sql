-- No row: notes what a load or a version consists of.
insert into towpath.objects (load_id, version_id, object_type, identity, classid, objid, object_name)
select
    %(load_id)s as load_id,
    %(version_id)s as version_id,
    given.object_type,
    given.identity,
    given.classid,
    given.objid,
    given.object_name
from unnest(
    %(types)s::text[], %(identities)s::text[], %(classids)s::bigint[], %(objids)s::bigint[], %(names)s::text[]
) as given (object_type, identity, classid, objid, object_name)
