"""Classes whose methods are made when they are called are what they always were."""

from __future__ import annotations

import subprocess
import sys

CLASSES = """
import pickle, sys
from pipeline_core.machine.imports import lean_process
lean_process()
from dataclasses import FrozenInstanceError, dataclass, field, replace
import dataclasses

compiled = []
if hasattr(dataclasses, "_create_fn"):
    def noted(text, *names):
        compiled.append(text.split("(")[1].split()[-1])
        exec(text, *names)
    dataclasses.exec = noted

@dataclass(frozen=True, order=True)
class One:
    '''Documented.'''
    name: str
    size: int = field(default=1, repr=False)

@dataclass(frozen=True)
class Two(One):
    '''Documented.'''
    more: tuple[int, ...] = ()

    def __eq__(self, other):
        return True

    __hash__ = One.__hash__

@dataclass(slots=True)
class Three:
    '''Documented.'''
    name: str

assert set(compiled) <= {"__init__"} or not compiled, compiled
assert len(compiled) in (0, 3)
one, same, other = One("a", 2), One("a", 2), One("b")
assert one == same != other and one != "a" and one < other and other >= one
assert hash(one) == hash(same) and {one: 1}[same] == 1
assert One.__eq__(one, 1) is NotImplemented
assert repr(one) == "One(name='a')" and repr(Three("x")) == "Three(name='x')"
assert One.__repr__.__qualname__ == "One.__repr__" and One.__lt__.__qualname__ == "One.__lt__"
assert Two("a") == 5 and isinstance(hash(Two("a", 2)), int)
assert pickle.loads(pickle.dumps(one)) == one and replace(one, size=3).size == 3
assert Three("x") == Three("x")
for broken in ("name", "new"):
    for change in (lambda: setattr(one, broken, 1), lambda: delattr(one, broken)):
        try:
            change()
        except FrozenInstanceError:
            continue
        raise AssertionError(broken)
three = Three("x")
three.name = "y"
assert three.name == "y"
try:
    hash(three)
except TypeError:
    print("all as ever")
"""

# Python 3.13 makes them otherwise.
OTHERWISE = """
import dataclasses
vars(dataclasses).pop("_create_fn", None)
from pipeline_core.machine.imports import lean_process
lean_process()
assert not hasattr(dataclasses, "_create_fn")
"""

SCHEMAS = """
import typing, typing_extensions
usual = typing.TypedDict, typing_extensions.TypedDict
from pipeline_core.machine.imports import lean_process
lean_process()
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import core_schema

assert (typing.TypedDict, typing_extensions.TypedDict) == usual
assert type(core_schema.CoreConfig(title="a")) is dict

class Row(typing_extensions.TypedDict):
    size: int

class Model(BaseModel):
    rows: list[Row]

assert Model.model_validate({"rows": [{"size": "1"}]}).rows == [{"size": 1}]
try:
    TypeAdapter(Row).validate_python({"size": "x"})
except ValidationError:
    print("all as ever")
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_dataclasses_compile_no_method_that_nobody_calls_and_have_all_of_them() -> None:
    done = run(CLASSES)
    assert (done.stdout, done.stderr) == ("all as ever\n", "")


def test_dataclasses_that_are_made_otherwise_are_left_alone() -> None:
    done = run(OTHERWISE)
    assert (done.returncode, done.stderr) == (0, "")


def test_schemas_of_pydantic_are_bare_and_models_as_ever() -> None:
    done = run(SCHEMAS)
    assert (done.stdout, done.stderr) == ("all as ever\n", "")
