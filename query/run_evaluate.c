/*
 * run_evaluate.c - the job of --evaluate: how good retrieval is in the catalog.
 */
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "query/open.h"
#include "query/print.h"
#include "query/query.h"
#include "query/say.h"

typedef struct {
    pf_progress bar;
    const char *what; /* of the job the bar shows; NULL before the first */
} shown;

static void show(void *context, const char *what, size_t done, size_t total)
{
    shown *s = context;
    if (s->what != what) {
        if (s->what)
            pf_progress_finish(&s->bar);
        pf_progress_start(&s->bar, what, total);
        s->what = what;
    }
    pf_progress_update(&s->bar, done, 0);
}

static bool evaluate(pf_search *search, const pf_query *query, pf_evaluation *out,
                     pf_notes *notes, pf_err *err)
{
    shown s = {0};
    const pf_evaluate_options options = {.by = query->by,
                                         .queries = command.queries,
                                         .filters = query->filters,
                                         .n_filters = query->n_filters,
                                         .seed = PF_METRICS_SEED,
                                         .stop = pf_interrupt_catch(),
                                         .progress = show,
                                         .context = &s};
    init_bar(&s.bar, command.quiet);
    const bool ok = pf_evaluate(search, &options, out, notes, err);
    if (s.what)
        pf_progress_finish(&s.bar);
    return ok;
}

static void say_skipped(const pf_evaluation *e)
{
    char text[128];
    if (command.quiet)
        return;
    if (e->n_truncated > 0)
        say_truncated();
    if (e->skipped > 0) {
        snprintf(text, sizeof text, "%zu question%s skipped, no image answers %s",
                 e->skipped, e->skipped == 1 ? "" : "s",
                 e->skipped == 1 ? "it" : "them");
        say(text);
    }
}

static bool evaluate_with(const pf_query *query, pf_err *err)
{
    pf_search *search = NULL;
    pf_notes notes = {0};
    pf_evaluation result = {0};
    const bool ok = open_search(&search, PF_FIND_IMAGES | PF_FIND_CAPTIONS, err) &&
                    evaluate(search, query, &result, &notes, err);
    say_notes(&notes, command.verbose);
    say_notice(search ? pf_search_notice(search) : NULL);
    if (ok) {
        say_skipped(&result);
        print_evaluation(stdout, (print_format)command.format, &result);
    }
    pf_evaluation_reset(&result);
    pf_search_close(search);
    return ok;
}

bool run_evaluate(const pf_cli_args *args, pf_exit *status, pf_err *err)
{
    (void)status;
    question a = {0};
    const bool ok = question_make(&a, &command, args->items, args->n_items, err) &&
                    evaluate_with(&a.query, err);
    question_reset(&a);
    return ok;
}
