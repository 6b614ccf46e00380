/* access.c - see access.h. */
#include "server/access.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "cli/tools.h"
#include "core/base/file.h"
#include "server/serve.h"

/* ---- the token ---------------------------------------------------------------------
 */

static bool is_token_text(const char *s)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789-_";
    const size_t n = strlen(s);
    return n >= ACCESS_TOKEN_MIN && n <= ACCESS_TOKEN_MAX && strspn(s, letters) == n;
}

static bool make_token(access_rules *a, pf_err *err)
{
    unsigned char random[16];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return pf_cli_fail_errno(err, errno, "cannot make a token");
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(a->token + 2 * i, 3, "%02x", random[i]);
    return true;
}

/* Whoever can read the file can ask: it says so while that can still be mended. */
static bool read_token(access_rules *a, const char *path, pf_err *err)
{
    enum { FILE_MAX_BYTES = 4096 };
    struct stat st;
    pf_buf file;
    pf_buf_init(&file, FILE_MAX_BYTES);
    char *text = pf_file_read(path, &file, err) ? pf_buf_take(&file, err) : NULL;
    pf_buf_free(&file);
    if (!text)
        return false;
    text[strcspn(text, "\r\n")] = '\0';
    bool ok = is_token_text(text);
    if (ok)
        snprintf(a->token, sizeof a->token, "%s", text);
    pf_free(text);
    if (!ok)
        return pf_cli_fail(err, PF_ERR_FORMAT,
                           "the token in '%s' is not %d to %d letters, digits, '-' and "
                           "'_'",
                           path, ACCESS_TOKEN_MIN, ACCESS_TOKEN_MAX);
    return (stat(path, &st) == 0 && (st.st_mode & 077) == 0) ||
           pf_cli_fail(err, PF_ERR_MISUSE,
                       "others can read the token in '%s' (chmod 600)", path);
}

bool access_is_token(const access_rules *a, const char *given)
{
    const size_t n = strlen(a->token), m = strlen(given);
    unsigned differs = n != m;
    for (size_t i = 0; i < n; i++)
        differs |= (unsigned char)a->token[i] ^ (unsigned char)given[m ? i % m : 0];
    return differs == 0 && n > 0;
}

/* "name=value; name=value": the value of ours, copied into `out`. */
static bool find_cookie(const access_rules *a, const char *cookies, char *out,
                        size_t room)
{
    const size_t n = strlen(a->cookie);
    for (const char *at = cookies; at && *at;) {
        at += strspn(at, "; ");
        const size_t size = strcspn(at, ";");
        if (size > n && strncmp(at, a->cookie, n) == 0 && at[n] == '=' &&
            size - n - 1 < room) {
            snprintf(out, room, "%.*s", (int)(size - n - 1), at + n + 1);
            return true;
        }
        at += size;
    }
    return false;
}

bool access_check_token(const access_rules *a, const http_request *r)
{
    static const char bearer[] = "Bearer ";
    char value[ACCESS_TOKEN_MAX + 1];
    if (a->token[0] == '\0')
        return true;
    if (r->authorization)
        return strncasecmp(r->authorization, bearer, sizeof bearer - 1) == 0 &&
               access_is_token(a, r->authorization + sizeof bearer - 1);
    return find_cookie(a, r->cookie, value, sizeof value) && access_is_token(a, value);
}

void access_set_cookie(const access_rules *a, http_response *r)
{
    char text[ACCESS_TOKEN_MAX + 400];
    snprintf(text, sizeof text, "%s=%s; Path=%s; HttpOnly; SameSite=Strict%s",
             a->cookie, a->token, a->path, a->is_https ? "; Secure" : "");
    http_add_header(r, "Set-Cookie", text);
}

/* ---- names -------------------------------------------------------------------------
 */

static bool is_in(const char names[][300], size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcasecmp(names[i], name) == 0)
            return true;
    }
    return false;
}

bool access_check_host(const access_rules *a, const http_request *r)
{
    return r->host && is_in(a->hosts, a->n_hosts, r->host);
}

static bool is_our_origin(const access_rules *a, const char *origin)
{
    for (size_t i = 0; i < a->n_hosts; i++) {
        if (strcasecmp(a->origins[i], origin) == 0)
            return true;
    }
    return a->allowed_origin[0] && strcasecmp(a->allowed_origin, origin) == 0;
}

