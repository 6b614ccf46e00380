/*
 * model.c - see model.h. Opens what belongs together (model_files.c), in order:
 * weights, towers, preprocessing, tokenizer.
 */
#include "core/model/model.h"

#include <stdio.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/c_locale.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/checkpoint/weights.h"
#include "core/model/model_files.h"
#include "core/model/packed.h"
#include "core/model/sizes.h"

enum { STAMP_MAX_BYTES = 1 << 16 };

static const char stamp_activation[] = "activation "; /* begins a line of a stamp */

struct pf_model {
    pf_model_files files;
    pf_activation activation; /* that was asked for, or UNKNOWN */
    pf_weights *weights;
    pf_clip *clip;
    pf_tokenizer *tokenizer; /* or NULL */
    pf_preprocess preprocess;
    char *notice; /* or NULL */
    pf_hash fingerprint;
    pf_precision_choice precision;
};

void pf_model_options_init(pf_model_options *options)
{
    *options =
        (pf_model_options){.what = PF_CLIP_TEXT | PF_CLIP_IMAGE | PF_CLIP_VERIFY};
}

/* ---- towers ---- */

static bool open_towers(pf_model *m, const pf_beside *beside,
                        const pf_model_options *options, pf_notes *notes, pf_err *err)
{
    const char *notice =
        pf_json_string(pf_json_get(beside->config, "plainfilm_notice"), NULL);
    if ((notice && !(m->notice = pf_strdup(notice, err))) ||
        !pf_weights_open(&m->weights, m->files.checkpoint, notes, err))
        return false;
    return pf_clip_open(&m->clip, m->weights, beside, options->what, notes, err) ||
           pf_fail_in(err, "checkpoint '%s'", m->files.checkpoint);
}

/* ---- preprocessing ---- */

/* Sides PubMedCLIP's authors evaluate with: 250 for the models made for 224 (it ends in
 * the same 7 x 7 grid), otherwise the model's own. */
static int train_size(const pf_dims *d)
{
    return d->image_size == 224 ? 250 : d->image_size;
}

static bool fail_preprocess(const pf_model *m, const char *name, pf_err *err)
{
    const char *own = m->preprocess.name;
    static const char *const known[] = {"clip", "open-clip", "siglip",
                                        "pubmedclip-train"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(name, known[i]) == 0)
            return pf_fail(err, PF_ERR_MISUSE,
                           "preprocessing '%s' does not go with this model, which has "
                           "'%s'",
                           name, own);
    }
    return pf_fail(
        err, PF_ERR_MISUSE, "preprocessing '%s' is not known, only '%s' %s", name, own,
        strcmp(own, "clip") == 0 ? "and 'pubmedclip-train' are" : "is, for this model");
}

static bool choose_preprocess(pf_model *m, const pf_beside *beside, const char *name,
                              pf_err *err)
{
    const pf_dims *d = pf_clip_dims(m->clip);
    pf_preprocess *p = &m->preprocess;
    if (!d->family->read_preprocess(p, d, beside, err))
        return pf_fail_in(err, "model folder '%s'", m->files.folder);
    if (name && strcmp(name, "pubmedclip-train") == 0 && strcmp(p->name, "clip") == 0)
        pf_preprocess_init_pubmedclip_train(p, train_size(d));
    else if (name && strcmp(name, p->name) != 0)
        return fail_preprocess(m, name, err);
    return pf_dims_grid_for(d, p->size) == d->grid ||
           pf_fail(err, PF_ERR_MISMATCH,
                   "preprocessing '%s' makes pictures of %d pixels, the model was made "
                   "for %d",
                   p->name, p->size, d->image_size);
}

/* ---- tokenizer ---- */

static bool tokenizer_missing(const pf_model *m, pf_err *err)
{
    return pf_fail(
        err, PF_ERR_NOT_FOUND,
        "there is no tokenizer in '%s': put %s beside the checkpoint, or name another "
        "place",
        m->files.folder,
        pf_tokenizer_files_wanted(pf_clip_dims(m->clip)->family->tokenizer));
}

static bool open_tokenizer(pf_model *m, const pf_model_options *options,
                           pf_notes *notes, pf_err *err)
{
    const char *path = options->tokenizer ? options->tokenizer : m->files.folder;
    const pf_dims *d = pf_clip_dims(m->clip);
    /* what goes into a fingerprint is read from the files themselves */
    const bool is_kept = !(options->what & PF_CLIP_VERIFY);
    if (!(is_kept ? pf_tokenizer_open_kept : pf_tokenizer_open)(
            &m->tokenizer, d->family->tokenizer, path, (size_t)d->context, err)) {
        if (err->code != PF_ERR_NOT_FOUND || options->tokenizer)
            return pf_fail_in(err, "tokenizer");
        if (!options->tokenizer_is_optional)
            return tokenizer_missing(m, err);
        *err = (pf_err)PF_ERR_INIT;
        pf_notes_add(notes, "there is no tokenizer in '%s': texts cannot be embedded",
                     m->files.folder);
        return true;
    }
    if (pf_tokenizer_vocabulary_size(m->tokenizer) == d->vocab)
        return true;
    return pf_fail(
        err, PF_ERR_MISMATCH,
        "tokenizer '%s' has %d tokens, the model's vocabulary %d; take the one "
        "that belongs to the model",
        pf_tokenizer_path(m->tokenizer), pf_tokenizer_vocabulary_size(m->tokenizer),
        d->vocab);
}

