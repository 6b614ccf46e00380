/*
 * pieces_json.c - a SentencePiece model as Hugging Face's tokenizer.json has it.
 *
 *   {"added_tokens": [{"id": 1, "content": "</s>", "special": true, ...}, ...],
 *    "normalizer":   {"type": "Sequence", "normalizers": [..., {"type": "Precompiled",
 *                     "precompiled_charsmap": the map of characters in base64}]},
 *    "model":        {"type": "Unigram", "unk_id": 2,
 *                     "vocab": [["<pad>", 0.0], ..., ["▁a", -3.1], ...]}}
 *
 * What else the normaliser says of a text (lower case, no punctuation) SigLIP's own
 * rules say too; one that says more is refused. The layout does not say which pieces
 * are marks: those that are added as special ones, and those in angle brackets that
 * have the score 0, which no piece of text has.
 */
#include <math.h>
#include <string.h>

#include "core/base/base64.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/tokenizer/pieces.h"

static bool is_type(const pf_json *object, const char *type)
{
    const char *s = pf_json_string(pf_json_get(object, "type"), NULL);
    return s && strcmp(s, type) == 0;
}

/* ---- the normaliser ---- */

static bool read_map(pf_pieces *pieces, const pf_json *step, pf_err *err)
{
    size_t n = 0, size = 0;
    uint8_t *bytes;
    const char *text = pf_json_string(pf_json_get(step, "precompiled_charsmap"), &n);
    if (!text || pieces->map_bytes)
        return pf_fail(err, PF_ERR_FORMAT, "its normaliser has %s",
                       text ? "two maps of characters" : "no map of characters");
    if (!pf_base64_decode(text, n, &bytes, &size, err))
        return pf_fail_in(err, "map of characters");
    bool ok = pf_pieces_set_map(pieces, pf_span_of(bytes, size), err);
    pf_free(bytes);
    return ok;
}

static bool read_step(pf_pieces *pieces, const pf_json *step, pf_err *err)
{
    static const char *const canonical[] = {"Lowercase", "Replace", "Strip"};
    if (is_type(step, "Precompiled"))
        return read_map(pieces, step, err);
    for (size_t i = 0; i < sizeof canonical / sizeof *canonical; i++) {
        if (is_type(step, canonical[i]))
            return true;
    }
    const char *type = pf_json_string(pf_json_get(step, "type"), NULL);
    return pf_fail(err, PF_ERR_UNSUPPORTED,
                   "its normaliser has the step '%.80s', which no SigLIP model has",
                   type ? type : "");
}

static bool read_normaliser(pf_pieces *pieces, const pf_json *normaliser, pf_err *err)
{
    if (!normaliser || pf_json_get_kind(normaliser) == PF_JSON_NULL)
        return true;
    if (!is_type(normaliser, "Sequence"))
        return read_step(pieces, normaliser, err);
    const pf_json *steps = pf_json_get(normaliser, "normalizers");
    for (size_t i = 0; i < pf_json_size(steps); i++) {
        if (!read_step(pieces, pf_json_at(steps, i), err))
            return false;
    }
    return true;
}

/* ---- the pieces ---- */

/* Added tokens by id: those that are special. */
static bool mark_special(const pf_json *added, uint8_t *is_special, size_t n,
                         pf_err *err)
{
    for (size_t i = 0; i < pf_json_size(added); i++) {
        const pf_json *token = pf_json_at(added, i);
        int64_t id = -1;
        bool special = false;
        if (!token || !pf_json_to_int(pf_json_get(token, "id"), &id) || id < 0)
            return pf_fail(err, PF_ERR_FORMAT, "added token %zu has no id", i);
        pf_json_to_bool(pf_json_get(token, "special"), &special);
        if (special && (uint64_t)id < n)
            is_special[id] = 1;
    }
    return true;
}

static bool looks_like_a_mark(const pf_piece *piece)
{
    return piece->score == 0 && piece->n > 2 && piece->text[0] == '<' &&
           piece->text[piece->n - 1] == '>';
}

static bool read_piece(pf_pieces *pieces, const pf_json *pair, bool is_special,
                       int64_t unknown_id, pf_err *err)
{
    size_t n = 0;
    double score = 0;
    const char *text = pf_json_string(pf_json_at(pair, 0), &n);
    if (!text || !pf_json_to_real(pf_json_at(pair, 1), &score))
        return pf_fail(err, PF_ERR_FORMAT, "piece %zu is no text with a score",
                       pieces->n);
    pf_piece piece = {.text = text, .n = (uint32_t)n, .kind = PF_PIECE_NORMAL};
    /* A double that no float holds would be undefined; as infinite it is refused. */
    piece.score = score > -1e30 && score < 1e30 ? (float)score : INFINITY;
    if ((int64_t)pieces->n == unknown_id)
        piece.kind = PF_PIECE_UNKNOWN;
    else if (is_special || looks_like_a_mark(&piece))
        piece.kind = PF_PIECE_CONTROL;
    return pf_pieces_add(pieces, piece, err);
}

static bool read_pieces(pf_pieces *pieces, const pf_json *model, const pf_json *added,
                        pf_err *err)
{
    const pf_json *vocabulary = pf_json_get(model, "vocab");
    int64_t unknown_id = -1;
    const size_t n = pf_json_size(vocabulary);
    if (n == 0 || pf_json_get_kind(vocabulary) != PF_JSON_ARRAY)
        return pf_fail(err, PF_ERR_FORMAT, "there are no pieces");
    if (!pf_json_to_int(pf_json_get(model, "unk_id"), &unknown_id))
        return pf_fail(err, PF_ERR_FORMAT, "it does not say 'unk_id'");
    uint8_t *is_special = pf_zalloc(n, err);
    bool ok = is_special && mark_special(added, is_special, n, err);
    for (size_t i = 0; ok && i < n; i++)
        ok = read_piece(pieces, pf_json_at(vocabulary, i), is_special[i], unknown_id,
                        err);
    pf_free(is_special);
    return ok;
}

static bool read_document(pf_pieces *pieces, const pf_json *json, pf_err *err)
{
    const pf_json *model = pf_json_get(json, "model");
    bool has_bytes = false;
    if (!is_type(model, "Unigram")) {
        const char *type = pf_json_string(pf_json_get(model, "type"), NULL);
        return pf_fail(err, PF_ERR_UNSUPPORTED,
                       "it is no model of unigrams%s%.80s, which SigLIP's are",
                       type ? " but of the type " : "", type ? type : "");
    }
    if (pf_json_to_bool(pf_json_get(model, "byte_fallback"), &has_bytes) && has_bytes)
        return pf_fail(err, PF_ERR_UNSUPPORTED,
                       "it takes bytes for what it does not know, which no SigLIP "
                       "model does");
    return read_normaliser(pieces, pf_json_get(json, "normalizer"), err) &&
           read_pieces(pieces, model, pf_json_get(json, "added_tokens"), err);
}

bool pf_pieces_read_json(pf_pieces *pieces, pf_span file, pf_err *err)
{
    pf_json *json;
    const size_t n = pf_span_left(&file);
    if (!pf_json_parse(&json, n ? (const char *)file.p : "", n, err))
        return false;
    bool ok = read_document(pieces, json, err) && pf_pieces_finish(pieces, err);
    pf_json_free(json);
    return ok;
}
