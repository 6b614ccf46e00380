/* combine.c - see combine.h. */
#include "core/search/combine.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/search/session.h"

/* A sum of unit vectors shorter than this has no direction worth asking for: rounding
 * alone leaves about 1e-7 of two vectors that cancel out. */
static const double SHORTEST_SUM = 1e-5;

/* "17" is an id, anything else a path. */
static bool is_id(const char *text, int64_t *id)
{
    if (text[0] == '\0' || text[strspn(text, "0123456789")] != '\0')
        return false;
    errno = 0;
    const long long v = strtoll(text, NULL, 10);
    *id = errno == 0 ? v : 0;
    return true;
}

/* The catalog has absolute paths; a shell has relative ones and links. */
static bool find_by_path(pf_store *store, const char *path, int64_t *id, pf_err *err)
{
    char real[PATH_MAX];
    if (!pf_store_find_image(store, path, 0, id, err))
        return false;
    if (*id != 0 || !realpath(path, real))
        return true;
    return pf_store_find_image(store, real, 0, id, err);
}

/* Vector and id of the image that PF_PART_LIKE names. */
static bool find_like(const pf_search *s, const char *text, float *vector, int64_t *id,
                      pf_err *err)
{
    pf_store *store = pf_catalog_store(s->catalog);
    bool found = false;
    *id = 0;
    if (!is_id(text, id) && !find_by_path(store, text, id, err))
        return false;
    if (*id > 0 &&
        !pf_store_get_image_vector(store, *id, s->stored.dim, vector, &found, err))
        return false;
    return found ||
           pf_fail(err, PF_ERR_NOT_FOUND, "there is no image '%s' in catalog '%s'",
                   text, pf_search_folder(s));
}

/* Brings `v` to length 1; false when it is too short to have a direction. */
static bool normalize(float *v, const double *sum, size_t dim)
{
    double square = 0;
    for (size_t i = 0; i < dim; i++)
        square += sum[i] * sum[i];
    const double length = sqrt(square);
    if (!(length >= SHORTEST_SUM) || !isfinite(length))
        return false;
    for (size_t i = 0; i < dim; i++)
        v[i] = (float)(sum[i] / length);
    return true;
}

void pf_combined_reset(pf_combined *c)
{
    pf_free(c->vector);
    pf_free(c->like);
    *c = (pf_combined){0};
}

/* What a sum is made from and with. */
typedef struct {
    const pf_search *s; /* or NULL */
    pf_embedder *embedder;
    size_t dim;
} maker;

static bool add_part(const maker *m, const pf_part *part, pf_combined *c, double *sum,
                     pf_err *err)
{
    bool is_truncated = false;
    const bool ok =
        part->kind == PF_PART_LIKE && m->s
            ? find_like(m->s, part->text, c->vector, &c->like[c->n_like++], err)
            : pf_part_embed(part, m->embedder, c->vector, &is_truncated, err);
    if (!ok)
        return false;
    c->n_truncated += is_truncated;
    for (size_t i = 0; i < m->dim; i++)
        sum[i] += part->weight * (double)c->vector[i];
    return true;
}

static bool add_parts(const maker *m, const pf_part *parts, size_t n, pf_combined *c,
                      double *sum, pf_err *err)
{
    for (size_t i = 0; i < n; i++) {
        if (!add_part(m, &parts[i], c, sum, err))
            return false;
    }
    return normalize(c->vector, sum, m->dim) ||
           pf_fail(err, PF_ERR_MISUSE,
                   "the parts of the question cancel each other out");
}

bool pf_combine_with(pf_combined *out, const pf_search *s, pf_embedder *e, size_t dim,
                     const pf_part *parts, size_t n, pf_err *err)
{
    const maker m = {s, e, dim};
    double *sum = pf_alloc_array(dim, sizeof *sum, err);
    out->vector = pf_alloc_floats(dim, err);
    out->like = pf_alloc_array(n, sizeof *out->like, err);
    const bool ok =
        sum && out->vector && out->like && add_parts(&m, parts, n, out, sum, err);
    if (!ok)
        pf_combined_reset(out);
    pf_free(sum);
    return ok;
}

bool pf_combine(pf_combined *out, pf_search *s, const pf_part *parts, size_t n,
                pf_notes *notes, pf_err *err)
{
    unsigned towers = 0;
    for (size_t i = 0; i < n; i++)
        towers |= pf_part_tower(&parts[i]);
    return pf_session_open_towers(s, towers, notes, err) &&
           pf_combine_with(out, s, s->embedder, (size_t)s->stored.dim, parts, n, err);
}
