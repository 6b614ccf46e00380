/*
 * store_digest.c - see store.h. Is what readers see still what was published?
 *
 * A part's digest is the sum of the hashes of its rows, so that the order in which they
 * come does not matter. Ids that readers never see (of pictures and texts) are left
 * out: two runs that came to the same have the same digest, whatever happened on the
 * way. Times of files are left out too, for they change without a publish when a file
 * was touched and nothing in it.
 */
#include "core/catalog/store.h"

#include <string.h>

#include "core/base/buf.h"
#include "core/catalog/store_impl.h"

enum { MAX_ROW = 32 << 20 };

/* The columns of tables that a digest leaves out are listed in tests/unit. */
static const struct {
    const char *name, *sql; /* no statement: see `columns` */
    int columns; /* of the part; those behind are of the next one. 0: all are */
} parts[PF_DIGEST_PARTS] = {
    {"model",
     "SELECT fingerprint, round, dim, logit_scale, preprocess FROM model"
     " WHERE id = (SELECT model_id FROM catalog)",
     0},
    {"sources",
     "SELECT id, source.path, kind, columns, follows_links,"
     " refuses_burned_in, frames, reads_as_owner, place, source_table.path"
     " FROM source LEFT JOIN source_table ON source_id = id",
     0},
    {"cases", "SELECT id, source_id, key, title FROM teaching_case", 0},
    {"images",
     "SELECT image.id, source_id, image.path, image.frame, size, case_id,"
     " content_hash, picture.frame, width, height, format, thumbnail_hash,"
     " image.id, vector"
     " FROM image JOIN picture ON picture.id = picture_id",
     12},
    {"vectors", NULL, 0},
    {"captions",
     "SELECT caption.id, image_id, case_id, text_hash, text, vector"
     " FROM caption JOIN caption_text ON caption_text.id = caption_text_id",
     0},
    {"words",
     "SELECT words_row.id, text_hash, fields FROM words_row"
     " LEFT JOIN caption_text ON caption_text.id = words_row.caption_text_id",
     0},
    {"image_attributes", "SELECT image_id, key, value FROM image_attribute", 0},
    {"case_attributes", "SELECT case_id, key, value FROM case_attribute", 0},
    {"background", "SELECT kind, pairs, first_bin, counts FROM background", 0},
};

static uint64_t get_half(const uint8_t *b)
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++)
        v = v << 8 | b[i];
    return v;
}

static void put_half(uint8_t *b, uint64_t v)
{
    for (int i = 7; i >= 0; i--, v >>= 8)
        b[i] = (uint8_t)v;
}

static void add_hash(pf_hash *sum, const pf_hash *hash)
{
    for (int half = 0; half < PF_HASH_SIZE; half += 8)
        put_half(sum->b + half, get_half(sum->b + half) + get_half(hash->b + half));
}

/* Add the columns `first` to `end` of a row. */
static bool add_row(pf_store_part *part, pf_sql_rows *rows, int first, int end,
                    pf_buf *row, pf_err *err)
{
    row->size = 0;
    if (!pf_sql_add_columns(rows, first, end, row, err))
        return false;
    const pf_hash hash = pf_hash_bytes(row->data, row->size);
    add_hash(&part->digest, &hash);
    part->n_rows++;
    return true;
}

/* One part, or two whose rows are read together. */
static bool sum_part(pf_store *s, int i, pf_store_part *part, pf_buf *row, pf_err *err)
{
    pf_sql_rows *rows;
    bool has_row;
    const int n = parts[i].columns;
    bool ok = pf_sql_start(&rows, s->db, parts[i].sql, PF_SQL_NO_ARGS, err);
    while (ok && (ok = pf_sql_next(rows, &has_row, err)) && has_row) {
        const int all = pf_sql_count_columns(rows);
        ok = add_row(part, rows, 0, n > 0 ? n : all, row, err) &&
             (n == 0 || add_row(part + 1, rows, n, all, row, err));
    }
    pf_sql_end(rows);
    return ok;
}

/* The digest of the whole: of the parts' names, numbers and digests. */
static bool sum_up(pf_store_digest *d, pf_err *err)
{
    pf_buf all;
    pf_buf_init(&all, 1 << 16);
    bool ok = true;
    for (int i = 0; ok && i < PF_DIGEST_PARTS; i++) {
        char hex[PF_HASH_HEX_SIZE];
        pf_hash_hex(&d->part[i].digest, hex);
        ok = pf_buf_addf(&all, err, "%s %lld %s\n", d->part[i].name,
                         (long long)d->part[i].n_rows, hex);
    }
    if (ok)
        d->whole = pf_hash_bytes(all.data, all.size);
    pf_buf_free(&all);
    return ok;
}

bool pf_store_make_digest(pf_store *s, pf_store_digest *out, pf_err *err)
{
    pf_buf row;
    pf_buf_init(&row, MAX_ROW);
    bool ok = true;
    *out = (pf_store_digest){.is_there = true};
    for (int i = 0; ok && i < PF_DIGEST_PARTS; i++) {
        out->part[i].name = parts[i].name;
        ok = !parts[i].sql || sum_part(s, i, &out->part[i], &row, err);
    }
    pf_buf_free(&row);
    return ok && sum_up(out, err);
}

