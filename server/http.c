/* http.c - see http.h. */
#include "server/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <microhttpd.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "server/problem.h"

enum {
    HEAD_MAX = 32 << 10,    /* bytes of a connection's own: request line, headers */
    FORM_BUFFER = 32 << 10, /* of the reader of forms */
    NAME_MAX_BYTES = 256,   /* of a form's field */
    IDLE_SECONDS = 65,      /* the library's own limit, without a byte */
    WATCH_SECONDS = 1,      /* how often deadlines are looked at */
};

/* One that is open; in a list, so that the overdue can be found. */
typedef struct connection {
    struct connection *before, *next;
    int fd;
    double deadline; /* pf_clock_seconds(); 0: none while it is at rest */
} connection;

/* An exchange, and what only this file knows of it. */
typedef struct {
    http_exchange x; /* first: http_answer() is given its address */
    http *http;
    connection *of;
    struct MHD_Connection *mhd;
    struct MHD_PostProcessor *form;
    char *uri;
    size_t n_read; /* bytes of its body, */
    size_t held;   /* and those of them that are kept */
    bool is_bad;   /* its head says what a proxy and we might read differently */
    bool has_begun, is_ready, is_over;
    pf_err failure; /* of reading the body */
} exchange;

struct http {
    struct MHD_Daemon *daemon;
    http_service service;
    http_limits limits;
    atomic_size_t held;
    atomic_size_t n_begun; /* requests whose head is there, and that are not over */
    pthread_t watch;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t stop_now;
    bool has_watch, is_stopping;
    connection *first;
};

/* ---- deadlines ---------------------------------------------------------------------
 */

static void set_deadline(exchange *e, double seconds)
{
    if (!e->of)
        return;
    pthread_mutex_lock(&e->http->lock);
    e->of->deadline = seconds > 0 ? pf_clock_seconds() + seconds : 0;
    pthread_mutex_unlock(&e->http->lock);
}

/* The library closes the socket behind CLOSED, so none in the list is another's. */
static void cut_off_overdue(http *h)
{
    const double now = pf_clock_seconds();
    for (connection *c = h->first; c; c = c->next) {
        if (c->deadline > 0 && now > c->deadline)
            shutdown(c->fd, SHUT_RDWR);
    }
}

static void *watch(void *context)
{
    http *h = context;
    pthread_mutex_lock(&h->lock);
    while (!h->is_stopping) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += WATCH_SECONDS;
        pthread_cond_timedwait(&h->stop_now, &h->lock, &until);
        cut_off_overdue(h);
    }
    pthread_mutex_unlock(&h->lock);
    return NULL;
}

static void open_connection(http *h, struct MHD_Connection *mhd, void **socket_context)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    connection *c = pf_zalloc(sizeof *c, NULL);
    *socket_context = c;
    if (!c || !info)
        return; /* it has the library's limits then */
    c->fd = info->connect_fd;
    c->deadline = pf_clock_seconds() + h->limits.head_seconds;
    pthread_mutex_lock(&h->lock);
    c->next = h->first;
    if (c->next)
        c->next->before = c;
    h->first = c;
    pthread_mutex_unlock(&h->lock);
}

static void close_connection(http *h, connection *c)
{
    if (!c)
        return;
    pthread_mutex_lock(&h->lock);
    if (c->next)
        c->next->before = c->before;
    if (c->before)
        c->before->next = c->next;
    else if (h->first == c)
        h->first = c->next;
    pthread_mutex_unlock(&h->lock);
    pf_free(c);
}

static void on_connection(void *context, struct MHD_Connection *mhd,
                          void **socket_context,
                          enum MHD_ConnectionNotificationCode what)
{
    if (what == MHD_CONNECTION_NOTIFY_STARTED)
        open_connection(context, mhd, socket_context);
    else
        close_connection(context, *socket_context);
}

/* ---- the head ----------------------------------------------------------------------
 */

static http_method method_of(const char *name)
{
    static const struct {
        const char *name;
        http_method method;
    } methods[] = {{"GET", HTTP_GET},
                   {"HEAD", HTTP_HEAD},
                   {"POST", HTTP_POST},
                   {"OPTIONS", HTTP_OPTIONS}};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (strcmp(methods[i].name, name) == 0)
            return methods[i].method;
    }
    return HTTP_OTHER;
}

/* Those that decide who asks, or where a body ends, are not to be there twice: which of
 * them counts is a matter on which programs differ. */
