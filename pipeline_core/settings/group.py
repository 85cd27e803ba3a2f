"""What groups of settings are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, NamedTuple, NoReturn, Self

from pipeline_core.settings.kinds import SecretStr, SettingKind


class Setting(NamedTuple):
    """What is known of one setting, beside its name. None is a value of those it is the default of.

    ``check`` is given a text and raises ValueError, or returns what nobody looks at; what ``parse``
    returns takes the text's place; ``beside`` is a ``parse`` that is given another setting too.
    """

    default: Any
    kind: SettingKind
    description: str
    check: Callable[[str], object] | None = None
    parse: Callable[[str], object] | None = None
    beside: tuple[str, Callable[[str, str], object]] | None = None

    def read(self, value: object, others: Mapping[str, Any]) -> Any:
        """The value as it counts. Raises ValueError, which says what is allowed."""
        if value is None and self.default is None:
            return None
        found: Any = self.kind.read(value)
        text = found.get_secret_value() if isinstance(found, SecretStr) else found
        if self.check is not None:
            self.check(text)
        if self.parse is not None:
            return self.parse(text)
        if self.beside is not None:
            other, parse = self.beside
            return parse(text, others.get(other, ""))
        return found


def setting(*known: Any, **more: Any) -> Any:
    """A ``Setting``, where a class names and types it."""
    return Setting(*known, **more)


class WrongSettings(ValueError):
    """``problems`` are names of settings, or nothing of what several say together, and words."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__(problems)
        self.problems = problems


class SettingGroup:
    """Some of the fields of ``Settings``, with what they say by themselves. Never changes."""

    SETTINGS: ClassVar[dict[str, Setting]] = {}
    given: frozenset[str]
    """Names of those that do not have their default."""

    def __init_subclass__(cls) -> None:
        groups = [each for each in reversed(cls.__mro__[1:]) if issubclass(each, SettingGroup)]
        found = {name: known for each in groups for name, known in each.SETTINGS.items()}
        own = {name: each for name, each in vars(cls).items() if isinstance(each, Setting)}
        cls.SETTINGS = found | own

    def __init__(self, values: Mapping[str, Any], given: frozenset[str]) -> None:
        vars(self).update(values, given=given)

    @classmethod
    def of(cls, given: Mapping[str, object]) -> Self:
        """With what is given by name, and the rest as it is by default; names of others are passed
        over. Raises WrongSettings."""
        values: dict[str, Any] = {}
        problems = []
        for name, known in cls.SETTINGS.items():
            try:
                is_given = name in given
                values[name] = known.read(given[name], values) if is_given else known.default
            except ValueError as error:
                problems.append((name, str(error)))
        if problems:
            raise WrongSettings(problems)
        made = cls(values, frozenset(given.keys() & values.keys()))
        for words in made.contradictions():
            raise WrongSettings([("", words)])
        return made

    def changed(self, **values: object) -> Self:
        """The same but for some. Raises WrongSettings."""
        return type(self).of({name: getattr(self, name) for name in self.given} | values)

    def contradictions(self) -> Iterator[str]:
        """What settings say against each other."""
        return iter(())

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"settings do not change: {name}")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._values() == other._values()

    def __hash__(self) -> int:
        return hash(tuple(self._values().values()))

    def __repr__(self) -> str:
        told = ", ".join(f"{name}={value!r}" for name, value in self._values().items())
        return f"{type(self).__name__}({told})"

    def _values(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.SETTINGS}
