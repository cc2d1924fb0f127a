-- Text that the format of COPY has to escape, or that looks like its end.

create table texts (id integer, word text, "null" text, varying character varying(20), words text[]);
insert into texts values
(1, '\.', '\N', E'\\.\n', array['\.', '\N', E'\n\\.\n']),
(2, '', null, E'\n', array['', null]),
(3, E'\\.\nselect 1;\n\\.', '\\N', E'\r\n', array[E'\r', E'\n', E'\t']),
(4, E'\t', ' ', E'\\', array[E'\\t', E'\\\\']),
(5, E'\x01\x02\x7f\x1b', E'\b\f\v', '%s %% {} {0} $1', array['''', '"', '$$']),
(6, U&'\FEFFbom', U&'\+01F6A2', U&'e\0301', array[U&'\200B', U&'\FFFF', U&'\+10FFFF']),
(7, repeat('\', 8192), repeat(E'\n', 8192), repeat('\', 20), array[repeat('\.', 4096)]),
(8, 'PGCOPY' || E'\n\x7f\r\n', '-- ; /*', ':x :''x'' :"x"', array['\copy', '\q', '\! false']);

-- One column only: an empty text and a null are a line of their own.
create table alone (word text);
insert into alone values (''), (null), ('\.'), (E'\\.\n'), ('\N'), (E'\n'), ('');
