#!/bin/sh
# lint_test.sh - the rules of lint.sh about layers, keys of JSON and the page can fail: a
# few files of the tree are clean, and with one line too many in each, each line is named.
set -eu
project=$(cd "$(dirname "$0")/.." && pwd)
box=$(mktemp -d)
trap 'rm -rf "$box"' EXIT
trap 'exit 1' HUP INT TERM
cd "$box"

lint() {
  sh tests/lint.sh | grep -v '^lint: without clang-format' >lint.out || true
  LC_ALL=C sort lint.out
}

copy() { # FILE...
  for f in "$@"; do
    mkdir -p "$(dirname "$f")"
    cp "$project/$f" "$f"
  done
}
copy .clang-format tests/lint.sh include/plainfilm.h query/main.c query/plainfilm-query.1 indexer/main.c cli/uri.c \
  examples/search.c examples/similar.cpp core/api/request_json.c core/api/answer_json.c \
  core/base/buf.c core/words/words.c core/catalog/sql.c core/engine/view.c \
  core/search/part.c server/log.c server/page/index.html server/page/words.js \
  server/page/theme.js
lint >clean
[ ! -s clean ] || {
  echo 'lint_test: there is something wrong to begin with:'
  cat clean
  exit 1
}

# FILE may not include HEADER, written as C has it.
while read -r file header; do
  echo "#include $header" >>"$file"
  line=$(wc -l <"$file")
  case $file in
  core/*) folder=${file%/*} ;;
  *) folder=${file%%/*} ;;
  esac
  echo "$folder may not include this: $file:$line:#include $header" >>wanted
done <<'EOF'
query/main.c "core/base/mem.h"
query/main.c "core/search/search.h"
query/main.c <core/api/request.h>
query/main.c "../core/base/mem.h"
indexer/main.c "core/search/search.h"
indexer/main.c "core/api/answer.h"
indexer/main.c "query/query.h"
cli/uri.c "core/model/model.h"
examples/search.c "include/plainfilm.h"
examples/similar.cpp "core/base/mem.h"
core/base/buf.c "core/words/words.h"
core/words/words.c "core/catalog/store.h"
core/catalog/sql.c "core/engine/engine.h"
core/engine/view.c "core/search/search.h"
core/search/part.c "core/api/request.h"
core/api/answer_json.c "cli/tools.h"
server/log.c "core/catalog/store.h"
server/log.c "query/query.h"
EOF
echo 'void f(pf_json_writer *w) { pf_json_write_int(w, "unheard_of", 1); }' \
  >>core/api/answer_json.c
echo 'const item more[] = {{"unknown_to_all", IMAGE}};' >>core/api/request_json.c
for key in unheard_of unknown_to_all; do
  echo "a key of JSON that query/plainfilm-query.1 does not have: $key" >>wanted
done

# LINE at the end of FILE breaks RULE.
breaks() { # RULE FILE LINE
  echo "$3" >>"$2"
  echo "$1: $2:$(wc -l <"$2"):$3" >>wanted
}
breaks 'texts become text nodes' server/page/words.js 'mark.innerHTML = text;'
breaks 'the page needs nobody else' server/page/theme.js '// https://films.example/'
breaks 'the policy of the page takes nothing inline' server/page/index.html '<p style="x">'
breaks 'this header belongs to server/http\.c' server/log.c '#include <microhttpd.h>'
: >server/page/new.js
echo "index.html names every part of the page, so that none waits for another: server/page/new.js" \
  >>wanted
lint | grep -v '^not as clang-format has it: ' >found || true
LC_ALL=C sort wanted | diff - found
