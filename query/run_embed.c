/*
 * run_embed.c - the job of --embed: print a vector instead of searching.
 */
#include <math.h>

#include "core/base/mem.h"
#include "query/open.h"
#include "query/print.h"
#include "query/query.h"
#include "query/say.h"

static bool embed_with(const pf_model *model, const pf_part *part, pf_err *err)
{
    const size_t context = (size_t)pf_clip_dims(pf_model_clip(model))->context;
    const size_t dim = (size_t)pf_model_dim(model);
    pf_embedder *embedder = NULL;
    float *vector = pf_alloc_floats(dim, err);
    int32_t *ids = pf_alloc_array(context, sizeof *ids, err);
    size_t n_ids = 0;
    bool is_truncated = false;
    const bool is_phrase = part->kind == PF_PART_PHRASE;
    bool ok = vector && ids && pf_embedder_new(&embedder, model, err) &&
              pf_part_embed(part, embedder, vector, &is_truncated, err) &&
              (!is_phrase || pf_embed_token_ids(embedder, part->text, ids, &n_ids,
                                                &is_truncated, err));
    if (ok && is_truncated)
        say_truncated();
    if (ok)
        print_vector(stdout, vector, dim, is_phrase ? ids : NULL, n_ids, is_truncated);
    pf_embedder_free(embedder);
    pf_free(ids);
    pf_free(vector);
    return ok;
}

static bool check_question(const question *a, pf_err *err)
{
    if (fabs(a->parts[0].weight) == 1)
        return true;
    return pf_fail(err, PF_ERR_MISUSE,
                   "--embed prints a vector of length 1, a weight makes no difference "
                   "(1: in front takes the rest as it is)");
}

bool run_embed(const pf_cli_args *args, pf_exit *status, pf_err *err)
{
    (void)status;
    question a = {0};
    opened o = {0};
    const bool ok = question_make(&a, &command, args->items, args->n_items, err) &&
                    check_question(&a, err) &&
                    open_model(&o, pf_part_tower(a.parts), false, err) &&
                    embed_with(o.model, a.parts, err);
    close_model(&o);
    question_reset(&a);
    return ok;
}
