/*
 * fusion.c - see fusion.h.
 *
 * Each ranking is taken to the same depth and becomes notes: this id has this rank
 * there. Notes are sorted by id, those of one id are added up, and the sums are sorted.
 * Images and cases have three rankings (the image, its best caption's meaning, its best
 * caption's words), captions two. A case stands where its best image does.
 *
 * How deep a look is must not show, or pages of an answer would not fit together. So
 * there are fixed depths, PF_FUSION_DEPTH and four times as many each time: an entry
 * belongs to the first of them at which some ranking has it, only what that look sees
 * is added up, and entries of a deeper look come behind those of all looks before.
 */
#include "core/search/fusion.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/ids.h"
#include "core/base/mem.h"
#include "core/search/cases.h"
#include "core/search/collapse.h"
#include "core/search/hits.h"
#include "core/search/matches.h"

enum {
    SMOOTHING = 10, /* k in 1 / (k + rank) */
    DEEPER = 4,     /* so many times, each look */
};

typedef enum { MEANING, CAPTIONS, WORDS, N_RANKINGS } ranking;

/* What one ranking says about an image or caption. */
typedef struct {
    int64_t id;
    ranking from;
    size_t depth; /* of the look that sees it */
    pf_reason reason;
    int64_t caption_id;  /* that it is about; 0: none */
    pf_field_set fields; /* in which words are */
} note;

typedef struct {
    int64_t id;
    size_t depth; /* of the first look that sees it */
    double fused, score;
    pf_reason reasons[N_RANKINGS]; /* rank 0: not among them */
    int64_t captions[N_RANKINGS];  /* that these are about */
    pf_field_set fields;           /* in which words are */
} entry;

typedef struct {
    const pf_fusion *f;
    const pf_query *q;
    size_t depth;
    bool
        may_go_deeper; /* a deeper look could see hits that are not among the entries */
    pf_id_set captions; /* those of the images that may be found */
    pf_case_map cases;  /* when cases are looked for */
    bool finds_all;     /* what matches is to be known, too */
    note *notes;
    size_t n_notes, room;
    entry *entries;
    size_t n_entries;
    pf_hits *out;
} mix;

static bool finds_captions(const mix *m)
{
    return m->q->find == PF_FIND_CAPTIONS;
}

/* ---- rankings -------------------------------------------------------------------- */

static size_t depth_for(size_t n)
{
    size_t depth = PF_FUSION_DEPTH;
    while (depth < n)
        depth *= DEEPER;
    return depth;
}

/* `at` counts from 0, and those that are left out, too. */
static bool add_note(mix *m, int64_t id, ranking from, int64_t caption_id, size_t at,
                     size_t rank, double score, pf_err *err)
{
    if (!pf_grow_array(&m->notes, &m->room, m->n_notes, sizeof *m->notes, err))
        return false;
    m->notes[m->n_notes++] =
        (note){id, from, depth_for(at + 1), {rank, score}, caption_id, 0};
    return true;
}

static bool is_like(const mix *m, int64_t image_id)
{
    for (size_t i = 0; i < m->f->n_like; i++) {
        if (m->f->like[i] == image_id)
            return true;
    }
    return false;
}

static const pf_id_set *only_captions(const mix *m)
{
    return m->f->only_captions ? m->f->only_captions : m->f->only ? &m->captions : NULL;
}

static bool note_meaning(mix *m, const pf_neighbours *found, pf_err *err)
{
    bool ok = true;
    m->may_go_deeper =
        found->n == m->depth && found->scores[found->n - 1] >= m->q->min_score;
    for (size_t i = 0, rank = 0; ok && i < found->n; i++) {
        if (!finds_captions(m) && is_like(m, found->ids[i]))
            continue;
        if (++rank == 1)
            m->out->best = found->scores[i];
        ok = add_note(m, found->ids[i], MEANING, 0, i, rank, found->scores[i], err);
    }
    return ok;
}

/* By what is looked for itself: images, or captions. */
static bool rank_by_meaning(mix *m, pf_err *err)
{
    const pf_fusion *f = m->f;
    pf_neighbours found = {0};
    if (f->near_images)
        return note_meaning(m, f->near_images, err);
    const bool ok =
        (finds_captions(m) ? pf_neighbours_find(&found, f->captions, f->vector,
                                                m->depth, only_captions(m), err)
                           : pf_neighbours_find(&found, f->images, f->vector, m->depth,
                                                f->only, err)) &&
        note_meaning(m, &found, err);
    pf_neighbours_reset(&found);
    return ok;
}

