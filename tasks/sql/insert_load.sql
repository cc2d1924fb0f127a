-- One row: the number of the load that begins.
insert into towpath.loads (
    run, source, dump_digest, snapshot_at, state, place, schemas, table_count, row_count
)
values (
    %(run)s, %(source)s, %(dump_digest)s, %(snapshot_at)s, 'restoring', 'landing', %(schemas)s,
    %(table_count)s, %(row_count)s
)
returning load_id
