/*
 * words_many.c - see words_many.h.
 *
 * A group of a question (words_query.h) becomes, once, for each of its leaves the
 * captions that FTS5 finds with what each adds to BM25, and the captions in which a
 * mention counts. A question adds these up over all captions.
 *
 * The mutex guards the table of groups and the captions that were read; a group does
 * not change once it is in the table. When the table or the captions have their limit,
 * a group belongs to the question that made it, and a caption is read into `spare`.
 * Captions come by in the same order again and again: to keep the first ones is better
 * than to drop any for later ones.
 */
#include "core/search/words_many.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/hash.h"
#include "core/base/ids.h"
#include "core/base/mem.h"
#include "core/words/words_text.h"

enum { KEY_MAX_BYTES = 1 << 20, KEPT_BYTES = 256 << 20 };

/* What one leaf adds to the score of a caption. */
typedef struct {
    uint32_t caption;
    double score;
} addend;

typedef struct {
    uint32_t caption;
    bool is_typed;
} presence;

typedef struct group {
    struct group *next; /* in its place of the table */
    char *key;
    addend *addends;                   /* leaf after leaf */
    size_t n_addends, n_typed_addends; /* the first, of what was typed */
    presence *present;                 /* captions in which a mention counts */
    size_t n_present;
    bool is_kept; /* in the table */
} group;

typedef struct {
    int64_t id, image_id;
    uint32_t image; /* index among images */
} caption;

struct pf_words_many {
    const pf_words *words;
    caption *captions; /* by id */
    size_t n_captions, room, n_images;
    pthread_mutex_t lock;
    pf_words_text **texts; /* [n_captions], NULL until read; of several captions with
                              one text the first has it */
    pf_words_text spare;   /* of a caption that is not kept */
    group **table;         /* [n_places], a power of two */
    size_t n_places, n_groups;
    size_t limit, texts_bytes, groups_bytes;
};

/* ---- captions -------------------------------------------------------------------- */

static bool take_caption(void *user, int64_t id, int64_t image_id, pf_err *err)
{
    pf_words_many *m = user;
    if (m->n_captions == UINT32_MAX)
        return pf_fail(err, PF_ERR_LIMIT, "more than %u captions", UINT32_MAX);
    if (!pf_grow_array(&m->captions, &m->room, m->n_captions, sizeof *m->captions, err))
        return false;
    m->captions[m->n_captions++] = (caption){.id = id, .image_id = image_id};
    return true;
}

static int by_image(const void *a, const void *b)
{
    const caption *x = *(caption *const *)a, *y = *(caption *const *)b;
    return (x->image_id > y->image_id) - (x->image_id < y->image_id);
}

static bool number_images(pf_words_many *m, pf_err *err)
{
    caption **sorted = pf_alloc_array(m->n_captions, sizeof(caption *), err);
    if (!sorted)
        return false;
    for (size_t i = 0; i < m->n_captions; i++)
        sorted[i] = &m->captions[i];
    if (m->n_captions > 0)
        qsort(sorted, m->n_captions, sizeof *sorted, by_image);
    for (size_t i = 0; i < m->n_captions; i++) {
        m->n_images += i == 0 || sorted[i]->image_id != sorted[i - 1]->image_id;
        sorted[i]->image = (uint32_t)(m->n_images - 1);
    }
    pf_free(sorted);
    return true;
}

/* SIZE_MAX: none has this id. */
static size_t find_caption(const pf_words_many *m, int64_t id)
{
    const int64_t *first = m->n_captions > 0 ? &m->captions->id : NULL;
    const size_t at = pf_ids_lower(first, m->n_captions, sizeof *m->captions, id);
    return at < m->n_captions && m->captions[at].id == id ? at : SIZE_MAX;
}

int64_t pf_words_many_image_of(const pf_words_many *m, int64_t caption_id)
{
    const size_t at = find_caption(m, caption_id);
    return at == SIZE_MAX ? 0 : m->captions[at].image_id;
}

bool pf_words_many_new(pf_words_many **out, const pf_words *words, pf_store *store,
                       pf_err *err)
{
    *out = NULL;
    pf_words_many *m = pf_zalloc(sizeof *m, err);
    if (!m)
        return false;
    pthread_mutex_init(&m->lock, NULL);
    m->words = words;
    m->limit = KEPT_BYTES;
    if (!pf_store_each_caption(store, take_caption, m, err) || !number_images(m, err) ||
        !(m->texts = pf_alloc_array(m->n_captions, sizeof(pf_words_text *), err))) {
        pf_words_many_free(m);
        return false;
    }
    *out = m;
    return true;
}

void pf_words_many_set_limit(pf_words_many *m, size_t bytes)
{
    m->limit = bytes;
}

