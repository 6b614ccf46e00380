/*
 * noise_list.h - the tensors of a file of noise, and writing them; inside noise*.c
 * only.
 */
#ifndef PF_TESTS_SUPPORT_NOISE_LIST_H
#define PF_TESTS_SUPPORT_NOISE_LIST_H

#include <stdio.h>

#include "tests/support/noise.h"

/* One tensor of the file: all of the noise tensor `source`, a third of its rows, or its
 * transpose. */
typedef struct {
    char name[96], source[96];
    int rank;
    int64_t shape[4]; /* of the source */
    int third;        /* 0, 1, 2, or -1 for all */
    bool is_turned;
    size_t at, bytes; /* in the file's data */
    bool is_half;
} pf_noise_entry;

typedef struct {
    const pf_noise_variant *v;
    bool is_hf;
    pf_noise_entry *at; /* owned */
    size_t count, room;
    bool failed; /* out of memory */
} pf_noise_list;

pf_noise_entry *pf_noise_list_add(pf_noise_list *l, const char *name,
                                  const char *source, int rank, const int64_t *shape);
/* As safetensors; see pf_noise_write(). */
PF_MUST_CHECK bool pf_noise_list_write(pf_noise_list *l, const char *path, bool halve,
                                       pf_err *err);
PF_MUST_CHECK bool pf_noise_write_file(const pf_noise_variant *v, const char *folder,
                                       const char *name,
                                       void (*fill)(const pf_noise_variant *, FILE *),
                                       pf_err *err);
/* open_clip_config.json of a CLIP with a ViT. */
void pf_noise_write_open_clip(const pf_noise_variant *v, FILE *f);
/* pf_noise_write() of BiomedCLIP and SigLIP. */
PF_MUST_CHECK bool pf_noise_family_write(const pf_noise_variant *v, const char *folder,
                                         pf_err *err);

#endif
