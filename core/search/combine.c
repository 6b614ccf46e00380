/* combine.c - see combine.h. */
#include "core/search/combine.h"

#include <math.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/search/named.h"

/* A sum of unit vectors shorter than this has no direction worth asking for: rounding
 * alone leaves about 1e-7 of two vectors that cancel out. */
static const double SHORTEST_SUM = 1e-5;

/* Vector and id of the image that PF_PART_LIKE names. */
static bool find_like(pf_reader *r, const char *text, bool by_end, float *vector,
                      int64_t *id, pf_err *err)
{
    pf_store *store = pf_reader_store(r);
    bool found = false;
    *id = 0;
    if (!pf_reader_check_catalog(r, err) ||
        !pf_named_find(store, text, by_end, id, err))
        return false;
    if (*id > 0 && !pf_store_get_image_vector(store, *id, (int)pf_reader_dim(r), vector,
                                              &found, err))
        return false;
    return found ||
           pf_fail(err, PF_ERR_NOT_FOUND, "there is no image '%s' in catalog '%s'%s",
                   text, pf_reader_folder(r),
                   by_end ? "" : " (where paths are hidden, give its number)");
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

/* The towers first: only an open one knows how many numbers a vector has. */
static bool open_towers(pf_reader *r, const pf_part *parts, size_t n, pf_err *err)
{
    pf_embedder *e;
    for (size_t i = 0; i < n; i++) {
        const unsigned tower = pf_part_tower(&parts[i]);
        if (tower != 0 && !pf_reader_get_embedder(r, tower, &e, err))
            return false;
    }
    return true;
}

/* What a part is kept under: the model, what kind of thing it is, and the text or the
 * picture's content. */
static bool make_key(const pf_reader *r, const pf_part *part, pf_hash *key, pf_err *err)
{
    const uint64_t serial = pf_models_serial(pf_view_models(r->view));
    const bool is_phrase = part->kind == PF_PART_PHRASE;
    const uint8_t kind = is_phrase ? 't' : 'p';
    pf_hasher *h = pf_hasher_new(err);
    if (!h)
        return false;
    pf_hasher_add(h, &serial, sizeof serial);
    pf_hasher_add(h, &kind, 1);
    if (is_phrase)
        pf_hasher_add(h, part->text, strlen(part->text));
    else
        pf_hasher_add(h, part->content.b, sizeof part->content.b);
    *key = pf_hasher_finish(h);
    return true;
}

/* The vector of a phrase or a picture: one that is kept, or a new one. A file is read
 * each time, for who says that it is the same. */
static bool embed_or_find(pf_reader *r, const pf_part *part, float *vector,
                          bool *is_truncated, pf_err *err)
{
    pf_hash key;
    pf_embedder *e;
    pf_sandbox *sandbox;
    const size_t dim = pf_reader_dim(r);
    pf_vectors *kept = part->kind == PF_PART_FILE ? NULL : pf_engine_vectors(r->engine);
    if (kept && !make_key(r, part, &key, err))
        return false;
    if (kept && pf_vectors_find(kept, &key, vector, dim, is_truncated))
        return true;
    if (part->kind == PF_PART_KEPT)
        return pf_fail(err, PF_ERR_NOT_FOUND,
                       "picture '%s' was not asked with lately: send it", part->text);
    if (!pf_reader_get_embedder(r, pf_part_tower(part), &e, err) ||
        !pf_reader_get_sandbox(r, &sandbox, err) ||
        !pf_part_embed(part, e, sandbox, vector, is_truncated, err))
        return false;
    if (kept)
        pf_vectors_keep(kept, &key, vector, dim, *is_truncated);
    return true;
}

static bool embed_part(pf_reader *r, const pf_part *part, bool by_end, pf_combined *c,
                       pf_err *err)
{
    bool is_truncated = false;
    if (part->kind == PF_PART_LIKE)
        return find_like(r, part->text, by_end, c->vector, &c->like[c->n_like++], err);
    if (!embed_or_find(r, part, c->vector, &is_truncated, err))
        return false;
    c->n_truncated += is_truncated;
    return true;
}

static bool add_parts(pf_reader *r, const pf_query *q, size_t dim, pf_combined *c,
                      double *sum, pf_err *err)
{
    for (size_t i = 0; i < q->n_parts; i++) {
        if (!embed_part(r, &q->parts[i], !q->hides_paths, c, err))
            return false;
        for (size_t k = 0; k < dim; k++)
            sum[k] += q->parts[i].weight * (double)c->vector[k];
    }
    return normalize(c->vector, sum, dim) ||
           pf_fail(err, PF_ERR_MISUSE,
                   "the parts of the question cancel each other out");
}

bool pf_combine(pf_combined *out, pf_reader *r, const pf_query *q, pf_err *err)
{
    if (!open_towers(r, q->parts, q->n_parts, err))
        return false;
    const size_t dim = pf_reader_dim(r);
    double *sum = pf_alloc_array(dim, sizeof *sum, err);
    out->vector = pf_alloc_floats(dim, err);
    out->like = pf_alloc_array(q->n_parts, sizeof *out->like, err);
    const bool ok =
        sum && out->vector && out->like && add_parts(r, q, dim, out, sum, err);
    if (!ok)
        pf_combined_reset(out);
    pf_free(sum);
    return ok;
}
