/*
 * session.h - a catalog open for questions, its model and its words. Internal to
 * search and evaluate.
 *
 * What every kind of question shares: the snapshot, the model with the towers that were
 * needed so far, the word tables. All of it belongs to the thread of the pf_search.
 */
#ifndef PF_CORE_SEARCH_SESSION_H
#define PF_CORE_SEARCH_SESSION_H

#include "core/catalog/catalog.h"
#include "core/search/search.h"

struct pf_search {
    pf_catalog *catalog;
    unsigned find;
    char *model_path, *tokenizer_path; /* as asked for; NULL: what the catalog says */
    pf_store_model stored;             /* the model of the catalog; id 0 = none */
    pf_model *model;                   /* NULL until a part needs it */
    unsigned towers;                   /* those that `model` has */
    pf_embedder *embedder;             /* NULL or of `model` */
    char *synonyms_path;               /* NULL: the built-in table */
    bool ignores_negation;
    pf_words *words; /* NULL until a question needs it */
    struct {
        bool is_read, is_there;
        pf_background pairs;
    } background[PF_BACKGROUND_KINDS]; /* read when a question needs it (chance.h) */
};

/* NOT_FOUND for a catalog that nothing was ever indexed into. */
PF_MUST_CHECK bool pf_session_has_model(const pf_search *s, pf_err *err);

/* See to it that `model` has at least these towers (PF_CLIP_...), and that `embedder`
 * belongs to it. Codes as for pf_search_get_model(). */
PF_MUST_CHECK bool pf_session_open_towers(pf_search *s, unsigned towers,
                                          pf_notes *notes, pf_err *err);

/* See to it that `words` is there. */
PF_MUST_CHECK bool pf_session_get_words(pf_search *s, pf_err *err);

#endif
