"""Amazon S3 and what speaks its language, Google Cloud Storage, Azure Blob Storage."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import obstore

from pipeline_core.errors import NoTemporaryRoom
from pipeline_core.machine.disk import temporary_folder
from pipeline_core.storage.base import StoredObject, checked
from pipeline_core.storage.in_flight import at_once
from pipeline_core.storage.listing import is_visible
from pipeline_core.storage.object_files import ObjectFiles
from pipeline_core.storage.object_reading import stored_object
from pipeline_core.storage.pointers import folder_stands, pointed_target, pointer_key, pointer_text
from pipeline_core.storage.tags import is_of_bytes, md5

_AT_ONCE = 16
_DIGEST = re.compile(r"[0-9a-f]{32}")
_MARKER = ".complete"
_SUMMARY = "summary.json"


class ObjectStorage(ObjectFiles):
    """A bucket (Azure: container) and a prefix: ``s3://``, ``gs://`` or ``az://bucket/prefix``.

    Credentials and endpoint are read from the environment by obstore, or from .env
    (``store_environment.py``), never from the URI:

    - S3: ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``, ``AWS_SESSION_TOKEN`` or the role of
      the machine, pod or container (not ``~/.aws``); ``AWS_REGION``. Other servers:
      ``AWS_ENDPOINT_URL``, requests in path style unless ``AWS_VIRTUAL_HOSTED_STYLE_REQUEST=true``,
      and ``AWS_ALLOW_HTTP=true`` if it begins with ``http://``.
    - Google: ``GOOGLE_APPLICATION_CREDENTIALS``, ``GOOGLE_SERVICE_ACCOUNT`` or the machine's.
    - Azure: ``AZURE_STORAGE_ACCOUNT_NAME`` with ``AZURE_STORAGE_ACCOUNT_KEY``,
      ``AZURE_STORAGE_SAS_TOKEN``, ``AZURE_CLIENT_ID``... or the machine's.

    Downloads and folders to publish pass through the temporary folder (``TMPDIR``).

    A store has neither renames of folders nor links, hence two differences from a folder. A
    published folder is complete once it holds ``summary.json`` or, without one, the hidden
    ``.complete``; two publishers of one key at the same instant may mix their files, each whole.
    ``point(name, ...)`` replaces
    ``<name>.json`` (``{"target": key}``) at once, for readers that follow it; for others it then
    copies the target to ``<name>``, file by file, ``summary.json`` last.

    Not to be used in a process forked after its first use: obstore's threads are not copied.
    """

    def __init__(self, uri: str) -> None:
        super().__init__(uri)
        # Of the folder that was published last, what each file is.
        self._published: tuple[str, dict[str, StoredObject]] = "", {}

    @contextmanager
    def publish_folder(self, key: str, *, is_new: bool = False) -> Iterator[Path]:
        """As ``Storage.publish_folder``."""
        checked(key)
        with temporary_folder(self._uri) as folder:
            try:
                yield folder
            except FileNotFoundError:
                raise
            except OSError as error:  # the caller's writes may fill the disk
                raise NoTemporaryRoom(
                    f"Cannot write temporary files: {error.strerror or error}.",
                    "Set TMPDIR to a folder with room.",
                ) from error
            names = {
                path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
            }
            # Of an attempt that was cut off, or of a whole one.
            standing = {} if is_new else self._listed(key)
            if not standing.keys().isdisjoint((_MARKER, _SUMMARY)):
                return
            stored: dict[str, StoredObject] = {}

            def store(name: str) -> None:
                tag = self._store_file(f"{key}/{name}", folder / name)["e_tag"]
                size = (folder / name).stat().st_size
                stored[name] = StoredObject(name, size, (tag or "").strip('"'))

            self._all(names - {_SUMMARY}, store)
            self.remove_files(key, standing.keys() - names)
            self._all(names & {_SUMMARY}, store)
            if _SUMMARY not in names:
                self.write(f"{key}/{_MARKER}", b"")
            self._published = key, stored

    def point(
        self,
        name: str,
        key: str,
        beside: Sequence[str] = (),
        was: str = "",
        root: Iterable[StoredObject] | None = None,
    ) -> None:
        """As ``Storage.point``. Always copies what may have changed: the target may be a copy."""
        there, listed = self._point(name, key, was), dict[str, StoredObject]()
        if beside:
            listed = {each.key: each for each in (self.files() if root is None else root)}
        for each in beside:
            to = f"{name}/{each}"
            if not is_of_bytes(listed.get(pointer_key(each)), pointer_text(to)):
                self._point(each, to)
            elif each not in there or not _is_same(there[each], listed.get(each)):
                self._copy(to, each)

    def _point(self, name: str, key: str, was: str = "") -> dict[str, StoredObject]:
        """Returns what is in the folder, as far as its tags say what that is."""
        pointer = was or self.pointed(name)
        if pointer == key:
            with suppress(FileNotFoundError):  # it is a folder
                self._copy(key, name)
                return {}
        published, there = self._published
        if published != key:
            there = self._listed(key)
        if not there:
            self.stat(key)
        standing = self._listed(name)
        if standing and pointer is None:
            raise folder_stands(f"{self._uri}/{name}")
        text = pointer_text(key)
        with self._translated("write", pointer_key(name)):
            tag = self._put(pointer_key(name), text)["e_tag"]
        if not there:
            self._copy(key, name)
            return {}
        visible = {each for each in there if is_visible(each)}
        are_digests = (tag or "").strip('"') == md5(text)
        same = {each for each in visible if _is_same(there[each], standing.get(each))}
        same = same if are_digests else set()
        self._all(visible - same, lambda each: self._copy(f"{key}/{each}", f"{name}/{each}"))
        self.remove_files(name, standing.keys() - visible)
        return there if are_digests else {}

    def pointed(self, name: str) -> str | None:
        """As ``Storage.pointed``."""
        return pointed_target(self, name)

    def followed(self, name: str) -> str:
        """As ``Storage.followed``: there are no links."""
        return pointer_key(name)

    def _listed(self, folder: str) -> dict[str, StoredObject]:
        """Every object under a folder by its name there, hidden ones included."""
        prefix = f"{folder}/"
        with self._translated("list", folder):
            return {
                meta["path"].removeprefix(prefix): stored_object(meta)
                for chunk in obstore.list(self._store, checked(folder))
                for meta in chunk
                if meta["path"].startswith(prefix)
            }

    def _all(self, names: Iterable[str], do: Callable[[str], None]) -> None:
        """Some at once, but the summary, by which readers know that the others are there, last."""
        wanted = set(names)
        for each in (wanted - {_SUMMARY}, wanted & {_SUMMARY}):
            list(at_once(self, do, sorted(each), _AT_ONCE))

    def _copy(self, key: str, to: str) -> None:
        with self._translated("copy", key):
            obstore.copy(self._store, checked(key), checked(to))


def _is_same(file: StoredObject, copy: StoredObject | None) -> bool:
    """Of a store whose tags are MD5s, as Amazon's are of what was written at once, and another's if
    it gives one to what was just written: not of what came in pieces, which has a dash in it."""
    digest = _DIGEST.fullmatch(file.version) is not None
    return digest and copy is not None and (file.size, file.version) == (copy.size, copy.version)
