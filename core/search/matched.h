/*
 * matched.h - which words of a question stand in the caption that is shown of a hit,
 * and how: as typed, in another form, by another name. Internal to search.
 */
#ifndef PF_CORE_SEARCH_MATCHED_H
#define PF_CORE_SEARCH_MATCHED_H

#include "core/base/err.h"
#include "core/search/search.h"
#include "core/words/words.h"

enum { PF_MATCHES_MAX = 64 }; /* of one caption; what comes behind them is not told */

/* Fill `matches` of all hits that have a caption. A phrase without a word has none. On
 * failure those that were made stay in `hits`, for pf_hits_reset(). */
PF_MUST_CHECK bool pf_matched_tell(const pf_words *words, const char *phrase,
                                   pf_hits *hits, pf_err *err);

#endif
