#!/usr/bin/env bash
# Writes requirements/*.txt from pyproject.toml: exact versions with hashes, no addresses.
set -euo pipefail
cd "$(dirname "$0")/.."
.venv/bin/python -m pip install --quiet --disable-pip-version-check pip-tools
compile() {
    .venv/bin/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-header \
        --no-emit-index-url --no-emit-find-links --no-emit-trusted-host "$@"
}
compile --output-file requirements/build.txt requirements/build.in
compile --output-file requirements/node.txt requirements/node.in
compile --output-file requirements/base.txt pyproject.toml
compile --extra dev --output-file requirements/dev.txt pyproject.toml
