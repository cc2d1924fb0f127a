-- Partitioned tables: their rows are in the leaves, and nowhere else.

create schema elsewhere;
create type region as enum ('north', 'south', 'east', 'west');
create table countries (code text primary key, name text);
insert into countries values ('de', 'Deutschland'), ('fr', 'France'), ('us', 'États-Unis');

create table orders (
    id bigint not null,
    ordered date not null,
    country text not null references countries,
    amount numeric(10, 2),
    primary key (id, ordered, country)
) partition by range (ordered);
create table orders_2023 partition of orders for values from (minvalue) to ('2024-01-01') partition by list (country);
create table elsewhere.orders_2023_eu partition of orders_2023 for values in ('de', 'fr') partition by hash (id);
create table elsewhere.orders_2023_eu_0 partition of elsewhere.orders_2023_eu for values with (modulus 2, remainder 0);
create table elsewhere.orders_2023_eu_1 partition of elsewhere.orders_2023_eu for values with (modulus 2, remainder 1);
create table orders_2023_rest partition of orders_2023 default;
create table elsewhere."orders 2024" (
    gone integer, amount numeric(10, 2), country text not null, ordered date not null, id bigint not null
);
alter table elsewhere."orders 2024" drop column gone;
alter table orders attach partition elsewhere."orders 2024" for values from ('2024-01-01') to ('2025-01-01');
create table orders_rest partition of orders default;
create unlogged table orders_2026 (like orders including defaults including constraints);
alter table orders attach partition orders_2026 for values from ('2026-01-01') to ('2027-01-01');
insert into orders
select number, date '2022-01-01' + number * 20, (array['de', 'fr', 'us'])[1 + number % 3], number / 3.0
from generate_series(1, 100) as number;
create index on orders (amount);
create index on only orders (country);

-- To a partitioned table, from a plain one and from another partitioned one.
create table reminders (id bigint, ordered date, country text, foreign key (id, ordered, country) references orders);
insert into reminders select id, ordered, country from orders where id % 10 = 0;
create table parcels (
    number integer primary key, id bigint, ordered date, country text,
    foreign key (id, ordered, country) references orders deferrable initially deferred
) partition by range (number);
create table parcels_low partition of parcels for values from (1) to (100);
create table parcels_high partition of parcels for values from (100) to (maxvalue);
insert into parcels select id * 30, id, ordered, country from orders where id in (1, 2, 3, 4);

-- What a leaf has of its own: a default, a constraint, an index, a trigger's state.
alter table elsewhere."orders 2024" alter amount set default 24, add constraint of_its_own check (amount < 1000000);
create unique index of_its_own on elsewhere."orders 2024" (id);

create table by_text (
    id integer generated always as identity (start 5 increment 5), word text, number integer
) partition by hash (word);
create table by_text_0 partition of by_text for values with (modulus 3, remainder 0);
create table by_text_1 partition of by_text for values with (modulus 3, remainder 1);
create table by_text_2 partition of by_text for values with (modulus 3, remainder 2);
insert into by_text (word, number) select 'é' || number, number from generate_series(1, 30) as number;

create table by_region (region region, number integer) partition by list (region);
create table by_region_north partition of by_region for values in ('north', null);
create table by_region_rest partition of by_region for values in ('south', 'east');
insert into by_region values ('north', 1), (null, 2), ('east', 3);

create table by_expression (at timestamptz, number integer) partition by range ((number * 2), (number / 10));
create table by_expression_low partition of by_expression
for values from (minvalue, minvalue) to (20, maxvalue);
create table by_expression_high partition of by_expression
for values from (20, maxvalue) to (maxvalue, maxvalue);
insert into by_expression select '2024-02-03 04:05:06+07', number from generate_series(1, 30) as number;

create table without_partitions (id integer) partition by list (id);
create table detached (id integer);
insert into detached values (1);
alter table without_partitions attach partition detached for values in (1);
alter table without_partitions detach partition detached;

create view orders_of_all as select country, count(*) as orders from orders group by country;
create materialized view totals as select country, sum(amount) as total from orders group by country;
