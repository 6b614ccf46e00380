/*
 * pieces.h - a SentencePiece model, whichever file it came from: pieces with their
 * scores, and the map of characters.
 *
 * Read from a spiece.model (pieces_model.c, a protobuf message) or from a
 * tokenizer.json (pieces_json.c), and checked here, so that whoever encodes with it can
 * trust it. Read is what SigLIP's models may have: unigrams, and blanks that become
 * "▁".
 */
#ifndef PF_CORE_TOKENIZER_PIECES_H
#define PF_CORE_TOKENIZER_PIECES_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/span.h"
#include "core/tokenizer/charsmap.h"
#include "core/tokenizer/token_set.h"

/* The numbers of the file. */
typedef enum {
    PF_PIECE_NORMAL = 1,
    PF_PIECE_UNKNOWN = 2,      /* what no piece covers; there is one, "<unk>" */
    PF_PIECE_CONTROL = 3,      /* a mark, which no text becomes: "</s>" */
    PF_PIECE_USER_DEFINED = 4, /* taken before all others */
    PF_PIECE_UNUSED = 5,
} pf_piece_kind;

typedef struct {
    const char *text; /* UTF-8, not empty, no NUL */
    uint32_t n;
    float score; /* the logarithm of how likely it is */
    pf_piece_kind kind;
} pf_piece;

enum {
    PF_PIECES_FILE_MAX = 32 << 20, /* bytes of a file */
    PF_PIECES_MAX = 1 << 20,
};

/* All zero is empty. */
typedef struct {
    pf_piece *at; /* [n], by id */
    size_t n, room;
    pf_token_set sorted; /* all of them */
    pf_token_set user_defined;
    uint8_t *map_bytes; /* [map_size] */
    size_t map_size;
    pf_charsmap map;            /* of these bytes */
    bool keeps_blanks;          /* several are not one, nor do they go at the ends */
    float least;                /* lowest score of the normal ones */
    float most;                 /* highest, as libsentencepiece has it */
    int32_t unknown_id, end_id; /* "<unk>", "</s>" */
    pf_arena texts;
} pf_pieces;

/* Read all of a file of that layout, into *pieces that are empty, and check it. The
 * bytes are no longer needed then. On failure free what is there. */
PF_MUST_CHECK bool pf_pieces_read_model(pf_pieces *pieces, pf_span file, pf_err *err);
PF_MUST_CHECK bool pf_pieces_read_json(pf_pieces *pieces, pf_span file, pf_err *err);
void pf_pieces_free(pf_pieces *pieces);

/* The pieces as a spiece.model that says nothing else, and puts no blank in front: the
 * same bytes whichever layout they were read from. */
PF_MUST_CHECK bool pf_pieces_write_model(const pf_pieces *pieces, pf_buf *out,
                                         pf_err *err);

/* For the two readers. Give the next id to a piece, which is copied. */
PF_MUST_CHECK bool pf_pieces_add(pf_pieces *pieces, pf_piece piece, pf_err *err);
/* Take the bytes of a map: a copy of them. */
PF_MUST_CHECK bool pf_pieces_set_map(pf_pieces *pieces, pf_span bytes, pf_err *err);
/* When all is there. */
PF_MUST_CHECK bool pf_pieces_finish(pf_pieces *pieces, pf_err *err);

#endif
