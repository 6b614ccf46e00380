# common.sh - for the scripts beside it, which CMakeLists.txt calls with the environment
# set: a folder of their own, $box, and nothing but the installed tree in all paths.
set -eu
name=$(basename "$0" .sh)
box=$(mktemp -d)
trap 'rm -rf "$box"' EXIT
trap 'exit 1' HUP INT TERM
PATH=$PREFIX/bin:$PATH
PKG_CONFIG_PATH=$PREFIX/$LIBDIR/pkgconfig
LD_LIBRARY_PATH=$PREFIX/$LIBDIR
HOME=$box
LC_ALL=C.UTF-8
export PATH PKG_CONFIG_PATH LD_LIBRARY_PATH HOME LC_ALL
unset DESTDIR CFLAGS CXXFLAGS CPPFLAGS LDFLAGS CPATH LIBRARY_PATH PLAINFILM_CATALOG || true

fail() {
  echo "$name: $*" >&2
  exit 1
}

# README.md's pkg-config is the one that CMake found; its compilers are those of the
# build, and strict.
mkdir "$box/bin"
strict='-Wall -Wextra -pedantic -Werror'
printf '#!/bin/sh\nexec "%s" %s "$@"\n' "$CC" "$strict" >"$box/bin/cc"
printf '#!/bin/sh\nexec "%s" %s "$@"\n' "$CXX" "$strict" >"$box/bin/c++"
printf '#!/bin/sh\nexec "%s" "$@"\n' "$PKG_CONFIG" >"$box/bin/pkg-config"
chmod +x "$box/bin"/*
PATH=$box/bin:$PATH

# Commands of examples/README.md.
readme_commands() {
  awk '/^```sh$/ { on = 1; next } /^```$/ { on = 0 } on' "$PROJECT/examples/README.md"
}

# The examples find in $WORK/films what the installed plainfilm-query finds.
check_search() { # PROGRAM
  "$1" "$WORK/films" 'subdural hematoma' >"$box/found" || fail "'$1' failed"
  grep -qE '^ 1  0\.[0-9]{3}  /.*/case0049-1\.jpg$' "$box/found" &&
    grep -qx ' *Small crescentic extra-axial hemorrhage on the right on non-contrast head CT, axial view. No hydrocephalus.' \
      "$box/found" || fail "'$1' prints '$(head -n 2 "$box/found")'"
  sed -n 's|^ *[0-9]*  [-0-9.]*  /|/|p' "$box/found" >"$box/paths"
  plainfilm-query --quiet --catalog "$WORK/films" --limit 5 --format paths \
    subdural hematoma | diff - "$box/paths" || fail "'$1' finds something else"
  if "$1" "$box/nothing" x >"$box/out" 2>"$box/err"; then
    fail "'$1' finds something in a catalog that is not there"
  fi
  [ ! -s "$box/out" ] && grep -q "^search: there is no catalog" "$box/err" ||
    fail "'$1' says of a catalog that is not there: $(cat "$box/out" "$box/err")"
}

check_similar() { # PROGRAM
  picture=$WORK/data/sample/case0004-1.jpg # as it was named, by a link
  "$1" "$WORK/films" "$picture" modality=CT >"$box/found" || fail "'$1' failed"
  grep -qx "1\.000  $picture" "$box/found" || fail "'$1' prints '$(head -n 1 "$box/found")'"
  sed 's|^[-0-9.]*  ||' "$box/found" >"$box/paths"
  plainfilm-query --quiet --catalog "$WORK/films" --image "$picture" \
    --filter modality=CT --format paths | diff - "$box/paths" ||
    fail "'$1' finds something else"
}
