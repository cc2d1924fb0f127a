-- A table that is read in parts, by its pages: these are few, some have no rows, and nearly all bytes are beside them.
create table in_parts (id integer primary key, wide text, word text) with (fillfactor = 10);
alter table in_parts alter column wide set storage external;
insert into in_parts select number, repeat(md5(number::text), 4000), 'word' from generate_series(1, 600) as number;
update in_parts set word = 'moved' where id % 3 = 0;
delete from in_parts where id between 1 and 50 or id between 250 and 300 or id > 590;
create index on in_parts (word);
