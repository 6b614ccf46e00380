/*
 * siglip.c - SigLIP's tokenizer: its canonical text, SentencePiece's unigrams, </s>.
 *
 * As Hugging Face's SiglipTokenizer does it (the one that reads spiece.model):
 *
 *   1. Each character becomes lower case by itself. "▁" in the text is a blank, and one
 *      "▁" is put in front of it all.
 *   2. The marks </s> and <unk> may be typed; they take the blanks beside them.
 *   3. From what stands between them ASCII punctuation is deleted; white space becomes
 *      single blanks, none at the ends.
 *   4. It is cut into pieces, as "<unk>" and the text; as many pieces as "<unk>" alone
 *      becomes are left out in front. That keeps the "▁", which would be lost
 * otherwise, and now and then more: a piece that reaches over the end of "<unk>".
 *   5. All but the last place of the context may be taken; </s> ends it, and fills it.
 *
 * libsentencepiece encodes what comes from a spiece.model, as in the original, but for
 * parts so long that its time would grow without bounds; unigram.c all else.
 */
#include <string.h>

#include "core/base/buf.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/tokenizer/id_sink.h"
#include "core/tokenizer/pieces.h"
#ifdef PF_HAS_SENTENCEPIECE
#include "core/tokenizer/spiece.h"
#endif
#include "core/tokenizer/text_clean.h"
#include "core/tokenizer/tokenizer_type.h"
#include "core/tokenizer/unigram.h"

enum {
    LIBRARY_BYTES_MAX = 16 << 10, /* of a part that libsentencepiece is given */
    PREFIX_IDS_MAX = 8,           /* of "<unk>", which has 5 characters */
    SIGN_BYTES = 3,               /* of "▁" */
};

static const char prefix[] = "<unk>";
static const uint32_t BLANK_SIGN = 0x2581; /* ▁ */

typedef struct pf_spiece pf_spiece;

typedef struct {
    char *path;
    pf_pieces pieces;
    pf_spiece *library; /* NULL: unigram.c does it all */
    size_t n_prefix;    /* ids of "<unk>" */
    pf_hash hash;
} siglip;

/* ---- cutting into pieces ---- */

static bool cut_into_pieces(const siglip *s, const char *text, size_t n, int32_t *ids,
                            size_t room, size_t *n_ids, pf_err *err)
{
#ifdef PF_HAS_SENTENCEPIECE
    if (s->library && n <= LIBRARY_BYTES_MAX)
        return pf_spiece_encode(s->library, text, n, ids, room, n_ids, err);
#endif
    return pf_unigram_encode(&s->pieces, text, n, ids, room, n_ids, err);
}

/* ---- reading ---- */

static bool has_extension(const char *path, const char *extension)
{
    return strcmp(pf_path_extension(path), extension) == 0;
}

static bool read_pieces(siglip *s, pf_span file, pf_err *err)
{
    return has_extension(s->path, "json") ? pf_pieces_read_json(&s->pieces, file, err)
                                          : pf_pieces_read_model(&s->pieces, file, err);
}

/* The pieces as one model: for the hash, and for the library. */
static bool use_model(siglip *s, pf_err *err)
{
    pf_buf model;
    pf_buf_init(&model, 2 * (size_t)PF_PIECES_FILE_MAX);
    bool ok = pf_pieces_write_model(&s->pieces, &model, err);
    if (ok) {
        s->hash = pf_hash_bytes(model.data, model.size);
#ifdef PF_HAS_SENTENCEPIECE
        if (!has_extension(s->path, "json"))
            ok = pf_spiece_open(&s->library, model.data, model.size, err);
#endif
    }
    pf_buf_free(&model);
    return ok;
}

