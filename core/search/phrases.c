/* phrases.c - see phrases.h. */
#include "core/search/phrases.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/model/pipeline.h"
#include "core/search/combine.h"

enum { TEXTS_AT_ONCE = 32 }; /* in one forward pass */

/* ---- reading ---- */

void pf_phrases_reset(pf_phrases *p)
{
    for (size_t i = 0; i < p->n; i++)
        pf_free(p->text[i]);
    pf_free(p->text);
    pf_free(p->line);
    *p = (pf_phrases){0};
}

static bool make_room(pf_phrases *p, pf_err *err)
{
    size_t room = p->room; /* both arrays have the same */
    return pf_grow_array(&p->line, &room, p->n, sizeof *p->line, err) &&
           pf_grow_array(&p->text, &p->room, p->n, sizeof *p->text, err);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

/* Line `number` without its end. */
static bool add_line(pf_phrases *p, const char *s, size_t n, size_t number,
                     const char *name, pf_err *err)
{
    if (n > PF_PHRASE_MAX_BYTES)
        return pf_fail(err, PF_ERR_LIMIT, "'%s' line %zu has %zu bytes, the most is %d",
                       name, number, n, PF_PHRASE_MAX_BYTES);
    if (memchr(s, '\0', n) || !pf_utf8_is_valid(s, n))
        return pf_fail(err, PF_ERR_FORMAT, "'%s' line %zu is no UTF-8 text", name,
                       number);
    if (n > 0 && s[0] == '#')
        return true;
    for (; n > 0 && is_blank(s[n - 1]); n--)
        ;
    for (; n > 0 && is_blank(s[0]); n--)
        s++;
    if (n == 0)
        return true;
    if (p->n == PF_PHRASES_MAX)
        return pf_fail(err, PF_ERR_LIMIT, "'%s' has more than %d phrases", name,
                       PF_PHRASES_MAX);
    if (!make_room(p, err) || !(p->text[p->n] = pf_strndup(s, n, err)))
        return false;
    p->line[p->n++] = number;
    return true;
}

static bool add_lines(pf_phrases *p, const char *s, size_t n, const char *name,
                      pf_err *err)
{
    for (size_t number = 1; n > 0; number++) {
        const char *end = memchr(s, '\n', n);
        const size_t length = end ? (size_t)(end - s) : n;
        if (!add_line(p, s, length, number, name, err))
            return false;
        s += length;
        n -= length;
        if (end) {
            s++;
            n--;
        }
    }
    return p->n > 0 ||
           pf_fail(err, PF_ERR_NOT_FOUND, "there is no phrase in '%s'", name);
}

bool pf_phrases_parse(pf_phrases *out, const char *bytes, size_t n, const char *name,
                      pf_err *err)
{
    static const char mark[] = "\xEF\xBB\xBF";
    const size_t skipped =
        n >= strlen(mark) && memcmp(bytes, mark, strlen(mark)) == 0 ? strlen(mark) : 0;
    if (n - skipped == 0)
        return pf_fail(err, PF_ERR_NOT_FOUND, "there is no phrase in '%s'", name);
    if (add_lines(out, bytes + skipped, n - skipped, name, err))
        return true;
    pf_phrases_reset(out);
    return false;
}

/* ---- ranking ---- */

typedef struct {
    size_t at; /* index into the phrases */
    double score;
} ranked;

/* Phrases on their way through the model. Equal ones are embedded once: it is cheaper,
 * and the last bits of a vector depend on what lies beside it in a batch. */
typedef struct {
    const pf_phrases *phrases;
    const float *vector; /* of the question */
    size_t dim;
    size_t *order;     /* [phrases] by text, then line */
    const char **text; /* [n] different ones, in that order */
    double *score;     /* [n] */
    size_t n, n_done, n_truncated;
    ranked *ranks; /* [phrases] */
    const pf_phrases_work *work;
} ranking;

static void ranking_reset(ranking *r)
{
    pf_free(r->order);
    pf_free(r->text);
    pf_free(r->score);
    pf_free(r->ranks);
}

typedef struct {
    const char *text;
    size_t at;
} sortable;

static int by_text(const void *a, const void *b)
{
    const sortable *x = a, *y = b;
    const int order = strcmp(x->text, y->text);
    return order != 0 ? order : x->at < y->at ? -1 : x->at > y->at;
}

static bool find_different(ranking *r, pf_err *err)
{
    const pf_phrases *p = r->phrases;
    sortable *s = pf_alloc_array(p->n, sizeof *s, err);
    for (size_t i = 0; s && i < p->n; i++)
        s[i] = (sortable){p->text[i], i};
    if (s)
        qsort(s, p->n, sizeof *s, by_text);
    for (size_t i = 0; s && i < p->n; i++) {
        r->order[i] = s[i].at;
        if (i == 0 || strcmp(s[i].text, s[i - 1].text) != 0)
            r->text[r->n++] = s[i].text;
    }
    pf_free(s);
    return s != NULL;
}

static double dot(const float *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

static bool keep_scores(void *context, const pf_embedded *results, size_t n,
                        pf_err *err)
{
    (void)err;
    ranking *r = context;
    for (size_t i = 0; i < n; i++) {
        r->score[results[i].item] = dot(results[i].vector, r->vector, r->dim);
        r->n_truncated += results[i].is_truncated;
    }
    r->n_done += n;
    if (r->work->progress)
        r->work->progress(r->work->context, r->n_done, r->n);
    return true;
}

static int best_first(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

/* From the scores of the different ones to all of them, best first. */
static void sort_all(ranking *r)
{
    const pf_phrases *p = r->phrases;
    size_t k = 0;
    for (size_t i = 0; i < p->n; i++) {
        const size_t at = r->order[i];
        if (strcmp(p->text[at], r->text[k]) != 0)
            k++;
        r->ranks[i] = (ranked){at, r->score[k]};
    }
    qsort(r->ranks, p->n, sizeof *r->ranks, best_first);
}

static bool fill(pf_hits *out, const ranking *r, const pf_query *query, pf_err *err)
{
    const pf_phrases *p = r->phrases;
    size_t n = 0;
    while (n < p->n && n < query->limit && r->ranks[n].score >= query->min_score)
        n++;
    out->hits = pf_alloc_array(n, sizeof *out->hits, err);
    if (!out->hits)
        return false;
    for (size_t i = 0; i < n; i++) {
        pf_hit *h = &out->hits[out->n_hits++];
        h->struct_size = sizeof *h;
        h->score = r->ranks[i].score;
        h->percentile = NAN;
        h->id = (int64_t)p->line[r->ranks[i].at];
        h->caption = pf_strdup(p->text[r->ranks[i].at], err);
        if (!h->caption)
            return false;
    }
    return true;
}

static bool rank(pf_hits *out, ranking *r, const pf_query *query, const pf_model *model,
                 pf_err *err)
{
    const size_t n = r->phrases->n;
    const pf_pipeline pipeline = {.model = model,
                                  .jobs = r->work->threads > 0 ? r->work->threads
                                                               : pf_pipeline_cores(),
                                  .batch = TEXTS_AT_ONCE,
                                  .stop = r->work->stop};
    r->order = pf_alloc_array(n, sizeof *r->order, err);
    r->text = pf_alloc_array(n, sizeof *r->text, err);
    r->score = pf_alloc_array(n, sizeof *r->score, err);
    r->ranks = pf_alloc_array(n, sizeof *r->ranks, err);
    if (!r->order || !r->text || !r->score || !r->ranks || !find_different(r, err) ||
        !pf_pipeline_texts(&pipeline, r->text, r->n, keep_scores, r, err))
        return false;
    sort_all(r);
    return fill(out, r, query, err);
}

bool pf_phrases_rank(pf_hits *out, const pf_phrases *phrases, const pf_query *query,
                     pf_reader *reader, const pf_phrases_work *work,
                     size_t *n_truncated, pf_err *err)
{
    const pf_model *model;
    pf_combined asked = {0};
    ranking r = {.phrases = phrases, .work = work};
    bool ok = pf_reader_get_model(reader, PF_CLIP_TEXT, &model, err) &&
              pf_combine(&asked, reader, query, err);
    r.dim = pf_reader_dim(reader);
    r.vector = asked.vector;
    ok = ok && rank(out, &r, query, model, err);
    out->n_truncated = asked.n_truncated;
    out->by = PF_BY_MEANING;
    *n_truncated = r.n_truncated;
    ranking_reset(&r);
    pf_combined_reset(&asked);
    if (!ok)
        pf_hits_reset(out);
    return ok;
}
