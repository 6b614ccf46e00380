#!/bin/sh
# run.sh - one test of the programs, as a user runs them.
#
#   sh tests/cli/run.sh CASE_DIR BIN_DIR
#
# CASE_DIR holds
#   cmd                          a POSIX shell script; it runs in an empty folder
#   stdout.exact | stdout.glob   what it must write; without either: nothing
#   stderr.exact | stderr.glob   the same for stderr
#   exit                         its exit status; without: 0
#
# A glob file is compared line by line: each is a pattern of the shell (*, ?, [...], and
# \ before one that is meant), and a line "..." stands for any number of lines.
#
# The environment is bare: PATH with BIN_DIR in front, HOME and TMPDIR (the empty
# folder), LC_ALL=C.UTF-8, PF_TESTS (the folder tests/), PF_SHARED, and what sanitizers
# read. A cmd that exits with 77 for want of material is skipped: so does this script.
#
# PF_UPDATE=1 writes stdout.exact, stderr.exact and exit from what happened, except
# where there is a glob file: read the difference before committing it.
set -eu

case_dir=$(cd "$1" && pwd)
bin_dir=$(cd "$2" && pwd)
tests=$(cd "$(dirname "$0")/.." && pwd)
name=${case_dir##*/}
[ -f "$case_dir/cmd" ] || {
  echo "$name: there is no cmd" >&2
  exit 1
}

box=$(mktemp -d "${TMPDIR:-/tmp}/plainfilm-cli.XXXXXX")
trap 'chmod -R u+w "$box"; rm -rf "$box"' EXIT
trap 'exit 1' HUP INT TERM
mkdir "$box/work"

status=0
(cd "$box/work" && exec env -i PATH="$bin_dir:$PATH" HOME="$box/work" \
  TMPDIR="$box/work" LC_ALL=C.UTF-8 PF_TESTS="$tests" PF_SHARED="${PF_SHARED:-}" \
  ${ASAN_OPTIONS:+ASAN_OPTIONS="$ASAN_OPTIONS"} \
  ${LSAN_OPTIONS:+LSAN_OPTIONS="$LSAN_OPTIONS"} \
  ${UBSAN_OPTIONS:+UBSAN_OPTIONS="$UBSAN_OPTIONS"} \
  sh "$case_dir/cmd") </dev/null >"$box/stdout" 2>"$box/stderr" || status=$?

if [ "$status" = 77 ]; then
  cat "$box/stderr" >&2
  exit 77
fi

# --- comparing ----------------------------------------------------------------------

failed=no

complain() { # WHAT
  [ "$failed" = yes ] || sed 's/^/    | /' "$case_dir/cmd"
  failed=yes
  echo "$name: $1"
}

# Succeeds when the lines of file $2 match the patterns in file $1. Both are walked
# once: after "..." lines are passed over until one matches the pattern that follows.
matches() { # PATTERNS FILE
  exec 3<"$1" 4<"$2"
  skipping=no
  while IFS= read -r pattern <&3 || [ -n "$pattern" ]; do
    if [ "$pattern" = ... ]; then
      skipping=yes
      continue
    fi
    while :; do
      if ! IFS= read -r line <&4 && [ -z "$line" ]; then
        echo "  nothing matches: $pattern"
        return 1
      fi
      # shellcheck disable=SC2254
      case $line in
      $pattern) break ;;
      esac
      if [ "$skipping" = no ]; then
        echo "  line:    $line"
        echo "  pattern: $pattern"
        return 1
      fi
    done
    skipping=no
  done
  [ "$skipping" = yes ] && return 0
  if IFS= read -r line <&4 || [ -n "$line" ]; then
    echo "  one line too many: $line"
    return 1
  fi
}

compare() { # stdout|stderr
  if [ -f "$case_dir/$1.glob" ]; then
    matches "$case_dir/$1.glob" "$box/$1" >"$box/why" || {
      complain "$1 is not as $1.glob says"
      cat "$box/why"
      sed 's/^/  > /' "$box/$1"
    }
    return
  fi
  if [ -n "${PF_UPDATE:-}" ]; then
    if [ -s "$box/$1" ]; then cp "$box/$1" "$case_dir/$1.exact"; else
      rm -f "$case_dir/$1.exact"
    fi
  fi
  wanted=$case_dir/$1.exact
  [ -f "$wanted" ] || wanted=/dev/null
  diff -u "$wanted" "$box/$1" >"$box/why" || {
    complain "$1 is not as it should be"
    cat "$box/why"
  }
}

compare stdout
compare stderr
if [ -n "${PF_UPDATE:-}" ]; then
  if [ "$status" = 0 ]; then rm -f "$case_dir/exit"; else
    echo "$status" >"$case_dir/exit"
  fi
fi
wanted=0
[ ! -f "$case_dir/exit" ] || read -r wanted <"$case_dir/exit"
[ "$status" = "$wanted" ] || {
  complain "exit status $status, expected $wanted"
  [ "$failed" = no ] || sed 's/^/  stderr: /' "$box/stderr"
}
[ "$failed" = no ]