/* Browsers say the origin of what changes something, and where a page that asks comes
 * from, of anything; programs say neither. */
bool access_check_origin(const access_rules *a, const http_request *r)
{
    if (r->origin)
        return is_our_origin(a, r->origin);
    return !r->fetch_site || strcmp(r->fetch_site, "same-origin") == 0 ||
           strcmp(r->fetch_site, "none") == 0;
}

static void add_name(access_rules *a, const char *scheme, const char *host)
{
    if (a->n_hosts == ACCESS_NAMES_MAX)
        return;
    snprintf(a->hosts[a->n_hosts], sizeof *a->hosts, "%s", host);
    snprintf(a->origins[a->n_hosts], sizeof *a->origins, "%s://%s", scheme, host);
    a->n_hosts++;
}

/* "https://films.example:8443/films/": a scheme, a name without a user, a path of plain
 * letters. `host` holds 256 bytes. */
static bool split_url(const char *url, bool *is_https, char *host, char *path,
                      size_t room)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                "0123456789-._~/";
    *is_https = strncmp(url, "https://", 8) == 0;
    if (!*is_https && strncmp(url, "http://", 7) != 0)
        return false;
    const char *name = url + (*is_https ? 8 : 7);
    const size_t n = strcspn(name, "/");
    const char *rest = name + n;
    if (n == 0 || n > 255 || strcspn(name, "@?# \t\\") < n ||
        strspn(rest, plain) != strlen(rest) || strlen(rest) + 2 > room)
        return false;
    snprintf(host, 256, "%.*s", (int)n, name);
    snprintf(path, room, "%s%s", rest,
             rest[0] && rest[strlen(rest) - 1] == '/' ? "" : "/");
    return true;
}

static bool take_root_url(access_rules *a, const char *url, pf_err *err)
{
    char host[256];
    if (!split_url(url, &a->is_https, host, a->path, sizeof a->path))
        return pf_cli_fail(err, PF_ERR_MISUSE,
                           "--root-url '%.200s' is no address like "
                           "https://films.example/films/",
                           url);
    add_name(a, a->is_https ? "https" : "http", host);
    snprintf(a->root, sizeof a->root, "%s://%s%s", a->is_https ? "https" : "http", host,
             a->path);
    return true;
}

static bool take_allowed_origin(access_rules *a, const char *url, pf_err *err)
{
    char host[256], path[64];
    bool is_https;
    if (!split_url(url, &is_https, host, path, sizeof path) || strcmp(path, "/") != 0)
        return pf_cli_fail(err, PF_ERR_MISUSE,
                           "--allow-origin '%.200s' is no site like "
                           "https://viewer.example",
                           url);
    snprintf(a->allowed_origin, sizeof a->allowed_origin, "%s://%s",
             is_https ? "https" : "http", host);
    return true;
}

static void add_listener(access_rules *a, const char *host, int port, bool is_loopback)
{
    static const char *const loopback[] = {"127.0.0.1", "localhost", "[::1]"};
    char name[300];
    snprintf(name, sizeof name, "%s:%d", host, port);
    add_name(a, "http", name);
    if (a->root[0] == '\0')
        snprintf(a->root, sizeof a->root, "http://%s/", name);
    for (size_t i = 0; is_loopback && i < 3; i++) {
        snprintf(name, sizeof name, "%s:%d", loopback[i], port);
        if (!is_in(a->hosts, a->n_hosts, name))
            add_name(a, "http", name);
    }
}

bool access_init(access_rules *a, const char *host, int port, bool is_loopback,
                 pf_err *err)
{
    *a = (access_rules){.path = "/"};
    snprintf(a->cookie, sizeof a->cookie, "plainfilm-%d", port);
    if (!is_loopback && !command.behind_proxy && !command.token_file)
        return pf_cli_fail(err, PF_ERR_MISUSE,
                           "others than this machine could ask at '%.200s': that needs "
                           "--token-file, or --behind-proxy",
                           command.listen);
    if (command.root_url && !take_root_url(a, command.root_url, err))
        return false;
    if (command.allow_origin && !take_allowed_origin(a, command.allow_origin, err))
        return false;
    add_listener(a, host, port, is_loopback);
    if (command.behind_proxy)
        return true;
    return command.token_file ? read_token(a, command.token_file, err)
                              : make_token(a, err);
}
