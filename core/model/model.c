/*
 * model.c - see model.h. Finds the files that belong together and opens them in order:
 * weights, config.json, towers, preprocessor_config.json, tokenizer.
 */
#include "core/model/model.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "core/base/buf.h"
#include "core/base/c_locale.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/checkpoint/weights.h"
#include "core/model/preprocessor_config.h"

enum { CONFIG_MAX_BYTES = 1 << 20, STAMP_MAX_BYTES = 1 << 16 };

struct pf_model {
    char *folder; /* where the checkpoint lies */
    char *checkpoint, *config_path, *preprocess_path;
    pf_weights *weights;
    pf_clip *clip;
    pf_tokenizer *tokenizer; /* or NULL */
    pf_preprocess preprocess;
    char *notice; /* or NULL */
    pf_hash fingerprint;
};

void pf_model_options_init(pf_model_options *options)
{
    *options =
        (pf_model_options){.what = PF_CLIP_TEXT | PF_CLIP_IMAGE | PF_CLIP_VERIFY};
}

/* ---- finding the files ---- */

static bool is_checkpoint_name(const char *name)
{
    static const char *const extension[] = {"safetensors", "pth", "pt", "bin"};
    for (size_t i = 0; i < sizeof extension / sizeof *extension; i++) {
        if (strcasecmp(pf_path_extension(name), extension[i]) == 0)
            return true;
    }
    return false;
}

/* The one checkpoint in a folder that has none of Hugging Face's names. */
static bool find_only_checkpoint(const char *folder, char **out, pf_err *err)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return pf_fail_errno(err, errno, "cannot read model folder '%s'", folder);
    char *found = NULL;
    bool ok = true;
    for (struct dirent *e; ok && (e = readdir(dir));) {
        if (!is_checkpoint_name(e->d_name))
            continue;
        if (found)
            ok = pf_fail(
                err, PF_ERR_MISUSE,
                "model folder '%s' holds several checkpoints ('%s', '%s'); name "
                "the file",
                folder, pf_path_base(found), e->d_name);
        else
            ok = (found = pf_path_join(folder, e->d_name, err)) != NULL;
    }
    closedir(dir);
    if (ok && !found)
        ok =
            pf_fail(err, PF_ERR_NOT_FOUND,
                    "model folder '%s' holds no checkpoint (model.safetensors, "
                    "pytorch_model.bin or a .pth file); fetch all of the model's files",
                    folder);
    if (!ok) {
        pf_free(found);
        found = NULL;
    }
    *out = found;
    return ok;
}

static bool find_in_folder(pf_model *m, pf_notes *notes, pf_err *err)
{
    static const char *const usual[] = {"model.safetensors", "pytorch_model.bin"};
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        char *path = pf_path_join(m->folder, usual[i], err);
        if (!path)
            return false;
        if (!pf_path_exists(path)) {
            pf_free(path);
            continue;
        }
        if (m->checkpoint) {
            pf_notes_add(notes, "'%s' is read, '%s' beside it is not",
                         pf_path_base(m->checkpoint), usual[i]);
            pf_free(path);
            continue;
        }
        m->checkpoint = path;
    }
    return m->checkpoint || find_only_checkpoint(m->folder, &m->checkpoint, err);
}

static bool find_files(pf_model *m, const char *path, pf_notes *notes, pf_err *err)
{
    if (!pf_path_exists(path))
        return pf_fail_errno(err, errno, "cannot open model '%s'", path);
    if (pf_path_is_folder(path)) {
        m->folder = pf_strdup(path, err);
        if (!m->folder || !find_in_folder(m, notes, err))
            return false;
    } else {
        const char *base = pf_path_base(path);
        size_t n = (size_t)(base - path); /* with the slash behind the folder */
        m->folder =
            n == 0 ? pf_strdup(".", err) : pf_strndup(path, n > 1 ? n - 1 : 1, err);
        m->checkpoint = pf_strdup(path, err);
        if (!m->folder || !m->checkpoint)
            return false;
    }
    m->config_path = pf_path_join(m->folder, "config.json", err);
    m->preprocess_path = pf_path_join(m->folder, "preprocessor_config.json", err);
    return m->config_path && m->preprocess_path;
}

static bool open_towers(pf_model *m, const pf_model_options *options, pf_notes *notes,
                        pf_err *err)
{
    pf_json *config = NULL;
    if (!pf_json_parse_file(&config, m->config_path, CONFIG_MAX_BYTES, err))
        return false;
    const char *notice = pf_json_string(pf_json_get(config, "plainfilm_notice"), NULL);
    bool ok = (!notice || (m->notice = pf_strdup(notice, err))) &&
              pf_weights_open(&m->weights, m->checkpoint, notes, err);
    if (ok && !pf_clip_open(&m->clip, m->weights, config, options->what, notes, err))
        ok = pf_fail_in(err, "checkpoint '%s'", m->checkpoint);
    pf_json_free(config);
    return ok;
}

