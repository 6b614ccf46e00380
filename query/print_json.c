/*
 * print_json.c - answers for programs: one object on one line.
 *
 * The keys are a contract: what is here may be added to, not renamed. Numbers of an
 * answer have 7 significant digits, which is what a float32 cosine knows; those of a
 * vector 9, which give the float back exactly.
 */
#include <string.h>

#include "core/base/json.h"
#include "query/print.h"

static void write_part(pf_json_writer *w, const pf_part *part)
{
    static const char *const key[] = {
        [PF_PART_PHRASE] = "phrase",
        [PF_PART_FILE] = "image",
        [PF_PART_PICTURE] = "image",
        [PF_PART_LIKE] = "like",
    };
    pf_json_begin_object(w, NULL);
    pf_json_write_string(w, key[part->kind], part->text);
    pf_json_write_real(w, "weight", part->weight, 7);
    pf_json_end_object(w);
}

static const char *name_of_find(pf_find find)
{
    switch (find) {
    case PF_FIND_CAPTIONS:
        return "captions";
    case PF_FIND_CASES:
        return "cases";
    case PF_FIND_IMAGES:
        break;
    }
    return "images";
}

static const char *name_of_by(pf_by by)
{
    switch (by) {
    case PF_BY_WORDS:
        return "words";
    case PF_BY_BOTH:
        return "both";
    case PF_BY_DEFAULT:
    case PF_BY_MEANING:
        break;
    }
    return "meaning";
}

static void write_query(pf_json_writer *w, const pf_query *q, const pf_answer *answer)
{
    pf_json_begin_object(w, "query");
    pf_json_begin_array(w, "parts");
    for (size_t i = 0; i < q->n_parts; i++)
        write_part(w, &q->parts[i]);
    pf_json_end_array(w);
    pf_json_write_string(w, "find", name_of_find(q->find));
    pf_json_write_string(w, "by", name_of_by(answer->by));
    pf_json_write_int(w, "limit", (int64_t)q->limit);
    pf_json_write_real(w, "min_score", q->min_score, 7);
    pf_json_write_real(w, "min_percentile", q->min_percentile, 7);
    if (q->collapses)
        pf_json_write_real(w, "collapse", q->collapse, 7);
    pf_json_begin_array(w, "filter");
    for (size_t i = 0; i < q->n_filters; i++)
        pf_json_write_string(w, NULL, q->filters[i].text);
    pf_json_end_array(w);
    pf_json_write_bool(w, "truncated", answer->n_truncated > 0);
    pf_json_end_object(w);
}

static void write_chance(pf_json_writer *w, pf_chance chance)
{
    const char *key = "no_better_than_chance";
    if (chance == PF_CHANCE_UNKNOWN)
        pf_json_write_string(w, key, NULL);
    else
        pf_json_write_bool(w, key, chance == PF_CHANCE_NO_BETTER);
}

void print_json_about(pf_json_writer *w, const pf_query *q, const pf_answer *answer)
{
    write_query(w, q, answer);
    pf_json_write_real(w, "took_ms", answer->took_ms, 4);
    write_chance(w, answer->chance);
}

void print_json_place(pf_json_writer *w, const pf_hit *h, size_t rank)
{
    pf_json_write_int(w, "rank", (int64_t)rank);
    pf_json_write_real(w, "score", h->score, 7);
    pf_json_write_real(w, "percentile", h->percentile, 6); /* null: not known */
    pf_json_write_int(w, "id", h->id);
}

/* A key with one value is a string, with several an array of them: JSON has no place
 * for the same key twice. */
static void write_attributes(pf_json_writer *w, const pf_hit *h)
{
    const pf_hit_attribute *a = h->attributes;
    pf_json_begin_object(w, "attributes");
    for (size_t i = 0, end; i < h->n_attributes; i = end) {
        for (end = i + 1; end < h->n_attributes; end++) {
            if (strcmp(a[end].key, a[i].key) != 0)
                break;
        }
        if (end == i + 1) {
            pf_json_write_string(w, a[i].key, a[i].value);
            continue;
        }
        pf_json_begin_array(w, a[i].key);
        for (size_t k = i; k < end; k++)
            pf_json_write_string(w, NULL, a[k].value);
        pf_json_end_array(w);
    }
    pf_json_end_object(w);
}

static void write_image(pf_json_writer *w, const pf_hit *h)
{
    pf_json_write_string(w, "path", h->path);
    pf_json_write_string(w, "case", h->case_key);
    pf_json_write_string(w, "caption", h->caption);
    write_attributes(w, h);
}

static void write_caption(pf_json_writer *w, const pf_hit *h)
{
    pf_json_write_string(w, "caption", h->caption);
    if (h->image_id != 0)
        pf_json_write_int(w, "image_id", h->image_id);
    else
        pf_json_write_string(w, "image_id", NULL); /* a phrase of the user's own */
    pf_json_write_string(w, "path", h->path);
}