static void free_group(group *g)
{
    if (!g)
        return;
    pf_free(g->key);
    pf_free(g->addends);
    pf_free(g->present);
    pf_free(g);
}

void pf_words_many_free(pf_words_many *m)
{
    if (!m)
        return;
    for (size_t i = 0; m->texts && i < m->n_captions; i++) {
        if (m->texts[i])
            pf_words_text_reset(m->texts[i]);
        pf_free(m->texts[i]);
    }
    for (size_t i = 0; i < m->n_places; i++) {
        for (group *g = m->table[i], *next; g; g = next) {
            next = g->next;
            free_group(g);
        }
    }
    pf_words_text_reset(&m->spare);
    pf_free(m->table);
    pf_free(m->texts);
    pf_free(m->captions);
    pthread_mutex_destroy(&m->lock);
    pf_free(m);
}

/* ---- groups ---------------------------------------------------------------------- */

/* One group on its way into the table. */
typedef struct {
    pf_words_many *m;
    pf_store *store;
    const pf_words_query *query;
    const pf_word_group *asked;
    group *made;
    size_t room, room_present;
    int64_t text_id;      /* of the row before; 0: there was none */
    pf_word_presence is;  /* and whether a mention counts in it */
    unsigned char *known; /* [n_captions] 1: it was looked at for an earlier leaf */
} making;

static size_t bytes_of(const pf_words_text *t)
{
    const pf_terms *terms = &t->terms;
    return sizeof *t + terms->room * sizeof *terms->at +
           terms->room_wholes * sizeof *terms->wholes + terms->room_chars +
           t->negations.room * sizeof *t->negations.at +
           t->negations.room_kinds * sizeof *t->negations.kinds +
           t->negations.room_reach * sizeof *t->negations.reach;
}

/* *out, borrowed until the next call: kept, or the spare one. */
static bool read_caption(making *k, size_t at, int64_t text_id,
                         const pf_words_text **out, pf_err *err)
{
    pf_words_many *m = k->m;
    pf_words_text **slot = &m->texts[at], *read = &m->spare;
    char *text = NULL;
    *out = *slot;
    if (*out)
        return true;
    const bool is_kept = m->texts_bytes < m->limit;
    if (is_kept && !(read = pf_zalloc(sizeof *read, err)))
        return false;
    const bool ok = pf_store_get_caption_text(k->store, text_id, &text, err) &&
                    pf_words_text_read(read, m->words, text ? text : "", err);
    pf_free(text);
    *out = ok ? read : NULL;
    if (ok && is_kept) {
        *slot = read;
        m->texts_bytes += bytes_of(read);
    } else if (is_kept) {
        pf_words_text_reset(read);
        pf_free(read);
    }
    return ok;
}

static bool add_present(making *k, size_t at, pf_err *err)
{
    group *g = k->made;
    if (!pf_grow_array(&g->present, &k->room_present, g->n_present, sizeof *g->present,
                       err))
        return false;
    g->present[g->n_present++] = (presence){(uint32_t)at, k->is == PF_WORD_TYPED};
    return true;
}

static bool add_addend(making *k, size_t at, double score, pf_err *err)
{
    group *g = k->made;
    if (!pf_grow_array(&g->addends, &k->room, g->n_addends, sizeof *g->addends, err))
        return false;
    g->addends[g->n_addends++] = (addend){.caption = (uint32_t)at, .score = score};
    return true;
}

/* Rows of one text follow each other, the lowest caption first. */
static bool take_match(void *user, const pf_store_word_match *match, bool *is_enough,
                       pf_err *err)
{
    making *k = user;
    (void)is_enough;
    const size_t at = find_caption(k->m, match->caption_id);
    if (at == SIZE_MAX)
        return pf_fail(err, PF_ERR_MISMATCH, "the catalog has changed meanwhile");
    if (match->text_id != k->text_id) {
        const pf_words_text *text;
        if (!read_caption(k, at, match->text_id, &text, err))
            return false;
        k->is = pf_words_text_has(text, k->query, k->asked);
        k->text_id = match->text_id;
    }
    const bool is_new = !k->known[at];
    k->known[at] = 1;
    return add_addend(k, at, match->score, err) &&
           (!is_new || k->is == PF_WORD_ABSENT || add_present(k, at, err));
}

