"""The work itself: plan -> process -> publish. Knows nothing of Celery or of the command line."""

import os

# numpy's OpenBLAS would start a thread a core, which spin for want of work that never comes here:
# a tenth of a second of CPU time a process. Read when numpy is first imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
