/* view.c - see view.h. */
#include "core/engine/view.h"

#include <pthread.h>
#include <stdatomic.h>

#include "core/base/mem.h"

enum { BEFORE_ROWS = 3 }; /* questions that are answered without */

typedef struct {
    atomic_bool is_read;
    bool is_there;
    pf_background pairs;
} background;

struct pf_view {
    atomic_size_t refs;
    int64_t generation;
    pf_models *models;
    int search_threads;
    pf_index_file file[PF_INDEX_KINDS]; /* held open */
    pthread_mutex_t lock;               /* of loading */
    _Atomic(pf_vindex *) index[PF_INDEX_KINDS];
    pf_vindex *replaced[PF_INDEX_KINDS]; /* damaged, and perhaps still looked at */
    background background[PF_BACKGROUND_KINDS];
    atomic_uint n_wants_rows;
    _Atomic(pf_word_rows *) word_rows;
    bool has_counts;
    pf_store_counts counts;
};

static pf_view *make_view(pf_err *err)
{
    pf_view *v = pf_zalloc(sizeof *v, err);
    if (!v)
        return NULL;
    atomic_init(&v->refs, 1);
    pthread_mutex_init(&v->lock, NULL);
    for (int kind = 0; kind < PF_INDEX_KINDS; kind++)
        v->file[kind].fd = -1;
    return v;
}

static bool make_models(pf_view *v, pf_catalog *catalog, pf_models *models,
                        const pf_models_options *options, pf_err *err)
{
    pf_store_model stored = {0};
    if (!pf_store_find_model(pf_catalog_store(catalog), &stored, err))
        return false;
    const bool are_same = models && pf_models_are_of(models, &stored);
    const bool ok = are_same || pf_models_new(&v->models, options, &stored, err);
    if (are_same)
        v->models = pf_models_ref(models);
    pf_store_model_reset(&stored);
    return ok;
}

bool pf_view_new(pf_view **out, pf_catalog *catalog, pf_models *models,
                 const pf_models_options *options, int search_threads, pf_err *err)
{
    *out = NULL;
    pf_view *v = make_view(err);
    if (!v)
        return false;
    v->search_threads = search_threads;
    if (!pf_catalog_hold_indexes(catalog, v->file, err) ||
        !make_models(v, catalog, models, options, err)) {
        pf_view_unref(v);
        return false;
    }
    v->generation = pf_catalog_generation(catalog);
    *out = v;
    return true;
}

bool pf_view_new_of_model(pf_view **out, const pf_models_options *options, pf_err *err)
{
    *out = NULL;
    pf_view *v = make_view(err);
    if (!v)
        return false;
    if (!pf_models_new(&v->models, options, NULL, err)) {
        pf_view_unref(v);
        return false;
    }
    *out = v;
    return true;
}

pf_view *pf_view_ref(pf_view *v)
{
    atomic_fetch_add(&v->refs, 1);
    return v;
}

void pf_view_unref(pf_view *v)
{
    if (!v || atomic_fetch_sub(&v->refs, 1) > 1)
        return;
    for (int kind = 0; kind < PF_INDEX_KINDS; kind++) {
        pf_vindex_free(atomic_load(&v->index[kind]));
        pf_vindex_free(v->replaced[kind]);
    }
    pf_word_rows_free(atomic_load(&v->word_rows));
    pf_catalog_release_indexes(v->file);
    pf_models_unref(v->models);
    pthread_mutex_destroy(&v->lock);
    pf_free(v);
}

int64_t pf_view_generation(const pf_view *v)
{
    return v->generation;
}

/* Index files with the same checksum have the same ids and vectors. */
static bool has_same_index(const pf_view *v, pf_catalog *catalog, pf_index_kind kind,
                           bool *out, pf_err *err)
{
    const pf_store_index_file *own = &v->file[kind].row;
    pf_store_index_file row;
    if (!pf_store_find_index_file(pf_catalog_store(catalog), kind, &row, err))
        return false;
    *out = row.generation == own->generation && row.count == own->count &&
           pf_hash_equal(&row.checksum, &own->checksum);
    return true;
}

bool pf_view_is_of(const pf_view *v, pf_catalog *catalog, bool *out, pf_err *err)
{
    pf_store_model stored = {0};
    *out = v->generation == pf_catalog_generation(catalog);
    for (int kind = 0; *out && kind < PF_INDEX_KINDS; kind++) {
        if (!has_same_index(v, catalog, (pf_index_kind)kind, out, err))
            return false;
    }
    if (!*out)
        return true;
    const bool ok = pf_store_find_model(pf_catalog_store(catalog), &stored, err);
    *out = ok && pf_models_are_of(v->models, &stored);
    pf_store_model_reset(&stored);
    return ok;
}