/* ---- identity ---- */

/* What is said of all models comes first and stays as it is: fingerprints are in
 * catalogs. What only some have is added when they have it. */
static void add_preprocess(pf_hasher *h, const pf_preprocess *p)
{
    char text[256];
    const pf_c_locale locale = pf_c_locale_begin();
    int n =
        snprintf(text, sizeof text, "%d %d %d %d %.9g %.9g %.9g %.9g %.9g %.9g%s%s",
                 p->resize, p->size, p->filter, p->rounding, p->mean[0], p->mean[1],
                 p->mean[2], p->std[0], p->std[1], p->std[2],
                 p->is_squashed ? " squashed" : "", p->is_rgb_last ? " rgb last" : "");
    pf_c_locale_end(locale);
    pf_hasher_add(h, text, (size_t)n);
}

/* Sizes that do not follow from the number of weights alone. */
static void add_dims(pf_hasher *h, const pf_dims *d)
{
    char text[256];
    const pf_c_locale locale = pf_c_locale_begin();
    int n = snprintf(text, sizeof text, "%d %d %d %d %d %d %.9g %d %d %.9g", d->vision,
                     d->embed, d->grid, d->patch, d->vit.layers, d->vit.heads,
                     (double)d->vit.eps, d->text.layers, d->text.heads,
                     (double)d->text.eps);
    pf_c_locale_end(locale);
    pf_hasher_add(h, text, (size_t)n);
    if (d->text.activation != PF_QUICK_GELU || d->vit.activation != PF_QUICK_GELU ||
        d->end_id >= 0 || d->context != d->positions) {
        n = snprintf(text, sizeof text, " %d %d %d %d", d->text.activation,
                     d->vit.activation, d->end_id, d->context);
        pf_hasher_add(h, text, (size_t)n);
    }
}

static bool compute_fingerprint(pf_model *m, pf_err *err)
{
    pf_hasher *h = pf_hasher_new(err);
    if (!h)
        return false;
    pf_hash clip = pf_clip_hash(m->clip), tokenizer = pf_tokenizer_hash(m->tokenizer);
    pf_hasher_add(h, clip.b, sizeof clip.b);
    pf_hasher_add(h, tokenizer.b, sizeof tokenizer.b);
    add_dims(h, pf_clip_dims(m->clip));
    add_preprocess(h, &m->preprocess);
    if (m->precision.asked == PF_PRECISION_I8) /* the others make the same vectors */
        pf_hasher_add(h, " i8", 3);
    m->fingerprint = pf_hasher_finish(h);
    return true;
}

/* The checkpoint and all of its parts. */
static bool add_weights(const pf_model *m, pf_buf *b, pf_err *err)
{
    bool ok = pf_model_stamp_file(b, m->files.checkpoint, err);
    for (size_t i = 0; ok && i < pf_weights_parts(m->weights); i++)
        ok = pf_model_stamp_file(b, pf_weights_part(m->weights, i), err);
    return ok;
}

/* And what says how it is meant. */
static bool add_files(const pf_model *m, pf_buf *b, pf_err *err)
{
    bool ok = add_weights(m, b, err);
    for (int i = 0; ok && i < PF_MODEL_CONFIGS; i++)
        ok = pf_model_stamp_file(b, m->files.config_path[i], err);
    return ok;
}

static bool add_precision(const pf_model *m, pf_buf *b, pf_err *err)
{
    const pf_precision_choice *c = &m->precision;
    char line[PF_PRECISION_LINE];
    pf_precision_write(c, line);
    return c->is_unsaid || pf_buf_addf(b, err, "%s\n", line);
}

char *pf_model_stamp(const pf_model *m, pf_err *err)
{
    pf_buf b;
    pf_buf_init(&b, STAMP_MAX_BYTES);
    bool ok = add_files(m, &b, err) &&
              pf_buf_addf(&b, err, "preprocess %s\n", m->preprocess.name) &&
              (m->activation == PF_ACTIVATION_UNKNOWN ||
               pf_buf_addf(&b, err, "%s%s\n", stamp_activation,
                           pf_activation_name(m->activation))) &&
              add_precision(m, &b, err);
    const char *file;
    for (size_t i = 0;
         ok && m->tokenizer && (file = pf_tokenizer_file(m->tokenizer, i)); i++)
        ok = pf_model_stamp_file(&b, file, err);
    char *stamp = ok ? pf_buf_take(&b, err) : NULL;
    pf_buf_free(&b);
    return stamp;
}

