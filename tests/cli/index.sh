# index.sh - what the cases of plainfilm-index share; a cmd reads it with
#   . "$PF_TESTS/cli/index.sh"
# It makes the tiny model "model" and three pictures in films/.
#
#   picture FILE SEED   a small picture; another seed gives another one
#   pictures FOLDER N   N small pictures
#   index ARGS          plainfilm-index, quietly, on the catalog "catalog", one worker,
#                       pictures that are just made included;
#                       what varies from run to run is taken out of what it says
#   wait_until COMMAND  until it succeeds; a minute is too long
#   refused ARGS        index: prints its exit status; the catalog must stay as it was

picture() {
  mkdir -p "$(dirname "$1")"
  awk -v s="$2" 'BEGIN {
    print "P2\n24 24\n255"
    for (i = 0; i < 576; i++) {
      s = (s * 1103 + 12345) % 65536
      print int(s / 256)
    }
  }' >"$1"
}

pictures() {
  mkdir -p "$1"
  awk -v folder="$1" -v n="$2" 'BEGIN {
    for (i = 0; i < n; i++) {
      file = folder "/" i ".pgm"
      print "P2\n2 2\n65535\n" i, i + 1, i + 2, i + 3 >file
      close(file)
    }
  }'
}

wait_until() {
  tries=0
  while ! "$@"; do
    tries=$((tries + 1))
    if [ $tries -gt 3000 ]; then
      echo "waited in vain: $*"
      exit 1
    fi
    sleep 0.02
  done
}

vary() {
  sed -E "s|$PWD|.|g
    s/ in [0-9.]+ s( \\([0-9.]+ images\\/s\\))?\$//
    s/\"(seconds|images_per_second)\":[^,]*,//g
    s/\"last_good_run_age\":[0-9]+/\"last_good_run_age\":AGE/
    s/[0-9a-f]{32}/HASH/g
    s/, [0-9a-f]{8}\\)/, HASH)/
    s/fingerprint [0-9a-f]{8};/fingerprint HASH;/
    s/\\(process [0-9]+\\)/(process N)/
    s/off by up to [0-9.e-]+ (.*) down to [01][.][0-9]+/off by up to LOSS \\1 down to COSINE/
    s/[0-9-]{10}T[0-9:]{8}Z/TIME/g"
}

index() {
  index_status=0
  plainfilm-index -q -c catalog -j 1 --settle 0 "$@" >answer 2>why || index_status=$?
  vary <answer
  vary <why >&2
  return $index_status
}

dump() {
  if [ -e catalog/catalog.db ]; then pf-catalog-dump catalog; else echo none; fi
}

refused() {
  dump >before
  index "$@"
  echo $?
  dump >after
  cmp before after
}

pf-seeded-catalog model seeded 1 || exit 1
rm -r seeded
picture films/a.pgm 1
picture films/b.pgm 2
picture films/deep/c.pgm 3
