/* names.c - see names.h. */
#include "indexer/names.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/hash.h"
#include "core/base/mem.h"
#include "core/base/unicode.h"
#include "core/image/left_out.h"
#include "core/image/picture.h"

/* From two folders, as it stands and with '/' for '\'. */
enum { MEANINGS = 4 };

typedef struct {
    char *path[MEANINGS]; /* absolute, tidy */
    size_t n;
} meanings;

void pf_names_init(pf_names *names, const pf_scan *scan, const char *root)
{
    *names = (pf_names){.scan = scan, .root = root};
}

void pf_names_reset(pf_names *names)
{
    pf_free(names->whole);
    pf_free(names->stems);
    *names = (pf_names){0};
}

/* ---- what a name may mean ---- */

static bool add_meaning(meanings *m, const char *folder, const char *name, pf_err *err)
{
    char *path = pf_path_join(folder, name, err);
    if (!path)
        return false;
    pf_path_tidy(path);
    m->path[m->n++] = path;
    return true;
}

static bool list_meanings(meanings *m, const char *folder, const char *root,
                          const char *name, pf_err *err)
{
    *m = (meanings){.n = 0};
    if (!add_meaning(m, folder, name, err) || !add_meaning(m, root, name, err))
        return false;
    if (!strchr(name, '\\'))
        return true;
    char *slashes = pf_strdup(name, err);
    for (char *at = slashes; at && (at = strchr(at, '\\'));)
        *at = '/';
    const bool ok = slashes && add_meaning(m, folder, slashes, err) &&
                    add_meaning(m, root, slashes, err);
    pf_free(slashes);
    return ok;
}

static void forget_meanings(meanings *m)
{
    for (size_t i = 0; i < m->n; i++)
        pf_free(m->path[i]);
}

/* ---- indexes: made when a name is not found as it stands ---- */

static int by_hash(const void *a, const void *b)
{
    const pf_names_entry *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return (x->file > y->file) - (x->file < y->file);
}

/* The path without what makes no difference; of a stem the base name without its
 * ending. Given. */
static char *key_of(const char *path, bool is_stem, pf_err *err)
{
    if (!is_stem)
        return pf_unicode_fold(path, err);
    const char *base = pf_path_base(path), *ending = pf_path_extension(base);
    const size_t n = ending[0] != '\0' ? (size_t)(ending - base) - 1 : strlen(base);
    char *stem = pf_strndup(base, n, err);
    char *key = stem ? pf_unicode_fold(stem, err) : NULL;
    pf_free(stem);
    return key;
}

static uint64_t hash_of(const char *key)
{
    const pf_hash hash = pf_hash_bytes(key, strlen(key));
    uint64_t first;
    memcpy(&first, hash.b, sizeof first);
    return first;
}

static bool make_index(pf_names_entry **out, const pf_scan *scan, bool is_stem,
                       pf_err *err)
{
    if (*out)
        return true;
    pf_names_entry *index = pf_alloc_array(scan->count, sizeof *index, err);
    for (size_t i = 0; index && i < scan->count; i++) {
        char *key = key_of(scan->files[i].path, is_stem, err);
        if (!key) {
            pf_free(index);
            return false;
        }
        index[i] = (pf_names_entry){hash_of(key), (uint32_t)i};
        pf_free(key);
    }
    if (index && scan->count > 1)
        qsort(index, scan->count, sizeof *index, by_hash);
    *out = index;
    return index != NULL;
}

/* The first entry with this hash. */
static size_t lower_bound(const pf_names_entry *index, size_t n, uint64_t hash)
{
    size_t from = 0;
    while (from < n) {
        const size_t middle = from + (n - from) / 2;
        if (index[middle].hash < hash)
            from = middle + 1;
        else
            n = middle;
    }
    return from;
}

/* ---- nearly that name ---- */

static bool is_same_nfc(const char *a, const char *b, bool *out, pf_err *err)
{
    char *owned_a, *owned_b;
    const char *x = pf_unicode_nfc(a, &owned_a, err);
    const char *y = pf_unicode_nfc(b, &owned_b, err);
    *out = x && y && strcmp(x, y) == 0;
    pf_free(owned_a);
    pf_free(owned_b);
    return x && y;
}

static bool is_same_folded(const char *path, const char *key, bool *out, pf_err *err)
{
    char *folded = pf_unicode_fold(path, err);
    *out = folded && strcmp(folded, key) == 0;
    pf_free(folded);
    return folded != NULL;
}

/* How many pictures are called `path`, up to normal form alone and with case. */
typedef struct {
    const pf_scan_file *nfc, *folded; /* the last one of each */
    size_t n_nfc, n_folded;
} tally;