/* It has a line to itself; lines of files have more than two words. */
const char *pf_model_stamp_activation(const char *stamp)
{
    for (const char *line = stamp; line && *line; line += strcspn(line, "\n")) {
        line += *line == '\n';
        for (pf_activation a = PF_QUICK_GELU; a <= PF_GELU_TANH; a++) {
            const char *name = pf_activation_name(a);
            const size_t n = strlen(stamp_activation), m = strlen(name);
            if (strncmp(line, stamp_activation, n) == 0 &&
                strncmp(line + n, name, m) == 0 && line[n + m] == '\n')
                return name;
        }
    }
    return NULL;
}

/* ---- precision ---- */

/* Only now: what was packed to be measured is not kept. */
static bool identify(pf_model *m, pf_err *err)
{
    pf_buf b;
    pf_buf_init(&b, STAMP_MAX_BYTES);
    const bool ok = add_weights(m, &b, err);
    char *identity = ok ? pf_buf_take(&b, err) : NULL;
    if (identity)
        pf_clip_identify(m->clip, identity);
    pf_free(identity);
    pf_buf_free(&b);
    return identity != NULL;
}

static bool choose_precision(pf_model *m, const pf_model_options *options,
                             pf_notes *notes, pf_err *err)
{
    const char *instructions = pf_packed_instructions()->name;
    if (pf_packed_refused())
        pf_notes_add(notes,
                     "the '%s' kernels compute wrongly on this processor and are not "
                     "used, '%s' are",
                     pf_packed_refused(), instructions);
    m->precision = options->precision;
    if (!(options->what & PF_CLIP_VERIFY) && !m->precision.is_known &&
        m->precision.asked == PF_PRECISION_AUTO)
        m->precision =
            (pf_precision_choice){.asked = PF_PRECISION_AUTO, .is_known = true};
    if (!pf_precision_measure(&m->precision, m->clip, m->preprocess.size, notes, err))
        return false;
    pf_precision_use(&m->precision, m->clip);
    return identify(m, err);
}

/* ---- open, close, look ---- */

static bool read_activation(pf_model *m, const char *name, pf_err *err)
{
    if (!name)
        return true;
    m->activation = pf_activation_find(name);
    return m->activation != PF_ACTIVATION_UNKNOWN ||
           pf_fail(err, PF_ERR_MISUSE,
                   "activation '%s' is not known, only 'quick-gelu', 'gelu' and "
                   "'gelu-tanh' are",
                   name);
}

static bool open_model(pf_model *m, const char *path, const pf_model_options *options,
                       pf_notes *notes, pf_err *err)
{
    if (!pf_model_files_find(&m->files, path, notes, err))
        return false;
    if (!read_activation(m, options->activation, err))
        return false;
    const pf_beside beside = pf_model_files_beside(&m->files, m->activation);
    if (!open_towers(m, &beside, options, notes, err) ||
        !choose_preprocess(m, &beside, options->preprocess, err))
        return false;
    if (!choose_precision(m, options, notes, err))
        return false;
    bool needs_text = options->what & (PF_CLIP_TEXT | PF_CLIP_VERIFY);
    if (needs_text && !open_tokenizer(m, options, notes, err))
        return false;
    return !(options->what & PF_CLIP_VERIFY) || !m->tokenizer ||
           compute_fingerprint(m, err);
}

bool pf_model_open(pf_model **out, const char *path, const pf_model_options *options,
                   pf_notes *notes, pf_err *err)
{
    pf_err local = PF_ERR_INIT; /* codes are looked at below, so there must be one */
    if (!err)
        err = &local;
    *out = NULL;
    pf_model *m = pf_zalloc(sizeof *m, err);
    if (!m)
        return false;
    if (!open_model(m, path, options, notes, err)) {
        pf_model_close(m);
        return false;
    }
    *out = m;
    return true;
}

void pf_model_close(pf_model *m)
{
    if (!m)
        return;
    pf_clip_close(m->clip);
    pf_weights_close(m->weights);
    pf_tokenizer_close(m->tokenizer);
    pf_model_files_reset(&m->files);
    pf_free(m->notice);
    pf_free(m);
}

const char *pf_model_checkpoint(const pf_model *m)
{
    return m->files.checkpoint;
}

const char *pf_model_container(const pf_model *m)
{
    return pf_weights_container(m->weights);
}

const pf_clip *pf_model_clip(const pf_model *m)
{
    return m->clip;
}

const pf_tokenizer *pf_model_tokenizer(const pf_model *m)
{
    return m->tokenizer;
}

const pf_preprocess *pf_model_preprocess(const pf_model *m)
{
    return &m->preprocess;
}

const pf_precision_choice *pf_model_precision(const pf_model *m)
{
    return &m->precision;
}

int pf_model_dim(const pf_model *m)
{
    return pf_clip_dims(m->clip)->embed;
}

pf_hash pf_model_fingerprint(const pf_model *m)
{
    return m->fingerprint;
}

const char *pf_model_notice(const pf_model *m)
{
    return m->notice;
}
