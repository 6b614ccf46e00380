/*
 * store_words_check.c - pf_store_check_words(): does FTS5 find each row by exactly its
 * words?
 *
 * FTS5 has two things: its index of which word stands where, and how many words each
 * row has. Its own integrity check wants to write, which a reader cannot, so both are
 * compared here with what terms.h makes of captions and of words_row.
 */
#include "core/catalog/store.h"

#include <string.h>

#include "core/base/buf.h"
#include "core/base/hash.h"
#include "core/base/mem.h"
#include "core/catalog/store_impl.h"

/* What an index comes to: the sum of the hashes of (word, row, place). */
typedef struct {
    uint64_t n, sum;
} tally;

static void add_word(tally *t, const char *word, size_t n, int64_t row, int64_t place)
{
    const uint64_t where = pf_hash_seeded(&place, sizeof place, (uint64_t)row);
    t->n++;
    t->sum += pf_hash_seeded(word, n, where);
}

/* ---- what the texts say -------------------------------------------------------- */

/* Words are parted by single spaces: how many there are. */
static int64_t add_words(tally *t, const char *column, int64_t row)
{
    int64_t place = 0;
    for (const char *word = column; *word; place++) {
        const size_t n = strcspn(word, " ");
        add_word(t, word, n, row, place);
        word += n;
        word += *word == ' ';
    }
    return place;
}

bool pf_store_get_varint(const uint8_t **at, const uint8_t *end, uint64_t *out)
{
    *out = 0;
    for (int i = 0; i < 9 && *at < end; i++) {
        const uint8_t b = *(*at)++;
        *out = i == 8 ? *out << 8 | b : *out << 7 | (b & 0x7F);
        if (i == 8 || !(b & 0x80))
            return true;
    }
    return false;
}

/* Are these the numbers of words, and nothing behind them? */
static bool has_numbers(const uint8_t *blob, size_t n, const int64_t *numbers,
                        int n_numbers)
{
    static const uint8_t none[1];
    const uint8_t *at = blob ? blob : none, *end = at + (blob ? n : 0);
    for (int i = 0; i < n_numbers; i++) {
        uint64_t v;
        if (!pf_store_get_varint(&at, end, &v) || v != (uint64_t)numbers[i])
            return false;
    }
    return at == end;
}

/* totals: rows, then words. */
static void check_row(pf_sql_rows *rows, const pf_store_words *w, tally *t,
                      int64_t totals[2], pf_notes *problems)
{
    const int64_t id = pf_sql_get_int(rows, 0);
    const int64_t n = add_words(t, w->words.size > 0 ? w->words.data : "", id);
    totals[0]++;
    totals[1] += n;
    size_t size;
    const uint8_t *blob = pf_sql_get_bytes(rows, 3, &size);
    if (!has_numbers(blob, size, &n, 1))
        pf_notes_add(problems,
                     "row %lld of the words has another number of words than is noted",
                     (long long)id);
}

/* Every row that there should be. */
static bool check_rows(pf_store *s, tally *t, int64_t totals[2], pf_notes *problems,
                       pf_err *err)
{
    pf_store_words w;
    pf_store_words_init(&w);
    pf_sql_rows *rows;
    bool has_row;
    bool ok = pf_sql_start(
        &rows, s->db,
        "SELECT words_row.id, text, fields, sz FROM words_row"
        " LEFT JOIN caption ON caption.id = words_row.id"
        " LEFT JOIN caption_text ON caption_text.id = caption.caption_text_id"
        " LEFT JOIN caption_word_docsize ON caption_word_docsize.id = words_row.id",
        PF_SQL_NO_ARGS, err);
    while (ok && (ok = pf_sql_next(rows, &has_row, err)) && has_row) {
        ok = pf_store_words_read(
            &w, pf_sql_is_null(rows, 1) ? NULL : pf_sql_get_text(rows, 1),
            pf_sql_get_text(rows, 2), err);
        if (ok)
            check_row(rows, &w, t, totals, problems);
    }
    pf_sql_end(rows);
    pf_store_words_reset(&w);
    return ok;
}