static void write_case(pf_json_writer *w, const pf_hit *h)
{
    pf_json_write_string(w, "case", h->case_key);
    pf_json_write_string(w, "title", h->case_title);
    pf_json_write_int(w, "matched", (int64_t)h->n_images);
    pf_json_write_int(w, "image_count", (int64_t)h->n_case_images);
    pf_json_begin_array(w, "images");
    for (size_t i = 0; i < h->n_images; i++) {
        const pf_hit_image *image = &h->images[i];
        pf_json_begin_object(w, NULL);
        pf_json_write_int(w, "id", image->id);
        pf_json_write_string(w, "path", image->path);
        pf_json_write_real(w, "score", image->score, 7);
        pf_json_end_object(w);
    }
    pf_json_end_array(w);
}

static void write_reason(pf_json_writer *w, const char *key, const pf_reason *r)
{
    if (r->rank == 0)
        return;
    pf_json_begin_object(w, key);
    pf_json_write_int(w, "rank", (int64_t)r->rank);
    pf_json_write_real(w, "score", r->score, 7);
    pf_json_end_object(w);
}

static void write_reasons(pf_json_writer *w, const pf_hit *h, pf_by by)
{
    if (by == PF_BY_BOTH)
        pf_json_write_real(w, "fused", h->fused, 7);
    pf_json_begin_object(w, "because");
    write_reason(w, "meaning", &h->by_meaning);
    write_reason(w, "caption", &h->by_caption);
    write_reason(w, "words", &h->by_words);
    pf_json_end_object(w);
}

void print_json_duplicates(pf_json_writer *w, const pf_query *q, const pf_hit *h)
{
    if (!q->collapses)
        return;
    pf_json_begin_array(w, "duplicates");
    for (size_t i = 0; i < h->n_duplicates; i++)
        pf_json_write_int(w, NULL, h->duplicates[i]);
    pf_json_end_array(w);
}

static void write_hit(pf_json_writer *w, const pf_hit *h, const pf_query *q, pf_by by,
                      size_t rank)
{
    const pf_find find = q->find;
    pf_json_begin_object(w, NULL);
    print_json_place(w, h, rank);
    if (find == PF_FIND_CASES)
        write_case(w, h);
    else if (find == PF_FIND_CAPTIONS)
        write_caption(w, h);
    else
        write_image(w, h);
    if (by == PF_BY_WORDS || by == PF_BY_BOTH)
        write_reasons(w, h, by);
    print_json_duplicates(w, q, h);
    pf_json_end_object(w);
}

void print_json(FILE *out, const pf_query *q, const pf_answer *answer)
{
    pf_json_writer w;
    pf_json_writer_init(&w, out);
    pf_json_begin_object(&w, NULL);
    print_json_about(&w, q, answer);
    pf_json_begin_array(&w, "hits");
    for (size_t i = 0; i < answer->n_hits; i++)
        write_hit(&w, &answer->hits[i], q, answer->by, i + 1);
    pf_json_end_array(&w);
    pf_json_end_object(&w);
}

/* ---- groups of near duplicates ---- */

static void write_group(pf_json_writer *w, const pf_duplicates_group *g,
                        const pf_hit *hits)
{
    pf_json_begin_object(w, NULL);
    pf_json_write_int(w, "size", (int64_t)g->n);
    pf_json_write_real(w, "lowest", g->lowest, 7);
    pf_json_begin_array(w, "images");
    for (size_t i = 0; i < g->n; i++) {
        const pf_hit *h = &hits[g->first + i];
        pf_json_begin_object(w, NULL);
        pf_json_write_int(w, "id", h->id);
        pf_json_write_string(w, "path", h->path);
        pf_json_write_real(w, "score", h->score, 7);
        pf_json_write_string(w, "caption", h->caption);
        pf_json_write_string(w, "case", h->case_key);
        pf_json_end_object(w);
    }
    pf_json_end_array(w);
    pf_json_end_object(w);
}

void print_groups_json(FILE *out, double threshold, const pf_duplicates *d)
{
    pf_json_writer w;
    pf_json_writer_init(&w, out);
    pf_json_begin_object(&w, NULL);
    pf_json_write_real(&w, "threshold", threshold, 7);
    pf_json_begin_array(&w, "groups");
    for (size_t i = 0; i < d->n_groups; i++)
        write_group(&w, &d->groups[i], d->images.hits);
    pf_json_end_array(&w);
    pf_json_write_real(&w, "took_ms", d->images.took_ms, 4);
    pf_json_end_object(&w);
}

void print_vector(FILE *out, const float *vector, size_t dim, const int32_t *token_ids,
                  size_t n_token_ids, bool is_truncated)
{
    pf_json_writer w;
    pf_json_writer_init(&w, out);
    pf_json_begin_object(&w, NULL);
    pf_json_write_int(&w, "dim", (int64_t)dim);
    pf_json_begin_array(&w, "vector");
    for (size_t i = 0; i < dim; i++)
        pf_json_write_real(&w, NULL, vector[i], 9);
    pf_json_end_array(&w);
    if (token_ids) {
        pf_json_begin_array(&w, "token_ids");
        for (size_t i = 0; i < n_token_ids; i++)
            pf_json_write_int(&w, NULL, token_ids[i]);
        pf_json_end_array(&w);
    }
    pf_json_write_bool(&w, "truncated", is_truncated);
    pf_json_end_object(&w);
}