static bool find_image_of(const pf_fusion *f, int64_t caption_id, int64_t *image_id,
                          pf_err *err)
{
    char *text = NULL;
    pf_word_row row;
    if (f->many) {
        *image_id = pf_words_many_image_of(f->many, caption_id);
        return true;
    }
    if (f->rows && pf_word_rows_find(f->rows, caption_id, &row)) {
        *image_id = row.image_id;
        return true;
    }
    const bool ok = pf_store_get_caption(f->store, caption_id, &text, image_id, err);
    pf_free(ok ? text : NULL);
    return ok;
}

static bool note_captions(mix *m, const pf_neighbours *found, pf_err *err)
{
    bool ok = true;
    for (size_t i = 0, rank = 0; ok && i < found->n; i++) {
        int64_t image_id = 0;
        ok = find_image_of(m->f, found->ids[i], &image_id, err);
        if (ok && image_id != 0 && !is_like(m, image_id))
            ok = add_note(m, image_id, CAPTIONS, found->ids[i], i, ++rank,
                          found->scores[i], err);
    }
    return ok;
}

/* Images by the nearest of their captions: the first note of an image counts. */
static bool rank_by_captions(mix *m, pf_err *err)
{
    const pf_fusion *f = m->f;
    pf_neighbours found = {0};
    if (finds_captions(m) || !f->captions)
        return true;
    if (f->near_captions)
        return note_captions(m, f->near_captions, err);
    const bool ok = pf_neighbours_find(&found, f->captions, f->vector, m->depth,
                                       only_captions(m), err) &&
                    note_captions(m, &found, err);
    pf_neighbours_reset(&found);
    return ok;
}

static pf_words_ask ask_of(const mix *m)
{
    const pf_fusion *f = m->f;
    return (pf_words_ask){.text = f->phrase,
                          .fields = m->q->in,
                          .images = f->only ? f->only->ids : NULL,
                          .n_images = f->only ? f->only->n : 0,
                          .rows = f->rows,
                          .by_image = !finds_captions(m)};
}

static bool search_words(const mix *m, size_t limit, bool counts_all,
                         pf_words_answer *found, pf_err *err)
{
    const pf_fusion *f = m->f;
    pf_words_ask ask = ask_of(m);
    ask.limit = limit;
    ask.counts_all = counts_all;
    return f->many ? pf_words_many_search(f->many, f->store, &ask, found, err)
                   : pf_words_search(f->words, f->store, &ask, found, err);
}

static int64_t id_of(const mix *m, const pf_words_hit *h)
{
    return finds_captions(m) ? h->caption_id : h->image_id;
}

static bool note_words(mix *m, const pf_words_answer *found, pf_err *err)
{
    const size_t n = found->n_hits;
    bool ok = true;
    m->out->has_all_words =
        n > 0 && found->hits[0].matched == found->n_asked && !found->has_operator;
    if (!m->f->vector)
        m->may_go_deeper = n == m->depth;
    for (size_t i = 0, rank = 0; ok && i < n; i++) {
        const pf_words_hit *h = &found->hits[i];
        const int64_t id = id_of(m, h);
        if (!finds_captions(m) && is_like(m, id))
            continue;
        m->out->has_words_hits = true;
        ok = add_note(m, id, WORDS, h->caption_id, i, ++rank, h->score, err);
        if (ok)
            m->notes[m->n_notes - 1].fields = h->fields;
    }
    return ok;
}

static bool find_matches(mix *m, const pf_words_answer *ranked, pf_err *err);

static bool rank_by_words(mix *m, pf_err *err)
{
    pf_words_answer found = {0};
    pf_err local = PF_ERR_INIT;
    bool ok = search_words(m, m->depth, m->finds_all, &found, &local);
    if (!ok && local.code == PF_ERR_MISUSE && m->f->may_lack_words)
        return true;
    if (!ok)
        return pf_fail_as(err, &local);
    ok = note_words(m, &found, err) && (!m->finds_all || find_matches(m, &found, err));
    pf_words_answer_reset(&found);
    return ok;
}

/* ---- what matches ---------------------------------------------------------------- */

/* A caption may; an image that was not asked with, and has a case, of none of them,
 * where cases are found. */
