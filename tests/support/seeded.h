/*
 * seeded.h - a catalog of seeded vectors, written straight through the store: what
 * search and the programs are tested on without embedding anything.
 *
 * Image i (1 .. n) is "/films/NNNN.png", under id i. Every second one has the caption
 * "caption of film i", every tenth a second one; every fifth and the one after it are a
 * case. Attributes: modality CT, MR or CR in turn; anatomy of the case, chest or head.
 */
#ifndef PF_TESTS_SUPPORT_SEEDED_H
#define PF_TESTS_SUPPORT_SEEDED_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"

/* Seeded noise of length 1 in `v` [dim]. */
void pf_seeded_vector(float *v, int dim, uint32_t seed);

/* The vector of image i of a catalog with twins: image 7 i is the same picture as image
 * i; of the others every four in a row, 4 k + 1 to 4 k + 4, drift away from the first
 * step by step. */
void pf_seeded_twin(float *v, int dim, int i);

/* Write the Hugging Face folder of the noise model "tiny-vit" with a tokenizer that
 * knows bytes only: it embeds texts and pictures, in 32 numbers. */
PF_MUST_CHECK bool pf_seeded_model_write(const char *folder, pf_err *err);

/* Write and publish a catalog for the model at `model`, which is opened and hashed;
 * `tokenizer` is NULL when it lies beside it. */
PF_MUST_CHECK bool pf_seeded_catalog_write(const char *folder, const char *model,
                                           const char *tokenizer, int n_images,
                                           bool has_captions, pf_err *err);
/* The same with pf_seeded_twin()s, and every sixth image has the same first caption. */
PF_MUST_CHECK bool pf_seeded_twins_write(const char *folder, const char *model,
                                         int n_images, pf_err *err);
/* With captions and thumbnails, and a model that computes as fast as its vectors bear,
 * as after an index run; in the others it computes in float32, the same on every
 * machine. `texts`: a file whose lines are the captions, behind a tab where they have
 * one, in turn and numbered, so that none is there twice; NULL: made-up ones. */
PF_MUST_CHECK bool pf_seeded_measured_write(const char *folder, const char *model,
                                            int n_images, const char *texts,
                                            pf_err *err);
/* As small as catalogs are that have something in each table: vectors of 8 numbers,
 * thumbnails, and the name of a model that is not there. */
PF_MUST_CHECK bool pf_seeded_small_write(const char *folder, int n_images, pf_err *err);

#endif
