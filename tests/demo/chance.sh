#!/bin/sh
# chance.sh BIN_DIR PROJECT - what is told to be no better than chance, with the demo
# model: next to nothing of what the collection has, and a good part of what it has not.
#
# bench/chance.py compares this rule with others; the floors here leave it some room.
set -eu
bin=$1 phantoms=$2/data/phantoms sample=$2/data/sample
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
PATH=$bin:$PATH
PLAINFILM_CATALOG=$work/catalog
export PATH PLAINFILM_CATALOG
plainfilm-index -q --model "$2/data/demo-model" --captions "$sample/captions.csv" \
  "$sample" >/dev/null 2>&1

# The phrases of a file whose lines match a pattern: none of them has a comma.
phrases() { # FILE PATTERN
  sed 1d "$phantoms/$1" | grep "$2" | cut -d, -f1
}

told() { # what is asked on stdin is no better than chance
  plainfilm-query -q --batch --by meaning -n 1 "$@" | tee "$work/answers" |
    grep -c '"no_better_than_chance":true' || true
}

failures=0
expect() { # WHAT N OPERATOR LIMIT
  echo "$1: $2 of $(wc -l <"$work/answers") told to be chance"
  [ "$2" "$3" "$4" ] && return
  echo "chance: $1: $2, expected $3 $4" >&2
  failures=$((failures + 1))
}

expect "phrases that have an answer" "$(phrases queries.csv . | told)" -le 2
expect "everyday phrases" "$(phrases queries-absent.csv ',everyday$' | told)" -ge 18
expect "medical phrases of other things" \
  "$(phrases queries-absent.csv ',medical$' | told)" -ge 18

# Captions are found by a phrase, but it is images that say whether there is something.
expect "phrases that ask for captions" \
  "$(phrases queries.csv . | told --find captions)" -le 2
expect "everyday phrases that ask for captions" \
  "$(phrases queries-absent.csv ',everyday$' | told --find captions)" -ge 18

# A score would look like a confidence: rank and path are what there is.
[ "$(plainfilm-query -q -n 1 chocolate cake recipe | grep -c '^ 1  [^0-9-]')" = 1 ] ||
  failures=$((failures + 1))

# The line is for people, and not for those who want it quiet.
line="plainfilm-query: perhaps nothing here matches: the best hit is less near than what the catalog's own captions and pictures find in it"
says() { plainfilm-query "$@" 2>&1 >/dev/null | grep -cxF "$line" || true; }
[ "$(says chocolate cake recipe)" = 1 ] || failures=$((failures + 1))
[ "$(says --quiet chocolate cake recipe)" = 0 ] || failures=$((failures + 1))
[ "$(says right pleural effusion)" = 0 ] || failures=$((failures + 1))
[ "$failures" = 0 ]
