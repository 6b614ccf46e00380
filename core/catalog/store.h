/*
 * store.h - catalog.db: what is known about images, captions and cases. The truth.
 *
 * A pf_store is one connection to one SQLite file and belongs to one thread. Readers
 * work while an indexer writes and see the last commit. Whoever writes is alone (see
 * the lock in catalog.h) and wraps its changes in pf_store_begin() ...
 * pf_store_commit(); a function that changes something fails outside of that.
 *
 * Two kinds of rows. Embeddings (pictures and caption texts, found by content hash) are
 * a cache that nobody sees and that is committed batch by batch, so that a run that was
 * killed goes on where it stopped. Everything else is what readers see, and changes in
 * one transaction at the end of a run, together with the generation
 * (pf_catalog_publish()).
 *
 * Paths are bytes; all other text is UTF-8 (what is not gets repaired with U+FFFD).
 * Ids are > 0 and never used again; 0 stands for "none". `find` functions succeed with
 * id 0 when there is nothing. Vectors are float32 of length 1, as long as the model
 * says.
 *
 * Codes: NOT_FOUND no file; FORMAT damaged or not a catalog; UNSUPPORTED another format
 * version; BUSY locked past the time-out; IO disk full, read-only, unreadable.
 */
#ifndef PF_CORE_CATALOG_STORE_H
#define PF_CORE_CATALOG_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/hash.h"
#include "core/base/notes.h"
#include "core/words/fields.h"
#include "core/words/weigh.h"
#include "core/words/words_query.h"

typedef struct pf_store pf_store;

typedef enum {
    PF_STORE_READ,    /* must exist; nothing is changed, read-only media will do */
    PF_STORE_WRITE,   /* must exist; an older format is brought up to date */
    PF_STORE_DAMAGED, /* READ, whatever is wrong with its pages and its log */
    PF_STORE_CREATE,  /* WRITE, but a missing or empty file becomes a new catalog */
} pf_store_mode;

/* By what lies there and its first bytes, without opening it as a database, which could
 * leave side files: false (FORMAT) for a file that can be no catalog, and when it or
 * one of SQLite's files beside it is a link. One that is not there is fine. */
PF_MUST_CHECK bool pf_store_check_header(const char *path, pf_err *err);

/* True for a file whose first transaction was not done: nothing is in it, nor in a log.
 */
bool pf_store_is_unmade(const char *path);

/* The format that opening it found, when that was an older one, of which a copy now
 * lies beside it; else 0. */
int pf_store_upgraded_from(const pf_store *store);

/* Where another machine may open the file too, there is no shared memory for a log, and
 * a journal takes its place: readers and the indexer wait for each other. Which kind of
 * file system that is, for people; NULL: it is a local one. */
const char *pf_store_remote_kind(const pf_store *store);
/* For tests: from now on each file lies on this kind; NULL: as it is. */
void pf_store_pretend_remote(const char *kind);

/* Open the database file `path`. A new one is made with mode 0600. */
PF_MUST_CHECK bool pf_store_open(pf_store **out, const char *path, pf_store_mode mode,
                                 pf_err *err);
void pf_store_close(pf_store *store); /* NULL is fine; open changes are rolled back */
const char *pf_store_path(const pf_store *store);

/* --- transactions -------------------------------------------------------------- */

PF_MUST_CHECK bool pf_store_begin(pf_store *store, pf_err *err);
/* On failure the changes are rolled back. */
PF_MUST_CHECK bool pf_store_commit(pf_store *store, pf_err *err);
void pf_store_rollback(pf_store *store); /* nothing open is fine */

/* Was a page read that is not what was written? Then that is what a FORMAT says. */
bool pf_store_has_damage(pf_store *store);

/* All reads between the two see one moment. May not be nested in the above. */
PF_MUST_CHECK bool pf_store_begin_read(pf_store *store, pf_err *err);
void pf_store_end_read(pf_store *store);

/* Fold the write-ahead log into the file, so that a plain copy of it is complete. Does
 * what it can while others read. */
PF_MUST_CHECK bool pf_store_checkpoint(pf_store *store, pf_err *err);

/* The last commit as a file of its own, in one piece; `path` is an empty file. Outside
 * of any transaction. */
PF_MUST_CHECK bool pf_store_copy(pf_store *store, const char *path, pf_err *err);

/* Fill `to`, a new and empty store in a transaction, with all that cannot be made
 * again. A line in *lost for each table that could not be read to its end, and for each
 * part of which that is not what was published. */
PF_MUST_CHECK bool pf_store_salvage(pf_store *from, pf_store *to, pf_notes *lost,
                                    pf_err *err);
/* Give the file at `path` all that `with` has, in one commit. */
PF_MUST_CHECK bool pf_store_replace(const char *path, pf_store *with, pf_err *err);

/* --- the catalog as a whole ---------------------------------------------------- */