static bool count_alike(pf_names *names, const char *path, tally *t, pf_err *err)
{
    const pf_scan *scan = names->scan;
    char *key = key_of(path, false, err);
    bool ok = key && make_index(&names->whole, scan, false, err);
    const uint64_t hash = ok ? hash_of(key) : 0;
    *t = (tally){0};
    for (size_t i = ok ? lower_bound(names->whole, scan->count, hash) : scan->count;
         ok && i < scan->count && names->whole[i].hash == hash; i++) {
        const pf_scan_file *file = &scan->files[names->whole[i].file];
        bool is_folded, is_nfc;
        ok = is_same_folded(file->path, key, &is_folded, err) &&
             is_same_nfc(file->path, path, &is_nfc, err);
        if (ok && is_folded) {
            t->folded = file;
            t->n_folded++;
        }
        if (ok && is_nfc) {
            t->nfc = file;
            t->n_nfc++;
        }
    }
    pf_free(key);
    return ok;
}

static bool find_alike(pf_names *names, const meanings *m, pf_names_match *out,
                       pf_err *err)
{
    tally t[MEANINGS];
    for (size_t i = 0; i < m->n; i++) {
        if (!count_alike(names, m->path[i], &t[i], err))
            return false;
    }
    for (size_t i = 0; i < m->n && !out->file; i++) {
        if (t[i].n_nfc == 1)
            out->file = t[i].nfc;
    }
    for (size_t i = 0; i < m->n && !out->file; i++) {
        if (t[i].n_folded == 1)
            out->file = t[i].folded;
        out->is_ambiguous |= t[i].n_folded > 1;
    }
    return true;
}

/* ---- without its ending ---- */

static bool is_called_so(const char *path, const char *key, bool *out, pf_err *err)
{
    char *stem = key_of(path, true, err);
    *out = stem && strcmp(stem, key) == 0;
    pf_free(stem);
    return stem != NULL;
}

/* Does `path`, without its ending, stand where `meaning` says? */
static bool stands_there(const char *path, const meanings *m)
{
    const size_t folder = (size_t)(pf_path_base(path) - path);
    for (size_t i = 0; i < m->n; i++) {
        if ((size_t)(pf_path_base(m->path[i]) - m->path[i]) == folder &&
            memcmp(m->path[i], path, folder) == 0)
            return true;
    }
    return false;
}

/* Of those with the stem the one that stands where it should; by an id the one below
 * `folder`, else below the source. */
static bool find_by_stem(pf_names *names, const meanings *m, const char *folder,
                         const char *name, bool is_id, pf_names_match *out, pf_err *err)
{
    const pf_scan *scan = names->scan;
    const pf_scan_file *found[3] = {NULL, NULL, NULL};
    size_t n[3] = {0, 0, 0};
    char *key = pf_unicode_fold(pf_path_base(m->path[m->n - 1]), err);
    bool ok = key && make_index(&names->stems, scan, true, err);
    const uint64_t hash = ok ? hash_of(key) : 0;
    for (size_t i = ok ? lower_bound(names->stems, scan->count, hash) : scan->count;
         ok && i < scan->count && names->stems[i].hash == hash; i++) {
        const pf_scan_file *file = &scan->files[names->stems[i].file];
        bool is_so;
        if (!(ok = is_called_so(file->path, key, &is_so, err)) || !is_so)
            continue;
        const size_t nearness = stands_there(file->path, m)            ? 0
                                : pf_path_is_under(file->path, folder) ? 1
                                                                       : 2;
        found[nearness] = file;
        n[nearness]++;
    }
    const bool is_anywhere = is_id && !strchr(name, '/') && !strchr(name, '\\');
    for (size_t i = 0; i < (is_anywhere ? 3 : 1) && !out->file && n[i] < 2; i++)
        out->file = found[i];
    out->is_ambiguous |= !out->file && (n[0] > 1 || (is_anywhere && n[1] + n[2] > 1));
    pf_free(key);
    return ok;
}

/* ---- pictures beside a file ---- */

bool pf_names_add(pf_names_list *list, const pf_scan_file *file, pf_err *err)
{
    if (!pf_grow_array(&list->at, &list->room, list->n, sizeof *list->at, err))
        return false;
    list->at[list->n++] = file;
    return true;
}

static bool is_in_folder_of(const char *path, const char *stem)
{
    const size_t folder = (size_t)(pf_path_base(stem) - stem);
    return (size_t)(pf_path_base(path) - path) == folder &&
           memcmp(path, stem, folder) == 0;
}

/* Pictures in the folder of `stem` that are called so but for case and normal form:
 * without their ending (`is_stem`), or as a whole. */
static bool list_alike(pf_names *names, const char *stem, bool is_stem,
                       pf_names_list *out, pf_err *err)
{
    const pf_scan *scan = names->scan;
    pf_names_entry **index = is_stem ? &names->stems : &names->whole;
    char *key = pf_unicode_fold(is_stem ? pf_path_base(stem) : stem, err);
    bool ok = key && make_index(index, scan, is_stem, err);
    const uint64_t hash = ok ? hash_of(key) : 0;
    for (size_t i = ok ? lower_bound(*index, scan->count, hash) : scan->count;
         ok && i < scan->count && (*index)[i].hash == hash; i++) {
        const pf_scan_file *file = &scan->files[(*index)[i].file];
        const bool has_ending = pf_path_extension(file->path)[0] != '\0';
        bool is_so = false;
        if (!is_in_folder_of(file->path, stem) || (!is_stem && !has_ending))
            continue;
        ok = is_stem ? is_called_so(file->path, key, &is_so, err)
                     : is_same_folded(file->path, key, &is_so, err);
        ok = ok && (!is_so || pf_names_add(out, file, err));
    }
    pf_free(key);
    return ok;
}

