/*
 * store_words_ask.c - see store.h. The index of words, asked.
 *
 * Nothing that a user typed reaches FTS5 but words that terms.h made of it, in quotes.
 * A word is asked for once in each field, behind the field's mark: no filter by column,
 * for SQLite 3.40 writes past a buffer when it filters damaged postings.
 *
 * What a row is worth is reckoned while FTS5 stands at it (weigh() in sql.h), from how
 * often each of the phrases is there: no text needs to be read for that. It is the most
 * that the row can be worth, for a mention that is denied counts here as well.
 */
#include "core/catalog/store.h"

#include <string.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/catalog/store_impl.h"
#include "core/words/fields.h"
#include "core/words/words_text.h"

enum { MAX_MATCH = 1 << 20 };

/* ---- the expression -------------------------------------------------------------- */

/* What a phrase of the expression is about; that of a group which stands in it a second
 * time is about nothing. */
typedef struct {
    uint8_t group, field; /* group PF_WORDS_MAX_GROUPS: nothing */
    uint8_t said;
    uint64_t bit; /* of the first word */
} phrase;

typedef struct {
    const pf_words_query *query;
    pf_field_set fields;
    pf_buf text;
    phrase *phrases;
    size_t n, room;
    bool is_inexact; /* a text may have other words than the index says */
    pf_err *err;
} expression;

static bool add_leaf(expression *e, const pf_leaf *leaf, pf_field field)
{
    const bool is_prefix = leaf->kind == PF_LEAF_PREFIX;
    const char mark[] = {pf_field_mark(field), '=', '\0'};
    bool ok = true;
    for (size_t i = 0; ok && i < leaf->n_words; i++)
        ok = pf_buf_addf(&e->text, e->err, "%s\"%s%s%s\"", i > 0 ? " + " : "",
                         mark[0] ? mark : "", is_prefix ? PF_PLAIN_MARK : "",
                         pf_words_query_word(e->query, leaf, i));
    return ok && (!is_prefix || pf_buf_add_str(&e->text, " *", e->err));
}

/* What is asked for as denied only the text knows; and in an expression that has words
 * side by side SQLite 3.40 does not always tell what else a row has. */
static bool note_phrase(expression *e, size_t group, pf_field field, const pf_leaf *l)
{
    if (l->kind == PF_LEAF_PREFIX || l->n_words > 1 || l->wants_denied)
        e->is_inexact = true;
    if (!pf_grow_array(&e->phrases, &e->room, e->n, sizeof *e->phrases, e->err))
        return false;
    e->phrases[e->n++] = (phrase){(uint8_t)group, (uint8_t)field, (uint8_t)l->said,
                                  pf_words_bit(pf_words_query_word(e->query, l, 0))};
    return true;
}

/* Captions of cases have the words of captions. */
static pf_field_set asked_fields(pf_field_set fields)
{
    const pf_field_set both = 1u << PF_FIELD_CAPTION | 1u << PF_FIELD_CASE;
    return fields & both ? (fields & ~both) | 1u << PF_FIELD_CAPTION : fields;
}

/* "(a OR b OR t=a OR t=b)"; noted as group `as`. */
static bool add_group(expression *e, size_t g, size_t as)
{
    const pf_word_group *group = &e->query->groups[g];
    const pf_field_set fields = asked_fields(e->fields);
    bool ok = pf_buf_add_str(&e->text, "(", e->err), is_first = true;
    for (int f = 0; ok && f < PF_FIELDS; f++) {
        for (size_t i = 0;
             ok && pf_field_set_has(fields, (pf_field)f) && i < group->n_leaves; i++) {
            const pf_leaf *leaf = &e->query->leaves[group->first_leaf + i];
            ok = (is_first || pf_buf_add_str(&e->text, " OR ", e->err)) &&
                 add_leaf(e, leaf, (pf_field)f) &&
                 note_phrase(e, as, (pf_field)f, leaf);
            is_first = false;
        }
    }
    return ok && pf_buf_add_str(&e->text, ")", e->err);
}

/* The groups of order [n], joined by `by`. */
static bool add_groups(expression *e, const size_t *order, size_t n, const char *by,
                       bool counts)
{
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++)
        ok = (i == 0 || pf_buf_add_str(&e->text, by, e->err)) &&
             add_group(e, order[i], counts ? order[i] : PF_WORDS_MAX_GROUPS);
    return ok;
}

