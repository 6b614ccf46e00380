/*
 * main.c - plainfilm-serve: questions of a catalog on a page in the browser, and
 * through a JSON API.
 *
 * stdout has one line, the address with its token; stderr the log. It runs until it is
 * told to end (SIGTERM, Ctrl-C), and then finishes what is under way.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/guard.h"
#include "cli/tools.h"
#include "core/base/clock.h"
#include "server/listen.h"
#include "server/log.h"
#include "server/routes.h"

enum {
    HEAD_SECONDS = 20,  /* until the head of a request is there */
    BODY_SECONDS = 120, /* a large picture over a slow line */
    SEND_SECONDS = 120,
    WORK_SECONDS = 120,  /* a comparison of all with all takes so long, and no longer */
    GRACE_SECONDS = 10,  /* for what is under way at the end */
    BODIES_MB = 512,     /* of all requests at a time */
    KEPT_VECTORS = 4096, /* of what was asked with: 2 KB each with 512 numbers */
    KEPT_MB = 32,        /* of answers */
};

static unsigned count_threads(void)
{
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (command.threads > 0)
        return (unsigned)command.threads;
    return cores > 2 ? (unsigned)(cores < 256 ? cores : 256) : 2;
}

static pf_engine_options engine_options(void)
{
    pf_engine_options options = PF_ENGINE_OPTIONS_INIT;
    options.catalog = command.catalog;
    options.model = command.model;
    options.tokenizer = command.tokenizer;
    options.synonyms = command.synonyms;
    options.ignores_negation = command.no_negation;
    options.kept_vectors = KEPT_VECTORS;
    options.note = log_note;
    return options;
}

static bool start_workers(server *s, pf_err *err)
{
    bool waits;
    const workers_options options = {.engine = engine_options(),
                                     .threads = count_threads(),
                                     .work_seconds = WORK_SECONDS,
                                     .handle = server_work,
                                     .context = s};
    if (!workers_start(&s->workers, &options, &waits, err))
        return false;
    if (waits)
        log_say("nothing was published in the catalog yet: waiting for "
                "plainfilm-index");
    return true;
}

static bool start_http(server *s, const listener *l, pf_err *err)
{
    const http_limits limits = {
        .listener = l->socket,
        .connections = (unsigned)command.connections,
        .per_address = command.behind_proxy ? 0 : (unsigned)command.per_address,
        .head_seconds = HEAD_SECONDS,
        .body_seconds = BODY_SECONDS,
        .send_seconds = SEND_SECONDS,
        .bodies_max = (size_t)BODIES_MB << 20};
    const http_service service = server_service(s);
    return http_start(&s->http, &limits, &service, err);
}

static bool print_address(const server *s, pf_err *err)
{
    if (s->access.token[0])
        printf("%s?token=%s\n", s->access.root, s->access.token);
    else
        printf("%s\n", s->access.root);
    return pf_cli_flush(stdout, err);
}

/* ---- being told to end -------------------------------------------------------------
 */

static int wake[2]; /* a byte in this pipe: it is time to end */

/* In whichever thread it arrives: OpenBLAS has one before main() begins, which blocks
 * nothing. SIGTERM may come twice (timeout(1) sends it to the group as well); who types
 * Ctrl-C twice does not want to wait. */
static void on_signal(int signum)
{
    static volatile sig_atomic_t was_told;
    if (was_told && signum == SIGINT)
        _exit(128 + signum);
    was_told = 1;
    const ssize_t ignored = write(wake[1], "", 1);
    (void)ignored;
}

static bool catch_signals(pf_err *err)
{
    struct sigaction end = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    const struct sigaction none = {.sa_handler = SIG_IGN};
    if (pipe(wake) != 0)
        return pf_cli_fail_errno(err, errno, "cannot make a pipe");
    fcntl(wake[0], F_SETFD, FD_CLOEXEC);
    fcntl(wake[1], F_SETFD, FD_CLOEXEC);
    sigemptyset(&end.sa_mask);
    sigaction(SIGTERM, &end, NULL);
    sigaction(SIGINT, &end, NULL);
    sigaction(SIGHUP, &end, NULL);
    sigaction(SIGPIPE, &none, NULL);
    return true;
}

static void wait_for_the_end(void)
{
    char byte;
    while (read(wake[0], &byte, 1) < 0 && errno == EINTR)
        ;
}

static bool run(server *s, pf_err *err)
{
    listener l;
    if (!catch_signals(err) || !listen_open(&l, command.listen, err) ||
        !access_init(&s->access, l.host, l.port, l.is_loopback, err) ||
        !kept_new(&s->kept, (size_t)KEPT_MB << 20, err) || !start_workers(s, err) ||
        !start_http(s, &l, err) || !print_address(s, err))
        return false;
    listen_notify("READY=1");
    wait_for_the_end();
    listen_notify("STOPPING=1");
    http_quiesce(s->http);
    return true;
}

int main(int argc, char **argv)
{
    static server s;
    pf_err err = PF_ERR_INIT;
    pf_cli_args args = {0};
    pf_guard_threads(argv);
    pf_guard_begin(serve_cli.name);
    pf_use_one_blas_thread();
    bool ok = pf_cli_parse(&args, &serve_cli, argc, argv, &err);
    if (ok && !pf_cli_answer(&serve_cli, args.action, stdout)) {
        s.began = pf_clock_seconds();
        ok = check_command(&err) && run(&s, &err);
        workers_end(s.workers, GRACE_SECONDS);
        http_stop(s.http, GRACE_SECONDS); /* it gives to workers until it has ended */
        workers_free(s.workers);
        kept_free(s.kept);
    }
    ok = pf_cli_flush(stdout, ok ? &err : NULL) && ok;
    pf_cli_args_free(&args);
    if (ok)
        return PF_EXIT_DONE;
    log_say(err.msg);
    return (int)pf_exit_of(&err);
}
