"""``.env`` says the same here as to docker compose."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline_core.catalog.env_line import env_line
from pipeline_core.configuration.env_file import read_env_file
from pipeline_core.errors import ConfigError
from pipeline_core.settings import load_settings

_ENVIRONMENT = {"VAR": "value", "OTHER": "other", "EMPTY": "", "BOTH": "of the environment"}
_ABOVE = "ABOVE='of a $line'\nBOTH=of a line\nLATER=$NOWHERE\n"


def _read(tmp_path: Path, text: str) -> dict[str, str]:
    (tmp_path / ".env").write_bytes(text.encode())
    return read_env_file(tmp_path / ".env", "SALES_", _ENVIRONMENT)


# The first twenty are the examples of compose's own documentation.
@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("SALES_X=VAL", "VAL"),
        ('SALES_X="VAL"', "VAL"),
        ("SALES_X='VAL'", "VAL"),
        ("SALES_X=VAL # comment", "VAL"),
        ("SALES_X=VAL# not a comment", "VAL# not a comment"),
        ('SALES_X="VAL # not a comment"', "VAL # not a comment"),
        ('SALES_X="VAL" # comment', "VAL"),
        ("SALES_X='$OTHER'", "$OTHER"),
        ("SALES_X='${OTHER}'", "${OTHER}"),
        (r"SALES_X='Let\'s go!'", "Let's go!"),
        (r'SALES_X="{\"hello\": \"json\"}"', '{"hello": "json"}'),
        (r'SALES_X="some\tvalue"', "some\tvalue"),
        (r"SALES_X='some\tvalue'", r"some\tvalue"),
        (r"SALES_X=some\tvalue", r"some\tvalue"),
        ("SALES_X=${VAR}", "value"),
        ("SALES_X=$VAR", "value"),
        ('SALES_X="${VAR}"', "value"),
        ("SALES_X=${EMPTY:-default}", "default"),
        ("SALES_X=${EMPTY-default}", ""),
        ("SALES_X=${NOWHERE-default}", "default"),
        ("SALES_X=${VAR:?error}", "value"),
        ("SALES_X=${EMPTY?error}", ""),
        ("SALES_X=${VAR:+replacement}", "replacement"),
        ("SALES_X=${EMPTY:+replacement}", ""),
        ("SALES_X=${EMPTY+replacement}", "replacement"),
        ("SALES_X=${NOWHERE+replacement}", ""),
        ("SALES_X=${NOWHERE:-${OTHER}}", "other"),
        ("SALES_X=${NOWHERE:-${EMPTY:-default}}!", "default!"),
        ("SALES_X=${NOWHERE:-a ${OTHER} b} c", "a other b c"),
        ("SALES_X=pa$$word", "pa$word"),
        ("SALES_X=pa$5 and $", "pa$5 and $"),
        (r'SALES_X="pa\$VAR"', "pa$VAR"),
        (r'SALES_X="a\\$VAR"', r"a\value"),
        (r'SALES_X="\\n\n\q"', "\\n\n\\q"),
        (r"SALES_X='a\\b'", r"a\\b"),
        (r"SALES_X='a\\'", r"a\\"),
        ("SALES_X='p$a${s}s#\"w`o\\rd'", 'p$a${s}s#"w`o\\rd'),
        ("SALES_X=$ABOVE", "of a $line"),
        ("SALES_X=$BOTH", "of the environment"),
        ("SALES_X=a\nSALES_X=${SALES_X}b", "ab"),
        ("export SALES_X=VAL", "VAL"),
        ("SALES_X = VAL ", "VAL"),
        ("sales_x=VAL", "VAL"),
        ("SALES_X: VAL", "VAL"),
        ("SALES_X=", ""),
        ("SALES_X= # comment", ""),
        ("SALES_X=#hash", "#hash"),
        ("SALES_X=''", ""),
        ("SALES_X=a=b", "a=b"),
        ("SALES_X=it's", "it's"),
        ("SALES_X='two\nlines'", "two\nlines"),
        ('SALES_X="two\nlines"', "two\nlines"),
        ("SALES_X=VAL\r\n", "VAL"),
        ("\ufeffSALES_X=VAL", "VAL"),
        ("SALES_X=1\n SALES_X=2", "2"),
        ("SALES_X=ümlaut", "ümlaut"),
    ],
)
def test_a_line(tmp_path: Path, line: str, value: str) -> None:
    above = "" if line.startswith("\ufeff") else _ABOVE
    assert _read(tmp_path, above + line) == {"SALES_X": value}
    assert _read(tmp_path, f"{above}{line}\n# the end\n\n") == {"SALES_X": value}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("A=1\nSALES_X=pa${secret}word", ":2: SALES_X names the variable secret"),
        ("SALES_X=pa$secret", ":1: SALES_X names the variable secret, which is not set."),
        ("SALES_X=$LATER\nLATER=1", "names the variable LATER"),
        ("SALES_X=${EMPTY:?is needed}", "EMPTY, which is not set (is needed)"),
        ("SALES_X=${NOWHERE?}", "NOWHERE, which is not set."),
        ("SALES_X=${VAR", "has a ${ without its }"),
        ("SALES_X=${1}", "names no variable"),
        ("SALES_X=${VAR/a/b}", "names no variable"),
        ("\n\nSALES_X='canary", ":3: the quotes of SALES_X do not end"),
        ('SALES_X="canary\nB=1', ":1: the quotes of SALES_X do not end"),
        ("SALES_X='canary'more", ":1: the quotes of SALES_X do not end, or something follows"),
        ("the canary", ":1 is not NAME=value"),
        ("=canary", ":1 is not NAME=value"),
        ("SALES_X", ":1: SALES_X has no value"),
        ("A=b\n  export sales_jobs # canary", ":2: sales_jobs has no value"),
    ],
)
def test_a_line_that_cannot_be_read_is_named_and_not_shown(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(ConfigError) as error:
        _read(tmp_path, text)
    assert said in error.value.message
    assert "canary" not in str(error.value)


def test_lines_of_other_programs_are_theirs(tmp_path: Path) -> None:
    assert _read(tmp_path, "A=$NOWHERE\nB=${\nSALES_X=1") == {"SALES_X": "1"}


def test_no_file_has_no_line(tmp_path: Path) -> None:
    assert read_env_file(tmp_path / ".env", "SALES_", {}) == {}


def test_a_folder_or_a_link_to_nothing_is_no_file(tmp_path: Path) -> None:
    """Docker makes the folder where it was told to mount a file that is not there."""
    (tmp_path / ".env").mkdir()
    with pytest.raises(ConfigError, match=r"\.env is a folder") as caught:
        load_settings()
    assert caught.value.remedy == "Rename it."
    (tmp_path / ".env").rmdir()
    (tmp_path / ".env").symlink_to("nowhere")
    with pytest.raises(ConfigError, match=r"\.env cannot be read: No such file or directory\."):
        load_settings()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"A=1\nSALES_DATA=ca\0nary\n", ":2 holds a NUL byte."),
        (b"# canary\r\n\r\n# \0\r\n", ":3 holds a NUL byte."),
        (b"\xef\xbb\xbfA=1\n\0", ":2 holds a NUL byte."),
        ("SALES_DATA=canary\n".encode("utf-16-le"), ":1 holds a NUL byte."),
        ("SALES_DATA=canary\n".encode("utf-16"), ":1 is not UTF-8."),
        ("A=1\r\n\rSALES_DB_PASSWORD=canaryü".encode("latin-1"), ":3 is not UTF-8."),
        (b"\xef\xbb\xbfA=1\n\xff=canary", ":2 is not UTF-8."),
        (b'A=1\nSALES_DATA="canary\\0"', ":2: SALES_DATA has an escape for a NUL byte"),
        (b'SALES_DATA="canary\\0000"', ":1: SALES_DATA has an escape for a NUL byte"),
    ],
)
def test_a_line_that_is_no_text_is_named_and_not_shown(
    tmp_path: Path, content: bytes, said: str
) -> None:
    (tmp_path / ".env").write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_settings()
    assert f"{tmp_path / '.env'}{said}" in caught.value.message
    assert "canary" not in str(caught.value)
    assert "0x" not in str(caught.value)


def test_settings_are_read_by_these_rules(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SALES_DB_PASSWORD='${x}$y'\nSALES_JOBS=${N:-2}\nSALES_STATE=\n")
    settings = load_settings()
    assert settings.db_password.get_secret_value() == "${x}$y"
    assert (settings.jobs, settings.state) == (2, "state")


def test_a_password_is_not_cut_at_a_dollar(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SALES_DB_PASSWORD=pa$word\n")
    with pytest.raises(ConfigError, match="single quotes") as error:
        load_settings()
    assert "SALES_DB_PASSWORD" in error.value.message


@pytest.mark.parametrize(
    "value",
    [
        "plain",
        "a=b,c.d=e[]",
        "client no=x",
        "pa$word ${A}",
        "it's",
        'say "so"',
        "back\\slash",
        "it's $HOME\\",
        "# none",
        " blanks ",
        "line\nline",
        "ünïcode|bar",
        "",
    ],
)
def test_a_line_that_is_written_is_read_as_the_same_value(tmp_path: Path, value: str) -> None:
    path = tmp_path / ".env"
    path.write_text(f"{env_line('SALES_X', value)}\nSALES_Y=1\n", encoding="utf-8")
    assert read_env_file(path, "SALES_", {}) == {"SALES_X": value, "SALES_Y": "1"}
