/*
 * precision.h - names of precisions, as users and catalogs have them, and which one a
 * model's towers get.
 *
 * "auto" is the fastest that keeps the promise: a vector's cosine to that of the
 * original code is 0.99999, and no number of it is off by 2e-4. Whether integers of 16
 * bits keep it depends on the weights, so it is measured, with pictures and texts that
 * are made up, when a model's weights are looked at as a whole; what came of it is
 * remembered with the model.
 */
#ifndef PF_CORE_MODEL_PRECISION_H
#define PF_CORE_MODEL_PRECISION_H

#include "core/base/err.h"
#include "core/base/notes.h"
#include "core/model/clip.h"

/* What was asked for, and what each tower can bear. */
typedef struct {
    pf_precision asked;
    bool is_known; /* of AUTO: the next is what was found before */
    pf_precision text, image;
    bool is_unsaid; /* float32 of a stamp from before there was a choice */
} pf_precision_choice;

/* "f32", "i16", "i8", "auto". */
const char *pf_precision_name(pf_precision precision);
/* NULL is PF_PRECISION_AUTO; MISUSE for a name that is none. */
PF_MUST_CHECK bool pf_precision_find(pf_precision *out, const char *name, pf_err *err);

/* A line of a model's stamp, without its end, in `text`; and what it says in a stamp.
 * Without it, or without a stamp (NULL), vectors are of float32. */
enum { PF_PRECISION_LINE = 48 };
void pf_precision_write(const pf_precision_choice *choice,
                        char text[PF_PRECISION_LINE]);
void pf_precision_read(pf_precision_choice *out, const char *stamp);

/* For people: "f32", or "auto: texts i16, pictures f32". */
enum { PF_PRECISION_TEXT = 64 };
void pf_precision_describe(const pf_precision_choice *choice,
                           char text[PF_PRECISION_TEXT]);

/* See to it that *choice is known: measure, if it is for AUTO and not known, what the
 * towers of `clip` that are open can bear; `side` is that of its pictures. */
PF_MUST_CHECK bool pf_precision_measure(pf_precision_choice *choice, pf_clip *clip,
                                        int side, pf_notes *notes, pf_err *err);
/* Let the towers compute so, or faster where that is the same. */
void pf_precision_use(const pf_precision_choice *choice, pf_clip *clip);

#endif
