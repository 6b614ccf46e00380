/*
 * answer.h - the inside of a pf_answer (plainfilm.h): what was found, all of it owned.
 */
#ifndef PF_CORE_API_ANSWER_H
#define PF_CORE_API_ANSWER_H

#include "core/api/request.h"
#include "core/base/json.h"
#include "core/evaluate/evaluate.h"
#include "core/search/search.h"

struct pf_answer {
    pf_answer_about about;
    char *id, *query; /* JSON: the request's mark (or NULL), and the question */

    pf_hits hits; /* of duplicates group by group, of nothing else empty */
    size_t offset;
    char **label_names; /* [n_labels] */
    size_t n_labels;
    pf_label *labels; /* [hits, n_labels] of hits that were classified */
    pf_classified *pictures;
    size_t n_pictures, pictures_room;
    pf_group *groups; /* [about.n_groups] */
    double duplicates;
    float *vector; /* [dim] */
    size_t dim;
    int32_t *tokens; /* [n_tokens]; NULL of a picture */
    size_t n_tokens;
    pf_evaluation evaluation; /* the figures are those below */
    pf_figures figures[PF_N_EVALUATED], image_to_text;
    uint64_t seed;
};

/* Take the names of the labels, for those of pictures and hits to point to. */
PF_MUST_CHECK bool pf_answer_take_labels(pf_answer *answer, pf_labels *labels,
                                         pf_err *err);
/* The scores [n_labels] of one picture, under their names. */
void pf_answer_name_labels(const pf_answer *answer, const pf_label_score *scores,
                           pf_label *out);

/* answer_json.c: the question as answers have it, given. `by` and what else is known
 * only afterwards stand in `answer`. */
PF_MUST_CHECK char *pf_answer_query_json(const pf_answer *answer,
                                         const pf_request *request, pf_err *err);

/* The picture and what it holds go. */
void pf_classified_reset(pf_classified *picture);

#endif
