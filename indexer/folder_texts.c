/* folder_texts.c - see folder_texts.h. */
#include "indexer/folder_texts.h"

#include <string.h>

#include "core/base/file.h"
#include "indexer/import_captions.h"
#include "indexer/import_sidecars.h"

/* Part of the hash of what was read: when texts come to be understood in another way,
 * all are taken in again. */
static const char understanding[] = "2";

bool pf_texts_read_file(pf_texts *t, const char *path, bool is_found, pf_buf *out,
                        pf_encoding *was, pf_err *err)
{
    const char *within = is_found ? t->to->within : NULL;
    if (!pf_file_read_within(path, within, out, err))
        return false;
    t->is_any = true;
    pf_hasher_add(t->hasher, path, strlen(path) + 1);
    pf_hasher_add(t->hasher, &out->size, sizeof out->size);
    pf_hasher_add(t->hasher, out->data, out->size);
    return pf_encoding_to_utf8(out, was, err);
}

/* A table that is found speaks of its folder and what lies below. */
static void keep_rows(pf_texts *t, const char *table, bool is_found)
{
    const size_t folder = (size_t)(pf_path_base(table) - table);
    for (size_t i = 0; i < t->scan->count; i++) {
        if (!is_found || strncmp(t->scan->files[i].path, table, folder) == 0)
            t->to->images[i].keeps_rows = true;
    }
}

bool pf_texts_miss(pf_texts *t, const char *path, bool is_found, const pf_err *why,
                   pf_err *err)
{
    if (why->code == PF_ERR_NOMEM)
        return pf_fail_as(err, why);
    /* The hash is another one also when not a byte could be read. */
    t->is_any = true;
    pf_hasher_add(t->hasher, path, strlen(path) + 1);
    pf_hasher_add(t->hasher, why->msg, strlen(why->msg) + 1);
    keep_rows(t, path, is_found);
    return pf_collection_add_gap(t->to, path, why->msg, err);
}

pf_subject pf_texts_subject(const pf_texts *t, const pf_scan_file *file)
{
    return (pf_subject){.at = (uint32_t)(file - t->scan->files)};
}

bool pf_texts_read(const pf_import *from, const pf_scan *scan, pf_collection *to,
                   pf_err *err)
{
    pf_texts t = {.from = from, .scan = scan, .to = to};
    if (from->n_tables + scan->n_texts == 0)
        return true;
    if (!(t.hasher = pf_hasher_new(err)))
        return false;
    pf_names_init(&t.names, scan, from->path);
    t.names.excluded = from->excluded;
    t.names.n_excluded = from->n_excluded;
    pf_hasher_add(t.hasher, understanding, sizeof understanding);
    if (from->columns)
        pf_hasher_add(t.hasher, from->columns, strlen(from->columns));
    const bool ok = pf_captions_read(&t, err) && pf_sidecars_read(&t, err);
    if (ok && t.is_any)
        to->texts_hash = pf_hasher_finish(t.hasher);
    else
        pf_hasher_free(t.hasher);
    pf_names_reset(&t.names);
    return ok;
}
