from tasks.row_sources import RowSource
from tasks.rows import Compression
from tasks.unloading import plan

MB = 1 << 20


def source(number: int, size: int, *, is_binary_safe: bool = True, columns: tuple[str, ...] = ("id",)) -> RowSource:
    return RowSource(
        oid=number, schema="public", name=f"t{number}", columns=list(columns), is_binary_safe=is_binary_safe,
        is_heap=True, form='', table_bytes=size, heap_bytes=size, toast_bytes=0, block_bytes=8192,
    )  # fmt: skip


def planned(*sources: RowSource, version: int = 180000, level: int = 1):
    return plan(sources, Compression(level), server_version=version)


def test_a_large_table_is_parted_so_that_its_ranges_hold_all_of_its_pages_once():
    shipments = planned(source(1, 1000 * MB))

    pages = sorted(piece.pages for (piece,) in shipments)
    assert len(pages) == 16
    assert pages[0][0] == 0
    assert [end for _, end in pages[:-1]] == [begin for begin, _ in pages[1:]]
    # Rows are where they are: a table may have grown since its pages were counted.
    assert pages[-1][1] is None
    assert list(shipments[0][0].table.files) == [f"rows/1.{number:05}.copy.zst" for number in range(16)]


def test_the_ranges_of_a_table_are_the_same_whatever_is_read_beside_it():
    alone = planned(source(2, 2000 * MB))
    beside = planned(source(1, 4000 * MB), source(2, 2000 * MB), source(3, 300 * MB))

    def ranges(shipments):
        return sorted((p.file, p.pages) for shipment in shipments for p in shipment if p.table.source.oid == 2)

    assert len(ranges(alone)) == 16
    assert ranges(beside) == ranges(alone)


def test_a_server_that_would_read_the_whole_table_for_each_range_is_asked_once():
    ((piece,),) = planned(source(1, 1000 * MB), version=130000)

    assert piece.statement == 'copy "public"."t1" ("id") to stdout with (format binary)'


def test_the_largest_piece_comes_first_and_small_tables_share_a_psql():
    shipments = planned(*(source(number, MB) for number in range(1, 4)), source(4, 50 * MB), source(5, 10 * MB))

    assert [[piece.table.source.name for piece in shipment] for shipment in shipments] == [
        ["t4"], ["t5"], ["t1", "t2", "t3"],
    ]  # fmt: skip


def test_a_group_of_small_tables_has_an_end():
    many = planned(*(source(number, 8192) for number in range(1, 1202)))
    wide = planned(*(source(number, 3 * MB) for number in range(1, 25)))

    assert sorted(len(shipment) for shipment in many) == [201, 500, 500]
    assert max(sum(piece.bytes for piece in shipment) for shipment in wide) <= 36 * MB


def test_a_small_table_is_text_and_a_large_one_binary_where_that_is_safe():
    forms = {
        piece.table.source.name: (piece.statement.split("format ")[1], piece.file.partition(".")[2])
        for shipment in planned(source(1, MB), source(2, 5 * MB), source(3, 6 * MB, is_binary_safe=False))
        for piece in shipment
    }

    assert forms == {"t1": ("text)", "copy"), "t2": ("binary)", "copy.zst"), "t3": ("text)", "copy.zst")}


def test_a_table_without_columns_is_copied_without_naming_any():
    ((piece,),) = planned(source(1, 200 * MB, columns=()))

    assert piece.statement == 'copy "public"."t1" to stdout with (format binary)'
