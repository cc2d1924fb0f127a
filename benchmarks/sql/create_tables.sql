-- No row: makes so many tables with so many rows each, a part at a time: each holds locks until it is committed.
do $$
begin
    for number in 1..%(tables)s loop
        execute format(
            'create table public.%%I (id integer primary key, word text not null, changed_at timestamptz not null)',
            'table_' || number
        );
        execute format(
            'insert into public.%%I'
            ' select id, md5(id::text), timestamptz ''2020-01-01 00:00:00+00'' + id * interval ''1 minute'''
            ' from generate_series(1, %(rows)s) as id',
            'table_' || number
        );
        if number %% 100 = 0 then
            commit;
        end if;
    end loop;
end
$$;
