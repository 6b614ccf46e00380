/*
 * plainfilm.h - radiology images found by what they show: what a viewer, a server or
 * any other program needs of libplainfilm, and nothing else.
 *
 *     pf_engine *engine;                         one per catalog, shared by threads
 *     pf_reader *reader;                         one per thread
 *     pf_request *request;                       what is asked
 *     pf_answer *answer;                         what was found
 *
 *     pf_engine_options options = PF_ENGINE_OPTIONS_INIT;
 *     options.catalog = "/var/lib/films";
 *     pf_engine_open(&engine, &options, &err) && pf_reader_open(&reader, engine, &err);
 *
 *     pf_request_new(&request, &err) &&
 *         pf_request_add_phrase(request, "pleural effusion", 1, &err) &&
 *         pf_reader_ask(reader, request, NULL, &answer, &err);
 *     for (size_t i = 0; i < pf_answer_count(answer); i++)
 *         puts(pf_answer_hit(answer, i)->path);
 *
 * Threads. An engine may be used by any number of threads at once. Everything else
 * belongs to one thread at a time; two threads may use two readers, requests or answers
 * at the same time. The library starts threads of its own for long work alone, and they
 * are gone when the call returns. It changes nothing of its host: no signal handler, no
 * environment, no number of OpenBLAS or OpenMP threads (see pf_use_one_blas_thread()),
 * no output, no connection to a network. For pictures it starts a process of its own,
 * plainfilm-decode, which may stay until the reader is closed: a host must not wait for
 * children that are not its own.
 *
 * Generations. plainfilm-index publishes a new generation of a catalog as a whole. A
 * reader answers from one generation, and goes on to the newest one when
 * pf_reader_refresh() is called, between two questions, whatever it is asked meanwhile.
 * What was found stays valid: answers own all they hold. A catalog that was deleted and
 * made anew in the same place is gone on to as well; its generations begin at 1 again.
 *
 * Ownership. What a function gives through `out` is the caller's, to be freed with the
 * function of its kind, each of which takes NULL; on failure *out is NULL. Strings and
 * structs that are returned are borrowed and live as long as what they were asked of.
 * Arguments are copied: none has to outlive the call, but for those said to. NULL is
 * taken where it is said what it stands for, as the error, and by functions that free
 * or close.
 *
 * Texts are UTF-8 that ends in NUL. Paths are bytes, as the system has them. Sizes are
 * in bytes, times in milliseconds, sizes of pictures in pixels. Vectors are float32 of
 * length 1, so that their inner product is a cosine, -1 .. 1.
 *
 * Versions. Types are opaque, or structs that begin with `struct_size`. A struct that
 * the caller fills is initialised by its PF_..._INIT and nothing else; those that the
 * library fills say how much of them there is. So one that is handed over by itself may
 * grow at its end, and a program goes on working with a newer library of the same
 * soname. What is handed over as an array, or lies inside another struct, stays as it
 * is until the soname changes.
 */
#ifndef PLAINFILM_H
#define PLAINFILM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PF_VERSION_MAJOR 0
#define PF_VERSION_MINOR 1
#define PF_VERSION_PATCH 0

#if defined(__GNUC__)
#define PF_API __attribute__((visibility("default")))
#define PF_MUST_CHECK __attribute__((warn_unused_result))
#else
#define PF_API
#define PF_MUST_CHECK
#endif

/* ---- failures -------------------------------------------------------------------- */

typedef enum {
    PF_OK = 0,
    PF_ERR_NOMEM,       /* memory ran out */
    PF_ERR_IO,          /* the system refused: open, read, write, fsync, ... */
    PF_ERR_NOT_FOUND,   /* a thing the caller named is not there */
    PF_ERR_FORMAT,      /* bytes from outside are damaged or contradict themselves */
    PF_ERR_UNSUPPORTED, /* bytes are legal, but of a kind that is not read here */
    PF_ERR_LIMIT,       /* a hard limit (size, depth, count, time) was passed */
    PF_ERR_MISUSE,      /* the user asked for something that makes no sense */
    PF_ERR_MISMATCH,    /* two things do not belong together: catalog and model */
    PF_ERR_BUSY,        /* somebody else holds the lock */
    PF_ERR_INTERRUPTED, /* asked to stop */
} pf_code;

/* A code and one line of text for a user: lower case, no full stop. On the caller's
 * stack, so that running out of memory can be told, too; of this size for good.
 * Functions that can fail return false and fill it; it may be NULL. */
typedef struct {
    pf_code code;
    char msg[512];
} pf_err;

#define PF_ERR_INIT                                                                    \
    {                                                                                  \
        PF_OK, ""                                                                      \
    }

/* The code as JSON has it: "not_found", "misuse", ... Static. */
PF_API const char *pf_code_name(pf_code code);

