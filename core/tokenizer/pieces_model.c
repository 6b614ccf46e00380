/*
 * pieces_model.c - a spiece.model, read and written.
 *
 * It is a message of protocol buffers, sentencepiece_model.proto's ModelProto. A
 * message is a row of fields, each a number of 32 bits that says which one it is and
 * how long (field * 8 + wire type), and its value: 0 an integer of 7 bits a byte, 1
 * eight bytes, 2 a length and as many bytes, 5 four bytes. What counts here:
 *
 *   1 piece, any number     1 text, 2 score, 3 kind
 *   2 how it was trained    3 kind of model, 1 for unigrams; 35 pieces for bytes
 *   3 normalisation         2 map of characters, 4 blanks are joined, 5 become "▁"
 *
 * All else is passed over. A field that is there twice is refused where one would do,
 * since then others could read another model than this.
 */
#include <string.h>

#include "core/tokenizer/pieces.h"

typedef enum { WIRE_VARINT, WIRE_64, WIRE_BYTES, WIRE_32 = 5 } wire_type;

enum { /* fields */
       MODEL_PIECE = 1,
       MODEL_TRAINING = 2,
       MODEL_NORMALISING = 3,
       PIECE_TEXT = 1,
       PIECE_SCORE = 2,
       PIECE_KIND = 3,
       TRAINING_KIND = 3,
       TRAINING_BYTES = 35,
       NORMALISING_MAP = 2,
       NORMALISING_PREFIX = 3,
       NORMALISING_JOIN = 4,
       NORMALISING_ESCAPE = 5,
};

enum { KIND_UNIGRAM = 1, KIND_BPE = 2 };

typedef struct {
    uint32_t number;
    wire_type wire;
    uint64_t value; /* of WIRE_VARINT and WIRE_32 */
    pf_span bytes;  /* of WIRE_BYTES */
} field;

/* ---- reading ---- */

static bool is_cut(pf_err *err)
{
    return pf_fail(err, PF_ERR_FORMAT, "it is cut or damaged");
}