static bool read_file(siglip *s, pf_err *err)
{
    pf_buf file;
    int32_t ids[PREFIX_IDS_MAX];
    pf_buf_init(&file, PF_PIECES_FILE_MAX);
    bool ok = pf_file_read(s->path, &file, err);
    if (ok &&
        (!read_pieces(s, pf_span_of(file.data, file.size), err) || !use_model(s, err) ||
         !cut_into_pieces(s, prefix, sizeof prefix - 1, ids, PREFIX_IDS_MAX,
                          &s->n_prefix, err)))
        ok = pf_fail_in(err, "'%s'", s->path);
    pf_buf_free(&file);
    return ok;
}

static void siglip_close(void *self)
{
    siglip *s = self;
#ifdef PF_HAS_SENTENCEPIECE
    pf_spiece_close(s->library);
#endif
    pf_pieces_free(&s->pieces);
    pf_free(s->path);
    pf_free(s);
}

static char *find_file(const char *path, pf_err *err)
{
    static const char *const names[] = {"spiece.model", "tokenizer.json"};
    if (!pf_path_exists(path)) {
        pf_fail(err, PF_ERR_NOT_FOUND, "there is no vocabulary '%s'", path);
        return NULL;
    }
    if (!pf_path_is_folder(path))
        return pf_strdup(path, err);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *file = pf_path_join(path, names[i], err);
        if (!file || pf_path_exists(file))
            return file;
        pf_free(file);
    }
    pf_fail(err, PF_ERR_NOT_FOUND, "folder '%s' has no vocabulary (%s or %s)", path,
            names[0], names[1]);
    return NULL;
}

static bool siglip_open(void **self, const char *path, pf_err *err)
{
    *self = NULL;
    siglip *s = pf_zalloc(sizeof *s, err);
    if (!s)
        return false;
    s->path = find_file(path, err);
    if (!s->path || !read_file(s, err)) {
        siglip_close(s);
        return false;
    }
    *self = s;
    return true;
}

/* ---- encoding ---- */

/* Working memory of one encoding. */
typedef struct {
    const siglip *s;
    pf_buf part;  /* "<unk>" and a canonical text */
    int32_t *ids; /* [room], of a part */
    size_t room;
    pf_id_sink sink;
} encoder;

/* What Python's str.isspace() and its \s take for white space. */
static bool is_space(uint32_t c)
{
    return pf_code_is_space(c) || (c >= 0x1C && c <= 0x1F);
}

/* Rule 1. */
static bool lower_text(const char *text, size_t n, pf_codes *out, pf_err *err)
{
    pf_codes raw = {0};
    bool ok =
        pf_codes_append_utf8(&raw, text, n, err) && pf_codes_add(out, BLANK_SIGN, err);
    for (size_t i = 0; ok && i < raw.n; i++) {
        uint32_t small[2];
        size_t n_small = pf_code_lower(raw.at[i], small);
        if (raw.at[i] == BLANK_SIGN)
            small[0] = ' ';
        ok = pf_codes_append(out, small, n_small, err);
    }
    pf_codes_free(&raw);
    return ok;
}

/* Length of the mark at `codes`, 0 when there is none, and its id. */
static size_t mark_at(const siglip *s, const uint32_t *codes, size_t n, int32_t *id)
{
    const char *const names[] = {"</s>", "<unk>"};
    const int32_t ids[] = {s->pieces.end_id, s->pieces.unknown_id};
    for (size_t k = 0; *codes == '<' && k < 2; k++) {
        *id = ids[k];
        if (pf_codes_begin_with(codes, n, names[k]))
            return strlen(names[k]);
    }
    return 0;
}

/* Rule 3, behind the prefix. */
static bool canonical(const uint32_t *codes, size_t n, pf_buf *out, pf_err *err)
{
    bool space_waits = false, is_empty = true, ok = true;
    out->size = 0;
    ok = pf_buf_add(out, prefix, sizeof prefix - 1, err);
    for (size_t i = 0; ok && i < n; i++) {
        char bytes[5] = " ";
        if (pf_code_is_ascii_punctuation(codes[i]))
            continue;
        if (is_space(codes[i])) {
            space_waits = !is_empty;
            continue;
        }
        const size_t blanks = space_waits ? 1 : 0;
        ok = pf_buf_add(out, bytes, blanks + pf_utf8_encode(codes[i], bytes + blanks),
                        err);
        space_waits = is_empty = false;
    }
    return ok;
}