static bool may_stand(const mix *m, int64_t image_id)
{
    if (m->q->find == PF_FIND_IMAGES)
        return !is_like(m, image_id);
    if (m->q->find == PF_FIND_CAPTIONS)
        return true;
    const pf_case_image *image = pf_case_map_find(&m->cases, image_id);
    bool is_wanted = image != NULL;
    for (size_t k = 0; is_wanted && k < m->f->n_like; k++) {
        const pf_case_image *like = pf_case_map_find(&m->cases, m->f->like[k]);
        is_wanted = !like || like->case_id != image->case_id;
    }
    return is_wanted;
}

/* Of what words have found that which has all of them, or some, and is not below the
 * lowest score. */
static bool take_matches(const mix *m, const pf_words_answer *found, bool has_all,
                         pf_id_set *out, pf_err *err)
{
    const size_t n = has_all ? found->n_all : found->n_hits;
    pf_id_set set = {.ids = pf_alloc_array(n, sizeof *set.ids, err)};
    if (!set.ids)
        return false;
    for (size_t i = 0; i < n; i++) {
        const int64_t id = has_all ? found->all[i] : id_of(m, &found->hits[i]);
        const bool fits = has_all || found->hits[i].matched < found->n_asked;
        if (fits && may_stand(m, id))
            set.ids[set.n++] = id;
    }
    set.n = pf_ids_sort(set.ids, set.n);
    if (!m->f->vector || m->q->min_score <= -1) {
        *out = set;
        return true;
    }
    const bool ok =
        pf_matches_near(out, finds_captions(m) ? m->f->captions : m->f->images,
                        m->f->vector, m->q->min_score, &set, err);
    pf_id_set_reset(&set);
    return ok;
}

/* Where nothing has all words, whatever has any has some. */
static bool count_with_some(mix *m, pf_err *err)
{
    pf_words_ask ask = ask_of(m);
    pf_words_answer found = {0};
    ask.limit = 1;
    ask.counts_some = true;
    const bool ok = pf_words_search(m->f->words, m->f->store, &ask, &found, err) &&
                    take_matches(m, &found, true, &m->out->found, err);
    pf_words_answer_reset(&found);
    return ok;
}

static bool find_with_some(mix *m, const pf_words_answer *ranked, pf_err *err)
{
    pf_hits *out = m->out;
    pf_words_answer found = {0};
    pf_id_set_reset(&out->found);
    if (ranked->is_whole || ranked->has_operator || ranked->n_asked == 1)
        return take_matches(m, ranked, false, &out->found, err);
    if (!m->f->many && ranked->n_all == 0)
        return count_with_some(m, err);
    const bool ok = search_words(m, SIZE_MAX, false, &found, err) &&
                    take_matches(m, &found, false, &out->found, err);
    pf_words_answer_reset(&found);
    return ok;
}

/* What has all words; when that may not be found, what has some. */
static bool find_matches(mix *m, const pf_words_answer *ranked, pf_err *err)
{
    pf_hits *out = m->out;
    out->total_of = PF_TOTAL_OF_ALL_WORDS;
    bool ok = take_matches(m, ranked, true, &out->found, err);
    if (ok && out->found.n == 0) {
        out->total_of = PF_TOTAL_OF_SOME_WORDS;
        ok = find_with_some(m, ranked, err);
    }
    out->has_found = out->found.n > 0 || !m->f->vector;
    if (!out->has_found) {
        pf_id_set_reset(&out->found);
        out->total_of = PF_TOTAL_OF_FILTERS;
    }
    return ok;
}

/* ---- fusing ---------------------------------------------------------------------- */

static int by_id_ranking_rank(const void *a, const void *b)
{
    const note *x = a, *y = b;
    if (x->id != y->id)
        return x->id > y->id ? 1 : -1;
    if (x->from != y->from)
        return x->from > y->from ? 1 : -1;
    return (x->reason.rank > y->reason.rank) - (x->reason.rank < y->reason.rank);
}

static int best_first(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->depth != y->depth)
        return x->depth > y->depth ? 1 : -1;
    if (x->fused != y->fused)
        return x->fused > y->fused ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

