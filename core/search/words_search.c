/*
 * words_search.c - see words_search.h.
 *
 * The words of a question are asked for from the rarest to the most common one: rows
 * with the first, then those with the second and not the first, and so on. For each row
 * the index says the most that it can be worth. The best of these are read: their words
 * are looked for in the text (the same terms as in the index), and each mention is
 * checked for negation, which can only make them worth less. As soon as `limit` are
 * worth more than any row that was not read can be, the answer is complete: of a word
 * that half of all captions have, most of these are never looked at. (The idea is that
 * of MaxScore: H. Turtle, J. Flood, "Query evaluation: strategies and optimizations",
 * 1995.) Where all that has all words is to be counted, those of its rows that were not
 * looked at so far are then.
 */
#include "core/search/words_search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/ids.h"
#include "core/base/mem.h"
#include "core/words/words_query.h"

/* Of a long question the words behind the first few are asked for together: else each
 * would be, with all that come behind it. */
enum { PASSES_MAX = 4 };

/* ---- a set of ids ---------------------------------------------------------------- */

typedef struct {
    int64_t *at; /* [room], a power of two; 0 is an empty place */
    size_t n, room;
} id_set;

/* Where it is, or would be; there must be room. */
static size_t place_of(const id_set *s, int64_t id)
{
    size_t i = (size_t)((uint64_t)id * 0x9E3779B97F4A7C15u >> 20) & (s->room - 1);
    while (s->at[i] != 0 && s->at[i] != id)
        i = (i + 1) & (s->room - 1);
    return i;
}

static bool make_room(id_set *s, pf_err *err)
{
    if (2 * s->n < s->room)
        return true;
    id_set more = {.n = s->n, .room = s->room ? 2 * s->room : 256};
    if (!(more.at = pf_alloc_array(more.room, sizeof *more.at, err)))
        return false;
    for (size_t i = 0; i < s->room; i++) {
        if (s->at[i] != 0)
            more.at[place_of(&more, s->at[i])] = s->at[i];
    }
    pf_free(s->at);
    *s = more;
    return true;
}

static bool has_id(const id_set *s, int64_t id)
{
    return s->n > 0 && s->at[place_of(s, id)] == id;
}

/* *is_new tells whether it was not there. Ids are not 0. */
static bool put_id(id_set *s, int64_t id, bool *is_new, pf_err *err)
{
    if (!make_room(s, err))
        return false;
    const size_t i = place_of(s, id);
    *is_new = s->at[i] == 0;
    s->at[i] = id;
    s->n += *is_new;
    return true;
}

/* The ids one behind the other, in no order; how many. It is no set from now on. */
static size_t close_ranks(id_set *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->room; i++) {
        if (s->at[i] != 0)
            s->at[n++] = s->at[i];
    }
    return n;
}

/* ---- what words are worth -------------------------------------------------------- */

/* How many rows have a leaf in a field, at most: as many as its rarest word. */
static bool count_leaf(pf_store *store, const pf_words_query *q, const pf_leaf *l,
                       pf_field field, int64_t *out, pf_err *err)
{
    char term[PF_TERMS_MAX_WORD + PF_TERMS_MAX_WORD];
    const char mark = pf_field_mark(field);
    *out = 0;
    for (size_t i = 0; i < l->n_words; i++) {
        int64_t n;
        snprintf(term, sizeof term, "%.1s%s%s%s", &mark, mark ? "=" : "",
                 l->kind == PF_LEAF_PREFIX ? PF_PLAIN_MARK : "",
                 pf_words_query_word(q, l, i));
        if (!pf_store_count_rows_with(store, term, &n, err))
            return false;
        *out = i == 0 || n < *out ? n : *out;
    }
    return true;
}

/* Of the group: as many as the most frequent of its names, in the field that has it
 * most often. */
static bool count_group(pf_store *store, const pf_words_query *q,
                        const pf_word_group *g, pf_field_set fields, int64_t *out,
                        pf_err *err)
{
    *out = 0;
    for (int f = 0; f < PF_FIELDS; f++) {
        for (size_t i = 0; pf_field_set_has(fields, (pf_field)f) && i < g->n_leaves;
             i++) {
            const pf_leaf *l = &q->leaves[g->first_leaf + i];
            int64_t n;
            if (!count_leaf(store, q, l, (pf_field)f, &n, err))
                return false;
            *out = n > *out ? n : *out;
        }
    }
    return true;
}