PF_MUST_CHECK bool pf_store_get_generation(pf_store *store, int64_t *out, pf_err *err);
PF_MUST_CHECK bool pf_store_set_generation(pf_store *store, int64_t generation,
                                           pf_err *err);
/* May the group of the files read them? */
PF_MUST_CHECK bool pf_store_is_shared(pf_store *store, bool *out, pf_err *err);
PF_MUST_CHECK bool pf_store_set_shared(pf_store *store, bool is_shared, pf_err *err);
/* Which kind of index was asked for (catalog.h); given, free with pf_free(). */
PF_MUST_CHECK bool pf_store_get_index_spec(pf_store *store, char **out, pf_err *err);
PF_MUST_CHECK bool pf_store_set_index_spec(pf_store *store, const char *spec,
                                           pf_err *err);

typedef struct {
    int64_t images, captions, cases, sources, failures;
    int64_t pictures, caption_texts; /* embeddings, those nobody points to included */
    int64_t captioned_images;        /* that stand for a caption */
    int64_t bare_images;             /* without a caption, and none of their case */
    int64_t cut_captions;            /* longer than the model reads */
    int64_t created_at;              /* seconds since 1970 */
    char created_by[32];
} pf_store_counts;
PF_MUST_CHECK bool pf_store_count(pf_store *store, pf_store_counts *out, pf_err *err);

/* --- model --------------------------------------------------------------------- */

typedef struct {
    int64_t id;
    char *fingerprint, *path, *preprocess, *description, *stamp; /* owned */
    char *tokenizer; /* owned; NULL: beside the checkpoint */
    int round;       /* of embedding with this model, from 1; put takes 0 for 1 */
    int dim;
    double logit_scale; /* as in the checkpoint: before exp() */
} pf_store_model;

/* The model readers see; *out must be all zero, id 0 when no model was set. */
PF_MUST_CHECK bool pf_store_find_model(pf_store *store, pf_store_model *out,
                                       pf_err *err);
void pf_store_model_reset(pf_store_model *model); /* frees; all zero is fine */

/* Add the model, or bring path, description and stamp of the one with this fingerprint
 * and round up to date (`model->id` is ignored). Readers do not see it yet. */
PF_MUST_CHECK bool pf_store_put_model(pf_store *store, const pf_store_model *model,
                                      int64_t *id, pf_err *err);
/* From this commit on readers see this model: every image and caption must have been
 * pointed to vectors of this model in the same transaction. */
PF_MUST_CHECK bool pf_store_use_model(pf_store *store, int64_t model_id, pf_err *err);

/* --- sources ------------------------------------------------------------------- */

/* How a source is read. */
enum { PF_FRAMES_ROOM = 12 };
typedef struct {
    bool follows_links;     /* to files outside it */
    bool reads_as_owner;    /* also what teaching files show to owners alone */
    bool refuses_burned_in; /* passes over pictures that may show a patient's name */
    char frames[PF_FRAMES_ROOM]; /* of a file with several; "" means "middle" */
} pf_store_reading;

typedef struct {
    int64_t id, added_at;
    const char *path, *kind;
    const char *const *tables; /* [n_tables] files of captions that were given for it */
    size_t n_tables;
    const char *columns; /* of the tables, as the user said; or NULL */
    pf_hash texts_hash;  /* of the texts taken in; zero: it had none */
    pf_store_reading reading;
} pf_store_source;

/* Callbacks borrow what they are given. Returning false stops with *err, which they
 * must have set. They may read from the store, but not change it. */
typedef bool pf_store_source_fn(void *user, const pf_store_source *source, pf_err *err);

/* Add, or bring all the rest of the source with this path up to date; id and added_at
 * are ignored. */
PF_MUST_CHECK bool pf_store_put_source(pf_store *store, const pf_store_source *source,
                                       int64_t *id, pf_err *err);
PF_MUST_CHECK bool pf_store_each_source(pf_store *store, pf_store_source_fn *fn,
                                        void *user, pf_err *err);
/* What is left out of a source becomes these patterns. */
PF_MUST_CHECK bool pf_store_set_exclusions(pf_store *store, int64_t source_id,
                                           const char *const *patterns, size_t n,
                                           pf_err *err);
typedef bool pf_store_exclusion_fn(void *user, const char *pattern, pf_err *err);
PF_MUST_CHECK bool pf_store_each_exclusion(pf_store *store, int64_t source_id,
                                           pf_store_exclusion_fn *fn, void *user,
                                           pf_err *err);
/* What a file said of itself when it was last read by this version of the program. */
typedef struct {
    const char *path;
    int64_t size, mtime_ns; /* of the file then */
    const char *facts;      /* the indexer's own text */
} pf_store_facts;
typedef bool pf_store_facts_fn(void *user, const pf_store_facts *facts, pf_err *err);
/* By path. */
PF_MUST_CHECK bool pf_store_each_facts(pf_store *store, int64_t source_id,
                                       pf_store_facts_fn *fn, void *user, pf_err *err);