/* ---- preprocessing ---- */

/* Sides PubMedCLIP's authors evaluate with: 250 for the models made for 224 (it ends in
 * the same 7 x 7 grid), otherwise the model's own. */
static int train_size(const pf_dims *d)
{
    return d->image_size == 224 ? 250 : d->image_size;
}

static bool choose_preprocess(pf_model *m, const char *name, pf_err *err)
{
    const pf_dims *d = pf_clip_dims(m->clip);
    if (name && strcmp(name, "pubmedclip-train") == 0) {
        pf_preprocess_init_pubmedclip_train(&m->preprocess, train_size(d));
    } else if (!name || strcmp(name, "clip") == 0) {
        pf_preprocess_init_clip(&m->preprocess, d->image_size);
        if (!pf_preprocessor_config_read(&m->preprocess, m->preprocess_path, err))
            return false;
    } else {
        return pf_fail(err, PF_ERR_MISUSE,
                       "preprocessing '%s' is not known, only 'clip' and "
                       "'pubmedclip-train' are",
                       name);
    }
    int size = m->preprocess.size;
    if (pf_dims_grid_for(d, size) == d->grid)
        return true;
    return pf_fail(
        err, PF_ERR_MISMATCH,
        "preprocessing '%s' makes pictures of %d pixels, the model was made for "
        "%d",
        m->preprocess.name, size, d->image_size);
}

/* ---- tokenizer ---- */

static bool tokenizer_missing(const pf_model *m, pf_err *err)
{
    return pf_fail(
        err, PF_ERR_NOT_FOUND,
        "there is no tokenizer in '%s': put %s beside the checkpoint, or name another "
        "place",
        m->folder, pf_tokenizer_files_wanted(PF_TOKENIZER_CLIP_BPE));
}

static bool open_tokenizer(pf_model *m, const pf_model_options *options,
                           pf_notes *notes, pf_err *err)
{
    const char *path = options->tokenizer ? options->tokenizer : m->folder;
    const pf_dims *d = pf_clip_dims(m->clip);
    if (!pf_tokenizer_open(&m->tokenizer, PF_TOKENIZER_CLIP_BPE, path,
                           (size_t)d->context, err)) {
        if (err->code != PF_ERR_NOT_FOUND || options->tokenizer)
            return pf_fail_in(err, "tokenizer");
        if (!options->tokenizer_is_optional)
            return tokenizer_missing(m, err);
        *err = (pf_err)PF_ERR_INIT;
        pf_notes_add(notes, "there is no tokenizer in '%s': texts cannot be embedded",
                     m->folder);
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

static void add_preprocess(pf_hasher *h, const pf_preprocess *p)
{
    char text[256];
    const pf_c_locale locale = pf_c_locale_begin();
    int n = snprintf(text, sizeof text, "%d %d %d %d %.9g %.9g %.9g %.9g %.9g %.9g",
                     p->resize, p->size, p->filter, p->rounding, p->mean[0], p->mean[1],
                     p->mean[2], p->std[0], p->std[1], p->std[2]);
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
    m->fingerprint = pf_hasher_finish(h);
    return true;
}

static bool add_stamp(pf_buf *b, const char *path, pf_err *err)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return true; /* absence is part of the identity too: nothing is added */
    return pf_buf_addf(b, err, "%s %lld %lld.%09ld %llu\n", pf_path_base(path),
                       (long long)st.st_size, (long long)st.st_mtim.tv_sec,
                       st.st_mtim.tv_nsec, (unsigned long long)st.st_ino);
}

char *pf_model_stamp(const pf_model *m, pf_err *err)
{
    pf_buf b;
    pf_buf_init(&b, STAMP_MAX_BYTES);
    bool ok = add_stamp(&b, m->checkpoint, err) && add_stamp(&b, m->config_path, err) &&
              add_stamp(&b, m->preprocess_path, err) &&
              pf_buf_addf(&b, err, "preprocess %s\n", m->preprocess.name);
    const char *file;
    for (size_t i = 0;
         ok && m->tokenizer && (file = pf_tokenizer_file(m->tokenizer, i)); i++)
        ok = add_stamp(&b, file, err);
    char *stamp = ok ? pf_buf_take(&b, err) : NULL;
    pf_buf_free(&b);
    return stamp;
}

/* ---- open, close, look ---- */

static bool open_model(pf_model *m, const char *path, const pf_model_options *options,
                       pf_notes *notes, pf_err *err)
{
    if (!find_files(m, path, notes, err) || !open_towers(m, options, notes, err) ||
        !choose_preprocess(m, options->preprocess, err))
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
    pf_free(m->folder);
    pf_free(m->checkpoint);
    pf_free(m->config_path);
    pf_free(m->preprocess_path);
    pf_free(m->notice);
    pf_free(m);
}

const char *pf_model_checkpoint(const pf_model *m)
{
    return m->checkpoint;
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