/* Rule 4: the text between two marks. Of the text before the first one, `is_before`,
 * nothing is left when it is only the "▁" in front. */
static bool encode_part(encoder *e, const uint32_t *codes, size_t n, bool is_before,
                        pf_err *err)
{
    size_t n_ids;
    if (n == 0)
        return true;
    if (!canonical(codes, n, &e->part, err))
        return false;
    if (is_before && e->part.size == sizeof prefix - 1 + SIGN_BYTES)
        return true;
    if (!cut_into_pieces(e->s, e->part.data, e->part.size, e->ids, e->room, &n_ids,
                         err))
        return false;
    for (size_t i = n_ids >= e->s->n_prefix ? e->s->n_prefix : 0;
         i < n_ids && i < e->room; i++)
        pf_id_put(&e->sink, e->ids[i]);
    return true;
}

static bool encode_lower(encoder *e, const pf_codes *text, pf_err *err)
{
    size_t begin = 0, i = 0;
    while (i < text->n && !pf_id_sink_is_full(&e->sink)) {
        int32_t id;
        size_t length = mark_at(e->s, text->at + i, text->n - i, &id);
        if (length == 0) {
            i++;
            continue;
        }
        if (!encode_part(e, text->at + begin, i - begin, begin == 0, err))
            return false;
        pf_id_put(&e->sink, id);
        begin = i += length;
    }
    return encode_part(e, text->at + begin, i - begin, false, err);
}

static bool encoder_init(encoder *e, pf_err *err)
{
    /* A byte that is no UTF-8 becomes one of three bytes. */
    pf_buf_init(&e->part, 3 * (size_t)PF_TOKENIZER_TEXT_MAX + 64);
    e->room = e->sink.room + e->s->n_prefix + 1;
    e->ids = pf_alloc_array(e->room, sizeof *e->ids, err);
    return e->ids != NULL;
}

static bool siglip_encode(const void *self, const char *text, size_t n, size_t context,
                          int32_t *ids, size_t *n_ids, bool *is_truncated, pf_err *err)
{
    encoder e = {.s = self, .sink = {ids, 0, context - 1}};
    pf_codes lower = {0};
    bool ok = encoder_init(&e, err) && lower_text(text, n, &lower, err) &&
              encode_lower(&e, &lower, err);
    pf_codes_free(&lower);
    pf_buf_free(&e.part);
    pf_free(e.ids);
    if (!ok)
        return false;
    /* A text that ends in </s> gets no second one; padding is </s> all the same. */
    for (size_t i = e.sink.n < context - 1 ? e.sink.n : context - 1; i < context; i++)
        ids[i] = e.s->pieces.end_id;
    *n_ids = context;
    if (is_truncated)
        *is_truncated = pf_id_sink_is_full(&e.sink);
    return true;
}

/* ---- behind tokenizer.h ---- */

static int32_t siglip_size(const void *self)
{
    return (int32_t)((const siglip *)self)->pieces.n;
}

static const char *siglip_file(const void *self, size_t i)
{
    return i == 0 ? ((const siglip *)self)->path : NULL;
}

static pf_hash siglip_hash(const void *self)
{
    return ((const siglip *)self)->hash;
}

const pf_tokenizer_type pf_siglip_type = {
    .files_wanted =
        "spiece.model or tokenizer.json of the model's folder on Hugging Face",
    .open = siglip_open,
    .close = siglip_close,
    .encode = siglip_encode,
    .vocabulary_size = siglip_size,
    .file = siglip_file,
    .hash = siglip_hash,
};
