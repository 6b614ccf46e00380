/* models.c - see models.h. */
#include "core/engine/models.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/hash.h"
#include "core/base/mem.h"

enum { TOWERS = 2 }; /* of texts, of images */

struct pf_models {
    atomic_size_t refs;
    uint64_t serial;
    pf_models_options options;
    bool has_catalog;
    pf_store_model stored; /* of the catalog; id 0: nothing was indexed yet */
    pthread_mutex_t lock;  /* of opening, and of what follows */
    char *trusted;         /* stamp of files that were read as a whole; or NULL */
    pf_notes told;
    _Atomic(pf_model *) tower[TOWERS]; /* NULL until it is needed */
};

/* ---- counting ---- */

static atomic_ullong last_serial;

bool pf_models_new(pf_models **out, const pf_models_options *options,
                   pf_store_model *stored, pf_err *err)
{
    *out = NULL;
    pf_models *m = pf_zalloc(sizeof *m, err);
    if (!m)
        return false;
    atomic_init(&m->refs, 1);
    m->serial = atomic_fetch_add(&last_serial, 1) + 1;
    m->options = *options;
    pthread_mutex_init(&m->lock, NULL);
    if (stored) {
        m->has_catalog = true;
        m->stored = *stored;
        *stored = (pf_store_model){0};
    }
    *out = m;
    return true;
}

uint64_t pf_models_serial(const pf_models *m)
{
    return m->serial;
}

pf_models *pf_models_ref(pf_models *m)
{
    atomic_fetch_add(&m->refs, 1);
    return m;
}

void pf_models_unref(pf_models *m)
{
    if (!m || atomic_fetch_sub(&m->refs, 1) > 1)
        return;
    for (int i = 0; i < TOWERS; i++)
        pf_model_close(atomic_load(&m->tower[i]));
    pf_store_model_reset(&m->stored);
    pf_notes_reset(&m->told);
    pf_free(m->trusted);
    pthread_mutex_destroy(&m->lock);
    pf_free(m);
}