PF_MUST_CHECK bool pf_store_put_facts(pf_store *store, int64_t source_id,
                                      const pf_store_facts *facts, pf_err *err);
PF_MUST_CHECK bool pf_store_delete_facts(pf_store *store, int64_t source_id,
                                         const char *path, pf_err *err);
/* Images, cases and failures of source `from` belong to source `to` from now on; a case
 * both have a key for stays behind. */
PF_MUST_CHECK bool pf_store_adopt_source(pf_store *store, int64_t from, int64_t to,
                                         pf_err *err);
/* With its images, cases, failures and all that is remembered of it. */
PF_MUST_CHECK bool pf_store_delete_source(pf_store *store, int64_t id, pf_err *err);
/* Its path, and those of its images and failures, begin with `to` where they began with
 * `from`; neither is "/". */
PF_MUST_CHECK bool pf_store_relocate_source(pf_store *store, int64_t id,
                                            const char *from, const char *to,
                                            pf_err *err);
/* The same for the captions files of all sources. */
PF_MUST_CHECK bool pf_store_relocate_tables(pf_store *store, const char *from,
                                            const char *to, pf_err *err);
/* Images, captions and cases of one source; everything else is 0. */
PF_MUST_CHECK bool pf_store_count_source(pf_store *store, int64_t id,
                                         pf_store_counts *out, pf_err *err);

/* --- embeddings: the cache ----------------------------------------------------- */

PF_MUST_CHECK bool pf_store_find_picture(pf_store *store, int64_t model_id,
                                         const pf_hash *content, int frame, int64_t *id,
                                         pf_err *err);

typedef struct {
    int64_t model_id;
    pf_hash content;
    int frame;
    int width, height;   /* pixels, as decoded */
    const char *format;  /* "jpeg", "png", "dicom", ... */
    const float *vector; /* [dim] */
} pf_store_picture;
/* One that is there already keeps its row and vector: *id is its id. */
PF_MUST_CHECK bool pf_store_put_picture(pf_store *store,
                                        const pf_store_picture *picture, int64_t *id,
                                        pf_err *err);

/* A small JPEG of the picture, to look at, in place of one that is there. FORMAT when
 * the bytes do not begin and end as a JPEG does, or are more than the cap. */
#define PF_STORE_THUMBNAIL_MAX ((size_t)128 << 10)
PF_MUST_CHECK bool pf_store_put_thumbnail(pf_store *store, int64_t picture_id,
                                          const uint8_t *jpeg, size_t n, pf_err *err);
/* Append that of an image; nothing when there is none. */
PF_MUST_CHECK bool pf_store_get_thumbnail(pf_store *store, int64_t image_id,
                                          pf_buf *jpeg, pf_err *err);

/* For repairs. Delete thumbnails that are not those that were made. */
PF_MUST_CHECK bool pf_store_drop_damaged_thumbnails(pf_store *store, pf_err *err);
typedef struct {
    int64_t picture_id;
    const char *path; /* of one image that has it */
    int frame;
    pf_hash content; /* of the file */
} pf_store_lost_thumbnail;
typedef bool pf_store_lost_thumbnail_fn(void *user, const pf_store_lost_thumbnail *lost,
                                        pf_err *err);
/* Each picture of an image that had one and has none. */
PF_MUST_CHECK bool pf_store_each_lost_thumbnail(pf_store *store,
                                                pf_store_lost_thumbnail_fn *fn,
                                                void *user, pf_err *err);
/* They count as never made from now on. */
PF_MUST_CHECK bool pf_store_forget_lost_thumbnails(pf_store *store, pf_err *err);

PF_MUST_CHECK bool pf_store_find_caption_text(pf_store *store, int64_t model_id,
                                              const char *text, int64_t *id,
                                              pf_err *err);
PF_MUST_CHECK bool pf_store_put_caption_text(pf_store *store, int64_t model_id,
                                             const char *text, const float *vector,
                                             int64_t *id, pf_err *err);
/* Of the texts whose words were taken in since the store was opened, by a publish:
 * those that go on behind the last word that can be found (PF_TERMS_MAX). */
size_t pf_store_cut_texts(const pf_store *store);

/* The text is longer than the model reads: its vector is that of the beginning. */
PF_MUST_CHECK bool pf_store_mark_cut(pf_store *store, int64_t caption_text_id,
                                     pf_err *err);

/* Delete embeddings no image or caption points to, and models that are not in use; what
 * a run has embedded that was interrupted, or failed, is left to the runs that go on
 * with it, until one is done. */
PF_MUST_CHECK bool pf_store_sweep(pf_store *store, pf_err *err);
/* Delete embeddings no image or caption points to, whoever may have wanted them. */
PF_MUST_CHECK bool pf_store_drop_unused(pf_store *store, pf_err *err);

/* --- images: what readers see -------------------------------------------------- */

