#!/bin/sh
# units.sh BIN_DIR - the units for systemd are understood, shut in what they start, and
# what they start works shut in like that: the calls of plainfilm-index and of its decoder
# are among those that SystemCallFilter= allows. Exit 77 without systemd-analyze.
set -eu
bin=$(cd "$1" && pwd)
tests=$(cd "$(dirname "$0")/.." && pwd)
units=$tests/../packaging/systemd
box=$(mktemp -d)
trap 'rm -rf "$box"' EXIT
trap 'exit 1' HUP INT TERM
command -v systemd-analyze >/dev/null || exit 77

fail() {
  echo "units: $*" >&2
  exit 1
}

# Installed, systemd finds the program by its name; here it is named in full.
cp "$units"/*.service "$units"/*.timer "$units"/*.socket "$box"
for program in index serve; do
  sed -i "s|^ExecStart=plainfilm-$program |ExecStart=$bin/plainfilm-$program |" \
    "$box/plainfilm-$program.service"
done
for unit in "$box"/*.service "$box"/*.timer "$box"/*.socket; do
  systemd-analyze verify --man=no "$unit" >"$box/said" 2>&1 ||
    fail "${unit##*/}: $(cat "$box/said")"
  # (the program that sends mail need not be here)
  grep -v 'not executable' "$box/said" >"$box/odd" || continue
  fail "${unit##*/}: $(cat "$box/odd")"
done
systemd-analyze calendar "$(sed -n 's/^OnCalendar=//p' "$box/plainfilm-index.timer")" \
  >/dev/null || fail "nobody knows when the timer is due"
for program in index serve; do
  systemd-analyze security --offline=yes --threshold=25 --no-pager \
    "$box/plainfilm-$program.service" >"$box/said" 2>&1 || fail "$(tail -n 1 "$box/said")"
done
# one list of calls is tried below for both
calls() { grep '^SystemCallFilter=\|^MemoryDeny\|^RestrictAddress' "$1"; }
[ "$(calls "$box/plainfilm-index.service")" = "$(calls "$box/plainfilm-serve.service")" ] ||
  fail "the services may make other calls than each other"

# --- the calls ----------------------------------------------------------------------

# A set has names and other sets.
calls_of() { # NAME...
  for name in "$@"; do
    case $name in
    @*)
      # shellcheck disable=SC2046
      calls_of $(systemd-analyze --no-pager syscall-filter "$name" |
        sed -n 's/^ *\([@a-z0-9_][a-z0-9_-]*\)$/\1/p' | grep -vx -e "$name")
      ;;
    *) echo "$name" ;;
    esac
  done
}

# What is added first, taken away next, and added again last, as in the unit.
: >"$box/allowed"
grep '^SystemCallFilter=' "$box/plainfilm-index.service" | sed 's/^[^=]*=//' >"$box/lines"
while IFS= read -r line; do
  case $line in
  ~*)
    # shellcheck disable=SC2086
    calls_of ${line#?} | sort -u >"$box/less"
    comm -23 "$box/allowed" "$box/less" >"$box/left"
    mv "$box/left" "$box/allowed"
    ;;
  *)
    # shellcheck disable=SC2086
    calls_of $line | sort -u - "$box/allowed" -o "$box/allowed"
    ;;
  esac
done <"$box/lines"

cd "$box"
"$bin/pf-seeded-catalog" model seeded 1
mkdir films
cp "$tests"/golden/images/* films
status=0
"$bin/pf-only-calls" "$bin/plainfilm-index" -q -c kept --model model films \
  <allowed >out 2>err || status=$?
[ $status != 77 ] || exit 77
"$bin/plainfilm-index" -q -c free --model model films >wanted 2>wanted-err || true
sed -i 's/ in [0-9.]* s.*//' out wanted
diff wanted out && diff wanted-err err || fail "it does otherwise under SystemCallFilter="
grep -q '[1-9][0-9]* added' out || fail "nothing was indexed: $(cat out)"

# The server gets its socket from outside, for it may make none of its own.
cat >serve.py <<'END'
import os, socket, subprocess, sys, urllib.request
listener = socket.create_server(("127.0.0.1", 0))
port = listener.getsockname()[1]
start = ("import os, sys; os.dup2(int(sys.argv[1]), 3, True); "
         "os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid())); "
         "os.execv(sys.argv[2], sys.argv[2:])")
with open("allowed") as allowed:
    server = subprocess.Popen(
        [sys.executable, "-c", start, str(listener.fileno()), sys.argv[1] +
         "/pf-only-calls", sys.argv[1] + "/plainfilm-serve", "-q", "-c", "kept"],
        stdin=allowed, stdout=subprocess.PIPE, pass_fds=[listener.fileno()])
address = server.stdout.readline().decode().strip()
try:
    root, token = address.split("?token=")
    for path in ["api/catalog", "api/search?like=1", "api/search?q=film",
                 "api/preview/1", "api/thumbnail/1"]:
        request = urllib.request.Request(root + path, headers={
            "Authorization": "Bearer " + token})
        with urllib.request.urlopen(request, timeout=60) as answer:
            answer.read()
finally:
    server.terminate()
sys.exit(server.wait(20))
END
if command -v python3 >/dev/null; then
  python3 serve.py "$bin" || fail "plainfilm-serve does otherwise under SystemCallFilter="
fi
