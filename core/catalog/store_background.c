/*
 * store_background.c - see store.h. The table background, and what belongs together.
 *
 * A histogram is stored from its first to its last bin with something in it: one to two
 * kilobytes. What is read was written by a program, but comes from a file: it is taken
 * only when it fits and adds up.
 */
#include "core/catalog/store.h"

#include <string.h>

#include "core/catalog/store_impl.h"

static const char *const kind_name[PF_BACKGROUND_KINDS] = {
    [PF_BACKGROUND_IMAGES] = "image-image",
    [PF_BACKGROUND_CAPTION_IMAGE] = "caption-image",
    [PF_BACKGROUND_CAPTIONS] = "caption-caption",
    [PF_BACKGROUND_OWN] = "caption-own",
    [PF_BACKGROUND_CAPTION_BEST] = "caption-best",
    [PF_BACKGROUND_CAPTION_OTHER] = "caption-other",
    [PF_BACKGROUND_IMAGE_BEST] = "image-best",
    [PF_BACKGROUND_IMAGE_OTHER] = "image-other",
};

enum { BINS = PF_BACKGROUND_BINS, BYTES = 4 };

bool pf_store_put_background(pf_store *s, pf_background_kind kind,
                             const pf_background *b, pf_err *err)
{
    uint8_t blob[BYTES * BINS];
    size_t first = 0, end = BINS;
    while (end > 0 && b->counts[end - 1] == 0)
        end--;
    while (first < end && b->counts[first] == 0)
        first++;
    for (size_t i = first; i < end; i++) {
        for (int k = 0; k < BYTES; k++)
            blob[BYTES * (i - first) + (size_t)k] = (uint8_t)(b->counts[i] >> 8 * k);
    }
    return pf_store_is_writable(s, err) &&
           pf_sql_run(s->db,
                      "INSERT OR REPLACE INTO background (kind, pairs, first_bin,"
                      " counts) VALUES (?, ?, ?, ?)",
                      PF_SQL_ARGS(pf_sql_text(kind_name[kind]),
                                  pf_sql_int((int64_t)b->pairs),
                                  pf_sql_int((int64_t)first),
                                  pf_sql_bytes(blob, BYTES * (end - first))),
                      err);
}

/* Columns 0 to 2 are pairs, first_bin, counts. */
static bool read_counts(pf_background *out, pf_sql_rows *rows)
{
    size_t n;
    const int64_t pairs = pf_sql_get_int(rows, 0), first = pf_sql_get_int(rows, 1);
    const uint8_t *blob = pf_sql_get_bytes(rows, 2, &n);
    if (pairs < 0 || first < 0 || first >= BINS || n % BYTES != 0 ||
        n / BYTES > (size_t)(BINS - first) || (n > 0 && !blob))
        return false;
    uint64_t sum = 0;
    for (size_t i = 0; i < n / BYTES; i++) {
        const uint8_t *p = blob + BYTES * i;
        const uint32_t count = (uint32_t)p[0] | (uint32_t)p[1] << 8 |
                               (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
        out->counts[(size_t)first + i] = count;
        sum += count;
    }
    out->pairs = sum;
    return sum == (uint64_t)pairs;
}

bool pf_store_find_background(pf_store *s, pf_background_kind kind, pf_background *out,
                              bool *is_there, pf_err *err)
{
    *out = (pf_background){0};
    *is_there = false;
    pf_sql_rows *rows;
    bool has_row;
    bool ok =
        pf_sql_start(&rows, s->db,
                     "SELECT pairs, first_bin, counts FROM background WHERE kind = ?",
                     PF_SQL_ARGS(pf_sql_text(kind_name[kind])), err) &&
        pf_sql_next(rows, &has_row, err);
    if (ok && has_row) {
        *is_there = ok = read_counts(out, rows);
        if (!ok) {
            *out = (pf_background){0};
            pf_fail(err, PF_ERR_FORMAT,
                    "'%s' is damaged: the background of kind %s makes no sense",
                    s->path, kind_name[kind]);
        }
    }
    pf_sql_end(rows);
    return ok;
}

bool pf_store_check_background(pf_store *s, pf_notes *problems, pf_err *err)
{
    for (int kind = 0; kind < PF_BACKGROUND_KINDS; kind++) {
        pf_background b;
        bool is_there;
        pf_err local = PF_ERR_INIT;
        if (pf_store_find_background(s, kind, &b, &is_there, &local))
            continue;
        if (local.code != PF_ERR_FORMAT)
            return pf_fail_as(err, &local);
        pf_notes_add(problems, "%s", local.msg);
    }
    return true;
}

bool pf_store_each_content(pf_store *s, pf_index_kind kind, pf_store_content_fn *fn,
                           void *user, pf_err *err)
{
    pf_sql_rows *rows;
    bool has_row;
    bool ok = pf_sql_start(&rows, s->db,
                           kind == PF_INDEX_IMAGES
                               ? "SELECT id, id, picture_id, case_id, 0 FROM image"
                                 " ORDER BY id"
                               : "SELECT caption_id, image_id, picture_id, case_id,"
                                 " caption_text_id FROM caption_image"
                                 " JOIN image ON image.id = image_id"
                                 " ORDER BY caption_id",
                           PF_SQL_NO_ARGS, err);
    while (ok && (ok = pf_sql_next(rows, &has_row, err)) && has_row) {
        const pf_store_content content = {
            .id = pf_sql_get_int(rows, 0),
            .image_id = pf_sql_get_int(rows, 1),
            .picture_id = pf_sql_get_int(rows, 2),
            .case_id = pf_sql_get_int(rows, 3),
            .text_id = pf_sql_get_int(rows, 4),
        };
        ok = fn(user, &content, err);
    }
    pf_sql_end(rows);
    return ok;
}