/* Of the library that runs: "0.1.0". Static. */
PF_API const char *pf_version(void);

/* Free what pf_answer_get_json() and other functions gave as plain bytes. */
PF_API void pf_free(void *p);

/* A program's own decision, for the whole process: one OpenBLAS thread for each of the
 * products in FAISS. Where several readers, or the library's own workers, search at
 * once, threads inside each product only get in each other's way. The library itself
 * never calls it. */
PF_API void pf_use_one_blas_thread(void);

/* ---- long work ------------------------------------------------------------------- */

/* A flag that ends work in good order. */
typedef struct pf_stop pf_stop;
PF_MUST_CHECK PF_API bool pf_stop_new(pf_stop **out, pf_err *err);
PF_API void pf_stop_free(pf_stop *stop);
PF_API void pf_stop_set(pf_stop *stop); /* from any thread, or a signal handler */

/* A label and how well a picture fits it. With CLIP's models all labels of a picture
 * share probability 1; with SigLIP's each has its own. */
typedef struct {
    size_t struct_size;
    const char *name;
    double probability;
} pf_label;

/* A picture that was classified by itself: its labels, the best first, or the reason
 * why there are none. */
typedef struct {
    size_t struct_size;
    const char *path;
    const pf_label *labels; /* [n_labels]; NULL when it failed */
    size_t n_labels;
    const char *failure; /* or NULL */
} pf_classified;

/* How work is done that may take long: all of it optional. Functions are called by the
 * thread that asked. */
typedef struct {
    size_t struct_size;
    const pf_stop *stop; /* once it is set the work ends (INTERRUPTED); it must outlive
                            the call */
    int threads;         /* that work at once; 0: one per core */
    /* `what` names the step: "comparing", "classifying", ...; total 0 is unknown. */
    void (*progress)(void *context, const char *what, size_t done, size_t total,
                     size_t failed);
    /* Each picture of a classification as it is done, in the order they were given. The
     * answer then does not have them. False ends the work. */
    bool (*classified)(void *context, const pf_classified *picture);
    void *context;
} pf_work;

#define PF_WORK_INIT                                                                   \
    {                                                                                  \
        sizeof(pf_work), NULL, 0, NULL, NULL, NULL                                     \
    }

/* ---- the engine ------------------------------------------------------------------ */

typedef struct pf_engine pf_engine;

typedef enum {
    PF_NOTE_CATALOG, /* something is wrong with the catalog, and was got round */
    PF_NOTE_MODEL,   /* an oddity of the model's files */
    PF_NOTE_NOTICE,  /* what the model's makers want its users told */
    PF_NOTE_SKIPPED, /* what an evaluation left out */
    PF_NOTE_SANDBOX, /* pictures are decoded with less protection than there could be */
} pf_note_kind;

typedef struct {
    size_t struct_size;
    const char *catalog;    /* its folder; NULL: $PLAINFILM_CATALOG, else
                               $XDG_DATA_HOME/plainfilm, else ~/.local/share/plainfilm */
    const char *model;      /* folder or checkpoint; NULL: where the catalog says */
    const char *tokenizer;  /* file or folder; NULL: beside the model */
    const char *preprocess; /* without a catalog: "pubmedclip-train"; NULL: what the
                               model says */
    const char *synonyms;   /* a file for the built-in table; "+FILE": beside it */
    bool ignores_negation;  /* "no effusion" speaks of an effusion like any other */
    bool has_no_catalog;    /* `model` alone: to embed, classify and rank phrases */
    int search_threads;     /* that one search may use; 0: one; at most 256 */
    /* Told oddities that are no failures, one line each; may be called by any thread
     * that is in a function of this engine. `context` and what it points to stay in use
     * until the engine is closed. */
    void (*note)(void *context, pf_note_kind kind, const char *text);
    void *context;
    const char *activation; /* without a catalog: "quick-gelu", "gelu" or "gelu-tanh",
                               where the model's files do not say it; NULL: they do */
    const char *precision;  /* without a catalog: "auto", "f32", "i16" or "i8"; NULL:
                               auto */
    int embed_threads;      /* that one reader may use to embed a text or a picture; 0:
                               one, which is best where many readers are busy; -1: one
                               for each core */
    size_t kept_vectors;    /* of phrases and pictures asked with lately, in memory, so
                               that they need not be embedded again; 0: none; at most
                               PF_KEPT_VECTORS_MAX */
} pf_engine_options;

enum { PF_KEPT_VECTORS_MAX = 1000000 };

#define PF_ENGINE_OPTIONS_INIT                                                         \
    {                                                                                  \
        sizeof(pf_engine_options), NULL, NULL, NULL, NULL, NULL, false, false, 0,      \
            NULL, NULL, NULL, NULL, 0, 0                                               \
    }

