/*
 * words.c - see words.h.
 *
 * FTS5 gives candidates in the order of BM25, each is read again here: its words are
 * looked for (the same terms as in the index), and each mention is checked for
 * negation.
 *
 * Captions with all words of the question come first, so they are asked for first, and
 * that walk ends as soon as `limit` are found and the score falls. Only when there are
 * too few, all captions with any of the words are looked at.
 */
#include "core/words/words.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/catalog/terms.h"
#include "core/words/negex.h"
#include "core/words/synonyms.h"
#include "core/words/words_query.h"
#include "core/words/words_text.h"

enum { MATCH_MAX_BYTES = 1 << 20 };

struct pf_words {
    pf_synonyms *synonyms;
    pf_negex *negex; /* NULL: negation is ignored */
};

bool pf_words_new(pf_words **out, const pf_words_settings *settings, pf_err *err)
{
    static const pf_words_settings usual = {0};
    const pf_words_settings *s = settings ? settings : &usual;
    *out = NULL;
    pf_words *w = pf_zalloc(sizeof *w, err);
    if (!w)
        return false;
    if (!(s->synonyms ? pf_synonyms_open(&w->synonyms, s->synonyms, err)
                      : pf_synonyms_new(&w->synonyms, err)) ||
        (!s->ignores_negation && !pf_negex_new(&w->negex, err))) {
        pf_words_free(w);
        return false;
    }
    *out = w;
    return true;
}

void pf_words_free(pf_words *w)
{
    if (!w)
        return;
    pf_synonyms_free(w->synonyms);
    pf_negex_free(w->negex);
    pf_free(w);
}

/* ---- one text -------------------------------------------------------------------- */

/* What reading texts needs; used for one after another. */
typedef struct {
    const pf_words *words;
    const pf_words_query *query;
    pf_terms terms;
    pf_negations negations;
} reader;

static void reader_reset(reader *r)
{
    pf_terms_reset(&r->terms);
    pf_negations_reset(&r->negations);
}

/* Does leaf `l` stand at term i? */
static bool is_leaf_at(const reader *r, const pf_leaf *l, size_t i)
{
    if (l->n_words > r->terms.n - i)
        return false;
    for (size_t k = 0; k < l->n_words; k++) {
        const char *word = pf_words_query_word(r->query, l, k);
        const bool is_same =
            l->kind != PF_LEAF_PREFIX
                ? strcmp(word, pf_term_stem(&r->terms, i + k)) == 0
            : k + 1 < l->n_words
                ? strcmp(word, pf_term_plain(&r->terms, i + k)) == 0
                : strncmp(word, pf_term_plain(&r->terms, i + k), strlen(word)) == 0;
        if (!is_same)
            return false;
    }
    return true;
}

/* Is the mention one the question asks for? */
static bool counts(const reader *r, const pf_word_group *g, size_t first, size_t last)
{
    return !r->words->negex ||
           pf_negations_cover(&r->negations, first, last) == g->wants_denied;
}

static bool has_leaf(const reader *r, const pf_word_group *g, const pf_leaf *l)
{
    if (l->kind != PF_LEAF_WHOLE) {
        for (size_t i = 0; i < r->terms.n; i++) {
            if (is_leaf_at(r, l, i) && counts(r, g, i, i + l->n_words - 1))
                return true;
        }
    }
    if (l->kind == PF_LEAF_PREFIX || l->n_words != 1)
        return false;
    const char *word = pf_words_query_word(r->query, l, 0);
    for (size_t i = 0; i < r->terms.n_wholes; i++) {
        const pf_whole *w = &r->terms.wholes[i];
        if (strcmp(word, r->terms.chars + w->stem) == 0 &&
            counts(r, g, w->first, w->last))
            return true;
    }
    /* as a single word: "t2weighted" */
    for (size_t i = 0; l->kind == PF_LEAF_WHOLE && i < r->terms.n; i++) {
        if (is_leaf_at(r, l, i) && counts(r, g, i, i))
            return true;
    }
    return false;
}

static bool has_group(const reader *r, const pf_word_group *g)
{
    for (size_t i = 0; i < g->n_leaves; i++) {
        if (has_leaf(r, g, &r->query->leaves[g->first_leaf + i]))
            return true;
    }
    return false;
}

/* How many groups of the question the text has; 0 when it does not fit. */
static bool read_text(reader *r, const char *text, size_t *matched, pf_err *err)
{
    const pf_words_query *q = r->query;
    bool present[PF_WORDS_MAX_GROUPS];
    *matched = 0;
    if (!pf_terms_read(&r->terms, text, strlen(text), err) ||
        (r->words->negex &&
         !pf_negex_find(r->words->negex, &r->terms, &r->negations, err)))
        return false;
    for (size_t g = 0; g < q->n_groups; g++) {
        present[g] = has_group(r, &q->groups[g]);
        *matched += present[g];
    }
    if (!pf_words_query_fits(q, present))
        *matched = 0;
    else if (q->n_steps > 0)
        *matched = q->n_groups;
    return true;
}

static bool parse(const pf_words *w, const char *text, pf_words_query *out, pf_err *err)
{
    const pf_words_options options = {.synonyms = w->synonyms, .negex = w->negex};
    return pf_words_query_parse(out, text, strlen(text), &options, err);
}

bool pf_words_parse(pf_words_query *out, const pf_words *w, const char *text,
                    pf_err *err)
{
    return parse(w, text, out, err);
}

bool pf_words_text_read(pf_words_text *out, const pf_words *w, const char *text,
                        pf_err *err)
{
    return pf_terms_read(&out->terms, text, strlen(text), err) &&
           (!w->negex || pf_negex_find(w->negex, &out->terms, &out->negations, err));
}

