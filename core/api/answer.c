/* answer.c - see answer.h, and plainfilm.h for the functions. */
#include "core/api/answer.h"

#include <string.h>

#include "core/base/mem.h"

static void release(const void *p)
{
    pf_free((void *)p); /* const for all but us */
}

void pf_classified_reset(pf_classified *c)
{
    release(c->path);
    release(c->labels);
    release(c->failure);
    *c = (pf_classified){0};
}

void pf_answer_free(pf_answer *a)
{
    if (!a)
        return;
    pf_hits_reset(&a->hits);
    for (size_t i = 0; i < a->n_pictures; i++)
        pf_classified_reset(&a->pictures[i]);
    for (size_t i = 0; i < a->n_labels; i++)
        pf_free(a->label_names[i]);
    pf_free(a->pictures);
    pf_free(a->label_names);
    pf_free(a->labels);
    pf_free(a->groups);
    pf_free(a->vector);
    pf_free(a->tokens);
    pf_free(a->id);
    pf_free(a->query);
    pf_free(a);
}

/* ---- labels ---- */

bool pf_answer_take_labels(pf_answer *a, pf_labels *labels, pf_err *err)
{
    a->label_names = pf_alloc_array(labels->n, sizeof *a->label_names, err);
    if (!a->label_names)
        return false;
    for (; a->n_labels < labels->n; a->n_labels++) {
        a->label_names[a->n_labels] = pf_strdup(labels->name[a->n_labels], err);
        if (!a->label_names[a->n_labels])
            return false;
    }
    return true;
}

void pf_answer_name_labels(const pf_answer *a, const pf_label_score *scores,
                           pf_label *out)
{
    for (size_t i = 0; i < a->n_labels; i++)
        out[i] = (pf_label){sizeof *out, a->label_names[scores[i].label],
                            scores[i].probability};
}

/* ---- looking at it ---- */

const pf_answer_about *pf_answer_get_about(const pf_answer *a)
{
    return &a->about;
}

size_t pf_answer_count(const pf_answer *a)
{
    return a->hits.n_hits;
}

const pf_hit *pf_answer_hit(const pf_answer *a, size_t i)
{
    return i < a->hits.n_hits ? &a->hits.hits[i] : NULL;
}

size_t pf_answer_count_missing(const pf_answer *a)
{
    return a->hits.n_missing;
}

size_t pf_answer_count_facets(const pf_answer *a)
{
    return a->hits.n_facets;
}

const pf_counts *pf_answer_facet(const pf_answer *a, size_t i)
{
    return i < a->hits.n_facets ? &a->hits.facets[i] : NULL;
}

const pf_unmet *pf_answer_unmet(const pf_answer *a)
{
    return a->hits.unmet.filter ? &a->hits.unmet : NULL;
}

const pf_missing_word *pf_answer_missing(const pf_answer *a, size_t i)
{
    return i < a->hits.n_missing ? &a->hits.missing[i] : NULL;
}

size_t pf_answer_rank(const pf_answer *a, size_t i)
{
    return a->offset + i + 1;
}

const pf_label *pf_answer_labels(const pf_answer *a, size_t i, size_t *n)
{
    const bool are_there = a->labels && i < a->hits.n_hits;
    *n = are_there ? a->n_labels : 0;
    return are_there ? a->labels + i * a->n_labels : NULL;
}

size_t pf_answer_count_pictures(const pf_answer *a)
{
    return a->n_pictures;
}

const pf_classified *pf_answer_picture(const pf_answer *a, size_t i)
{
    return i < a->n_pictures ? &a->pictures[i] : NULL;
}

const pf_group *pf_answer_group(const pf_answer *a, size_t i)
{
    return i < a->about.n_groups ? &a->groups[i] : NULL;
}

const float *pf_answer_vector(const pf_answer *a, size_t *dim)
{
    *dim = a->dim;
    return a->vector;
}

const int32_t *pf_answer_tokens(const pf_answer *a, size_t *n)
{
    *n = a->n_tokens;
    return a->tokens;
}

const pf_evaluation *pf_answer_evaluation(const pf_answer *a)
{
    return a->about.job == PF_JOB_EVALUATE ? &a->evaluation : NULL;
}
