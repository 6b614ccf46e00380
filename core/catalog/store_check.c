/*
 * store_check.c - pf_store_check(): is the database what schema/README.md says?
 */
#include "core/catalog/store.h"

#include <string.h>

#include "core/base/mem.h"
#include "core/catalog/store_impl.h"

/* SQLite's own checks: pages, with their checksums, indexes, constraints; then
 * references. */
static bool check_file(pf_store *s, pf_notes *problems, pf_err *err)
{
    pf_sql_rows *rows;
    bool has_row;
    bool ok =
        pf_sql_start(&rows, s->db, "PRAGMA integrity_check(20)", PF_SQL_NO_ARGS, err);
    while (ok && (ok = pf_sql_next(rows, &has_row, err)) && has_row) {
        const char *line = pf_sql_get_text(rows, 0);
        if (strcmp(line, "ok") != 0)
            pf_notes_add(problems, "'%s' is damaged: %s", s->path, line);
    }
    pf_sql_end(rows);
    rows = NULL;
    ok = ok &&
         pf_sql_start(&rows, s->db, "PRAGMA foreign_key_check", PF_SQL_NO_ARGS, err);
    while (ok && (ok = pf_sql_next(rows, &has_row, err)) && has_row)
        pf_notes_add(problems, "row %lld of %s points to a row of %s that is not there",
                     (long long)pf_sql_get_int(rows, 1), pf_sql_get_text(rows, 0),
                     pf_sql_get_text(rows, 2));
    pf_sql_end(rows);
    return ok;
}

