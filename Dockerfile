# syntax=docker/dockerfile:1
FROM python:3.13-slim AS builder
WORKDIR /build
COPY pyproject.toml requirements.lock ./
# What the site needs at run time, from pyproject.toml, at the lock's versions and hashes; nothing of the other groups.
# An older pip refuses hashes that come from constraints.
RUN python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"], sep="\n")' \
        > runtime.txt \
    && python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --upgrade 'pip>=26.3' \
    && /venv/bin/pip install --no-cache-dir --require-hashes --constraint requirements.lock --requirement runtime.txt

FROM python:3.13-slim
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1
RUN useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin coinshop
COPY --from=builder /venv /venv
WORKDIR /app
COPY . .
# The example's values let the settings load; none of them stays in the image.
RUN python -m compileall -q . \
    && (set -a && . ./.env.example && python manage.py collectstatic --noinput)
USER coinshop
EXPOSE 8000
# The page is asked for by a name of its own, or the answer would be "no such host".
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(u.Request('http://127.0.0.1:8000/healthz', headers={'Host': os.environ['ALLOWED_HOSTS'].split(',')[0].lstrip('.*') or 'localhost'}), timeout=4)"]
CMD ["uvicorn", "coinshop.asgi:application", "--host", "0.0.0.0", "--port", "8000", "--no-proxy-headers", "--no-access-log", "--timeout-graceful-shutdown", "10"]
