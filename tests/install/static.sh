#!/bin/sh
# static.sh - `pkg-config --static` is all that libplainfilm.a needs: in a prefix that was
# moved and has no other library, both examples link, and run without it.
. "$(dirname "$0")/common.sh"
cp -r "$PREFIX" "$box/moved"
rm -f "$box/moved/$LIBDIR"/libplainfilm.so*
PKG_CONFIG_PATH=$box/moved/$LIBDIR/pkgconfig
unset LD_LIBRARY_PATH
# Such a program looks for the decoder beside itself, and where it was to be installed.
PLAINFILM_DECODER=$PREFIX/$LIBEXECDIR/plainfilm/plainfilm-decode
export PLAINFILM_DECODER
cd "$box"
flags=$(pkg-config --static --cflags --libs plainfilm) || fail "pkg-config"
case $flags in
*"$PREFIX"*) fail "the moved plainfilm.pc names the old prefix: $flags" ;;
esac
# shellcheck disable=SC2086
cc -std=c11 "$PROJECT/examples/search.c" -o search $flags
# shellcheck disable=SC2086
c++ -std=c++17 "$PROJECT/examples/similar.cpp" -o similar $flags
for program in search similar; do
  "$READELF" -d $program | grep -q 'RUNPATH.*openblas' ||
    "$READELF" -d $program | grep -q 'NEEDED.*libopenblas' ||
    fail "$program has no OpenBLAS"
done
rm -rf moved
check_search ./search
check_similar ./similar
