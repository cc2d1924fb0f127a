-- One row per object that lives in a schema and was dumped, by itself or along with another: what it is, its name, and
-- the number of what it was dumped along with.
with recursive dumped as (
    select
        entry.classid::oid as classid,
        entry.objid::oid as objid,
        entry.classid as entry_classid,
        entry.objid as entry_oid
    from unnest(%(classids)s::bigint[], %(oids)s::bigint[]) as entry (classid, objid)
    union
    -- A range type brings its multirange type and their constructors.
    select
        dependency.classid,
        dependency.objid,
        dumped.entry_classid,
        dumped.entry_oid
    from dumped
    inner join pg_catalog.pg_depend as dependency
        on
            dumped.classid = dependency.refclassid
            and dumped.objid = dependency.refobjid
            and dependency.deptype = 'i'
),

with_families as (
    select
        dumped.classid,
        dumped.objid,
        dumped.entry_classid,
        dumped.entry_oid
    from dumped
    union
    -- An operator class brings the family that was made for it.
    select
        'pg_catalog.pg_opfamily'::regclass,
        operator_class.opcfamily,
        dumped.entry_classid,
        dumped.entry_oid
    from dumped
    inner join pg_catalog.pg_opclass as operator_class
        on dumped.classid = 'pg_catalog.pg_opclass'::regclass and dumped.objid = operator_class.oid
    where operator_class.opcnamespace::regnamespace::text !~ '^pg_'
)

select
    object.type as object_type,
    -- It comes quoted where it must be.
    (pg_catalog.parse_ident(object.schema))[1] as schema_name,
    object.identity,
    with_families.entry_classid,
    with_families.entry_oid
from with_families
cross join lateral pg_catalog.pg_identify_object(with_families.classid, with_families.objid, 0) as object
where object.schema is not null and object.schema !~ '^pg_'
