#!/bin/sh
# setup.sh - what the tests of the page need beside the programs, on Debian: node, chromium
# and its driver as packages, axe-core from npm. Safe to run again.
#
#   sh tests/browser/setup.sh
set -eu
packages="chromium chromium-driver nodejs npm"
for p in $packages; do
  case $(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null) in
  installed) continue ;;
  esac
  case $p in
  nodejs) command -v node >/dev/null && continue ;;
  npm) command -v npm >/dev/null && continue ;;
  esac
  missing="${missing-} $p"
done
if [ -n "${missing-}" ]; then
  root=
  [ "$(id -u)" = 0 ] || root=sudo
  # shellcheck disable=SC2086
  $root apt-get install -y --no-install-recommends $missing
fi
sh "$(dirname "$0")/axe.sh"