/* Each leaf alone, as FTS5 is asked for it. */
static bool make_group(making *k, pf_err *err)
{
    bool ok = (k->made = pf_zalloc(sizeof *k->made, err)) != NULL &&
              (k->known = pf_alloc_array(k->m->n_captions, 1, err)) != NULL;
    for (size_t i = 0; ok && i < k->asked->n_leaves; i++) {
        pf_word_group alone = {.first_leaf = k->asked->first_leaf + (uint32_t)i,
                               .n_leaves = 1,
                               .n_typed = 1};
        const pf_words_query one = {.groups = &alone,
                                    .n_groups = 1,
                                    .leaves = k->query->leaves,
                                    .words = k->query->words,
                                    .chars = k->query->chars};
        k->text_id = 0;
        ok = pf_store_each_word_match(k->store, &one, true, take_match, k, err);
        if (ok && i < k->asked->n_typed)
            k->made->n_typed_addends = k->made->n_addends;
    }
    pf_free(k->known);
    return ok;
}

/* ---- the table ------------------------------------------------------------------- */

/* What makes two groups the same: leaves in their order, and denial. */
static char *key_of(const pf_words_query *q, const pf_word_group *g, pf_err *err)
{
    pf_buf key;
    pf_buf_init(&key, KEY_MAX_BYTES);
    bool ok = pf_buf_addf(&key, err, "%u", g->n_typed);
    for (size_t i = 0; ok && i < g->n_leaves; i++) {
        const pf_leaf *l = &q->leaves[g->first_leaf + i];
        ok = pf_buf_addf(&key, err, "|%s%d", l->wants_denied ? "no" : "", (int)l->kind);
        for (size_t w = 0; ok && w < l->n_words; w++)
            ok = pf_buf_addf(&key, err, " %s", pf_words_query_word(q, l, w));
    }
    char *text = ok ? pf_buf_take(&key, err) : NULL;
    pf_buf_free(&key);
    return text;
}

static size_t place_of(const char *key, size_t n_places)
{
    const pf_hash h = pf_hash_bytes(key, strlen(key));
    size_t place = 0;
    memcpy(&place, h.b, sizeof place);
    return place & (n_places - 1);
}

static bool make_room(pf_words_many *m, pf_err *err)
{
    if (m->n_groups < m->n_places)
        return true;
    const size_t n = m->n_places ? 2 * m->n_places : 1024;
    group **table = pf_alloc_array(n, sizeof *table, err);
    if (!table)
        return false;
    for (size_t i = 0; i < m->n_places; i++) {
        for (group *g = m->table[i], *next; g; g = next) {
            next = g->next;
            const size_t at = place_of(g->key, n);
            g->next = table[at];
            table[at] = g;
        }
    }
    pf_free(m->table);
    m->table = table;
    m->n_places = n;
    return true;
}

/* No larger than need be. When there is no memory to move to it stays as it is. */
static void shrink(group *g)
{
    void *addends = g->addends, *present = g->present;
    if (g->n_addends > 0 &&
        pf_resize_array(&addends, g->n_addends, sizeof *g->addends, NULL))
        g->addends = addends;
    if (g->n_present > 0 &&
        pf_resize_array(&present, g->n_present, sizeof *g->present, NULL))
        g->present = present;
}

static void put_in_table(pf_words_many *m, group *g, size_t at)
{
    const size_t bytes = sizeof *g + strlen(g->key) +
                         g->n_addends * sizeof *g->addends +
                         g->n_present * sizeof *g->present;
    if (m->groups_bytes >= m->limit)
        return;
    shrink(g);
    m->groups_bytes += bytes;
    g->is_kept = true;
    g->next = m->table[at];
    m->table[at] = g;
    m->n_groups++;
}

/* The lock is held. A group that is not kept is to be freed. */
static bool get_group(pf_words_many *m, pf_store *store, const pf_words_query *q,
                      const pf_word_group *asked, group **out, pf_err *err)
{
    char *key = key_of(q, asked, err);
    if (!key || !make_room(m, err)) {
        pf_free(key);
        return false;
    }
    const size_t at = place_of(key, m->n_places);
    group *g = m->table[at];
    while (g && strcmp(g->key, key) != 0)
        g = g->next;
    if (g) {
        pf_free(key);
        *out = g;
        return true;
    }
    making k = {.m = m, .store = store, .query = q, .asked = asked};
    const bool ok = make_group(&k, err);
    if (!ok) {
        free_group(k.made);
        pf_free(key);
        return false;
    }
    k.made->key = key;
    put_in_table(m, k.made, at);
    *out = k.made;
    return true;
}

/* ---- one question ---------------------------------------------------------------- */

/* What is known of a caption after all groups. */
typedef struct {
    double score, typed_score;
    uint32_t matched, typed;
} sum;

static void add_up(const group *g, sum *sums)
{
    for (size_t i = 0; i < g->n_addends; i++)
        sums[g->addends[i].caption].score += g->addends[i].score;
    for (size_t i = 0; i < g->n_typed_addends; i++)
        sums[g->addends[i].caption].typed_score += g->addends[i].score;
    for (size_t i = 0; i < g->n_present; i++) {
        sums[g->present[i].caption].matched++;
        sums[g->present[i].caption].typed += g->present[i].is_typed;
    }
}