/* Open a catalog for questions. A relative path is followed from the folder the process
 * is in whenever a reader is opened or refreshed, and model files when a question needs
 * them: who changes that folder names them in full. Little is read: model, indexes and
 * tables are loaded when a question needs them, once for all readers. NOT_FOUND when
 * there is no catalog, or nothing was published in it yet; UNSUPPORTED one of another
 * version. */
PF_MUST_CHECK PF_API bool pf_engine_open(pf_engine **out,
                                         const pf_engine_options *options, pf_err *err);
/* All of its readers must be closed before. */
PF_API void pf_engine_close(pf_engine *engine);
/* The folder of the catalog; "" without one. */
PF_API const char *pf_engine_folder(const pf_engine *engine);

/* ---- readers --------------------------------------------------------------------- */

typedef struct pf_reader pf_reader;

/* At the newest generation there is. The engine must outlive it. */
PF_MUST_CHECK PF_API bool pf_reader_open(pf_reader **out, pf_engine *engine,
                                         pf_err *err);
PF_API void pf_reader_close(pf_reader *reader);

/* Go on to the newest generation; it costs next to nothing when there is no newer one.
 * On failure the reader stays where it is, and the next question tries again. */
PF_MUST_CHECK PF_API bool pf_reader_refresh(pf_reader *reader, pf_err *err);
/* Grows by one with each publish; 0 without a catalog. The answer says of which it is.
 */
PF_API int64_t pf_reader_generation(const pf_reader *reader);
/* As long as this stays the same so do answers, of all readers of the engine: another
 * one for each generation, and for a catalog that was made anew. It means nothing
 * elsewhere. */
PF_API uint64_t pf_reader_edition(const pf_reader *reader);

typedef struct {
    size_t struct_size;
    int64_t generation, images, captions, cases;
    int64_t captioned_images;
    int dim;               /* numbers of a vector */
    bool is_being_written; /* an indexer is at work; it shows at the next generation */
} pf_catalog_info;

#define PF_CATALOG_INFO_INIT                                                           \
    {                                                                                  \
        sizeof(pf_catalog_info), 0, 0, 0, 0, 0, 0, false                               \
    }

PF_MUST_CHECK PF_API bool pf_reader_get_info(pf_reader *reader, pf_catalog_info *out,
                                             pf_err *err);

/* ---- requests -------------------------------------------------------------------- */

typedef struct pf_request pf_request;

typedef enum {
    PF_FIND_IMAGES,
    PF_FIND_CAPTIONS,
    PF_FIND_CASES, /* ranked by their best image */
} pf_find;

typedef enum {
    PF_BY_DEFAULT, /* both for a phrase and nothing else, where captions can be found */
    PF_BY_MEANING, /* nearness of vectors */
    PF_BY_WORDS,   /* of one phrase and nothing else, in captions; needs no model */
    PF_BY_BOTH,    /* nearness to the image and to its captions, and words */
} pf_by;

/* The order of hits. A question has one of its own; the others are for lists, when no
 * phrase, picture or image is asked with. */
typedef enum {
    PF_SORT_DEFAULT, /* relevance for a question, date for a list */
    PF_SORT_RELEVANCE,
    PF_SORT_DATE,  /* the newest first; those without a date behind them, as added */
    PF_SORT_ADDED, /* the one that came into the catalog last first */
    PF_SORT_PATH,
    PF_SORT_RANDOM, /* see pf_request_set_seed() */
} pf_sort;

typedef enum {
    PF_JOB_SEARCH,
    PF_JOB_CLASSIFY_PICTURES,
    PF_JOB_CLASSIFY_HITS,
    PF_JOB_PHRASES,
    PF_JOB_EMBED,
    PF_JOB_DUPLICATES,
    PF_JOB_EVALUATE,
    PF_JOB_VALUES,
} pf_job;

/* Ten images, by default, every score, nothing asked yet. */
PF_MUST_CHECK PF_API bool pf_request_new(pf_request **out, pf_err *err);
PF_MUST_CHECK PF_API bool pf_request_copy(pf_request **out, const pf_request *request,
                                          pf_err *err);
PF_API void pf_request_free(pf_request *request);

/* What is asked with. Each is a unit vector, they are added with their weights, and the
 * sum is brought to length 1 again; a weight below 0 subtracts. */
PF_MUST_CHECK PF_API bool pf_request_add_phrase(pf_request *request, const char *phrase,
                                                double weight, pf_err *err);
/* A picture file. When only pictures are asked to be classified it may be a folder,
 * which stands for all pictures under it. */
PF_MUST_CHECK PF_API bool pf_request_add_picture_file(pf_request *request,
                                                      const char *path, double weight,
                                                      pf_err *err);