/* The entry of an id, from all of its notes [n]. */
static entry add_up(const note *notes, size_t n)
{
    entry e = {.id = notes[0].id, .depth = notes[0].depth};
    for (size_t i = 1; i < n; i++) {
        if (notes[i].depth < e.depth)
            e.depth = notes[i].depth;
    }
    for (size_t i = 0; i < n; i++) {
        pf_reason *reason = &e.reasons[notes[i].from];
        if (notes[i].depth > e.depth || reason->rank != 0)
            continue; /* too far down; or another caption of the image */
        *reason = notes[i].reason;
        e.captions[notes[i].from] = notes[i].caption_id;
        e.fields |= notes[i].fields;
        e.fused += 1.0 / (SMOOTHING + (double)reason->rank);
    }
    return e;
}

static bool fuse(mix *m, pf_err *err)
{
    if (m->n_notes == 0)
        return true;
    qsort(m->notes, m->n_notes, sizeof *m->notes, by_id_ranking_rank);
    m->entries = pf_alloc_array(m->n_notes, sizeof *m->entries, err);
    if (!m->entries)
        return false;
    for (size_t i = 0, n; i < m->n_notes; i += n) {
        for (n = 1; i + n < m->n_notes; n++) {
            if (m->notes[i + n].id != m->notes[i].id)
                break;
        }
        m->entries[m->n_entries++] = add_up(m->notes + i, n);
    }
    return true;
}

static entry *find_entry(const mix *m, int64_t id)
{
    const size_t at =
        pf_ids_lower(&m->entries->id, m->n_entries, sizeof *m->entries, id);
    return at < m->n_entries && m->entries[at].id == id ? &m->entries[at] : NULL;
}

/* The cosine of every entry, those included that only words have found. Entries are
 * still in the order of ids. */
static bool score_entries(mix *m, pf_err *err)
{
    pf_neighbours found = {0};
    pf_id_set ids = {.n = m->n_entries};
    ids.ids = pf_alloc_array(m->n_entries, sizeof *ids.ids, err);
    bool ok = ids.ids != NULL;
    for (size_t i = 0; ok && i < m->n_entries; i++)
        ids.ids[i] = m->entries[i].id;
    ok = ok &&
         pf_neighbours_find(&found, finds_captions(m) ? m->f->captions : m->f->images,
                            m->f->vector, ids.n, &ids, err);
    for (size_t i = 0; ok && i < found.n; i++) {
        entry *e = find_entry(m, found.ids[i]);
        if (e)
            e->score = found.scores[i];
    }
    pf_neighbours_reset(&found);
    pf_id_set_reset(&ids);
    return ok;
}

static void drop_low(mix *m)
{
    size_t kept = 0;
    for (size_t i = 0; i < m->n_entries; i++) {
        if (m->entries[i].score >= m->q->min_score)
            m->entries[kept++] = m->entries[i];
    }
    m->n_entries = kept;
}

static bool rank_and_fuse(mix *m, pf_err *err)
{
    if (m->f->vector && !(rank_by_meaning(m, err) && rank_by_captions(m, err)))
        return false;
    return rank_by_words(m, err) && fuse(m, err);
}

/* Entries of images that have a case, but not one that was asked with. */
static void keep_cases(mix *m)
{
    size_t kept = 0;
    for (size_t i = 0; i < m->n_entries; i++) {
        if (may_stand(m, m->entries[i].id))
            m->entries[kept++] = m->entries[i];
    }
    m->n_entries = kept;
}

/* Only now is it known which images may stand for a case: what is told of all that may
 * be found is told of them. */
static void rank_cases(mix *m)
{
    pf_hits *out = m->out;
    keep_cases(m);
    out->best = -2;
    out->has_words_hits = false;
    for (size_t i = 0; i < m->n_entries; i++) {
        const entry *e = &m->entries[i];
        out->has_words_hits = out->has_words_hits || e->reasons[WORDS].rank != 0;
        if (m->f->vector)
            out->best = fmax(out->best, e->score);
    }
}

static bool rank_all(mix *m, pf_err *err)
{
    if (!rank_and_fuse(m, err) || (m->f->vector && !score_entries(m, err)))
        return false;
    for (size_t i = 0; !m->f->vector && i < m->n_entries; i++)
        m->entries[i].score = m->entries[i].reasons[WORDS].score;
    if (m->q->find == PF_FIND_CASES)
        rank_cases(m);
    if (m->f->vector)
        drop_low(m);
    return true;
}

