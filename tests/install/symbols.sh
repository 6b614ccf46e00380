#!/bin/sh
# symbols.sh - the shared library shows the functions that plainfilm.h declares: all of
# them, and nothing else of what is inside, its own or an archive's.
. "$(dirname "$0")/common.sh"
# The compiler says what is declared, so that this does not read the header the same way
# as the list was made that the linker got.
printf '#include <plainfilm.h>\n' | cc -E -P -I"$PREFIX/include" -x c - | tr '\n;' ' \n' |
  sed -n 's/.*visibility("default"))) *\([^(]*\)(.*/\1/p' | sed 's/.*[ *]//' |
  sort >"$box/declared"
[ -s "$box/declared" ] || fail "plainfilm.h declares nothing"
"$NM" -D --defined-only "$PREFIX/$LIBDIR/libplainfilm.so" | sed 's/.* //' | sort >"$box/shown"
diff "$box/declared" "$box/shown" | sed -n 's/^< \(.*\)/\1 is declared, but not there/p
  s/^> \(.*\)/\1 is there, but not declared/p' >"$box/wrong"
[ ! -s "$box/wrong" ] || fail "$(cat "$box/wrong")"
"$READELF" -d "$PREFIX/$LIBDIR/libplainfilm.so" |
  grep -q "SONAME.*\[libplainfilm\.so\.${VERSION%%.*}\]" || fail "the soname is wrong"
