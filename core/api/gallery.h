/*
 * gallery.h - pictures that are classified each by itself: files, all under a folder,
 * or bytes. Internal to ask.c.
 *
 * They are told in the order they were given, those of a folder by path, whatever is
 * done first; what was found of them is not kept when the caller takes it as it comes.
 */
#ifndef PF_CORE_API_GALLERY_H
#define PF_CORE_API_GALLERY_H

#include "core/api/answer.h"

typedef struct pf_gallery_item pf_gallery_item;

typedef struct {
    pf_answer *answer; /* gets the pictures, unless `work` takes them */
    const pf_work *work;
    int threads;
    /* gallery.c's own. */
    const pf_classifier *classifier;
    pf_gallery_item *items;
    size_t n, room;
    size_t next; /* the first that was not told */
    size_t n_done;
    bool has_folder; /* among what was named */
} pf_gallery;

/* Which pictures are meant by the parts of the request; the folders that cannot be read
 * are told. NOT_FOUND for a folder without a picture. */
PF_MUST_CHECK bool pf_gallery_list(pf_gallery *g, const pf_request *request,
                                   pf_err *err);

/* Classify them all. What is wrong with one among several is told of it; of the only
 * one it is what is wrong. */
PF_MUST_CHECK bool pf_gallery_classify(pf_gallery *g, pf_reader *reader,
                                       const pf_classifier *classifier, pf_err *err);
void pf_gallery_reset(pf_gallery *g);

#endif