static void sort(mix *m, int (*compare)(const void *, const void *))
{
    if (m->n_entries > 0)
        qsort(m->entries, m->n_entries, sizeof *m->entries, compare);
}

/* ---- hits ------------------------------------------------------------------------ */

/* What is shown of an image or a case is the caption whose words were found, else the
 * one whose meaning was. */
static bool tell(pf_hit *h, const entry *e, pf_err *err)
{
    const int64_t by_words = e->captions[WORDS], by_meaning = e->captions[CAPTIONS];
    h->score = e->score;
    h->fused = e->fused;
    h->by_meaning = e->reasons[MEANING];
    h->by_caption = e->reasons[CAPTIONS];
    h->by_words = e->reasons[WORDS];
    for (int f = 0, n = 0; f < PF_FIELDS; f++) {
        if (pf_field_set_has(e->fields, (pf_field)f))
            h->matched_in[n++] = pf_field_name((pf_field)f);
    }
    return pf_hits_show_caption(h, by_words != 0 ? by_words : by_meaning, err);
}

/* The first n entries as ids and fused values. */
static bool list(const mix *m, size_t n, pf_neighbours *out, pf_err *err)
{
    if (!pf_neighbours_alloc(out, n, err))
        return false;
    for (out->n = 0; out->n < n; out->n++) {
        out->ids[out->n] = m->entries[out->n].id;
        out->scores[out->n] = (float)m->entries[out->n].fused;
    }
    return true;
}

/* Unless a deeper look is wanted, and so are the next two. */
static bool fill(mix *m, pf_hits *out, bool *wants_more, pf_err *err)
{
    *wants_more = m->n_entries < m->q->limit && m->may_go_deeper;
    if (*wants_more)
        return true;
    const size_t n = m->n_entries < m->q->limit ? m->n_entries : m->q->limit;
    const size_t before = out->n_hits;
    pf_neighbours best = {0};
    bool ok =
        list(m, n, &best, err) &&
        pf_hits_fill(out, m->f->store, m->q->find, best.ids, best.scores, best.n, err);
    for (size_t i = 0; ok && i < n; i++)
        ok = tell(&out->hits[before + i], &m->entries[i], err);
    pf_neighbours_reset(&best);
    return ok;
}

/* As fill(), without near duplicates. */
static bool fill_collapsed(mix *m, pf_hits *out, bool *wants_more, pf_err *err)
{
    const pf_query *q = m->q;
    const size_t before = out->n_hits;
    pf_neighbours all = {0};
    pf_collapsed folded = {0};
    bool ok = list(m, m->n_entries, &all, err) &&
              pf_collapse(&folded, finds_captions(m) ? m->f->captions : m->f->images,
                          all.ids, all.n, q->collapse, q->limit, err);
    *wants_more = ok && folded.n_kept < q->limit && m->may_go_deeper;
    if (ok && !*wants_more) {
        for (size_t i = 0; i < folded.n_kept; i++)
            m->entries[i] = m->entries[folded.kept[i]];
        m->n_entries = folded.n_kept;
        m->may_go_deeper = false;
        ok = fill(m, out, wants_more, err) &&
             pf_collapse_tell(&folded, all.ids, out->hits + before, err);
    }
    pf_collapsed_reset(&folded);
    pf_neighbours_reset(&all);
    return ok;
}

/* What hits of cases have from the ranking is the fused value: tell the rest. */
static bool tell_cases(const mix *m, pf_hits *out, size_t before, pf_err *err)
{
    bool ok = true;
    for (size_t i = before; ok && i < out->n_hits; i++) {
        pf_hit *h = &out->hits[i];
        pf_hit_image *images = (pf_hit_image *)h->images; /* ours until it is told */
        for (size_t k = 0; k < h->n_images; k++) {
            const entry *e = find_entry(m, images[k].id);
            if (!e)
                continue; /* cases were made of entries: it is there */
            images[k].score = e->score;
            if (k == 0)
                ok = tell(h, e, err);
        }
    }
    return ok;
}

