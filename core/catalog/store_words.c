/*
 * store_words.c - see store.h and store_impl.h. The index of words, kept in step; asked
 * it is in store_words_ask.c.
 *
 * A row is made of a caption and of what else is said of its image (fields.h), or of an
 * image alone that no caption is shown at. What is in it follows from other tables, so
 * that it can be made at any time. Rows come and go with a publish, for how rare a word
 * is counts in every answer: what was embedded and not published yet must not be in it.
 *
 * FTS5 keeps no copy of the words: to take a row out, it has to be told them once more.
 * They are made again of the caption's text and of words_row; a row whose text is gone,
 * as after a rebuild with another model, means that all rows are made anew.
 *
 * What is said of a case is found at its first image, as its captions are.
 */
#include "core/catalog/store.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/catalog/store_impl.h"
#include "core/words/fields.h"
#include "core/words/terms.h"

enum {
    MAX_WORDS = 48 << 20,
    MAX_FIELDS = 256 << 10, /* bytes of what else is said of one image */
    MAX_NAME = 255,         /* of a file's name that are looked at */
};

void pf_store_words_init(pf_store_words *w)
{
    w->terms = (pf_terms){0};
    w->is_cut = false;
    pf_buf_init(&w->words, MAX_WORDS);
}

void pf_store_words_reset(pf_store_words *w)
{
    pf_terms_reset(&w->terms);
    pf_buf_free(&w->words);
}

static bool add_text(pf_store_words *w, char mark, const char *text, size_t n,
                     pf_err *err)
{
    if (!pf_terms_read(&w->terms, text, n, err))
        return false;
    w->is_cut = w->is_cut || w->terms.is_cut;
    return pf_terms_index(&w->terms, mark, &w->words, err);
}

bool pf_store_words_read(pf_store_words *w, const char *caption, const char *fields,
                         pf_err *err)
{
    pf_field field;
    const char *text;
    size_t n;
    w->words.size = 0;
    w->is_cut = false;
    if (caption && !add_text(w, '\0', caption, strlen(caption), err))
        return false;
    for (pf_field_lines lines = {.at = fields};
         pf_field_lines_next(&lines, &field, &text, &n);) {
        if (!add_text(w, pf_field_mark(field), text, n, err))
            return false;
    }
    return true;
}

/* ---- what else is said of an image ----------------------------------------------- */

/* A line; its own line breaks are spaces. What does not fit any more is left out. */
static bool add_line(pf_buf *out, pf_field field, const char *text, size_t n,
                     pf_err *err)
{
    const char mark = pf_field_mark(field);
    if (n == 0 || out->size + n + 2 > MAX_FIELDS)
        return true;
    if (!pf_buf_add(out, &mark, 1, err) || !pf_buf_add(out, text, n, err) ||
        !pf_buf_add(out, "\n", 1, err))
        return false;
    char *line = out->data + out->size - n - 1;
    for (size_t i = 0; i < n; i++) {
        if (line[i] == '\n' || line[i] == '\r' || line[i] == '\0')
            line[i] = ' ';
    }
    return true;
}

/* The name of a file without its ending. */
static bool add_name(pf_buf *out, const char *path, pf_err *err)
{
    char *owned;
    const char *name = pf_utf8_clean(pf_path_base(path), &owned, err);
    if (!name)
        return false;
    const char *dot = strrchr(name, '.');
    size_t n = dot && dot != name ? (size_t)(dot - name) : strlen(name);
    if (n > MAX_NAME)
        n = pf_utf8_cut(name, MAX_NAME);
    const bool ok = add_line(out, PF_FIELD_NAME, name, n, err);
    pf_free(owned);
    return ok;
}

static bool has_letter(const char *s)
{
    while (*s && !isalpha((unsigned char)*s) && (unsigned char)*s < 0x80)
        s++;
    return *s != '\0';
}

/* ---- rows ------------------------------------------------------------------------ */

