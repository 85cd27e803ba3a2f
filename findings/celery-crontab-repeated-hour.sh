#!/usr/bin/env bash
#
# One would guess: crontab() without arguments sends a task every minute, whatever the clock on the
# wall does, since minutes do not stop.
# What happens: in the hour that comes twice when summer time ends, it sends nothing the second time,
# for 61 minutes. An interval of 60 seconds goes on.
# Why it matters: what is meant to watch, retry or pick up events every minute is blind for an hour,
# once a year, at night.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
"${PYTHON:-python3}" -m venv env
env/bin/python -m pip install --quiet --quiet celery==5.7.0

cat >seen.py <<'END'
from datetime import datetime, timedelta, timezone
from importlib.metadata import version
from zoneinfo import ZoneInfo

from celery import Celery
from celery.beat import ScheduleEntry
from celery.schedules import crontab, schedule

BERLIN = ZoneInfo("Europe/Berlin")
print("celery", version("celery"))
app = Celery("seen")
app.conf.timezone = "Europe/Berlin"
for kind in (crontab, lambda **options: schedule(60, **options)):
    # Summer time ends at 01:00 UTC: 02:00 to 02:59 come at 00:xx UTC and again at 01:xx UTC.
    moment = datetime(2026, 10, 24, 23, 59, tzinfo=timezone.utc)
    sent = {hour: 0 for hour in (0, 1, 2)}
    table = kind(app=app, nowfun=lambda: moment.astimezone(BERLIN))
    entry = ScheduleEntry("seen", "task", schedule=table, app=app)
    while moment < datetime(2026, 10, 25, 2, 59, tzinfo=timezone.utc):
        moment += timedelta(minutes=1)
        if entry.is_due().is_due:
            entry = next(entry)
            sent[moment.hour] += 1
    print(type(table).__name__, "sent, by hour of UTC:", sent)
END

cat >expected.txt <<'END'
celery 5.7.0
crontab sent, by hour of UTC: {0: 60, 1: 0, 2: 60}
schedule sent, by hour of UTC: {0: 60, 1: 60, 2: 60}
END

env/bin/python seen.py | tee seen.txt
diff expected.txt seen.txt || {
    echo "This is no longer what happens: see the difference above." >&2
    exit 1
}