/* As words_search.h says. */
static pf_words_hit hit_of(const caption *c, const sum *s, size_t n_groups)
{
    return (pf_words_hit){.caption_id = c->id,
                          .image_id = c->image_id,
                          .score = s->typed == n_groups ? s->typed_score : s->score,
                          .matched = s->matched,
                          .is_typed = s->typed == s->matched};
}

/* The fewest words that the best `limit` hits have: others need not be sorted. */
static uint32_t least_of(const pf_words_many *m, const sum *sums,
                         const pf_words_ask *ask, unsigned char *seen)
{
    size_t at_least[PF_WORDS_MAX_GROUPS + 2] = {0}, found = 0;
    for (size_t i = 0; i < m->n_captions; i++)
        at_least[sums[i].matched]++;
    uint32_t least = PF_WORDS_MAX_GROUPS;
    while (least > 1 && at_least[least] == 0)
        least--;
    for (; least > 1; least--) {
        for (size_t i = 0; i < m->n_captions; i++) {
            const caption *c = &m->captions[i];
            if (sums[i].matched != least || !pf_words_is_wanted(ask, c->image_id))
                continue;
            found += !ask->by_image || !seen[c->image];
            seen[c->image] = 1;
        }
        if (found >= ask->limit)
            break;
    }
    memset(seen, 0, m->n_images);
    return least;
}

static bool collect(const pf_words_many *m, const sum *sums, size_t n_groups,
                    const pf_words_ask *ask, pf_words_answer *out, pf_err *err)
{
    unsigned char *seen = pf_alloc_array(m->n_images, 1, err);
    if (!seen)
        return false;
    const uint32_t least = least_of(m, sums, ask, seen);
    size_t n = 0;
    for (size_t i = 0; i < m->n_captions; i++)
        n += sums[i].matched >= least;
    pf_words_hit *hits = pf_alloc_array(n, sizeof *hits, err);
    n = 0;
    for (size_t i = 0; hits && i < m->n_captions; i++) {
        const caption *c = &m->captions[i];
        if (sums[i].matched >= least && pf_words_is_wanted(ask, c->image_id))
            hits[n++] = hit_of(c, &sums[i], n_groups);
    }
    if (hits && n > 0)
        qsort(hits, n, sizeof *hits,
              ask->by_image ? pf_words_best_image_first : pf_words_best_first);
    for (size_t i = 0; hits && i < n && out->n_hits < ask->limit; i++) {
        unsigned char *before =
            &seen[m->captions[find_caption(m, hits[i].caption_id)].image];
        if (!ask->by_image || !*before)
            hits[out->n_hits++] = hits[i];
        *before = 1;
    }
    pf_free(seen);
    out->hits = hits;
    return hits != NULL;
}

static bool add_group(pf_words_many *m, pf_store *store, const pf_words_query *q,
                      const pf_word_group *asked, sum *sums, pf_err *err)
{
    group *g = NULL;
    pthread_mutex_lock(&m->lock);
    const bool ok = get_group(m, store, q, asked, &g, err);
    pthread_mutex_unlock(&m->lock);
    if (!ok)
        return false;
    add_up(g, sums);
    if (!g->is_kept)
        free_group(g);
    return true;
}

/* Of plain words only, whose leaves can be added up. */
static bool is_plain(const pf_words_query *q)
{
    for (size_t i = 0; i < q->n_leaves; i++) {
        if (q->leaves[i].kind == PF_LEAF_PREFIX)
            return false;
    }
    return q->n_steps == 0 && q->n_groups <= PF_WORDS_MAX_GROUPS;
}

bool pf_words_many_search(pf_words_many *m, pf_store *store, const pf_words_ask *ask,
                          pf_words_answer *out, pf_err *err)
{
    *out = (pf_words_answer){0};
    pf_words_query q = {0};
    if (!pf_words_parse(&q, m->words, ask->text, err))
        return false;
    if (!is_plain(&q)) {
        pf_words_query_reset(&q);
        return pf_words_search(m->words, store, ask, out, err);
    }
    sum *sums = pf_alloc_array(m->n_captions, sizeof *sums, err);
    bool ok = sums != NULL;
    for (size_t i = 0; ok && i < q.n_groups; i++)
        ok = add_group(m, store, &q, &q.groups[i], sums, err);
    ok = ok && collect(m, sums, q.n_groups, ask, out, err);
    out->n_asked = ok ? q.n_groups : 0;
    out->is_cut = ok && q.is_cut;
    pf_free(sums);
    pf_words_query_reset(&q);
    return ok;
}
