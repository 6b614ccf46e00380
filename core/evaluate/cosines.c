/*
 * cosines.c - see cosines.h.
 *
 * A block of texts meets all images, tile after tile, as doubles: a product of two
 * floats is exact in a double, so that a score depends on the order of its sum alone,
 * and that is the same for every pair: four lanes, lane k sums elements k, k + 4, ...,
 * then (0 + 1) + (2 + 3). Whatever the instruction set, equal vectors give equal
 * scores.
 *
 * A rank is 1 + how many score higher than the best right answer; so those scores come
 * first, and then no score has to be kept.
 */
#include "core/evaluate/cosines.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clones.h"
#include "core/base/ids.h"
#include "core/base/mem.h"

enum { LANES = 4, TEXTS = 32, IMAGES = 32, TEXTS_AT_ONCE = 2, IMAGES_AT_ONCE = 4 };

typedef double lanes __attribute__((vector_size(LANES * sizeof(double))));

/* The best right answer. */
typedef struct {
    double score;
    int64_t id;
    bool is_there;
} target;

typedef struct {
    const pf_cosines *c;
    size_t stride;         /* dim, filled up to whole lanes with zeros */
    const target *wanted;  /* [images->n] of images, or NULL */
    double *texts, *tiles; /* [TEXTS, stride], [IMAGES, stride] */
    double *right;         /* [stride] */
    double scores[TEXTS][IMAGES];
    size_t *over; /* [images->n] captions that score higher, by this member */
} member;

/* ---- products -------------------------------------------------------------------- */

static void widen(double *out, const float *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = v[i];
}

/* texts [TEXTS_AT_ONCE, stride] with images [IMAGES_AT_ONCE, stride]: as many scores as
 * registers can sum at once. */
PF_CLONES
static void multiply(const double *texts, const double *images, size_t stride,
                     double out[TEXTS_AT_ONCE][IMAGES_AT_ONCE])
{
    const double *t0 = texts, *t1 = texts + stride, *i0 = images, *i1 = i0 + stride,
                 *i2 = i1 + stride, *i3 = i2 + stride;
    lanes s00 = {0}, s01 = {0}, s02 = {0}, s03 = {0}, s10 = {0}, s11 = {0}, s12 = {0},
          s13 = {0};
    for (size_t d = 0; d < stride; d += LANES) {
        lanes a, b, x;
        memcpy(&a, t0 + d, sizeof a);
        memcpy(&b, t1 + d, sizeof b);
        memcpy(&x, i0 + d, sizeof x);
        s00 += a * x;
        s10 += b * x;
        memcpy(&x, i1 + d, sizeof x);
        s01 += a * x;
        s11 += b * x;
        memcpy(&x, i2 + d, sizeof x);
        s02 += a * x;
        s12 += b * x;
        memcpy(&x, i3 + d, sizeof x);
        s03 += a * x;
        s13 += b * x;
    }
    const lanes sums[TEXTS_AT_ONCE][IMAGES_AT_ONCE] = {{s00, s01, s02, s03},
                                                       {s10, s11, s12, s13}};
    for (int t = 0; t < TEXTS_AT_ONCE; t++) {
        for (int i = 0; i < IMAGES_AT_ONCE; i++) {
            const lanes s = sums[t][i];
            out[t][i] = (s[0] + s[1]) + (s[2] + s[3]);
        }
    }
}

/* The same for one pair. */
static double product(const double *a, const double *b, size_t stride)
{
    double s[LANES] = {0};
    for (size_t d = 0; d < stride; d += LANES) {
        for (int k = 0; k < LANES; k++)
            s[k] += a[d + (size_t)k] * b[d + (size_t)k];
    }
    return (s[0] + s[1]) + (s[2] + s[3]);
}

static void multiply_tile(member *m)
{
    double out[TEXTS_AT_ONCE][IMAGES_AT_ONCE];
    for (size_t t = 0; t < TEXTS; t += TEXTS_AT_ONCE) {
        for (size_t i = 0; i < IMAGES; i += IMAGES_AT_ONCE) {
            multiply(m->texts + t * m->stride, m->tiles + i * m->stride, m->stride,
                     out);
            for (size_t k = 0; k < TEXTS_AT_ONCE; k++)
                memcpy(&m->scores[t + k][i], out[k], sizeof out[k]);
        }
    }
}

/* ---- targets --------------------------------------------------------------------- */

static size_t position_of(const pf_id_set *set, int64_t id)
{
    return pf_ids_lower(set->ids, set->n, sizeof *set->ids, id);
}

static void improve(target *t, double score, int64_t id)
{
    if (!t->is_there || score > t->score || (score == t->score && id < t->id))
        *t = (target){score, id, true};
}

static double score_of(member *m, const double *text, size_t image)
{
    widen(m->right, m->c->image_vectors[image], m->c->dim);
    return product(text, m->right, m->stride);
}

static target best_image(member *m, const pf_judged *j, const double *text)
{
    target best = {0};
    for (size_t i = 0; i < j->right.n; i++) {
        const int64_t id = j->right.ids[i];
        improve(&best, score_of(m, text, position_of(m->c->images, id)), id);
    }
    return best;
}