bool pf_store_put_digest(pf_store *s, const pf_store_digest *d, pf_err *err)
{
    bool ok = pf_store_is_writable(s, err) &&
              pf_sql_run(s->db, "DELETE FROM digest", PF_SQL_NO_ARGS, err);
    for (int i = 0; ok && i < PF_DIGEST_PARTS; i++) {
        const pf_store_part *part = &d->part[i];
        ok = pf_sql_run(
            s->db, "INSERT INTO digest (part, n_rows, digest) VALUES (?, ?, ?)",
            PF_SQL_ARGS(pf_sql_text(part->name), pf_sql_int(part->n_rows),
                        pf_sql_bytes(part->digest.b, sizeof part->digest.b)),
            err);
    }
    return ok;
}

static bool find_part(pf_store *s, pf_store_part *part, bool *is_there, pf_err *err)
{
    pf_sql_rows *rows;
    bool has_row = false;
    bool ok =
        pf_sql_start(&rows, s->db, "SELECT n_rows, digest FROM digest WHERE part = ?",
                     PF_SQL_ARGS(pf_sql_text(part->name)), err) &&
        pf_sql_next(rows, &has_row, err);
    if (ok && has_row) {
        size_t n;
        const void *bytes = pf_sql_get_bytes(rows, 1, &n);
        part->n_rows = pf_sql_get_int(rows, 0);
        if (bytes && n == sizeof part->digest.b)
            memcpy(part->digest.b, bytes, n);
    }
    *is_there = has_row;
    pf_sql_end(rows);
    return ok;
}

bool pf_store_find_digest(pf_store *s, pf_store_digest *out, pf_err *err)
{
    bool ok = true;
    *out = (pf_store_digest){.is_there = true};
    for (int i = 0; ok && i < PF_DIGEST_PARTS; i++) {
        bool is_there;
        out->part[i].name = parts[i].name;
        ok = find_part(s, &out->part[i], &is_there, err);
        out->is_there = out->is_there && is_there;
    }
    return ok && sum_up(out, err);
}

bool pf_store_check_digest(pf_store *s, pf_store_digest *found, pf_notes *problems,
                           pf_err *err)
{
    pf_store_digest published;
    if (!pf_store_make_digest(s, found, err) ||
        !pf_store_find_digest(s, &published, err))
        return false;
    if (!published.is_there)
        return true; /* of an older format: the next publish stores one */
    for (int i = 0; i < PF_DIGEST_PARTS; i++) {
        const pf_store_part *is = &found->part[i], *was = &published.part[i];
        if (is->n_rows != was->n_rows || !pf_hash_equal(&is->digest, &was->digest))
            pf_notes_add(problems,
                         "%s are not what was published: %lld rows, %lld then",
                         is->name, (long long)is->n_rows, (long long)was->n_rows);
    }
    return true;
}

/* ---- after damage ---- */

/* Tables that are made of others, or, FTS5's, make each other. */
static bool is_kept(const char *table)
{
    static const char *const derived[] = {"background", "index_file"};
    for (size_t i = 0; i < sizeof derived / sizeof *derived; i++) {
        if (strcmp(table, derived[i]) == 0)
            return false;
    }
    return strncmp(table, "caption_word", strlen("caption_word")) != 0 &&
           strncmp(table, "words_", strlen("words_")) != 0 &&
           strncmp(table, "sqlite_stat", strlen("sqlite_stat")) != 0;
}

/* A thumbnail that is lost can be made again, or done without. */
static void pass_on(const pf_notes *from, pf_notes *lost)
{
    for (size_t i = 0; i < from->count; i++) {
        if (strncmp(from->line[i], "thumbnail:", strlen("thumbnail:")) != 0)
            pf_notes_add(lost, "%s", from->line[i]);
    }
}

bool pf_store_salvage(pf_store *from, pf_store *to, pf_notes *lost, pf_err *err)
{
    pf_notes tables = {0}, parts_lost = {0};
    pf_store_digest found;
    bool ok = pf_store_is_writable(to, err) &&
              pf_sql_copy_tables(from->db, to->db, is_kept, &tables, err);
    pass_on(&tables, lost);
    ok = ok && pf_store_fill_words(to, err) &&
         pf_store_check_digest(to, &found, &parts_lost, err);
    for (size_t i = 0; ok && i < parts_lost.count; i++) {
        if (strncmp(parts_lost.line[i], "background ", strlen("background ")) != 0)
            pf_notes_add(lost, "%s", parts_lost.line[i]);
    }
    pf_notes_reset(&tables);
    pf_notes_reset(&parts_lost);
    return ok;
}

bool pf_store_replace(const char *path, pf_store *with, pf_err *err)
{
    return pf_sql_replace(path, with->db, err);
}
