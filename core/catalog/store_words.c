/*
 * store_words.c - see store.h and store_impl.h. The words of caption texts: kept in
 * step, and asked for.
 *
 * What is in caption_word follows from the text alone (terms.h), so that it can be made
 * at any time. Rows come and go with a publish, for how rare a word is counts in every
 * answer: what was embedded and not published yet must not be in it.
 *
 * Nothing that a user typed reaches FTS5 but words that terms.h made of it, in quotes.
 */
#include "core/catalog/store.h"

#include <string.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/catalog/store_impl.h"
#include "core/words/terms.h"

enum { MAX_WORDS = 48 << 20, MAX_MATCH = 1 << 20 };

void pf_store_words_init(pf_store_words *w)
{
    w->terms = (pf_terms){0};
    pf_buf_init(&w->words, MAX_WORDS);
}

void pf_store_words_reset(pf_store_words *w)
{
    pf_terms_reset(&w->terms);
    pf_buf_free(&w->words);
}

bool pf_store_words_read(pf_store_words *w, const char *text, pf_err *err)
{
    w->words.size = 0;
    return pf_terms_read(&w->terms, text, strlen(text), err) &&
           pf_terms_index(&w->terms, &w->words, err);
}

static bool insert(pf_store *s, int64_t text_id, const pf_store_words *w, pf_err *err)
{
    return pf_sql_run(s->db, "INSERT INTO caption_word (rowid, words) VALUES (?, ?)",
                      PF_SQL_ARGS(pf_sql_int(text_id),
                                  pf_sql_text(w->words.size > 0 ? w->words.data : "")),
                      err);
}

bool pf_store_fill_words(pf_store *s, pf_err *err)
{
    pf_store_words w;
    pf_store_words_init(&w);
    pf_sql_rows *rows;
    bool has_row;
    bool ok = pf_sql_start(&rows, s->db,
                           "SELECT id, text FROM caption_text WHERE EXISTS"
                           " (SELECT 1 FROM caption WHERE caption_text_id ="
                           " caption_text.id) AND NOT EXISTS"
                           " (SELECT 1 FROM caption_word_docsize AS word"
                           " WHERE word.id = caption_text.id)",
                           PF_SQL_NO_ARGS, err);
    while (ok && (ok = pf_sql_next(rows, &has_row, err)) && has_row) {
        ok = pf_store_words_read(&w, pf_sql_get_text(rows, 1), err) &&
             insert(s, pf_sql_get_int(rows, 0), &w, err);
        s->n_cut_texts += w.terms.is_cut;
    }
    pf_sql_end(rows);
    pf_store_words_reset(&w);
    return ok;
}

size_t pf_store_cut_texts(const pf_store *s)
{
    return s->n_cut_texts;
}

/* FTS5 only notes that a row went; its words stay until segments are merged, which
 * "optimize" does with all of them. (From SQLite 3.42 on it could remove words one by
 * one, but then older ones can no longer read the table.) */
bool pf_store_sweep_words(pf_store *s, pf_err *err)
{
    int64_t n_gone;
    return pf_sql_run(s->db,
                      "DELETE FROM caption_word WHERE rowid IN"
                      " (SELECT id FROM caption_word_docsize WHERE id NOT IN"
                      " (SELECT caption_text_id FROM caption))",
                      PF_SQL_NO_ARGS, err) &&
           pf_sql_find_int(s->db, "SELECT changes()", PF_SQL_NO_ARGS, &n_gone, err) &&
           (n_gone == 0 ||
            pf_sql_run(s->db,
                       "INSERT INTO caption_word (caption_word) VALUES ('optimize')",
                       PF_SQL_NO_ARGS, err));
}

/* ---- asking ---------------------------------------------------------------------- */

/* No filter by column: SQLite 3.40 writes past a buffer when it filters damaged
 * postings. */
static bool add_leaf(const pf_words_query *q, const pf_leaf *leaf, pf_buf *out,
                     pf_err *err)
{
    const bool is_prefix = leaf->kind == PF_LEAF_PREFIX;
    bool ok = true;
    for (size_t i = 0; ok && i < leaf->n_words; i++)
        ok = pf_buf_addf(out, err, "%s\"%s%s\"", i > 0 ? " + " : "",
                         is_prefix ? PF_PLAIN_MARK : "",
                         pf_words_query_word(q, leaf, i));
    return ok && (!is_prefix || pf_buf_add_str(out, " *", err));
}

bool pf_store_make_match(const pf_words_query *q, bool all, pf_buf *out, pf_err *err)
{
    bool ok = true, is_first = true;
    for (size_t g = 0; ok && g < q->n_groups; g++) {
        const pf_word_group *group = &q->groups[g];
        if (group->is_excluded)
            continue;
        ok = pf_buf_add_str(out, is_first ? "(" : all ? " AND (" : " OR (", err);
        is_first = false;
        for (size_t i = 0; ok && i < group->n_leaves; i++)
            ok = (i == 0 || pf_buf_add_str(out, " OR ", err)) &&
                 add_leaf(q, &q->leaves[group->first_leaf + i], out, err);
        ok = ok && pf_buf_add_str(out, ")", err);
    }
    return ok;
}

