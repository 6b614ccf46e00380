/*
 * main.c - plainfilm-serve: questions of a catalog on a page in the browser, and
 * through a JSON API.
 *
 * stdout has one line, the address with its token; stderr the log. It runs until it is
 * told to end (SIGTERM, Ctrl-C), and then finishes what is under way.
 */
#include <pthread.h>
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

/* Blocked in all threads, waited for in this one: no handler is needed. */
static void block_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static bool run(server *s, const sigset_t *signals, pf_err *err)
{
    listener l;
    int caught;
    if (!listen_open(&l, command.listen, err) ||
        !access_init(&s->access, l.host, l.port, l.is_loopback, err) ||
        !start_workers(s, err) || !start_http(s, &l, err) || !print_address(s, err))
        return false;
    listen_notify("READY=1");
    sigwait(signals, &caught);
    listen_notify("STOPPING=1");
    http_quiesce(s->http);
    return true;
}

int main(int argc, char **argv)
{
    static server s;
    pf_err err = PF_ERR_INIT;
    pf_cli_args args = {0};
    sigset_t signals;
    pf_guard_memory(argv);
    pf_guard_begin(serve_cli.name);
    pf_use_one_blas_thread();
    bool ok = pf_cli_parse(&args, &serve_cli, argc, argv, &err);
    if (ok && !pf_cli_answer(&serve_cli, args.action, stdout)) {
        block_signals(&signals);
        s.began = pf_clock_seconds();
        ok = check_command(&err) && run(&s, &signals, &err);
        workers_stop(s.workers, GRACE_SECONDS);
        http_stop(s.http);
    }
    ok = pf_cli_flush(stdout, ok ? &err : NULL) && ok;
    pf_cli_args_free(&args);
    if (ok)
        return PF_EXIT_DONE;
    log_say(err.msg);
    return (int)pf_exit_of(&err);
}
