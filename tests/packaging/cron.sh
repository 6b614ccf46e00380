#!/bin/sh
# cron.sh - the file for cron: five fields and a user, a name that cron does not pass over,
# and a mail, which is what the command says, exactly when the run failed.
set -eu
file=$(dirname "$0")/../../packaging/cron/plainfilm.cron
box=$(mktemp -d)
trap 'rm -rf "$box"' EXIT
trap 'exit 1' HUP INT TERM

fail() {
  echo "cron: $*" >&2
  exit 1
}

grep -vE '^#|^$|^[A-Z_]+=' "$file" >"$box/line"
[ "$(wc -l <"$box/line")" = 1 ] || fail "not one line"
grep -qE '^[0-9]+ [0-9]+ \* \* \*  plainfilm  ' "$box/line" || fail "$(cat "$box/line")"
! grep -q '%' "$box/line" || fail "cron takes % for the end of a line"
sed 's/^[0-9]* [0-9]* \* \* \*  plainfilm  \[[^]]*\] || //' "$box/line" >"$box/command"
! grep -q systemd "$box/command" || fail "$(cat "$box/command")"

mail_of() { # STATUS: what is said when the run ends with it
  printf '#!/bin/sh\necho "$*"\nexit %s\n' "$1" >"$box/plainfilm-index"
  chmod +x "$box/plainfilm-index"
  PATH=$box:$PATH sh "$box/command"
}
[ -z "$(mail_of 0)" ] || fail "a mail about a good night"
[ -z "$(mail_of 3)" ] || fail "a mail about pictures that cannot be read"
mail_of 1 | grep -q -e '--quiet --format json --wait' || fail "no mail about a failure"
[ -n "$(mail_of 75)" ] || fail "no mail about a catalog that is locked"
