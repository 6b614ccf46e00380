#!/bin/sh
# every_option.sh BIN_DIR - each option of the programs is used by a test of theirs.
#
# A case tests an option when its cmd has the long name and it compares exact output;
# that an option is refused (cases named *-misuse) says nothing of it. --help and --version
# differ from build to build and are compared with patterns.
set -eu
bin=$1
here=$(cd "$(dirname "$0")" && pwd)
missing=0

# The commands of the cases of a program, without comments.
commands() { # PROGRAM'S CASES
  for cmd in "$here/$1"-*/cmd; do
    folder=${cmd%/cmd}
    case $folder in *-misuse) continue ;; esac
    [ -f "$folder/stdout.exact" ] || [ -f "$folder/stderr.exact" ] || continue
    sed 's/^#.*//' "$cmd"
  done
}

for name in query index serve; do
  all=$(commands $name)
  options=$("$bin/plainfilm-$name" --help-options | cut -f 1)
  [ -n "$options" ] || {
    echo "plainfilm-$name has no options"
    exit 1
  }
  for option in $options; do
    case $option in help | version) continue ;; esac
    printf '%s\n' "$all" | grep -qE -- "(^|[[:blank:]\"'])--$option([^[:alnum:]-]|\$)" || {
      echo "plainfilm-$name --$option: no test with exact output in tests/cli/$name-*"
      missing=1
    }
  done
done
exit $missing
