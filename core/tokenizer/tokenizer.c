/* tokenizer.c - see tokenizer.h. */
#include "core/tokenizer/tokenizer.h"

#include "core/base/mem.h"
#include "core/tokenizer/tokenizer_type.h"

struct pf_tokenizer {
    const pf_tokenizer_type *type;
    pf_tokenizer_kind kind;
    size_t context;
    void *self;
};

static const pf_tokenizer_type *const types[] = {
    [PF_TOKENIZER_CLIP_BPE] = &pf_bpe_type,
    [PF_TOKENIZER_WORDPIECE] = &pf_wordpiece_type,
    [PF_TOKENIZER_SENTENCEPIECE] = &pf_siglip_type,
};

static bool open_any(pf_tokenizer **out, pf_tokenizer_kind kind, const char *path,
                     size_t context, bool is_kept, pf_err *err)
{
    *out = NULL;
    if (context < PF_TOKENIZER_CONTEXT_MIN)
        return pf_fail(err, PF_ERR_MISUSE, "a context of %zu tokens holds no text",
                       context);
    pf_tokenizer *t = pf_zalloc(sizeof *t, err);
    if (!t)
        return false;
    *t = (pf_tokenizer){.type = types[kind], .kind = kind, .context = context};
    is_kept = is_kept && t->type->open_kept;
    if (!(is_kept ? t->type->open_kept : t->type->open)(&t->self, path, err)) {
        pf_free(t);
        return false;
    }
    *out = t;
    return true;
}

bool pf_tokenizer_open(pf_tokenizer **out, pf_tokenizer_kind kind, const char *path,
                       size_t context, pf_err *err)
{
    return open_any(out, kind, path, context, false, err);
}

bool pf_tokenizer_open_kept(pf_tokenizer **out, pf_tokenizer_kind kind,
                            const char *path, size_t context, pf_err *err)
{
    return open_any(out, kind, path, context, true, err);
}

void pf_tokenizer_close(pf_tokenizer *t)
{
    if (!t)
        return;
    t->type->close(t->self);
    pf_free(t);
}

bool pf_tokenizer_encode(const pf_tokenizer *t, const char *text, size_t n,
                         int32_t *ids, size_t *n_ids, bool *is_truncated, pf_err *err)
{
    if (n > PF_TOKENIZER_TEXT_MAX)
        return pf_fail(err, PF_ERR_LIMIT, "text has %zu bytes, at most %d are read", n,
                       PF_TOKENIZER_TEXT_MAX);
    return t->type->encode(t->self, text, n, t->context, ids, n_ids, is_truncated, err);
}

int32_t pf_tokenizer_vocabulary_size(const pf_tokenizer *t)
{
    return t->type->vocabulary_size(t->self);
}

pf_tokenizer_kind pf_tokenizer_get_kind(const pf_tokenizer *t)
{
    return t->kind;
}

size_t pf_tokenizer_context(const pf_tokenizer *t)
{
    return t->context;
}

const char *pf_tokenizer_path(const pf_tokenizer *t)
{
    return pf_tokenizer_file(t, 0);
}

const char *pf_tokenizer_file(const pf_tokenizer *t, size_t i)
{
    return t->type->file(t->self, i);
}

pf_hash pf_tokenizer_hash(const pf_tokenizer *t)
{
    return t->type->hash(t->self);
}

const char *pf_tokenizer_files_wanted(pf_tokenizer_kind kind)
{
    return types[kind]->files_wanted;
}
