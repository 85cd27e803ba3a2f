#!/usr/bin/env bash
#
# One would guess: to delete or to move an object writes nothing in its place. An object store has no folders,
# so there is none to keep either.
# What happens: pyarrow's delete_file and move put an empty object "inbox/" where the object was, even while
# others are there. boto3 lists it among the files; obstore lists it as a file "inbox" of no bytes, and finds
# no such file when it is to get it.
# Why it matters: a batch that moves what it has done out of an inbox leaves an object there that nobody sent.
# Whoever lists the inbox by another client meets an empty file, or an error, at every run, and pyarrow's own
# delete_file says that it is not there. Its delete_dir takes it away, with all the files beside it.
# (The store is moto's, from a wheel.)
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
"${PYTHON:-python3}" -m venv env
env/bin/python -m pip install --quiet --quiet pyarrow==26.0.1 obstore==0.12.1 "moto[server]==5.2.5"

cat >seen.py <<'END'
import logging
import os
from importlib.metadata import version

import boto3
import obstore
import pyarrow.fs
from moto.server import ThreadedMotoServer
from obstore.store import S3Store

print("pyarrow", version("pyarrow"), "obstore", version("obstore"))
os.environ |= {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": "us-east-1"}
logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
address = "{}:{}".format(*server.get_host_and_port())
url = f"http://{address}"
client = boto3.client("s3", endpoint_url=url, region_name="us-east-1")
client.create_bucket(Bucket="shop")
arrow = pyarrow.fs.S3FileSystem(endpoint_override=address, scheme="http")
store = S3Store("shop", endpoint=url, client_options={"allow_http": True})


def show(when: str) -> None:
    found = client.list_objects_v2(Bucket="shop").get("Contents", [])
    print(f"{when}:", {each["Key"]: each["Size"] for each in found})


def said(call, *given) -> str:
    try:
        return repr(call(*given))
    except OSError as error:
        return type(error).__name__


for name in ("inbox/monday.csv", "inbox/tuesday.csv", "late/sunday.csv", "old/may.csv"):
    client.put_object(Bucket="shop", Key=name, Body=b"id,units\n1,2\n")
show("sent")
arrow.move("shop/inbox/monday.csv", "shop/done.csv")
show("pyarrow moves")
arrow.delete_file("shop/late/sunday.csv")
show("pyarrow deletes")
obstore.delete(store, "old/may.csv")
show("obstore deletes")
for each in obstore.list(store).collect():
    print("obstore lists", each["path"], each["size"], "and gets:", end=" ")
    print(said(lambda path: len(obstore.get(store, path).bytes()), each["path"]))
for name in ("shop/inbox/", "shop/inbox"):
    print("pyarrow deletes", name, "again:", said(arrow.delete_file, name))
show("still there")
arrow.delete_dir("shop/late")
show("pyarrow deletes the folder")
server.stop()
END

cat >expected.txt <<'END'
pyarrow 26.0.1 obstore 0.12.1
sent: {'inbox/monday.csv': 13, 'inbox/tuesday.csv': 13, 'late/sunday.csv': 13, 'old/may.csv': 13}
pyarrow moves: {'done.csv': 13, 'inbox/': 0, 'inbox/tuesday.csv': 13, 'late/sunday.csv': 13, 'old/may.csv': 13}
pyarrow deletes: {'done.csv': 13, 'inbox/': 0, 'inbox/tuesday.csv': 13, 'late/': 0, 'old/may.csv': 13}
obstore deletes: {'done.csv': 13, 'inbox/': 0, 'inbox/tuesday.csv': 13, 'late/': 0}
obstore lists done.csv 13 and gets: 13
obstore lists inbox 0 and gets: FileNotFoundError
obstore lists inbox/tuesday.csv 13 and gets: 13
obstore lists late 0 and gets: FileNotFoundError
pyarrow deletes shop/inbox/ again: FileNotFoundError
pyarrow deletes shop/inbox again: FileNotFoundError
still there: {'done.csv': 13, 'inbox/': 0, 'inbox/tuesday.csv': 13, 'late/': 0}
pyarrow deletes the folder: {'done.csv': 13, 'inbox/': 0, 'inbox/tuesday.csv': 13}
END

env/bin/python seen.py | tee seen.txt
diff expected.txt seen.txt || {
    echo "This is no longer what happens: see the difference above." >&2
    exit 1
}