typedef struct {
    int64_t id; /* ignored by put */
    int64_t source_id, picture_id;
    int64_t case_id;  /* 0 = none */
    const char *path; /* absolute */
    int frame;
    int64_t size, mtime_ns; /* of the file */
} pf_store_image;

typedef bool pf_store_image_fn(void *user, const pf_store_image *image, pf_err *err);

/* All images of a source (0 = of all sources), by path and frame. */
PF_MUST_CHECK bool pf_store_each_image(pf_store *store, int64_t source_id,
                                       pf_store_image_fn *fn, void *user, pf_err *err);
PF_MUST_CHECK bool pf_store_has_images(pf_store *store, int64_t source_id, bool *out,
                                       pf_err *err);
PF_MUST_CHECK bool pf_store_find_image(pf_store *store, const char *path, int frame,
                                       int64_t *id, pf_err *err);

/* All images that show this picture, by id. */
PF_MUST_CHECK bool pf_store_each_image_of_picture(pf_store *store, int64_t picture_id,
                                                  pf_store_image_fn *fn, void *user,
                                                  pf_err *err);

/* Insert, or update the image that has this path and frame; that keeps its id, captions
 * and attributes. */
PF_MUST_CHECK bool pf_store_put_image(pf_store *store, const pf_store_image *image,
                                      int64_t *id, pf_err *err);
/* A moved file: the image keeps its id, captions and attributes under its new path. */
PF_MUST_CHECK bool pf_store_move_image(pf_store *store, int64_t id, int64_t source_id,
                                       const char *path, int64_t size, int64_t mtime_ns,
                                       pf_err *err);
PF_MUST_CHECK bool pf_store_delete_image(pf_store *store, int64_t id, pf_err *err);

typedef struct {
    const char *key, *value;
} pf_store_attribute;

/* The captions of an image become exactly these caption texts; one that stays keeps its
 * id, new ones get ids in this order. Twice the same text counts once. */
PF_MUST_CHECK bool pf_store_set_captions(pf_store *store, int64_t image_id,
                                         const int64_t *caption_text_ids, size_t n,
                                         pf_err *err);
/* The same for a case. Readers find such a caption at the first image (lowest id) of
 * the case. */
PF_MUST_CHECK bool pf_store_set_case_captions(pf_store *store, int64_t case_id,
                                              const int64_t *caption_text_ids, size_t n,
                                              pf_err *err);
PF_MUST_CHECK bool pf_store_set_image_attributes(pf_store *store, int64_t image_id,
                                                 const pf_store_attribute *attributes,
                                                 size_t n, pf_err *err);
PF_MUST_CHECK bool pf_store_set_image_case(pf_store *store, int64_t image_id,
                                           int64_t case_id, pf_err *err);

/* Add, or change the title of the case of this source with this key. */
PF_MUST_CHECK bool pf_store_put_case(pf_store *store, int64_t source_id,
                                     const char *key, const char *title, int64_t *id,
                                     pf_err *err);
PF_MUST_CHECK bool pf_store_set_case_attributes(pf_store *store, int64_t case_id,
                                                const pf_store_attribute *attributes,
                                                size_t n, pf_err *err);
/* A case whose images have all gone to another source goes with them; where some have
 * stayed, those that went have one like it there. */
PF_MUST_CHECK bool pf_store_settle_cases(pf_store *store, pf_err *err);
/* Cases without an image go, with their captions and attributes. */
PF_MUST_CHECK bool pf_store_delete_empty_cases(pf_store *store, pf_err *err);

/* --- reading for answers ------------------------------------------------------- */

typedef struct {
    int64_t id;
    char *text;
} pf_store_caption;

typedef struct {
    char *key, *value;
} pf_store_owned_attribute;

typedef struct {
    int64_t id; /* 0 = there is no such image */
    char *path;
    int frame, width, height;
    char *format;
    int64_t source_id, picture_id;
    int64_t case_id; /* 0 = none; then key and title are NULL */
    char *case_key, *case_title;
    /* Its own, then those of its case: captions by id, attributes by key and value. */
    pf_store_caption *captions;
    size_t n_captions;
    pf_store_owned_attribute *attributes;
    size_t n_attributes;
} pf_store_details;

/* *out must be all zero; everything in it is owned until the reset. */
PF_MUST_CHECK bool pf_store_get_details(pf_store *store, int64_t image_id,
                                        pf_store_details *out, pf_err *err);
/* Bytes of texts that an answer may have: as many as the file, and 8 MiB. More there
 * are only where many images share a text that is long. */
size_t pf_store_text_limit(pf_store *store);
void pf_store_details_reset(pf_store_details *details); /* frees; all zero is fine */

/* What is said about an image: its captions and attributes, key and title of its case,
 * and the case's captions and attributes. */
