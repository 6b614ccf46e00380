#!/bin/sh
# no_cores.sh BIN_DIR - while they are at work, both programs allow no core file. For
# builds that users have: a Debug build can be debugged.
set -eu

PATH=$1:$PATH
here=$(cd "$(dirname "$0")" && pwd)
box=$(mktemp -d "${TMPDIR:-/tmp}/plainfilm-cores.XXXXXX")
pid=
trap '[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null || :; rm -rf "$box"' EXIT
trap 'exit 1' HUP INT TERM
cd "$box"
ulimit -S -c "$(ulimit -H -c)"

# check NAME: the process $pid, which is at work.
check() {
  limit=$(sed -n 's/^Max core file size *\([^ ]*\) *\([^ ]*\).*/\1 \2/p' "/proc/$pid/limits")
  kill -9 "$pid"
  wait "$pid" 2>/dev/null || :
  pid=
  [ "$limit" = "0 0" ] && return
  echo "$1: the limit on core files is '$limit', expected '0 0'"
  exit 1
}

PF_TESTS=${here%/cli}
. "$here/index.sh"
index --model model films >/dev/null
pictures slow 2000
plainfilm-index -q -c catalog -j 1 -b 1 slow >log 2>&1 &
pid=$!
until plainfilm-index -c catalog --info 2>/dev/null | grep -q running; do
  kill -0 "$pid" 2>/dev/null || { cat log; exit 1; }
  sleep 0.02
done
check plainfilm-index

pf-seeded-catalog other seeded 60
mkfifo questions
plainfilm-query -c seeded --batch <questions >answers &
pid=$!
exec 3>questions
echo '{"like":"7","limit":1}' >&3
until [ -s answers ]; do
  kill -0 "$pid" 2>/dev/null || { cat log; exit 1; }
  sleep 0.02
done
check plainfilm-query
