-- Inheritance: a parent has rows of its own, and a select of it brings its children's too.

create table vessels (name text not null, length numeric check (length > 0), flag text default 'none');
-- Larger than its parent, and smaller than it: a truncate of the parent, before or after, would empty both.
create table barges (cargo text default 'coal', length numeric default 21) inherits (vessels);
create table punts (poles integer) inherits (vessels);
create table hybrids (engine text) inherits (barges, punts);
create table strangers (weight numeric, name text not null, flag text, extra text, length numeric);
alter table strangers add constraint vessels_length_check check (length > 0);
alter table strangers inherit vessels;
insert into vessels select 'Vessel ' || number, number, null from generate_series(1, 200) as number;
insert into barges select 'Barge ' || number, number, 'uk', 'tea' from generate_series(1, 2000) as number;
insert into punts values ('Punt', 5, default, 2);
insert into hybrids (name, cargo, poles, engine) values ('Hybrid', 'mail', 1, 'steam');
insert into strangers values (1.5, 'Stranger', null, 'extra', 4);

-- Columns that came to the parent later are last here and first in a child that is made anew.
alter table vessels add column built date;
alter table vessels add column yard text default 'unknown';
insert into vessels values ('Late', 1, 'uk', '2024-01-01', 'here');
insert into punts (name, built, poles, yard) values ('Late punt', '2024-01-02', 3, 'there');
insert into hybrids (name, built, engine, cargo) values ('Late hybrid', '2024-01-03', 'none', null);

-- What was inherited and is not any more.
create table former () inherits (vessels);
insert into former (name) values ('Former');
alter table former no inherit vessels;

-- An empty parent, and a child in another schema under the same name.
create schema yard;
create table parents (id integer primary key);
create table yard.parents (own text) inherits (parents);
insert into yard.parents values (1, 'a'), (1, 'b');

create view all_vessels as select name, tableoid::regclass::text as kind from vessels;
create materialized view counted as select count(*) as all_of_them, (select count(*) from only vessels) from vessels;
create rule to_barges as on insert to vessels where new.length > 1000 do instead
insert into barges (name, length) values (new.name, new.length);
