/* run_model.c - see run_model.h. */
#include "indexer/run_model.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/mem.h"

/* First without looking at the weights; if the files are not those on record, again
 * with. */
static bool open_verified(pf_run_model *m, const char *path, pf_model_options *options,
                          const pf_store_model *known, pf_notes *notes, pf_err *err)
{
    options->what = PF_CLIP_TEXT | PF_CLIP_IMAGE;
    if (known->id) {
        if (!pf_model_open(&m->model, path, options, NULL, err))
            return false;
        m->row.stamp = pf_model_stamp(m->model, err);
        if (!m->row.stamp)
            return false;
        if (strcmp(m->row.stamp, known->stamp) == 0)
            return (m->row.fingerprint = pf_strdup(known->fingerprint, err)) != NULL;
        pf_free(m->row.stamp);
        pf_model_close(m->model);
        m->row.stamp = NULL;
        m->model = NULL;
    }
    options->what |= PF_CLIP_VERIFY;
    options->precision.is_known = false; /* these may be other weights */
    if (!pf_model_open(&m->model, path, options, notes, err))
        return false;
    char hex[PF_HASH_HEX_SIZE];
    pf_hash fingerprint = pf_model_fingerprint(m->model);
    pf_hash_hex(&fingerprint, hex);
    m->row.stamp = pf_model_stamp(m->model, err);
    m->row.fingerprint = pf_strdup(hex, err);
    return m->row.stamp && m->row.fingerprint;
}

static bool fill_row(pf_run_model *m, const char *path, const char *tokenizer,
                     pf_err *err)
{
    char description[128];
    const pf_clip *clip = pf_model_clip(m->model);
    pf_dims_describe_model(pf_clip_dims(clip), description, sizeof description);
    char *real = realpath(path, NULL), *real_tokenizer = NULL;
    if (!real || (tokenizer && !(real_tokenizer = realpath(tokenizer, NULL)))) {
        pf_fail_errno(err, errno, "cannot find '%s'", real ? tokenizer : path);
        free(real);
        return false;
    }
    m->row.path = pf_strdup(real, err);
    m->row.tokenizer = real_tokenizer ? pf_strdup(real_tokenizer, err) : NULL;
    bool ok = m->row.path && (!tokenizer || m->row.tokenizer);
    free(real);
    free(real_tokenizer);
    m->row.preprocess = pf_strdup(pf_model_preprocess(m->model)->name, err);
    m->row.description = pf_strdup(description, err);
    m->row.dim = pf_model_dim(m->model);
    m->row.logit_scale = log((double)pf_clip_logit_scale(clip));
    return ok && m->row.preprocess && m->row.description;
}

/* Vectors of --rebuild with one and the same model are kept apart from those readers
 * see by their round. */
static bool compare(pf_run_model *m, const pf_run_options *options,
                    const pf_store_model *known, pf_err *err)
{
    m->row.round = 1;
    if (known->id == 0)
        return true;
    bool is_same = strcmp(m->row.fingerprint, known->fingerprint) == 0;
    if (!is_same && !options->rebuild)
        return pf_fail(
            err, PF_ERR_MISMATCH,
            "catalog '%s' was made with another model than '%s' (%s, fingerprint "
            "%.8s; this one is %s, %.8s); keep to that one, or give --rebuild to "
            "embed everything again",
            options->catalog, m->row.path, known->description, known->fingerprint,
            m->row.description, m->row.fingerprint);
    if (is_same)
        m->row.round = known->round + options->rebuild;
    m->is_replacing = options->rebuild;
    return true;
}

/* What is asked for now, else what was before; catalogs from before there was a choice
 * get one. */
static bool choose_precision(pf_precision_choice *out, const pf_run_options *o,
                             const char *stamp, pf_err *err)
{
    pf_precision asked;
    if (!pf_precision_find(&asked, o->precision, err))
        return false;
    pf_precision_read(out, stamp);
    if (out->is_unsaid || (o->precision && asked != out->asked))
        *out = (pf_precision_choice){.asked = asked};
    return true;
}

static bool open_known(pf_run_model *m, const pf_run_options *o,
                       const pf_store_model *known, pf_notes *notes, pf_err *err)
{
    const char *path = o->model ? o->model : known->path;
    if (!path)
        return pf_fail(
            err, PF_ERR_MISUSE,
            "the first run needs --model: a folder with a model's files (PubMedCLIP's, "
            "say), or a checkpoint file");
    if (!o->model && !pf_path_exists(path))
        return pf_fail(
            err, PF_ERR_NOT_FOUND,
            "the model of catalog '%s' is not at '%s' any more: name its new "
            "place with --model",
            o->catalog, path);
    /* What was chosen for the remembered model does not go with another one; what a
     * model says of itself it says again. */
    bool keeps = !o->model || !o->rebuild;
    pf_model_options model_options;
    pf_model_options_init(&model_options);
    model_options.tokenizer = o->tokenizer ? o->tokenizer
                              : o->model   ? NULL
                                           : known->tokenizer;
    model_options.preprocess = o->preprocess ? o->preprocess
                               : keeps       ? pf_preprocess_choice(known->preprocess)
                                             : NULL;
    model_options.activation = o->activation ? o->activation
                               : keeps       ? pf_model_stamp_activation(known->stamp)
                                             : NULL;
    if (!choose_precision(&model_options.precision, o, keeps ? known->stamp : NULL,
                          err))
        return false;
    if (!open_verified(m, path, &model_options, known, notes, err) ||
        !fill_row(m, path, model_options.tokenizer, err) || !compare(m, o, known, err))
        return false;
    m->in_use = known->id;
    m->is_new_to_store = known->id == 0 || m->is_replacing ||
                         strcmp(m->row.stamp, known->stamp) != 0 ||
                         strcmp(m->row.path, known->path) != 0;
    return true;
}

bool pf_run_model_open(pf_run_model *m, const pf_run_options *options, pf_store *store,
                       pf_notes *notes, pf_err *err)
{
    *m = (pf_run_model){0};
    pf_store_model known = {0};
    bool ok = (!store || pf_store_find_model(store, &known, err)) &&
              open_known(m, options, &known, notes, err);
    pf_store_model_reset(&known);
    return ok;
}

void pf_run_model_close(pf_run_model *m)
{
    pf_model_close(m->model);
    pf_store_model_reset(&m->row);
    *m = (pf_run_model){0};
}
