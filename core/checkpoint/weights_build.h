/*
 * weights_build.h - what the container readers share; nobody else includes it.
 *
 * A reader copies what it decides by from w->source and adds the tensors it finds, as
 * places in source.bytes, which it does not read. It must have checked that every
 * element of a tensor lies inside: pf_weights_add() does not. weights.c sorts and looks
 * for duplicate names afterwards, and adds up how much the tensors show.
 */
#ifndef PF_CORE_CHECKPOINT_WEIGHTS_BUILD_H
#define PF_CORE_CHECKPOINT_WEIGHTS_BUILD_H

#include "core/checkpoint/source.h"
#include "core/checkpoint/weights.h"

enum {
    PF_WEIGHTS_MAX_TENSORS = 65536,   /* the largest CLIP here has about 700 */
    PF_WEIGHTS_MAX_NAME = 512,        /* bytes; the longest in use have about 70 */
    PF_WEIGHTS_MAX_PICKLE = 64 << 20, /* bytes; 3 MB with an optimizer's state */
};

typedef struct {
    pf_tensor tensor; /* tensor.name is `name` */
    char *name;       /* owned */
} pf_weights_entry;

/* Of one file, or of several (weights_parts.c), which are weights of their own then. */
struct pf_weights {
    pf_source source;   /* nothing in it when there are parts */
    pf_weights **parts; /* owned */
    char **part_paths;  /* owned */
    size_t n_parts, parts_room;
    const char *container;
    pf_weights_entry *entries;
    size_t count, room;
};

/* Add a copy of `t` under the name of `n` bytes at `name`; t->name is not looked at.
 * Refuses names that are empty, too long, not UTF-8 or have a NUL inside. */
PF_MUST_CHECK bool pf_weights_add(pf_weights *w, const pf_tensor *t, const char *name,
                                  size_t n, pf_err *err);

/* Elements of t->shape. Refuses sizes below 1 and products whose bytes, as this dtype
 * or as float32, pass PTRDIFF_MAX. */
PF_MUST_CHECK bool pf_weights_check_shape(const pf_tensor *t, size_t *elements,
                                          pf_err *err);

/* Elements from the first of t to its last, those between them included. */
size_t pf_weights_reach(const pf_tensor *t);

/* Fill t->stride for row-major order. */
void pf_weights_set_row_major(pf_tensor *t);

/* "[768, 512]" into `text`, cut when it does not fit. */
const char *pf_weights_shape_text(const int64_t *shape, int rank, char *text,
                                  size_t size);

/* The parts that the index at `path` names, and their tensors. */
PF_MUST_CHECK bool pf_weights_read_parts(pf_weights *w, const char *path,
                                         pf_notes *notes, pf_err *err);
/* Is it such an index, by its name? */
bool pf_weights_is_index(const char *path);

/* The readers of w->source. */
PF_MUST_CHECK bool pf_safetensors_read(pf_weights *w, pf_err *err);
PF_MUST_CHECK bool pf_torch_read_zip(pf_weights *w, pf_notes *notes, pf_err *err);
PF_MUST_CHECK bool pf_torch_read_legacy(pf_weights *w, pf_notes *notes, pf_err *err);

#endif