bool pf_words_scale_make(pf_words_scale *out, pf_store *store, const pf_words_query *q,
                         pf_field_set fields, pf_err *err)
{
    int64_t n_rows, n_words;
    pf_field_set there;
    *out = (pf_words_scale){0};
    if (!pf_store_get_words_size(store, &n_rows, &n_words, err) ||
        !pf_store_find_fields(store, &there, err))
        return false;
    out->fields = (fields ? fields : PF_FIELDS_ALL) & there;
    const pf_field_set captions = 1u << PF_FIELD_CAPTION, cases = 1u << PF_FIELD_CASE;
    const pf_field_set counted = /* which have the same words in the index */
        out->fields & captions ? out->fields & ~cases : out->fields;
    out->usual_size = n_rows > 0 ? (double)n_words / (double)n_rows : 0;
    for (size_t g = 0; g < q->n_groups; g++) {
        int64_t n;
        if (!count_group(store, q, &q->groups[g], counted, &n, err))
            return false;
        out->worth[g] = pf_weigh_group(q, &q->groups[g], (double)n, (double)n_rows);
    }
    return true;
}

pf_words_hit pf_words_hit_of(const pf_words_query *q, const pf_words_scale *scale,
                             const pf_found *found, int64_t row, int64_t image_id)
{
    bool present[PF_WORDS_MAX_GROUPS];
    pf_words_hit hit = {.caption_id = row > 0 ? row : 0, .image_id = image_id};
    for (size_t g = 0; g < q->n_groups; g++) {
        present[g] = pf_found_is_there(&found[g]);
        if (!present[g] || q->groups[g].is_excluded)
            continue;
        hit.score += pf_weigh_score(scale->worth[g], &found[g]);
        hit.matched++;
        hit.fields |= 1u << found[g].field;
    }
    if (!pf_words_query_fits(q, present))
        return (pf_words_hit){0};
    if (q->n_steps > 0)
        hit.matched = q->n_groups;
    return hit;
}

/* ---- candidates ------------------------------------------------------------------ */

typedef pf_store_candidate candidate;

typedef struct {
    const pf_words *words;
    pf_store *store;
    const pf_words_ask *ask;
    const pf_words_query *query;
    pf_words_scale scale;
    size_t order[PF_WORDS_MAX_GROUPS]; /* groups, the rarest first */
    size_t n_order;
    pf_words_doc doc; /* the one that is looked at */
    candidate *heap;  /* not read so far; the best is the first */
    size_t n_heap, room_heap;
    pf_words_hit *hits;
    size_t n_hits, room;
    double *best; /* scores of the best hits, `limit` at most, of each image one; a heap
                     whose first is the lowest */
    size_t n_best, room_best;
    id_set images;     /* of the hits, by image */
    bool reads_all;    /* that fits, however low */
    bool trusts_index; /* where that says all */
    id_set read;       /* rows, if all are counted, */
    id_set all;        /* and captions, or images, with all words; or some */
} walk;

bool pf_words_is_wanted(const pf_words_ask *ask, int64_t image_id)
{
    return !ask->images || pf_ids_find(ask->images, ask->n_images, image_id, NULL);
}

static bool is_before(const candidate *a, const candidate *b)
{
    return a->most != b->most ? a->most > b->most : a->row < b->row;
}

static bool take_candidate(void *user, const candidate *c, pf_err *err)
{
    walk *w = user;
    if (c->row < 0 && !w->ask->by_image)
        return true;
    if (!pf_grow_array(&w->heap, &w->room_heap, w->n_heap, sizeof *w->heap, err))
        return false;
    size_t i = w->n_heap++;
    for (; i > 0 && is_before(c, &w->heap[(i - 1) / 2]); i = (i - 1) / 2)
        w->heap[i] = w->heap[(i - 1) / 2];
    w->heap[i] = *c;
    return true;
}

