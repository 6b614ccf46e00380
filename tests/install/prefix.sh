#!/bin/sh
# prefix.sh - installs the build into $PREFIX, and into a staging folder: the same files,
# these and no others, and none of them knows where it was built. The installed indexer
# then makes the catalog of examples/README.md for the other tests.
. "$(dirname "$0")/common.sh"
rm -rf "$WORK"
mkdir -p "$WORK"
"$CMAKE" --install "$BUILD" --prefix "$PREFIX" >"$box/log" || fail "$(cat "$box/log")"

{
  printf '%s\n' bin/plainfilm-index bin/plainfilm-query bin/plainfilm-serve include/plainfilm.h \
    "$LIBEXECDIR/plainfilm/plainfilm-decode"
  for f in libplainfilm.a pkgconfig/plainfilm.pc cmake/plainfilm/plainfilmConfig.cmake \
    cmake/plainfilm/plainfilmConfigVersion.cmake; do
    echo "$LIBDIR/$f"
  done
  [ "$SHARED" != ON ] || for f in libplainfilm.so "libplainfilm.so.${VERSION%%.*}" \
    "libplainfilm.so.$VERSION" cmake/plainfilm/plainfilmTargets.cmake \
    cmake/plainfilm/plainfilmTargets-CONFIGURATION.cmake; do
    echo "$LIBDIR/$f"
  done
  printf "lib/systemd/system/plainfilm-index%s\n" .service .timer -failed.service
  printf "lib/systemd/system/plainfilm-serve%s\n" .service .socket
  echo lib/sysusers.d/plainfilm.conf
  printf 'share/%s\n' bash-completion/completions/plainfilm-index \
    bash-completion/completions/plainfilm-query bash-completion/completions/plainfilm-serve \
    doc/plainfilm/examples/plainfilm.cron doc/plainfilm/examples/plainfilm-nginx.conf \
    doc/plainfilm/examples/plainfilm-apache.conf man/man1/plainfilm-index.1 \
    man/man1/plainfilm-query.1 man/man1/plainfilm-serve.1 plainfilm/synonyms.txt zsh/site-functions/_plainfilm
} | LC_ALL=C sort >"$box/wanted"

compare_tree() { # FOLDER
  (cd "$1" && find . ! -type d) |
    sed 's|^\./||; s|plainfilmTargets-.*\.cmake|plainfilmTargets-CONFIGURATION.cmake|' |
    LC_ALL=C sort | diff "$box/wanted" - || fail "not the files that should be in '$1'"
}
compare_tree "$PREFIX"
DESTDIR=$box/stage "$CMAKE" --install "$BUILD" --prefix /usr >"$box/log" ||
  fail "$(cat "$box/log")"
compare_tree "$box/stage/usr"

# (debug information and assertions speak of sources; nothing that is looked up may)
! grep -rlE -e "$BUILD/|$PROJECT/" "$PREFIX/$LIBDIR/pkgconfig" "$PREFIX/$LIBDIR/cmake" \
  "$PREFIX/include" "$PREFIX/share" || fail "these name the folder of the build"

ln -s "$PROJECT/data" "$WORK/data"
readme_commands | grep '^plainfilm-index --catalog films ' >"$box/command" ||
  fail "examples/README.md makes no catalog"
(cd "$WORK" && sh "$box/command") >"$box/log" 2>&1 || fail "$(cat "$box/log")"
[ -e "$WORK/films" ] || fail "there is no catalog"
