/*
 * request.h - the inside of a pf_request (plainfilm.h): what is asked, all of it owned.
 */
#ifndef PF_CORE_API_REQUEST_H
#define PF_CORE_API_REQUEST_H

#include "core/search/classify.h"
#include "core/search/phrases.h"
#include "core/search/search.h"

#define PF_SEED_MAX ((uint64_t)1 << 53) /* as JSON has numbers */

struct pf_request {
    pf_query query; /* parts and filters are those below */
    pf_part *parts; /* texts and bytes owned */
    pf_filter *filters;
    char **facets;
    size_t parts_room, filters_room, facets_room;
    bool has_seed;
    char *values_key; /* whose values are counted; NULL: keys are */
    bool has_limit;   /* else it is the default of a search */
    pf_job job;       /* of the last function that chose one; see pf_request_job() */
    pf_labels labels;
    char *labels_text, *pattern; /* as they were given; or NULL */
    pf_phrases phrases;
    char *phrases_text, *phrases_name; /* what they were read from */
    size_t phrases_size;
    double duplicates;  /* threshold */
    char *queries;      /* file of an evaluation; or NULL */
    char *id;           /* JSON of the caller's own mark; or NULL */
    bool wants_picture; /* for the part `wanted`, */
    size_t wanted;
    size_t picture_bytes; /* so many; 0: it was not said */
};

/* What is to be done: pictures and nothing else are classified by themselves, anything
 * else by what it finds. */
pf_job pf_request_job(const pf_request *request);

/* Does all of it go together? MISUSE. */
PF_MUST_CHECK bool pf_request_check(const pf_request *request, pf_err *err);

#endif