/* The bytes of a picture file; `name` is what messages and answers call it. */
PF_MUST_CHECK PF_API bool pf_request_add_picture(pf_request *request,
                                                 const uint8_t *bytes, size_t n,
                                                 const char *name, double weight,
                                                 pf_err *err);
/* A picture that this engine was asked with lately: `hash`, as answers have it under
 * "picture", 32 hexadecimal digits. NOT_FOUND, when it is asked, once it has made room
 * for others (see kept_vectors). */
PF_MUST_CHECK PF_API bool pf_request_add_kept_picture(pf_request *request,
                                                      const char *hash, double weight,
                                                      pf_err *err);
/* An image of the catalog by its id, its path, or the end of its path (a file name)
 * when one file alone ends so, and paths are not hidden; it is left out of the images
 * found, and its case out of the cases. */
PF_MUST_CHECK PF_API bool pf_request_add_like(pf_request *request, const char *image,
                                              double weight, pf_err *err);
/* "modality=CT|MR", "date=2019..2021" and the like: only images for which this holds.
 * All filters must. Without anything else to ask with, a filter lists what passes; so
 * does a sort, or a facet. */
PF_MUST_CHECK PF_API bool pf_request_add_filter(pf_request *request, const char *filter,
                                                pf_err *err);
/* Count the values of this key among all that matches, whatever the limit: the 100 most
 * frequent. At most 20 keys; one that is there already counts once. */
PF_MUST_CHECK PF_API bool pf_request_add_facet(pf_request *request, const char *key,
                                               pf_err *err);

/* "2.5:text" is the text with the weight 2.5, anything else has the weight 1: *text
 * moves behind the colon. MISUSE for a weight outside of 0.001 .. 1000. */
PF_MUST_CHECK PF_API bool pf_read_weight(const char **text, double *weight,
                                         pf_err *err);
/* The same for phrases, of which some begin with two numbers: "3:00 position" and "1:2
 * block" are texts as they stand; what begins with "1:" all the same, as "1:3:00", has
 * the weight 1. */
PF_MUST_CHECK PF_API bool pf_read_phrase_weight(const char **text, double *weight,
                                                pf_err *err);

/* Words are looked for in these fields alone, names with commas between them: caption,
 * case, title, diagnosis, keywords, attribute, name, or all, as when none is named. May
 * be called several times: in all of them. MISUSE for another name. */
PF_MUST_CHECK PF_API bool pf_request_add_in(pf_request *request, const char *fields,
                                            pf_err *err);

/* How it is answered. MISUSE for values outside of what is said. */
enum { PF_LIMIT_MAX = 1000000 };
#define PF_NEAR_DUPLICATES 0.995 /* the cosine that is meant when none is named */

PF_API void pf_request_set_find(pf_request *request, pf_find find);
PF_API void pf_request_set_by(pf_request *request, pf_by by);
/* At most `limit` hits (1 .. PF_LIMIT_MAX) behind the first `offset` (0 .. the same) of
 * the ranking. For duplicates those of groups; 0 are all. */
PF_MUST_CHECK PF_API bool pf_request_set_limit(pf_request *request, size_t limit,
                                               size_t offset, pf_err *err);
/* PF_SORT_DEFAULT or PF_SORT_RELEVANCE for a question. */
PF_API void pf_request_set_sort(pf_request *request, pf_sort sort);
/* Of a random order, which is the same for the same seed and catalog; at most 2^53.
 * Without one each answer has another, and tells it (pf_answer_about). */
PF_MUST_CHECK PF_API bool pf_request_set_seed(pf_request *request, uint64_t seed,
                                              pf_err *err);
/* Leave out hits with a lower score (a cosine), or percentile (0 .. 100). */
PF_MUST_CHECK PF_API bool pf_request_set_min_score(pf_request *request, double score,
                                                   pf_err *err);
PF_MUST_CHECK PF_API bool pf_request_set_min_percentile(pf_request *request,
                                                        double percentile, pf_err *err);
/* Fold images, or captions, into a better hit when their cosine to it is at least this
 * (0 .. 1); below 0: not. */
PF_MUST_CHECK PF_API bool pf_request_set_collapse(pf_request *request, double cosine,
                                                  pf_err *err);

/* Whether an answer names images by their id, as "image 12", where their paths would
 * stand: names of files and folders may be names of patients. */
PF_API void pf_request_hide_paths(pf_request *request, bool hides_them);

/* What is done instead of a search: the last of these counts. */

/* Which of these labels ("chest x-ray, head CT") fits best: pictures when nothing else
 * is asked, each by itself, else the images found. `pattern` has {} where the label
 * goes; NULL is the label alone. */