static int by_id(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static bool load_cases(mix *m, pf_err *err)
{
    return pf_case_map_load(&m->cases, m->f->store, err) &&
           (m->cases.n_cases > 0 ||
            pf_fail(err, PF_ERR_NOT_FOUND,
                    "catalog '%s' has no cases, only images and captions can be found "
                    "in it",
                    m->f->folder));
}

/* Cases that could be found, were the look deep enough. */
static size_t count_cases(const mix *m)
{
    size_t n = m->cases.n_cases;
    for (size_t i = 0; i < m->f->n_like; i++) {
        const pf_case_image *image = pf_case_map_find(&m->cases, m->f->like[i]);
        bool is_first = image != NULL;
        for (size_t k = 0; is_first && k < i; k++) {
            const pf_case_image *other = pf_case_map_find(&m->cases, m->f->like[k]);
            is_first = !other || other->case_id != image->case_id;
        }
        n -= is_first;
    }
    return n;
}

static bool fill_cases(mix *m, pf_hits *out, bool *wants_more, pf_err *err)
{
    pf_ranked_cases ranked = {0};
    pf_neighbours best = {0};
    const size_t before = out->n_hits;
    sort(m, best_first);
    bool ok = list(m, m->n_entries, &best, err) &&
              pf_cases_rank(&ranked, &m->cases, best.ids, best.scores, best.n,
                            m->q->limit, err);
    *wants_more = ok && m->may_go_deeper && ranked.n_cases < m->q->limit &&
                  ranked.n_cases < count_cases(m);
    if (ok && !*wants_more &&
        (ok = pf_hits_fill_cases(out, m->f->store, &ranked, err))) {
        sort(m, by_id);
        ok = tell_cases(m, out, before, err);
    }
    pf_neighbours_reset(&best);
    pf_ranked_cases_reset(&ranked);
    return ok;
}

/* All of it, with rankings of one depth. */
static bool run_to_depth(const pf_fusion *f, const pf_query *q, size_t depth,
                         bool is_first, pf_hits *out, bool *wants_more, pf_err *err)
{
    mix m = {.f = f, .q = q, .depth = depth, .finds_all = is_first, .out = out};
    bool ok = (!f->vector || !f->captions || !f->only || f->only_captions ||
               pf_scope_captions(&m.captions, f->store, f->only, err)) &&
              (q->find != PF_FIND_CASES || load_cases(&m, err)) && rank_all(&m, err);
    *wants_more = false;
    if (ok && q->find == PF_FIND_CASES) {
        ok = fill_cases(&m, out, wants_more, err);
    } else if (ok) {
        sort(&m, best_first);
        ok = q->collapses ? fill_collapsed(&m, out, wants_more, err)
                          : fill(&m, out, wants_more, err);
    }
    pf_id_set_reset(&m.captions);
    pf_case_map_reset(&m.cases);
    pf_free(m.notes);
    pf_free(m.entries);
    return ok;
}

/* Where there is one ranking, and what is told of a hit tells nothing of those behind
 * it, a look as deep as the answer is enough: its order is the same, whatever the
 * depth. */
static size_t first_depth(const pf_fusion *f, const pf_query *q)
{
    const size_t n = q->limit + f->n_like;
    const bool is_enough = !f->vector && q->find != PF_FIND_CASES && !q->collapses;
    return is_enough && n > 0 ? n : depth_for(n);
}

bool pf_fusion_run(const pf_fusion *f, const pf_query *q, pf_hits *out, pf_err *err)
{
    size_t depth = first_depth(f, q);
    bool ok, is_first = true, wants_more = false;
    do {
        ok = run_to_depth(f, q, depth, is_first, out, &wants_more, err);
        is_first = false;
        depth *= DEEPER;
    } while (ok && wants_more);
    return ok;
}

bool pf_fusion_rank(const pf_fusion *f, int64_t **ids, size_t *n, pf_err *err)
{
    pf_query q;
    pf_query_init(&q);
    pf_hits nobody = {0}; /* asks what else is told of the ranking */
    mix m = {.f = f, .q = &q, .depth = PF_FUSION_DEPTH, .out = &nobody};
    *n = 0;
    *ids = NULL;
    bool ok = (!f->vector || !f->captions || !f->only || f->only_captions ||
               pf_scope_captions(&m.captions, f->store, f->only, err)) &&
              rank_and_fuse(&m, err) &&
              (*ids = pf_alloc_array(m.n_entries, sizeof **ids, err)) != NULL;
    if (ok)
        sort(&m, best_first);
    for (; ok && *n < m.n_entries; (*n)++)
        (*ids)[*n] = m.entries[*n].id;
    pf_id_set_reset(&m.captions);
    pf_free(m.notes);
    pf_free(m.entries);
    return ok;
}
