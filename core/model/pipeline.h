/*
 * pipeline.h - files and texts in, vectors out, on all cores.
 *
 * Each worker owns an embedder and takes the next batch of inputs: it reads, decodes
 * and preprocesses each file of it, and embeds all of them at once. Results come back
 * to the calling thread, batch by batch, which alone talks to the store. A file that
 * cannot be read is a result with a reason; only what would fail for every file
 * (memory, the model) stops the run.
 */
#ifndef PF_CORE_MODEL_PIPELINE_H
#define PF_CORE_MODEL_PIPELINE_H

#include <stdatomic.h>
#include <stddef.h>

#include "core/base/err.h"
#include "core/base/file.h"
#include "core/base/hash.h"
#include "core/image/picture.h"
#include "core/model/model.h"

/* Which picture to embed. */
typedef struct {
    const char *path;
    int frame;                      /* 0 is the first */
    const char *within;             /* see pf_file_open_within() */
    const pf_file_stamp *as_it_was; /* once it is read, it has to be still (else BUSY);
                                       NULL: no matter */
} pf_picture_ref;

typedef struct {
    const pf_model *model;
    int jobs;               /* workers, at least one */
    size_t batch;           /* at most so many pictures or texts per forward pass; fewer
                               when they would take over 96 MB */
    bool makes_thumbnails;  /* of pictures */
    const atomic_int *stop; /* when it becomes true no new work is begun */

    /* Opens a picture's file, as pf_file_open_within() does, which stands in when it is
     * NULL. Called by several workers at once. */
    bool (*open)(int *fd, const char *path, const char *within, pf_err *err);

    /* Told on the calling thread, once, of each picture that takes longer than
     * `patience` seconds to be read and decoded: a share that does not answer, for one.
     * May be NULL. */
    void (*slow)(void *context, const pf_picture_ref *picture);
    void *context; /* of `slow` */
    double patience;
} pf_pipeline;

/* Workers that keep this machine busy: one per core. */
int pf_pipeline_cores(void);

typedef struct {
    size_t item;         /* which of the inputs */
    pf_err failure;      /* code PF_OK when it was embedded */
    const float *vector; /* [dim]; NULL on failure */
    pf_hash content;     /* of the bytes that were decoded; pictures only */
    int width, height;
    char format[PF_PICTURE_FORMAT_ROOM];
    const uint8_t *thumbnail; /* pictures: a JPEG; NULL when it could not be made */
    size_t thumbnail_size;
    bool is_truncated; /* texts only: it was longer than the model reads */
} pf_embedded;

/* Told each batch as it comes, on the calling thread, in no particular order. Returning
 * false stops the run. What it is given is borrowed. */
typedef bool pf_pipeline_sink(void *context, const pf_embedded *results, size_t n,
                              pf_err *err);

/* Both return false with PF_ERR_INTERRUPTED when `stop` ended them early; everything
 * that was embedded by then has been handed to the sink. */
PF_MUST_CHECK bool pf_pipeline_pictures(const pf_pipeline *p,
                                        const pf_picture_ref *pictures, size_t n,
                                        pf_pipeline_sink *sink, void *context,
                                        pf_err *err);
PF_MUST_CHECK bool pf_pipeline_texts(const pf_pipeline *p, const char *const *texts,
                                     size_t n, pf_pipeline_sink *sink, void *context,
                                     pf_err *err);

#endif
