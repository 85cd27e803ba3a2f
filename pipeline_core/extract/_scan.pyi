def scan(
    text: bytes | bytearray, depth: int, not_an_object: int, invalid_event_type: int, /
) -> (
    tuple[int, int, bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes]
    | None
): ...