/* Rows that have the group at place `from` of the order, whatever they have of those
 * behind it, and none before it: "(g OR (g AND (h OR i))) NOT (e OR f)"; or any of
 * these:
 * "(g OR h OR i) NOT (e OR f)". */
static bool add_pass(expression *e, const pf_store_match *m)
{
    const size_t *rest = m->order + m->from + 1, n_rest = m->n - m->from - 1;
    bool ok =
        pf_buf_add_str(&e->text, "(", e->err) &&
        add_groups(e, m->order + m->from, m->takes_rest ? n_rest + 1 : 1, " OR ", true);
    if (ok && n_rest > 0 && !m->takes_rest)
        ok = pf_buf_add_str(&e->text, " OR (", e->err) &&
             add_groups(e, m->order + m->from, 1, "", false) &&
             pf_buf_add_str(&e->text, " AND (", e->err) &&
             add_groups(e, rest, n_rest, " OR ", true) &&
             pf_buf_add_str(&e->text, "))", e->err);
    ok = ok && pf_buf_add_str(&e->text, ")", e->err);
    if (ok && m->from > 0)
        ok = pf_buf_add_str(&e->text, " NOT (", e->err) &&
             add_groups(e, m->order, m->from, " OR ", false) &&
             pf_buf_add_str(&e->text, ")", e->err);
    return ok;
}

static bool make_expression(expression *e, const pf_store_match *m, pf_err *err)
{
    *e = (expression){.query = m->query, .fields = m->fields, .err = err};
    pf_buf_init(&e->text, MAX_MATCH);
    return m->needs_all ? add_groups(e, m->order, m->n, " AND ", true) : add_pass(e, m);
}

static void reset_expression(expression *e)
{
    pf_buf_free(&e->text);
    pf_free(e->phrases);
}

bool pf_store_make_match(const pf_store_match *m, pf_buf *out, pf_err *err)
{
    expression e;
    const bool ok = make_expression(&e, m, err) &&
                    pf_buf_add_str(out, e.text.data ? e.text.data : "", err);
    reset_expression(&e);
    return ok;
}

/* ---- rows ------------------------------------------------------------------------ */

typedef struct {
    const pf_store_match *match;
    const expression *e;
    pf_store_candidate row; /* the one that FTS5 stands at */
} weighing;

/* How often a group is said in a field, and how at best. */
typedef struct {
    uint32_t times;
    pf_said said;
} said;

static double weigh_row(void *user, const uint32_t *counts, size_t n, int64_t size)
{
    weighing *w = user;
    said table[PF_WORDS_MAX_GROUPS][PF_FIELDS];
    pf_found best[PF_WORDS_MAX_GROUPS] = {{0}};
    bool is_asked[PF_WORDS_MAX_GROUPS] = {false};
    w->row = (pf_store_candidate){.is_exact = !w->e->is_inexact};
    for (size_t i = 0; i < n; i++) {
        const phrase *p = &w->e->phrases[i];
        if (counts[i] == 0 || p->group == PF_WORDS_MAX_GROUPS)
            continue;
        w->row.words |= p->bit;
        if (!is_asked[p->group]) {
            is_asked[p->group] = true;
            memset(table[p->group], 0, sizeof table[p->group]);
        }
        said *s = &table[p->group][p->field];
        s->said = s->times == 0 || p->said < s->said ? (pf_said)p->said : s->said;
        s->times += counts[i];
    }
    for (size_t g = 0; g < w->match->query->n_groups; g++) {
        for (int f = 0; is_asked[g] && f < PF_FIELDS; f++) {
            const said *s = &table[g][f];
            if (s->times == 0)
                continue;
            const pf_found found = pf_weigh_found((pf_field)f, s->said, s->times,
                                                  (double)size, w->match->usual_size);
            if (pf_found_is_better(&found, &best[g]))
                best[g] = found;
        }
        if (!is_asked[g])
            continue;
        w->row.groups |= (uint64_t)1 << g;
        w->row.fields |= 1u << best[g].field;
        w->row.most += pf_weigh_score(w->match->worth[g], &best[g]);
    }
    return w->row.most;
}

