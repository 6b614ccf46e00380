/*
 * catalog.h - the catalog folder: catalog.db, the FAISS files derived from it, a lock.
 *
 *   catalog.db              SQLite, the truth (store.h), with its -wal and -shm
 *   images.<gen>.faiss      index over the vectors of all images, but for newer ones
 *   captions.<gen>.faiss    the same for captions
 *   lock                    held by the one indexer that may write
 *
 * A publish first writes the index files of the next generation, unless those that are
 * there go on, and then commits their checksums, the generation and every changed row
 * in one SQLite transaction: a reader has either all of it or none. A FAISS file that
 * is missing or damaged is replaced in memory from the vectors in SQLite, with a note.
 *
 * A pf_catalog belongs to one thread; the indexes it gives may be searched by many.
 */
#ifndef PF_CORE_CATALOG_CATALOG_H
#define PF_CORE_CATALOG_CATALOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/notes.h"
#include "core/catalog/store.h"
#include "core/catalog/vindex.h"

typedef struct pf_catalog pf_catalog;

/* $PLAINFILM_CATALOG, else $XDG_DATA_HOME/plainfilm, else ~/.local/share/plainfilm.
 * Given, free with pf_free(). MISUSE when not even HOME is set. */
PF_MUST_CHECK char *pf_catalog_default_folder(pf_err *err);

/* --- reading ------------------------------------------------------------------- */

/* Open for queries, with a snapshot; `folder` NULL is the default folder. NOT_FOUND
 * when there is no catalog, or an indexer has not published anything yet. */
PF_MUST_CHECK bool pf_catalog_open_reader(pf_catalog **out, const char *folder,
                                          pf_err *err);

/* The same for pf_catalog_check(): nothing need have been published. */
PF_MUST_CHECK bool pf_catalog_open_to_check(pf_catalog **out, const char *folder,
                                            pf_err *err);

/* True for a folder in which an indexer was stopped before it had made a catalog: there
 * is nothing to check. */
bool pf_catalog_is_unmade(const char *folder);
/* Does another process hold the lock, to write? No, also when that cannot be told. */
PF_MUST_CHECK bool pf_catalog_is_being_written(const char *folder, bool *out,
                                               pf_err *err);

/* Take the present snapshot in the place of the one that is held, if there is one: all
 * that is read until the next one is of its generation. On failure there is none. */
PF_MUST_CHECK bool pf_catalog_begin_read(pf_catalog *catalog, pf_err *err);
void pf_catalog_end_read(pf_catalog *catalog);
bool pf_catalog_has_snapshot(const pf_catalog *catalog);

/* An index file, held open: the one of its generation, however long it has been
 * replaced since. */
typedef struct {
    pf_store_index_file row;
    int fd;  /* -1: it is not there, */
    int why; /* for this reason (errno) */
} pf_index_file;

/* Hold the index files of the snapshot's generation. When a publish overtakes us the
 * snapshot becomes that of the newer one. On failure nothing is held. */
PF_MUST_CHECK bool pf_catalog_hold_indexes(pf_catalog *catalog,
                                           pf_index_file out[PF_INDEX_KINDS],
                                           pf_err *err);
void pf_catalog_release_indexes(pf_index_file files[PF_INDEX_KINDS]);

/* The index in `file`, which is of the snapshot's generation. A file that is missing or
 * damaged is replaced in memory from the vectors in the database, and *notes say so. */
PF_MUST_CHECK bool pf_catalog_load_index(pf_catalog *catalog, pf_index_kind kind,
                                         const pf_index_file *file, pf_vindex **out,
                                         pf_notes *notes, pf_err *err);

/* The same vectors, from the database, in the place of an index whose file turned out
 * to be damaged when more of it was read; *why says how, and *notes say so. */
PF_MUST_CHECK bool pf_catalog_make_index(pf_catalog *catalog, pf_index_kind kind,
                                         const pf_err *why, pf_vindex **out,
                                         pf_notes *notes, pf_err *err);

/* --- kinds of indexes ---------------------------------------------------------- */

typedef struct {
    bool is_auto;
    size_t n_lists; /* asked for; 0: none are, or it is left to us */
} pf_index_spec;

/* As pf_catalog_choose_index() has it. */
PF_MUST_CHECK bool pf_index_spec_read(pf_index_spec *out, const char *text,
                                      pf_err *err);
/* What a file is, in the same words. */
enum { PF_INDEX_TEXT = 48 };
void pf_index_describe(const pf_store_index_file *file, char text[PF_INDEX_TEXT]);

/* --- writing ------------------------------------------------------------------- */

