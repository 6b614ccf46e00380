/* engine.c - see engine.h. */
#include "core/engine/engine.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/engine/reader.h"
#include "core/image/sandbox.h"

struct pf_engine {
    pf_engine_options options; /* strings owned */
    pthread_mutex_t lock;      /* of what follows */
    pf_view *newest;           /* NULL before the first reader */
    uint64_t device, inode;    /* of the database that was opened last, */
    uint64_t era;              /* and how many there have been */
    pf_reader *spare;          /* NULL or nobody's yet */
    pf_vectors *vectors;       /* NULL: none are kept */
    _Atomic(pf_words *) words; /* NULL until a question needs it */
    atomic_bool has_told_notice, has_told_sandbox;
};

/* ---- options ---- */

static bool copy_text(const char **text, pf_err *err)
{
    return !*text || (*text = pf_strdup(*text, err)) != NULL;
}

/* Those of a caller that knows less of them than we do are as they are by default. */
static bool copy_options(pf_engine_options *out, const pf_engine_options *from,
                         pf_err *err)
{
    const size_t n = from->struct_size;
    const pf_engine_options defaults = PF_ENGINE_OPTIONS_INIT;
    *out = defaults;
    if (n < sizeof n || n > sizeof *out)
        return pf_fail(err, PF_ERR_MISUSE,
                       "pf_engine_options were not made by PF_ENGINE_OPTIONS_INIT");
    memcpy(out, from, n);
    const char **const texts[] = {&out->model,      &out->tokenizer, &out->preprocess,
                                  &out->activation, &out->precision, &out->synonyms,
                                  &out->catalog};
    const size_t n_texts = sizeof texts / sizeof *texts;
    for (size_t i = 0; i < n_texts; i++) {
        if (copy_text(texts[i], err))
            continue;
        for (; i < n_texts; i++)
            *texts[i] = NULL; /* the caller's */
        return false;
    }
    return true;
}

static void free_options(pf_engine_options *o)
{
    const char *const texts[] = {o->model,      o->tokenizer, o->preprocess,
                                 o->activation, o->precision, o->synonyms,
                                 o->catalog};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        pf_free((void *)texts[i]); /* const for all but their owner */
}

static bool check_options(pf_engine_options *o, pf_err *err)
{
    if (o->kept_vectors > PF_KEPT_VECTORS_MAX)
        return pf_fail(err, PF_ERR_MISUSE, "%zu vectors to be kept, the most is %d",
                       o->kept_vectors, PF_KEPT_VECTORS_MAX);
    if (o->has_no_catalog)
        return o->model ? true
                        : pf_fail(err, PF_ERR_MISUSE,
                                  "without a catalog a model must be named");
    if (o->preprocess)
        return pf_fail(err, PF_ERR_MISUSE,
                       "preprocessing is the catalog's own, none can be named");
    if (o->precision)
        return pf_fail(err, PF_ERR_MISUSE,
                       "precision is the catalog's own, none can be named");
    return o->catalog || (o->catalog = pf_catalog_default_folder(err)) != NULL;
}

/* ---- opening ---- */

/* What is wrong with the folder is said now, not at the first reader; whoever opens
 * that gets this one. */
static bool open_spare(pf_engine *e, pf_err *err)
{
    return pf_reader_open(&e->spare, e, err);
}

static bool make_vectors(pf_engine *e, pf_err *err)
{
    return e->options.kept_vectors == 0 ||
           pf_vectors_new(&e->vectors, e->options.kept_vectors, err);
}

pf_vectors *pf_engine_vectors(const pf_engine *e)
{
    return e->vectors;
}

pf_reader *pf_engine_take_spare(pf_engine *e)
{
    pthread_mutex_lock(&e->lock);
    pf_reader *spare = e->spare;
    e->spare = NULL;
    pthread_mutex_unlock(&e->lock);
    return spare;
}

bool pf_engine_open(pf_engine **out, const pf_engine_options *options, pf_err *err)
{
    *out = NULL;
    pf_engine *e = pf_zalloc(sizeof *e, err);
    if (!e)
        return false;
    pthread_mutex_init(&e->lock, NULL);
    if (!copy_options(&e->options, options, err) || !check_options(&e->options, err) ||
        !make_vectors(e, err) || !open_spare(e, err)) {
        pf_engine_close(e);
        return false;
    }
    *out = e;
    return true;
}

