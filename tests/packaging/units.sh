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
cp "$units"/*.service "$units"/*.timer "$box"
sed -i "s|^ExecStart=plainfilm-index |ExecStart=$bin/plainfilm-index |" \
  "$box/plainfilm-index.service"
for unit in "$box"/*.service "$box"/*.timer; do
  systemd-analyze verify --man=no "$unit" >"$box/said" 2>&1 ||
    fail "${unit##*/}: $(cat "$box/said")"
  # (the program that sends mail need not be here)
  grep -v 'not executable' "$box/said" >"$box/odd" || continue
  fail "${unit##*/}: $(cat "$box/odd")"
done
systemd-analyze calendar "$(sed -n 's/^OnCalendar=//p' "$box/plainfilm-index.timer")" \
  >/dev/null || fail "nobody knows when the timer is due"
systemd-analyze security --offline=yes --threshold=25 --no-pager \
  "$box/plainfilm-index.service" >"$box/said" 2>&1 || fail "$(tail -n 1 "$box/said")"

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
