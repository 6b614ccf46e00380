#!/bin/sh
# setup.sh - everything plainfilm needs to build, on Debian 12, 13 and Ubuntu.
#
#   sh scripts/setup.sh
#
# Installs the Debian packages that are missing (as root, else through sudo), then sees
# to FAISS's C library. Safe to run again: with nothing missing it takes a moment and
# needs neither root nor the network.
#
# FAISS, first that fits:
#   1. the prefix named by FAISS_ROOT in the environment (give CMake the same one);
#   2. an installed FAISS that has libfaiss_c (Debian 13's libfaiss-dev);
#   3. the one this script built before;
#   4. the distribution's own source (`apt-get source faiss`), built here in two to
#      three minutes: Debian 12 packages FAISS without its C library and without AVX2.
# The build lands in ${PLAINFILM_CACHE:-${XDG_CACHE_HOME:-~/.cache}/plainfilm}, as
# faiss-VERSION-LEVEL, with the link `faiss` beside it for CMake to find.
set -eu

packages="build-essential cmake ninja-build pkg-config dpkg-dev
  libopenblas-pthread-dev libsqlite3-dev libstb-dev libutf8proc-dev libjansson-dev
  libxxhash-dev libseccomp-dev zlib1g-dev libpng-dev libjpeg-dev libtiff-dev
  libwebp-dev libdcmtk-dev libopenjp2-7-dev libxml2-dev libzip-dev
  libsentencepiece-dev libmicrohttpd-dev libcmocka-dev fonts-dejavu-core"

say() { printf 'setup: %s\n' "$*"; }
die() {
  printf 'setup: %s\n' "$*" >&2
  exit 1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    env DEBIAN_FRONTEND=noninteractive "$@"
  elif command -v sudo >/dev/null; then
    sudo env DEBIAN_FRONTEND=noninteractive "$@"
  else
    die "must become root to run '$*', and there is no sudo: run this script as root"
  fi
}

# Run a slow or talkative step with its output in the log, which is shown when it fails.
logged() {
  if ! "$@" >>"$log" 2>&1; then
    tail -n 25 "$log" >&2
    kept=$(mktemp "${TMPDIR:-/tmp}/plainfilm-setup.XXXXXX.log")
    cp "$log" "$kept"
    die "failed: '$*' (whole output: $kept)"
  fi
}

is_updated=no
update_lists() {
  [ "$is_updated" = no ] || return 0
  say "updating the package lists"
  logged as_root apt-get update
  is_updated=yes
}

install_packages() {
  missing=
  for p in "$@"; do
    case $(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null) in
    installed) ;;
    *) missing="$missing $p" ;;
    esac
  done
  [ -n "$missing" ] || return 0
  update_lists
  say "installing$missing"
  # shellcheck disable=SC2086
  logged as_root apt-get install -y --no-install-recommends $missing
}

# --- FAISS --------------------------------------------------------------------------

has_c_library() { # PREFIX LIBRARY-FOLDER
  [ -e "$1/include/faiss/c_api/Index_c.h" ] &&
    { [ -e "$2/libfaiss_c.a" ] || [ -e "$2/libfaiss_c.so" ]; }
}

installed_faiss() {
  multiarch=$(dpkg-architecture -qDEB_HOST_MULTIARCH)
  has_c_library /usr "/usr/lib/$multiarch" || has_c_library /usr/local /usr/local/lib
}

cpu_level() {
  if grep -qw avx2 /proc/cpuinfo && grep -qw fma /proc/cpuinfo &&
    grep -qw f16c /proc/cpuinfo; then
    echo avx2
  else
    echo generic
  fi
}

# The distribution's own archives, as apt itself understands them (one-line or deb822),
# turned into deb-src lines: entries of other publishers are left alone, and the keys
# the machine trusts for an archive stay the only ones trusted for its source.
source_list() {
  # shellcheck disable=SC2016
  apt-get indextargets --format \
    '$(ORIGIN)|$(RELEASE)|$(COMPONENT)|$(REPO_URI)|$(SIGNED_BY)' \
    'Created-By: Packages' | sort -u |
    while IFS='|' read -r origin release component uri key; do
      case $origin in Debian | Ubuntu | Raspbian) ;; *) continue ;; esac
      case $component in main | universe) ;; *) continue ;; esac
      case $release in *-security | *-backports) continue ;; esac
      case $key in
      /*) echo "deb-src [signed-by=$key] $uri $release $component" ;;
      *) echo "deb-src $uri $release $component" ;;
      esac
    done
}

fetch_source() { # into $work/source; sets $version
  mkdir -p "$work/apt/parts" "$work/apt/lists/partial" "$work/fetch"
  source_list >"$work/apt/sources.list"
  [ -s "$work/apt/sources.list" ] ||
    die "found no archive of Debian or Ubuntu in apt's sources to take FAISS from"
  private="-o Dir::Etc::sourcelist=$work/apt/sources.list
    -o Dir::Etc::sourceparts=$work/apt/parts -o Dir::State::lists=$work/apt/lists
    -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache="
  [ "$(id -u)" != 0 ] || private="$private -o APT::Sandbox::User=root"
  say "fetching the distribution's source of FAISS"
  # shellcheck disable=SC2086
  logged apt-get $private update
  # shellcheck disable=SC2086
  (cd "$work/fetch" && logged apt-get $private source faiss)
  mv "$work/fetch"/faiss-*/ "$work/source" || die "apt-get source brought no FAISS"
  version=$(sed -n 's/^ *VERSION \([0-9.]*\)$/\1/p' "$work/source/CMakeLists.txt")
  [ -n "$version" ] || die "cannot tell the version of FAISS's source"
}

