/*
 * words_many.c - see words_many.h.
 *
 * A group of a question (words_query.h) becomes, once, the rows of the index that FTS5
 * finds with any of its leaves, each with what was found of it in its texts. A question
 * adds these up over all rows.
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

/* What was found of a group in a row. */
typedef struct {
    uint32_t row;
    pf_found found;
} finding;

typedef struct group {
    struct group *next; /* in its place of the table */
    char *key;
    finding *findings; /* rows in which a mention counts */
    size_t n_findings;
    bool is_kept; /* in the table */
} group;

typedef struct {
    int64_t id, image_id; /* a caption's; below 0: that of an image without one */
    uint32_t image;       /* index among images */
} caption;

struct pf_words_many {
    const pf_words *words;
    caption *captions; /* by id */
    size_t n_captions, room, n_images;
    pthread_mutex_t lock;
    pf_words_doc **docs; /* [n_captions], NULL until read */
    pf_words_doc spare;  /* of a caption that is not kept */
    group **table;       /* [n_places], a power of two */
    size_t n_places, n_groups;
    size_t limit, docs_bytes, groups_bytes;
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
    if (!pf_store_each_word_row(store, take_caption, m, err) ||
        !number_images(m, err) ||
        !(m->docs = pf_alloc_array(m->n_captions, sizeof(pf_words_doc *), err))) {
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
    pf_free(g->findings);
    pf_free(g);
}

void pf_words_many_free(pf_words_many *m)
{
    if (!m)
        return;
    for (size_t i = 0; m->docs && i < m->n_captions; i++) {
        if (m->docs[i])
            pf_words_doc_reset(m->docs[i]);
        pf_free(m->docs[i]);
    }
    for (size_t i = 0; i < m->n_places; i++) {
        for (group *g = m->table[i], *next; g; g = next) {
            next = g->next;
            free_group(g);
        }
    }
    pf_words_doc_reset(&m->spare);
    pf_free(m->table);
    pf_free(m->docs);
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
    const pf_words_scale *scale;
    group *made;
    size_t room;
} making;

static size_t bytes_of(const pf_words_doc *d)
{
    size_t n = sizeof *d + d->room * sizeof *d->text;
    for (size_t i = 0; i < d->n; i++) {
        const pf_words_text *t = &d->text[i];
        n += t->terms.room * sizeof *t->terms.at +
             t->terms.room_wholes * sizeof *t->terms.wholes + t->terms.room_chars +
             t->negations.room * sizeof *t->negations.at +
             t->negations.room_kinds * sizeof *t->negations.kinds +
             t->negations.room_reach * sizeof *t->negations.reach;
    }
    return n;
}

static bool read_doc(making *k, size_t at, pf_words_doc *out, pf_err *err)
{
    pf_store_word_row row;
    if (!pf_store_get_word_row(k->store, k->m->captions[at].id, &row, err))
        return false;
    const pf_words_said said = {row.caption, row.is_of_case, row.others};
    const bool ok = pf_words_doc_read(out, k->m->words, &said, err);
    pf_store_word_row_reset(&row);
    return ok;
}

/* *out, borrowed until the next call: kept, or the spare one. */
static bool get_doc(making *k, size_t at, const pf_words_doc **out, pf_err *err)
{
    pf_words_many *m = k->m;
    pf_words_doc **slot = &m->docs[at], *read = &m->spare;
    *out = *slot;
    if (*out)
        return true;
    const bool is_kept = m->docs_bytes < m->limit;
    if (is_kept && !(read = pf_zalloc(sizeof *read, err)))
        return false;
    const bool ok = read_doc(k, at, read, err);
    *out = ok ? read : NULL;
    if (ok && is_kept) {
        *slot = read;
        m->docs_bytes += bytes_of(read);
    } else if (is_kept) {
        pf_words_doc_reset(read);
        pf_free(read);
    }
    return ok;
}

static bool take_row(void *user, const pf_store_candidate *c, pf_err *err)
{
    making *k = user;
    group *g = k->made;
    const pf_words_doc *doc;
    const size_t at = find_caption(k->m, c->row);
    if (at == SIZE_MAX)
        return pf_fail(err, PF_ERR_MISMATCH, "the catalog has changed meanwhile");
    if (!get_doc(k, at, &doc, err))
        return false;
    const pf_found found = pf_words_doc_find(doc, k->query, k->asked, k->scale->fields,
                                             k->scale->usual_size);
    if (!pf_found_is_there(&found))
        return true;
    if (!pf_grow_array(&g->findings, &k->room, g->n_findings, sizeof *g->findings, err))
        return false;
    g->findings[g->n_findings++] = (finding){(uint32_t)at, found};
    return true;
}

static bool make_group(making *k, pf_err *err)
{
    const size_t order = (size_t)(k->asked - k->query->groups);
    const pf_store_match match = {.query = k->query,
                                  .fields = k->scale->fields,
                                  .order = &order,
                                  .n = 1,
                                  .needs_all = true,
                                  .worth = k->scale->worth,
                                  .usual_size = k->scale->usual_size};
    return (k->made = pf_zalloc(sizeof *k->made, err)) != NULL &&
           pf_store_each_candidate(k->store, &match, take_row, k, err);
}

/* ---- the table ------------------------------------------------------------------- */

/* What makes two groups the same: fields, leaves in their order, and denial. */
static char *key_of(const pf_words_query *q, const pf_word_group *g,
                    pf_field_set fields, pf_err *err)
{
    pf_buf key;
    pf_buf_init(&key, KEY_MAX_BYTES);
    bool ok = pf_buf_addf(&key, err, "%x", fields);
    for (size_t i = 0; ok && i < g->n_leaves; i++) {
        const pf_leaf *l = &q->leaves[g->first_leaf + i];
        ok = pf_buf_addf(&key, err, "|%s%d,%d", l->wants_denied ? "no" : "",
                         (int)l->kind, (int)l->said);
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
    void *findings = g->findings;
    if (g->n_findings > 0 &&
        pf_resize_array(&findings, g->n_findings, sizeof *g->findings, NULL))
        g->findings = findings;
}

static void put_in_table(pf_words_many *m, group *g, size_t at)
{
    if (m->groups_bytes >= m->limit)
        return;
    shrink(g);
    m->groups_bytes += sizeof *g + strlen(g->key) + g->n_findings * sizeof *g->findings;
    g->is_kept = true;
    g->next = m->table[at];
    m->table[at] = g;
    m->n_groups++;
}

/* The lock is held. A group that is not kept is to be freed. */
static bool get_group(pf_words_many *m, pf_store *store, const pf_words_query *q,
                      const pf_words_scale *scale, const pf_word_group *asked,
                      group **out, pf_err *err)
{
    char *key = key_of(q, asked, scale->fields, err);
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
    making k = {.m = m, .store = store, .query = q, .asked = asked, .scale = scale};
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

/* What a group adds, as pf_words_hit_of() does. */
static void add_up(const group *g, double worth, pf_words_hit *hits)
{
    for (size_t i = 0; i < g->n_findings; i++) {
        const finding *f = &g->findings[i];
        pf_words_hit *hit = &hits[f->row];
        hit->score += pf_weigh_score(worth, &f->found);
        hit->matched++;
        hit->fields |= 1u << f->found.field;
    }
}

/* Those that may be found, in front; how many. */
static size_t keep_wanted(const pf_words_many *m, const pf_words_ask *ask,
                          pf_words_hit *hits)
{
    size_t n = 0;
    for (size_t i = 0; i < m->n_captions; i++) {
        const caption *c = &m->captions[i];
        if (hits[i].matched == 0 || (c->id < 0 && !ask->by_image) ||
            !pf_words_is_wanted(ask, c->image_id))
            continue;
        hits[n] = hits[i];
        hits[n].caption_id = c->id > 0 ? c->id : 0;
        hits[n++].image_id = c->image_id;
    }
    return n;
}

static bool collect(const pf_words_many *m, const pf_words_ask *ask, pf_words_hit *hits,
                    pf_words_answer *out, pf_err *err)
{
    unsigned char *seen = pf_alloc_array(m->n_images, 1, err);
    if (!seen)
        return false;
    const size_t n = keep_wanted(m, ask, hits);
    if (n > 0)
        qsort(hits, n, sizeof *hits,
              ask->by_image ? pf_words_best_image_first : pf_words_best_first);
    for (size_t i = 0; i < n && out->n_hits < ask->limit; i++) {
        const int64_t id = hits[i].caption_id ? hits[i].caption_id : -hits[i].image_id;
        unsigned char *before = &seen[m->captions[find_caption(m, id)].image];
        if (!ask->by_image || !*before)
            hits[out->n_hits++] = hits[i];
        *before = 1;
    }
    pf_free(seen);
    return true;
}

static bool add_group(pf_words_many *m, pf_store *store, const pf_words_query *q,
                      const pf_words_scale *scale, size_t asked, pf_words_hit *hits,
                      pf_err *err)
{
    group *g = NULL;
    pthread_mutex_lock(&m->lock);
    const bool ok = get_group(m, store, q, scale, &q->groups[asked], &g, err);
    pthread_mutex_unlock(&m->lock);
    if (!ok)
        return false;
    add_up(g, scale->worth[asked], hits);
    if (!g->is_kept)
        free_group(g);
    return true;
}

static bool search(pf_words_many *m, pf_store *store, const pf_words_ask *ask,
                   const pf_words_query *q, pf_words_answer *out, pf_err *err)
{
    pf_words_scale scale;
    pf_words_hit *hits = pf_alloc_array(m->n_captions, sizeof *hits, err);
    bool ok = hits && pf_words_scale_make(&scale, store, q, ask->fields, err);
    for (size_t i = 0; ok && i < q->n_groups && scale.fields != 0; i++)
        ok = add_group(m, store, q, &scale, i, hits, err);
    if (!ok || !collect(m, ask, hits, out, err)) {
        pf_free(hits);
        return false;
    }
    out->hits = hits;
    return true;
}

/* Of plain words only, which can be added up. */
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
    const bool ok = search(m, store, ask, &q, out, err);
    if (ok) {
        out->n_asked = q.n_groups;
    }
    pf_words_query_reset(&q);
    return ok;
}
