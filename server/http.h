/*
 * http.h - HTTP for the rest of the server: what came in, what goes out, and nothing of
 * libmicrohttpd, which http.c alone includes.
 *
 * One thread does all the reading and writing (epoll). It calls the service when the
 * head of a request is there and again when its body is, and must not be held up: what
 * takes longer is left to somebody else, who says http_answer() when it is done. Until
 * then the connection is at rest. So a client that is slow costs a connection and not a
 * thread, and one that never comes to an end is cut off: each stage of a request has a
 * deadline, however many bytes trickle in.
 *
 * A body is kept in memory, never on disk; all bodies together have a limit.
 */
#ifndef PF_SERVER_HTTP_H
#define PF_SERVER_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"

typedef enum {
    HTTP_GET = 1,
    HTTP_HEAD = 2,
    HTTP_POST = 4,
    HTTP_OPTIONS = 8,
    HTTP_OTHER = 16,
} http_method;

/* A parameter behind '?'; decoded, ends in NUL. */
typedef struct {
    const char *name, *value;
} http_param;

/* A part of a multipart/form-data body. */
typedef struct {
    char *name, *filename; /* `filename` may be NULL */
    pf_buf bytes;
} http_field;

enum { HTTP_PARAMS_MAX = 512, HTTP_FIELDS_MAX = 512 };

/* Borrowed from the exchange; headers that were not sent are NULL. */
typedef struct {
    http_method method;
    const char *method_name;
    const char *path;  /* decoded, from '/', without parameters */
    const char *query; /* as it was sent, behind '?'; "" without one */
    http_param params[HTTP_PARAMS_MAX];
    size_t n_params;
    const char *host, *origin, *fetch_site, *authorization, *cookie;
    const char *content_type, *if_none_match, *requested_method;
    bool has_body;
    pf_buf body;        /* empty when it is a form */
    http_field *fields; /* [n_fields]; of a form */
    size_t n_fields, fields_room;
    bool is_form;
    char address[48]; /* of the client */
} http_request;

enum { HTTP_ETAG_ROOM = 40, HTTP_HEADERS_MAX = 8 };

typedef struct {
    const char *name;
    char *value; /* owned */
} http_header;

typedef struct {
    int status;
    const char *type;          /* static */
    const char *cache;         /* Cache-Control, static; NULL: no-store */
    char etag[HTTP_ETAG_ROOM]; /* with its quotes; "" without one */
    const char *body;
    size_t size;
    bool is_static; /* the body is not ours to free */
    http_header headers[HTTP_HEADERS_MAX];
    size_t n_headers;
} http_response;

typedef struct {
    http_request request;
    http_response response;
    size_t body_max;   /* to be set by begin(): what is taken of a body, at most */
    const char *route; /* for the log: to be set by begin(), static */
    double began;      /* pf_clock_seconds() */
    size_t sent;       /* bytes of the response's body */
    void *job;         /* the service's own */
} http_exchange;

/* All but `answered` are called by the one thread. */
typedef struct {
    /* The head is there. False: the response is made already, and no body is read. */
    bool (*begin)(void *context, http_exchange *x);
    /* All of it is there: see to it that http_answer() is called, once. */
    void (*handle)(void *context, http_exchange *x);
    /* It is over, well or not: a client that went away has status 0. */
    void (*done)(void *context, const http_exchange *x);
    void *context;
} http_service;

typedef struct {
    int listener;         /* a listening socket; http.c closes it. -1: see http_add() */
    unsigned connections; /* at most, of all */
    unsigned per_address; /* of one address; 0: as many as of all */
    double head_seconds;  /* until the head of a request is there */
    double body_seconds;  /* until its body is */
    double send_seconds;  /* until the answer is taken */
    size_t bodies_max;    /* bytes of all bodies that are held at a time */
} http_limits;

typedef struct http http;

PF_MUST_CHECK bool http_start(http **out, const http_limits *limits,
                              const http_service *service, pf_err *err);
/* Take no more connections. Those that are there go on. */
void http_quiesce(http *h);
/* End all connections, when the answers that are made have been taken, or `seconds` are
 * over; NULL is fine. No exchange may be left to be answered. */
void http_stop(http *h, double seconds);
/* A connection that somebody else accepted; `socket` is taken. For tests. */
PF_MUST_CHECK bool http_add(http *h, int socket, pf_err *err);

/* The response is made: send it. From any thread. */
void http_answer(http_exchange *x);

/* ---- what responses are made with --------------------------------------------------
 */

/* Add a header; without memory it is left out, and 503 takes the place of the answer.
 */
void http_add_header(http_response *r, const char *name, const char *value);
/* `body` is given. */
void http_give(http_response *r, int status, const char *type, char *body, size_t size);
/* `body` stays as long as the program runs. */
void http_give_static(http_response *r, int status, const char *type, const char *body,
                      size_t size);
/* 304 in its place when the client has what `etag` marks. */
void http_match(const http_request *q, http_response *r);

#endif