PF_MUST_CHECK PF_API bool pf_request_classify(pf_request *request, const char *labels,
                                              const char *pattern, pf_err *err);
/* Rank these phrases in the place of the catalog's captions: UTF-8, one per line; empty
 * lines and those that begin with '#' are passed over. `name` is for messages. */
PF_MUST_CHECK PF_API bool pf_request_rank_phrases(pf_request *request, const char *text,
                                                  size_t n, const char *name,
                                                  pf_err *err);
/* The vector of one phrase or picture, and a phrase's tokens. */
PF_API void pf_request_embed(pf_request *request);
/* Groups of images of the catalog whose cosines are at least this (0 .. 1). */
PF_MUST_CHECK PF_API bool pf_request_find_duplicates(pf_request *request, double cosine,
                                                     pf_err *err);
/* The values of a key, and how many of what can be found has each (pf_answer_facet());
 * with filters of what passes. NULL: the keys there are. As many as the limit says. */
PF_MUST_CHECK PF_API bool pf_request_count_values(pf_request *request, const char *key,
                                                  pf_err *err);
/* How well search finds what is known to be right: the catalog's own captions, or the
 * questions in the file `queries` (see plainfilm-query(1)). NULL: the former. */
PF_MUST_CHECK PF_API bool pf_request_evaluate(pf_request *request, const char *queries,
                                              pf_err *err);

/* Take in what a JSON object says (see plainfilm-query(1), section BATCH): parts and
 * filters are added to those that are there, the rest is replaced. On failure a part of
 * it may have been taken in. What a server reads from strangers must not name files:
 * `may_name_files` false refuses it, and images of the catalog by their paths. */
PF_MUST_CHECK PF_API bool pf_request_read_json(pf_request *request, const char *text,
                                               size_t n, bool may_name_files,
                                               pf_err *err);

/* What is done with it, of which PF_JOB_SEARCH is the usual. */
PF_API pf_job pf_request_get_job(const pf_request *request);

/* Is it more than a search: are pictures to be decoded, all images to be compared,
 * phrases to be embedded by the hundred, a search to be judged? A server may want to
 * keep a thread for what is not. */
PF_API bool pf_request_takes_long(const pf_request *request);

/* {"image": "-"} of the above is a picture that the caller has to give before it asks:
 * so many `bytes` as the line says, 0 when it does not. Where "bytes" was said this
 * holds also after a failure, for who has to read over them. */
PF_API bool pf_request_wants_picture(const pf_request *request, size_t *bytes);
/* MISUSE when none is wanted. */
PF_MUST_CHECK PF_API bool pf_request_give_picture(pf_request *request,
                                                  const uint8_t *bytes, size_t n,
                                                  pf_err *err);

/* What is searched for, in words for people: "effusion, the picture a.png, where
 * modality=CT"; "" when neither parts nor filters were added.
 * Given, free with pf_free(); NULL on failure. */
PF_MUST_CHECK PF_API char *pf_request_describe(const pf_request *request, pf_err *err);

/* ---- answers --------------------------------------------------------------------- */

typedef struct pf_answer pf_answer;

/* Ask. `work` may be NULL. MISUSE for what makes no sense, with what to ask instead;
 * NOT_FOUND for captions or cases of a catalog without any, for an image that is not
 * there, for a filter or facet whose key nothing has; LIMIT for hits with more text
 * than there is in all of the catalog. */
PF_MUST_CHECK PF_API bool pf_reader_ask(pf_reader *reader, const pf_request *request,
                                        const pf_work *work, pf_answer **out,
                                        pf_err *err);
PF_API void pf_answer_free(pf_answer *answer);

/* What matches, so that it is counted: total and facets. */
typedef enum {
    PF_TOTAL_OF_FILTERS,    /* what passes filters and lowest score: everything, without
                               any */
    PF_TOTAL_OF_ALL_WORDS,  /* what has all words of the phrase: by words, or both */
    PF_TOTAL_OF_SOME_WORDS, /* what has some of them, when nothing has all */
} pf_total_of;

/* Is the best of all that could be found no nearer than chance brings? */
typedef enum {
    PF_CHANCE_UNKNOWN, /* nothing to compare with, or nothing to say it of */
    PF_CHANCE_BETTER,
    PF_CHANCE_NO_BETTER,
} pf_chance;

