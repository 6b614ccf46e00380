/*
 * unigram.c - see unigram.h.
 *
 * First the map of characters is applied, and blanks become "▁"; one where several
 * meet and none at the ends, unless the model keeps them. Then each place of the text
 * learns the best way to get there: from where, by which piece, with which sum of
 * scores. A character that is no piece by itself may be passed as unknown, 10 below the
 * worst score. The way back from the end is the result.
 *
 * Sums are kept as floats and compared as doubles, as libsentencepiece's
 * EncodeOptimized() does: between two ways that are nearly as good the last bit
 * decides.
 */
#include "core/tokenizer/unigram.h"

#include <string.h>

#include "core/base/mem.h"
#include "core/base/utf8.h"

enum { NORMAL_MAX = 16 << 20 }; /* bytes after the map */

static const char blank[] = "\xE2\x96\x81", replacement[] = "\xEF\xBF\xBD";

/* ---- normalising ---- */

/* The longest piece defined by the user that `s` begins with; 0 when none does. */
static size_t user_defined_at(const pf_pieces *pieces, const char *s, size_t n)
{
    size_t found = 0;
    pf_token_walk walk = pf_token_walk_begin(&pieces->user_defined);
    for (size_t i = 0; i < n && pf_token_walk_step(&pieces->user_defined, &walk, s[i]);
         i++) {
        if (pf_token_walk_token(&pieces->user_defined, &walk))
            found = i + 1;
    }
    return found;
}

/* What stands at `s` becomes *to, *n_to bytes; returns how many bytes that took. */
static size_t map_one(const pf_pieces *pieces, const char *s, size_t n, const char **to,
                      size_t *n_to)
{
    size_t taken = user_defined_at(pieces, s, n);
    *to = s;
    *n_to = taken;
    if (taken > 0)
        return taken;
    const char *mapped = pf_charsmap_find(&pieces->map, s, n, &taken);
    if (mapped) {
        *to = mapped;
        *n_to = strlen(mapped);
        return taken;
    }
    taken = pf_utf8_decode(s, n, NULL);
    *n_to = taken;
    if (taken > 0)
        return taken;
    *to = replacement; /* the rest of a character of which a key was the beginning */
    *n_to = sizeof replacement - 1;
    return 1;
}

static bool add_mapped(pf_buf *out, const char *s, size_t n, bool *after_blank,
                       pf_err *err)
{
    while (*after_blank && n > 0 && *s == ' ') {
        s++;
        n--;
    }
    if (n > 0)
        *after_blank = s[n - 1] == ' ';
    for (size_t i = 0; i < n; i++) {
        if (!(s[i] == ' ' ? pf_buf_add_str(out, blank, err)
                          : pf_buf_add(out, s + i, 1, err)))
            return false;
    }
    return true;
}

static bool normalise(const pf_pieces *pieces, const char *text, size_t n, pf_buf *out,
                      pf_err *err)
{
    bool after_blank = !pieces->keeps_blanks;
    while (n > 0) {
        const char *to;
        size_t n_to, taken = map_one(pieces, text, n, &to, &n_to);
        if (!add_mapped(out, to, n_to, &after_blank, err))
            return false;
        after_blank = after_blank && !pieces->keeps_blanks;
        text += taken;
        n -= taken;
    }
    const size_t length = sizeof blank - 1;
    while (!pieces->keeps_blanks && out->size >= length &&
           memcmp(out->data + out->size - length, blank, length) == 0)
        out->size -= length;
    return true;
}

/* ---- the best way ---- */

typedef struct {
    float score;
    int32_t id;
    int32_t from; /* where the piece that ends here begins; -1: no way leads here */
    int32_t to;   /* on the best way: where the piece that begins here ends */
} place;

/* How far libsentencepiece goes for a character: by its first byte alone. */
static size_t character_length(char first, size_t left)
{
    static const uint8_t lengths[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 4};
    size_t n = lengths[(unsigned char)first >> 4];
    return n < left ? n : left;
}

