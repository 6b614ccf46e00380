/*
 * open.c - see open.h. The model that a job needs is the catalog's, or, where --model
 * is given and --catalog is not, any, without a catalog.
 */
#include "query/open.h"

#include "query/query.h"
#include "query/say.h"

bool open_search(pf_search **out, unsigned find, pf_err *err)
{
    const pf_search_options where = {
        .folder = command.catalog,
        .find = find,
        .model = command.model,
        .tokenizer = command.tokenizer,
        .words = {command.synonyms, command.no_negation},
    };
    pf_notes notes = {0};
    const bool ok = pf_search_open(out, &where, &notes, err);
    say_notes(&notes, !command.quiet);
    return ok;
}

/* For both the vectors of captions, too, for words none unless hits are folded. */
unsigned search_indexes(const pf_query *q)
{
    const bool may_be_both =
        q->by == PF_BY_DEFAULT && q->n_parts == 1 && q->parts[0].kind == PF_PART_PHRASE;
    if (q->by == PF_BY_WORDS)
        return q->collapses ? (unsigned)q->find : 0;
    return (unsigned)q->find |
           (q->by == PF_BY_BOTH || may_be_both ? PF_FIND_CAPTIONS : 0u);
}

static bool open_without_catalog(opened *out, unsigned towers, pf_err *err)
{
    const pf_model_options how = {
        .preprocess = command.preprocess,
        .tokenizer = command.tokenizer,
        .what = towers,
    };
    pf_notes notes = {0};
    const bool ok = pf_model_open(&out->own, command.model, &how, &notes, err);
    say_notes(&notes, command.verbose);
    out->model = out->own;
    return ok;
}

static bool open_with_catalog(opened *out, unsigned towers, pf_err *err)
{
    pf_notes notes = {0};
    const bool ok = open_search(&out->search, 0, err) &&
                    pf_search_get_model(out->search, towers, &out->model, &notes, err);
    say_notes(&notes, command.verbose);
    return ok;
}

bool open_model(opened *out, unsigned towers, bool needs_catalog, pf_err *err)
{
    const bool ok = command.model && !command.catalog && !needs_catalog
                        ? open_without_catalog(out, towers, err)
                        : open_with_catalog(out, towers, err);
    if (ok)
        say_notice(pf_model_notice(out->model));
    else
        close_model(out);
    return ok;
}

void close_model(opened *o)
{
    pf_model_close(o->own);
    pf_search_close(o->search);
    *o = (opened){0};
}
