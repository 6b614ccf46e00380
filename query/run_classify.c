/*
 * run_classify.c - the job of --classify: which of some labels fits each picture best.
 *
 * Pictures named by --image and nothing else are classified as they are, those of a
 * folder on all cores; with anything else that can be asked the catalog is searched,
 * and the hits are classified by the vectors they have there.
 */
#include <string.h>

#include "core/base/mem.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "cli/term.h"
#include "core/model/pipeline.h"
#include "core/search/classify.h"
#include "query/open.h"
#include "query/print.h"
#include "query/query.h"
#include "query/say.h"

enum { PICTURES_AT_ONCE = 8 }; /* in one forward pass, as the indexer has it */

static void say_labels_truncated(const pf_classifier *c)
{
    const size_t n = pf_classifier_truncated(c);
    if (n > 0 && !command.quiet)
        fprintf(stderr,
                "%s: %zu label%s longer than the model reads: only the beginning "
                "counts\n",
                query_cli.name, n, n == 1 ? " is" : "s are");
}

/* ---- pictures, in the order they were given ---- */

/* A picture that is done, and waits for those before it. */
typedef struct {
    bool is_done;
    pf_label_score *scores; /* NULL: it failed */
    char *reason;           /* why */
} finished;

typedef struct {
    const pictures *list;
    const pf_classifier *classifier;
    label_printer printer;
    finished *at;         /* [list.n] */
    pf_picture_ref *file; /* [n_files] those that are no stdin */
    size_t *place;        /* [n_files] their places in the list */
    size_t n_files, next; /* the first that was not printed */
    size_t n_done, n_failed;
    pf_progress bar;
} gallery;

static void gallery_free(gallery *g)
{
    for (size_t i = 0; g->at && i < g->list->n; i++) {
        pf_free(g->at[i].scores);
        pf_free(g->at[i].reason);
    }
    pf_free(g->at);
    pf_free(g->file);
    pf_free(g->place);
}

/* A reason that names the file says it well enough. */
static void say_failed(gallery *g, size_t at, const char *path, const char *reason)
{
    const bool is_stdin = g->list->has_stdin && at == g->list->stdin_at;
    if (is_stdin || strstr(reason, path))
        pf_progress_say(&g->bar, "%s: %s", query_cli.name, reason);
    else
        pf_progress_say(&g->bar, "%s: %s: %s", query_cli.name, path, reason);
}

static void put_finished(gallery *g, size_t at)
{
    finished *f = &g->at[at];
    const labelled l = {.path = g->list->path[at], .scores = f->scores};
    if (f->scores)
        label_printer_put(&g->printer, &l);
    else
        say_failed(g, at, l.path, f->reason);
    pf_free(f->scores);
    pf_free(f->reason);
    f->scores = NULL;
    f->reason = NULL;
}

/* `vector` NULL: the picture failed for this reason. */
static bool finish(gallery *g, size_t at, const float *vector, const char *reason,
                   pf_err *err)
{
    finished *f = &g->at[at];
    if (vector) {
        f->scores = pf_alloc_array(g->printer.labels->n, sizeof *f->scores, err);
        if (!f->scores)
            return false;
        pf_classify(g->classifier, vector, f->scores);
    } else {
        f->reason = pf_strdup(reason, err);
        if (!f->reason)
            return false;
        g->n_failed++;
    }
    f->is_done = true;
    g->n_done++;
    for (; g->next < g->list->n && g->at[g->next].is_done; g->next++)
        put_finished(g, g->next);
    pf_progress_update(&g->bar, g->n_done, g->n_failed);
    return true;
}

static bool take_results(void *context, const pf_embedded *results, size_t n,
                         pf_err *err)
{
    gallery *g = context;
    for (size_t i = 0; i < n; i++) {
        const pf_embedded *r = &results[i];
        if (!finish(g, g->place[r->item], r->vector, r->failure.msg, err))
            return false;
    }
    return true;
}

