#!/bin/sh
# silence.sh - the library says what is wrong to its caller and to nobody else.
. "$(dirname "$0")/common.sh"
# shellcheck disable=SC2046
cc -std=c11 "$PROJECT/tests/install/silence.c" -o "$box/silence" \
  $(pkg-config --cflags --libs plainfilm)
cd "$box"
mkdir empty damaged
echo nonsense >file
for f in "$WORK/films"/*; do
  echo nonsense >"damaged/${f##*/}"
done
status=0
./silence '' nothing file empty damaged >out 2>err || status=$?
[ $status = 0 ] || fail "argument $status of silence.c is not refused as it should be"
[ ! -s out ] && [ ! -s err ] || fail "the library itself says: $(cat out err)"
