/*
 * frames.h - which frames of a file with several are images of the catalog.
 *
 *   first, middle   that one alone
 *   all             each of them
 *   N               N of them, spread evenly; 1 is the middle one
 *
 * A file may claim any number of frames: no more than PF_FRAMES_MAX are ever taken, and
 * then those that N = PF_FRAMES_MAX takes.
 */
#ifndef PF_INDEXER_FRAMES_H
#define PF_INDEXER_FRAMES_H

#include <stdbool.h>

#include "core/base/err.h"

enum { PF_FRAMES_MAX = 4096 };

typedef struct {
    bool is_first; /* else: */
    int n;         /* at most, spread evenly */
} pf_frames;

/* MISUSE: it is none of the above. */
PF_MUST_CHECK bool pf_frames_read(pf_frames *out, const char *text, pf_err *err);
/* How many of `of` (at least 1), and which one the i-th of these is. Frames count from
 * 0, and ascend with i. */
int pf_frames_count(const pf_frames *frames, int of);
int pf_frames_at(const pf_frames *frames, int of, int i);

#endif