pf_models *pf_view_models(const pf_view *v)
{
    return v->models;
}

/* ---- counts ---- */

/* Who comes meanwhile waits: the lock is held while it is counted. */
bool pf_view_get_counts(pf_view *v, pf_catalog *catalog, pf_store_counts *out,
                        pf_err *err)
{
    pthread_mutex_lock(&v->lock);
    const bool ok =
        v->has_counts || pf_store_count(pf_catalog_store(catalog), &v->counts, err);
    v->has_counts = ok;
    *out = v->counts;
    pthread_mutex_unlock(&v->lock);
    return ok;
}

/* ---- indexes ---- */

size_t pf_view_count(const pf_view *v, pf_index_kind kind)
{
    return (size_t)v->file[kind].row.count;
}

bool pf_view_get_index(pf_view *v, pf_index_kind kind, pf_catalog *catalog,
                       const pf_vindex **out, pf_notes *notes, pf_err *err)
{
    bool ok = true;
    *out = atomic_load(&v->index[kind]);
    if (*out)
        return true;
    pthread_mutex_lock(&v->lock);
    if (!atomic_load(&v->index[kind])) {
        pf_vindex *loaded;
        ok = pf_catalog_load_index(catalog, kind, &v->file[kind], &loaded, notes, err);
        if (ok) {
            pf_vindex_set_threads(loaded, v->search_threads);
            atomic_store(&v->index[kind], loaded);
        }
    }
    pthread_mutex_unlock(&v->lock);
    *out = atomic_load(&v->index[kind]);
    return ok;
}

/* One from the database cannot be damaged, so it happens once. */
static bool replace(pf_view *v, pf_index_kind kind, pf_catalog *catalog,
                    const pf_err *why, pf_notes *notes, pf_err *err)
{
    pf_vindex *damaged = atomic_load(&v->index[kind]), *made;
    if (!damaged || !pf_vindex_is_damaged(damaged))
        return true;
    if (!pf_catalog_make_index(catalog, kind, why, &made, notes, err))
        return false;
    pf_vindex_set_threads(made, v->search_threads);
    v->replaced[kind] = damaged;
    atomic_store(&v->index[kind], made);
    return true;
}

bool pf_view_replace_damaged(pf_view *v, pf_catalog *catalog, const pf_err *why,
                             bool *any, pf_notes *notes, pf_err *err)
{
    bool ok = true;
    *any = false;
    pthread_mutex_lock(&v->lock);
    for (int kind = 0; ok && kind < PF_INDEX_KINDS; kind++) {
        ok = replace(v, (pf_index_kind)kind, catalog, why, notes, err);
        *any = *any || v->replaced[kind];
    }
    pthread_mutex_unlock(&v->lock);
    return ok;
}

/* ---- words ---- */

bool pf_view_find_word_rows(pf_view *v, const pf_words *words, pf_catalog *catalog,
                            pf_word_rows **out, pf_err *err)
{
    pf_word_rows *made = NULL;
    bool ok = true;
    *out = atomic_load(&v->word_rows);
    if (*out || atomic_fetch_add(&v->n_wants_rows, 1) < BEFORE_ROWS)
        return true;
    pthread_mutex_lock(&v->lock);
    if (!atomic_load(&v->word_rows)) {
        ok = pf_word_rows_new(&made, words, pf_catalog_store(catalog), err);
        atomic_store(&v->word_rows, made);
    }
    pthread_mutex_unlock(&v->lock);
    *out = atomic_load(&v->word_rows);
    return ok;
}

/* ---- background ---- */

static bool read_background(background *b, pf_background_kind kind, pf_catalog *catalog,
                            pf_notes *notes, pf_err *err)
{
    pf_err why = PF_ERR_INIT;
    pf_store *store = pf_catalog_store(catalog);
    if (pf_store_find_background(store, kind, &b->pairs, &b->is_there, &why))
        return true;
    if (why.code != PF_ERR_FORMAT || pf_store_has_damage(store))
        return pf_fail_as(err, &why);
    b->is_there = false;
    pf_notes_add(notes, "%s; percentiles are not known", why.msg);
    return true;
}

bool pf_view_find_background(pf_view *v, pf_background_kind kind, pf_catalog *catalog,
                             const pf_background **out, pf_notes *notes, pf_err *err)
{
    background *b = &v->background[kind];
    bool ok = true;
    if (!atomic_load(&b->is_read)) {
        pthread_mutex_lock(&v->lock);
        ok = atomic_load(&b->is_read) || read_background(b, kind, catalog, notes, err);
        if (ok)
            atomic_store(&b->is_read, true);
        pthread_mutex_unlock(&v->lock);
    }
    *out = ok && b->is_there ? &b->pairs : NULL;
    return ok;
}