static enum MHD_Result take_header(void *context, enum MHD_ValueKind kind,
                                   const char *name, size_t n, const char *value,
                                   size_t size)
{
    exchange *e = context;
    http_request *r = &e->x.request;
    const struct {
        const char *name;
        const char **to;
    } wanted[] = {{"Host", &r->host},
                  {"Origin", &r->origin},
                  {"Sec-Fetch-Site", &r->fetch_site},
                  {"Authorization", &r->authorization},
                  {"Cookie", &r->cookie},
                  {"Content-Type", &r->content_type},
                  {"If-None-Match", &r->if_none_match},
                  {"Access-Control-Request-Method", &r->requested_method}};
    (void)kind;
    (void)n;
    for (size_t i = 0; value && i < sizeof wanted / sizeof *wanted; i++) {
        if (strcasecmp(name, wanted[i].name) != 0)
            continue;
        e->is_bad = e->is_bad || *wanted[i].to || strlen(value) != size;
        *wanted[i].to = value;
    }
    return MHD_YES;
}

static enum MHD_Result take_param(void *context, enum MHD_ValueKind kind,
                                  const char *name, size_t n, const char *value,
                                  size_t size)
{
    exchange *e = context;
    http_request *r = &e->x.request;
    (void)kind;
    (void)n;
    if (r->n_params == HTTP_PARAMS_MAX || (value && strlen(value) != size)) {
        e->is_bad = true;
        return MHD_NO;
    }
    r->params[r->n_params++] = (http_param){name, value ? value : ""};
    return MHD_YES;
}

static void take_address(exchange *e)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(e->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *a = info ? info->client_addr : NULL;
    char *to = e->x.request.address;
    snprintf(to, sizeof e->x.request.address, "-");
    if (a && a->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)a)->sin_addr, to,
                  sizeof e->x.request.address);
    else if (a && a->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr,
                  to, sizeof e->x.request.address);
}

/* A length and chunks at once is how requests are smuggled past a proxy. */
static void look_at_body(exchange *e)
{
    const char *length =
        MHD_lookup_connection_value(e->mhd, MHD_HEADER_KIND, "Content-Length");
    const char *coding =
        MHD_lookup_connection_value(e->mhd, MHD_HEADER_KIND, "Transfer-Encoding");
    e->x.request.has_body = coding || (length && strcmp(length, "0") != 0);
    e->is_bad = e->is_bad || (length && coding);
}

static void take_head(exchange *e, const char *path, const char *method)
{
    http_request *r = &e->x.request;
    r->method = method_of(method);
    r->method_name = method;
    r->path = path;
    r->query = e->uri && strchr(e->uri, '?') ? strchr(e->uri, '?') + 1 : "";
    take_address(e);
    MHD_get_connection_values_n(e->mhd, MHD_HEADER_KIND, take_header, e);
    MHD_get_connection_values_n(e->mhd, MHD_GET_ARGUMENT_KIND, take_param, e);
    look_at_body(e);
    /* A zero byte would end a path for us that goes on for others. */
    e->is_bad = e->is_bad || !e->uri || strstr(e->uri, "%00") || path[0] != '/';
}

/* ---- the body ----------------------------------------------------------------------
 */

static bool hold(exchange *e, size_t n, pf_err *err)
{
    if (atomic_fetch_add(&e->http->held, n) + n > e->http->limits.bodies_max) {
        atomic_fetch_sub(&e->http->held, n);
        return pf_fail(err, PF_ERR_BUSY,
                       "others are sending pictures: try again in a moment");
    }
    e->held += n;
    return true;
}

static http_field *field_of(exchange *e, const char *name, const char *filename,
                            bool is_new, pf_err *err)
{
    http_request *r = &e->x.request;
    if (!is_new && r->n_fields > 0)
        return &r->fields[r->n_fields - 1];
    if (r->n_fields == HTTP_FIELDS_MAX || strlen(name) > NAME_MAX_BYTES) {
        pf_fail(err, PF_ERR_LIMIT, "a form of too many fields, or too long a name");
        return NULL;
    }
    if (!pf_grow_array(&r->fields, &r->fields_room, r->n_fields, sizeof *r->fields,
                       err))
        return NULL;
    http_field *f = &r->fields[r->n_fields];
    *f = (http_field){0};
    pf_buf_init(&f->bytes, e->x.body_max);
    r->n_fields++;
    f->name = pf_strdup(name, err);
    if (f->name && filename)
        f->filename = pf_strdup(filename, err);
    return f->name && (!filename || f->filename) ? f : NULL;
}

