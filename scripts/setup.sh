#!/usr/bin/env bash
# Prepares a clone: a Python with venv, the virtual environment, the locked packages.
#   scripts/setup.sh run    what `make run` and `make demo` need
#   scripts/setup.sh dev    that, and what tests, lint and benches need (PostgreSQL's programs, a browser)
# Does nothing when everything is in place already. Uses sudo only when a Debian package is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
kind=${1:-run}
venv=.venv

say() { printf '  %s\n' "$*" >&2; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null; then sudo "$@"
    else say "please install as root, then try again: $*"; exit 1
    fi
}

apt_updated=
apt_install() {
    command -v apt-get >/dev/null || { say "please install: $*"; exit 1; }
    say "installing $*"
    if [ -z "$apt_updated" ]; then as_root apt-get update -qq; apt_updated=yes; fi
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

usable_python() {
    local candidate
    for candidate in python3.11 python3.12 python3.13 python3.14 python3; do
        if command -v "$candidate" >/dev/null &&
            "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

if [ "$kind" = dev ]; then locked=requirements/dev.txt; else locked=requirements/base.txt; fi
stamp=$venv/.locked-$kind
# A development environment has everything that running needs.
if [ "$kind" = run ] && [ -e $venv/.locked-dev ]; then kind=dev locked=requirements/dev.txt stamp=$venv/.locked-dev; fi
wanted=$(cat "$locked" requirements/build.txt pyproject.toml | sha256sum | cut -d' ' -f1)-$PWD

if [ ! -x $venv/bin/tamas ] || [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
    python=$(usable_python) || { apt_install python3 python3-venv; python=$(usable_python); }
    if ! $venv/bin/python -m pip --version >/dev/null 2>&1; then
        say "making the virtual environment"
        "$python" -m venv --clear $venv
    fi
    say "installing the locked Python packages"
    $venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
        -r requirements/build.txt -r "$locked"
    $venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
    printf '%s' "$wanted" >"$stamp"
fi

# Asterisk and SIPp are fetched with apt's own tools, whose signatures need Debian's keyring.
[ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || apt_install debian-archive-keyring

if [ "$kind" = dev ] && [ "${1:-run}" = dev ] && ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then
    # The tests start a cluster of their own; the package shall not start one.
    as_root mkdir -p /etc/postgresql-common/createcluster.d
    echo 'create_main_cluster = false' | as_root tee /etc/postgresql-common/createcluster.d/tamas.conf >/dev/null
    apt_install postgresql
fi

if [ "${1:-run}" = dev ]; then
    # The browser of the console's tests, and letters for what the console brings no font for.
    missing=()
    command -v chromium-headless-shell >/dev/null || missing+=(chromium-headless-shell)
    [ -e /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf ] || missing+=(fonts-dejavu-core)
    [ ${#missing[@]} = 0 ] || apt_install "${missing[@]}"
fi
