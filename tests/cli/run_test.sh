#!/bin/sh
# run_test.sh - does run.sh notice what it must notice?
#
#   sh tests/cli/run_test.sh
set -eu

here=$(cd "$(dirname "$0")" && pwd)
box=$(mktemp -d "${TMPDIR:-/tmp}/plainfilm-cli.XXXXXX")
trap 'rm -rf "$box"' EXIT
trap 'exit 1' HUP INT TERM
failed=0

# check STATUS CMD [FILE CONTENT]...: run.sh on a case made of these ends in STATUS.
check() {
  rm -rf "$box/case"
  mkdir "$box/case"
  wanted=$1
  printf '%s\n' "$2" >"$box/case/cmd"
  what=$2
  shift 2
  while [ $# -gt 0 ]; do
    printf "$2" >"$box/case/$1"
    what="$what; $1 '$2'"
    shift 2
  done
  status=0
  sh "$here/run.sh" "$box/case" "$box" >"$box/log" 2>&1 || status=$?
  [ "$status" = "$wanted" ] && return
  echo "status $status, expected $wanted, for: $what"
  cat "$box/log"
  failed=1
}

two='echo hi; echo there'
check 0 ':'
check 1 "$two"
check 0 "$two" stdout.exact 'hi\nthere\n'
check 1 "$two" stdout.exact 'hi\n'
check 1 "$two" stdout.exact 'hi\nthere'
check 0 "$two" stdout.glob 'h?\n[st]*e\n'
check 1 "$two" stdout.glob 'h?\n'
check 1 "$two" stdout.glob 'h?\nt?\n'
check 1 "$two" stdout.glob 'h?\n*\n*\n'
check 0 "$two" stdout.glob '...\nthere\n'
check 0 "$two" stdout.glob 'hi\n...\n'
check 0 "$two" stdout.glob '...\n'
check 1 "$two" stdout.glob '...\nwhere\n...\n'
check 1 "$two" stdout.glob '...\nthere\nmore\n'
check 1 "$two" stdout.glob ''
check 0 'printf "a\n[b]"' stdout.glob 'a\n\\[b\\]'
check 1 'printf "a\n[b]"' stdout.glob 'a\n[b]'
check 1 'echo hi >&2'
check 0 'echo hi >&2' stderr.exact 'hi\n'
check 0 'echo hi >&2' stderr.glob 'h*\n'
check 1 'exit 3'
check 0 'exit 3' exit '3\n'
check 1 'exit 0' exit '3\n'
check 77 'exit 77'
check 0 'ls; ls "$HOME"; echo $LC_ALL; [ -z "${USER:-}" ]' stdout.exact 'C.UTF-8\n'
exit $failed