/* ---- what FTS5 made of them -------------------------------------------------------
 */

static bool read_index(pf_store *s, tally *t, pf_err *err)
{
    pf_sql_rows *rows;
    bool has_row;
    bool ok = pf_sql_run_script(s->db,
                                "CREATE VIRTUAL TABLE IF NOT EXISTS"
                                " temp.caption_word_place"
                                " USING fts5vocab(main, caption_word, instance)",
                                err) &&
              pf_sql_start(&rows, s->db,
                           "SELECT term, doc, \"offset\""
                           " FROM temp.caption_word_place",
                           PF_SQL_NO_ARGS, err);
    while (ok && (ok = pf_sql_next(rows, &has_row, err)) && has_row) {
        const char *word = pf_sql_get_text(rows, 0);
        add_word(t, word, strlen(word), pf_sql_get_int(rows, 1),
                 pf_sql_get_int(rows, 2));
    }
    if (ok)
        pf_sql_end(rows);
    return ok;
}

/* Row 1 of FTS5's data has the totals (https://www.sqlite.org/fts5.html has the tables,
 * their contents are in its source). */
static bool check_totals(pf_store *s, const int64_t totals[2], pf_notes *problems,
                         pf_err *err)
{
    pf_sql_rows *rows;
    bool has_row;
    bool ok =
        pf_sql_start(&rows, s->db, "SELECT block FROM caption_word_data WHERE id = 1",
                     PF_SQL_NO_ARGS, err) &&
        pf_sql_next(rows, &has_row, err);
    if (ok) {
        size_t n = 0;
        const uint8_t *blob = has_row ? pf_sql_get_bytes(rows, 0, &n) : NULL;
        /* of an index that never had a row it is empty */
        if (!(n == 0 && totals[0] == 0) && !has_numbers(blob, n, totals, 2))
            pf_notes_add(problems, "the number of all words is not what is noted");
    }
    pf_sql_end(rows);
    return ok;
}

/* Captions and images without a row, and rows without any. */
static bool check_strays(pf_store *s, pf_notes *problems, pf_err *err)
{
    static const struct {
        const char *sql, *what;
    } counts[] = {
        {"SELECT count(id) FROM caption WHERE id NOT IN (SELECT id FROM words_row)"
         " AND (image_id IS NOT NULL OR EXISTS (SELECT 1 FROM image WHERE"
         " image.case_id = caption.case_id))",
         "captions whose words are not in the index"},
        {"SELECT count(id) FROM words_row WHERE id > 0 AND caption_text_id IS NOT"
         " (SELECT caption_text_id FROM caption WHERE caption.id = words_row.id)",
         "rows of words that are of no caption, or another text"},
        {"SELECT count(id) FROM words_row WHERE id <= 0 AND -id NOT IN"
         " (SELECT id FROM image)",
         "rows of words that are of no image"},
        {"SELECT count(id) FROM caption_word_docsize WHERE id NOT IN"
         " (SELECT id FROM words_row)",
         "rows of the index that are of nothing"},
    };
    int64_t n = 0;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        if (!pf_sql_find_int(s->db, counts[i].sql, PF_SQL_NO_ARGS, &n, err))
            return false;
        if (n != 0)
            pf_notes_add(problems, "%lld %s", (long long)n, counts[i].what);
    }
    return true;
}

bool pf_store_check_words(pf_store *s, pf_notes *problems, pf_err *err)
{
    tally made = {0}, found = {0};
    int64_t totals[2] = {0};
    const size_t before = problems->count + problems->dropped;
    if (!check_rows(s, &made, totals, problems, err) || !check_strays(s, problems, err))
        return false;
    if (problems->count + problems->dropped != before)
        return true; /* then the rest cannot be right either */
    if (!check_totals(s, totals, problems, err) || !read_index(s, &found, err))
        return false;
    if (made.n == found.n && made.sum == found.sum)
        return pf_store_check_list(s, problems, err);
    pf_notes_add(problems,
                 "the index of words is not that of the captions: %lld words in it, "
                 "%lld in them",
                 (long long)found.n, (long long)made.n);
    return true;
}