void pf_engine_close(pf_engine *e)
{
    if (!e)
        return;
    pf_reader_close(e->spare);
    pf_view_unref(e->newest);
    pf_words_free(atomic_load(&e->words));
    pf_vectors_free(e->vectors);
    free_options(&e->options);
    pthread_mutex_destroy(&e->lock);
    pf_free(e);
}

const pf_engine_options *pf_engine_options_of(const pf_engine *e)
{
    return &e->options;
}

const char *pf_engine_folder(const pf_engine *e)
{
    return e->options.has_no_catalog ? "" : e->options.catalog;
}

/* ---- the newest view ---- */

static pf_models_options models_options(const pf_engine *e)
{
    return (pf_models_options){.model = e->options.model,
                               .tokenizer = e->options.tokenizer,
                               .preprocess = e->options.preprocess,
                               .activation = e->options.activation,
                               .precision = e->options.precision,
                               .folder = pf_engine_folder(e)};
}

static bool make_newest(pf_engine *e, pf_catalog *catalog, pf_err *err)
{
    const pf_models_options options = models_options(e);
    const int threads = e->options.search_threads > 0 ? e->options.search_threads : 1;
    pf_view *view;
    if (!(catalog ? pf_view_new(&view, catalog,
                                e->newest ? pf_view_models(e->newest) : NULL, &options,
                                threads, err)
                  : pf_view_new_of_model(&view, &options, err)))
        return false;
    pf_view_unref(e->newest);
    e->newest = view;
    return true;
}

/* With the lock held. Where another reader has come to a newer generation than this
 * snapshot is of, the snapshot follows: generations go back only when the catalog was
 * made anew. */
static bool meet(pf_engine *e, pf_catalog *catalog, pf_err *err)
{
    bool is_newest = false;
    if (!e->newest || !catalog)
        return e->newest || make_newest(e, catalog, err);
    if (pf_catalog_generation(catalog) < pf_view_generation(e->newest) &&
        !pf_catalog_begin_read(catalog, err))
        return false;
    return pf_view_is_of(e->newest, catalog, &is_newest, err) &&
           (is_newest || make_newest(e, catalog, err));
}

bool pf_engine_get_view(pf_engine *e, pf_catalog *catalog, pf_view **out, pf_err *err)
{
    pthread_mutex_lock(&e->lock);
    const bool ok = meet(e, catalog, err);
    *out = ok ? pf_view_ref(e->newest) : NULL;
    pthread_mutex_unlock(&e->lock);
    return ok;
}

uint64_t pf_engine_era(pf_engine *e, uint64_t device, uint64_t inode)
{
    pthread_mutex_lock(&e->lock);
    if (e->era == 0 || e->device != device || e->inode != inode) {
        e->device = device;
        e->inode = inode;
        e->era++;
    }
    const uint64_t era = e->era;
    pthread_mutex_unlock(&e->lock);
    return era;
}

/* ---- words ---- */

bool pf_engine_get_words(pf_engine *e, const pf_words **out, pf_err *err)
{
    const pf_words_settings settings = {.synonyms = e->options.synonyms,
                                        .ignores_negation =
                                            e->options.ignores_negation};
    bool ok = true;
    *out = atomic_load(&e->words);
    if (*out)
        return true;
    pthread_mutex_lock(&e->lock);
    if (!atomic_load(&e->words)) {
        pf_words *words;
        ok = pf_words_new(&words, &settings, err);
        if (ok)
            atomic_store(&e->words, words);
    }
    pthread_mutex_unlock(&e->lock);
    *out = atomic_load(&e->words);
    return ok;
}

/* ---- notes ---- */

static void tell(const pf_engine *e, pf_note_kind kind, const char *text)
{
    if (e->options.note)
        e->options.note(e->options.context, kind, text);
}

void pf_engine_tell(const pf_engine *e, pf_note_kind kind, pf_notes *notes)
{
    for (size_t i = 0; i < notes->count; i++)
        tell(e, kind, notes->line[i]);
    if (notes->dropped > 0) {
        char text[64];
        snprintf(text, sizeof text, "and %zu notes more", notes->dropped);
        tell(e, kind, text);
    }
    pf_notes_reset(notes);
}

void pf_engine_tell_notice(pf_engine *e, const char *notice)
{
    if (notice && !atomic_exchange(&e->has_told_notice, true))
        tell(e, PF_NOTE_NOTICE, notice);
}

void pf_engine_tell_sandbox(pf_engine *e)
{
    const char *lack = pf_sandbox_lack();
    if (lack && !atomic_exchange(&e->has_told_sandbox, true))
        tell(e, PF_NOTE_SANDBOX, lack);
}