typedef enum {
    PF_TEXT_CAPTION,
    PF_TEXT_ATTRIBUTE,
    PF_TEXT_CASE,
    PF_TEXT_CASE_CAPTION,
    PF_TEXT_CASE_ATTRIBUTE,
} pf_text_kind;
typedef bool pf_store_text_fn(void *user, pf_text_kind kind, const char *key,
                              const char *value, pf_err *err);
/* By kind, key ("" for a caption) and value. */
PF_MUST_CHECK bool pf_store_each_text_of_image(pf_store *store, int64_t image_id,
                                               pf_store_text_fn *fn, void *user,
                                               pf_err *err);

/* Path (owned, free with pf_free()), frame and, unless `content` is NULL, the hash of
 * the file that was indexed; *path = NULL when there is no such image. */
PF_MUST_CHECK bool pf_store_get_image_path(pf_store *store, int64_t image_id,
                                           char **path, int *frame, pf_hash *content,
                                           pf_err *err);

/* Text (owned, free with pf_free()) and image of a caption, for one of a case the first
 * image of that; *image_id = 0 and *text = NULL when there is no such caption. */
PF_MUST_CHECK bool pf_store_get_caption(pf_store *store, int64_t caption_id,
                                        char **text, int64_t *image_id, pf_err *err);

/* The vector of an image, for "more like this"; *found = false when there is none.
 * `vector` has room for `dim` floats and must fit the model. */
PF_MUST_CHECK bool pf_store_get_image_vector(pf_store *store, int64_t image_id, int dim,
                                             float *vector, bool *found, pf_err *err);

typedef bool pf_store_vector_fn(void *user, int64_t id, const float *vector, int dim,
                                pf_err *err);
/* Every image (caption) that readers see, by ascending id, with its vector. */
PF_MUST_CHECK bool pf_store_each_image_vector(pf_store *store, pf_store_vector_fn *fn,
                                              void *user, pf_err *err);
PF_MUST_CHECK bool pf_store_each_caption_vector(pf_store *store, pf_store_vector_fn *fn,
                                                void *user, pf_err *err);

typedef bool pf_store_pair_fn(void *user, int64_t a, int64_t b, pf_err *err);
/* (case id, image id) of every image that has a case, by case, then image. */
PF_MUST_CHECK bool pf_store_each_case_image(pf_store *store, pf_store_pair_fn *fn,
                                            void *user, pf_err *err);
/* (caption id, image id) of every caption, by caption; a case's is with the case's
 * first image. */
PF_MUST_CHECK bool pf_store_each_caption(pf_store *store, pf_store_pair_fn *fn,
                                         void *user, pf_err *err);

/* --- values to filter by ------------------------------------------------------- */

typedef bool pf_store_value_fn(void *user, int64_t image_id, const char *value,
                               pf_err *err);
/* Every value under `key`, of an image or of its case: an image may come several times.
 * In the order of values; so are the next ones, all images of a value in a row. */
PF_MUST_CHECK bool pf_store_each_value(pf_store *store, const char *key,
                                       pf_store_value_fn *fn, void *user, pf_err *err);
/* The same with the keys themselves in the place of values. */
PF_MUST_CHECK bool pf_store_each_key_of_image(pf_store *store, pf_store_value_fn *fn,
                                              void *user, pf_err *err);
/* Every image that has a case, with the case's key. */
PF_MUST_CHECK bool pf_store_each_case_key(pf_store *store, pf_store_value_fn *fn,
                                          void *user, pf_err *err);
/* Every image with the path, or name, of its source. */
PF_MUST_CHECK bool pf_store_each_source_path(pf_store *store, pf_store_value_fn *fn,
                                             void *user, pf_err *err);
/* Every image that there is a caption of, or of its case, with "", in no order; an
 * image may come several times. */
PF_MUST_CHECK bool pf_store_each_captioned(pf_store *store, pf_store_value_fn *fn,
                                           void *user, pf_err *err);
/* Every image with its path, by path, then frame. */
PF_MUST_CHECK bool pf_store_each_path(pf_store *store, pf_store_value_fn *fn,
                                      void *user, pf_err *err);
/* Every image, with "", by source, then id: an index has them so. */
PF_MUST_CHECK bool pf_store_each_image_id(pf_store *store, pf_store_value_fn *fn,
                                          void *user, pf_err *err);

PF_MUST_CHECK bool pf_store_has_key(pf_store *store, const char *key, bool *out,
                                    pf_err *err);
typedef bool pf_store_key_fn(void *user, const char *key, pf_err *err);
/* Every key that an image or a case has, in order, once. */
PF_MUST_CHECK bool pf_store_each_key(pf_store *store, pf_store_key_fn *fn, void *user,
                                     pf_err *err);

/* --- looking around ------------------------------------------------------------ */

/* Key and title (owned, free with pf_free()) of a case; NULL when there is no such. */
PF_MUST_CHECK bool pf_store_get_case(pf_store *store, int64_t case_id, char **key,
                                     char **title, pf_err *err);
