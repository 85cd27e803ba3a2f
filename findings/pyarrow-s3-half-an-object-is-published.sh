#!/usr/bin/env bash
#
# One would guess: an object store shows an object whole or not at all. When the block that writes it
# ends with an exception, the upload is given up, and yesterday's object stands.
# What happens: leaving the block closes the stream, and closing completes the upload. What was written
# so far takes the place of yesterday's object; of Parquet it is even a sound file with fewer rows.
# Why it matters: a batch that fails half-way has published half a report, and nothing about the object
# tells. Whoever wants all or nothing writes to another name, or to memory, and moves on success.
# (The store is moto's, from a wheel.)
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
"${PYTHON:-python3}" -m venv env
env/bin/python -m pip install --quiet --quiet pyarrow==26.0.1 "moto[server]==5.2.5"

cat >seen.py <<'END'
import logging
import os
from importlib.metadata import version

import boto3
import pyarrow as pa
import pyarrow.fs
import pyarrow.parquet as pq
from moto.server import ThreadedMotoServer

print("pyarrow", version("pyarrow"))
os.environ |= {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": "us-east-1"}
logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
address = "{}:{}".format(*server.get_host_and_port())
client = boto3.client("s3", endpoint_url=f"http://{address}", region_name="us-east-1")
client.create_bucket(Bucket="shop")
store = pyarrow.fs.S3FileSystem(endpoint_override=address, scheme="http")
yesterday = pa.table({"units": [1, 2, 3, 4]})


def rows() -> int:
    return pq.read_table("shop/report.parquet", filesystem=store).num_rows


pq.write_table(yesterday, "shop/report.parquet", filesystem=store)
print("yesterday:", rows(), "rows")
try:
    with store.open_output_stream("shop/report.parquet") as stream:
        with pq.ParquetWriter(stream, yesterday.schema) as writer:
            writer.write_table(yesterday.slice(0, 2))
            print("under way:", rows(), "rows")
            raise OSError("the source went away")
except OSError as error:
    print("failed:", error)
print("afterwards:", rows(), "rows")
server.stop()
END

cat >expected.txt <<'END'
pyarrow 26.0.1
yesterday: 4 rows
under way: 4 rows
failed: the source went away
afterwards: 2 rows
END

env/bin/python seen.py | tee seen.txt
diff expected.txt seen.txt || {
    echo "This is no longer what happens: see the difference above." >&2
    exit 1
}