static candidate pop_candidate(walk *w)
{
    const candidate top = w->heap[0], last = w->heap[--w->n_heap];
    size_t i = 0;
    for (size_t next; (next = 2 * i + 1) < w->n_heap; i = next) {
        if (next + 1 < w->n_heap && is_before(&w->heap[next + 1], &w->heap[next]))
            next++;
        if (!is_before(&w->heap[next], &last))
            break;
        w->heap[i] = w->heap[next];
    }
    w->heap[i] = last;
    return top;
}

/* Of `limit` scores that are kept the lowest makes room for a higher one. */
static bool keep_best(walk *w, double score, pf_err *err)
{
    size_t i;
    if (w->n_best < w->ask->limit) {
        if (!pf_grow_array(&w->best, &w->room_best, w->n_best, sizeof *w->best, err))
            return false;
        i = w->n_best++;
        for (; i > 0 && score < w->best[(i - 1) / 2]; i = (i - 1) / 2)
            w->best[i] = w->best[(i - 1) / 2];
        w->best[i] = score;
        return true;
    }
    if (score <= w->best[0])
        return true;
    i = 0;
    for (size_t next; (next = 2 * i + 1) < w->n_best; i = next) {
        if (next + 1 < w->n_best && w->best[next + 1] < w->best[next])
            next++;
        if (w->best[next] >= score)
            break;
        w->best[i] = w->best[next];
    }
    w->best[i] = score;
    return true;
}

/* Is nothing that is worth at most so much among the best? */
static bool is_complete(const walk *w, double most)
{
    return !w->reads_all && w->n_best == w->ask->limit && w->best[0] > most;
}

static bool add_hit(walk *w, const pf_words_hit *hit, pf_err *err)
{
    const bool by_image = w->ask->by_image;
    const bool counts = w->ask->counts_some ||
                        (w->ask->counts_all && hit->matched == w->query->n_groups);
    const int64_t id = by_image ? hit->image_id : hit->caption_id;
    bool is_new = true, is_first;
    if (!pf_grow_array(&w->hits, &w->room, w->n_hits, sizeof *w->hits, err) ||
        (by_image && !put_id(&w->images, id, &is_new, err)) ||
        (counts && !put_id(&w->all, id, &is_first, err)))
        return false;
    w->hits[w->n_hits++] = *hit;
    return !is_new || keep_best(w, hit->score, err);
}

static bool is_row_wanted(walk *w, int64_t row, bool *out, pf_err *err)
{
    int64_t image_id;
    *out = true;
    if (!w->ask->images)
        return true;
    if (!pf_store_find_row_image(w->store, row, &image_id, err))
        return false;
    *out = pf_words_is_wanted(w->ask, image_id);
    return true;
}

static bool read_row(walk *w, int64_t row, pf_err *err)
{
    pf_store_word_row read = {0};
    bool is_wanted;
    if (!is_row_wanted(w, row, &is_wanted, err) ||
        (is_wanted && !pf_store_get_word_row(w->store, row, &read, err)))
        return false;
    const pf_words_said said = {read.caption, read.is_of_case, read.others};
    bool ok = read.image_id == 0 || pf_words_doc_read(&w->doc, w->words, &said, err);
    if (ok && w->ask->rows && read.image_id != 0 && !read.is_of_case)
        pf_word_rows_learn(w->ask->rows, row, pf_words_doc_denied(&w->doc));
    if (ok && read.image_id != 0) {
        pf_found found[PF_WORDS_MAX_GROUPS];
        for (size_t g = 0; g < w->query->n_groups; g++)
            found[g] = pf_words_doc_find(&w->doc, w->query, &w->query->groups[g],
                                         w->scale.fields, w->scale.usual_size);
        const pf_words_hit hit =
            pf_words_hit_of(w->query, &w->scale, found, row, read.image_id);
        ok = hit.matched == 0 || add_hit(w, &hit, err);
    }
    pf_store_word_row_reset(&read);
    return ok;
}

/* Does the index say all that the row's text would, and what? What is excluded it was
 * not asked for; and what is in captions and in those of cases it does not tell apart.
 */
static bool is_known(const walk *w, const candidate *c, pf_word_row *out)
{
    return w->trusts_index && c->is_exact &&
           pf_word_rows_find(w->ask->rows, c->row, out) && !(out->denied & c->words);
}

