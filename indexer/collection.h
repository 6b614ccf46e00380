/*
 * collection.h - what an importer found in a source: images, with their captions,
 * attributes and cases.
 *
 * An importer fills it, in whatever order things come (pf_collection_add_...). Then
 * pf_collection_finish() sorts the images, and from there on plan.c, run.c and apply.c
 * only read it. They know nothing else of a source.
 *
 * All strings lie in one arena. The captions of an image or case are a chain through
 * one array, in the order in which they came, and so are its attributes: what a
 * captions file says takes about twice its bytes.
 */
#ifndef PF_INDEXER_COLLECTION_H
#define PF_INDEXER_COLLECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/hash.h"
#include "core/image/scan.h"

/* A caption, or an attribute: there may be millions. */
typedef struct {
    const char *value; /* never empty */
    uint32_t key;      /* of an attribute: in pf_collection.keys */
    uint32_t next;     /* in pf_collection.texts; 0: this is the last one */
} pf_collected_text;

/* for (uint32_t at = chain.first; at; at = texts[at].next) ... */
typedef struct {
    uint32_t first, last, count;
} pf_text_chain;

typedef struct {
    const char *path;        /* absolute: a file that can be read */
    int frame;               /* 0 is the first */
    int64_t size, mtime_ns;  /* of the file: while they stay, so does what is in it */
    uint32_t in_case;        /* in pf_collection.cases, from 1; 0: in none */
    bool wants_row, has_row; /* a table is about its folder; and says something of it */
    bool keeps_texts;        /* what lies beside it could not be read: as of all */
    bool has_facts;          /* it is DICOM, and said what it is */
    pf_text_chain captions, attributes;
} pf_collected_image;

typedef struct {
    const char *key;   /* by which the case is known again; not empty */
    const char *title; /* for people */
    pf_text_chain captions, attributes;
} pf_collected_case;

/* A part of the source that could not be read: what was known of it stays known. With
 * the reason "" it goes with another gap, which has said why. */
typedef struct {
    const char *path, *reason;
} pf_collected_gap;

/* A row of a table that is about no picture. */
typedef struct {
    const char *table; /* its path */
    const char *name;  /* of the picture, or of the case, as it stands there */
    size_t line;
    bool is_ambiguous; /* several pictures are called that, but for case */
} pf_stale_row;

/* What a file said of itself, to be known on the nights to come. */
typedef struct {
    const char *path;
    const char *text; /* known_facts.h; NULL: the file is not there any more */
    int64_t size, mtime_ns;
} pf_collected_facts;

typedef struct {
    const char *source;     /* its path; borrowed */
    const char *within;     /* a real path: its files are read when they lie there,
links followed; NULL: anywhere. Set by the importer */
    size_t n_links_out;     /* links to files elsewhere, passed over; by it, too */
    size_t n_burned_in;     /* pictures that may show a name, refused; by it, too */
    pf_scan_thrown *thrown; /* files in its recycle bins; owned; by it, too */
    size_t n_thrown;
    pf_scan_kind others[PF_SCAN_KINDS_MAX]; /* files of kinds that are not read; also */
    size_t n_others;
    pf_collected_image *images; /* once finished: by path and frame, each once */
    size_t n_images, images_room;
    pf_collected_case *cases; /* as they came, each key once */
    size_t n_cases, cases_room;
    pf_collected_text *texts; /* from 1 */
    size_t n_texts, texts_room, n_captions;
    pf_collected_gap *gaps;
    size_t n_gaps, gaps_room;
    pf_stale_row *stale;
    size_t n_stale, stale_room;
    pf_collected_facts *facts;
    size_t n_facts, facts_room;
    const char **notes; /* for the user, a line each */
    size_t n_notes, notes_room;
    bool keeps_texts; /* something with texts could not be read: known images keep
                       * theirs. Set by the importer, with a gap that says why */

    /* Of what captions, attributes and cases were read from; zero when there is nothing
     * of the kind. While it stays the same, only images that have changed take them in
     * again. Set by the importer. */
    pf_hash texts_hash;

    pf_arena strings;
    const char **keys; /* of attributes, each once */
    size_t n_keys, keys_room, next_key;
    uint32_t *slots; /* hash table of cases: places from 1 */
    size_t n_slots;
} pf_collection;

/* An image or a case that was added, until pf_collection_finish(). */
typedef struct {
    bool is_case;
    uint32_t at;
} pf_subject;

void pf_collection_init(pf_collection *c, const char *source);
void pf_collection_reset(pf_collection *c); /* all zero is fine */

/* ---- for importers ---- */

/* Text need not be UTF-8: what is not gets repaired with U+FFFD. Keys, values and keys
 * of cases are brought to NFC, so that what looks the same is the same. Empty captions
 * and values are passed over. */

/* Takes path, frame, size and mtime_ns. One that is added twice is one image. */
PF_MUST_CHECK bool pf_collection_add_image(pf_collection *c,
                                           const pf_collected_image *image,
                                           pf_subject *out, pf_err *err);
/* Another frame of the file of `image`, of which all is true that was added for that
 * one so far. */
PF_MUST_CHECK bool pf_collection_add_frame(pf_collection *c, pf_subject image,
                                           int frame, pf_err *err);
/* The case with this key; when it is new, with this title. */
PF_MUST_CHECK bool pf_collection_add_case(pf_collection *c, const char *key,
                                          const char *title, pf_subject *out,
                                          pf_err *err);
/* An image has one case: the one it was put into last. */
void pf_collection_put_into_case(pf_collection *c, pf_subject image, pf_subject into);
PF_MUST_CHECK bool pf_collection_add_caption(pf_collection *c, pf_subject of,
                                             const char *text, pf_err *err);
PF_MUST_CHECK bool pf_collection_add_attribute(pf_collection *c, pf_subject of,
                                               const char *key, const char *value,
                                               pf_err *err);
/* Nothing could be learnt about `path` and what lies in it; the path of the source
 * itself stands for all of it. */
PF_MUST_CHECK bool pf_collection_add_gap(pf_collection *c, const char *path,
                                         const char *reason, pf_err *err);
PF_MUST_CHECK bool pf_collection_add_stale_row(pf_collection *c,
                                               const pf_stale_row *row, pf_err *err);
PF_MUST_CHECK bool
pf_collection_add_facts(pf_collection *c, const pf_collected_facts *facts, pf_err *err);
/* Something the user should hear of that is no failure. */
PF_MUST_CHECK bool pf_collection_add_note(pf_collection *c, const char *text,
                                          pf_err *err);

/* ---- for what comes after ---- */

/* Images by path and frame. Nothing can be added afterwards. */
void pf_collection_finish(pf_collection *c);

/* NULL when it is not among them. */
const pf_collected_image *pf_collection_find(const pf_collection *c, const char *path,
                                             int frame);
/* True when nothing could be learnt about this path, or about the source as a whole. */
bool pf_collection_is_in_gap(const pf_collection *c, const char *path);
/* Some known image keeps its texts, for what there is now could not be read. */
bool pf_collection_misses_texts(const pf_collection *c);
/* No table says anything of this image, though one should. */
bool pf_collected_lacks_row(const pf_collected_image *image);

#endif