/* Rows of a statement whose first column is an image, in order of images. */
typedef struct {
    pf_sql_rows *rows; /* at the next one; NULL before it is begun */
    int64_t image_id;  /* of that one; past every image behind the last */
} stream;

typedef struct {
    pf_store *s;
    pf_store_words words;
    pf_buf fields;
    stream attributes, captions, own_rows; /* in step with the images */
    size_t n_kept, n_new, n_gone;
    bool lacks_text; /* what a row was made of is gone */
} filling;

/* The words of a row into the index, or out of it. */
static bool index_row(filling *f, int64_t id, int64_t text_id, const char *fields,
                      bool goes, pf_err *err)
{
    char *text = NULL;
    if (text_id != 0 && !pf_store_get_caption_text(f->s, text_id, &text, err))
        return false;
    f->lacks_text = f->lacks_text || (goes && text_id != 0 && !text);
    bool ok = pf_store_words_read(&f->words, text, fields, err);
    pf_free(text);
    const char *words = f->words.words.size > 0 ? f->words.words.data : "";
    if (ok && goes && !f->lacks_text)
        ok = pf_sql_run(f->s->db,
                        "INSERT INTO caption_word (caption_word, rowid, words)"
                        " VALUES ('delete', ?, ?)",
                        PF_SQL_ARGS(pf_sql_int(id), pf_sql_text(words)), err);
    if (ok && !goes)
        ok = pf_sql_run(f->s->db,
                        "INSERT INTO caption_word (rowid, words) VALUES (?, ?)",
                        PF_SQL_ARGS(pf_sql_int(id), pf_sql_text(words)), err);
    return ok;
}

static bool put_row(filling *f, int64_t id, int64_t text_id, const char *fields,
                    pf_err *err)
{
    f->n_new++;
    if (!index_row(f, id, text_id, fields, false, err))
        return false;
    f->s->n_cut_texts += f->words.is_cut;
    return pf_sql_run(
        f->s->db,
        "INSERT INTO words_row (id, caption_text_id, fields) VALUES (?, ?, ?)",
        PF_SQL_ARGS(pf_sql_int(id), pf_sql_id(text_id), pf_sql_text(fields)), err);
}

static bool drop_row(filling *f, int64_t id, int64_t text_id, const char *fields,
                     pf_err *err)
{
    f->n_gone++;
    return index_row(f, id, text_id, fields, true, err) &&
           pf_sql_run(f->s->db, "DELETE FROM words_row WHERE id = ?",
                      PF_SQL_ARGS(pf_sql_int(id)), err);
}

typedef struct {
    bool is_there, has_same_fields;
    int64_t text_id;
    char *fields; /* owned; NULL when they are the same */
} known_row;

/* The row that is there, of which `rows` have id, text and fields from `column` on. */
static bool take_known(known_row *out, pf_sql_rows *rows, int column,
                       const char *fields, pf_err *err)
{
    *out = (known_row){.is_there = !pf_sql_is_null(rows, column)};
    if (!out->is_there)
        return true;
    const char *known = pf_sql_get_text(rows, column + 2);
    out->text_id = pf_sql_get_int(rows, column + 1);
    out->has_same_fields = strcmp(known, fields) == 0;
    return out->has_same_fields || (out->fields = pf_strdup(known, err)) != NULL;
}

/* After a rebuild the same text is another row. */
static bool says_the_same(pf_store *s, int64_t a, int64_t b, bool *out, pf_err *err)
{
    int64_t is_same = 0;
    const bool ok =
        pf_sql_find_int(s->db,
                        "SELECT (SELECT text FROM caption_text WHERE id = ?)"
                        " = (SELECT text FROM caption_text WHERE id = ?)",
                        PF_SQL_ARGS(pf_sql_int(a), pf_sql_int(b)), &is_same, err);
    *out = is_same != 0;
    return ok;
}