/* As pf_words_hit_of() of what its text has. */
static pf_words_hit hit_of(const walk *w, const candidate *c, int64_t image_id)
{
    bool present[PF_WORDS_MAX_GROUPS];
    pf_words_hit hit = {.caption_id = c->row > 0 ? c->row : 0,
                        .image_id = image_id,
                        .score = c->most,
                        .fields = c->fields};
    for (size_t g = 0; g < w->query->n_groups; g++) {
        present[g] = c->groups >> g & 1;
        hit.matched += present[g];
    }
    if (!pf_words_query_fits(w->query, present))
        return (pf_words_hit){0};
    if (w->query->n_steps > 0)
        hit.matched = w->query->n_groups;
    return hit;
}

static bool look_at(walk *w, const candidate *c, pf_err *err)
{
    pf_word_row row;
    bool is_new;
    if (w->ask->counts_all && !put_id(&w->read, c->row, &is_new, err))
        return false;
    if (!is_known(w, c, &row))
        return read_row(w, c->row, err);
    if (!pf_words_is_wanted(w->ask, row.image_id))
        return true;
    const pf_words_hit hit = hit_of(w, c, row.image_id);
    return hit.matched == 0 || add_hit(w, &hit, err);
}

static bool may_trust_index(const walk *w)
{
    bool is_any_excluded = false;
    for (size_t g = 0; g < w->query->n_groups; g++)
        is_any_excluded = is_any_excluded || w->query->groups[g].is_excluded;
    return w->ask->rows && !is_any_excluded &&
           pf_field_set_has(w->scale.fields, PF_FIELD_CAPTION) ==
               pf_field_set_has(w->scale.fields, PF_FIELD_CASE);
}

/* The rarest group first, so that rows with the others alone come last. */
static void order_groups(walk *w)
{
    for (size_t g = 0; g < w->query->n_groups; g++) {
        if (w->query->groups[g].is_excluded)
            continue;
        size_t at = w->n_order++;
        for (; at > 0 && w->scale.worth[w->order[at - 1]] < w->scale.worth[g]; at--)
            w->order[at] = w->order[at - 1];
        w->order[at] = g;
    }
}

/* Candidates that can be worth at least so much, until no other can be among the best.
 */
static bool look_at_best(walk *w, double least, pf_err *err)
{
    while (w->n_heap > 0 && w->heap[0].most >= least &&
           !is_complete(w, w->heap[0].most)) {
        const candidate c = pop_candidate(w);
        if (!look_at(w, &c, err))
            return false;
    }
    return true;
}

/* What the groups from this one of the order on can be worth together. */
static double rest_from(const walk *w, size_t from)
{
    double rest = 0;
    for (size_t i = from; i < w->n_order; i++)
        rest += pf_weigh_most(w->scale.worth[w->order[i]]);
    return rest;
}

static pf_store_match match_of(const walk *w, bool needs_all)
{
    return (pf_store_match){.query = w->query,
                            .fields = w->scale.fields,
                            .order = w->order,
                            .n = w->n_order,
                            .needs_all = needs_all,
                            .worth = w->scale.worth,
                            .usual_size = w->scale.usual_size};
}

static bool find_best(walk *w, pf_err *err)
{
    pf_store_match match = match_of(w, pf_words_query_needs_all(w->query));
    if (match.needs_all)
        return pf_store_each_candidate(w->store, &match, take_candidate, w, err) &&
               look_at_best(w, 0, err);
    for (; match.from < match.n && !is_complete(w, rest_from(w, match.from));
         match.from++) {
        match.takes_rest = w->reads_all || match.from == PASSES_MAX;
        if (!pf_store_each_candidate(w->store, &match, take_candidate, w, err))
            return false;
        if (match.takes_rest)
            break;
        if (!look_at_best(w, rest_from(w, match.from + 1), err))
            return false;
    }
    return look_at_best(w, 0, err);
}

/* Rows with all words that were not among the best. */
static bool find_others_with_all(walk *w, pf_err *err)
{
    const pf_store_match match = match_of(w, true);
    w->n_heap = 0;
    bool ok = pf_store_each_candidate(w->store, &match, take_candidate, w, err);
    for (size_t i = 0; ok && i < w->n_heap; i++)
        ok = has_id(&w->read, w->heap[i].row) || look_at(w, &w->heap[i], err);
    return ok;
}