/* (case id, image id) of each of its images, by id. */
PF_MUST_CHECK bool pf_store_each_image_of_case(pf_store *store, int64_t case_id,
                                               pf_store_pair_fn *fn, void *user,
                                               pf_err *err);
typedef bool pf_store_value_count_fn(void *user, const char *key, const char *value,
                                     int64_t n_images, pf_err *err);
/* Every value of `key` (NULL: of every key) that an image or its case has, and how many
 * images: by key, then the most frequent first, then by value. */
PF_MUST_CHECK bool pf_store_each_value_count(pf_store *store, const char *key,
                                             pf_store_value_count_fn *fn, void *user,
                                             pf_err *err);

/* --- words --------------------------------------------------------------------- */

/* The index of words as captions, titles, attributes and names are now, for a publish.
 * Before texts are swept, of which it is made. */
PF_MUST_CHECK bool pf_store_fill_words(pf_store *store, pf_err *err);

/* Is there a text in which words could be looked for, file names aside? */
PF_MUST_CHECK bool pf_store_has_captions(pf_store *store, bool *out, pf_err *err);

/* Rows of the index, and all words in them; what a damaged file says may be anything
 * below 2^50. */
PF_MUST_CHECK bool pf_store_get_words_size(pf_store *store, int64_t *n_rows,
                                           int64_t *n_words, pf_err *err);
/* Fields that any row has words in; captions always. */
PF_MUST_CHECK bool pf_store_find_fields(pf_store *store, pf_field_set *out,
                                        pf_err *err);

/* What is looked for in the index. */
typedef struct {
    const pf_words_query *query;
    pf_field_set fields;
    const size_t *order; /* [n] groups of the query, none of them twice */
    size_t n;
    bool needs_all;      /* of these groups; or: */
    size_t from;         /* rows with the group order[from], and none before it */
    bool takes_rest;     /* or with any behind that */
    const double *worth; /* [n_groups of the query]; NULL: scores are not wanted */
    double usual_size;   /* words of a row, the mean */
} pf_store_match;

/* A row, that of a caption or, below 0, of an image, and the most that it can be worth
 * (weigh.h): negation is not looked at. In no order. */
typedef bool pf_store_candidate_fn(void *user, int64_t row, double most, pf_err *err);
PF_MUST_CHECK bool pf_store_each_candidate(pf_store *store, const pf_store_match *match,
                                           pf_store_candidate_fn *fn, void *user,
                                           pf_err *err);
/* Has any row this group of the query? */
PF_MUST_CHECK bool pf_store_has_match(pf_store *store, const pf_words_query *query,
                                      size_t group, pf_field_set fields, bool *out,
                                      pf_err *err);

/* What a row is made of. */
typedef struct {
    int64_t image_id; /* 0: there is no such row, or its case has no image */
    bool is_of_case;  /* the caption is */
    char *caption;    /* owned; NULL: the row is of an image */
    char *others;     /* owned; fields.h */
} pf_store_word_row;
PF_MUST_CHECK bool pf_store_get_word_row(pf_store *store, int64_t row,
                                         pf_store_word_row *out, pf_err *err);
void pf_store_word_row_reset(pf_store_word_row *row); /* frees; all zero is fine */
/* Its image alone. */
PF_MUST_CHECK bool pf_store_find_row_image(pf_store *store, int64_t row,
                                           int64_t *image_id, pf_err *err);
/* (row, image) of every row, by row. */
PF_MUST_CHECK bool pf_store_each_word_row(pf_store *store, pf_store_pair_fn *fn,
                                          void *user, pf_err *err);

/* The words of all captions as they were written, folded (terms.h), of so many letters,
 * a to z, each with how many rows have it: by length, then in alphabetical order.
 * `word` has `n` bytes and no end. *is_enough = true ends the walk early. A catalog
 * from elsewhere may give any bytes and numbers. */
typedef bool pf_store_vocabulary_fn(void *user, const char *word, size_t n,
                                    int64_t n_rows, bool *is_enough, pf_err *err);
PF_MUST_CHECK bool pf_store_each_word(pf_store *store, size_t shortest, size_t longest,
                                      pf_store_vocabulary_fn *fn, void *user,
                                      pf_err *err);
/* How many rows have a word of the index: a stem, in another field with its mark. */
PF_MUST_CHECK bool pf_store_count_rows_with(pf_store *store, const char *term,
                                            int64_t *n, pf_err *err);

/* The text of a caption (owned, free with pf_free()); NULL when there is
 * none. */
PF_MUST_CHECK bool pf_store_get_caption_text(pf_store *store, int64_t text_id,
                                             char **text, pf_err *err);

/* --- the diary ----------------------------------------------------------------- */

typedef struct {
    int64_t id, started_at, finished_at; /* seconds since 1970; finished_at 0 = never */
    char state[16];                      /* running, done, failed, interrupted */
    int64_t added, updated, moved, removed, unchanged, failed;
} pf_store_run;