typedef struct {
    bool must_exist;        /* do not make a new catalog */
    int wait_seconds;       /* for another indexer's lock; 0 = not at all */
    const atomic_int *stop; /* may be NULL; non-zero ends the wait (INTERRUPTED) */
} pf_catalog_writer_options;

/* Open (or make: folder 0700, files 0600) as the one indexer. BUSY while there is
 * another one; the lock goes when its process ends, however that happens, and is not
 * passed on to forked children. One writer per process and folder: the lock cannot tell
 * two of them apart. A folder with other things in it is refused (MISUSE), not moved
 * into, and so is one that others may write to. `options` may be NULL: all zero. */
PF_MUST_CHECK bool pf_catalog_open_writer(pf_catalog **out, const char *folder,
                                          const pf_catalog_writer_options *options,
                                          pf_err *err);

/* From now on, and after each publish, the group of its files may read them (0640, the
 * folder 0750), or nobody but their owner. */
PF_MUST_CHECK bool pf_catalog_share(pf_catalog *catalog, bool with_group, pf_err *err);

/* Which kind of index the catalog has, from the next publish on: "auto", without lists
 * where that is quick, else with as many as suit it; or as FAISS's index_factory() says
 * it, "SQ8,RFlat", without lists, or "IVF<n>,SQ8,RFlat", n lists. Remembered. MISUSE:
 * there is no such index. */
PF_MUST_CHECK bool pf_catalog_choose_index(pf_catalog *catalog, const char *spec,
                                           pf_err *err);

/* Make the changes of the transaction that is open in the store (pf_store_begin())
 * the next generation: sweep, write both index files if need be, store the background
 * of random pairs (background.h), commit, remove the older files. A disk that has not
 * the room for it is told of before anything is written. On failure everything is as it
 * was before the transaction. */
PF_MUST_CHECK bool pf_catalog_publish(pf_catalog *catalog, pf_err *err);

/* True when a FAISS file of the present generation is missing or damaged, or there is
 * no background or digest (a catalog of an older format), or the index is of another
 * kind than was asked for: then a publish is worth it
 * although nothing has changed. */
PF_MUST_CHECK bool pf_catalog_needs_publish(pf_catalog *catalog, bool *out,
                                            pf_err *err);

/* Remove index files that a publish left behind that was killed. */
PF_MUST_CHECK bool pf_catalog_tidy(pf_catalog *catalog, pf_err *err);

/* For tests: from now on the disk has so many bytes left; -1: what it has. */
void pf_catalog_pretend_room(int64_t bytes);
/* For tests: end the process, as kill -9 would, when a publish has done its n-th step
 * (1 sweep, 2 images file, 3 captions file, 4 rows, 5 commit, 6 removal); 0 = never. */
void pf_catalog_die_at(int step);

/* --- repairs ------------------------------------------------------------------- */

/* Open as the one indexer a catalog whose database is damaged, after all that cannot be
 * made again was written anew; the rest is for the caller: thumbnails that were lost,
 * and a publish. Each thing that is not what was published any more is a line in *lost;
 * then nothing is changed, and *out is NULL. `options->must_exist` is set. */
PF_MUST_CHECK bool pf_catalog_open_repaired(pf_catalog **out, const char *folder,
                                            const pf_catalog_writer_options *options,
                                            pf_notes *lost, pf_err *err);

/* --- a copy -------------------------------------------------------------------- */

/* Copy a catalog, in use or not, as its readers see it now: to `path`, a new (or empty)
 * folder that then is a catalog; or, when `path` ends in ".db", the database alone,
 * from which a run of the indexer makes the rest. The copy is checked; on failure it
 * has not got its name, and what there is of it stays in `path` + ".partial". */
PF_MUST_CHECK bool pf_catalog_backup(const char *folder, const char *path,
                                     pf_store_digest *digest, int64_t *generation,
                                     pf_err *err);

/* --- both ---------------------------------------------------------------------- */

void pf_catalog_close(pf_catalog *catalog); /* NULL is fine */
const char *pf_catalog_folder(const pf_catalog *catalog);
pf_store *pf_catalog_store(pf_catalog *catalog); /* borrowed */
/* Of the snapshot, or last published; 0 = nothing. */
int64_t pf_catalog_generation(const pf_catalog *catalog);

/* Full check: the database, and that both FAISS files hold exactly its ids and vectors;
 * *digest as pf_store_check() has it. Works on a reader and on a writer (with no
 * transaction open). True when it could be checked; what is wrong is in *problems. A
 * reader that a publish has overtaken goes on to the newer generation, whose files
 * there are. */
PF_MUST_CHECK bool pf_catalog_check(pf_catalog *catalog, pf_store_digest *digest,
                                    pf_notes *problems, pf_err *err);

#endif
