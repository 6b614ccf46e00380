/*
 * routes.c - see routes.h: the table, and what stands before every handler. A request
 * is judged by its head, before a byte of its body is taken: the name it was sent to,
 * the page it comes from, the token.
 */
#include "server/routes.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "server/api.h"
#include "server/assets.h"
#include "server/log.h"
#include "server/params.h"
#include "server/problem.h"

/* Bytes of a question without a picture; of one with it: --max-upload, and what base64
 * and the other fields take. */
enum { QUESTION_MAX = 1 << 20 };

const route routes[] = {
    {HTTP_GET | HTTP_HEAD, "/api/health", api_health, BODY_NONE, true, true},
    {HTTP_GET | HTTP_HEAD | HTTP_POST, "/api/search", api_search, BODY_PICTURE, false,
     false},
    {HTTP_GET | HTTP_HEAD, "/api/catalog", api_catalog, BODY_NONE, false, true},
    {HTTP_GET | HTTP_HEAD, "/api/facets", api_facets, BODY_NONE, false, false},
    {HTTP_GET | HTTP_HEAD, "/api/image/{id}", api_image, BODY_NONE, false, false},
    {HTTP_GET | HTTP_HEAD, "/api/case/{id}", api_case, BODY_NONE, false, false},
    {HTTP_GET | HTTP_HEAD, "/api/thumbnail/{id}", api_thumbnail, BODY_NONE, false,
     false},
    {HTTP_GET | HTTP_HEAD, "/api/preview/{id}", api_preview, BODY_NONE, false, false},
    {HTTP_GET | HTTP_HEAD, "/api/original/{id}", api_original, BODY_NONE, false, false},
    {HTTP_GET | HTTP_HEAD | HTTP_POST, "/api/classify", api_classify, BODY_PICTURE,
     false, false},
    {HTTP_GET | HTTP_HEAD, "/metrics", api_metrics, BODY_NONE, false, true},
};
const size_t n_routes = sizeof routes / sizeof *routes;

/* ---- the table ---------------------------------------------------------------------
 */

/* "17": a whole number above 0, as ids are. */
static bool read_id(const char *text, int64_t *id)
{
    const size_t n = strspn(text, "0123456789");
    if (n == 0 || n > 18 || text[n] != '\0' || text[0] == '0')
        return false;
    *id = 0;
    for (size_t i = 0; i < n; i++)
        *id = *id * 10 + (text[i] - '0');
    return true;
}

static bool matches(const char *pattern, const char *path, int64_t *id)
{
    const char *hole = strstr(pattern, "{id}");
    const size_t n = hole ? (size_t)(hole - pattern) : 0;
    if (!hole)
        return strcmp(pattern, path) == 0;
    return strncmp(pattern, path, n) == 0 && read_id(path + n, id);
}

static const route *find_route(const char *path, int64_t *id)
{
    *id = 0;
    for (size_t i = 0; i < n_routes; i++) {
        if (matches(routes[i].pattern, path, id))
            return &routes[i];
    }
    return NULL;
}

/* "GET, HEAD" */
static void add_allow(http_response *r, unsigned methods)
{
    static const char *const names[] = {"GET", "HEAD", "POST"};
    char text[64];
    size_t size = 0;
    for (size_t i = 0; i < 3; i++) {
        if (methods & (1u << i))
            size += (size_t)snprintf(text + size, sizeof text - size, "%s%s",
                                     size ? ", " : "", names[i]);
    }
    http_add_header(r, "Allow", text);
}

/* ---- the page ----------------------------------------------------------------------
 */

/* The address that was printed has the token in it. It becomes a cookie, and leaves the
 * address, which is remembered, copied and shown. */
static void take_token(server *s, const char *token, http_response *r)
{
    if (!access_is_token(&s->access, token)) {
        problem_give_status(r, 401, "token",
                            "that is not the token: plainfilm-serve prints it when it "
                            "is started");
        return;
    }
    http_give_static(r, 303, "text/plain; charset=utf-8", "", 0);
    access_set_cookie(&s->access, r);
    http_add_header(r, "Location", s->access.path);
}

static void give_asset(const http_request *q, const asset *a, http_response *r)
{
    const pf_hash hash = pf_hash_bytes(a->bytes, a->size);
    char hex[PF_HASH_HEX_SIZE];
    pf_hash_hex(&hash, hex);
    http_give_static(r, 200, a->type, (const char *)a->bytes, a->size);
    snprintf(r->etag, sizeof r->etag, "\"%s\"", hex);
    r->cache = "no-cache"; /* a newer program has newer files: the tag tells */
    http_match(q, r);
}

static void serve_page(server *s, const http_request *q, const asset *a,
                       http_response *r)
{
    const char *token = strcmp(a->path, "/") == 0 ? params_find(q, "token") : NULL;
    if (!(q->method & (HTTP_GET | HTTP_HEAD))) {
        problem_give_status(r, 405, "misuse", "this can be read only");
        add_allow(r, HTTP_GET | HTTP_HEAD);
    } else if (token && s->access.token[0]) {
        take_token(s, token, r);
    } else {
        give_asset(q, a, r);
    }
}

