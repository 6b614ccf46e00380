/*
 * store_words_list.c - see store.h. What the index of words says as a whole: words_list
 * and words_common, made anew when rows have come or gone. FTS5 could be asked the
 * same, but only by going through all that it has.
 */
#include "core/catalog/store.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/base/spelling.h"
#include "core/catalog/store_impl.h"

enum {
    COMMON = 64,           /* rows; what fewer have is counted by FTS5 at once */
    LIST_BYTES = 48 << 10, /* of one row of words_list */
    DIGITS = 4,            /* of a count, in 64s */
    SHORTEST = 4,
    LONGEST = PF_SPELLING_MAX,
};

static const char digits[] =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";

static const char letters[] = "abcdefghijklmnopqrstuvwxyz";

/* Rows are written, or compared with those that are there. */
typedef struct {
    pf_store *s;
    pf_buf words[LONGEST + 1]; /* of each length */
    int64_t n_rows[LONGEST + 1];
    bool compares;
    int64_t n_lists, n_common, n_wrong;
} listing;

static bool compare(listing *l, const char *sql, const pf_sql_arg *args, size_t n,
                    pf_err *err)
{
    int64_t is_same;
    const bool ok = pf_sql_find_int(l->s->db, sql, args, n, &is_same, err);
    l->n_wrong += ok && !is_same;
    return ok;
}

static bool write_list(listing *l, size_t length, pf_err *err)
{
    pf_buf *b = &l->words[length];
    if (b->size == 0)
        return true;
    const int64_t id = (int64_t)length << 16 | l->n_rows[length]++;
    const bool ok =
        l->compares
            ? compare(l, "SELECT words = ?2 FROM words_list WHERE id = ?1",
                      PF_SQL_ARGS(pf_sql_int(id), pf_sql_text(b->data)), err)
            : pf_sql_run(l->s->db, "INSERT INTO words_list VALUES (?, ?)",
                         PF_SQL_ARGS(pf_sql_int(id), pf_sql_text(b->data)), err);
    l->n_lists++;
    b->size = 0;
    return ok;
}

/* Letters alone: what is no word is near to none. */
static bool list_word(listing *l, const char *word, int64_t n, pf_err *err)
{
    const size_t length = strlen(word);
    char count[DIGITS + 1] = "";
    if (length < SHORTEST || length > LONGEST || strspn(word, letters) != length ||
        n < 0 || l->n_rows[length] >> 16)
        return true;
    for (int i = DIGITS; i-- > 0; n /= 64)
        count[i] = digits[n % 64];
    return pf_buf_add_str(&l->words[length], word, err) &&
           pf_buf_add_str(&l->words[length], count, err) &&
           (l->words[length].size < LIST_BYTES || write_list(l, length, err));
}

static bool list_term(listing *l, const char *term, int64_t n, pf_err *err)
{
    if (term[0] == '=')
        return list_word(l, term + 1, n, err);
    if (n < COMMON)
        return true;
    l->n_common++;
    return l->compares ? compare(l, "SELECT n = ?2 FROM words_common WHERE word = ?1",
                                 PF_SQL_ARGS(pf_sql_text(term), pf_sql_int(n)), err)
                       : pf_sql_run(l->s->db,
                                    "INSERT INTO words_common (word, n) VALUES (?, ?)",
                                    PF_SQL_ARGS(pf_sql_text(term), pf_sql_int(n)), err);
}

/* FTS5's own list of its words, a row for each. */
static bool open_vocabulary(pf_store *s, pf_err *err)
{
    return pf_sql_run_script(s->db,
                             "CREATE VIRTUAL TABLE IF NOT EXISTS"
                             " temp.caption_word_list"
                             " USING fts5vocab(main, caption_word, row)",
                             err);
}

static bool list_terms(listing *l, pf_err *err)
{
    pf_sql_rows *rows;
    bool has_row;
    if (!open_vocabulary(l->s, err))
        return false;
    bool ok =
        pf_sql_start(&rows, l->s->db, "SELECT term, doc FROM temp.caption_word_list",
                     PF_SQL_NO_ARGS, err);
    while (ok && (ok = pf_sql_next(rows, &has_row, err)) && has_row)
        ok = list_term(l, pf_sql_get_text(rows, 0), pf_sql_get_int(rows, 1), err);
    pf_sql_end(rows);
    for (size_t i = SHORTEST; ok && i <= LONGEST; i++)
        ok = write_list(l, i, err);
    return ok;
}

