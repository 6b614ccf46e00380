/* log.c - see log.h. One line is one call of fwrite(), so that threads do not mix. */
#include "server/log.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/term.h"
#include "core/base/clock.h"
#include "server/serve.h"

/* A line in memory first. */
static void put(char *text, size_t n)
{
    fwrite(text, 1, n, stderr);
    pf_free(text);
}

void log_say(const char *text)
{
    char *line = NULL;
    size_t n;
    FILE *out = open_memstream(&line, &n);
    if (!out)
        return;
    fprintf(out, "%s: ", serve_cli.name);
    pf_term_puts(out, text);
    fputc('\n', out);
    if (fclose(out) == 0)
        put(line, n);
}

void log_note(void *context, pf_note_kind kind, const char *text)
{
    (void)context;
    if (kind == PF_NOTE_CATALOG || kind == PF_NOTE_NOTICE || kind == PF_NOTE_SANDBOX)
        log_say(text);
}

/* 127.0.0.1 2024-05-06T07:08:09Z GET /api/image/{id} 200 1234 5.6 ms; with questions
 * the address as it was sent in the place of the route. */
void log_exchange(const http_exchange *x)
{
    char *line = NULL, when[32] = "";
    size_t n;
    struct tm tm;
    const time_t now = time(NULL);
    FILE *out = command.quiet ? NULL : open_memstream(&line, &n);
    if (!out)
        return;
    if (gmtime_r(&now, &tm))
        strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &tm);
    fprintf(out, "%s %s ", x->request.address, when);
    pf_term_puts(out, x->request.method == HTTP_OTHER ? "-" : x->request.method_name);
    fputc(' ', out);
    pf_term_puts(out, command.log_questions ? x->request.path : x->route);
    if (command.log_questions && x->request.query[0] &&
        !strstr(x->request.query, "token=")) {
        fputc('?', out);
        pf_term_puts(out, x->request.query);
    }
    fprintf(out, " %d %zu %.1f ms\n", x->response.status, x->sent,
            (pf_clock_seconds() - x->began) * 1e3);
    if (fclose(out) == 0)
        put(line, n);
}
