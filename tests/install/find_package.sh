#!/bin/sh
# find_package.sh - a CMake project (consumer/) finds the installed package and links both
# libraries; one that wants another major version does not find it.
. "$(dirname "$0")/common.sh"
configure() { # BUILD_DIR VERSION
  "$CMAKE" -S "$PROJECT/tests/install/consumer" -B "$1" -DCMAKE_PREFIX_PATH="$PREFIX" \
    -DCMAKE_C_COMPILER="$CC" -DWANTED="$2" -DEXAMPLES="$PROJECT/examples" >"$box/log" 2>&1
}
unset LD_LIBRARY_PATH PKG_CONFIG_PATH
configure "$box/build" "$VERSION" || fail "$(cat "$box/log")"
"$CMAKE" --build "$box/build" >"$box/log" 2>&1 || fail "$(cat "$box/log")"
check_search "$box/build/search-default"
check_search "$box/build/search-static"
! "$READELF" -d "$box/build/search-static" | grep -q 'NEEDED.*libplainfilm' ||
  fail "plainfilm::static links the shared library"
if configure "$box/none" "$((${VERSION%%.*} + 1)).0"; then
  fail "version $VERSION passes for the next major version"
fi
