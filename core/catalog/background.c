/*
 * background.c - see background.h.
 *
 * Cost: a sample bounds it whatever the size of the catalog. 100,000 pairs make the
 * 99.9th percentile the 100th pair from the top, known to 10 % of its tail (1 / sqrt);
 * the left sides of drawn pairs go evenly through their sample, the right ones by
 * chance, so that half of the vectors come from the cache.
 */
#include "core/catalog/background.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/mem.h"

/* ---- the histogram --------------------------------------------------------------- */

enum { BINS = PF_BACKGROUND_BINS };

/* Where a cosine lies, 0 .. BINS. */
static double place_of(double cosine)
{
    const double place = (cosine + 1) * (BINS / 2.0);
    return place > 0 ? fmin(place, BINS) : 0; /* NaN is 0, too */
}

void pf_background_add(pf_background *b, double cosine)
{
    const size_t bin = (size_t)place_of(cosine);
    b->counts[bin < BINS ? bin : BINS - 1]++;
    b->pairs++;
}

double pf_background_percentile(const pf_background *b, double cosine)
{
    if (b->pairs == 0 || isnan(cosine))
        return NAN;
    const double place = place_of(cosine);
    const size_t bin = (size_t)place;
    double lower = 0;
    for (size_t i = 0; i < bin; i++)
        lower += b->counts[i];
    if (bin < BINS)
        lower += b->counts[bin] * (place - (double)bin);
    return 100 * lower / (double)b->pairs;
}

double pf_background_cosine(const pf_background *b, double percentile)
{
    if (b->pairs == 0 || isnan(percentile))
        return NAN;
    if (percentile <= 0)
        return -1;
    percentile = fmin(percentile, 100);
    size_t bin = 0;
    double upper = b->counts[0];
    while (bin < BINS - 1 && 100 * upper / (double)b->pairs < percentile)
        upper += b->counts[++bin];
    /* It is in this bin; by halves, for a formula would round in its own way. */
    const double noise = 1e-9;
    double low = (double)bin / (BINS / 2.0) - 1 - noise;
    double high = (double)(bin + 1) / (BINS / 2.0) - 1 + noise;
    for (double x; (x = low + (high - low) / 2) > low && x < high;) {
        if (pf_background_percentile(b, x) >= percentile)
            high = x;
        else
            low = x;
    }
    return fmin(high, 1);
}

/* ---- a sample -------------------------------------------------------------------- */

/* A caption of a picture: the caption-image pairs with the same words are no strangers.
 */
typedef struct {
    int64_t picture_id, text_id;
} wording;

struct pf_background_sample {
    size_t n, dim;
    int64_t *ids;         /* [n], ascending */
    float *vectors;       /* [n, dim] */
    pf_store_content *of; /* [n] what each is, and belongs to */
    wording *wordings;    /* captions only: those of the whole catalog, sorted; */
    size_t n_wordings;    /* they lie in `found` */
    size_t at;            /* of the walk through the store */
    pf_buf found;         /* wordings on the way */
};

enum { MAX_WORDINGS = 1 << 30 }; /* bytes */

/* splitmix64 (Steele, Lea, Flood 2014): any state will do, each call is independent. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

/* 0 .. n - 1; n is small enough for the bias of % not to matter. */
static size_t pick(uint64_t *state, size_t n)
{
    return (size_t)(next_random(state) % n);
}

static bool copy_vectors(pf_background_sample *s, const pf_vindex *index, pf_err *err)
{
    const size_t count = pf_vindex_count(index);
    pf_vindex_step step = {0};
    uint64_t random = 1;
    s->dim = (size_t)pf_vindex_dim(index);
    s->n = count < PF_BACKGROUND_SAMPLE ? count : PF_BACKGROUND_SAMPLE;
    s->ids = pf_alloc_array(s->n, sizeof *s->ids, err);
    s->of = pf_alloc_array(s->n, sizeof *s->of, err);
    s->vectors = pf_alloc_floats(s->n > 0 ? s->n * s->dim : 1, err);
    if (!s->ids || !s->of || !s->vectors)
        return false;
    for (size_t i = 0; i < s->n; i++) { /* one of each of n stretches of the index */
        const size_t first = i * count / s->n, end = (i + 1) * count / s->n;
        const size_t at = first + pick(&random, end - first);
        bool is_there;
        step.at = at;
        if (!pf_vindex_next(index, &step, &is_there, err))
            return false;
        s->ids[i] = step.id;
        memcpy(s->vectors + i * s->dim, step.vector, s->dim * sizeof *s->vectors);
    }
    return true;
}