/* Things that are counted, and must not be there. */
static bool check_counts(pf_store *s, pf_notes *problems, pf_err *err)
{
    static const struct {
        const char *sql, *what;
    } wrong[] = {
        {"SELECT count(id) <> 1 FROM catalog", "catalog tables that have not one row"},
        {"SELECT count(*) FROM image JOIN picture ON picture.id = picture_id"
         " WHERE model_id IS NOT (SELECT model_id FROM catalog)",
         "images whose vector is of another model"},
        {"SELECT count(*) FROM caption"
         " JOIN caption_text ON caption_text.id = caption_text_id"
         " WHERE model_id IS NOT (SELECT model_id FROM catalog)",
         "captions whose vector is of another model"},
        {"SELECT count(*) FROM image JOIN teaching_case ON teaching_case.id = case_id"
         " WHERE image.source_id <> teaching_case.source_id",
         "images in a case of another source"},
        {"SELECT count(*) FROM caption_image WHERE image_id IS NULL",
         "captions of a case without images"},
        {"SELECT count(*) FROM index_file"
         " WHERE generation <> (SELECT generation FROM catalog)",
         "index files of another generation"},
        {"SELECT CASE WHEN (SELECT generation FROM catalog) > 0"
         " THEN 2 - count(kind) ELSE 0 END FROM index_file",
         "index files that were not recorded"},
        {"SELECT count(*) FROM index_file WHERE count <> CASE kind"
         " WHEN 'images' THEN (SELECT count(id) FROM image)"
         " ELSE (SELECT count(id) FROM caption) END",
         "index files with another count than the catalog"},
        {"SELECT count(*) FROM index_file WHERE is_stale <> 0 OR in_file <> CASE kind"
         " WHEN 'images' THEN (SELECT count(id) FROM image WHERE id <= last_id)"
         " ELSE (SELECT count(id) FROM caption WHERE id <= last_id) END",
         "index files with vectors that are gone, or without some that are older"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        int64_t n;
        if (!pf_sql_find_int(s->db, wrong[i].sql, PF_SQL_NO_ARGS, &n, err))
            return false;
        if (n != 0)
            pf_notes_add(problems, "%lld %s", (long long)n, wrong[i].what);
    }
    return true;
}

typedef struct {
    float *vector; /* [room] */
    int room;
} scratch;

static bool check_vector(pf_sql_rows *rows, const char *what, scratch *v,
                         pf_notes *problems, pf_err *err)
{
    long long id = pf_sql_get_int(rows, 0);
    int64_t said = pf_sql_get_int(rows, 1);
    int dim;
    size_t n;
    const void *blob = pf_sql_get_bytes(rows, 2, &n);
    if (!pf_store_read_dim(said, &dim) || !blob || n != 4 * (size_t)dim) {
        pf_notes_add(problems,
                     "the vector of %s %lld has %zu bytes, its model %lld floats", what,
                     id, n, (long long)said);
        return true;
    }
    if (dim > v->room) {
        pf_free(v->vector);
        v->room = 0;
        v->vector = pf_alloc_floats((size_t)dim, err);
        if (!v->vector)
            return false;
        v->room = dim;
    }
    pf_store_unpack(v->vector, blob, dim);
    if (!pf_store_is_unit(v->vector, dim))
        pf_notes_add(problems, "the vector of %s %lld has not length 1", what, id);
    return true;
}

static bool check_vectors(pf_store *s, const char *sql, const char *what,
                          pf_notes *problems, pf_err *err)
{
    scratch v = {0};
    pf_sql_rows *rows;
    bool has_row;
    bool ok = pf_sql_start(&rows, s->db, sql, PF_SQL_NO_ARGS, err);
    while (ok && (ok = pf_sql_next(rows, &has_row, err)) && has_row)
        ok = check_vector(rows, what, &v, problems, err);
    pf_sql_end(rows);
    pf_free(v.vector);
    return ok;
}

static bool check_texts(pf_store *s, pf_notes *problems, pf_err *err)
{
    pf_sql_rows *rows;
    bool has_row;
    bool ok = pf_sql_start(&rows, s->db, "SELECT id, text, text_hash FROM caption_text",
                           PF_SQL_NO_ARGS, err);
    while (ok && (ok = pf_sql_next(rows, &has_row, err)) && has_row) {
        const char *text = pf_sql_get_text(rows, 1);
        pf_hash hash = pf_hash_bytes(text, strlen(text));
        size_t n;
        const void *recorded = pf_sql_get_bytes(rows, 2, &n);
        if (!recorded || n != sizeof hash.b || memcmp(recorded, hash.b, n) != 0)
            pf_notes_add(problems, "caption text %lld is not the one that was embedded",
                         (long long)pf_sql_get_int(rows, 0));
    }
    pf_sql_end(rows);
    return ok;
}

static bool check_published(pf_store *s, pf_store_digest *digest, pf_notes *problems,
                            pf_err *err)
{
    int64_t generation;
    return pf_store_get_generation(s, &generation, err) &&
           (generation == 0 || pf_store_check_digest(s, digest, problems, err));
}

/* A page that is not what was written says which it is, and more than what SQLite makes
 * of it. Where the file itself is damaged nothing else is looked for: it would take
 * what is left for what there was. */
static bool check_pages(pf_store *s, bool *is_sound, pf_notes *problems, pf_err *err)
{
    pf_err local = PF_ERR_INIT;
    pf_notes lines = {0};
    *is_sound = false;
    const bool ok = check_file(s, &lines, &local) && pf_sql_is_undamaged(s->db, &local);
    for (size_t i = 0; ok && i < lines.count; i++)
        pf_notes_add(problems, "%s", lines.line[i]);
    *is_sound = ok && lines.count == 0;
    pf_notes_reset(&lines);
    if (!ok && local.code != PF_ERR_FORMAT)
        return pf_fail_as(err, &local);
    if (!ok)
        pf_notes_add(problems, "%s", local.msg);
    return true;
}

static bool check_all(pf_store *s, pf_store_digest *digest, pf_notes *problems,
                      pf_err *err)
{
    pf_err local = PF_ERR_INIT;
    pf_store_digest ignored;
    digest = digest ? digest : &ignored;
    *digest = (pf_store_digest){0};
    bool is_sound;
    if (!check_pages(s, &is_sound, problems, err))
        return false;
    if (!is_sound)
        return true;
    bool ok = check_counts(s, problems, &local) &&
              check_vectors(s,
                            "SELECT picture.id, dim, vector FROM picture"
                            " JOIN model ON model.id = model_id",
                            "picture", problems, &local) &&
              check_vectors(s,
                            "SELECT caption_text.id, dim, vector FROM caption_text"
                            " JOIN model ON model.id = model_id",
                            "caption text", problems, &local) &&
              check_texts(s, problems, &local) &&
              pf_store_check_words(s, problems, &local) &&
              pf_store_check_thumbnails(s, problems, &local) &&
              pf_store_check_background(s, problems, &local) &&
              check_published(s, digest, problems, &local);
    if (ok)
        return true;
    if (local.code != PF_ERR_FORMAT)
        return pf_fail_as(err, &local);
    pf_notes_add(problems, "%s", local.msg); /* too damaged to go on: a finding */
    return true;
}

bool pf_store_check(pf_store *s, pf_store_digest *digest, pf_notes *problems,
                    pf_err *err)
{
    const bool were_allowed = pf_sql_allow_long_rows(s->db, true);
    const bool ok = check_all(s, digest, problems, err);
    pf_sql_allow_long_rows(s->db, were_allowed);
    return ok;
}
