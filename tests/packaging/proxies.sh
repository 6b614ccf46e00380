#!/bin/sh
# proxies.sh - what stands in front of plainfilm-serve is understood by nginx and Apache,
# as far as these are here; with a certificate and passwords in their places. Exit 77
# without either.
set -eu
proxies=$(cd "$(dirname "$0")/../../packaging/proxy" && pwd)
PATH=$PATH:/usr/sbin:/sbin
box=$(mktemp -d)
trap 'rm -rf "$box"' EXIT
trap 'exit 1' HUP INT TERM

fail() {
  echo "proxies: $*" >&2
  exit 1
}

command -v openssl >/dev/null || exit 77
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=films.example -days 2 \
  -keyout "$box/key" -out "$box/pem" 2>/dev/null
: >"$box/passwords"
places="s|/etc/ssl/certs/films.example.pem|$box/pem|
  s|/etc/ssl/private/films.example.key|$box/key|
  s|/etc/[a-z0-9]*/plainfilm.htpasswd|$box/passwords|"
tried=0

if command -v nginx >/dev/null; then
  tried=1
  {
    echo "pid $box/pid; error_log $box/log; events {} http {"
    for kind in client_body proxy fastcgi uwsgi scgi; do
      echo "${kind}_temp_path $box/$kind;"
    done
    sed "$places" "$proxies/plainfilm-nginx.conf"
    echo '}'
  } >"$box/nginx.conf"
  nginx -t -c "$box/nginx.conf" >"$box/said" 2>&1 || fail "nginx: $(cat "$box/said")"
fi

if command -v apache2 >/dev/null; then
  tried=1
  modules=/usr/lib/apache2/modules
  {
    echo "ServerRoot $box"
    echo "PidFile $box/pid2"
    echo "ErrorLog $box/log2"
    for m in mpm_event authn_core authz_core authn_file authz_user auth_basic headers \
      socache_shmcb ssl proxy proxy_http; do
      echo "LoadModule ${m}_module $modules/mod_$m.so"
    done
    sed "$places" "$proxies/plainfilm-apache.conf"
  } >"$box/apache.conf"
  apache2 -t -f "$box/apache.conf" >"$box/said" 2>&1 || fail "apache: $(cat "$box/said")"
fi
[ $tried = 1 ] || exit 77