/* For each image the best of the captions that have one of its texts. */
static void find_best_captions(member *m, target *wanted)
{
    const pf_cosines *c = m->c;
    for (size_t t = 0; t < c->n_texts; t++) {
        const pf_judged *j = &c->texts[t];
        widen(m->texts, c->text_vectors[t], c->dim);
        for (size_t i = 0; i < j->right.n; i++) {
            const size_t at = position_of(c->images, j->right.ids[i]);
            improve(&wanted[at], score_of(m, m->texts, at), j->captions.ids[0]);
        }
    }
}

/* ---- counting -------------------------------------------------------------------- */

static void count_captions(member *m, const pf_judged *j, const double *scores,
                           size_t first, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const target *w = &m->wanted[first + i];
        if (scores[i] > w->score)
            m->over[first + i] += j->captions.n;
        else if (scores[i] == w->score)
            m->over[first + i] += position_of(&j->captions, w->id);
    }
}

static size_t count_images(const pf_cosines *c, const target *w, const double *scores,
                           size_t first, size_t n)
{
    size_t over = 0;
    for (size_t i = 0; i < n; i++)
        over += scores[i] > w->score ||
                (scores[i] == w->score && c->images->ids[first + i] < w->id);
    return over;
}

static void rank_block(member *m, size_t first_text, size_t n_texts)
{
    const pf_cosines *c = m->c;
    target best[TEXTS];
    size_t over[TEXTS] = {0};
    for (size_t t = 0; t < n_texts; t++) {
        double *text = m->texts + t * m->stride;
        widen(text, c->text_vectors[first_text + t], c->dim);
        best[t] = best_image(m, &c->texts[first_text + t], text);
    }
    for (size_t i = 0; i < c->images->n; i += IMAGES) {
        const size_t n = c->images->n - i < IMAGES ? c->images->n - i : IMAGES;
        for (size_t k = 0; k < n; k++)
            widen(m->tiles + k * m->stride, c->image_vectors[i + k], c->dim);
        multiply_tile(m);
        for (size_t t = 0; t < n_texts; t++) {
            over[t] += count_images(c, &best[t], m->scores[t], i, n);
            if (m->wanted)
                count_captions(m, &c->texts[first_text + t], m->scores[t], i, n);
        }
    }
    for (size_t t = 0; t < n_texts; t++)
        c->text_ranks[first_text + t] = over[t] + 1;
}

static bool work(void *context, size_t item, pf_err *err)
{
    (void)err;
    member *m = context;
    const size_t first = item * TEXTS, left = m->c->n_texts - first;
    rank_block(m, first, left < TEXTS ? left : TEXTS);
    return true;
}

/* ---- members --------------------------------------------------------------------- */

static double *alloc_doubles(size_t n, pf_err *err)
{
    return (double *)pf_alloc_array(n, sizeof(double), err);
}

static bool make_member(member *m, const pf_cosines *c, const target *wanted,
                        pf_err *err)
{
    m->c = c;
    m->wanted = wanted;
    m->stride = (c->dim + LANES - 1) / LANES * LANES;
    return (m->texts = alloc_doubles(TEXTS * m->stride, err)) &&
           (m->tiles = alloc_doubles(IMAGES * m->stride, err)) &&
           (m->right = alloc_doubles(m->stride, err)) &&
           (!wanted || (m->over = pf_alloc_array(c->images->n, sizeof *m->over, err)));
}

static void free_member(member *m)
{
    pf_free(m->texts);
    pf_free(m->tiles);
    pf_free(m->right);
    pf_free(m->over);
}

static void add_up(const pf_cosines *c, const member *all, size_t n,
                   const target *wanted)
{
    for (size_t i = 0; i < c->images->n; i++) {
        c->image_ranks[i] = wanted[i].is_there;
        for (size_t k = 0; wanted[i].is_there && k < n; k++)
            c->image_ranks[i] += all[k].over[i];
    }
}

bool pf_cosines_rank(const pf_cosines *c, size_t threads, const pf_team *how,
                     pf_err *err)
{
    const bool has_images = c->image_ranks != NULL;
    target *wanted =
        has_images ? pf_alloc_array(c->images->n, sizeof *wanted, err) : NULL;
    member *all = pf_alloc_array(threads, sizeof *all, err);
    void **members = pf_alloc_array(threads, sizeof *members, err);
    bool ok = (!has_images || wanted) && all && members;
    for (size_t i = 0; ok && i < threads; i++) {
        ok = make_member(&all[i], c, wanted, err);
        members[i] = &all[i];
    }
    if (ok && has_images)
        find_best_captions(&all[0], wanted);
    pf_team team = *how;
    team.work = work;
    team.members = members;
    team.n_members = threads;
    team.n_items = (c->n_texts + TEXTS - 1) / TEXTS;
    team.n_told = c->n_texts;
    ok = ok && pf_team_run(&team, err);
    if (ok && has_images)
        add_up(c, all, threads, wanted);
    for (size_t i = 0; all && i < threads; i++)
        free_member(&all[i]);
    pf_free(all);
    pf_free(members);
    pf_free(wanted);
    return ok;
}
