/* listen.c - see listen.h. */
#include "server/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/tools.h"

enum { FIRST_GIVEN = 3, BACKLOG = 511 };

/* ---- an address --------------------------------------------------------------------
 */

/* "[::1]:8723" -> "::1", "8723". */
static bool split_address(const char *text, char host[64], char port[8])
{
    const char *colon = strrchr(text, ':');
    if (!colon || colon == text || strlen(colon + 1) == 0 || strlen(colon + 1) > 5 ||
        colon[1 + strspn(colon + 1, "0123456789")] != '\0')
        return false;
    size_t n = (size_t)(colon - text);
    if (text[0] == '[' && text[n - 1] == ']') {
        text++;
        n -= 2;
    } else if (memchr(text, ':', n)) {
        return false; /* which colon parts the port is anybody's guess */
    }
    if (n == 0 || n > 62)
        return false;
    snprintf(host, 64, "%.*s", (int)n, text);
    snprintf(port, 8, "%s", colon + 1);
    return strtol(port, NULL, 10) <= 65535;
}

static bool bind_to(int fd, const struct addrinfo *to)
{
    const int yes = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (to->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
    return bind(fd, to->ai_addr, to->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0;
}

static bool open_address(listener *l, const char *address, pf_err *err)
{
    char host[64], port[8];
    struct addrinfo *found = NULL;
    const struct addrinfo wanted = {.ai_family = AF_UNSPEC,
                                    .ai_socktype = SOCK_STREAM,
                                    .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    if (!split_address(address, host, port))
        return pf_cli_fail(err, PF_ERR_MISUSE,
                           "--listen '%.200s' is not like 127.0.0.1:8723 or "
                           "[::1]:8723",
                           address);
    if (getaddrinfo(host, port, &wanted, &found) != 0 || !found)
        return pf_cli_fail(err, PF_ERR_NOT_FOUND,
                           "--listen '%.200s': there is no address '%.62s' here",
                           address, host);
    l->socket = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool ok = l->socket >= 0 && bind_to(l->socket, found);
    const int why = errno;
    freeaddrinfo(found);
    return ok || pf_cli_fail_errno(err, why, "cannot listen at '%.200s'", address);
}

/* ---- what it is --------------------------------------------------------------------
 */

static void describe_ip(listener *l, const struct sockaddr_storage *at)
{
    const struct sockaddr_in *v4 = (const void *)at;
    const struct sockaddr_in6 *v6 = (const void *)at;
    char text[INET6_ADDRSTRLEN] = "";
    if (at->ss_family == AF_INET) {
        inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
        snprintf(l->host, sizeof l->host, "%s", text);
        l->port = ntohs(v4->sin_port);
        l->is_loopback = (ntohl(v4->sin_addr.s_addr) >> 24) == 127;
    } else {
        inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
        snprintf(l->host, sizeof l->host, "[%s]", text);
        l->port = ntohs(v6->sin6_port);
        l->is_loopback = IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
    }
}

static bool describe(listener *l, pf_err *err)
{
    struct sockaddr_storage at = {0};
    socklen_t n = sizeof at;
    if (getsockname(l->socket, (struct sockaddr *)&at, &n) != 0)
        return pf_cli_fail_errno(err, errno, "cannot use the socket");
    if (at.ss_family == AF_UNIX) {
        snprintf(l->host, sizeof l->host, "localhost");
        l->port = 80;
        l->is_loopback = true;
        return true;
    }
    if (at.ss_family != AF_INET && at.ss_family != AF_INET6)
        return pf_cli_fail(err, PF_ERR_UNSUPPORTED, "a socket of another kind");
    describe_ip(l, &at);
    return true;
}

/* ---- systemd -----------------------------------------------------------------------
 */

/* How many sockets were opened for this process; children are not to think so too. */
static long count_given(void)
{
    const char *pid = getenv("LISTEN_PID"), *n = getenv("LISTEN_FDS");
    const bool is_ours = pid && n && strtol(pid, NULL, 10) == (long)getpid();
    const long given = is_ours ? strtol(n, NULL, 10) : 0;
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return given;
}

bool listen_open(listener *l, const char *address, pf_err *err)
{
    *l = (listener){.socket = -1};
    const long given = count_given();
    if (given > 1)
        return pf_cli_fail(err, PF_ERR_UNSUPPORTED,
                           "%ld sockets were given, one is enough", given);
    if (given == 1) {
        l->socket = FIRST_GIVEN;
        fcntl(l->socket, F_SETFD, FD_CLOEXEC);
    } else if (!open_address(l, address, err)) {
        if (l->socket >= 0)
            close(l->socket);
        return false;
    }
    return describe(l, err);
}

/* A name that begins with '@' is of the abstract kind, whose first byte is 0. */
void listen_notify(const char *state)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    const char *name = getenv("NOTIFY_SOCKET");
    if (!name || strlen(name) < 2 || strlen(name) >= sizeof to.sun_path)
        return;
    memcpy(to.sun_path, name, strlen(name));
    if (name[0] == '@')
        to.sun_path[0] = '\0';
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    const socklen_t n =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    const ssize_t sent =
        sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&to, n);
    (void)sent; /* whether anybody hears it is not ours to know */
    close(fd);
}
