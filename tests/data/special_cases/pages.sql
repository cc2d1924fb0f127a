-- Tables of many pages: with gaps, with rows that moved, with nothing on the last pages.

create table with_gaps (id integer primary key, word text, filling text);
insert into with_gaps select number, 'word ' || number, repeat('x', 80) from generate_series(1, 60000) as number;
create index on with_gaps (word);
delete from with_gaps where id between 20000 and 30000 or id % 7 = 0;
update with_gaps set word = 'moved' where id % 11 = 0;

create table empty_at_the_end (id integer, filling text);
insert into empty_at_the_end select number, repeat('y', 200) from generate_series(1, 30000) as number;
delete from empty_at_the_end where id > 1000;

create table empty_at_the_start (id integer, filling text);
insert into empty_at_the_start select number, repeat('z', 200) from generate_series(1, 30000) as number;
delete from empty_at_the_start where id < 29000;

-- Few pages of its own, many bytes beside it.
create table mostly_toast (id integer, wide text);
alter table mostly_toast alter column wide set storage external;
insert into mostly_toast select number, repeat(md5(number::text), 2000) from generate_series(1, 200) as number;