/* A row that is there, as it should be: nothing is done when it is. */
static bool change_row(filling *f, int64_t id, int64_t text_id, const char *fields,
                       const known_row *known, pf_err *err)
{
    bool is_same = known->has_same_fields;
    if (is_same && known->text_id == text_id)
        return true;
    if (is_same && !says_the_same(f->s, known->text_id, text_id, &is_same, err))
        return false;
    if (is_same)
        return pf_sql_run(f->s->db,
                          "UPDATE words_row SET caption_text_id = ? WHERE id = ?",
                          PF_SQL_ARGS(pf_sql_int(text_id), pf_sql_int(id)), err);
    return drop_row(f, id, known->text_id,
                    known->has_same_fields ? fields : known->fields, err) &&
           put_row(f, id, text_id, fields, err);
}

static const char *fields_of(const filling *f)
{
    return f->fields.size > 0 ? f->fields.data : "";
}

/* The row `id` as it should be; *known is what is there, and freed. */
static bool keep_row(filling *f, int64_t id, int64_t text_id, known_row *known,
                     pf_err *err)
{
    const char *fields = fields_of(f);
    f->n_kept++;
    const bool ok = known->is_there ? change_row(f, id, text_id, fields, known, err)
                                    : put_row(f, id, text_id, fields, err);
    pf_free(known->fields);
    return ok;
}

/* ---- images and what belongs to them, all in order of images -----------------------
 */

static bool next_of(stream *t, pf_err *err)
{
    bool has_row;
    if (!pf_sql_next(t->rows, &has_row, err))
        return false;
    t->image_id = has_row ? pf_sql_get_int(t->rows, 0) : INT64_MAX;
    return true;
}

static bool begin_stream(stream *t, pf_store *s, const char *sql, pf_err *err)
{
    return pf_sql_start(&t->rows, s->db, sql, PF_SQL_NO_ARGS, err) && next_of(t, err);
}

/* Pass over what belongs to images before this one. */
static bool go_to(stream *t, int64_t image_id, pf_err *err)
{
    bool ok = true;
    while (ok && t->image_id < image_id)
        ok = next_of(t, err);
    return ok;
}

static bool begin_streams(filling *f, pf_err *err)
{
    return begin_stream(&f->attributes, f->s,
                        "SELECT image_id, key, value FROM image_attribute"
                        " ORDER BY image_id, key, value",
                        err) &&
           begin_stream(&f->captions, f->s,
                        "SELECT image_id, caption.id, caption.caption_text_id,"
                        " words_row.id, words_row.caption_text_id, fields FROM caption"
                        " LEFT JOIN words_row ON words_row.id = caption.id"
                        " WHERE image_id IS NOT NULL ORDER BY image_id",
                        err) &&
           begin_stream(&f->own_rows, f->s,
                        "SELECT -id, id, caption_text_id, fields FROM words_row"
                        " WHERE id < 0 ORDER BY id DESC",
                        err);
}

static void end_streams(filling *f)
{
    stream *const all[] = {&f->attributes, &f->captions, &f->own_rows};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        pf_sql_end(all[i]->rows);
        *all[i] = (stream){0};
    }
}

static bool add_attribute(pf_buf *out, const char *key, const char *value, pf_err *err)
{
    pf_field field;
    return !pf_field_of_key(key, &field) || !has_letter(value) ||
           add_line(out, field, value, strlen(value), err);
}

/* Attributes of an image. */
static bool add_attributes(filling *f, int64_t image_id, pf_err *err)
{
    stream *t = &f->attributes;
    bool ok = go_to(t, image_id, err);
    while (ok && t->image_id == image_id)
        ok = add_attribute(&f->fields, pf_sql_get_text(t->rows, 1),
                           pf_sql_get_text(t->rows, 2), err) &&
             next_of(t, err);
    return ok;
}