static enum MHD_Result take_field(void *context, enum MHD_ValueKind kind,
                                  const char *name, const char *filename,
                                  const char *type, const char *coding,
                                  const char *data, uint64_t offset, size_t n)
{
    exchange *e = context;
    (void)kind;
    (void)type;
    (void)coding;
    http_field *f = field_of(e, name ? name : "", filename, offset == 0, &e->failure);
    return f && pf_buf_add(&f->bytes, data, n, &e->failure) ? MHD_YES : MHD_NO;
}

static bool is_form(const char *type)
{
    static const char form[] = "multipart/form-data";
    return type && strncasecmp(type, form, sizeof form - 1) == 0;
}

static bool begin_body(exchange *e, pf_err *err)
{
    if (!is_form(e->x.request.content_type))
        return true;
    e->x.request.is_form = true;
    e->form = MHD_create_post_processor(e->mhd, FORM_BUFFER, take_field, e);
    return e->form || pf_fail(err, PF_ERR_FORMAT, "a form without a boundary");
}

static void keep_body(exchange *e, const char *bytes, size_t n, pf_err *err)
{
    if (!hold(e, n, err))
        return;
    const bool ok = e->form ? MHD_post_process(e->form, bytes, n) == MHD_YES
                            : pf_buf_add(&e->x.request.body, bytes, n, err);
    if (!ok && err->code == PF_OK)
        pf_fail(err, PF_ERR_FORMAT, "a form that cannot be read");
}

/* An answer can be given only behind the end of a body: what comes behind a failure is
 * read and dropped. False: it is longer than it may be, and need not come to an end. */
static bool take_body(exchange *e, const char *bytes, size_t n)
{
    e->n_read += n;
    if (e->failure.code == PF_OK)
        keep_body(e, bytes, n, &e->failure);
    return e->n_read <= e->x.body_max;
}

static void end_body(exchange *e)
{
    struct MHD_PostProcessor *form = e->form;
    e->form = NULL;
    if (form && MHD_destroy_post_processor(form) != MHD_YES && e->failure.code == PF_OK)
        pf_fail(&e->failure, PF_ERR_FORMAT, "a form that has no end");
}

/* ---- answers -----------------------------------------------------------------------
 */

void http_add_header(http_response *r, const char *name, const char *value)
{
    char *copy = r->n_headers < HTTP_HEADERS_MAX ? pf_strdup(value, NULL) : NULL;
    if (copy)
        r->headers[r->n_headers++] = (http_header){name, copy};
}

void http_give(http_response *r, int status, const char *type, char *body, size_t size)
{
    r->status = status;
    r->type = type;
    r->body = body;
    r->size = size;
    r->is_static = false;
}

void http_give_static(http_response *r, int status, const char *type, const char *body,
                      size_t size)
{
    http_give(r, status, type, (char *)body, size);
    r->is_static = true;
}

/* The body is dropped, the headers stay. */
void http_match(const http_request *q, http_response *r)
{
    if (!q->if_none_match || !r->etag[0] || !strstr(q->if_none_match, r->etag))
        return;
    if (!r->is_static)
        pf_free((void *)r->body);
    http_give_static(r, 304, NULL, "", 0);
}

static void reset_response(http_response *r)
{
    if (!r->is_static)
        pf_free((void *)r->body);
    for (size_t i = 0; i < r->n_headers; i++)
        pf_free(r->headers[i].value);
    *r = (http_response){0};
}

/* What every answer says to a browser: nothing of it is a script but what is ours, no
 * other page may show or read it, and no other site learns that it was asked for. */