/* A run another process left behind as running becomes interrupted. */
PF_MUST_CHECK bool pf_store_start_run(pf_store *store, int64_t *id, pf_err *err);
/* Takes id, state and counts; the time is now. */
PF_MUST_CHECK bool pf_store_finish_run(pf_store *store, const pf_store_run *run,
                                       pf_err *err);
/* The latest run; id 0 when there was none. */
PF_MUST_CHECK bool pf_store_find_last_run(pf_store *store, pf_store_run *out,
                                          pf_err *err);
/* The latest that was done, whatever came after it. */
PF_MUST_CHECK bool pf_store_find_good_run(pf_store *store, pf_store_run *out,
                                          pf_err *err);

typedef bool pf_store_run_fn(void *user, const pf_store_run *run, pf_err *err);
/* The latest ones, at most so many, the latest first. */
PF_MUST_CHECK bool pf_store_each_run(pf_store *store, int limit, pf_store_run_fn *fn,
                                     void *user, pf_err *err);

typedef struct {
    int64_t source_id;
    const char *path, *reason;
    int64_t size, mtime_ns;
    int frame;       /* 0 also where all of the file, or a folder, cannot be read */
    bool is_lasting; /* it will not go away by itself */
    /* Set by put: seconds since 1970, and how often it was tried; by this program? */
    int64_t first_at, last_at, tries;
    bool is_of_this_version;
} pf_store_failure;

typedef bool pf_store_failure_fn(void *user, const pf_store_failure *failure,
                                 pf_err *err);

/* One per path and frame: a later one replaces the earlier and is one more try. */
PF_MUST_CHECK bool pf_store_put_failure(pf_store *store,
                                        const pf_store_failure *failure, pf_err *err);
PF_MUST_CHECK bool pf_store_delete_failure(pf_store *store, const char *path, int frame,
                                           pf_err *err);
/* Of a source (0 = of all), by path and frame. */
PF_MUST_CHECK bool pf_store_each_failure(pf_store *store, int64_t source_id,
                                         pf_store_failure_fn *fn, void *user,
                                         pf_err *err);
typedef bool pf_store_reason_fn(void *user, const char *reason, int64_t n, pf_err *err);
/* Each reason with the number of failures it stands for, the most frequent first. */
PF_MUST_CHECK bool pf_store_each_reason(pf_store *store, pf_store_reason_fn *fn,
                                        void *user, pf_err *err);

/* A row of a table that is about no picture, and a picture that no row is about: as of
 * the last time the texts of the source were read. */
typedef struct {
    const char *table, *name; /* path of the table; what the row calls the picture */
    int64_t line;
    bool is_ambiguous; /* several pictures are called that, but for case */
} pf_store_stale_row;
typedef bool pf_store_stale_fn(void *user, const pf_store_stale_row *row, pf_err *err);
typedef bool pf_store_path_fn(void *user, const char *path, pf_err *err);

/* All of both that are known of the source go. */
PF_MUST_CHECK bool pf_store_forget_stale(pf_store *store, int64_t source_id,
                                         pf_err *err);
/* One per table and line. */
PF_MUST_CHECK bool pf_store_put_stale_row(pf_store *store, int64_t source_id,
                                          const pf_store_stale_row *row, pf_err *err);
PF_MUST_CHECK bool pf_store_put_rowless(pf_store *store, int64_t source_id,
                                        const char *path, pf_err *err);
/* Of all sources: by source, table and line; by source and path. */
PF_MUST_CHECK bool pf_store_each_stale_row(pf_store *store, pf_store_stale_fn *fn,
                                           void *user, pf_err *err);
PF_MUST_CHECK bool pf_store_each_rowless(pf_store *store, pf_store_path_fn *fn,
                                         void *user, pf_err *err);

/* --- index files --------------------------------------------------------------- */

typedef enum {
    PF_INDEX_IMAGES,
    PF_INDEX_CAPTIONS,
    PF_INDEX_KINDS, /* how many there are */
} pf_index_kind;

/* "images" or "captions": in index_file, in the names of files, in messages. */
const char *pf_index_kind_name(pf_index_kind kind);

typedef struct {
    int64_t generation; /* 0 = none was recorded */
    char name[64];      /* in the catalog's folder */
    pf_hash checksum;   /* as vindex.h has it */
    int64_t count;      /* vectors of this generation */
    int dim;
    int64_t in_file; /* so many of them lie in the file, up to this id; those above */
    int64_t last_id; /* are in the tables only */
    bool is_stale;   /* what is in the file is not what readers see any more */
    int64_t n_lists; /* that the vectors in the file are in (vlists.h); 0: in none */
    int64_t n_probe; /* how many of these a search looks into */
    double recall;   /* of the ten nearest, measured so when the file was written */
    int64_t trained; /* vectors there were when lists were made, or found of no use; */
                     /* 0: that was not tried */
} pf_store_index_file;