static bool embed_one(const pf_model *model, const char *path, bool is_stdin,
                      float *vector, pf_err *err)
{
    pf_picture_limits limits;
    pf_picture_limits_init(&limits);
    pf_buf bytes;
    pf_buf_init(&bytes, limits.max_file_bytes);
    pf_part part = {.kind = PF_PART_FILE, .text = path, .weight = 1};
    pf_embedder *e = NULL;
    bool ok = pf_embedder_new(&e, model, err);
    if (ok && is_stdin) {
        ok = read_stream(stdin, "stdin", &bytes, err);
        part.kind = PF_PART_PICTURE;
        part.bytes = (const uint8_t *)bytes.data;
        part.n_bytes = bytes.size;
    }
    ok = ok && pf_part_embed(&part, e, vector, NULL, err);
    pf_embedder_free(e);
    pf_buf_free(&bytes);
    return ok;
}

/* The one picture there is: what is wrong with it is what is wrong. */
static bool classify_single(gallery *g, const pf_model *model, pf_err *err)
{
    float *vector = pf_alloc_floats((size_t)pf_model_dim(model), err);
    bool ok =
        vector && embed_one(model, g->list->path[0], g->list->has_stdin, vector, err);
    if (ok) {
        label_printer_begin(&g->printer, NULL, NULL);
        ok = finish(g, 0, vector, NULL, err);
        label_printer_end(&g->printer);
    }
    pf_free(vector);
    return ok;
}

static bool classify_stdin(gallery *g, const pf_model *model, pf_err *err)
{
    if (!g->list->has_stdin)
        return true;
    pf_err why = PF_ERR_INIT;
    float *vector = pf_alloc_floats((size_t)pf_model_dim(model), err);
    bool ok = vector != NULL;
    if (ok && embed_one(model, "-", true, vector, &why))
        ok = finish(g, g->list->stdin_at, vector, NULL, err);
    else if (ok)
        ok = finish(g, g->list->stdin_at, NULL, why.msg, err);
    pf_free(vector);
    return ok;
}

static bool classify_files(gallery *g, const pf_model *model, const atomic_int *stop,
                           pf_err *err)
{
    const pf_pipeline pipeline = {.model = model,
                                  .jobs = pf_pipeline_cores(),
                                  .batch = PICTURES_AT_ONCE,
                                  .stop = stop};
    for (size_t i = 0; i < g->list->n; i++) {
        if (g->list->has_stdin && i == g->list->stdin_at)
            continue;
        g->file[g->n_files].path = g->list->path[i];
        g->place[g->n_files++] = i;
    }
    return pf_pipeline_pictures(&pipeline, g->file, g->n_files, take_results, g, err);
}

/* A bar below the answers would be written over by them: where both go to one terminal
 * the answers themselves show how far it is. */
static void start_bar(gallery *g)
{
    const bool is_one_terminal =
        pf_term_of(stderr).is_terminal && pf_term_of(stdout).is_terminal;
    init_bar(&g->bar, command.quiet || is_one_terminal);
    pf_progress_start(&g->bar, "classifying", g->list->n);
}

/* Also when it ends early what was begun is ended: JSON stays JSON. */
static bool classify_several(gallery *g, const pf_model *model, const atomic_int *stop,
                             pf_err *err)
{
    start_bar(g);
    label_printer_begin(&g->printer, NULL, NULL);
    const bool ok =
        classify_stdin(g, model, err) && classify_files(g, model, stop, err);
    label_printer_end(&g->printer);
    pf_progress_finish(&g->bar);
    return ok;
}

