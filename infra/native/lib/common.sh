# Shared by up, down and the engines' scripts. What is built or fetched is cached outside the checkout, keyed by version.
set -euo pipefail
NATIVE_DIR="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
ROOT_DIR="$(cd "$NATIVE_DIR/../.." && pwd)"
CACHE_DIR="${GOGOBE_NATIVE_CACHE:-$HOME/.cache/gogobe}"
RUN_DIR="${GOGOBE_NATIVE_RUN:-${TMPDIR:-/tmp}/gogobe-native-$(id -u)}"
mkdir -p "$CACHE_DIR" "$RUN_DIR"

say() { printf '%s\n' "$*" >&2; }
fail() { say "error: $*"; exit 1; }

# wait_for <what> <seconds> <command…>: until the command succeeds.
wait_for() {
  local what="$1" seconds="$2" deadline
  shift 2
  deadline=$((SECONDS + seconds))
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$deadline" ] || fail "$what did not answer within $seconds s; see its log below $RUN_DIR"
    sleep 0.2
  done
}

# alive <pid file>: true while the process written there runs.
alive() { [ -s "$1" ] && kill -0 "$(cat "$1")" 2>/dev/null; }

# start <name> <command…>: in the background, with a log and a pid file, detached from this shell.
start() {
  local name="$1"
  shift
  setsid "$@" >"$RUN_DIR/$name.log" 2>&1 </dev/null &
  echo $! >"$RUN_DIR/$name.pid"
}

# stop <name>: TERM, then KILL after ten seconds.
stop() {
  local file="$RUN_DIR/$1.pid"
  if alive "$file"; then
    kill "$(cat "$file")" 2>/dev/null || true
    for _ in $(seq 50); do alive "$file" || break; sleep 0.2; done
    alive "$file" && kill -9 "$(cat "$file")" 2>/dev/null || true
    say "$1 stopped"
  fi
  rm -f "$file"
}

free_port() { node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })'; }

# The port that an engine got at its first start, kept so that a restart keeps its address.
port_of() {
  local file="$RUN_DIR/$1.port"
  [ -s "$file" ] || free_port >"$file"
  cat "$file"
}

# A secret made once for this run directory.
secret_of() {
  local file="$RUN_DIR/$1.secret"
  [ -s "$file" ] || (umask 077 && od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$file")
  cat "$file"
}

. "$NATIVE_DIR/lib/packages.sh"
