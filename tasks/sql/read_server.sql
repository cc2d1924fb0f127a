-- One row: what a server says of itself, of the role and of the database. What the role may not see, and what an older
-- server does not have, is null. The time zone and the like are those of a session that sets nothing.
with settings as (
    select pg_catalog.jsonb_object_agg(setting.name, setting.reset_val) as name_to_value
    from pg_catalog.pg_settings as setting
    where setting.name in (
        'TimeZone', 'default_transaction_read_only', 'max_standby_streaming_delay', 'hot_standby_feedback',
        'data_directory'
    )
)

select
    current_user as role_name,
    pg_catalog.pg_is_in_recovery() as is_standby,
    coalesce(settings.name_to_value ->> 'default_transaction_read_only' = 'on', false) as is_read_only,
    pg_catalog.to_char(pg_catalog.clock_timestamp(), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as clock,
    extract(epoch from pg_catalog.clock_timestamp())::double precision as clock_seconds,
    settings.name_to_value ->> 'TimeZone' as time_zone,
    pg_catalog.pg_encoding_to_char(database.encoding) as encoding,
    pg_catalog.concat_ws(
        ' ',
        case pg_catalog.to_jsonb(database) ->> 'datlocprovider'
            when 'i' then 'icu' when 'b' then 'builtin' else 'libc'
        end,
        coalesce(
            pg_catalog.to_jsonb(database) ->> 'datlocale',
            pg_catalog.to_jsonb(database) ->> 'daticulocale',
            database.datcollate
        )
    ) as default_collation,
    (settings.name_to_value ->> 'max_standby_streaming_delay')::integer as standby_delay_milliseconds,
    coalesce(settings.name_to_value ->> 'hot_standby_feedback' = 'on', false) as is_feedback_on,
    coalesce(
        nullif(pg_catalog.pg_tablespace_location(database.dattablespace), ''),
        settings.name_to_value ->> 'data_directory'
    ) as folder,
    (select count(*) from pg_catalog.pg_largeobject_metadata) as large_objects,
    control.system_identifier::text as system_identifier,
    database.oid::bigint as database_oid
from pg_catalog.pg_database as database
cross join pg_catalog.pg_control_system() as control
cross join settings
where database.datname = pg_catalog.current_database()