typedef struct {
    size_t struct_size;
    pf_job job;
    pf_find find;
    pf_by by;             /* how it was looked for; PF_BY_DEFAULT: it is a list */
    int64_t generation;   /* of the catalog; 0 without one */
    double took_ms;       /* opening the model if need be, embedding, searching */
    bool is_truncated;    /* a phrase was longer than the model reads */
    size_t n_truncated;   /* labels, phrases to be ranked or questions that were */
    bool no_image_passes; /* the filters: nothing was searched */
    bool is_collapsed;
    pf_chance chance;
    size_t n_failed;   /* pictures that could not be classified, or folders be read */
    bool is_single;    /* one picture was classified, and no list */
    size_t n_groups;   /* of near duplicates, in this answer */
    size_t n_found;    /* groups there are, those past the limit included */
    size_t n_compared; /* images */
    size_t total;      /* images, captions or cases that match; hits may go on behind
                          them, of which only the meaning is near */
    pf_total_of total_of;
    pf_sort sort;  /* of a search or list; not PF_SORT_DEFAULT */
    uint64_t seed; /* of a random order */
    size_t offset; /* the first hit stands behind so many */
} pf_answer_about;

PF_API const pf_answer_about *pf_answer_get_about(const pf_answer *answer);

/* The whole answer as JSON, one object on one line without an end of line (see
 * plainfilm-query(1), section OUTPUT); free with pf_free(). `size` may be NULL. */
PF_MUST_CHECK PF_API bool pf_answer_get_json(const pf_answer *answer, char **out,
                                             size_t *size, pf_err *err);
/* {"error": {"code": ..., "message": ...}}, and the request's "id" if it had one
 * (`request` may be NULL); free with pf_free(). NULL without memory. */
PF_API char *pf_error_json(const pf_err *why, const pf_request *request);

typedef struct {
    size_t struct_size;
    const char *key, *value;
} pf_attribute;

typedef struct {
    size_t struct_size;
    int64_t id;
    const char *text;
} pf_caption;

typedef struct {
    size_t struct_size;
    int64_t id;
    double score;
    const char *path;
    int frame;
} pf_hit_image;

/* Why a hit is there: its place in one ranking, and what made it. */
typedef struct {
    size_t rank; /* from 1; 0: it was not in this one */
    double score;
} pf_reason;

enum { PF_MATCHED_IN_MAX = 7 };

/* How a word of the phrase stands in a caption. */
typedef enum {
    PF_MET_TYPED,   /* as it was typed; case and accents make no difference */
    PF_MET_FORM,    /* in another form or spelling: effusions, haemorrhage */
    PF_MET_SYNONYM, /* by another name for the same */
} pf_met;

/* A word, or words side by side, and a mention that counts: one that is not denied,
 * unless the phrase denies it as well. */
typedef struct {
    size_t struct_size;
    const char *asked; /* as it was typed */
    pf_met as;
    size_t start, end; /* bytes of the hit's `caption`, end not included */
} pf_match;

/* An image, a caption or a case that was found. */
typedef struct {
    size_t struct_size;
    double score; /* cosine, -1 .. 1; by words alone their worth; of a duplicate its
                     cosine to the first of its group; NaN in a list */
    double percentile; /* share of unrelated pairs that are less near, 0 .. 100; NaN
                          when it is not known, or by words alone */
    int64_t id;        /* of the image, caption or case; of a phrase its line */
    int64_t image_id;  /* the image itself, the one the caption belongs to, or the best
                          of  the case; 0: a phrase */
    const char *path;  /* of the image, or "image ID"; NULL: a phrase */
    int frame;         /* of the file, from 0 */
    const char *caption; /* that was found, or by which its image or case was; else
                            the first of the image; or NULL */
    const char *case_key, *case_title; /* or NULL */
    const pf_attribute *attributes; /* of the image and its case, by key, then value */
    size_t n_attributes;
    const pf_hit_image
        *images; /* cases: those of its images that were found, best first
                  */
    size_t n_images;
    size_t n_case_images; /* cases: all of its images, found or not */
    /* By words or both; all zero by meaning. Of a case those of its best image. */
    double fused;         /* what hits are ordered by: sum of 1 / (10 + rank) */
    pf_reason by_meaning; /* cosine */
    pf_reason by_caption; /* images: cosine of the nearest caption */
    pf_reason by_words;   /* what its words are worth, those of its best caption */
    const char *matched_in[PF_MATCHED_IN_MAX + 1]; /* the fields in which these are, by
                                                      name; then NULL */
    const int64_t *duplicates; /* folded into this hit, best first; or NULL */
    size_t n_duplicates;
    const pf_caption *captions; /* all of the image, then of its case; by id */
    size_t n_captions;
    const pf_match *matches; /* by words or both: of `caption`, by their start */
    size_t n_matches;
} pf_hit;

/* A word of the phrase that no caption has, by words or both, and the nearest that
 * captions do have. */
typedef struct {
    size_t struct_size;
    const char *word; /* in small letters */
    int64_t captions; /* texts that have it, in any of its forms */
} pf_suggestion;

typedef struct {
    size_t struct_size;
    const char *word;                 /* as it was typed */
    const pf_suggestion *suggestions; /* the nearest first */
    size_t n_suggestions;
} pf_missing_word;