static void offer(place *at, double score, int32_t id, size_t from)
{
    if (at->from >= 0 && !(score > (double)at->score))
        return;
    *at = (place){.score = (float)score, .id = id, .from = (int32_t)from};
}

static bool is_text(pf_piece_kind kind)
{
    return kind == PF_PIECE_NORMAL || kind == PF_PIECE_USER_DEFINED;
}

static double score_of(const pf_pieces *pieces, const pf_piece *piece)
{
    if (piece->kind == PF_PIECE_USER_DEFINED)
        return (double)((float)piece->n * pieces->most) - 0.1;
    return piece->score;
}

/* All pieces that begin at `at`. Returns how long the character there is. */
static size_t leave(const pf_pieces *pieces, const char *s, size_t n, size_t at,
                    place *places)
{
    const size_t character = character_length(s[at], n - at);
    bool is_known = false;
    pf_token_walk walk = pf_token_walk_begin(&pieces->sorted);
    for (size_t i = at; i < n && pf_token_walk_step(&pieces->sorted, &walk, s[i]);
         i++) {
        const pf_token *t = pf_token_walk_token(&pieces->sorted, &walk);
        if (!t || !is_text(pieces->at[t->id].kind))
            continue;
        offer(&places[i + 1],
              score_of(pieces, &pieces->at[t->id]) + (double)places[at].score, t->id,
              at);
        is_known = is_known || t->n == character;
    }
    if (!is_known) {
        const float unknown = pieces->least - 10.0f;
        const float sum = unknown + places[at].score;
        offer(&places[at + character], (double)sum, pieces->unknown_id, at);
    }
    return character;
}

static void find_way(const pf_pieces *pieces, const char *s, size_t n, place *places)
{
    for (size_t i = 0; i <= n; i++)
        places[i].from = -1;
    for (size_t at = 0; at < n;)
        at += leave(pieces, s, n, at, places);
    for (size_t at = n; at > 0;) {
        const size_t from = (size_t)places[at].from;
        places[from].to = (int32_t)at;
        at = from;
    }
}

/* The original gives unknown pieces as texts and looks these up among all pieces, used
 * or not. */
static int32_t id_of_unknown(const pf_pieces *pieces, const char *s, size_t n)
{
    const pf_token *t = pf_token_set_find(&pieces->sorted, s, n);
    return t ? t->id : pieces->unknown_id;
}

static size_t take_ids(const pf_pieces *pieces, const char *s, size_t n,
                       const place *places, int32_t *ids, size_t room)
{
    size_t n_ids = 0;
    for (size_t at = 0; at < n; n_ids++) {
        const size_t begin = at;
        at = (size_t)places[begin].to;
        int32_t id = places[at].id;
        if (id == pieces->unknown_id) {
            while (at < n && places[places[at].to].id == pieces->unknown_id)
                at = (size_t)places[at].to;
            id = id_of_unknown(pieces, s + begin, at - begin);
        }
        if (n_ids < room)
            ids[n_ids] = id;
    }
    return n_ids;
}

bool pf_unigram_encode(const pf_pieces *pieces, const char *text, size_t n,
                       int32_t *ids, size_t room, size_t *n_ids, pf_err *err)
{
    pf_buf normal;
    pf_buf_init(&normal, NORMAL_MAX);
    *n_ids = 0;
    bool ok = normalise(pieces, text, n, &normal, err);
    if (ok && normal.size > 0) {
        place *places = pf_alloc_array(normal.size + 1, sizeof *places, err);
        ok = places != NULL;
        if (ok) {
            find_way(pieces, normal.data, normal.size, places);
            *n_ids = take_ids(pieces, normal.data, normal.size, places, ids, room);
        }
        pf_free(places);
    }
    pf_buf_free(&normal);
    return ok;
}
