/*
 * answer_json.c - answers for programs: one object on one line.
 *
 * The keys are a contract (plainfilm-query(1), section OUTPUT): what is here may be
 * added to, not renamed. Every answer has the caller's mark, if there was one, the
 * question and the time it took; what else it has depends on what was done. Numbers
 * have 7 significant digits, which is what a float32 cosine knows; those of a vector 9,
 * which give the float back exactly, and those of the question as many as it takes: it
 * may be given back.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/api/answer.h"
#include "core/base/c_locale.h"
#include "core/base/mem.h"
#include "core/words/fields.h"

/* ---- the question ---- */

/* What was asked, in as few digits as give the number back. */
static void write_asked(pf_json_writer *w, const char *key, double v)
{
    char text[32];
    int digits = 6;
    const pf_c_locale locale = pf_c_locale_begin();
    do
        snprintf(text, sizeof text, "%.*g", ++digits, v);
    while (digits < 17 && strtod(text, NULL) != v);
    pf_c_locale_end(locale);
    pf_json_write_real(w, key, v, digits);
}

static void write_part(pf_json_writer *w, const pf_part *part)
{
    static const char *const key[] = {
        [PF_PART_PHRASE] = "phrase", [PF_PART_FILE] = "image",
        [PF_PART_PICTURE] = "image", [PF_PART_KEPT] = "picture",
        [PF_PART_LIKE] = "like",
    };
    pf_json_begin_object(w, NULL);
    pf_json_write_string(w, key[part->kind], part->text);
    if (part->kind == PF_PART_PICTURE) {
        char hash[PF_HASH_HEX_SIZE];
        pf_hash_hex(&part->content, hash);
        pf_json_write_string(w, "picture", hash);
    }
    write_asked(w, "weight", part->weight);
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

/* Where words were looked for. */
static void write_fields(pf_json_writer *w, pf_field_set in)
{
    pf_json_begin_array(w, "in");
    for (int f = 0; f < PF_FIELDS; f++) {
        if (pf_field_set_has(in, (pf_field)f))
            pf_json_write_string(w, NULL, pf_field_name((pf_field)f));
    }
    pf_json_end_array(w);
}

/* How hits were chosen and ranked. */
static void write_search(pf_json_writer *w, const pf_query *q, pf_by by)
{
    pf_json_write_string(w, "find", name_of_find(q->find));
    if (by != PF_BY_DEFAULT)
        pf_json_write_string(w, "by", name_of_by(by));
    if (q->in)
        write_fields(w, q->in);
    pf_json_write_int(w, "limit", (int64_t)q->limit);
    if (q->offset > 0)
        pf_json_write_int(w, "offset", (int64_t)q->offset);
    write_asked(w, "min_score", q->min_score);
    write_asked(w, "min_percentile", q->min_percentile);
    if (q->collapses)
        write_asked(w, "collapse", q->collapse);
}

static void write_parts(pf_json_writer *w, const pf_query *q)
{
    pf_json_begin_array(w, "parts");
    for (size_t i = 0; i < q->n_parts; i++)
        write_part(w, &q->parts[i]);
    pf_json_end_array(w);
}

static void write_filters(pf_json_writer *w, const pf_query *q)
{
    pf_json_begin_array(w, "filter");
    for (size_t i = 0; i < q->n_filters; i++)
        pf_json_write_string(w, NULL, q->filters[i].text);
    pf_json_end_array(w);
}

/* Nothing of it when there is nothing to say: most questions have one order alone. */
static void write_order(pf_json_writer *w, const pf_answer_about *about)
{
    static const char *const names[] = {
        [PF_SORT_DATE] = "date",
        [PF_SORT_ADDED] = "added",
        [PF_SORT_PATH] = "path",
        [PF_SORT_RANDOM] = "random",
    };
    if (about->sort <= PF_SORT_RELEVANCE)
        return;
    pf_json_write_string(w, "sort", names[about->sort]);
    if (about->sort == PF_SORT_RANDOM)
        pf_json_write_int(w, "seed", (int64_t)about->seed);
}

static void write_facets_asked(pf_json_writer *w, const pf_query *q)
{
    if (q->n_facets == 0)
        return;
    pf_json_begin_array(w, "facets");
    for (size_t i = 0; i < q->n_facets; i++)
        pf_json_write_string(w, NULL, q->facets[i]);
    pf_json_end_array(w);
}

static void write_values_asked(pf_json_writer *w, const pf_request *r)
{
    if (r->values_key)
        pf_json_write_string(w, "values", r->values_key);
    else
        pf_json_write_bool(w, "values", true);
    pf_json_write_string(w, "find", name_of_find(r->query.find));
    if (r->has_limit)
        pf_json_write_int(w, "limit", (int64_t)r->query.limit);
}

static void write_labels_asked(pf_json_writer *w, const pf_request *r)
{
    pf_json_begin_array(w, "classify");
    for (size_t i = 0; i < r->labels.n; i++)
        pf_json_write_string(w, NULL, r->labels.name[i]);
    pf_json_end_array(w);
    pf_json_write_string(w, "template", r->pattern);
}

static void write_question(pf_json_writer *w, const pf_answer *a, const pf_request *r)
{
    const pf_query *q = &r->query;
    const pf_job job = a->about.job;
    const bool is_search =
        job == PF_JOB_SEARCH || job == PF_JOB_CLASSIFY_HITS || job == PF_JOB_PHRASES;
    pf_json_begin_object(w, NULL);
    if (job == PF_JOB_DUPLICATES) {
        write_asked(w, "duplicates", r->duplicates);
        if (r->has_limit && q->limit > 0) /* 0: all, as without one */
            pf_json_write_int(w, "limit", (int64_t)q->limit);
    } else if (job == PF_JOB_EVALUATE) {
        pf_json_write_bool(w, "evaluate", true);
        if (r->queries)
            pf_json_write_string(w, "queries", r->queries);
        if (q->by != PF_BY_DEFAULT) /* else all ways */
            pf_json_write_string(w, "by", name_of_by(q->by));
    } else if (job == PF_JOB_VALUES) {
        write_values_asked(w, r);
    } else {
        write_parts(w, q);
    }
    if (is_search) {
        write_search(w, q, a->about.by);
        write_order(w, &a->about);
        write_facets_asked(w, q);
    }
    if (job == PF_JOB_CLASSIFY_HITS || job == PF_JOB_CLASSIFY_PICTURES)
        write_labels_asked(w, r);
    if (job == PF_JOB_EMBED)
        pf_json_write_bool(w, "embed", true);
    if (is_search || job == PF_JOB_DUPLICATES || job == PF_JOB_EVALUATE ||
        job == PF_JOB_VALUES)
        write_filters(w, q);
    if (r->query.hides_paths)
        pf_json_write_bool(w, "hide_paths", true);
    if (is_search)
        pf_json_write_bool(w, "truncated", a->about.is_truncated);
    pf_json_end_object(w);
}

/* ---- text in memory ---- */

typedef struct {
    char *text;
    size_t size;
    FILE *file;
    pf_json_writer json;
} page;

static bool begin_page(page *p, pf_err *err)
{
    *p = (page){0};
    p->file = open_memstream(&p->text, &p->size);
    if (!p->file)
        return pf_fail_errno(err, errno, "cannot write an answer");
    pf_json_writer_init(&p->json, p->file);
    return true;
}

/* Without the end of line, given. */
static char *end_page(page *p, size_t *size, pf_err *err)
{
    const bool is_whole = !ferror(p->file);
    if (fclose(p->file) != 0 || !is_whole) {
        pf_free(p->text);
        pf_fail(err, PF_ERR_NOMEM, "out of memory (an answer as JSON)");
        return NULL;
    }
    if (p->size > 0 && p->text[p->size - 1] == '\n')
        p->text[--p->size] = '\0';
    if (size)
        *size = p->size;
    return p->text;
}

char *pf_answer_query_json(const pf_answer *a, const pf_request *r, pf_err *err)
{
    page p;
    if (!begin_page(&p, err))
        return NULL;
    write_question(&p.json, a, r);
    return end_page(&p, NULL, err);
}

/* ---- hits ---- */

static void write_place(pf_json_writer *w, const pf_answer *a, size_t i)
{
    const pf_hit *h = &a->hits.hits[i];
    pf_json_write_int(w, "rank", (int64_t)pf_answer_rank(a, i));
    pf_json_write_real(w, "score", h->score, 7);
    pf_json_write_real(w, "percentile", h->percentile, 6); /* null: not known */
    pf_json_write_int(w, "id", h->id);
}

/* A key with one value is a string, with several an array of them: JSON has no place
 * for the same key twice. */
static void write_attributes(pf_json_writer *w, const pf_hit *h)
{
    const pf_attribute *a = h->attributes;
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

/* All there are of the image and its case, the one that is shown included. */
static void write_captions(pf_json_writer *w, const pf_hit *h)
{
    pf_json_begin_array(w, "captions");
    for (size_t i = 0; i < h->n_captions; i++)
        pf_json_write_string(w, NULL, h->captions[i].text);
    pf_json_end_array(w);
}

static void write_image(pf_json_writer *w, const pf_hit *h)
{
    pf_json_write_path(w, "path", h->path);
    if (h->frame > 0)
        pf_json_write_int(w, "frame", h->frame);
    pf_json_write_string(w, "case", h->case_key);
    pf_json_write_string(w, "caption", h->caption);
    write_captions(w, h);
    write_attributes(w, h);
}

static void write_caption(pf_json_writer *w, const pf_hit *h)
{
    pf_json_write_string(w, "caption", h->caption);
    if (h->image_id != 0)
        pf_json_write_int(w, "image_id", h->image_id);
    else
        pf_json_write_string(w, "image_id", NULL); /* a phrase of the user's own */
    pf_json_write_path(w, "path", h->path);
    if (h->frame > 0)
        pf_json_write_int(w, "frame", h->frame);
    if (h->image_id != 0)
        write_captions(w, h);
}

static void write_case(pf_json_writer *w, const pf_hit *h)
{
    pf_json_write_string(w, "case", h->case_key);
    pf_json_write_string(w, "title", h->case_title);
    pf_json_write_int(w, "matched", (int64_t)h->n_images);
    pf_json_write_int(w, "image_count", (int64_t)h->n_case_images);
    pf_json_write_string(w, "caption", h->caption); /* of the best image, as the text */
    write_captions(w, h);
    write_attributes(w, h);
    pf_json_begin_array(w, "images");
    for (size_t i = 0; i < h->n_images; i++) {
        const pf_hit_image *image = &h->images[i];
        pf_json_begin_object(w, NULL);
        pf_json_write_int(w, "id", image->id);
        pf_json_write_path(w, "path", image->path);
        if (image->frame > 0)
            pf_json_write_int(w, "frame", image->frame);
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
    if (by != PF_BY_WORDS && by != PF_BY_BOTH)
        return;
    if (by == PF_BY_BOTH)
        pf_json_write_real(w, "fused", h->fused, 7);
    pf_json_begin_object(w, "because");
    write_reason(w, "meaning", &h->by_meaning);
    write_reason(w, "caption", &h->by_caption);
    write_reason(w, "words", &h->by_words);
    pf_json_end_object(w);
    if (h->by_words.rank == 0)
        return;
    pf_json_begin_array(w, "matched_in");
    for (size_t i = 0; h->matched_in[i]; i++)
        pf_json_write_string(w, NULL, h->matched_in[i]);
    pf_json_end_array(w);
}

/* Bytes as characters, which is what most programs count strings in. */
static int64_t characters(const char *text, size_t bytes)
{
    int64_t n = 0;
    for (size_t i = 0; i < bytes; i++)
        n += ((unsigned char)text[i] & 0xC0) != 0x80;
    return n;
}

static void write_match(pf_json_writer *w, const pf_hit *h, const pf_match *m)
{
    static const char *const as[] = {
        [PF_MET_TYPED] = "typed", [PF_MET_FORM] = "form", [PF_MET_SYNONYM] = "synonym"};
    pf_json_begin_object(w, NULL);
    pf_json_write_string(w, "word", m->asked);
    pf_json_write_string(w, "as", as[m->as]);
    pf_json_begin_array(w, "at");
    pf_json_write_int(w, NULL, characters(h->caption, m->start));
    pf_json_write_int(w, NULL, characters(h->caption, m->end));
    pf_json_end_array(w);
    pf_json_end_object(w);
}

/* "matched" is what a case has of images. */
static void write_matches(pf_json_writer *w, const pf_hit *h, pf_by by)
{
    if (by != PF_BY_WORDS && by != PF_BY_BOTH)
        return;
    pf_json_begin_array(w, "matched_words");
    for (size_t i = 0; i < h->n_matches; i++)
        write_match(w, h, &h->matches[i]);
    pf_json_end_array(w);
}

static void write_duplicates(pf_json_writer *w, const pf_answer *a, const pf_hit *h)
{
    if (!a->about.is_collapsed)
        return;
    pf_json_begin_array(w, "duplicates");
    for (size_t i = 0; i < h->n_duplicates; i++)
        pf_json_write_int(w, NULL, h->duplicates[i]);
    pf_json_end_array(w);
}

static void write_hit(pf_json_writer *w, const pf_answer *a, size_t i)
{
    const pf_hit *h = &a->hits.hits[i];
    pf_json_begin_object(w, NULL);
    write_place(w, a, i);
    if (a->about.find == PF_FIND_CASES)
        write_case(w, h);
    else if (a->about.find == PF_FIND_CAPTIONS)
        write_caption(w, h);
    else
        write_image(w, h);
    write_reasons(w, h, a->about.by);
    write_matches(w, h, a->about.by);
    write_duplicates(w, a, h);
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

static void write_missing(pf_json_writer *w, const pf_answer *a)
{
    if (a->hits.n_missing == 0)
        return;
    pf_json_begin_array(w, "missing_words");
    for (size_t i = 0; i < a->hits.n_missing; i++) {
        const pf_missing_word *m = &a->hits.missing[i];
        pf_json_begin_object(w, NULL);
        pf_json_write_string(w, "word", m->word);
        pf_json_begin_array(w, "suggestions");
        for (size_t k = 0; k < m->n_suggestions; k++) {
            pf_json_begin_object(w, NULL);
            pf_json_write_string(w, "word", m->suggestions[k].word);
            pf_json_write_int(w, "captions", m->suggestions[k].captions);
            pf_json_end_object(w);
        }
        pf_json_end_array(w);
        pf_json_end_object(w);
    }
    pf_json_end_array(w);
}

static void write_counts(pf_json_writer *w, const char *key, const pf_counts *c)
{
    if (key)
        pf_json_begin_object(w, key);
    pf_json_begin_array(w, "values");
    for (size_t i = 0; i < c->n_counts; i++) {
        pf_json_begin_object(w, NULL);
        pf_json_write_string(w, "value", c->counts[i].value);
        pf_json_write_int(w, "count", (int64_t)c->counts[i].count);
        pf_json_end_object(w);
    }
    pf_json_end_array(w);
    pf_json_write_int(w, "more", (int64_t)c->n_more);
    if (key)
        pf_json_end_object(w);
}

static void write_facets(pf_json_writer *w, const pf_answer *a)
{
    if (a->hits.n_facets == 0)
        return;
    pf_json_begin_object(w, "facets");
    for (size_t i = 0; i < a->hits.n_facets; i++)
        write_counts(w, a->hits.facets[i].key, &a->hits.facets[i]);
    pf_json_end_object(w);
}

static void write_unmet(pf_json_writer *w, const pf_answer *a)
{
    const pf_unmet *unmet = pf_answer_unmet(a);
    if (!unmet)
        return;
    pf_json_begin_object(w, "unmet");
    pf_json_write_string(w, "filter", unmet->filter);
    pf_json_write_string(w, "key", unmet->values.key);
    write_counts(w, NULL, &unmet->values);
    pf_json_end_object(w);
}

/* How much matches, and what of it. Phrases of the user's own are all ranked. */
static void write_total(pf_json_writer *w, const pf_answer *a)
{
    static const char *const names[] = {
        [PF_TOTAL_OF_FILTERS] = "filters",
        [PF_TOTAL_OF_ALL_WORDS] = "all_words",
        [PF_TOTAL_OF_SOME_WORDS] = "some_words",
    };
    if (a->about.job == PF_JOB_PHRASES)
        return;
    pf_json_write_int(w, "total", (int64_t)a->about.total);
    pf_json_write_string(w, "total_of", names[a->about.total_of]);
    pf_json_write_int(w, "offset", (int64_t)a->about.offset);
    write_unmet(w, a);
    write_facets(w, a);
}

static void write_values(pf_json_writer *w, const pf_answer *a)
{
    const pf_counts *c = &a->hits.facets[0];
    pf_json_write_int(w, "total", (int64_t)a->about.total);
    write_unmet(w, a);
    if (c->key)
        write_facets(w, a);
    else
        write_counts(w, "keys", c);
}

static void write_hits(pf_json_writer *w, const pf_answer *a)
{
    write_chance(w, a->about.chance);
    write_missing(w, a);
    write_total(w, a);
    pf_json_begin_array(w, "hits");
    for (size_t i = 0; i < a->hits.n_hits; i++)
        write_hit(w, a, i);
    pf_json_end_array(w);
}

/* ---- labels ---- */

static void write_labels(pf_json_writer *w, const pf_label *labels, size_t n)
{
    pf_json_begin_array(w, "labels");
    for (size_t i = 0; i < n; i++) {
        pf_json_begin_object(w, NULL);
        pf_json_write_string(w, "label", labels[i].name);
        pf_json_write_real(w, "probability", labels[i].probability, 7);
        pf_json_end_object(w);
    }
    pf_json_end_array(w);
}

static void write_classified_hits(pf_json_writer *w, const pf_answer *a)
{
    write_chance(w, a->about.chance);
    write_total(w, a);
    pf_json_begin_array(w, "images");
    for (size_t i = 0; i < a->hits.n_hits; i++) {
        const pf_hit *h = &a->hits.hits[i];
        pf_json_begin_object(w, NULL);
        write_place(w, a, i);
        pf_json_write_path(w, "path", h->path);
        write_labels(w, a->labels + i * a->n_labels, a->n_labels);
        write_duplicates(w, a, h);
        pf_json_end_object(w);
    }
    pf_json_end_array(w);
}

static void write_classified(pf_json_writer *w, const pf_classified *c)
{
    pf_json_write_path(w, "path", c->path);
    if (c->failure)
        pf_json_write_string(w, "reason", c->failure);
    else
        write_labels(w, c->labels, c->n_labels);
}

static void write_list(pf_json_writer *w, const char *key, const pf_answer *a,
                       bool is_of_failures)
{
    pf_json_begin_array(w, key);
    for (size_t i = 0; i < a->n_pictures; i++) {
        if ((a->pictures[i].failure != NULL) != is_of_failures)
            continue;
        pf_json_begin_object(w, NULL);
        write_classified(w, &a->pictures[i]);
        pf_json_end_object(w);
    }
    pf_json_end_array(w);
}

/* Of one picture and no list what was found of it stands by itself. */
static void write_pictures(pf_json_writer *w, const pf_answer *a)
{
    if (a->about.is_single) {
        if (a->n_pictures > 0) /* else it was taken as it came */
            write_classified(w, &a->pictures[0]);
        return;
    }
    write_list(w, "images", a, false);
    write_list(w, "failures", a, true);
}

/* ---- groups, vectors, figures ---- */

static void write_group(pf_json_writer *w, const pf_answer *a, const pf_group *g)
{
    pf_json_begin_object(w, NULL);
    pf_json_write_int(w, "size", (int64_t)g->n);
    pf_json_write_real(w, "lowest", g->lowest, 7);
    pf_json_begin_array(w, "images");
    for (size_t i = 0; i < g->n; i++) {
        const pf_hit *h = &a->hits.hits[g->first + i];
        pf_json_begin_object(w, NULL);
        pf_json_write_int(w, "id", h->id);
        pf_json_write_path(w, "path", h->path);
        pf_json_write_real(w, "score", h->score, 7);
        pf_json_write_string(w, "caption", h->caption);
        write_captions(w, h);
        pf_json_write_string(w, "case", h->case_key);
        pf_json_end_object(w);
    }
    pf_json_end_array(w);
    pf_json_end_object(w);
}

static void write_groups(pf_json_writer *w, const pf_answer *a)
{
    pf_json_write_real(w, "threshold", a->duplicates, 7);
    pf_json_begin_array(w, "groups");
    for (size_t i = 0; i < a->about.n_groups; i++)
        write_group(w, a, &a->groups[i]);
    pf_json_end_array(w);
}

static void write_vector(pf_json_writer *w, const pf_answer *a)
{
    pf_json_write_int(w, "dim", (int64_t)a->dim);
    pf_json_begin_array(w, "vector");
    for (size_t i = 0; i < a->dim; i++)
        pf_json_write_real(w, NULL, a->vector[i], 9);
    pf_json_end_array(w);
    if (a->tokens) {
        pf_json_begin_array(w, "token_ids");
        for (size_t i = 0; i < a->n_tokens; i++)
            pf_json_write_int(w, NULL, a->tokens[i]);
        pf_json_end_array(w);
    }
    pf_json_write_bool(w, "truncated", a->about.is_truncated);
}

static void write_figures(pf_json_writer *w, const char *key, const pf_figures *f)
{
    enum { DIGITS = 10 };
    if (!f)
        return;
    pf_json_begin_object(w, key);
    pf_json_write_int(w, "questions", (int64_t)f->questions);
    for (int m = 0; m < PF_N_METRICS; m++) {
        pf_json_begin_object(w, pf_metric_name((pf_metric)m));
        pf_json_write_real(w, "value", f->of[m].value, DIGITS);
        pf_json_write_real(w, "low", f->of[m].low, DIGITS);
        pf_json_write_real(w, "high", f->of[m].high, DIGITS);
        pf_json_end_object(w);
    }
    pf_json_write_real(w, "seconds", f->seconds, 4);
    pf_json_end_object(w);
}

static void write_evaluation(pf_json_writer *w, const pf_answer *a)
{
    const pf_evaluation *e = &a->evaluation;
    pf_json_begin_object(w, "evaluation");
    pf_json_write_int(w, "questions", (int64_t)e->questions);
    pf_json_write_int(w, "skipped", (int64_t)e->skipped);
    pf_json_write_int(w, "images", (int64_t)e->images);
    pf_json_write_int(w, "seed", (int64_t)a->seed);
    pf_json_write_int(w, "resamples", (int64_t)e->resamples);
    pf_json_begin_object(w, "text_to_image");
    write_figures(w, "meaning", e->meaning);
    write_figures(w, "words", e->words);
    write_figures(w, "both", e->both);
    pf_json_end_object(w);
    if (e->image_to_text) {
        pf_json_begin_object(w, "image_to_text");
        write_figures(w, "meaning", e->image_to_text);
        pf_json_end_object(w);
    }
    pf_json_end_object(w);
}

/* ---- all of it ---- */

static void write_answer(pf_json_writer *w, const pf_answer *a)
{
    static void (*const write[])(pf_json_writer *, const pf_answer *) = {
        [PF_JOB_SEARCH] = write_hits,
        [PF_JOB_CLASSIFY_PICTURES] = write_pictures,
        [PF_JOB_CLASSIFY_HITS] = write_classified_hits,
        [PF_JOB_PHRASES] = write_hits,
        [PF_JOB_EMBED] = write_vector,
        [PF_JOB_DUPLICATES] = write_groups,
        [PF_JOB_EVALUATE] = write_evaluation,
        [PF_JOB_VALUES] = write_values,
    };
    pf_json_begin_object(w, NULL);
    if (a->id)
        pf_json_write_json(w, "id", a->id);
    pf_json_write_json(w, "query", a->query);
    pf_json_write_real(w, "took_ms", a->about.took_ms, 4);
    write[a->about.job](w, a);
    pf_json_end_object(w);
}

bool pf_answer_get_json(const pf_answer *a, char **out, size_t *size, pf_err *err)
{
    page p;
    *out = NULL;
    if (!begin_page(&p, err))
        return false;
    write_answer(&p.json, a);
    *out = end_page(&p, size, err);
    return *out != NULL;
}

char *pf_error_json(const pf_err *why, const pf_request *request)
{
    page p;
    if (!begin_page(&p, NULL))
        return NULL;
    pf_json_begin_object(&p.json, NULL);
    if (request && request->id)
        pf_json_write_json(&p.json, "id", request->id);
    pf_json_begin_object(&p.json, "error");
    pf_json_write_string(&p.json, "code", pf_code_name(why->code));
    pf_json_write_string(&p.json, "message", why->msg);
    pf_json_end_object(&p.json);
    pf_json_end_object(&p.json);
    return end_page(&p, NULL, NULL);
}
