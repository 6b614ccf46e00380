#!/bin/sh
# run.sh [N [SEED]] - N (10000) mutated inputs for each fuzz target under the address and
# undefined behaviour sanitizers, one line per target. Fails on a crash, a hang, a leak
# or a peak over 768 MiB (most of which is the sanitizer's own).
set -eu
n=${1:-10000}
seed=${2:-7}
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
cmake --preset asan >/dev/null
targets=build/asan/tests/fuzz/targets.txt
# Few jobs: the machine is somebody's desk.
cmake --build --preset asan -j2 --target $(sed 's/^/fuzz_/; s/ .*//' $targets) >/dev/null
ASAN_OPTIONS=quarantine_size_mb=32:allocator_may_return_null=1
export ASAN_OPTIONS
failed=0
while read -r name seeds; do
    # shellcheck disable=SC2086 # several paths
    build/asan/bin/fuzz_"$name" --mutate "$n" --seed "$seed" --max-rss 768 $seeds ||
        failed=1
done <$targets
exit $failed