/* Rows with any of the words. */
static bool find_all_with_some(walk *w, pf_err *err)
{
    pf_store_match match = match_of(w, false);
    match.takes_rest = true;
    bool ok = pf_store_each_candidate(w->store, &match, take_candidate, w, err);
    for (size_t i = 0; ok && i < w->n_heap; i++)
        ok = look_at(w, &w->heap[i], err);
    return ok;
}

/* Where everything that fits has all words, it is read in one go. */
static bool find(walk *w, pf_err *err)
{
    w->reads_all =
        w->ask->counts_all && (w->query->n_steps > 0 || w->query->n_groups == 1);
    if (w->ask->counts_some)
        return find_all_with_some(w, err);
    if (!find_best(w, err))
        return false;
    const bool is_whole = w->reads_all || w->n_best < w->ask->limit;
    return !w->ask->counts_all || is_whole || find_others_with_all(w, err);
}

/* ---- the answer ------------------------------------------------------------------ */

int pf_words_best_first(const void *a, const void *b)
{
    const pf_words_hit *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return (x->caption_id > y->caption_id) - (x->caption_id < y->caption_id);
}

int pf_words_best_image_first(const void *a, const void *b)
{
    const pf_words_hit *x = a, *y = b;
    if (x->score == y->score && x->image_id != y->image_id)
        return x->image_id > y->image_id ? 1 : -1;
    return pf_words_best_first(a, b);
}

/* Sorted, of each image the first one if asked for by image, and no more than asked. */
static bool finish(walk *w, pf_words_answer *out, pf_err *err)
{
    const bool by_image = w->ask->by_image;
    size_t kept = 0;
    if (w->n_hits > 0)
        qsort(w->hits, w->n_hits, sizeof *w->hits,
              by_image ? pf_words_best_image_first : pf_words_best_first);
    w->images.n = 0;
    if (w->images.at)
        memset(w->images.at, 0, w->images.room * sizeof *w->images.at);
    for (size_t i = 0; i < w->n_hits && kept < w->ask->limit; i++) {
        bool is_new = true;
        if (by_image && !put_id(&w->images, w->hits[i].image_id, &is_new, err))
            return false;
        if (is_new)
            w->hits[kept++] = w->hits[i];
    }
    out->hits = w->hits;
    out->n_hits = kept;
    out->is_whole = kept < w->ask->limit;
    w->hits = NULL;
    out->n_all = close_ranks(&w->all);
    out->all = w->all.at;
    w->all.at = NULL;
    return true;
}

static bool search(walk *w, pf_words_answer *out, pf_err *err)
{
    pf_err local = PF_ERR_INIT;
    bool ok =
        pf_words_scale_make(&w->scale, w->store, w->query, w->ask->fields, &local);
    if (ok && w->scale.fields != 0) {
        order_groups(w);
        w->trusts_index = may_trust_index(w);
        ok = find(w, &local);
    }
    return (ok && finish(w, out, &local)) || pf_fail_as(err, &local);
}

bool pf_words_search(const pf_words *words, pf_store *store, const pf_words_ask *ask,
                     pf_words_answer *out, pf_err *err)
{
    *out = (pf_words_answer){0};
    pf_words_query q = {0};
    if (!pf_words_parse(&q, words, ask->text, err))
        return false;
    walk *w = pf_zalloc(sizeof *w, err);
    bool ok = w != NULL;
    if (ok) {
        w->words = words;
        w->store = store;
        w->ask = ask;
        w->query = &q;
        ok = search(w, out, err);
        pf_words_doc_reset(&w->doc);
        pf_free(w->heap);
        pf_free(w->best);
        pf_free(w->hits);
        pf_free(w->images.at);
        pf_free(w->read.at);
        pf_free(w->all.at);
        pf_free(w);
    }
    if (ok) {
        out->n_asked = q.n_groups;
        out->has_operator = q.n_steps > 0;
    }
    pf_words_query_reset(&q);
    return ok;
}

void pf_words_answer_reset(pf_words_answer *answer)
{
    pf_free(answer->hits);
    pf_free(answer->all);
    *answer = (pf_words_answer){0};
}
