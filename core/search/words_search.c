/*
 * words_search.c - see words_search.h.
 *
 * FTS5 gives candidates in the order of BM25, each is read again here: its words are
 * looked for (the same terms as in the index), and each mention is checked for
 * negation.
 *
 * Captions with all words of the question come first, as they were typed before those
 * with other names, so they are asked for in this order, and each walk ends as soon as
 * `limit` are found and the score falls. Only when there are too few, all captions with
 * any of the words are looked at.
 */
#include "core/search/words_search.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/ids.h"
#include "core/base/mem.h"
#include "core/words/words_query.h"
#include "core/words/words_text.h"

/* ---- a set of ids ---------------------------------------------------------------- */

typedef struct {
    int64_t *at; /* [room], a power of two; 0 is an empty place */
    size_t n, room;
} id_set;

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

/* *is_new tells whether it was not there. Ids are > 0. */
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

/* ---- candidates ------------------------------------------------------------------ */

typedef struct {
    const pf_words *words;
    pf_store *store;
    const pf_words_ask *ask;
    const pf_words_query *query;
    pf_words_text text;                                  /* the one that is looked at */
    enum { ALL_TYPED, ALL_NAMED, SOME, FITTING } wanted; /* in this walk */
    int64_t last_text; /* several captions may have the same */
    pf_words_count last;
    pf_words_hit *hits;
    size_t n_hits, room;
    id_set images;
    size_t n_found; /* captions, or images when asked for by image */
} walk;

bool pf_words_is_wanted(const pf_words_ask *ask, int64_t image_id)
{
    return !ask->images || pf_ids_find(ask->images, ask->n_images, image_id, NULL);
}

static bool read_candidate(walk *w, int64_t text_id, pf_err *err)
{
    char *text;
    if (text_id == w->last_text)
        return true;
    if (!pf_store_get_caption_text(w->store, text_id, &text, err))
        return false;
    const bool ok = pf_words_text_read(&w->text, w->words, text ? text : "", err);
    pf_free(text);
    w->last_text = text_id;
    w->last = ok ? pf_words_text_count(&w->text, w->query) : (pf_words_count){0};
    return ok;
}

static bool add_hit(walk *w, const pf_store_word_match *m, pf_err *err)
{
    bool is_new = true;
    if (!pf_grow_array(&w->hits, &w->room, w->n_hits, sizeof *w->hits, err))
        return false;
    if (w->ask->by_image && !put_id(&w->images, m->image_id, &is_new, err))
        return false;
    w->n_found += is_new;
    w->hits[w->n_hits++] = (pf_words_hit){.caption_id = m->caption_id,
                                          .image_id = m->image_id,
                                          .score = m->score,
                                          .matched = w->last.matched,
                                          .is_typed = w->last.typed == w->last.matched};
    return true;
}

/* Is the caption that was read one of those this walk is for? */
static bool is_of_walk(const walk *w)
{
    const size_t matched = w->last.matched, n = w->query->n_groups;
    switch (w->wanted) {
    case ALL_TYPED:
        return matched == n && w->last.typed == n;
    case ALL_NAMED:
        return matched == n && w->last.typed < n;
    case SOME:
        return matched > 0 && matched < n;
    case FITTING:
        break;
    }
    return matched > 0;
}

static bool take_candidate(void *user, const pf_store_word_match *m, bool *is_enough,
                           pf_err *err)
{
    walk *w = user;
    if (w->wanted != SOME && !w->ask->finds_all && w->n_found >= w->ask->limit &&
        m->score < w->hits[w->n_hits - 1].score) {
        *is_enough = true; /* what is as good as the last one may have a lower id */
        return true;
    }
    if (!pf_words_is_wanted(w->ask, m->image_id))
        return true;
    return read_candidate(w, m->text_id, err) && (!is_of_walk(w) || add_hit(w, m, err));
}

static bool walk_candidates(walk *w, const pf_words_query *query, bool all, pf_err *err)
{
    return pf_store_each_word_match(w->store, query, all, take_candidate, w, err);
}