static bool are_equal(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

bool pf_models_are_of(const pf_models *m, const pf_store_model *stored)
{
    const pf_store_model *own = &m->stored;
    return m->has_catalog && own->id == stored->id && own->dim == stored->dim &&
           own->round == stored->round &&
           are_equal(own->fingerprint, stored->fingerprint) &&
           are_equal(own->stamp, stored->stamp) && are_equal(own->path, stored->path) &&
           are_equal(own->preprocess, stored->preprocess) &&
           are_equal(own->tokenizer, stored->tokenizer);
}

bool pf_models_check(const pf_models *m, pf_err *err)
{
    return !m->has_catalog || m->stored.id != 0 ||
           pf_fail(err, PF_ERR_NOT_FOUND, "catalog '%s' is empty", m->options.folder);
}

int pf_models_dim(const pf_models *m)
{
    if (m->has_catalog)
        return m->stored.dim;
    for (int i = 0; i < TOWERS; i++) {
        const pf_model *tower = atomic_load(&m->tower[i]);
        if (tower)
            return pf_model_dim(tower);
    }
    return 0;
}

/* ---- where it is ---- */

static const char *model_path(const pf_models *m)
{
    return m->options.model ? m->options.model : m->stored.path;
}

/* NULL: beside the model, where one that was moved may have it. */
static const char *tokenizer_path(const pf_models *m)
{
    const char *stored = m->stored.tokenizer;
    if (m->options.tokenizer)
        return m->options.tokenizer;
    return stored && m->options.model && !pf_path_exists(stored) ? NULL : stored;
}

static bool open_files(const pf_models *m, unsigned what, pf_model **out,
                       pf_notes *notes, pf_err *err)
{
    pf_model_options options = {
        .preprocess = m->has_catalog ? pf_preprocess_choice(m->stored.preprocess)
                                     : m->options.preprocess,
        .activation = m->has_catalog ? pf_model_stamp_activation(m->stored.stamp)
                                     : m->options.activation,
        .tokenizer = tokenizer_path(m),
        .what = what,
    };
    if (m->has_catalog)
        pf_precision_read(&options.precision, m->stored.stamp);
    else if (!pf_precision_find(&options.precision.asked, m->options.precision, err))
        return false;
    return pf_model_open(out, model_path(m), &options, notes, err);
}

/* ---- is it the catalog's? ---- */

/* Is `stamp` that of the same files? A model opened without its tokenizer has the
 * beginning of it, up to a line's end, and makes the same vectors of pictures whatever
 * the tokenizer. */
static bool is_beginning(const pf_model *model, const char *stamp, const char *of)
{
    const size_t n = strlen(stamp);
    return of && n > 0 &&
           (pf_model_tokenizer(model) ? strcmp(stamp, of) == 0
                                      : strncmp(stamp, of, n) == 0);
}

static bool other_model(const pf_models *m, const char *hex, pf_err *err)
{
    return pf_fail(err, PF_ERR_MISMATCH,
                   "model '%s' (%s) is not the one catalog '%s' was made with (%s): "
                   "name that one, or make the catalog anew with "
                   "plainfilm-index --rebuild --model",
                   model_path(m), hex, m->options.folder, m->stored.fingerprint);
}

/* All of it is read; what it has to tell was told when it was opened before. */
static bool verify(pf_models *m, unsigned tower, pf_model **out, char **stamp,
                   pf_err *err)
{
    char hex[PF_HASH_HEX_SIZE];
    if (!open_files(m, tower | PF_CLIP_VERIFY, out, NULL, err))
        return false;
    const pf_hash fingerprint = pf_model_fingerprint(*out);
    pf_hash_hex(&fingerprint, hex);
    return (strcmp(hex, m->stored.fingerprint) == 0 || other_model(m, hex, err)) &&
           (*stamp = pf_model_stamp(*out, err)) != NULL;
}

/* By stamp, that of the catalog or of files verified before, else by reading all of it.
 */
static bool open_trusted(pf_models *m, unsigned tower, pf_model **out, pf_notes *notes,
                         pf_err *err)
{
    char *stamp = NULL;
    bool ok = open_files(m, tower, out, notes, err) &&
              (!m->has_catalog || (stamp = pf_model_stamp(*out, err)));
    if (ok && m->has_catalog && !is_beginning(*out, stamp, m->stored.stamp) &&
        !is_beginning(*out, stamp, m->trusted)) {
        pf_free(stamp);
        stamp = NULL;
        pf_model_close(*out);
        *out = NULL;
        ok = verify(m, tower, out, &stamp, err);
        if (ok) {
            pf_free(m->trusted);
            m->trusted = stamp;
            stamp = NULL;
        }
    }
    pf_free(stamp);
    if (ok && m->has_catalog && pf_model_dim(*out) != m->stored.dim)
        ok = pf_fail(err, PF_ERR_FORMAT,
                     "catalog '%s' has vectors of %d numbers, its model makes %d",
                     m->options.folder, m->stored.dim, pf_model_dim(*out));
    if (!ok) {
        pf_model_close(*out);
        *out = NULL;
    }
    return ok;
}

/* ---- towers ---- */

/* Both towers read the same files and find the same oddities. */
static void tell_new(pf_models *m, const pf_notes *found, pf_notes *notes)
{
    for (size_t i = 0; i < found->count; i++) {
        size_t k = 0;
        while (k < m->told.count && strcmp(m->told.line[k], found->line[i]) != 0)
            k++;
        if (k < m->told.count)
            continue;
        pf_notes_add(&m->told, "%s", found->line[i]);
        pf_notes_add(notes, "%s", found->line[i]);
    }
    if (notes)
        notes->dropped += found->dropped;
}

static bool is_findable(const pf_models *m, pf_err *err)
{
    if (!pf_models_check(m, err))
        return false;
    return m->options.model || pf_path_exists(m->stored.path) ||
           pf_fail(err, PF_ERR_NOT_FOUND,
                   "the model of catalog '%s' is not at '%s' any more: name its new "
                   "place",
                   m->options.folder, m->stored.path);
}

bool pf_models_get(pf_models *m, unsigned tower, const pf_model **out, pf_notes *notes,
                   pf_err *err)
{
    _Atomic(pf_model *) *place = &m->tower[tower == PF_CLIP_IMAGE];
    *out = atomic_load(place);
    if (*out)
        return true;
    pf_model *opened = NULL;
    pf_notes found = {0};
    pthread_mutex_lock(&m->lock);
    bool ok = true;
    if (!atomic_load(place)) {
        ok = is_findable(m, err) && open_trusted(m, tower, &opened, &found, err);
        if (ok)
            atomic_store(place, opened);
        tell_new(m, &found, notes);
    }
    pthread_mutex_unlock(&m->lock);
    pf_notes_reset(&found);
    *out = atomic_load(place);
    return ok;
}
