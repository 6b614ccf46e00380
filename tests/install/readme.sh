#!/bin/sh
# readme.sh - the commands of examples/README.md build the examples, against the shared
# and the static library, without a warning, and what they build finds what it should;
# so does the program that README.md has.
. "$(dirname "$0")/common.sh"
mkdir "$box/project"
ln -s "$WORK/films" "$PROJECT/data" "$box/project"
cp -r "$PROJECT/examples" "$box/project"
cd "$box/project/examples"
[ "$SHARED" = ON ] || export PLAINFILM_DECODER="$PREFIX/$LIBEXECDIR/plainfilm/plainfilm-decode"

needs() { # PROGRAM: is libplainfilm.so among what it loads?
  "$READELF" -d "$1" | grep -q 'NEEDED.*libplainfilm\.so'
}

readme_commands >"$box/commands"
tried=0
while IFS= read -r command; do
  case $command in
  'cmake '* | 'plainfilm-index '*) continue ;; # prefix.sh
  esac
  tried=$((tried + 1))
  sh -c "$command" >"$box/log" 2>&1 </dev/null || fail "'$command': $(cat "$box/log")"
  case $command in
  *--static*) ! needs ./search || fail "'$command' links the shared library" ;;
  'cc '*) [ "$SHARED" != ON ] || needs ./search || fail "'$command' does not" ;;
  esac
  case $command in
  'cc '*) check_search ./search ;;
  'c++ '*) check_similar ./similar ;;
  esac
done <"$box/commands"
[ "$tried" = 5 ] || fail "$tried commands, expected 5"

cd "$box"
awk '/^```c$/ { on = 1; next } /^```$/ { on = 0 } on' "$PROJECT/README.md" >effusion.c
grep '^cc effusion\.c ' "$PROJECT/README.md" >command || fail "README.md builds no program"
sh command || fail "README.md: '$(cat command)'"
PLAINFILM_CATALOG=$WORK/films
export PLAINFILM_CATALOG
./effusion >found || fail "README.md's program: $(cat found)"
plainfilm-query --quiet --format paths pleural effusion | diff - found ||
  fail "README.md's program finds something else"
