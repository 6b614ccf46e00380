#!/bin/sh
# header.sh - the installed header compiles alone, as C11 and as C++17, twice in one file,
# without a warning; its version is the project's.
. "$(dirname "$0")/common.sh"
cat >"$box/alone.c" <<'EOF'
#include <plainfilm.h>
#include <plainfilm.h>
pf_engine_options options = PF_ENGINE_OPTIONS_INIT;
pf_work work = PF_WORK_INIT;
pf_catalog_info info = PF_CATALOG_INFO_INIT;
pf_err err = PF_ERR_INIT;
EOF
cp "$box/alone.c" "$box/alone.cpp"
cc -std=c11 -I"$PREFIX/include" -fsyntax-only "$box/alone.c"
c++ -std=c++17 -I"$PREFIX/include" -fsyntax-only "$box/alone.cpp"

printf '#include <plainfilm.h>\nPF_VERSION_MAJOR.PF_VERSION_MINOR.PF_VERSION_PATCH\n' |
  cc -E -P -I"$PREFIX/include" -x c - | tail -n 1 | tr -d ' ' >"$box/version"
[ "$(cat "$box/version")" = "$VERSION" ] ||
  fail "PF_VERSION_* say $(cat "$box/version"), CMakeLists.txt says $VERSION"
[ "$(pkg-config --modversion plainfilm)" = "$VERSION" ] ||
  fail "plainfilm.pc is of version $(pkg-config --modversion plainfilm)"
