/* families.c - which families there are, and which one a checkpoint is of. */
#include "core/model/family.h"

#include <stdio.h>
#include <string.h>

static const pf_family *const families[] = {
    &pf_family_hf_clip,
    &pf_family_openai,
    &pf_family_biomedclip,
    &pf_family_siglip,
};

enum { FAMILIES = sizeof families / sizeof *families };

static const char *const prefixes[] = {"", "module.", "model.", "clip."};

/* Beginnings of names by which models are known that are not read; a model that has
 * several is called by the first. */
static const struct {
    const char *beginning, *what;
} strangers[] = {
    {"visual.trunk.attn_pool.",
     "this is SigLIP in timm's names ('visual.trunk.attn_pool'), which are not read; "
     "fetch the model's Hugging Face folder (config.json, model.safetensors)"},
    {"text.transformer.resblocks.",
     "this is open_clip's model with a text tower of its own "
     "('text.transformer.resblocks'), which is not read; a CLIP of open_clip has "
     "'transformer.resblocks'"},
    {"text.transformer.encoder.block.",
     "its text tower is a T5 or MT5 ('text.transformer.encoder.block'), which is not "
     "read"},
    {"text.transformer.roberta.",
     "its text tower is a RoBERTa ('text.transformer.roberta'), which is not read"},
    {"visual.trunk.stages.",
     "its image tower is a ConvNeXt ('visual.trunk.stages'), which is not read"},
    {"text_model.bert.",
     "its text tower is a BERT of Hugging Face's VisionTextDualEncoder "
     "('text_model.bert'), which is not read"},
};

static bool has_name(const pf_weights *w, const char *prefix, const char *name)
{
    char full[192];
    snprintf(full, sizeof full, "%s%s", prefix, name);
    return pf_weights_find(w, full) != NULL;
}

static const char *telltale_in(const pf_family *f, const pf_weights *w,
                               const char *prefix)
{
    for (size_t i = 0; i < sizeof f->telltales / sizeof *f->telltales; i++) {
        if (f->telltales[i] && has_name(w, prefix, f->telltales[i]))
            return f->telltales[i];
    }
    return NULL;
}

static bool begins_with(const char *name, const char *prefix, const char *beginning)
{
    const size_t n = strlen(prefix);
    return strncmp(name, prefix, n) == 0 &&
           strncmp(name + n, beginning, strlen(beginning)) == 0;
}

/* FORMAT or UNSUPPORTED when a name is one of the strangers'. */
static bool refuse_strangers(const pf_weights *w, const char *prefix, pf_err *err)
{
    for (size_t k = 0; k < sizeof strangers / sizeof *strangers; k++) {
        for (size_t i = 0; i < pf_weights_count(w); i++) {
            if (begins_with(pf_weights_at(w, i)->name, prefix, strangers[k].beginning))
                return pf_fail(err, PF_ERR_UNSUPPORTED, "%s", strangers[k].what);
        }
    }
    return true;
}

static bool find_with_prefix(const pf_family **out, const pf_weights *w,
                             const char *prefix, pf_err *err)
{
    const char *by = NULL;
    if (!refuse_strangers(w, prefix, err))
        return false;
    for (size_t i = 0; i < FAMILIES; i++) {
        const char *telltale = telltale_in(families[i], w, prefix);
        if (telltale && *out)
            return pf_fail(err, PF_ERR_FORMAT,
                           "it holds tensors of two kinds of model: '%s' of %s and "
                           "'%s' of %s",
                           by, (*out)->name, telltale, families[i]->name);
        if (telltale) {
            *out = families[i];
            by = telltale;
        }
    }
    return true;
}

bool pf_family_find(const pf_family **out, const char **prefix, const pf_weights *w,
                    pf_err *err)
{
    *out = NULL;
    for (size_t p = 0; p < sizeof prefixes / sizeof *prefixes; p++) {
        if (!find_with_prefix(out, w, prefixes[p], err))
            return false;
        if (*out) {
            *prefix = prefixes[p];
            return true;
        }
    }
    return pf_fail(err, PF_ERR_UNSUPPORTED,
                   "no model of a kind that is read here: none of the tensors '%s' "
                   "(%s), '%s' (%s), '%s' (%s), '%s' (%s) is there",
                   families[0]->telltales[0], families[0]->name,
                   families[1]->telltales[0], families[1]->name,
                   families[2]->telltales[0], families[2]->name,
                   families[3]->telltales[0], families[3]->name);
}
