-- No row: notes what a load's objects are, and what its tables hold.
insert into towpath.contents (
    load_id, object_type, identity, classid, objid, form, content, row_count, written_by
)
select
    %(load_id)s as load_id,
    given.object_type,
    given.identity,
    given.classid,
    given.objid,
    given.form,
    given.content,
    given.row_count,
    given.written_by
from unnest(
    %(types)s::text[], %(identities)s::text[], %(classids)s::bigint[], %(objids)s::bigint[], %(forms)s::text[],
    %(contents)s::text[], %(row_counts)s::bigint[], %(writers)s::bigint[]
) as given (object_type, identity, classid, objid, form, content, row_count, written_by)
