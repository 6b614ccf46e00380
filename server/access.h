/*
 * access.h - may this client ask?
 *
 * The name under which a browser knows us (Host) has to be ours, or any site could
 * point a name of its own here and read answers (DNS rebinding). A page that asks
 * (Origin) has to be ours, or any site could ask in the name of whoever looks at it.
 * And who asks the API knows the token, but behind a proxy, which says who may.
 */
#ifndef PF_SERVER_ACCESS_H
#define PF_SERVER_ACCESS_H

#include <stdbool.h>

#include "server/http.h"

enum { ACCESS_NAMES_MAX = 8, ACCESS_TOKEN_MAX = 256, ACCESS_TOKEN_MIN = 16 };

typedef struct {
    char hosts[ACCESS_NAMES_MAX][300];   /* "127.0.0.1:8723", in small letters */
    char origins[ACCESS_NAMES_MAX][310]; /* "http://127.0.0.1:8723" */
    size_t n_hosts;
    char allowed_origin[310];         /* of another site; or "" */
    char token[ACCESS_TOKEN_MAX + 1]; /* "" without one */
    char cookie[32];                  /* its name */
    char root[640];                   /* the address of the page, with '/' at its end */
    char path[256];                   /* of it: "/" */
    bool is_https;
} access_rules;

/* What is served at `host` ("127.0.0.1"; "[::1]") and `port`, by the command line. */
PF_MUST_CHECK bool access_init(access_rules *a, const char *host, int port,
                               bool is_loopback, pf_err *err);

/* Ours, and asked for by nobody else's page? */
bool access_check_host(const access_rules *a, const http_request *r);
bool access_check_origin(const access_rules *a, const http_request *r);
/* Does it come with the token: as a bearer's, or in the cookie? */
bool access_check_token(const access_rules *a, const http_request *r);
/* Is `given` the token? In a time that does not depend on how much of it is right. */
bool access_is_token(const access_rules *a, const char *given);
/* Have the browser keep it. */
void access_set_cookie(const access_rules *a, http_response *r);

#endif
