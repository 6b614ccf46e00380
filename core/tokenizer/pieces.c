/* pieces.c - see pieces.h. What all pieces must be, wherever they come from. */
#include "core/tokenizer/pieces.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/utf8.h"

enum {
    PIECE_BYTES_MAX = 256,
    USER_DEFINED_MAX = 64, /* libsentencepiece has room for as many that nest */
    SCORE_MAX = 1000000,   /* a sum over a text of megabytes stays finite */
};

static const char end_name[] = "</s>", unknown_name[] = "<unk>";

bool pf_pieces_add(pf_pieces *p, pf_piece piece, pf_err *err)
{
    if (p->n == PF_PIECES_MAX)
        return pf_fail(err, PF_ERR_LIMIT, "more than %d pieces", PF_PIECES_MAX);
    if (piece.n == 0)
        return pf_fail(err, PF_ERR_FORMAT, "piece %zu is empty", p->n);
    if (piece.n > PIECE_BYTES_MAX)
        return pf_fail(err, PF_ERR_LIMIT, "piece %zu has %u bytes, at most %d are read",
                       p->n, (unsigned)piece.n, PIECE_BYTES_MAX);
    if (memchr(piece.text, '\0', piece.n) || !pf_utf8_is_valid(piece.text, piece.n))
        return pf_fail(err, PF_ERR_FORMAT, "piece %zu is not UTF-8 text", p->n);
    if (!isfinite(piece.score) || fabsf(piece.score) > SCORE_MAX)
        return pf_fail(err, PF_ERR_FORMAT, "piece %zu, '%.*s', has no usable score",
                       p->n, pf_utf8_shown(piece.text, piece.n), piece.text);
    piece.text = pf_arena_add(&p->texts, piece.text, piece.n, err);
    if (!piece.text || !pf_grow_array(&p->at, &p->room, p->n, sizeof *p->at, err))
        return false;
    const pf_token token = {piece.text, piece.n, (int32_t)p->n};
    p->at[p->n++] = piece;
    return pf_token_set_add(&p->sorted, token, err);
}

bool pf_pieces_set_map(pf_pieces *p, pf_span bytes, pf_err *err)
{
    p->map_size = pf_span_left(&bytes);
    p->map_bytes = pf_zalloc(p->map_size, err);
    if (!p->map_bytes)
        return false;
    if (p->map_size > 0)
        memcpy(p->map_bytes, bytes.p, p->map_size);
    return pf_charsmap_open(&p->map, pf_span_of(p->map_bytes, p->map_size), err);
}

static bool check_kinds(pf_pieces *p, pf_err *err)
{
    size_t count[PF_PIECE_UNUSED + 1] = {0};
    p->least = SCORE_MAX;
    p->most = FLT_MIN; /* which is above 0: the library means the lowest, perhaps */
    for (size_t i = 0; i < p->n; i++) {
        const pf_piece *piece = &p->at[i];
        count[piece->kind]++;
        if (piece->kind != PF_PIECE_NORMAL)
            continue;
        p->least = fminf(p->least, piece->score);
        p->most = fmaxf(p->most, piece->score);
    }
    if (count[PF_PIECE_NORMAL] == 0)
        return pf_fail(err, PF_ERR_FORMAT, "there are no pieces of text");
    if (count[PF_PIECE_UNKNOWN] != 1)
        return pf_fail(err, PF_ERR_FORMAT, "%zu pieces stand for the unknown, not one",
                       count[PF_PIECE_UNKNOWN]);
    if (count[PF_PIECE_USER_DEFINED] > USER_DEFINED_MAX)
        return pf_fail(err, PF_ERR_LIMIT,
                       "%zu pieces are defined by the user, at most %d are read",
                       count[PF_PIECE_USER_DEFINED], USER_DEFINED_MAX);
    return true;
}

static bool find_mark(const pf_pieces *p, const char *name, pf_piece_kind kind,
                      int32_t *id, pf_err *err)
{
    const pf_token *t = pf_token_set_find(&p->sorted, name, strlen(name));
    if (!t || p->at[t->id].kind != kind)
        return pf_fail(err, PF_ERR_FORMAT, "there is no mark '%s'", name);
    *id = t->id;
    return true;
}

/* In the order of their bytes, as they are among all of them. */
static bool list_user_defined(pf_pieces *p, pf_err *err)
{
    for (size_t i = 0; i < p->n; i++) {
        const pf_token *t = &p->sorted.at[i];
        if (p->at[t->id].kind == PF_PIECE_USER_DEFINED &&
            !pf_token_set_add(&p->user_defined, *t, err))
            return false;
    }
    return true;
}

bool pf_pieces_finish(pf_pieces *p, pf_err *err)
{
    if (p->n == 0)
        return pf_fail(err, PF_ERR_FORMAT, "there are no pieces");
    size_t twice = pf_token_set_sort(&p->sorted);
    if (twice < p->n) {
        const pf_token *t = &p->sorted.at[twice];
        return pf_fail(err, PF_ERR_FORMAT, "piece %d repeats piece %d, '%.*s'",
                       (int)t[1].id, (int)t[0].id, pf_utf8_shown(t->text, t->n),
                       t->text);
    }
    return check_kinds(p, err) && list_user_defined(p, err) &&
           find_mark(p, unknown_name, PF_PIECE_UNKNOWN, &p->unknown_id, err) &&
           find_mark(p, end_name, PF_PIECE_CONTROL, &p->end_id, err);
}

void pf_pieces_free(pf_pieces *p)
{
    pf_free(p->at);
    pf_token_set_free(&p->sorted);
    pf_token_set_free(&p->user_defined);
    pf_free(p->map_bytes);
    pf_arena_reset(&p->texts);
    *p = (pf_pieces){.n = 0};
}