static const char *const fixed_headers[][2] = {
    {"Content-Security-Policy",
     "default-src 'self'; img-src 'self' blob:; object-src 'none'; base-uri 'none'; "
     "form-action 'self'; frame-ancestors 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
};

static void add_headers(struct MHD_Response *m, const http_response *r, bool is_last)
{
    for (size_t i = 0; i < sizeof fixed_headers / sizeof *fixed_headers; i++)
        MHD_add_response_header(m, fixed_headers[i][0], fixed_headers[i][1]);
    if (r->type)
        MHD_add_response_header(m, "Content-Type", r->type);
    MHD_add_response_header(m, "Cache-Control", r->cache ? r->cache : "no-store");
    if (r->etag[0])
        MHD_add_response_header(m, "ETag", r->etag);
    for (size_t i = 0; i < r->n_headers; i++)
        MHD_add_response_header(m, r->headers[i].name, r->headers[i].value);
    if (is_last)
        MHD_add_response_header(m, "Connection", "close");
}

/* The body goes over to the library. */
static enum MHD_Result send_response(exchange *e, bool is_last)
{
    http_response *r = &e->x.response;
    struct MHD_Response *m = r->is_static || !r->body
                                 ? MHD_create_response_from_buffer(
                                       r->size, (void *)r->body, MHD_RESPMEM_PERSISTENT)
                                 : MHD_create_response_from_buffer_with_free_callback(
                                       r->size, (void *)r->body, pf_free);
    if (!m)
        return MHD_NO;
    r->is_static = true;
    e->x.sent = r->size;
    add_headers(m, r, is_last);
    set_deadline(e, e->http->limits.send_seconds);
    const enum MHD_Result result = MHD_queue_response(e->mhd, (unsigned)r->status, m);
    MHD_destroy_response(m);
    return result;
}

static enum MHD_Result refuse_head(exchange *e)
{
    reset_response(&e->x.response);
    problem_give_status(&e->x.response, 400, "format",
                        "a request that can be read in two ways");
    return send_response(e, true);
}

static enum MHD_Result refuse_body(exchange *e)
{
    reset_response(&e->x.response);
    if (e->failure.code == PF_ERR_FORMAT)
        problem_give_status(&e->x.response, 400, "format", e->failure.msg);
    else
        problem_give(&e->x.response, &e->failure);
    return send_response(e, true);
}

void http_answer(http_exchange *x)
{
    exchange *e = (exchange *)(void *)x; /* it stands first in it */
    e->is_ready = true;
    MHD_resume_connection(e->mhd);
}

/* ---- from the library --------------------------------------------------------------
 */

static void *on_uri(void *context, const char *uri, struct MHD_Connection *mhd)
{
    exchange *e = pf_zalloc(sizeof *e, NULL);
    if (!e)
        return NULL;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    e->http = context;
    e->mhd = mhd;
    e->of = info ? info->socket_context : NULL;
    e->uri = pf_strdup(uri, NULL);
    e->x.began = pf_clock_seconds();
    e->x.route = "-";
    pf_buf_init(&e->x.request.body, 0);
    return e;
}

static void on_completed(void *context, struct MHD_Connection *mhd, void **exchange_at,
                         enum MHD_RequestTerminationCode why)
{
    http *h = context;
    exchange *e = *exchange_at;
    (void)mhd;
    if (!e)
        return;
    *exchange_at = NULL;
    if (why != MHD_REQUEST_TERMINATED_COMPLETED_OK)
        e->x.response.status = 0;
    if (e->has_begun) {
        h->service.done(h->service.context, &e->x);
        atomic_fetch_sub(&h->n_begun, 1);
    }
    end_body(e);
    atomic_fetch_sub(&h->held, e->held);
    set_deadline(e, h->limits.head_seconds);
    http_request *r = &e->x.request;
    for (size_t i = 0; i < r->n_fields; i++) {
        pf_free(r->fields[i].name);
        pf_free(r->fields[i].filename);
        pf_buf_free(&r->fields[i].bytes);
    }
    pf_free(r->fields);
    pf_buf_free(&r->body);
    reset_response(&e->x.response);
    pf_free(e->uri);
    pf_free(e);
}

/* Without a body its answer, if there is one already, goes out at the second call: sent
 * at the first one, it would end the connection. */
static enum MHD_Result begin(exchange *e, const char *path, const char *method)
{
    http *h = e->http;
    take_head(e, path, method);
    e->has_begun = true;
    atomic_fetch_add(&h->n_begun, 1);
    if (e->is_bad || (e->x.request.has_body && e->x.request.method != HTTP_POST))
        return refuse_head(e);
    if (!h->service.begin(h->service.context, &e->x)) {
        e->is_ready = true;
        return e->x.request.has_body ? send_response(e, true) : MHD_YES;
    }
    const char *length =
        MHD_lookup_connection_value(e->mhd, MHD_HEADER_KIND, "Content-Length");
    /* the library has refused what is no number; 20 digits are more than it takes */
    if (length && (strlen(length) > 18 ||
                   strtoull(length, NULL, 10) > (unsigned long long)e->x.body_max)) {
        pf_fail(&e->failure, PF_ERR_LIMIT, "a body of %.20s bytes, the most is %zu",
                length, e->x.body_max);
        return refuse_body(e);
    }
    pf_buf_init(&e->x.request.body, e->x.body_max);
    set_deadline(e, h->limits.body_seconds);
    return begin_body(e, &e->failure) ? MHD_YES : refuse_body(e);
}

/* At rest before anybody else has it: it may be answered before this returns. */
static enum MHD_Result hand_over(exchange *e)
{
    http *h = e->http;
    end_body(e);
    if (e->failure.code != PF_OK)
        return refuse_body(e);
    set_deadline(e, 0);
    MHD_suspend_connection(e->mhd);
    h->service.handle(h->service.context, &e->x);
    return MHD_YES;
}

static enum MHD_Result on_access(void *context, struct MHD_Connection *mhd,
                                 const char *path, const char *method,
                                 const char *version, const char *bytes, size_t *n,
                                 void **exchange_at)
{
    exchange *e = *exchange_at;
    (void)context;
    (void)mhd;
    (void)version;
    if (!e)
        return MHD_NO; /* no memory */
    if (!e->has_begun)
        return begin(e, path, method);
    if (*n > 0) {
        const bool goes_on = take_body(e, bytes, *n);
        *n = 0;
        return goes_on ? MHD_YES : MHD_NO;
    }
    if (e->is_ready)
        return send_response(e, false);
    return hand_over(e);
}

/* ---- start and stop ----------------------------------------------------------------
 */

static bool start_daemon(http *h, pf_err *err)
{
    const http_limits *l = &h->limits;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME;
    if (l->listener < 0)
        flags |= MHD_USE_NO_LISTEN_SOCKET;
    const struct MHD_OptionItem listener[] = {
        {l->listener < 0 ? MHD_OPTION_END : MHD_OPTION_LISTEN_SOCKET, l->listener,
         NULL},
        {MHD_OPTION_END, 0, NULL}};
    h->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_access, h, MHD_OPTION_ARRAY, listener,
        MHD_OPTION_URI_LOG_CALLBACK, on_uri, h, MHD_OPTION_NOTIFY_COMPLETED,
        on_completed, h, MHD_OPTION_NOTIFY_CONNECTION, on_connection, h,
        MHD_OPTION_CONNECTION_LIMIT, l->connections, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        l->per_address, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEAD_MAX,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
    return h->daemon || pf_fail(err, PF_ERR_IO, "cannot start the HTTP server");
}

static bool start_watch(http *h, pf_err *err)
{
    h->has_watch = pthread_create(&h->watch, NULL, watch, h) == 0;
    return h->has_watch || pf_fail(err, PF_ERR_IO, "cannot start a thread");
}

bool http_start(http **out, const http_limits *limits, const http_service *service,
                pf_err *err)
{
    *out = NULL;
    http *h = pf_zalloc(sizeof *h, err);
    if (!h)
        return false;
    h->limits = *limits;
    h->service = *service;
    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->stop_now, NULL);
    if (start_watch(h, err) && start_daemon(h, err)) {
        *out = h;
        return true;
    }
    http_stop(h, 0);
    return false;
}

