/*
 * matched.c - see matched.h. A caption is read once more, by the code that looked for
 * the words: what is marked in it is what made it a hit.
 */
#include "core/search/matched.h"

#include <string.h>

#include "core/base/mem.h"
#include "core/words/words_text.h"

typedef struct {
    const pf_words *words;
    const char *phrase;
    pf_words_query query;
    pf_words_text text; /* of `last`; read again for each other caption */
    const char *last;   /* borrowed from the hit before, or NULL */
} matcher;

static bool take(pf_hit *h, const matcher *m, const pf_mention *found, size_t n,
                 pf_err *err)
{
    pf_match *matches = pf_alloc_array(n, sizeof *matches, err);
    if (!matches)
        return false;
    h->matches = matches;
    for (size_t i = 0; i < n; i++) {
        const pf_word_group *g = &m->query.groups[found[i].group];
        char *asked = pf_strndup(m->phrase + g->start, g->end - g->start, err);
        if (!asked)
            return false;
        matches[h->n_matches++] = (pf_match){
            .struct_size = sizeof *matches,
            .asked = asked,
            .as = found[i].is_same    ? PF_MET_TYPED
                  : found[i].is_typed ? PF_MET_FORM
                                      : PF_MET_SYNONYM,
            .start = found[i].start,
            .end = found[i].end,
        };
    }
    return true;
}

static bool tell(pf_hit *h, matcher *m, pf_err *err)
{
    pf_mention found[PF_MATCHES_MAX];
    size_t n;
    const bool is_known = m->last && strcmp(m->last, h->caption) == 0;
    m->last = NULL;
    if (!is_known && !pf_words_text_read(&m->text, m->words, h->caption, err))
        return false;
    m->last = h->caption;
    return pf_words_text_mentions(&m->text, &m->query, m->phrase, found, PF_MATCHES_MAX,
                                  &n, err) &&
           (n == 0 || take(h, m, found, n, err));
}

bool pf_matched_tell(const pf_words *words, const char *phrase, pf_hits *hits,
                     pf_err *err)
{
    matcher m = {.words = words, .phrase = phrase};
    pf_err why = PF_ERR_INIT;
    if (!pf_words_parse(&m.query, words, phrase, &why)) {
        pf_words_query_reset(&m.query);
        return why.code == PF_ERR_MISUSE || pf_fail_as(err, &why);
    }
    bool ok = true;
    for (size_t i = 0; ok && i < hits->n_hits; i++)
        ok = !hits->hits[i].caption || tell(&hits->hits[i], &m, err);
    pf_words_text_reset(&m.text);
    pf_words_query_reset(&m.query);
    return ok;
}