PF_API size_t pf_answer_count_missing(const pf_answer *answer);
PF_API const pf_missing_word *pf_answer_missing(const pf_answer *answer, size_t i);

/* Hits, the best first; of duplicates group by group. */
PF_API size_t pf_answer_count(const pf_answer *answer);
PF_API const pf_hit *pf_answer_hit(const pf_answer *answer, size_t i);
/* Its place in the whole ranking, from 1. */
PF_API size_t pf_answer_rank(const pf_answer *answer, size_t i);

/* A value and how many of what matches have it: of cases, how many have an image with
 * it. */
typedef struct {
    const char *value;
    size_t count;
} pf_count;

typedef struct {
    size_t struct_size;
    const char *key;        /* NULL: the values are keys */
    const pf_count *counts; /* [n_counts] the most frequent first, then by value */
    size_t n_counts;
    size_t n_more; /* values that are not told */
} pf_counts;

/* In the order of the request; of pf_request_count_values() the one. */
PF_API size_t pf_answer_count_facets(const pf_answer *answer);
PF_API const pf_counts *pf_answer_facet(const pf_answer *answer, size_t i);

/* A filter that no image meets, whatever the others say, and what there is. */
typedef struct {
    size_t struct_size;
    const char *filter; /* as it was given */
    pf_counts values;   /* of its key, of all images; none of a path */
} pf_unmet;

/* NULL: every filter is met by some image. */
PF_API const pf_unmet *pf_answer_unmet(const pf_answer *answer);

/* The labels [n] of a hit that was classified, the best first. */
PF_API const pf_label *pf_answer_labels(const pf_answer *answer, size_t i, size_t *n);

/* Pictures that were classified, those that failed included. */
PF_API size_t pf_answer_count_pictures(const pf_answer *answer);
PF_API const pf_classified *pf_answer_picture(const pf_answer *answer, size_t i);

typedef struct {
    size_t struct_size;
    size_t first, n; /* its hits, so many in a row, by id */
    double lowest;   /* cosine of the two that are least alike */
} pf_group;

/* Near duplicates: the largest group first. */
PF_API const pf_group *pf_answer_group(const pf_answer *answer, size_t i);

/* What was embedded: [dim] numbers, and the ids [n] of a phrase's tokens (NULL of a
 * picture), start and end included. */
PF_API const float *pf_answer_vector(const pf_answer *answer, size_t *dim);
PF_API const int32_t *pf_answer_tokens(const pf_answer *answer, size_t *n);

/* ---- evaluation ------------------------------------------------------------------ */

typedef enum {
    PF_RECALL_AT_1,
    PF_RECALL_AT_5,
    PF_RECALL_AT_10,
    PF_MEDIAN_RANK, /* infinite when half of the questions found nothing */
    PF_MRR,
    PF_N_METRICS,
} pf_metric;

/* A figure and the ends of its 95 % interval. */
typedef struct {
    double value, low, high;
} pf_estimate;

typedef struct {
    size_t struct_size;
    size_t questions;
    pf_estimate of[PF_N_METRICS];
    double seconds;
} pf_figures;

typedef struct {
    size_t struct_size;
    size_t questions; /* texts that asked */
    size_t skipped;   /* of a file: those no image answers */
    size_t images;    /* that could be found */
    size_t resamples; /* of the bootstrap */
    /* NULL: not evaluated. */
    const pf_figures *meaning, *words, *both; /* text to image */
    const pf_figures *image_to_text;          /* by meaning */
} pf_evaluation;

/* NULL for another job. */
PF_API const pf_evaluation *pf_answer_evaluation(const pf_answer *answer);
/* "recall_at_1", ... Static. */
PF_API const char *pf_metric_name(pf_metric metric);

/* ---- what the catalog has -------------------------------------------------------- */

/* All that is known of an image. */
typedef struct {
    size_t struct_size;
    int64_t id;
    const char *path; /* of the original */
    int frame;
    int width, height;
    const char *format;         /* "jpeg", "png", ... */
    const pf_caption *captions; /* [n_captions] its own, then those of its case */
    size_t n_captions;
    int64_t case_id; /* 0: none */
    const char *case_key, *case_title;
    const pf_attribute *attributes; /* [n_attributes] its own, then those of its case */
    size_t n_attributes;
} pf_image;

/* *out is NULL when there is no such image. */
PF_MUST_CHECK PF_API bool pf_reader_find_image(pf_reader *reader, int64_t id,
                                               pf_image **out, pf_err *err);
PF_API void pf_image_free(pf_image *image);

/* A case and its images, by id. */
typedef struct {
    size_t struct_size;
    int64_t id;
    const char *key, *title;
    const int64_t *images; /* [n_images] */
    size_t n_images;
} pf_case;