/* Attributes of an image that is the first of a case, and of the case. */
static bool add_attributes_of_both(filling *f, int64_t image_id, int64_t case_id,
                                   pf_err *err)
{
    pf_sql_rows *rows;
    bool has_row;
    bool ok =
        pf_sql_start(&rows, f->s->db,
                     "SELECT key, value FROM image_attribute WHERE image_id = ? UNION"
                     " SELECT key, value FROM case_attribute WHERE case_id = ?"
                     " ORDER BY 1, 2",
                     PF_SQL_ARGS(pf_sql_int(image_id), pf_sql_int(case_id)), err);
    while (ok && (ok = pf_sql_next(rows, &has_row, err)) && has_row)
        ok = add_attribute(&f->fields, pf_sql_get_text(rows, 0),
                           pf_sql_get_text(rows, 1), err);
    pf_sql_end(rows);
    return ok;
}

static bool keep_captions(filling *f, int64_t image_id, bool *any, pf_err *err)
{
    stream *t = &f->captions;
    bool ok = go_to(t, image_id, err);
    while (ok && t->image_id == image_id) {
        known_row known;
        *any = true;
        ok = take_known(&known, t->rows, 3, fields_of(f), err) &&
             keep_row(f, pf_sql_get_int(t->rows, 1), pf_sql_get_int(t->rows, 2), &known,
                      err) &&
             next_of(t, err);
    }
    return ok;
}

static bool keep_captions_of_case(filling *f, int64_t case_id, bool *any, pf_err *err)
{
    pf_sql_rows *rows;
    bool has_row;
    bool ok = pf_sql_start(&rows, f->s->db,
                           "SELECT caption.id, caption.caption_text_id, words_row.id,"
                           " words_row.caption_text_id, fields FROM caption"
                           " LEFT JOIN words_row ON words_row.id = caption.id"
                           " WHERE case_id = ?",
                           PF_SQL_ARGS(pf_sql_int(case_id)), err);
    while (ok && (ok = pf_sql_next(rows, &has_row, err)) && has_row) {
        known_row known;
        *any = true;
        ok = take_known(&known, rows, 2, fields_of(f), err) &&
             keep_row(f, pf_sql_get_int(rows, 0), pf_sql_get_int(rows, 1), &known, err);
    }
    pf_sql_end(rows);
    return ok;
}

/* The row of an image that no caption is shown at. */
static bool keep_own_row(filling *f, int64_t image_id, pf_err *err)
{
    stream *t = &f->own_rows;
    known_row known = {0};
    return go_to(t, image_id, err) &&
           (t->image_id != image_id ||
            take_known(&known, t->rows, 1, fields_of(f), err)) &&
           keep_row(f, -image_id, 0, &known, err);
}

static bool keep_rows(filling *f, int64_t image_id, int64_t case_id, pf_err *err)
{
    bool any = false;
    return keep_captions(f, image_id, &any, err) &&
           (case_id == 0 || keep_captions_of_case(f, case_id, &any, err)) &&
           (any || keep_own_row(f, image_id, err));
}

/* Titles that are no more than the case's key say nothing. */
static bool keep_image(filling *f, pf_sql_rows *rows, pf_err *err)
{
    const int64_t image_id = pf_sql_get_int(rows, 0), case_id = pf_sql_get_int(rows, 2);
    const char *title = pf_sql_get_text(rows, 3);
    f->fields.size = 0;
    return add_line(&f->fields, PF_FIELD_TITLE, title, strlen(title), err) &&
           (case_id == 0 ? add_attributes(f, image_id, err)
                         : add_attributes_of_both(f, image_id, case_id, err)) &&
           add_name(&f->fields, pf_sql_get_text(rows, 1), err) &&
           keep_rows(f, image_id, case_id, err);
}

static bool keep_images(filling *f, pf_err *err)
{
    pf_sql_rows *rows = NULL;
    bool has_row;
    bool ok =
        begin_streams(f, err) &&
        pf_sql_start(
            &rows, f->s->db,
            "SELECT image.id, path, teaching_case.id, CASE WHEN title <> key THEN title"
            " END FROM image LEFT JOIN teaching_case ON teaching_case.id = case_id AND "
            "image.id ="
            " (SELECT min(own.id) FROM image AS own WHERE own.case_id ="
            " teaching_case.id) ORDER BY image.id",
            PF_SQL_NO_ARGS, err);
    while (ok && (ok = pf_sql_next(rows, &has_row, err)) && has_row)
        ok = keep_image(f, rows, err);
    pf_sql_end(rows);
    end_streams(f);
    return ok;
}