compile_c_api() { # each file of the C interface, against the library's headers
  mkdir "$work/objects"
  # shellcheck disable=SC2016
  find "$work/source/c_api" -name '*.cpp' ! -path '*/gpu/*' -print0 |
    xargs -0 -P "$jobs" -I{} sh -c '
      c++ -std=c++17 -O2 -DNDEBUG -fPIC -I"$1" -c "$3" \
        -o "$2/$(basename "$3" .cpp).o"' sh "$work/source" "$work/objects" {} &&
    ar rcs "$work/prefix/lib/libfaiss_c.a" "$work/objects"/*.o
}

build_faiss() {
  fetch_source
  target=faiss
  [ "$level" = generic ] || target=faiss_$level
  jobs=$(nproc)
  say "building FAISS $version ($level) with $jobs jobs; this takes minutes, once"
  multiarch=$(dpkg-architecture -qDEB_HOST_MULTIARCH)
  logged cmake -S "$work/source" -B "$work/build" -G Ninja \
    -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE="-O3 -DNDEBUG" \
    -DBUILD_SHARED_LIBS=OFF -DBUILD_TESTING=OFF -DFAISS_ENABLE_C_API=ON \
    -DFAISS_ENABLE_GPU=OFF -DFAISS_ENABLE_PYTHON=OFF -DFAISS_OPT_LEVEL="$level" \
    -DBLA_VENDOR=OpenBLAS -DCMAKE_LIBRARY_PATH="/usr/lib/$multiarch/openblas-pthread"
  logged cmake --build "$work/build" -j "$jobs" --target "$target"
  mkdir -p "$work/prefix/lib" "$work/prefix/include/faiss"
  logged compile_c_api
  cp "$work/build/faiss/lib$target.a" "$work/prefix/lib/libfaiss.a"
  (cd "$work/source" && find c_api -name "*.h" ! -path "*/gpu/*" -print0 |
    tar --null -T - -cf -) | tar -xf - -C "$work/prefix/include/faiss"
  cp "$work/source/LICENSE" "$work/prefix/"
  echo "faiss $version $level" >"$work/prefix/plainfilm-stamp"
  install_prefix
}

# Whole or not at all: the folder is renamed into place, then the link is replaced.
install_prefix() {
  name=faiss-$version-$level
  rm -rf "${cache:?}/$name"
  mv "$work/prefix" "$cache/$name"
  ln -sfn "$name" "$work/link"
  mv -fT "$work/link" "$cache/faiss"
  say "FAISS $version ($level) is in $cache/$name"
}

see_to_faiss() {
  if [ -n "${FAISS_ROOT:-}" ]; then
    [ -e "$FAISS_ROOT/include/faiss/c_api/Index_c.h" ] ||
      die "FAISS_ROOT '$FAISS_ROOT' has no include/faiss/c_api"
    say "FAISS: $FAISS_ROOT (FAISS_ROOT)"
    return
  fi
  if installed_faiss; then
    say "FAISS: installed, with its C library"
    return
  fi
  level=$(cpu_level)
  if [ -e "$cache/faiss/lib/libfaiss_c.a" ] &&
    grep -q " $level\$" "$cache/faiss/plainfilm-stamp" 2>/dev/null; then
    say "FAISS: $cache/$(readlink "$cache/faiss")"
    return
  fi
  [ -n "$(source_list)" ] || update_lists # without lists apt knows no archive
  candidate=$(apt-cache policy libfaiss-dev | sed -n 's/^ *Candidate: //p')
  if dpkg --compare-versions "${candidate:-0}" ge 1.8; then
    install_packages libfaiss-dev
    if installed_faiss; then
      say "FAISS: installed, with its C library"
      return
    fi
  fi
  build_faiss
}

# --- main ---------------------------------------------------------------------------

command -v apt-get >/dev/null ||
  die "this script knows Debian and Ubuntu; elsewhere install what it lists: $packages"
log=$(mktemp)
work=
trap 'rm -rf "$log" ${work:+"$work"}' EXIT
trap 'exit 1' HUP INT TERM

# shellcheck disable=SC2086
install_packages $packages

# Under sudo only the packages needed root; the rest belongs to the user's own home.
if [ "$(id -u)" = 0 ] && [ -n "${SUDO_USER:-}" ] && [ "$SUDO_USER" != root ]; then
  sudo -H -u "$SUDO_USER" env ${PLAINFILM_CACHE:+PLAINFILM_CACHE="$PLAINFILM_CACHE"} \
    ${FAISS_ROOT:+FAISS_ROOT="$FAISS_ROOT"} sh "$0"
  exit
fi

cache=${PLAINFILM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/plainfilm}
mkdir -p "$cache"
work=$(mktemp -d "$cache/build.XXXXXX")
see_to_faiss
say "ready"