/* The weigher is called while SQLite steps to the row. */
static bool each_row(pf_store *s, const char *match, pf_sql_weigher *weigher,
                     pf_store_candidate_fn *fn, void *user, pf_err *err)
{
    weighing *w = weigher->user;
    pf_sql_rows *rows;
    bool has_row;
    bool ok = pf_sql_start(&rows, s->db,
                           "SELECT rowid, weigh(caption_word, ?2) FROM caption_word"
                           " WHERE caption_word MATCH ?1",
                           PF_SQL_ARGS(pf_sql_text(match), pf_sql_weigh(weigher)), err);
    while (ok && (ok = pf_sql_next(rows, &has_row, err)) && has_row) {
        w->row.row = pf_sql_get_int(rows, 0);
        ok = fn(user, &w->row, err);
    }
    pf_sql_end(rows);
    return ok;
}

bool pf_store_each_candidate(pf_store *s, const pf_store_match *match,
                             pf_store_candidate_fn *fn, void *user, pf_err *err)
{
    expression e;
    bool ok = make_expression(&e, match, err);
    weighing w = {.match = match, .e = &e};
    pf_sql_weigher weigher = {.fn = weigh_row, .user = &w, .n = e.n};
    ok = ok && (weigher.counts = pf_alloc_array(e.n, sizeof *weigher.counts, err)) &&
         each_row(s, e.text.data, &weigher, fn, user, err);
    pf_free(weigher.counts);
    reset_expression(&e);
    return ok;
}

bool pf_store_has_match(pf_store *s, const pf_words_query *query, size_t group,
                        pf_field_set fields, bool *out, pf_err *err)
{
    const pf_store_match m = {
        .query = query, .fields = fields, .order = &group, .n = 1, .needs_all = true};
    expression e;
    int64_t n = 0;
    const bool ok = make_expression(&e, &m, err) &&
                    pf_sql_find_int(s->db,
                                    "SELECT EXISTS (SELECT 1 FROM caption_word"
                                    " WHERE caption_word MATCH ?)",
                                    PF_SQL_ARGS(pf_sql_text(e.text.data)), &n, err);
    reset_expression(&e);
    *out = n != 0;
    return ok;
}

static bool read_row(pf_sql_rows *rows, pf_store_word_row *out, pf_err *err)
{
    out->image_id = pf_sql_get_int(rows, 0);
    out->is_of_case = pf_sql_get_int(rows, 1) != 0;
    return (pf_sql_is_null(rows, 2) ||
            (out->caption = pf_strdup(pf_sql_get_text(rows, 2), err)) != NULL) &&
           (out->others = pf_strdup(pf_sql_get_text(rows, 3), err)) != NULL;
}

bool pf_store_get_word_row(pf_store *s, int64_t row, pf_store_word_row *out,
                           pf_err *err)
{
    static const char of_caption[] =
        "SELECT image_id, (SELECT case_id IS NOT NULL FROM caption WHERE id = ?1),"
        " text, fields FROM words_row"
        " JOIN caption_image ON caption_id = words_row.id"
        " JOIN caption_text ON caption_text.id = caption_image.caption_text_id"
        " WHERE words_row.id = ?1";
    static const char of_image[] = "SELECT -id, 0, NULL, fields FROM words_row"
                                   " WHERE id = ?1";
    pf_sql_rows *rows;
    bool has_row = false;
    *out = (pf_store_word_row){0};
    bool ok = pf_sql_start(&rows, s->db, row > 0 ? of_caption : of_image,
                           PF_SQL_ARGS(pf_sql_int(row)), err) &&
              pf_sql_next(rows, &has_row, err) &&
              (!has_row || read_row(rows, out, err));
    pf_sql_end(rows);
    if (!ok)
        pf_store_word_row_reset(out);
    return ok;
}

void pf_store_word_row_reset(pf_store_word_row *row)
{
    pf_free(row->caption);
    pf_free(row->others);
    *row = (pf_store_word_row){0};
}

bool pf_store_find_row_image(pf_store *s, int64_t row, int64_t *image_id, pf_err *err)
{
    if (row <= 0) {
        *image_id = row == INT64_MIN ? 0 : -row; /* no row is that, but in damage */
        return true;
    }
    return pf_sql_find_int(s->db,
                           "SELECT image_id FROM caption_image WHERE caption_id = ?",
                           PF_SQL_ARGS(pf_sql_int(row)), image_id, err);
}

