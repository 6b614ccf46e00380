/*
 * fuzz_server.c - any bytes as what a client sends: through a real connection into the
 * whole of the server, its HTTP library, routes, handlers and a small catalog.
 *
 * Checked for each input: no crash and no hang; what comes back is HTTP; nothing but
 * problems, the page and what is open to all comes back for bytes that do not have the
 * token in them; and what is shown of the disk is never a file that a client named.
 */
#define _GNU_SOURCE /* memmem() */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "server/routes.h"
#include "tests/fuzz/require.h"
#include "tests/support/seeded.h"
#include "tests/support/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As the seeds have them. */
#define TOKEN "token-of-the-fuzzer"
#define HOST "127.0.0.1:8723"

/* Made once; they belong to the process. */
static server served;

static char root[PF_TREE_ROOM];

static void remove_root(void)
{
    pf_tree_remove(root);
}

static void start(void)
{
    static char folder[PF_TREE_ROOM + 16];
    pf_err err = PF_ERR_INIT;
    bool waits;
    pf_tree_make(root);
    atexit(remove_root);
    snprintf(folder, sizeof folder, "%s/catalog", root);
    snprintf(served.access.hosts[0], sizeof *served.access.hosts, HOST);
    snprintf(served.access.origins[0], sizeof *served.access.origins, "http://" HOST);
    served.access.n_hosts = 1;
    snprintf(served.access.token, sizeof served.access.token, TOKEN);
    snprintf(served.access.cookie, sizeof served.access.cookie, "plainfilm-8723");
    snprintf(served.access.path, sizeof served.access.path, "/");
    command.upload_mb = 1;
    command.quiet = true;
    workers_options options = {.engine = PF_ENGINE_OPTIONS_INIT,
                               .threads = 2,
                               .work_seconds = 10,
                               .handle = server_work,
                               .context = &served};
    options.engine.catalog = folder;
    options.engine.kept_vectors = 64;
    const http_limits limits = {.listener = -1,
                                .connections = 10000,
                                .head_seconds = 10,
                                .body_seconds = 10,
                                .send_seconds = 10,
                                .bodies_max = 8 << 20};
    const http_service service = server_service(&served);
    if (!pf_seeded_small_write(folder, 12, &err) ||
        !kept_new(&served.kept, 1 << 20, &err) ||
        !workers_start(&served.workers, &options, &waits, &err) ||
        !http_start(&served.http, &limits, &service, &err)) {
        fprintf(stderr, "fuzz_server: %s\n", err.msg);
        exit(2);
    }
}

/* What is sent may be refused half-way, and then the rest of it is not taken. Half of a
 * request behind a whole one is waited for until its deadline: not by us. */
static size_t talk(int fd, const uint8_t *data, size_t size, char *got, size_t room)
{
    size_t sent = 0, n = 0;
    const struct timeval patience = {0, 10000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    while (sent < size) {
        const ssize_t some = send(fd, data + sent, size - sent, MSG_NOSIGNAL);
        if (some <= 0)
            break;
        sent += (size_t)some;
    }
    shutdown(fd, SHUT_WR);
    while (n < room) {
        const ssize_t some = recv(fd, got + n, room - n, 0);
        if (some <= 0)
            break;
        n += (size_t)some;
    }
    return n;
}

static bool has(const void *bytes, size_t n, const char *words)
{
    return memmem(bytes, n, words, strlen(words)) != NULL;
}

static void check(const uint8_t *data, size_t size, const char *got, size_t n)
{
    require(n == 0 || (n > 9 && memcmp(got, "HTTP/1.", 7) == 0), "an answer is HTTP");
    require(!has(got, n, "root:x:"), "no file that was named");
    require(has(data, size, TOKEN) || !has(got, n, "\"generation\""), "the catalog");
    require(has(data, size, TOKEN) || !has(got, n, "\"took_ms\""), "an answer");
    require(has(data, size, TOKEN) || !has(got, n, "image/jpeg"), "a picture");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char got[1 << 20];
    int ends[2];
    pf_err err = PF_ERR_INIT;
    if (!served.http)
        start();
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
        abort();
    require(http_add(served.http, ends[1], &err), "a connection is taken");
    const size_t n = talk(ends[0], data, size, got, sizeof got);
    close(ends[0]);
    check(data, size, got, n);
    return 0;
}
