/*
 * routes.h - which handler answers what. The table is a contract, which openapi.json
 * writes down; a test compares the two.
 */
#ifndef PF_SERVER_ROUTES_H
#define PF_SERVER_ROUTES_H

#include "server/access.h"
#include "server/http.h"
#include "server/kept.h"
#include "server/serve.h"
#include "server/workers.h"

typedef struct server server;

/* What a handler has before it. */
typedef struct {
    server *server;
    worker *worker;
    const http_request *request;
    int64_t id; /* of the path, where its route has one */
    work_line from;
} call;

typedef work_line route_handler(const call *c, http_response *r);

typedef struct {
    unsigned methods;    /* of http_method */
    const char *pattern; /* "/api/image/{id}" */
    route_handler *handle;
    enum { BODY_NONE, BODY_PICTURE } body;
    bool is_open;          /* without the token */
    bool needs_no_catalog; /* it answers also when there is none */
} route;

extern const route routes[];
extern const size_t n_routes;

struct server {
    access_rules access;
    workers *workers;
    http *http;
    kept *kept; /* answers */
    double began;
    atomic_ullong n_by_class[6]; /* of answers 1xx to 5xx, 0: gone away */
    atomic_ullong took_us;
};

/* What http.c and workers.c call. */
http_service server_service(server *s);
work_line server_work(void *context, worker *w, http_exchange *x, work_line from);

#endif