static bool take_varint(pf_span *s, uint64_t *out)
{
    *out = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte;
        if (!pf_span_u8(s, &byte))
            return false;
        *out |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

static bool take_bytes(pf_span *s, pf_span *out)
{
    uint64_t n;
    const uint8_t *p;
    if (!take_varint(s, &n) || n > pf_span_left(s) || !pf_span_take(s, (size_t)n, &p))
        return false;
    *out = pf_span_of(p, (size_t)n);
    return true;
}

static bool take_field(pf_span *s, field *f, pf_err *err)
{
    uint64_t key;
    uint32_t word = 0;
    *f = (field){.number = 0};
    if (!take_varint(s, &key) || key < 8 || key > UINT32_MAX)
        return is_cut(err);
    f->number = (uint32_t)key >> 3;
    f->wire = (wire_type)(key & 7);
    switch (f->wire) {
    case WIRE_VARINT:
        return take_varint(s, &f->value) || is_cut(err);
    case WIRE_64:
        return pf_span_skip(s, 8) || is_cut(err);
    case WIRE_BYTES:
        return take_bytes(s, &f->bytes) || is_cut(err);
    case WIRE_32:
        if (!pf_span_u32le(s, &word))
            return is_cut(err);
        f->value = word;
        return true;
    default:
        return is_cut(err);
    }
}

/* Is the field of the wire type that it should be, and there for the first time? */
static bool is_in_place(const field *f, wire_type wire, uint64_t *seen, pf_err *err)
{
    if (f->wire != wire)
        return is_cut(err);
    if (*seen & (uint64_t)1 << f->number)
        return pf_fail(err, PF_ERR_FORMAT, "field %u is there twice",
                       (unsigned)f->number);
    *seen |= (uint64_t)1 << f->number;
    return true;
}

static float float_of(uint64_t bits)
{
    const uint32_t word = (uint32_t)bits;
    float value;
    memcpy(&value, &word, sizeof value);
    return value;
}

static bool take_kind(const field *f, pf_piece *piece, pf_err *err)
{
    if (f->value == 6)
        return pf_fail(err, PF_ERR_UNSUPPORTED,
                       "it has pieces for bytes, which no SigLIP model has");
    if (f->value < PF_PIECE_NORMAL || f->value > PF_PIECE_UNUSED)
        return pf_fail(err, PF_ERR_FORMAT, "a piece is of a kind that is not known");
    piece->kind = (pf_piece_kind)f->value;
    return true;
}

static bool read_piece(pf_pieces *pieces, pf_span s, pf_err *err)
{
    pf_piece piece = {.text = "", .kind = PF_PIECE_NORMAL};
    uint64_t seen = 0;
    field f;
    while (pf_span_left(&s) > 0) {
        bool ok = take_field(&s, &f, err);
        if (ok && f.number == PIECE_TEXT) {
            ok = is_in_place(&f, WIRE_BYTES, &seen, err);
            piece.text = (const char *)f.bytes.p;
            piece.n = (uint32_t)pf_span_left(&f.bytes);
        } else if (ok && f.number == PIECE_SCORE) {
            ok = is_in_place(&f, WIRE_32, &seen, err);
            piece.score = float_of(f.value);
        } else if (ok && f.number == PIECE_KIND) {
            ok = is_in_place(&f, WIRE_VARINT, &seen, err) && take_kind(&f, &piece, err);
        }
        if (!ok)
            return pf_fail_in(err, "piece %zu", pieces->n);
    }
    return pf_pieces_add(pieces, piece, err);
}

static bool read_training(pf_span s, pf_err *err)
{
    uint64_t seen = 0;
    field f;
    while (pf_span_left(&s) > 0) {
        if (!take_field(&s, &f, err))
            return false;
        if (f.number != TRAINING_KIND && f.number != TRAINING_BYTES)
            continue;
        if (!is_in_place(&f, WIRE_VARINT, &seen, err))
            return false;
        if (f.number == TRAINING_KIND && f.value != KIND_UNIGRAM)
            return pf_fail(err, PF_ERR_UNSUPPORTED,
                           "it is no model of unigrams%s, which SigLIP's are",
                           f.value == KIND_BPE ? " but of byte pairs" : "");
        if (f.number == TRAINING_BYTES && f.value != 0)
            return pf_fail(err, PF_ERR_UNSUPPORTED,
                           "it takes bytes for what it does not know, which no SigLIP "
                           "model does");
    }
    return true;
}

static bool read_normalising(pf_pieces *pieces, pf_span s, pf_err *err)
{
    uint64_t seen = 0;
    field f;
    while (pf_span_left(&s) > 0) {
        if (!take_field(&s, &f, err))
            return false;
        if (f.number == NORMALISING_MAP) {
            if (!is_in_place(&f, WIRE_BYTES, &seen, err) ||
                !pf_pieces_set_map(pieces, f.bytes, err))
                return false;
        } else if (f.number == NORMALISING_JOIN) {
            if (!is_in_place(&f, WIRE_VARINT, &seen, err))
                return false;
            pieces->keeps_blanks = f.value == 0;
        } else if (f.number == NORMALISING_ESCAPE) {
            if (!is_in_place(&f, WIRE_VARINT, &seen, err))
                return false;
            if (f.value == 0)
                return pf_fail(err, PF_ERR_UNSUPPORTED,
                               "its blanks stay blanks, which no SigLIP model's do");
        }
    }
    return true;
}

static bool read_fields(pf_pieces *pieces, pf_span file, pf_err *err)
{
    uint64_t seen = 0;
    field f;
    while (pf_span_left(&file) > 0) {
        bool ok = take_field(&file, &f, err);
        if (ok && f.number == MODEL_PIECE)
            ok = f.wire == WIRE_BYTES ? read_piece(pieces, f.bytes, err) : is_cut(err);
        else if (ok && f.number == MODEL_TRAINING)
            ok = is_in_place(&f, WIRE_BYTES, &seen, err) && read_training(f.bytes, err);
        else if (ok && f.number == MODEL_NORMALISING)
            ok = is_in_place(&f, WIRE_BYTES, &seen, err) &&
                 read_normalising(pieces, f.bytes, err);
        if (!ok)
            return false;
    }
    return true;
}

bool pf_pieces_read_model(pf_pieces *pieces, pf_span file, pf_err *err)
{
    return read_fields(pieces, file, err) && pf_pieces_finish(pieces, err);
}

/* ---- writing ---- */

static bool put_varint(pf_buf *out, uint64_t value, pf_err *err)
{
    uint8_t bytes[10];
    size_t n = 0;
    for (; value >= 0x80; value >>= 7)
        bytes[n++] = (uint8_t)(value | 0x80);
    bytes[n++] = (uint8_t)value;
    return pf_buf_add(out, bytes, n, err);
}

static bool put_key(pf_buf *out, unsigned number, wire_type wire, pf_err *err)
{
    return put_varint(out, (uint64_t)number << 3 | wire, err);
}

static bool put_number(pf_buf *out, unsigned number, uint64_t value, pf_err *err)
{
    return put_key(out, number, WIRE_VARINT, err) && put_varint(out, value, err);
}

static bool put_bytes(pf_buf *out, unsigned number, const void *bytes, size_t n,
                      pf_err *err)
{
    return put_key(out, number, WIRE_BYTES, err) && put_varint(out, n, err) &&
           pf_buf_add(out, bytes, n, err);
}

static bool put_float(pf_buf *out, unsigned number, float value, pf_err *err)
{
    uint32_t word;
    memcpy(&word, &value, sizeof word);
    const uint8_t bytes[4] = {(uint8_t)word, (uint8_t)(word >> 8),
                              (uint8_t)(word >> 16), (uint8_t)(word >> 24)};
    return put_key(out, number, WIRE_32, err) &&
           pf_buf_add(out, bytes, sizeof bytes, err);
}

static bool put_pieces(pf_buf *out, const pf_pieces *pieces, pf_buf *part, pf_err *err)
{
    for (size_t i = 0; i < pieces->n; i++) {
        const pf_piece *piece = &pieces->at[i];
        part->size = 0;
        if (!put_bytes(part, PIECE_TEXT, piece->text, piece->n, err) ||
            !put_float(part, PIECE_SCORE, piece->score, err) ||
            !put_number(part, PIECE_KIND, piece->kind, err) ||
            !put_bytes(out, MODEL_PIECE, part->data, part->size, err))
            return false;
    }
    return true;
}

static bool put_rest(pf_buf *out, const pf_pieces *pieces, pf_buf *part, pf_err *err)
{
    part->size = 0;
    if (!put_number(part, TRAINING_KIND, KIND_UNIGRAM, err) ||
        !put_bytes(out, MODEL_TRAINING, part->data, part->size, err))
        return false;
    part->size = 0;
    return put_bytes(part, NORMALISING_MAP, pieces->map_bytes, pieces->map_size, err) &&
           put_number(part, NORMALISING_PREFIX, 0, err) &&
           put_number(part, NORMALISING_JOIN, pieces->keeps_blanks ? 0 : 1, err) &&
           put_bytes(out, MODEL_NORMALISING, part->data, part->size, err);
}

bool pf_pieces_write_model(const pf_pieces *pieces, pf_buf *out, pf_err *err)
{
    pf_buf part;
    pf_buf_init(&part, PF_PIECES_FILE_MAX + 64);
    bool ok = put_pieces(out, pieces, &part, err) && put_rest(out, pieces, &part, err);
    pf_buf_free(&part);
    return ok;
}