static bool each_match(pf_store *s, const char *match, pf_store_word_fn *fn, void *user,
                       pf_err *err)
{
    pf_sql_rows *rows;
    bool has_row, is_enough = false;
    bool ok = pf_sql_start(&rows, s->db,
                           "SELECT caption_id, image_id, caption_text_id, rank"
                           " FROM caption_word"
                           " JOIN caption_image ON caption_text_id = caption_word.rowid"
                           " WHERE caption_word MATCH ?"
                           " ORDER BY rank, caption_id",
                           PF_SQL_ARGS(pf_sql_text(match)), err);
    while (ok && !is_enough && (ok = pf_sql_next(rows, &has_row, err)) && has_row) {
        const pf_store_word_match m = {
            .caption_id = pf_sql_get_int(rows, 0),
            .image_id = pf_sql_get_int(rows, 1),
            .text_id = pf_sql_get_int(rows, 2),
            .score = -pf_sql_get_real(rows, 3), /* FTS5 has the best lowest */
        };
        ok = fn(user, &m, &is_enough, err);
    }
    pf_sql_end(rows);
    return ok;
}

bool pf_store_each_word_match(pf_store *s, const pf_words_query *query, bool all,
                              pf_store_word_fn *fn, void *user, pf_err *err)
{
    pf_buf match;
    pf_buf_init(&match, MAX_MATCH);
    const bool ok = pf_store_make_match(query, all, &match, err) &&
                    each_match(s, match.data, fn, user, err);
    pf_buf_free(&match);
    return ok;
}

bool pf_store_has_match(pf_store *s, const pf_words_query *query, bool *out,
                        pf_err *err)
{
    pf_buf match;
    int64_t n = 0;
    pf_buf_init(&match, MAX_MATCH);
    const bool ok = pf_store_make_match(query, true, &match, err) &&
                    pf_sql_find_int(s->db,
                                    "SELECT EXISTS (SELECT 1 FROM caption_word"
                                    " WHERE caption_word MATCH ?)",
                                    PF_SQL_ARGS(pf_sql_text(match.data)), &n, err);
    pf_buf_free(&match);
    *out = n != 0;
    return ok;
}

/* ---- the vocabulary -------------------------------------------------------------- */

/* FTS5's own list of its words, a row for each. */
static bool open_vocabulary(pf_store *s, pf_err *err)
{
    return pf_sql_run_script(s->db,
                             "CREATE VIRTUAL TABLE IF NOT EXISTS"
                             " temp.caption_word_list"
                             " USING fts5vocab(main, caption_word, row)",
                             err);
}

/* Words as they were have a mark, '='. */
bool pf_store_each_word(pf_store *s, char letter, pf_store_vocabulary_fn *fn,
                        void *user, pf_err *err)
{
    const char from[] = {'=', letter, '\0'};
    const char to[] = {letter ? '=' : '=' + 1, letter ? (char)(letter + 1) : '\0',
                       '\0'};
    pf_sql_rows *rows;
    bool has_row, is_enough = false;
    if (!open_vocabulary(s, err))
        return false;
    bool ok = pf_sql_start(&rows, s->db,
                           "SELECT term, doc FROM temp.caption_word_list"
                           " WHERE term >= ? AND term < ?",
                           PF_SQL_ARGS(pf_sql_text(from), pf_sql_text(to)), err);
    while (ok && !is_enough && (ok = pf_sql_next(rows, &has_row, err)) && has_row) {
        const char *word = pf_sql_get_text(rows, 0);
        ok =
            fn(user, word + (word[0] == '='), pf_sql_get_int(rows, 1), &is_enough, err);
    }
    pf_sql_end(rows);
    return ok;
}

bool pf_store_count_texts_with(pf_store *s, const char *stem, int64_t *n, pf_err *err)
{
    *n = 0;
    return open_vocabulary(s, err) &&
           pf_sql_find_int(s->db,
                           "SELECT coalesce(max(doc), 0) FROM temp.caption_word_list"
                           " WHERE term = ?",
                           PF_SQL_ARGS(pf_sql_text(stem)), n, err);
}

bool pf_store_has_captions(pf_store *s, bool *out, pf_err *err)
{
    int64_t n = 0;
    const bool ok = pf_sql_find_int(s->db, "SELECT EXISTS (SELECT 1 FROM caption)",
                                    PF_SQL_NO_ARGS, &n, err);
    *out = n != 0;
    return ok;
}

bool pf_store_get_caption_text(pf_store *s, int64_t text_id, char **text, pf_err *err)
{
    *text = NULL;
    pf_sql_rows *rows;
    bool has_row;
    bool ok = pf_sql_start(&rows, s->db, "SELECT text FROM caption_text WHERE id = ?",
                           PF_SQL_ARGS(pf_sql_int(text_id)), err) &&
              pf_sql_next(rows, &has_row, err);
    if (ok && has_row)
        ok = (*text = pf_strdup(pf_sql_get_text(rows, 0), err)) != NULL;
    pf_sql_end(rows);
    return ok;
}
