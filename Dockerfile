FROM python:3.12-slim-trixie AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ONLY_BINARY=:all:
WORKDIR /src
# For the fast tier of decoding; any version does.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*
COPY requirements/build.txt requirements/runtime.txt requirements/
# What only builds stays in this stage: /venv has no pip and no build tools.
RUN python -m venv --without-pip /venv \
    && pip install --require-hashes -r requirements/build.txt \
    && pip --python /venv/bin/python install --require-hashes -r requirements/runtime.txt
COPY LICENSE README.md data_generator.py pyproject.toml ./
COPY console console
COPY pipeline_core pipeline_core
COPY sql sql
COPY workers workers
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && pip --python /venv/bin/python install --no-deps --no-index /wheels/*.whl

FROM python:3.12-slim-trixie
# SIGQUIT makes Celery hand unfinished work back before it goes (soft shutdown).
ENV PATH=/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 REMAP_SIGTERM=SIGQUIT
RUN useradd --uid 10001 --user-group --no-log-init --no-create-home sales \
    && install -d -o sales -g sales /beat /data /reports /state
COPY --from=build /venv /venv
WORKDIR /app
USER 10001:10001
CMD ["celery", "-A", "workers", "worker", "--loglevel=INFO"]
