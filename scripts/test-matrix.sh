#!/bin/sh
# test-matrix.sh - all tests under clang, under the address and undefined-behaviour
# sanitizers, and (where threads matter) under the thread sanitizer. scripts/test.sh is gcc.
#
#   sh scripts/test-matrix.sh [PRESET...]      default: clang asan tsan
set -eu
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- clang asan tsan
TSAN_OPTIONS="suppressions=$PWD/tests/tsan.supp"
export TSAN_OPTIONS
for preset in "$@"; do
  printf '\n== %s\n' "$preset"
  generator=
  [ -e "build/$preset/CMakeCache.txt" ] || generator='-G Ninja'
  # shellcheck disable=SC2086
  cmake --preset "$preset" $generator >/dev/null
  cmake --build --preset "$preset" -j "$(nproc)"
  # Full-size checkpoints have their tests in the release build; they add nothing here.
  ctest --test-dir "build/$preset" --output-on-failure -LE model
done
