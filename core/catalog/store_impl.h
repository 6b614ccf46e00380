/*
 * store_impl.h - what the files store*.c share.
 */
#ifndef PF_CORE_CATALOG_STORE_IMPL_H
#define PF_CORE_CATALOG_STORE_IMPL_H

#include "core/catalog/sql.h"
#include "core/catalog/store.h"
#include "core/words/terms.h"

/* "PFLM": PRAGMA application_id of every catalog. */
#define PF_STORE_APPLICATION_ID 0x50464C4D

struct pf_store {
    pf_sql *db;
    char *path;
    const char *remote_kind; /* of the file system; NULL: local */
    int upgraded_from;       /* format; 0: it was up to date, or is new */
    pf_store_mode mode;
    int64_t schema_checked; /* PRAGMA schema_version of the schema that was */
    bool is_writing;        /* between begin and commit or rollback */
    bool is_reading;        /* between begin_read and end_read */
    size_t n_cut_texts;     /* see pf_store_cut_texts() */
    size_t text_limit;      /* see pf_store_text_limit(); 0: not known yet */
};

/* store_open.c: may a store that was opened so be changed? */
bool pf_store_mode_writes(pf_store_mode mode);
/* When a file is opened and again inside each transaction: is the schema the one that
 * was checked, or a right one? */
PF_MUST_CHECK bool pf_store_look_at_schema(pf_store *store, pf_err *err);

/* store_schema.c: does the file have what the first `version` migrations make, and
 * nothing else? FORMAT, with the name of what is not so. */
PF_MUST_CHECK bool pf_store_check_schema(pf_store *store, int version, pf_err *err);

/* True inside an open transaction; whatever changes something asks this first. */
bool pf_store_is_writable(pf_store *store, pf_err *err);

/* How far a vector's squared length may be from 1: its length within 1e-3. */
bool pf_store_is_unit(const float *vector, int dim);

/* A vector as its blob (float32, little-endian) and back; `blob` need not be aligned.
 */
void pf_store_pack(uint8_t *blob, const float *vector, int dim);
void pf_store_unpack(float *vector, const uint8_t *blob, int dim);

/* The one place where what a row says about floats per vector is taken in: false, and
 * 0, for what no index could have. */
bool pf_store_read_dim(int64_t said, int *dim);

/* Dimension of a model; 0 when there is none of this id. */
bool pf_store_find_dim(pf_store *store, int64_t model_id, int *dim, pf_err *err);

/* store_words.c: a caption and what else is said as caption_word has it. */
typedef struct {
    pf_terms terms;
    pf_buf words; /* parted by spaces; a string unless empty */
    bool is_cut;  /* a text goes on behind its last word */
} pf_store_words;
void pf_store_words_init(pf_store_words *words);
void pf_store_words_reset(pf_store_words *words);
/* `caption` may be NULL; `fields` as words_row has them. */
bool pf_store_words_read(pf_store_words *words, const char *caption, const char *fields,
                         pf_err *err);

/* store_words_list.c: words_list and words_common, made anew. */
bool pf_store_list_words(pf_store *store, pf_err *err);
/* Are they those of the index? */
bool pf_store_check_list(pf_store *store, pf_notes *problems, pf_err *err);
/* Has the index a word that begins so? */
bool pf_store_has_term_like(pf_store *store, const char *beginning, bool *out,
                            pf_err *err);
/* store_words_check.c: has FTS5 what it should? */
bool pf_store_check_words(pf_store *store, pf_notes *problems, pf_err *err);
/* SQLite's integers of one to nine bytes, most significant first, seven bits in each
 * but the ninth; false at the end of the bytes. */
bool pf_store_get_varint(const uint8_t **at, const uint8_t *end, uint64_t *out);
/* store_words_ask.c: what pf_store_each_candidate() has for FTS5, appended to `out`. */
bool pf_store_make_match(const pf_store_match *match, pf_buf *out, pf_err *err);

/* store_thumbnails.c: is each of them a JPEG file, as far as the store can tell? */
bool pf_store_check_thumbnails(pf_store *store, pf_notes *problems, pf_err *err);
/* Pictures from before there were hashes of thumbnails get them. */
bool pf_store_fill_thumbnail_hashes(pf_store *store, pf_err *err);

/* store_background.c: are the rows that are there in order? */
bool pf_store_check_background(pf_store *store, pf_notes *problems, pf_err *err);

/* The model readers see; 0 = none. */
bool pf_store_find_model_id(pf_store *store, int64_t *id, pf_err *err);

#endif