/* Everywhere at once: the field of a word is told by its mark. */
bool pf_store_each_row_with(pf_store *s, const char *word, pf_field_set fields,
                            pf_store_pair_fn *fn, void *user, pf_err *err)
{
    pf_buf match;
    pf_sql_rows *rows = NULL;
    bool ok = true, has_row;
    pf_buf_init(&match, MAX_MATCH);
    for (int f = 0; ok && f < PF_FIELDS; f++) {
        const char mark[] = {pf_field_mark((pf_field)f), '=', '\0'};
        if (f == PF_FIELD_CAPTION || pf_field_set_has(fields, (pf_field)f))
            ok = pf_buf_addf(&match, err, "%s\"%s" PF_PLAIN_MARK "%s\"",
                             match.size > 0 ? " OR " : "", mark[0] ? mark : "", word);
    }
    ok = ok && pf_buf_add(&match, "", 1, err) &&
         pf_sql_start(&rows, s->db,
                      "SELECT rowid FROM caption_word WHERE caption_word MATCH ?",
                      PF_SQL_ARGS(pf_sql_text(match.data)), err);
    while (ok && (ok = pf_sql_next(rows, &has_row, err)) && has_row)
        ok = fn(user, pf_sql_get_int(rows, 0), 0, err);
    pf_sql_end(rows);
    pf_buf_free(&match);
    return ok;
}

bool pf_store_each_word_row(pf_store *s, pf_store_pair_fn *fn, void *user, pf_err *err)
{
    pf_sql_rows *rows;
    bool has_row;
    bool ok = pf_sql_start(&rows, s->db,
                           "SELECT words_row.id, CASE WHEN words_row.id < 0"
                           " THEN -words_row.id ELSE image_id END FROM words_row"
                           " LEFT JOIN caption_image ON caption_id = words_row.id"
                           " ORDER BY words_row.id",
                           PF_SQL_NO_ARGS, err);
    while (ok && (ok = pf_sql_next(rows, &has_row, err)) && has_row)
        ok = fn(user, pf_sql_get_int(rows, 0), pf_sql_get_int(rows, 1), err);
    pf_sql_end(rows);
    return ok;
}

/* ---- the index as a whole -------------------------------------------------------- */

/* Row 1 of FTS5's data has the totals (https://www.sqlite.org/fts5.html has the tables,
 * their contents are in its source). */
bool pf_store_get_words_size(pf_store *s, int64_t *n_rows, int64_t *n_words,
                             pf_err *err)
{
    pf_sql_rows *rows;
    bool has_row = false;
    *n_rows = *n_words = 0;
    bool ok =
        pf_sql_start(&rows, s->db, "SELECT block FROM caption_word_data WHERE id = 1",
                     PF_SQL_NO_ARGS, err) &&
        pf_sql_next(rows, &has_row, err);
    if (ok && has_row) {
        size_t n = 0;
        const uint8_t *at = pf_sql_get_bytes(rows, 0, &n);
        uint64_t all, words;
        const uint8_t *end = at ? at + n : NULL;
        if (at && pf_store_get_varint(&at, end, &all) &&
            pf_store_get_varint(&at, end, &words) && all < (uint64_t)1 << 40 &&
            words < (uint64_t)1 << 50) {
            *n_rows = (int64_t)all;
            *n_words = (int64_t)words;
        }
    }
    pf_sql_end(rows);
    return ok;
}

bool pf_store_find_fields(pf_store *s, pf_field_set *out, pf_err *err)
{
    *out = 1u << PF_FIELD_CAPTION | 1u << PF_FIELD_CASE;
    for (int f = PF_FIELD_TITLE; f < PF_FIELDS; f++) {
        bool is_there;
        const char from[] = {pf_field_mark((pf_field)f), '=', '\0'};
        if (!pf_store_has_term_like(s, from, &is_there, err))
            return false;
        if (is_there)
            *out |= 1u << f;
    }
    return true;
}

/* File names alone are no texts: nobody would look for words there. */
bool pf_store_has_captions(pf_store *s, bool *out, pf_err *err)
{
    const pf_field_set always =
        1u << PF_FIELD_CAPTION | 1u << PF_FIELD_CASE | 1u << PF_FIELD_NAME;
    pf_field_set fields = 0;
    int64_t n = 0;
    const bool ok = pf_sql_find_int(s->db, "SELECT EXISTS (SELECT 1 FROM caption)",
                                    PF_SQL_NO_ARGS, &n, err) &&
                    (n != 0 || pf_store_find_fields(s, &fields, err));
    *out = n != 0 || (fields & ~always) != 0;
    return ok;
}
