-- One row per view of a list that still reads something in one of these schemas: its name, and what it reads there.
select distinct
    view.name as view_name,
    needed.identity
from unnest(%(views)s::text[]) as view (name)
inner join pg_catalog.pg_rewrite as rule on pg_catalog.to_regclass(view.name) = rule.ev_class
inner join pg_catalog.pg_depend as dependency
    on rule.oid = dependency.objid and dependency.classid = 'pg_catalog.pg_rewrite'::regclass
cross join
    lateral
    pg_catalog.pg_identify_object(dependency.refclassid, dependency.refobjid, dependency.refobjsubid) as needed
where (pg_catalog.parse_ident(needed.schema))[1] = any(%(schemas)s)
order by view.name, needed.identity
