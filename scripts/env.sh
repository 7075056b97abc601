# To be sourced: `tamas` then speaks to the instance that `make run` starts from this clone.
_tamas_clone=$(cd "$(dirname "${BASH_SOURCE[0]:-$0}")/.." && pwd)
eval "tamas() { TAMAS_STATE_DIR=\"\${TAMAS_STATE_DIR:-$_tamas_clone/var/run}\" \"$_tamas_clone/.venv/bin/tamas\" \"\$@\"; }"
unset _tamas_clone
