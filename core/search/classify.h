/*
 * classify.h - which of several labels a picture fits best: zero-shot classification.
 *
 * CLIP's rule (Radford and others, 2021; OpenAI's clip/model.py and Hugging Face's
 * CLIPModel): the probability of a label is the softmax, over all labels, of
 *
 *     exp(logit_scale) * cosine(picture, text of the label)
 *
 * logit_scale is learnt and comes with the checkpoint. Training keeps exp() of it at
 * 100 or less; neither of the two looks at that limit again when it answers, nor do we.
 * The labels share the whole probability: one of them is likely even when none is
 * right.
 *
 * SigLIP's models were trained to judge each label by itself (Zhai and others, 2023;
 * Hugging Face's SiglipModel), and have a logit_bias for it:
 *
 *     1 / (1 + exp(-(exp(logit_scale) * cosine + logit_bias)))
 *
 * There all labels may be unlikely, or several likely. Which of the two it is comes
 * with the model.
 */
#ifndef PF_CORE_SEARCH_CLASSIFY_H
#define PF_CORE_SEARCH_CLASSIFY_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/model/model.h"
#include "core/search/search.h"

enum { PF_LABELS_MIN = 2, PF_LABELS_MAX = 1000 };

typedef struct {
    char **name; /* [n] without blanks around, owned */
    char **text; /* [n] what the model reads: the template with the name in it, owned */
    size_t n;
} pf_labels;

/* Labels from "Chest X-Ray, Brain MRI": commas part them, blanks around one do not
 * count. `template` has "{}" once, where the label goes; "{}" is the label alone. *out
 * must be all zero; it stays so on failure: MISUSE for an empty label, one that is
 * there twice, less than PF_LABELS_MIN or more than PF_LABELS_MAX of them, text that is
 * no UTF-8, and other templates. */
PF_MUST_CHECK bool pf_labels_parse(pf_labels *out, const char *list,
                                   const char *template, pf_err *err);
void pf_labels_reset(pf_labels *labels); /* frees; all zero is fine */

/* The vectors of labels; immutable, so threads may share it. It needs `labels` and
 * `model` (with its text tower) no more once it is made. */
typedef struct pf_classifier pf_classifier;
PF_MUST_CHECK bool pf_classifier_new(pf_classifier **out, const pf_labels *labels,
                                     const pf_model *model, pf_err *err);
void pf_classifier_free(pf_classifier *c); /* NULL is fine */
/* Labels of which only the beginning was read. */
size_t pf_classifier_truncated(const pf_classifier *c);

typedef struct {
    size_t label;       /* index into pf_labels */
    double cosine;      /* -1 .. 1 */
    double probability; /* 0 .. 1; by softmax they add up to 1 */
} pf_label_score;

/* `vector` [dim] is of length 1, from the same model. `out` [labels.n]: the best first,
 * equal ones in the order the labels were given in. */
void pf_classify(const pf_classifier *c, const float *vector, pf_label_score *out);

/* The same for an image of the catalog, whose vector is there. The classifier must have
 * been made with the catalog's model. NOT_FOUND when there is no such image. */
PF_MUST_CHECK bool pf_classify_image(const pf_classifier *c, pf_reader *reader,
                                     int64_t image_id, pf_label_score *out,
                                     pf_err *err);

#endif
