#!/usr/bin/env bash
#
# One would guess: single quotes in a .env file mean what they mean in a shell and in docker compose:
# the text as it stands.
# What happens: ${...} is replaced inside single quotes too, by nothing where there is no such
# variable. A plain $NAME is left alone, which hides it from a first try.
# Why it matters: the same .env is read by compose for the server and by python-dotenv for its client.
# A password that has ${ in it is one password here and another one there.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
"${PYTHON:-python3}" -m venv env
env/bin/python -m pip install --quiet --quiet python-dotenv==1.2.4

cat >seen.py <<'END'
import os
from importlib.metadata import version

from dotenv import dotenv_values

print("python-dotenv", version("python-dotenv"))
os.environ.pop("tea", None)
with open(".env", "w") as file:
    file.write("PASSWORD='more${tea}please'\nPLAIN='more$tea please'\n")
with open(".env") as file:
    print(file.read(), end="")
for name, value in dotenv_values(".env").items():
    print(f"{name}: {value}")
END

cat >expected.txt <<'END'
python-dotenv 1.2.4
PASSWORD='more${tea}please'
PLAIN='more$tea please'
PASSWORD: moreplease
PLAIN: more$tea please
END

env/bin/python seen.py | tee seen.txt
diff expected.txt seen.txt || {
    echo "This is no longer what happens: see the difference above." >&2
    exit 1
}