static listing *new_listing(pf_store *s, pf_err *err)
{
    listing *l = pf_zalloc(sizeof *l, err);
    if (!l)
        return NULL;
    l->s = s;
    for (size_t i = 0; i <= LONGEST; i++)
        pf_buf_init(&l->words[i], LIST_BYTES + 64);
    return l;
}

static void free_listing(listing *l)
{
    for (size_t i = 0; l && i <= LONGEST; i++)
        pf_buf_free(&l->words[i]);
    pf_free(l);
}

bool pf_store_list_words(pf_store *s, pf_err *err)
{
    listing *l = new_listing(s, err);
    const bool ok =
        l && pf_sql_run(s->db, "DELETE FROM words_list", PF_SQL_NO_ARGS, err) &&
        pf_sql_run(s->db, "DELETE FROM words_common", PF_SQL_NO_ARGS, err) &&
        list_terms(l, err);
    free_listing(l);
    return ok;
}

bool pf_store_check_list(pf_store *s, pf_notes *problems, pf_err *err)
{
    int64_t lists = 0, common = 0;
    listing *l = new_listing(s, err);
    if (l)
        l->compares = true;
    const bool ok = l && list_terms(l, err) &&
                    pf_sql_find_int(s->db, "SELECT count(id) FROM words_list",
                                    PF_SQL_NO_ARGS, &lists, err) &&
                    pf_sql_find_int(s->db, "SELECT count(word) FROM words_common",
                                    PF_SQL_NO_ARGS, &common, err);
    if (ok && (l->n_wrong > 0 || lists != l->n_lists || common != l->n_common))
        pf_notes_add(problems, "the lists of words are not those of the index");
    free_listing(l);
    return ok;
}

/* ---- asked ----------------------------------------------------------------------- */

bool pf_store_count_rows_with(pf_store *s, const char *term, int64_t *n, pf_err *err)
{
    if (!pf_sql_find_int(s->db, "SELECT n FROM words_common WHERE word = ?",
                         PF_SQL_ARGS(pf_sql_text(term)), n, err))
        return false;
    return *n > 0 ||
           (open_vocabulary(s, err) &&
            pf_sql_find_int(s->db,
                            "SELECT coalesce(max(doc), 0) FROM temp.caption_word_list"
                            " WHERE term = ?",
                            PF_SQL_ARGS(pf_sql_text(term)), n, err));
}

bool pf_store_has_term_like(pf_store *s, const char *beginning, bool *out, pf_err *err)
{
    int64_t n = 0;
    const bool ok =
        open_vocabulary(s, err) &&
        pf_sql_find_int(s->db,
                        "SELECT EXISTS (SELECT 1 FROM temp.caption_word_list"
                        " WHERE term >= ?1 AND term < ?1 || char(127))",
                        PF_SQL_ARGS(pf_sql_text(beginning)), &n, err);
    *out = n != 0;
    return ok;
}

static int64_t count_of(const char *s)
{
    int64_t n = 0;
    for (int i = 0; i < DIGITS; i++) {
        const char *digit = s[i] ? strchr(digits, s[i]) : NULL;
        n = 64 * n + (digit ? digit - digits : 0);
    }
    return n;
}

/* The words of one row, which may be anything. */
static bool tell_words(const char *words, size_t n, size_t length,
                       pf_store_vocabulary_fn *fn, void *user, bool *is_enough,
                       pf_err *err)
{
    bool ok = true;
    for (size_t at = 0; ok && !*is_enough && n - at >= length + DIGITS;
         at += length + DIGITS)
        ok =
            fn(user, words + at, length, count_of(words + at + length), is_enough, err);
    return ok;
}

bool pf_store_each_word(pf_store *s, size_t shortest, size_t longest,
                        pf_store_vocabulary_fn *fn, void *user, pf_err *err)
{
    pf_sql_rows *rows;
    bool has_row, is_enough = false;
    bool ok = pf_sql_start(&rows, s->db,
                           "SELECT id, words FROM words_list WHERE id >= ? AND id < ?",
                           PF_SQL_ARGS(pf_sql_int((int64_t)shortest << 16),
                                       pf_sql_int((int64_t)(longest + 1) << 16)),
                           err);
    while (ok && !is_enough && (ok = pf_sql_next(rows, &has_row, err)) && has_row) {
        const char *words = pf_sql_get_text(rows, 1);
        ok = tell_words(words, strlen(words), (size_t)(pf_sql_get_int(rows, 0) >> 16),
                        fn, user, &is_enough, err);
    }
    pf_sql_end(rows);
    return ok;
}