/* Of the vectors that readers see. */
PF_MUST_CHECK bool pf_store_get_dim(pf_store *store, int *dim, pf_err *err);
PF_MUST_CHECK bool pf_store_find_index_file(pf_store *store, pf_index_kind kind,
                                            pf_store_index_file *out, pf_err *err);
PF_MUST_CHECK bool pf_store_set_index_file(pf_store *store, pf_index_kind kind,
                                           const pf_store_index_file *file,
                                           pf_err *err);
/* How many vectors of this kind readers see. */
PF_MUST_CHECK bool pf_store_count_vectors(pf_store *store, pf_index_kind kind,
                                          int64_t *n, pf_err *err);
/* Every one of them whose id is above `id`, by ascending id. */
PF_MUST_CHECK bool pf_store_each_vector_above(pf_store *store, pf_index_kind kind,
                                              int64_t id, pf_store_vector_fn *fn,
                                              void *user, pf_err *err);

/* --- background ---------------------------------------------------------------- */

/* The cosines of pairs, counted in bins of 0.001 from -1 to 1 (background.h). */
enum { PF_BACKGROUND_BINS = 2000 };
typedef struct {
    uint32_t counts[PF_BACKGROUND_BINS];
    uint64_t pairs; /* sum of the counts */
} pf_background;

typedef enum {
    PF_BACKGROUND_IMAGES,
    PF_BACKGROUND_CAPTION_IMAGE,
    PF_BACKGROUND_CAPTIONS,
    /* No random pairs: */
    PF_BACKGROUND_OWN,           /* captions, each with its own image */
    PF_BACKGROUND_CAPTION_BEST,  /* ... with the nearest of all images */
    PF_BACKGROUND_CAPTION_OTHER, /* ... of those that do not belong to it */
    PF_BACKGROUND_IMAGE_BEST,    /* images of captions with the nearest of these */
    PF_BACKGROUND_IMAGE_OTHER,   /* images of cases with the nearest of another */
    PF_BACKGROUND_KINDS,         /* how many there are */
} pf_background_kind;

PF_MUST_CHECK bool pf_store_put_background(pf_store *store, pf_background_kind kind,
                                           const pf_background *background,
                                           pf_err *err);
/* *is_there = false and *out all zero when none was stored; FORMAT: damaged. */
PF_MUST_CHECK bool pf_store_find_background(pf_store *store, pf_background_kind kind,
                                            pf_background *out, bool *is_there,
                                            pf_err *err);

/* What an image or a caption is of, and belongs to. */
typedef struct {
    int64_t id;
    int64_t image_id;   /* of the caption or first of its case; the image itself */
    int64_t picture_id; /* of that image */
    int64_t case_id;    /* 0 = none */
    int64_t text_id;    /* of the caption; 0 for an image */
} pf_store_content;
typedef bool pf_store_content_fn(void *user, const pf_store_content *content,
                                 pf_err *err);
/* Every image (caption), by ascending id. */
PF_MUST_CHECK bool pf_store_each_content(pf_store *store, pf_index_kind kind,
                                         pf_store_content_fn *fn, void *user,
                                         pf_err *err);

/* --- digests ------------------------------------------------------------------- */

enum { PF_DIGEST_PARTS = 10 };

typedef struct {
    const char *name; /* "images", "captions", ...: a literal */
    int64_t n_rows;
    pf_hash digest;
} pf_store_part;

/* Of all that readers see of one generation, part by part, and of the whole. */
typedef struct {
    bool is_there; /* all parts are */
    pf_store_part part[PF_DIGEST_PARTS];
    pf_hash whole;
} pf_store_digest;

/* From the rows as they are. */
PF_MUST_CHECK bool pf_store_make_digest(pf_store *store, pf_store_digest *out,
                                        pf_err *err);
/* As it was stored with the present generation. */
PF_MUST_CHECK bool pf_store_find_digest(pf_store *store, pf_store_digest *out,
                                        pf_err *err);
PF_MUST_CHECK bool pf_store_put_digest(pf_store *store, const pf_store_digest *digest,
                                       pf_err *err);
/* Both, and each part that differs is a line in *problems. *found is what there is. One
 * that was brought up from an older format has none stored, which is fine. */
PF_MUST_CHECK bool pf_store_check_digest(pf_store *store, pf_store_digest *found,
                                         pf_notes *problems, pf_err *err);

/* --- health -------------------------------------------------------------------- */

/* Everything about the database that can be checked without FAISS: SQLite's own
 * integrity, checksums of pages, foreign keys, vectors (length, finite, unit), one
 * model, words, thumbnails, rows of index_file and background, the digest. True when it
 * could be checked; each thing that is wrong becomes a line in *problems, which stays
 * empty when all is well. *digest (may be NULL) is that of what there is; not there
 * when nothing was published, or the file is damaged: then nothing else is looked for.
 */
PF_MUST_CHECK bool pf_store_check(pf_store *store, pf_store_digest *digest,
                                  pf_notes *problems, pf_err *err);

#endif