/* Is `path`, with its ending or without, the same as `stem` in NFC? */
static bool begins_alike(const char *path, const char *stem, bool *out, pf_err *err)
{
    const char *ending = pf_path_extension(path);
    char *begin =
        ending[0] == '\0' ? NULL : pf_strndup(path, (size_t)(ending - path) - 1, err);
    bool is_whole = false, is_begin = false;
    const bool ok = (ending[0] == '\0' || begin) &&
                    is_same_nfc(path, stem, &is_whole, err) &&
                    (!begin || is_same_nfc(begin, stem, &is_begin, err));
    *out = is_whole || is_begin;
    pf_free(begin);
    return ok;
}

/* Those that differ in normal form alone, if there are some; else all, when they are
 * called the same among themselves. */
static bool keep_nearest(pf_names_list *list, const char *stem, pf_err *err)
{
    size_t n_nfc = 0;
    bool is_so, is_one = true;
    for (size_t i = 0; i < list->n; i++) {
        const pf_scan_file *file = list->at[i];
        if (!begins_alike(file->path, stem, &is_so, err))
            return false;
        if (is_so) {
            list->at[i] = list->at[n_nfc];
            list->at[n_nfc++] = file;
        }
    }
    for (size_t i = 1; n_nfc == 0 && is_one && i < list->n; i++) {
        const char *first = list->at[0]->path, *ending = pf_path_extension(first);
        const size_t n = (size_t)(ending - first) - (ending[0] != '\0');
        char *begin = pf_strndup(first, n, err);
        const bool ok = begin && begins_alike(list->at[i]->path, begin, &is_one, err);
        pf_free(begin);
        if (!ok)
            return false;
    }
    list->n = n_nfc > 0 ? n_nfc : is_one ? list->n : 0;
    return true;
}

bool pf_names_find_beside(pf_names *names, const char *stem, pf_names_list *out,
                          pf_err *err)
{
    return list_alike(names, stem, true, out, err) &&
           list_alike(names, stem, false, out, err) && keep_nearest(out, stem, err);
}

/* ---- where the source lay before ---- */

/* `path` begins with a folder that is not there any more, and what follows names a
 * picture from the root of the source: the longest that does. `path` comes back as it
 * was. */
static bool find_relocated(const pf_names *names, char *path, const pf_scan_file **out,
                           pf_err *err)
{
    for (char *at = strchr(path + 1, '/'); at && !*out; at = strchr(at + 1, '/')) {
        char *now = pf_path_join(names->root, at + 1, err);
        if (!now)
            return false;
        const pf_scan_file *file = pf_scan_find(names->scan, now);
        pf_free(now);
        *at = '\0';
        if (file && pf_path_is_gone(path))
            *out = file;
        *at = '/';
    }
    return true;
}

/* ---- all of it ---- */

/* Does a pattern fit it, or a folder on the way? `path` comes back as it was. */
static bool is_excluded(const pf_names *names, char *path)
{
    if (names->n_excluded == 0 || !pf_path_is_under(path, names->root))
        return false;
    char *from_root = path + strlen(names->root);
    from_root += strspn(from_root, "/");
    bool is_met = pf_pattern_fits(names->excluded, names->n_excluded, from_root);
    for (char *at = from_root; !is_met && (at = strchr(at, '/')); at++) {
        *at = '\0';
        is_met = pf_pattern_fits(names->excluded, names->n_excluded, from_root);
        *at = '/';
    }
    return is_met;
}

static bool find(pf_names *names, const meanings *m, const char *folder,
                 const char *name, bool is_id, pf_names_match *out, pf_err *err)
{
    for (size_t i = 0; i < m->n && !out->file; i++) {
        out->file = pf_scan_find(names->scan, m->path[i]);
        out->is_in_gap |= pf_scan_is_in_gap(names->scan, m->path[i]) ||
                          is_excluded(names, m->path[i]);
    }
    if (out->file)
        return true;
    if (!find_alike(names, m, out, err))
        return false;
    if (!out->file && !out->is_ambiguous && name[0] == '/' &&
        !find_relocated(names, m->path[0], &out->file, err))
        return false;
    if (out->file || out->is_ambiguous || pf_picture_has_extension(name))
        return true;
    return find_by_stem(names, m, folder, name, is_id, out, err);
}

bool pf_names_find(pf_names *names, const char *folder, const char *name, bool is_id,
                   pf_names_match *out, pf_err *err)
{
    meanings m;
    *out = (pf_names_match){0};
    const bool ok = list_meanings(&m, folder, names->root, name, err) &&
                    find(names, &m, folder, name, is_id, out, err);
    forget_meanings(&m);
    return ok;
}
