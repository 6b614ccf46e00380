/*
 * protocol.h - what the engine and its decoder say to each other.
 *
 * plainfilm-decode is started with three descriptors: a socket (CONTROL), a read-only
 * memory file with the bytes of a picture (INPUT), and one that both map, a
 * pf_decoder_page (PAGE). On the socket go single bytes. The engine fills the input and
 * the upper half of the page and says GO; the decoder fills the lower half and says
 * DONE. In between it may say NEEDS, with what it is going to take in `needs`, and
 * waits for GRANTED or REFUSED. After its start it says READY.
 *
 * The engine believes nothing it finds in the lower half: it copies and checks it.
 */
#ifndef PF_CORE_DECODER_PROTOCOL_H
#define PF_CORE_DECODER_PROTOCOL_H

#include <stdint.h>

#include "core/image/intake.h"

#define PF_DECODER_VERSION "5" /* of all this: its one argument */

enum { PF_DECODER_CONTROL = 3, PF_DECODER_INPUT = 4, PF_DECODER_PAGE = 5 };

typedef enum {
    PF_DECODER_READY = 'r',
    PF_DECODER_GO = 'g',
    PF_DECODER_NEEDS = 'n',
    PF_DECODER_GRANTED = 'y',
    PF_DECODER_REFUSED = 'x',
    PF_DECODER_DONE = 'd',
} pf_decoder_message;

enum {
    PF_DECODER_SIDE_MAX = 2048,    /* of the model's input, in pixels */
    PF_DECODER_PREVIEW_MAX = 4096, /* of a preview */
    PF_DECODER_NAME_ROOM = 256,
};

typedef struct {
    /* From the engine. */
    uint64_t n_bytes; /* of the input */
    int32_t frame;
    int32_t preview_side; /* 0: none is wanted */
    uint8_t wants_pixels, wants_thumbnail, wants_facts;
    char name[PF_DECODER_NAME_ROOM]; /* see pf_picture_sniff() */
    pf_preprocess preprocess;        /* its name is of no use there */
    pf_picture_limits limits;        /* the function in it neither */

    /* From the decoder. */
    uint8_t has_filter; /* READY: of system calls; without one only limits hold */
    uint64_t needs;     /* NEEDS: bytes */
    pf_err err;         /* DONE: PF_OK, or why not */
    int32_t width, height;
    int32_t n_frames;
    uint8_t is_deep;
    int32_t preview_width, preview_height;
    char format[PF_PICTURE_FORMAT_ROOM];
    pf_facts facts;
    pf_thumbnail thumbnail;
    uint8_t
        pixels[PF_DECODER_SIDE_MAX * PF_DECODER_SIDE_MAX * 3]; /* as many as asked */
    uint8_t preview[PF_DECODER_PREVIEW_MAX * PF_DECODER_PREVIEW_MAX * 3];
} pf_decoder_page;

#endif