static bool classify_list(const pictures *list, const pf_labels *labels,
                          const pf_model *model, const atomic_int *stop,
                          pf_exit *status, pf_err *err)
{
    pf_classifier *c = NULL;
    gallery g = {.list = list,
                 .printer = {.out = stdout,
                             .labels = labels,
                             .is_single = list->n == 1 && !list->has_folder}};
    g.at = pf_alloc_array(list->n, sizeof *g.at, err);
    g.file = pf_alloc_array(list->n, sizeof *g.file, err);
    g.place = pf_alloc_array(list->n, sizeof *g.place, err);
    bool ok = g.at && g.file && g.place && pf_classifier_new(&c, labels, model, err);
    g.classifier = c;
    if (ok)
        say_labels_truncated(c);
    if (ok)
        ok = g.printer.is_single ? classify_single(&g, model, err)
                                 : classify_several(&g, model, stop, err);
    if (g.n_failed + list->n_unread > 0)
        *status = PF_EXIT_PARTLY;
    gallery_free(&g);
    pf_classifier_free(c);
    return ok;
}

static bool classify_pictures(const pf_cli_args *args, const pf_labels *labels,
                              pf_exit *status, pf_err *err)
{
    const atomic_int *stop = pf_interrupt_catch();
    pictures list = {0};
    opened o = {0};
    const bool ok = pictures_list(&list, args->items, args->n_items, stop, err) &&
                    open_model(&o, PF_CLIP_TEXT | PF_CLIP_IMAGE, false, err) &&
                    classify_list(&list, labels, o.model, stop, status, err);
    close_model(&o);
    pictures_reset(&list);
    return ok;
}

/* ---- hits ---- */

static bool print_hits(pf_search *search, const pf_query *query,
                       const pf_answer *answer, const pf_labels *labels,
                       const pf_classifier *c, pf_err *err)
{
    label_printer printer = {.out = stdout, .labels = labels};
    pf_label_score *scores = pf_alloc_array(labels->n, sizeof *scores, err);
    bool ok = scores != NULL;
    if (ok)
        label_printer_begin(&printer, query, answer);
    for (size_t i = 0; ok && i < answer->n_hits; i++) {
        const pf_hit *h = &answer->hits[i];
        const labelled l = {.path = h->path, .scores = scores, .hit = h, .rank = i + 1};
        ok = pf_classify_image(c, search, h->image_id, scores, err);
        if (ok)
            label_printer_put(&printer, &l);
    }
    if (scores)
        label_printer_end(&printer);
    pf_free(scores);
    return ok;
}

/* The towers of the question and of the labels at once: a model is opened only once. */
static bool make_classifier(pf_search *search, const pf_query *query,
                            const pf_labels *labels, pf_classifier **out,
                            pf_notes *notes, pf_err *err)
{
    const pf_model *model;
    unsigned towers = PF_CLIP_TEXT;
    for (size_t i = 0; i < query->n_parts; i++)
        towers |= pf_part_tower(&query->parts[i]);
    return pf_search_get_model(search, towers, &model, notes, err) &&
           pf_classifier_new(out, labels, model, err);
}

static bool classify_hits(const pf_query *query, const pf_labels *labels, pf_err *err)
{
    pf_search *search = NULL;
    pf_classifier *c = NULL;
    pf_notes notes = {0};
    pf_answer answer = {0};
    bool ok = open_search(&search, search_indexes(query), err) &&
              make_classifier(search, query, labels, &c, &notes, err) &&
              pf_search_run(search, query, &answer, &notes, err);
    say_notes(&notes, command.verbose);
    say_notice(search ? pf_search_notice(search) : NULL);
    if (ok) {
        say_labels_truncated(c);
        say_about(search, &answer);
        ok = print_hits(search, query, &answer, labels, c, err);
    }
    pf_answer_reset(&answer);
    pf_classifier_free(c);
    pf_search_close(search);
    return ok;
}

/* ---- the job ---- */

bool run_classify(const pf_cli_args *args, pf_exit *status, pf_err *err)
{
    const char *template = command.label_template ? command.label_template : "{}";
    question a = {0};
    pf_labels labels = {0};
    bool ok = pf_labels_parse(&labels, command.classify, template, err);
    if (ok && asks_for_pictures_only(args))
        ok = classify_pictures(args, &labels, status, err);
    else if (ok)
        ok = question_make(&a, &command, args->items, args->n_items, err) &&
             classify_hits(&a.query, &labels, err);
    question_reset(&a);
    pf_labels_reset(&labels);
    return ok;
}