/* ---- before a handler --------------------------------------------------------------
 */

static bool refuse(http_response *r, int status, const char *code, const char *detail)
{
    problem_give_status(r, status, code, detail);
    return false;
}

static void allow_origin(const server *s, http_exchange *x)
{
    if (!s->access.allowed_origin[0])
        return;
    http_add_header(&x->response, "Access-Control-Allow-Origin",
                    s->access.allowed_origin);
    http_add_header(&x->response, "Vary", "Origin");
}

/* What browsers ask before another site's page may: only of the site that is named. */
static bool answer_preflight(const server *s, http_exchange *x)
{
    const http_request *q = &x->request;
    if (!s->access.allowed_origin[0] || !q->origin || !q->requested_method)
        return refuse(&x->response, 405, "misuse", "this method is of no use here");
    http_give_static(&x->response, 204, NULL, "", 0);
    http_add_header(&x->response, "Access-Control-Allow-Methods", "GET, POST");
    http_add_header(&x->response, "Access-Control-Allow-Headers",
                    "Authorization, Content-Type");
    return false;
}

static bool is_media_type(const char *text, const char *type)
{
    const size_t n = strlen(type);
    return text && strncasecmp(text, type, n) == 0 && strchr("; \t", text[n]);
}

/* A form of another kind can be sent by any page without asking. */
static bool check_body(const route *to, http_exchange *x)
{
    const http_request *q = &x->request;
    x->body_max = 0;
    if (q->method != HTTP_POST)
        return true;
    const size_t upload = (size_t)command.upload_mb << 20;
    if (is_media_type(q->content_type, "application/json")) {
        x->body_max = to->body == BODY_PICTURE ? upload / 3 * 4 + QUESTION_MAX
                                               : (size_t)QUESTION_MAX;
        return true;
    }
    if (to->body == BODY_PICTURE &&
        is_media_type(q->content_type, "multipart/form-data")) {
        x->body_max = upload + QUESTION_MAX;
        return true;
    }
    return refuse(&x->response, 415, "unsupported",
                  to->body == BODY_PICTURE
                      ? "send application/json or multipart/form-data"
                      : "send application/json");
}

static bool check_access(const server *s, const route *to, http_exchange *x)
{
    const http_request *q = &x->request;
    if (!access_check_origin(&s->access, q))
        return refuse(&x->response, 403, "origin",
                      "another site's page may not ask here");
    allow_origin(s, x);
    if (q->method == HTTP_OPTIONS)
        return answer_preflight(s, x);
    if (!to->is_open && !access_check_token(&s->access, q))
        return refuse(&x->response, 401, "token",
                      "who asks has to know the token: open the address that "
                      "plainfilm-serve prints, or send it as a bearer's");
    if (q->method & to->methods)
        return true;
    refuse(&x->response, 405, "misuse", "this method is of no use here");
    add_allow(&x->response, to->methods);
    return false;
}

static bool begin_exchange(void *context, http_exchange *x)
{
    server *s = context;
    int64_t id;
    const route *to = find_route(x->request.path, &id);
    const asset *a = to ? NULL : asset_find(x->request.path);
    x->route = to ? to->pattern : a ? a->path : "-";
    if (!access_check_host(&s->access, &x->request))
        return refuse(&x->response, 421, "host",
                      "this is not the name under which plainfilm is served here");
    if (to)
        return check_access(s, to, x) && check_body(to, x);
    if (!a)
        return refuse(&x->response, 404, "not_found", "there is nothing here");
    serve_page(s, &x->request, a, &x->response);
    return false;
}

static void handle_exchange(void *context, http_exchange *x)
{
    server *s = context;
    if (workers_give(s->workers, x))
        return;
    problem_give_status(&x->response, 503, "busy", "too many questions at once");
    http_answer(x);
}

static void end_exchange(void *context, const http_exchange *x)
{
    server *s = context;
    const int class = x->response.status / 100;
    atomic_fetch_add(&s->n_by_class[class <= 5 ? class : 0], 1);
    atomic_fetch_add(&s->took_us,
                     (unsigned long long)((pf_clock_seconds() - x->began) * 1e6));
    log_exchange(x);
}

http_service server_service(server *s)
{
    return (http_service){begin_exchange, handle_exchange, end_exchange, s};
}

work_line server_work(void *context, worker *w, http_exchange *x, work_line from)
{
    int64_t id;
    const route *to = find_route(x->request.path, &id);
    const call c = {context, w, &x->request, id, from};
    if (w->reader || to->needs_no_catalog)
        return to->handle(&c, &x->response);
    problem_give_status(&x->response, 503, pf_code_name(w->failure.code),
                        w->failure.msg);
    return WORK_DONE;
}