/* Rows of captions and images that are gone, or that have a caption now. */
static bool drop_others(filling *f, pf_err *err)
{
    pf_sql_rows *rows;
    bool has_row;
    bool ok = pf_sql_start(
        &rows, f->s->db,
        "SELECT id, caption_text_id, fields FROM words_row WHERE CASE WHEN id > 0"
        " THEN NOT EXISTS (SELECT 1 FROM caption_image WHERE caption_id = words_row.id"
        "  AND image_id IS NOT NULL)"
        " ELSE NOT EXISTS (SELECT 1 FROM image WHERE image.id = -words_row.id)"
        "  OR EXISTS (SELECT 1 FROM caption WHERE image_id = -words_row.id)"
        "  OR EXISTS (SELECT 1 FROM caption JOIN image ON image.case_id ="
        "   caption.case_id WHERE image.id = -words_row.id AND image.id = (SELECT"
        "   min(own.id) FROM image AS own WHERE own.case_id = caption.case_id)) END",
        PF_SQL_NO_ARGS, err);
    while (ok && (ok = pf_sql_next(rows, &has_row, err)) && has_row)
        ok = drop_row(f, pf_sql_get_int(rows, 0), pf_sql_get_int(rows, 1),
                      pf_sql_get_text(rows, 2), err);
    pf_sql_end(rows);
    return ok;
}

/* Every row that should be there is by now: are there others? Of ids, for count(*) goes
 * round a tree without an end in one step that nobody counts. */
static bool has_others(filling *f, bool *out, pf_err *err)
{
    int64_t n = 0;
    const bool ok = pf_sql_find_int(f->s->db, "SELECT count(id) FROM words_row",
                                    PF_SQL_NO_ARGS, &n, err);
    *out = (uint64_t)n != f->n_kept;
    return ok;
}

static bool fill_rows(filling *f, pf_err *err)
{
    bool others;
    return keep_images(f, err) && has_others(f, &others, err) &&
           (!others || drop_others(f, err));
}

/* FTS5 only notes that a row went; its words stay until segments are merged, which
 * "optimize" does with all of them. (From SQLite 3.42 on it could remove words one by
 * one, but then older ones can no longer read the table.) */
static bool fill(filling *f, pf_err *err)
{
    if (!fill_rows(f, err))
        return false;
    if (f->lacks_text) {
        *f = (filling){.s = f->s, .words = f->words, .fields = f->fields, .n_gone = 1};
        if (!pf_sql_run(f->s->db,
                        "INSERT INTO caption_word (caption_word) VALUES ('delete-all')",
                        PF_SQL_NO_ARGS, err) ||
            !pf_sql_run(f->s->db, "DELETE FROM words_row", PF_SQL_NO_ARGS, err) ||
            !keep_images(f, err))
            return false;
    }
    return f->n_gone == 0 ||
           pf_sql_run(f->s->db,
                      "INSERT INTO caption_word (caption_word) VALUES ('optimize')",
                      PF_SQL_NO_ARGS, err);
}

bool pf_store_fill_words(pf_store *s, pf_err *err)
{
    filling f = {.s = s};
    int64_t has_list = 0;
    pf_store_words_init(&f.words);
    pf_buf_init(&f.fields, MAX_FIELDS + 1);
    bool ok = fill(&f, err) &&
              pf_sql_find_int(s->db, "SELECT EXISTS (SELECT 1 FROM words_list)",
                              PF_SQL_NO_ARGS, &has_list, err);
    if (ok && (f.n_new + f.n_gone > 0 || !has_list))
        ok = pf_store_list_words(s, err);
    pf_store_words_reset(&f.words);
    pf_buf_free(&f.fields);
    return ok;
}

size_t pf_store_cut_texts(const pf_store *s)
{
    return s->n_cut_texts;
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