/* *out is NULL when there is no such case. */
PF_MUST_CHECK PF_API bool pf_reader_find_case(pf_reader *reader, int64_t id,
                                              pf_case **out, pf_err *err);
PF_API void pf_case_free(pf_case *found);

/* A JPEG file, its longer side at most 192 pixels: the one in the catalog, else made
 * from the file. Free with pf_free(). NOT_FOUND when there is no such image, or its
 * file is gone; MISMATCH when the file is not the one that was indexed; the decoder's
 * codes when it cannot be read. */
PF_MUST_CHECK PF_API bool pf_reader_get_thumbnail(pf_reader *reader, int64_t image_id,
                                                  uint8_t **jpeg, size_t *n,
                                                  pf_err *err);

/* The picture of an image's file, to be looked at. */
enum { PF_PREVIEW_SIDE_MAX = 4096 };

typedef struct {
    size_t struct_size;
    int side;  /* the longer one is at most so, in pixels: 1 .. PF_PREVIEW_SIDE_MAX;
                  no picture is made larger than it is */
    int frame; /* of the file, from 0; below 0: the image's own */
    double low, high; /* of grey of more than 8 bits, what is black and what white, in
                         the file's own units (of CT Hounsfield's); low >= high: as the
                         file says, or by its samples */
    bool is_lossless; /* a PNG file instead of a JPEG */
} pf_preview_options;

#define PF_PREVIEW_OPTIONS_INIT                                                        \
    {                                                                                  \
        sizeof(pf_preview_options), 1024, -1, 0, 0, false                              \
    }

typedef struct {
    size_t struct_size;
    const uint8_t
        *bytes; /* [n] of a JPEG or PNG file, made of pixels and nothing else */
    size_t n;
    int width, height; /* of the picture itself, upright */
    int frame;         /* that is shown */
    int n_frames;      /* of the file; 0: not known, one at least */
    bool is_deep; /* it has grey of more than 8 bits: low and high make a difference */
} pf_preview;

/* Decoded from the file, as pf_reader_get_thumbnail() does when there is none in the
 * catalog, with its codes; MISUSE for options outside of what is said. */
PF_MUST_CHECK PF_API bool pf_reader_get_preview(pf_reader *reader, int64_t image_id,
                                                const pf_preview_options *options,
                                                pf_preview **out, pf_err *err);
PF_API void pf_preview_free(pf_preview *preview);

/* The file of an image as it is, headers and names in it included, as long as it is the
 * one that was indexed (else MISMATCH). *format: "jpeg", "dicom", ..., static, by its
 * first bytes; NULL: none that is known. Free with pf_free(). */
PF_MUST_CHECK PF_API bool pf_reader_get_original(pf_reader *reader, int64_t image_id,
                                                 uint8_t **bytes, size_t *n,
                                                 const char **format, pf_err *err);

/* An image, or a caption, and its vector. All of it is borrowed for the call. */
typedef struct {
    size_t struct_size;
    int64_t id;          /* of the image or caption */
    int64_t image_id;    /* the image itself, or the one the caption belongs to */
    const char *path;    /* of the image, or "image ID" */
    int frame;           /* of the file, from 0 */
    const char *caption; /* its text; NULL: an image */
    const float *vector; /* [dim], of length 1 */
    size_t dim;
} pf_item;

/* False ends the walk, with the reason in *err. It asks nothing of the reader. */
typedef bool pf_item_fn(void *context, const pf_item *item, pf_err *err);

/* Each image, or caption, that passes the filters of `request`, by id; of a request
 * what is looked for, the filters and whether paths are hidden count. Once `stop` is
 * set (it may be NULL) it ends (INTERRUPTED). MISUSE for cases, and for a phrase or
 * picture. */
PF_MUST_CHECK PF_API bool pf_reader_each_item(pf_reader *reader,
                                              const pf_request *request,
                                              const pf_stop *stop, pf_item_fn *fn,
                                              void *context, pf_err *err);

/* A value that images, or their cases, have under a key, and how many have it. */
typedef struct {
    size_t struct_size;
    const char *key, *value;
    size_t n_images;
} pf_facet;

typedef struct pf_facets pf_facets;

/* By key, then the most frequent value first; of each key the first `most` values, 0
 * are all. `key` NULL: of all keys. */
PF_MUST_CHECK PF_API bool pf_reader_get_facets(pf_reader *reader, const char *key,
                                               size_t most, pf_facets **out,
                                               pf_err *err);
PF_API void pf_facets_free(pf_facets *facets);
PF_API size_t pf_facets_count(const pf_facets *facets);
PF_API const pf_facet *pf_facets_at(const pf_facets *facets, size_t i);

#ifdef __cplusplus
}
#endif

#endif
