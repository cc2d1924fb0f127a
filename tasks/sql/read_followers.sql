-- One row per view of a list: what makes it anew, what of it cannot be made anew, which others of the list it reads.
select
    class.oid::bigint as objid,
    pg_catalog.format('%%I.%%I', namespace.nspname, class.relname) as view_name,
    pg_catalog.quote_ident(owner.rolname) as owner,
    -- A superuser makes it whatever its owner may still do; another role must act as the owner.
    not me.rolsuper as is_made_as_owner,
    case
        when class.relpersistence = 't'
            then 'it is another session''s temporary view'
        when
            exists (
                select 1 from pg_catalog.pg_trigger as trigger
                where trigger.tgrelid = class.oid
            )
            then 'it has a trigger'
        when
            exists (
                select 1 from pg_catalog.pg_rewrite as rule
                where rule.ev_class = class.oid and rule.rulename <> '_RETURN'
            )
            then 'it has a rule'
        when
            exists (
                select 1 from pg_catalog.pg_attrdef as value
                where value.adrelid = class.oid
            )
            then 'a column of it has a default'
        when
            exists (
                select 1 from pg_catalog.pg_seclabel as label
                where label.classoid = 'pg_catalog.pg_class'::regclass and label.objoid = class.oid
            )
            then 'it has a security label'
        when
            exists (
                select 1
                from pg_catalog.pg_depend as tie
                inner join pg_catalog.pg_class as sequence on tie.objid = sequence.oid
                where
                    tie.classid = 'pg_catalog.pg_class'::regclass
                    and tie.refclassid = 'pg_catalog.pg_class'::regclass
                    and tie.refobjid = class.oid
                    and tie.deptype = 'a'
                    and sequence.relkind = 'S'
            )
            then 'it owns a sequence'
        when
            not me.rolsuper and not pg_catalog.pg_has_role(
                owner.oid,
                case
                    when pg_catalog.current_setting('server_version_num')::integer >= 160000 then 'SET' else 'MEMBER'
                end
            )
            then pg_catalog.format('grant %%I to %%I is missing', owner.rolname, me.rolname)
        when not me.rolsuper and not pg_catalog.has_schema_privilege(owner.oid, namespace.oid, 'create')
            then pg_catalog.format('its owner may not create in schema %%I', namespace.nspname)
    end as obstacle,
    coalesce(' with (' || pg_catalog.array_to_string(class.reloptions, ', ') || ')', '') as options,
    pg_catalog.pg_get_viewdef(class.oid) as definition,
    array(
        select pg_catalog.format('comment on view %%I.%%I is %%L', namespace.nspname, class.relname, note.description)
        from pg_catalog.pg_description as note
        where
            note.classoid = 'pg_catalog.pg_class'::regclass
            and note.objoid = class.oid
            and note.objsubid = 0
        union all
        select
            pg_catalog.format(
                'comment on column %%I.%%I.%%I is %%L',
                namespace.nspname, class.relname, attribute.attname, note.description
            )
        from pg_catalog.pg_description as note
        inner join pg_catalog.pg_attribute as attribute
            on note.objoid = attribute.attrelid and note.objsubid = attribute.attnum
        where
            note.classoid = 'pg_catalog.pg_class'::regclass
            and note.objoid = class.oid
        union all
        select
            pg_catalog.format(
                'grant %%s on %%I.%%I to %%s%%s',
                privilege.privilege_type,
                namespace.nspname,
                class.relname,
                case when privilege.grantee = 0 then 'public' else privilege.grantee::regrole::text end,
                case when privilege.is_grantable then ' with grant option' else '' end
            )
        from pg_catalog.aclexplode(coalesce(class.relacl, pg_catalog.acldefault('r', class.relowner))) as privilege
        union all
        select
            pg_catalog.format(
                'grant %%s (%%I) on %%I.%%I to %%s%%s',
                privilege.privilege_type,
                attribute.attname,
                namespace.nspname,
                class.relname,
                case when privilege.grantee = 0 then 'public' else privilege.grantee::regrole::text end,
                case when privilege.is_grantable then ' with grant option' else '' end
            )
        from pg_catalog.pg_attribute as attribute
        cross join lateral pg_catalog.aclexplode(attribute.attacl) as privilege
        where attribute.attrelid = class.oid
    ) as marks,
    array(
        select distinct dependency.refobjid::bigint
        from pg_catalog.pg_rewrite as rule
        inner join pg_catalog.pg_depend as dependency
            on
                rule.oid = dependency.objid
                and dependency.classid = 'pg_catalog.pg_rewrite'::regclass
                and dependency.refclassid = 'pg_catalog.pg_class'::regclass
        where
            rule.ev_class = class.oid
            and dependency.refobjid <> class.oid
            and dependency.refobjid::bigint = any(%(oids)s)
        union
        -- Through its row type: of a column, of a whole row.
        select type.typrelid::bigint
        from pg_catalog.pg_rewrite as rule
        inner join pg_catalog.pg_depend as dependency
            on
                rule.oid = dependency.objid
                and dependency.classid = 'pg_catalog.pg_rewrite'::regclass
                and dependency.refclassid = 'pg_catalog.pg_type'::regclass
        inner join pg_catalog.pg_type as type on dependency.refobjid = type.oid
        where
            rule.ev_class = class.oid
            and type.typrelid::bigint = any(%(oids)s)
            and type.typrelid <> class.oid
    ) as reads
from pg_catalog.pg_class as class
inner join pg_catalog.pg_namespace as namespace on class.relnamespace = namespace.oid
inner join pg_catalog.pg_roles as owner on class.relowner = owner.oid
inner join pg_catalog.pg_roles as me on current_user = me.rolname
where class.oid::bigint = any(%(oids)s)
order by class.oid
