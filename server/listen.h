/*
 * listen.h - the socket that browsers come to, and what systemd has to do with it.
 *
 * systemd's protocols are two: descriptors that are open from 3 on, as LISTEN_FDS says,
 * and datagrams of text to NOTIFY_SOCKET. Both are a few lines, so that libsystemd,
 * with what it brings along, is not needed for them.
 */
#ifndef PF_SERVER_LISTEN_H
#define PF_SERVER_LISTEN_H

#include <stdbool.h>

#include "include/plainfilm.h"

typedef struct {
    int socket;
    char host[64]; /* "127.0.0.1", "[::1]", "localhost" for a socket of the file system
                    */
    int port;      /* that it really has */
    bool is_loopback;
} listener;

/* The socket that systemd gave, else a new one at "ADDRESS:PORT". */
PF_MUST_CHECK bool listen_open(listener *l, const char *address, pf_err *err);

/* Tell systemd, if it asked to be told: "READY=1", "STOPPING=1". */
void listen_notify(const char *state);

#endif
