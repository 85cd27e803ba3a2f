def scan(
    text: bytes | bytearray,
    start: int,
    most_rows: int,
    depth: int,
    not_an_object: int,
    invalid_event_type: int,
    /,
) -> tuple[int, int, int, *tuple[bytes, ...]] | None: ...
def last_event_comma(text: bytes | bytearray, /) -> int: ...
