#!/bin/sh
# Makes .venv from requirements.lock, hashes enforced: with uv when it is there, else with Python's own venv and pip.
set -eu
cd "$(dirname "$0")"

is_current() {
    [ -x .venv/bin/python ] && [ "$(cat .venv/made-from 2>/dev/null)" = "$want" ]
}

find_python() {
    for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
        "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null || continue
        command -v "$candidate"
        return
    done
}

# flock(1) is not everywhere. The lock taken by this short-lived Python belongs to our descriptor, so it outlives Python.
wait_for_another_bootstrap() {
    exec 9<requirements.lock
    "$1" -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX)' || true
}

install_with_uv() {
    rm -rf .venv
    uv venv --quiet --no-project --python "${1:->=3.11,<3.14}" .venv
    uv pip install --quiet --python .venv/bin/python --require-hashes --compile-bytecode --requirement requirements.lock
}

install_with_pip() {
    rm -rf .venv
    if "$1" -c 'import ensurepip' 2>/dev/null; then
        "$1" -m venv .venv
        pip=".venv/bin/python -m pip"
    elif "$1" -m pip --version >/dev/null 2>&1; then
        "$1" -m venv --without-pip .venv
        pip="$1 -m pip --python .venv/bin/python"
    else
        echo "coinshop: $1 can make no virtual environment; install python3-venv (Debian, Ubuntu) or uv" >&2
        exit 1
    fi
    $pip install -qq --disable-pip-version-check --require-hashes --requirement requirements.lock
}

want=$(cat requirements.lock bootstrap.sh | cksum)
is_current && exit 0

python=$(find_python)
[ -z "$python" ] || wait_for_another_bootstrap "$python"
is_current && exit 0

if uv --version >/dev/null 2>&1; then
    echo "making .venv with uv (once)…"
    install_with_uv "$python"
elif [ -n "$python" ]; then
    echo "making .venv with pip (once; half a minute)…"
    install_with_pip "$python"
else
    echo "coinshop: Python 3.11, 3.12 or 3.13 is needed (or uv, which brings one)" >&2
    exit 1
fi
echo "$want" >.venv/made-from
