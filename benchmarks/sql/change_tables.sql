-- No row: changes one row in a hundred of the first so many tables.
do $$
begin
    for number in 1..%(tables)s loop
        execute format(
            'update public.%%I set changed_at = changed_at + interval ''1 second'' where mod(id, 100) = 0',
            'table_' || number
        );
    end loop;
end
$$;
