# To be sourced: makes this shell speak to the instance that `make run` starts from this clone.
_tamas_clone=$(cd "$(dirname "${BASH_SOURCE[0]:-$0}")/.." && pwd)
export TAMAS_STATE_DIR="${TAMAS_STATE_DIR:-$_tamas_clone/var/run}"
case ":$PATH:" in *":$_tamas_clone/.venv/bin:"*) ;; *) export PATH="$_tamas_clone/.venv/bin:$PATH" ;; esac
unset _tamas_clone