/* Rows come by ascending id, as the sample has them. */
static bool take_content(void *user, const pf_store_content *content, pf_err *err)
{
    pf_background_sample *s = user;
    const wording w = {content->picture_id, content->text_id};
    while (s->at < s->n && s->ids[s->at] < content->id)
        s->at++;
    if (s->at < s->n && s->ids[s->at] == content->id)
        s->of[s->at++] = *content;
    return w.text_id == 0 || pf_buf_add(&s->found, &w, sizeof w, err);
}

static int by_picture_then_text(const void *a, const void *b)
{
    const wording *x = a, *y = b;
    if (x->picture_id != y->picture_id)
        return x->picture_id > y->picture_id ? 1 : -1;
    return (x->text_id > y->text_id) - (x->text_id < y->text_id);
}

bool pf_background_sample_take(pf_background_sample **out, pf_store *store,
                               pf_index_kind kind, const pf_vindex *index, pf_err *err)
{
    *out = NULL;
    pf_background_sample *s = pf_zalloc(sizeof *s, err);
    if (!s)
        return false;
    pf_buf_init(&s->found, MAX_WORDINGS);
    if (!copy_vectors(s, index, err) ||
        !pf_store_each_content(store, kind, take_content, s, err)) {
        pf_background_sample_free(s);
        return false;
    }
    s->wordings = (wording *)(void *)s->found.data; /* the heap aligns it */
    s->n_wordings = s->found.size / sizeof *s->wordings;
    if (s->n_wordings > 0)
        qsort(s->wordings, s->n_wordings, sizeof *s->wordings, by_picture_then_text);
    *out = s;
    return true;
}

size_t pf_background_sample_get(const pf_background_sample *s, const int64_t **ids,
                                const float **vectors)
{
    *ids = s->ids;
    *vectors = s->vectors;
    return s->n;
}

void pf_background_sample_free(pf_background_sample *s)
{
    if (!s)
        return;
    pf_free(s->ids);
    pf_free(s->of);
    pf_free(s->vectors);
    pf_buf_free(&s->found);
    pf_free(s);
}

/* ---- pairs ----------------------------------------------------------------------- */

/* Do image or caption i of `a` and k of `b` belong together? */
static bool are_related(const pf_background_sample *a, size_t i,
                        const pf_background_sample *b, size_t k)
{
    const pf_store_content *x = &a->of[i], *y = &b->of[k];
    if (x->picture_id == y->picture_id || (x->case_id != 0 && x->case_id == y->case_id))
        return true;
    if (x->text_id == 0 && y->text_id == 0)
        return false;
    if (x->text_id != 0 && y->text_id != 0)
        return x->text_id == y->text_id;
    const pf_background_sample *captions = x->text_id != 0 ? a : b;
    const wording w = x->text_id != 0 ? (wording){y->picture_id, x->text_id}
                                      : (wording){x->picture_id, y->text_id};
    return bsearch(&w, captions->wordings, captions->n_wordings, sizeof w,
                   by_picture_then_text) != NULL;
}