/* `groups` is [n_groups] room for the question without other names. */
static bool walk_typed(walk *w, pf_word_group *groups, bool *has_names, pf_err *err)
{
    pf_words_query typed = *w->query;
    typed.groups = groups;
    *has_names = false;
    for (size_t g = 0; g < typed.n_groups; g++) {
        groups[g] = w->query->groups[g];
        *has_names |= groups[g].n_typed < groups[g].n_leaves;
        groups[g].n_leaves = groups[g].n_typed;
    }
    w->wanted = ALL_TYPED;
    return walk_candidates(w, &typed, true, err);
}

static bool find_all(walk *w, pf_err *err)
{
    const pf_words_query *q = w->query;
    pf_word_group groups[PF_WORDS_MAX_GROUPS];
    bool has_names;
    w->wanted = FITTING;
    if (q->n_steps > 0)
        return walk_candidates(w, q, pf_words_query_needs_all(q), err);
    if (!walk_typed(w, groups, &has_names, err))
        return false;
    w->wanted = ALL_NAMED;
    if ((w->n_found < w->ask->limit || w->ask->finds_all) && has_names &&
        !walk_candidates(w, q, true, err))
        return false;
    w->wanted = SOME;
    return w->n_found >= w->ask->limit || q->n_groups == 1 ||
           walk_candidates(w, q, false, err);
}

/* ---- the answer ------------------------------------------------------------------ */

int pf_words_best_first(const void *a, const void *b)
{
    const pf_words_hit *x = a, *y = b;
    if (x->matched != y->matched)
        return x->matched > y->matched ? -1 : 1;
    if (x->is_typed != y->is_typed)
        return x->is_typed ? -1 : 1;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return (x->caption_id > y->caption_id) - (x->caption_id < y->caption_id);
}

int pf_words_best_image_first(const void *a, const void *b)
{
    const pf_words_hit *x = a, *y = b;
    if (x->matched == y->matched && x->is_typed == y->is_typed &&
        x->score == y->score && x->image_id != y->image_id)
        return x->image_id > y->image_id ? 1 : -1;
    return pf_words_best_first(a, b);
}

/* Sorted, of each image the first one if asked for by image, and no more than asked. */
static bool finish(walk *w, pf_words_answer *out, pf_err *err)
{
    const bool by_image = w->ask->by_image;
    const size_t limit = w->ask->finds_all ? SIZE_MAX : w->ask->limit;
    size_t kept = 0;
    if (w->n_hits > 0)
        qsort(w->hits, w->n_hits, sizeof *w->hits,
              by_image ? pf_words_best_image_first : pf_words_best_first);
    w->images.n = 0;
    if (w->images.at)
        memset(w->images.at, 0, w->images.room * sizeof *w->images.at);
    for (size_t i = 0; i < w->n_hits && kept < limit; i++) {
        bool is_new = true;
        if (by_image && !put_id(&w->images, w->hits[i].image_id, &is_new, err))
            return false;
        if (is_new)
            w->hits[kept++] = w->hits[i];
    }
    out->hits = w->hits;
    out->n_hits = kept;
    w->hits = NULL;
    return true;
}

bool pf_words_search(const pf_words *words, pf_store *store, const pf_words_ask *ask,
                     pf_words_answer *out, pf_err *err)
{
    *out = (pf_words_answer){0};
    pf_words_query q = {0};
    if (!pf_words_parse(&q, words, ask->text, err))
        return false;
    walk w = {.words = words, .store = store, .ask = ask, .query = &q};
    const bool ok = find_all(&w, err) && finish(&w, out, err);
    if (ok) {
        out->n_asked = q.n_groups;
        out->is_cut = q.is_cut;
        out->has_operator = q.n_steps > 0;
    }
    pf_words_text_reset(&w.text);
    pf_free(w.hits);
    pf_free(w.images.at);
    pf_words_query_reset(&q);
    return ok;
}

void pf_words_answer_reset(pf_words_answer *answer)
{
    pf_free(answer->hits);
    *answer = (pf_words_answer){0};
}
