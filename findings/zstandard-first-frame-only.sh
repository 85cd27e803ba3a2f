#!/usr/bin/env bash
#
# One would guess: decompress() gives back all of a .zst file, as gzip.decompress does of a .gz file
# with several members; or it raises, if something is left over.
# What happens: it gives back the first frame and nothing else, without an error. stream_reader() of
# the same package reads all of it.
# Why it matters: whoever appends hour after hour to one .zst, or compresses with pzstd, writes many
# frames. A batch that reads such a part by decompress() counts its first hour and calls that the day.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
"${PYTHON:-python3}" -m venv env
env/bin/python -m pip install --quiet --quiet zstandard==0.25.0

cat >seen.py <<'END'
import gzip
import io
from importlib.metadata import version

import zstandard

print("zstandard", version("zstandard"))
hours = [b'{"hour": %d}\n' % hour for hour in range(3)]
gz = b"".join(map(gzip.compress, hours))
print("gzip.decompress:", gzip.decompress(gz).splitlines())
compressor, reader = zstandard.ZstdCompressor(), zstandard.ZstdDecompressor()
zst = b"".join(map(compressor.compress, hours))
print("decompress:     ", reader.decompress(zst).splitlines())
print("stream_reader:  ", reader.stream_reader(io.BytesIO(zst)).read().splitlines())
END

cat >expected.txt <<'END'
zstandard 0.25.0
gzip.decompress: [b'{"hour": 0}', b'{"hour": 1}', b'{"hour": 2}']
decompress:      [b'{"hour": 0}']
stream_reader:   [b'{"hour": 0}', b'{"hour": 1}', b'{"hour": 2}']
END

env/bin/python seen.py | tee seen.txt
diff expected.txt seen.txt || {
    echo "This is no longer what happens: see the difference above." >&2
    exit 1
}
