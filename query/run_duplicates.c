/*
 * run_duplicates.c - the job of --duplicates: which images of the catalog are nearly
 * the same.
 *
 * It may take minutes: there is a progress bar on a terminal, and Ctrl-C ends it in
 * good order, with the bar's line closed.
 */
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "core/model/pipeline.h"
#include "query/open.h"
#include "query/print.h"
#include "query/query.h"
#include "query/say.h"

static void show(void *context, size_t done, size_t total)
{
    pf_progress *bar = context;
    pf_progress_set_total(bar, total);
    pf_progress_update(bar, done, 0);
}

static bool find(pf_search *search, const pf_query *q, pf_duplicates *out, pf_err *err)
{
    pf_progress bar;
    init_bar(&bar, command.quiet);
    pf_progress_start(&bar, "comparing", 0);
    const pf_duplicates_query query = {
        .threshold = command.duplicates,
        .limit = command.has_limit ? (size_t)command.limit : 0,
        .filters = q->filters,
        .n_filters = q->n_filters,
        .threads = pf_pipeline_cores(),
        .stop = pf_interrupt_catch(),
        .progress = show,
        .context = &bar,
    };
    const bool ok = pf_duplicates_find(out, search, &query, err);
    pf_progress_finish(&bar);
    return ok;
}

static void say_found(const pf_duplicates *d)
{
    char text[160];
    if (command.quiet)
        return;
    if (d->images.no_image_passes)
        say("no image matches the filter");
    else if (d->n_found == 0)
        say("no two images are that much alike");
    if (d->n_groups < d->n_found) {
        snprintf(text, sizeof text, "the %zu largest of %zu groups", d->n_groups,
                 d->n_found);
        say(text);
    }
    if (command.verbose) {
        snprintf(text, sizeof text, "%zu groups among %zu images in %.0f ms",
                 d->n_found, d->n_images, d->images.took_ms);
        say(text);
    }
}

bool run_duplicates(const pf_cli_args *args, pf_exit *status, pf_err *err)
{
    (void)status;
    question a = {0};
    pf_search *search = NULL;
    pf_duplicates found = {0};
    const bool ok = question_make(&a, &command, args->items, args->n_items, err) &&
                    open_search(&search, PF_FIND_IMAGES, err) &&
                    find(search, &a.query, &found, err);
    if (ok) {
        say_found(&found);
        print_groups(command.duplicates, &found);
    }
    pf_duplicates_reset(&found);
    pf_search_close(search);
    question_reset(&a);
    return ok;
}
