/*
 * run_phrases.c - the job of --phrases: which phrases of a file are nearest to what was
 * asked.
 */
#include <errno.h>
#include <string.h>

#include "core/base/file.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "cli/term.h"
#include "core/search/phrases.h"
#include "query/open.h"
#include "query/print.h"
#include "query/query.h"
#include "query/say.h"

static bool read_named(const char *path, pf_buf *b, pf_err *err)
{
    if (pf_path_is_folder(path))
        return pf_fail(err, PF_ERR_IO, "'%s' is a folder", path);
    FILE *in = fopen(path, "rbe");
    if (!in)
        return pf_fail_errno(err, errno, "cannot open '%s'", path);
    const bool ok = read_stream(in, path, b, err);
    fclose(in);
    return ok;
}

static bool read_phrases(pf_phrases *out, pf_err *err)
{
    const bool is_stdin = strcmp(command.phrases, "-") == 0;
    const char *name = is_stdin ? "stdin" : command.phrases;
    pf_buf b;
    pf_buf_init(&b, PF_PHRASES_MAX_BYTES);
    const bool ok = (is_stdin ? read_stream(stdin, name, &b, err)
                              : read_named(command.phrases, &b, err)) &&
                    pf_phrases_parse(out, b.data, b.size, name, err);
    pf_buf_free(&b);
    return ok;
}

static void show(void *context, size_t done, size_t total)
{
    pf_progress_set_total(context, total);
    pf_progress_update(context, done, 0);
}

static bool rank(pf_answer *out, const pf_phrases *phrases, const pf_query *query,
                 const opened *o, size_t *n_truncated, pf_err *err)
{
    const pf_term term = pf_term_of(stderr);
    const pf_progress_options how = {.file = stderr,
                                     .can_redraw = term.can_redraw,
                                     .is_quiet = command.quiet,
                                     .columns = term.columns};
    pf_progress bar;
    const pf_phrases_work work = {
        .stop = pf_interrupt_catch(), .progress = show, .context = &bar};
    pf_progress_init(&bar, &how);
    pf_progress_start(&bar, "reading phrases", phrases->n);
    const bool ok = pf_phrases_rank(out, phrases, query, o->model, o->search, &work,
                                    n_truncated, err);
    pf_progress_finish(&bar);
    return ok;
}

static void say_about_phrases(const pf_answer *answer, size_t n_truncated)
{
    if (command.quiet)
        return;
    if (answer->n_truncated > 0)
        say_truncated();
    if (n_truncated > 0)
        fprintf(stderr,
                "%s: %zu phrase%s longer than the model reads: only the beginning "
                "counts\n",
                query_cli.name, n_truncated, n_truncated == 1 ? " is" : "s are");
    if (answer->n_hits == 0)
        say("nothing found");
}

/* The towers of the parts, and whether one of them is an image of the catalog. */
static unsigned towers_of(const pf_query *query, bool *needs_catalog)
{
    unsigned towers = PF_CLIP_TEXT;
    *needs_catalog = false;
    for (size_t i = 0; i < query->n_parts; i++) {
        towers |= pf_part_tower(&query->parts[i]);
        *needs_catalog |= query->parts[i].kind == PF_PART_LIKE;
    }
    return towers;
}

bool run_phrases(const pf_cli_args *args, pf_exit *status, pf_err *err)
{
    (void)status;
    question a = {.has_stdin = strcmp(command.phrases, "-") == 0};
    pf_phrases phrases = {0};
    pf_answer answer = {0};
    opened o = {0};
    size_t n_truncated = 0;
    bool needs_catalog;
    bool ok = question_make(&a, &command, args->items, args->n_items, err) &&
              read_phrases(&phrases, err);
    if (ok) {
        const unsigned towers = towers_of(&a.query, &needs_catalog);
        ok = open_model(&o, towers, needs_catalog, err) &&
             rank(&answer, &phrases, &a.query, &o, &n_truncated, err);
    }
    if (ok) {
        say_about_phrases(&answer, n_truncated);
        print_answer(&a.query, &answer);
    }
    close_model(&o);
    pf_answer_reset(&answer);
    pf_phrases_reset(&phrases);
    question_reset(&a);
    return ok;
}
