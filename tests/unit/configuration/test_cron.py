"""SALES_SCHEDULE: what is a time, and what is refused since cron and Celery differ."""

from __future__ import annotations

import pytest
from celery.schedules import crontab
from hypothesis import given
from hypothesis import strategies as st

from pipeline_core.configuration.cron import parse_cron
from pipeline_core.errors import ConfigError
from pipeline_core.settings import load_settings
from workers.config import cron


@pytest.mark.parametrize(
    ("expression", "same"),
    [
        ("0 3 * * 7", "0 3 * * 0"),
        ("0 3 * * 5-7", "0 3 * * 0,5,6"),
        ("0 3 * * sat-7", "0 3 * * 0,6"),
        ("0 3 * * fri-mon", "0 3 * * 0,1,5,6"),
        ("0 3 * * SUN-Tue", "0 3 * * 0-2"),
        ("0 3 * * 7-2", "0 3 * * 0-2"),
        ("0 3 * * 0-7/2", "0 3 * * 0,2,4,6"),
        ("0 3 * * 1-7", "0 3 * * *"),
        ("0 3 1 jan,March *", "0 3 1 1,3 *"),
        ("  0\t3   * * *\n", "0 3 * * *"),
        ("0 3 1-31 * 0-6", "0 3 * * *"),
        ("0 3 */1 * 1", "0 3 * * 1"),
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
        ("@monthly", "0 0 1 * *"),
        ("@weekly", "0 0 * * 0"),
        (" @Daily ", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@hourly", "0 * * * *"),
    ],
)
def test_times_as_cron_reads_them(expression: str, same: str) -> None:
    assert parse_cron(expression) == parse_cron(same)
    assert cron(expression) == crontab.from_string(same)


_TIMES = st.integers(0, 23).map(str)
_HOURS = st.one_of(
    st.just("*"),
    _TIMES,
    st.builds("{}-{}".format, _TIMES, _TIMES),
    st.builds("{}-{}/{}".format, _TIMES, _TIMES, st.integers(1, 9)),
    st.builds("*/{}".format, st.integers(1, 30)),
)


@given(st.lists(_HOURS, min_size=1, max_size=3).map(",".join))
def test_what_celery_takes_too_means_the_same(hours: str) -> None:
    """Schedules that were there before keep their times."""
    try:
        theirs = crontab.from_string(f"0 {hours} * * *")
    except ValueError:  # a * beside others, which it does not take
        return
    assert cron(f"0 {hours} * * *") == theirs


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        (
            "0 3 1 * 1",
            "week: cron would start on the 1st or on any Monday, Celery on the 1st if it is a "
            "Monday; "
            "write 0 3 1 * * or 0 3 * * 1",
        ),
        (
            "30 2 1-7,22 jan-mar fri,sun",
            "on the 1st to 7th or 22nd or on any Friday or Sunday, Celery on the 1st to 7th or "
            "22nd if it is a Friday or Sunday; "
            "write 30 2 1-7,22 jan-mar * or 30 2 * jan-mar fri,sun",
        ),
        ("0 3 1-31 * 1", "write 0 3 1-31 * * or 0 3 * * 1"),
        (
            "0 3 */2 * 1",
            "crons differ: some would start on the 1st, 3rd, 5th, 7th, 9th, 11th, 13th, 15th, "
            "17th, 19th, 21st, 23rd, 25th, 27th, 29th or 31st or on any Monday, others, and "
            "Celery, on the 1st, 3rd,",
        ),
        (
            "0 3 1 * */3",
            "crons differ: some would start on the 1st or on any Wednesday, Saturday or Sunday, "
            "others, and Celery, on the 1st if it is a Wednesday, Saturday or Sunday; "
            "write 0 3 1 * * or 0 3 * * */3",
        ),
        ("0 3 *,5 * 1", "crons differ"),
        ("0 3 2-31 * 0-6", "on any Monday, Tuesday, Wednesday"),
    ],
)
def test_days_of_month_and_week_together_mean_two_things(expression: str, said: str) -> None:
    with pytest.raises(ConfigError, match="SALES_SCHEDULE") as error:
        load_settings({"schedule": expression})
    assert said in error.value.message


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("every night", "has 2 fields"),
        ("0 0 3 * * ?", "has 6 fields"),
        ("3", "has 1 field;"),
        ("@reboot", "'@reboot' is no time; there are @yearly"),
        ("@every 5m", "@daily"),
        ("0 3 ? * *", "'?' is no day of the month"),
        ("61 3 * * *", "'61' is no minute (0 to 59)"),
        ("0 24 * * *", "(0 to 23)"),
        ("0 3 0 * *", "(1 to 31)"),
        ("0 3 * 13 *", "(1 to 12)"),
        ("0 3 * * 8", "(0 to 7)"),
        ("0 3 * mon *", "'mon' is no month"),
        ("0 3 L * *", "day of the month"),
        ("5/15 * * * *", "write 5-59/15"),
        ("*/0 * * * *", "step of 0"),
        ("0 3 ,1 * *", "'' is no day of the month"),
        ("-1 3 * * *", "'-1' is no minute"),
        ("0 3 30 2 *", "never comes"),
        ("0 3 31 2,4 *", "never comes"),
    ],
)
def test_what_is_no_time_is_named(expression: str, said: str) -> None:
    with pytest.raises(ConfigError, match="SALES_SCHEDULE") as error:
        load_settings({"schedule": expression})
    assert said in error.value.message