bool http_add(http *h, int socket, pf_err *err)
{
    const struct sockaddr_in nobody = {.sin_family = AF_INET,
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return MHD_add_connection(h->daemon, socket, (const struct sockaddr *)&nobody,
                              sizeof nobody) == MHD_YES ||
           pf_fail(err, PF_ERR_LIMIT, "too many connections");
}

void http_quiesce(http *h)
{
    const int listener = MHD_quiesce_daemon(h->daemon);
    if (listener >= 0)
        close(listener);
}

/* A connection without a request is none that anybody waits at. */
static void wait_for_answers(const http *h, double seconds)
{
    const double until = pf_clock_seconds() + seconds;
    const struct timespec moment = {0, 5 * 1000 * 1000};
    while (atomic_load(&h->n_begun) > 0 && pf_clock_seconds() < until)
        nanosleep(&moment, NULL);
}

void http_stop(http *h, double seconds)
{
    if (!h)
        return;
    wait_for_answers(h, seconds);
    if (h->daemon)
        MHD_stop_daemon(h->daemon);
    pthread_mutex_lock(&h->lock);
    h->is_stopping = true;
    pthread_cond_signal(&h->stop_now);
    pthread_mutex_unlock(&h->lock);
    if (h->has_watch)
        pthread_join(h->watch, NULL);
    pthread_cond_destroy(&h->stop_now);
    pthread_mutex_destroy(&h->lock);
    pf_free(h);
}
