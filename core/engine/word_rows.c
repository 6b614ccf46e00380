/*
 * word_rows.c - see word_rows.h. A text in which something is denied has one of some
 * words ("no", "without", "denies"; negex.h chooses them), which the index knows.
 */
#include "core/engine/word_rows.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "core/base/ids.h"
#include "core/base/mem.h"
#include "core/words/words_text.h"

struct pf_word_rows {
    int64_t *ids, *images;     /* [n] by id */
    _Atomic(uint64_t) *denied; /* [n] bits of words; all of them: it is not known */
    size_t n, room_ids, room_images;
};

/* Words that were asked about, with how many rows have them. */
typedef struct {
    const char *word; /* borrowed from the phrases */
    int64_t n;
    bool is_taken;
} known_word;

typedef struct {
    pf_word_rows *rows;
    pf_store *store;
    pf_field_set fields;
    known_word *words;
    size_t n_words, room;
} making;

/* ---- rows ------------------------------------------------------------------------ */

static bool add_row(void *user, int64_t id, int64_t image, pf_err *err)
{
    pf_word_rows *r = user;
    if (!pf_grow_array(&r->ids, &r->room_ids, r->n, sizeof *r->ids, err) ||
        !pf_grow_array(&r->images, &r->room_images, r->n, sizeof *r->images, err))
        return false;
    r->ids[r->n] = id;
    r->images[r->n++] = image;
    return true;
}

static bool mark_row(void *user, int64_t id, int64_t image, pf_err *err)
{
    pf_word_rows *r = user;
    size_t at;
    (void)image, (void)err;
    if (pf_ids_find(r->ids, r->n, id, &at))
        atomic_store(&r->denied[at], UINT64_MAX);
    return true;
}

/* ---- words that deny ------------------------------------------------------------- */

static bool know(making *m, const char *word, known_word **out, pf_err *err)
{
    *out = NULL;
    for (size_t i = 0; i < m->n_words; i++) {
        if (strcmp(m->words[i].word, word) == 0) {
            *out = &m->words[i];
            return true;
        }
    }
    char term[PF_TERMS_MAX_WORD + sizeof PF_PLAIN_MARK];
    if (!pf_grow_array(&m->words, &m->room, m->n_words, sizeof *m->words, err))
        return false;
    known_word *k = &m->words[m->n_words];
    *k = (known_word){.word = word};
    snprintf(term, sizeof term, PF_PLAIN_MARK "%s", word);
    if (!pf_store_count_rows_with(m->store, term, &k->n, err))
        return false;
    m->n_words++;
    *out = k;
    return true;
}

/* Of captions, where nearly all words are: it need only be a good choice. */
static bool count_word(void *user, const char *word, int64_t *n, pf_err *err)
{
    known_word *k;
    if (!know(user, word, &k, err))
        return false;
    *n = k->is_taken ? 0 : k->n; /* its rows are there already */
    return true;
}

static bool take_word(void *user, const char *word, pf_err *err)
{
    making *m = user;
    known_word *k;
    if (!know(m, word, &k, err))
        return false;
    if (k->is_taken)
        return true;
    k->is_taken = true;
    return pf_store_each_row_with(m->store, word, m->fields, mark_row, m->rows, err);
}

/* ---- all of it ------------------------------------------------------------------- */

static bool make(making *m, const pf_words *words, pf_err *err)
{
    pf_word_rows *r = m->rows;
    return pf_store_each_word_row(m->store, add_row, r, err) &&
           (r->denied = pf_alloc_array(r->n, sizeof *r->denied, err)) &&
           pf_store_find_fields(m->store, &m->fields, err) &&
           pf_store_each_case_caption(m->store, mark_row, r, err) &&
           pf_words_choose_deniers(words, count_word, take_word, m, err);
}

bool pf_word_rows_new(pf_word_rows **out, const pf_words *words, pf_store *store,
                      pf_err *err)
{
    making m = {.store = store, .rows = pf_zalloc(sizeof *m.rows, err)};
    const bool ok = m.rows && make(&m, words, err);
    pf_free(m.words);
    if (!ok) {
        pf_word_rows_free(m.rows);
        m.rows = NULL;
    }
    *out = m.rows;
    return ok;
}

void pf_word_rows_free(pf_word_rows *r)
{
    if (!r)
        return;
    pf_free(r->ids);
    pf_free(r->images);
    pf_free((void *)r->denied);
    pf_free(r);
}

bool pf_word_rows_find(const pf_word_rows *r, int64_t row, pf_word_row *out)
{
    size_t at;
    if (!pf_ids_find(r->ids, r->n, row, &at) || r->images[at] <= 0)
        return false;
    *out = (pf_word_row){r->images[at], atomic_load(&r->denied[at])};
    return true;
}

void pf_word_rows_learn(pf_word_rows *r, int64_t row, uint64_t denied)
{
    size_t at;
    if (pf_ids_find(r->ids, r->n, row, &at))
        atomic_store(&r->denied[at], denied);
}
