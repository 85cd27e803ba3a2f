"""Settings of this process, and what nobody would notice of them: misspelt names."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from pipeline_core.errors import ConfigError
from pipeline_core.messages import Feed
from pipeline_core.settings.environment import (
    ENV_FILE,
    PREFIX,
    env_file,
    env_file_words,
    variables,
)
from pipeline_core.settings.feed import FeedSettings
from pipeline_core.settings.settings import Settings

_NUMBER = "it is a number, such as 2 or 0.05 (which is 5 %)"
_WHOLE = "it is a whole number"
# By pydantic's names of what is wrong.
_WORDS = {
    "decimal_parsing": _NUMBER,
    "decimal_type": _NUMBER,
    "float_parsing": _NUMBER,
    "float_type": _NUMBER,
    "finite_number": _NUMBER,
    "int_parsing": _WHOLE,
    "int_from_float": _WHOLE,
    "int_type": _WHOLE,
    "int_parsing_size": "it is too large",
    "literal_error": "it is {expected}",
    "bool_parsing": "it is true or false",
    "bool_type": "it is true or false",
    "string_type": "it is a text",
    "greater_than_equal": "it is {ge} or more",
    "less_than_equal": "it is {le} or less",
}
_SIMILAR = 0.85  # SALES_REPROTS is; names of others are not that like ours


def load_settings(overrides: Mapping[str, object] | None = None) -> Settings:
    """Settings of this process: ``overrides`` first, then the environment, then ``.env``.

    A database in ``overrides`` is read also where a setting names a folder of dimensions.

    Raises:
        ConfigError: a value is missing or wrong; the message names each setting.
    """
    given = {name: value for name, value in (overrides or {}).items() if value is not None}
    if {"database_url", "dimensions"} <= given.keys():
        raise ConfigError(
            "--database and --dimensions both say where customers and products are.",
            "Leave one of them out.",
        )
    if "database_url" in given:
        given["dimensions"] = None
    _check_file()
    try:
        return Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        is_given = all(given.keys() & set(each["loc"]) for each in error.errors())
        read = env_file_words()
        remedy = "Correct the option." if is_given else f"Correct the environment or .env; {read}."
        raise ConfigError(_problems(error), remedy) from None


def described_feed(settings: Mapping[str, object]) -> Feed:
    """What settings of a shop's feed say, by their names; the environment and ``.env`` are not
    asked. Raises ConfigError for a value that is wrong, and for what is none of them."""
    names = list(FeedSettings.model_fields)
    for name in settings:
        if name not in names:
            close = get_close_matches(name, names, n=1)
            guess = f" Did you mean {close[0]}?" if close else ""
            raise ConfigError(
                f"A feed has no setting {name}.{guess}", f"It has {', '.join(names)}."
            )
    try:
        return FeedSettings.model_validate(settings).feed()
    except ValidationError as error:
        raise ConfigError(_problems(error), "Correct the feed.") from None


def misspelt_variables() -> dict[str, str]:
    """Variables of the environment that are no settings, and look as if they were meant to be:
    what each was probably meant to be. Others may have names like ours."""
    unknown = variables() - _setting_names()
    return {name: meant for name in sorted(unknown) if (meant := _meant(name))}


def _check_file() -> None:
    """Raises ConfigError if .env sets what there is not: that file is ours alone."""
    for name in env_file():
        if name not in _setting_names():
            meant = _meant(name)
            guess = f" Did you mean {meant}?" if meant else ""
            raise ConfigError(
                f"There is no setting {name} (in {ENV_FILE}).{guess}",
                f"Correct it; {env_file_words()}. .env.example has every setting.",
            )


def _problems(error: ValidationError) -> str:
    """A sentence for each setting that is wrong; if they are several, each in a line of its own."""
    # Never `input`: it may be a password.
    found = error.errors(include_input=False, include_url=False)
    told = [f"{_setting_name(problem['loc'])}{_words(problem).rstrip('.')}." for problem in found]
    return "\n".join(["Wrong settings:", *told]) if len(told) > 1 else f"Wrong settings: {told[0]}"


def _words(problem: ErrorDetails) -> str:
    """What is allowed, in our words; our own checks say it themselves."""
    words, context = _WORDS.get(problem["type"]), problem.get("ctx", {})
    if words is None:
        return problem["msg"].removeprefix("Value error, ")
    if "expected" in context:  # 'reject', 'net' or 'separate'
        context = {"expected": context["expected"].replace("'", "")}
    return words.format(**context)


def _setting_names() -> set[str]:
    return {PREFIX + name.upper() for name in Settings.model_fields}


def _meant(name: str) -> str | None:
    close = get_close_matches(name, sorted(_setting_names()), n=1, cutoff=_SIMILAR)
    return close[0] if close else None


def _setting_name(location: tuple[int | str, ...]) -> str:
    """With a colon; nothing of several settings, which the problem names itself."""
    return f"{PREFIX}{str(location[0]).removeprefix(PREFIX).upper()}: " if location else ""
