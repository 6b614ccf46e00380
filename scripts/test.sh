#!/bin/sh
# test.sh - set up, build and run every test. Safe to run again.
#
#   sh scripts/test.sh [ARGUMENTS FOR CTEST]        e.g. -L unit, or -R store
set -eu
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; }

step "setting up (scripts/setup.sh)"
sh scripts/setup.sh

generator=
[ -e build/release/CMakeCache.txt ] || generator='-G Ninja'
step "building into build/release"
# shellcheck disable=SC2086
cmake --preset release $generator
cmake --build --preset release -j "$(nproc)"

step "testing"
ctest --preset release -j "$(nproc)" "$@"
