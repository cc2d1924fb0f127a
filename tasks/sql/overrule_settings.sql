-- One row per setting of ours that this server has: its name, what role and database made of it, what it is now.
select
    setting.name,
    setting.reset_val as value_before,
    pg_catalog.set_config(
        setting.name, %(wanted)s::pg_catalog.jsonb ->> pg_catalog.lower(setting.name), false
    ) as value_now
from pg_catalog.pg_settings as setting
where pg_catalog.lower(setting.name) = any(%(names)s)
