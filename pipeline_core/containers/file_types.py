"""What a file is that is not what it should be, by its first bytes."""

from __future__ import annotations

import codecs
import re

# As many as anything here needs: tar's signature is far behind its beginning.
LONGEST = 512

_SIGNATURES = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\0": "XZ",
    b"\x28\xb5\x2f\xfd": "Zstandard",
    b"\x04\x22\x4d\x18": "LZ4",
    b"7z\xbc\xaf\x27\x1c": "7-Zip",
    b"Rar!\x1a\x07": "RAR",
    b"PK\x03\x04": "a zip",
    b"PAR1": "Parquet",
    b"%PDF": "PDF",
    b"version https://git-lfs": "a Git LFS pointer",
}
_TAR, _TAR_PLACE = b"ustar", 257
_TEXTS = (
    (re.compile(rb"\s*<(?:!doctype\s+html|html)\b", re.IGNORECASE), "HTML"),
    (re.compile(rb"\s*<\?xml\b", re.IGNORECASE), "XML"),
    (re.compile(rb"\s*<[A-Za-z!]"), "HTML or XML"),
    (re.compile(rb"\s*[\[{]"), "JSON"),
)
# By a byte-order mark, or by the zero bytes around a first character of ASCII; the longer first.
_WIDE = (
    (re.compile(rb"\xff\xfe\0\0|\0\0\xfe\xff|[\t-~]\0\0\0|\0\0\0[\t-~]"), "UTF-32"),
    (re.compile(rb"\xff\xfe|\xfe\xff|[\t-~]\0|\0[\t-~]"), "UTF-16"),
)


def describe_beginning(head: bytes) -> str | None:
    """``begins like gzip``, ``is empty``: what can be said of a file by its first ``LONGEST``
    bytes, which are all of them if there are fewer. None if nothing can."""
    if not head:
        return "is empty"
    if not head.strip(b"\0"):
        return "begins with zero bytes"
    for signature, kind in _SIGNATURES.items():
        if head.startswith(signature):
            return f"begins like {kind}"
    if head.startswith(_TAR, _TAR_PLACE):
        return "begins like tar"
    for form, encoding in _WIDE:
        if form.match(head):
            return f"begins like text in {encoding}"
    text = head.removeprefix(codecs.BOM_UTF8)
    kinds = (kind for form, kind in _TEXTS if form.match(text))
    found = next(kinds, None)
    return found and f"begins like {found}"