/* Sums of their own side by side, which vectorise without leave to reorder. */
static double cosine(const float *a, const float *b, size_t dim)
{
    enum { LANES = 8 };
    float sums[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= dim; i += LANES) {
        for (size_t k = 0; k < LANES; k++)
            sums[k] += a[i + k] * b[i + k];
    }
    double sum = 0;
    for (size_t k = 0; k < LANES; k++)
        sum += (double)sums[k];
    for (; i < dim; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

/* Count the pair unless it belongs together. */
static bool count_pair(pf_background *out, const pf_background_sample *a, size_t i,
                       const pf_background_sample *b, size_t k)
{
    if ((a == b && i == k) || are_related(a, i, b, k))
        return false;
    pf_background_add(out,
                      cosine(a->vectors + i * a->dim, b->vectors + k * b->dim, a->dim));
    return true;
}

static void count_all(pf_background *out, const pf_background_sample *a,
                      const pf_background_sample *b)
{
    for (size_t i = 0; i < a->n; i++) {
        for (size_t k = a == b ? i + 1 : 0; k < b->n; k++)
            (void)count_pair(out, a, i, b, k);
    }
}

static void count_drawn(pf_background *out, const pf_background_sample *a,
                        const pf_background_sample *b)
{
    enum { TRIES = 8 }; /* to find a stranger, where one case is most of the catalog */
    uint64_t random = 2;
    for (size_t n = 0; n < PF_BACKGROUND_PAIRS; n++) {
        const size_t i = n * a->n / PF_BACKGROUND_PAIRS;
        for (int t = 0; t < TRIES; t++) {
            if (count_pair(out, a, i, b, pick(&random, b->n)))
                break;
        }
    }
}

void pf_background_draw(pf_background *out, const pf_background_sample *a,
                        const pf_background_sample *b)
{
    *out = (pf_background){0};
    const size_t all = a == b ? a->n * (a->n - (a->n > 0)) / 2 : a->n * b->n;
    if (all <= PF_BACKGROUND_PAIRS)
        count_all(out, a, b);
    else
        count_drawn(out, a, b);
}

bool pf_background_draw_own(pf_background *out, pf_store *store,
                            const pf_background_sample *s, pf_err *err)
{
    *out = (pf_background){0};
    const size_t n = s->n < PF_BACKGROUND_OWN_PAIRS ? s->n : PF_BACKGROUND_OWN_PAIRS;
    float *image = pf_alloc_floats(s->dim, err);
    bool ok = image != NULL;
    for (size_t i = 0; ok && i < n; i++) {
        const size_t at = i * s->n / n;
        bool is_there = false;
        ok = pf_store_get_image_vector(store, s->of[at].image_id, (int)s->dim, image,
                                       &is_there, err);
        if (ok && is_there)
            pf_background_add(out, cosine(s->vectors + at * s->dim, image, s->dim));
    }
    pf_free(image);
    return ok;
}

/* ---- the nearest ----------------------------------------------------------------- */

/* So many are looked at for one that does not belong to what asks. */
enum { NEAR = 64 };

/* Copies of one picture in two cases say nothing of pictures that are alike. */
#define NEAR_DUPLICATE 0.995

/* Those that ask. */
typedef struct {
    const pf_background_sample *of; /* that the rows [n] are of */
    size_t *rows;
    float *vectors; /* [n, dim], of the row or of what belongs to it */
    double *own;    /* [n] the cosine of both */
    size_t n;
} asking;

static bool asking_init(asking *a, const pf_background_sample *of, pf_err *err)
{
    const size_t n = of->n < PF_BACKGROUND_ASKED ? of->n : PF_BACKGROUND_ASKED;
    *a = (asking){.of = of};
    a->rows = pf_alloc_array(n + 1, sizeof *a->rows, err);
    a->own = pf_alloc_array(n + 1, sizeof *a->own, err);
    a->vectors = pf_alloc_floats((n + 1) * of->dim, err);
    return a->rows && a->own && a->vectors;
}

static void asking_reset(asking *a)
{
    pf_free(a->rows);
    pf_free(a->own);
    pf_free(a->vectors);
    *a = (asking){0};
}

static void add_asking(asking *a, size_t row, const float *vector, double own)
{
    const size_t dim = a->of->dim;
    a->rows[a->n] = row;
    a->own[a->n] = own;
    memcpy(a->vectors + a->n * dim, vector, dim * sizeof *vector);
    a->n++;
}

/* Captions, and in `by_image` the same rows with their images' vectors. */
static bool take_captions(asking *by_text, asking *by_image, pf_store *store,
                          pf_err *err)
{
    const pf_background_sample *s = by_text->of;
    const size_t n = s->n < PF_BACKGROUND_ASKED ? s->n : PF_BACKGROUND_ASKED;
    float *image = pf_alloc_floats(s->dim, err);
    bool ok = image != NULL;
    for (size_t i = 0; ok && i < n; i++) {
        const size_t at = i * s->n / n;
        const float *text = s->vectors + at * s->dim;
        bool is_there = false;
        ok = pf_store_get_image_vector(store, s->of[at].image_id, (int)s->dim, image,
                                       &is_there, err);
        if (!ok || !is_there)
            continue;
        const double own = cosine(text, image, s->dim);
        add_asking(by_text, at, text, own);
        add_asking(by_image, at, image, own);
    }
    pf_free(image);
    return ok;
}

/* What belongs together is known of images with a case alone. */
static void take_images(asking *a)
{
    const pf_background_sample *s = a->of;
    const size_t step = s->n / PF_BACKGROUND_ASKED + 1;
    for (size_t i = 0; i < s->n; i += step) {
        if (s->of[i].case_id != 0)
            add_asking(a, i, s->vectors + i * s->dim, -1);
    }
}

static int by_id(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Of the neighbours of row i, best first, the first that does not belong to it. */
static void count_other(pf_background *out, const asking *a, size_t i,
                        const pf_background_sample *among, const int64_t *ids,
                        const float *scores, double most)
{
    for (size_t k = 0; k < NEAR && ids[k] > 0; k++) {
        const int64_t *id =
            bsearch(&ids[k], among->ids, among->n, sizeof *among->ids, by_id);
        const size_t row = id ? (size_t)(id - among->ids) : 0;
        if (!id || (double)scores[k] >= most || (a->of == among && row == a->rows[i]) ||
            are_related(a->of, a->rows[i], among, row))
            continue;
        pf_background_add(out, (double)scores[k]);
        return;
    }
}

/* Count the best of each, with its own; and, or, the best of others below `most`. */
static bool ask_all(const asking *a, const pf_background_sample *among,
                    pf_background *best, pf_background *other, double most, pf_err *err)
{
    pf_vindex *index = NULL;
    int64_t *ids = pf_alloc_array((a->n + 1) * NEAR, sizeof *ids, err);
    float *scores = pf_alloc_array((a->n + 1) * NEAR, sizeof *scores, err);
    bool ok = ids && scores && pf_vindex_new(&index, (int)among->dim, err) &&
              pf_vindex_add(index, among->ids, among->vectors, among->n, err);
    if (ok)
        pf_vindex_set_threads(index, 1);
    ok = ok && pf_vindex_search(index, a->vectors, a->n, NEAR, NULL, 0, ids, scores,
                                NULL, err);
    for (size_t i = 0; ok && i < a->n; i++) {
        if (best)
            pf_background_add(best, fmax(a->own[i], (double)scores[i * NEAR]));
        if (other)
            count_other(other, a, i, among, ids + i * NEAR, scores + i * NEAR, most);
    }
    pf_vindex_free(index);
    pf_free(ids);
    pf_free(scores);
    return ok;
}

bool pf_background_ask(pf_background_nearest *out, pf_store *store,
                       const pf_background_sample *captions,
                       const pf_background_sample *images, pf_err *err)
{
    asking texts = {0}, pictures = {0}, cases = {0};
    *out = (pf_background_nearest){0};
    bool ok = images->n == 0 ||
              (asking_init(&cases, images, err) &&
               (captions->n == 0 || (asking_init(&texts, captions, err) &&
                                     asking_init(&pictures, captions, err) &&
                                     take_captions(&texts, &pictures, store, err))));
    if (ok && images->n > 0)
        take_images(&cases);
    ok = ok &&
         (texts.n == 0 ||
          (ask_all(&texts, images, &out->caption_best, &out->caption_other, 2, err) &&
           ask_all(&pictures, captions, &out->image_best, NULL, 2, err))) &&
         (cases.n == 0 ||
          ask_all(&cases, images, NULL, &out->image_other, NEAR_DUPLICATE, err));
    asking_reset(&texts);
    asking_reset(&pictures);
    asking_reset(&cases);
    return ok;
}
