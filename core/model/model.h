/*
 * model.h - a model as users have it: a folder or a checkpoint file, with its tokenizer
 * and preprocessing, ready to embed texts and pictures.
 *
 * A pf_model is immutable once open and shared by threads; each thread brings a
 * pf_embedder, which owns the working memory.
 */
#ifndef PF_CORE_MODEL_MODEL_H
#define PF_CORE_MODEL_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/hash.h"
#include "core/base/notes.h"
#include "core/image/preprocess.h"
#include "core/tokenizer/tokenizer.h"
#include "core/model/clip.h"
#include "core/model/precision.h"

typedef struct pf_model pf_model;
typedef struct pf_embedder pf_embedder;

typedef struct {
    const char *preprocess;     /* its name (preprocess.h), which has to go with the
                                   model; NULL: what the model's files say */
    const char *activation;     /* "quick-gelu", "gelu", "gelu-tanh", where the model's
                                   files do not say it; NULL: they do */
    const char *tokenizer;      /* file or folder; NULL: beside the checkpoint */
    bool tokenizer_is_optional; /* open without one, with a note */
    pf_precision_choice precision; /* of the arithmetic; not known, it is measured
                                      with PF_CLIP_VERIFY and float32 without */
    unsigned what;                 /* PF_CLIP_TEXT, PF_CLIP_IMAGE, PF_CLIP_VERIFY */
} pf_model_options;

/* Both towers, everything verified, the checkpoint's own preprocessing, float32. */
void pf_model_options_init(pf_model_options *options);

/*
 * `path` is a folder (Hugging Face's files, open_clip's, or one .pth / .pt / .bin /
 * .safetensors) or a checkpoint file. Oddities go to `notes` (may be NULL). On success
 * *out is the caller's; on failure it is NULL and the message names the file and, where
 * there is one, the fix.
 */
PF_MUST_CHECK bool pf_model_open(pf_model **out, const char *path,
                                 const pf_model_options *options, pf_notes *notes,
                                 pf_err *err);
void pf_model_close(pf_model *model); /* NULL is fine */

const char *pf_model_checkpoint(const pf_model *model); /* the file with the weights */
const char *
pf_model_container(const pf_model *model); /* "safetensors", "torch zip"... */
const pf_clip *pf_model_clip(const pf_model *model);
/* What was chosen when it was opened. */
const pf_precision_choice *pf_model_precision(const pf_model *model);
const pf_tokenizer *pf_model_tokenizer(const pf_model *model); /* NULL: has none */
const pf_preprocess *pf_model_preprocess(const pf_model *model);
int pf_model_dim(const pf_model *model); /* length of every vector */
/* What the model's makers want its users told (`plainfilm_notice` in config.json), one
 * line; NULL when there is nothing. */
const char *pf_model_notice(const pf_model *model);

/* Hash of weights, sizes, preprocessing and tokenizer: two models with the same one
 * make the same vectors. Only after PF_CLIP_VERIFY with a tokenizer; all zero
 * otherwise. */
pf_hash pf_model_fingerprint(const pf_model *model);

/* Identity of the files a model was read from (size, time, inode of each), so that an
 * unchanged model is recognised without reading 600 MB again. A model opened without
 * its tokenizer gives the beginning, up to a line's end, of what it gives with it.
 * Given, pf_free() it. */
PF_MUST_CHECK char *pf_model_stamp(const pf_model *model, pf_err *err);
/* The activation that was asked for when a model was opened that has this stamp; NULL
 * when none was. Static. */
const char *pf_model_stamp_activation(const char *stamp);

/* ---- embedding ---- */

PF_MUST_CHECK bool pf_embedder_new(pf_embedder **out, const pf_model *model,
                                   pf_err *err);
void pf_embedder_free(pf_embedder *e); /* NULL is fine */
/* See pf_session_set_threads(). */
PF_MUST_CHECK bool pf_embedder_set_threads(pf_embedder *e, size_t n, pf_err *err);
const pf_model *pf_embedder_model(const pf_embedder *e);

/* n texts (UTF-8, NUL-terminated) -> out [n, dim], unit vectors. is_truncated [n] (may
 * be NULL) tells which were longer than the model's context. */
PF_MUST_CHECK bool pf_embed_texts(pf_embedder *e, const char *const *texts, size_t n,
                                  float *out, bool *is_truncated, pf_err *err);
/* The ids of one text, as the tower gets them; `ids` holds pf_dims.context of them. */
PF_MUST_CHECK bool pf_embed_token_ids(pf_embedder *e, const char *text, int32_t *ids,
                                      size_t *n_ids, bool *is_truncated, pf_err *err);

/* Floats of one preprocessed picture: 3 * size * size. */
size_t pf_embed_pixels_size(const pf_model *model);
/* n normalised pictures (pf_preprocess_normalise) -> out [n, dim], unit vectors. */
PF_MUST_CHECK bool pf_embed_pixels(pf_embedder *e, const float *pixels, size_t n,
                                   float *out, pf_err *err);
/* One picture as pf_preprocess_pixels() gives it, [size, size, 3] -> out [dim]. */
PF_MUST_CHECK bool pf_embed_picture(pf_embedder *e, const uint8_t *rgb, float *out,
                                    pf_err *err);

#endif
