/*
 * weights_parts.c - a checkpoint in several safetensors files, by its index.
 *
 * The index is what Hugging Face writes beside large models: JSON, {"metadata": ...,
 * "weight_map": {tensor: file, ...}}. The files lie in its folder; a name that leads
 * out of it is refused. Each is opened as a checkpoint of its own and checked as one.
 * Every tensor of the index has to be in the file that is named for it, and no file may
 * hold one that the index does not name.
 */
#include <string.h>

#include "core/base/file.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/checkpoint/weights_build.h"

enum { MAX_INDEX = 8 << 20, MAX_PARTS = 256 };

static const char ending[] = ".index.json";

bool pf_weights_is_index(const char *path)
{
    const size_t n = strlen(path), m = strlen(ending);
    return n > m && strcmp(path + n - m, ending) == 0;
}

size_t pf_weights_parts(const pf_weights *w)
{
    return w->n_parts;
}

const char *pf_weights_part(const pf_weights *w, size_t i)
{
    return w->part_paths[i];
}

/* A file beside the index: safetensors, and nothing that leads elsewhere. */
static bool check_file_name(const char *file, size_t n, pf_err *err)
{
    if (n == 0 || strlen(file) != n || strchr(file, '/') || strcmp(file, "..") == 0)
        return pf_fail(err, PF_ERR_FORMAT,
                       "'%.*s' in weight_map is no file beside the index",
                       pf_utf8_shown(file, strlen(file)), file);
    return strcmp(pf_path_extension(file), "safetensors") == 0 ||
           pf_fail(err, PF_ERR_UNSUPPORTED,
                   "'%.*s' in weight_map is no safetensors file, others are not read "
                   "in parts",
                   pf_utf8_shown(file, n), file);
}

static bool open_part(pf_weights *w, const char *folder, const char *file,
                      pf_notes *notes, pf_err *err)
{
    if (w->n_parts == MAX_PARTS)
        return pf_fail(err, PF_ERR_LIMIT, "weight_map names more than %d files",
                       MAX_PARTS);
    void *paths = w->part_paths;
    if (!pf_grow_array(&w->parts, &w->parts_room, w->n_parts, sizeof *w->parts, err) ||
        !pf_resize_array(&paths, w->parts_room, sizeof *w->part_paths, err))
        return false;
    w->part_paths = paths;
    char *path = pf_path_join(folder, file, err);
    if (!path)
        return false;
    if (!pf_path_exists(path)) {
        pf_free(path);
        return pf_fail(err, PF_ERR_NOT_FOUND,
                       "'%.*s', a part of the model, is not there; fetch it too",
                       pf_utf8_shown(file, strlen(file)), file);
    }
    if (!pf_weights_open(&w->parts[w->n_parts], path, notes, err)) {
        pf_free(path);
        return false;
    }
    w->part_paths[w->n_parts++] = path;
    return true;
}

/* The part that `file` names, opened when it was not yet. */
static pf_weights *part_of(pf_weights *w, const char *folder, const char *file,
                           pf_notes *notes, pf_err *err)
{
    for (size_t i = 0; i < w->n_parts; i++) {
        if (strcmp(pf_path_base(w->part_paths[i]), file) == 0)
            return w->parts[i];
    }
    return open_part(w, folder, file, notes, err) ? w->parts[w->n_parts - 1] : NULL;
}

static bool add_tensor(pf_weights *w, const char *folder, const pf_json_member *m,
                       pf_notes *notes, pf_err *err)
{
    size_t n = 0;
    const char *file = pf_json_string(m->value, &n);
    if (!file)
        return pf_fail(err, PF_ERR_FORMAT, "weight_map has no file for '%.*s'",
                       pf_utf8_shown(m->key, strlen(m->key)), m->key);
    if (!check_file_name(file, n, err))
        return false;
    const pf_weights *part = part_of(w, folder, file, notes, err);
    if (!part)
        return false;
    const pf_tensor *t = pf_weights_find(part, m->key);
    if (!t)
        return pf_fail(err, PF_ERR_FORMAT,
                       "tensor '%.*s' is not in '%s', where weight_map has it",
                       pf_utf8_shown(m->key, strlen(m->key)), m->key, file);
    return pf_weights_add(w, t, m->key, strlen(m->key), err);
}

/* All that is named is there: then more tensors are tensors nobody named. */
static bool check_count(const pf_weights *w, pf_err *err)
{
    size_t held = 0;
    for (size_t i = 0; i < w->n_parts; i++)
        held += pf_weights_count(w->parts[i]);
    return held == w->count ||
           pf_fail(err, PF_ERR_FORMAT,
                   "its files hold %zu tensors, weight_map names %zu; they do not "
                   "belong together",
                   held, w->count);
}

bool pf_weights_read_parts(pf_weights *w, const char *path, pf_notes *notes,
                           pf_err *err)
{
    pf_json *index = NULL;
    const char *base = pf_path_base(path);
    const size_t n = (size_t)(base - path);
    char *folder = n == 0 ? pf_strdup(".", err) : pf_strndup(path, n, err);
    bool ok = folder && pf_json_parse_file(&index, path, MAX_INDEX, err);
    const pf_json *map = pf_json_get(index, "weight_map");
    if (ok && pf_json_size(map) == 0)
        ok = pf_fail(err, PF_ERR_FORMAT, "there is no weight_map in it");
    pf_json_member m = {0};
    while (ok && pf_json_next_member(map, &m))
        ok = add_tensor(w, folder, &m, notes, err);
    ok = ok && check_count(w, err);
    pf_json_free(index);
    pf_free(folder);
    return ok;
}
