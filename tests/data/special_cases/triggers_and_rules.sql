-- What acts on rows that come in, and must not act on a copy.

create table log (said text);
create function public.note() returns trigger language plpgsql as $$
begin
    insert into public.log values (tg_name);
    if tg_level = 'ROW' and tg_op = 'INSERT' then
        new.word := 'changed by a trigger';
        return new;
    end if;
    return null;
end
$$;
create function public.forbid() returns trigger language plpgsql as $$
begin
    raise exception 'no % on %', tg_op, tg_table_name;
end
$$;

create table watched (id integer primary key, word text);
insert into watched values (1, 'as it was'), (2, null);
create trigger each_row before insert on watched for each row execute function note();
create trigger each_truncate before truncate on watched for each statement execute function forbid();
create trigger each_statement after insert on watched for each statement execute function note();
create trigger always before insert or update on watched for each row execute function forbid();
alter table watched enable always trigger always;
create trigger in_replicas before insert on watched for each row execute function forbid();
alter table watched enable replica trigger in_replicas;
create trigger off before insert on watched for each row execute function forbid();
alter table watched disable trigger off;
create constraint trigger late after insert on watched deferrable initially deferred
for each row execute function forbid();
create trigger with_rows after insert on watched referencing new table as new_rows
for each statement execute function note();

create table parted (id integer, word text) partition by list (id);
create table parted_1 partition of parted for values in (1);
create table parted_2 partition of parted for values in (2);
insert into parted values (1, 'one'), (2, 'two');
create trigger of_all before insert on parted for each row execute function forbid();
alter table parted_2 disable trigger of_all;

create table ruled (id integer, word text);
insert into ruled values (1, 'one'), (2, 'two');
create rule instead_of_insert as on insert to ruled do instead insert into log values ('a rule');
create rule nothing_goes as on delete to ruled do instead nothing;
create rule and_also as on update to ruled do also insert into log values (old.word);
alter table ruled disable rule and_also;

-- Rows that the policy hides from all but whoever may see them; the superuser sees and copies them all.
create table hidden (id integer, owner text default current_user);
insert into hidden values (1, 'nobody'), (2, 'somebody');
alter table hidden enable row level security;
alter table hidden force row level security;