void pf_words_text_reset(pf_words_text *text)
{
    pf_terms_reset(&text->terms);
    pf_negations_reset(&text->negations);
}

bool pf_words_text_has(const pf_words_text *text, const pf_words *w,
                       const pf_words_query *query, const pf_word_group *group)
{
    const reader r = {w, query, text->terms, text->negations};
    return has_group(&r, group);
}

bool pf_words_fit(const pf_words *w, const char *question, const char *text, bool *out,
                  pf_err *err)
{
    *out = false;
    pf_words_query q = {0};
    reader r = {.words = w, .query = &q};
    size_t matched = 0;
    const bool ok = parse(w, question, &q, err) && read_text(&r, text, &matched, err);
    *out = matched > 0;
    reader_reset(&r);
    pf_words_query_reset(&q);
    return ok;
}

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
    pf_store *store;
    const pf_words_ask *ask;
    reader reader;
    size_t least;      /* groups a caption must have */
    bool may_stop;     /* scores fall, and nothing else decides */
    int64_t last_text; /* several captions may have the same */
    size_t last_matched;
    pf_words_hit *hits;
    size_t n_hits, room;
    id_set images;
    size_t n_found; /* captions, or images when asked for by image */
} walk;

static int compare_ids(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

bool pf_words_is_wanted(const pf_words_ask *ask, int64_t image_id)
{
    return !ask->images ||
           (ask->n_images > 0 && bsearch(&image_id, ask->images, ask->n_images,
                                         sizeof *ask->images, compare_ids));
}

static bool read_candidate(walk *w, int64_t text_id, pf_err *err)
{
    char *text;
    if (text_id == w->last_text)
        return true;
    if (!pf_store_get_caption_text(w->store, text_id, &text, err))
        return false;
    const bool ok = read_text(&w->reader, text ? text : "", &w->last_matched, err);
    pf_free(text);
    w->last_text = text_id;
    return ok;
}

static bool add_hit(walk *w, const pf_store_word_match *m, pf_err *err)
{
    bool is_new = true;
    if (w->n_hits == w->room) {
        void *hits = w->hits;
        const size_t room = w->room ? 2 * w->room : 64;
        if (!pf_resize_array(&hits, room, sizeof *w->hits, err))
            return false;
        w->hits = hits;
        w->room = room;
    }
    if (w->ask->by_image && !put_id(&w->images, m->image_id, &is_new, err))
        return false;
    w->n_found += is_new;
    w->hits[w->n_hits++] = (pf_words_hit){.caption_id = m->caption_id,
                                          .image_id = m->image_id,
                                          .score = m->score,
                                          .matched = w->last_matched};
    return true;
}

static bool take_candidate(void *user, const pf_store_word_match *m, bool *is_enough,
                           pf_err *err)
{
    walk *w = user;
    if (w->may_stop && w->n_found >= w->ask->limit &&
        m->score < w->hits[w->n_hits - 1].score) {
        *is_enough = true; /* what is as good as the last one may have a lower id */
        return true;
    }
    if (!pf_words_is_wanted(w->ask, m->image_id))
        return true;
    return read_candidate(w, m->text_id, err) &&
           (w->last_matched < w->least || add_hit(w, m, err));
}

static void forget_hits(walk *w)
{
    w->n_hits = w->n_found = 0;
    w->images.n = 0;
    if (w->images.at)
        memset(w->images.at, 0, w->images.room * sizeof *w->images.at);
}

static bool walk_candidates(walk *w, bool all, pf_err *err)
{
    pf_buf match;
    pf_buf_init(&match, MATCH_MAX_BYTES);
    const bool ok =
        pf_words_query_match(w->reader.query, all, &match, err) &&
        pf_store_each_word_match(w->store, match.data, take_candidate, w, err);
    pf_buf_free(&match);
    return ok;
}

static bool find_all(walk *w, pf_err *err)
{
    const pf_words_query *q = w->reader.query;
    w->least = 1;
    w->may_stop = true;
    if (q->n_steps > 0 || q->n_groups == 1)
        return walk_candidates(w, pf_words_query_needs_all(q), err);
    w->least = q->n_groups;
    if (!walk_candidates(w, true, err))
        return false;
    if (w->n_found >= w->ask->limit)
        return true;
    forget_hits(w);
    w->least = 1;
    w->may_stop = false;
    return walk_candidates(w, false, err);
}

/* ---- the answer ------------------------------------------------------------------ */

int pf_words_best_first(const void *a, const void *b)
{
    const pf_words_hit *x = a, *y = b;
    if (x->matched != y->matched)
        return x->matched > y->matched ? -1 : 1;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return (x->caption_id > y->caption_id) - (x->caption_id < y->caption_id);
}

int pf_words_best_image_first(const void *a, const void *b)
{
    const pf_words_hit *x = a, *y = b;
    if (x->matched == y->matched && x->score == y->score && x->image_id != y->image_id)
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
    w->hits = NULL;
    return true;
}

bool pf_words_search(const pf_words *words, pf_store *store, const pf_words_ask *ask,
                     pf_words_answer *out, pf_err *err)
{
    *out = (pf_words_answer){0};
    pf_words_query q = {0};
    if (!parse(words, ask->text, &q, err))
        return false;
    walk w = {.store = store, .ask = ask, .reader = {.words = words, .query = &q}};
    const bool ok = find_all(&w, err) && finish(&w, out, err);
    if (ok) {
        out->n_asked = q.n_groups;
        out->is_cut = q.is_cut;
    }
    reader_reset(&w.reader);
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
