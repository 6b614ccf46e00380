/*
 * films.h - a temporary folder with pictures, and runs of the indexer over them: what
 * tests of indexer/ start from. Each function ends the test program when the disk
 * fails it, so that tests need not look.
 */
#ifndef PF_TESTS_SUPPORT_FILMS_H
#define PF_TESTS_SUPPORT_FILMS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/catalog/catalog.h"
#include "indexer/run.h"

/* A new folder, without symbolic links in its path; removed with all that is in it by
 * pf_films_remove(). */
const char *pf_films_make(void);
void pf_films_remove(void);

/* "FOLDER/<name>" in one of a few static buffers. */
const char *pf_films_path(const char *fmt, ...) PF_PRINTF(1, 2);

/* Write bytes to a file of this folder; folders on the way are made. */
void pf_films_write(const char *name, const void *bytes, size_t n);
void pf_films_write_text(const char *name, const char *text);
/* A PGM picture; another number gives another picture. */
void pf_films_picture(const char *name, unsigned number);
void pf_films_rename(const char *from, const char *to);
void pf_films_delete(const char *name);
void pf_films_give_to(unsigned user); /* all of it; for root only */

/* The model "model" (seeded.h); "other" is the same with one weight changed. */
void pf_films_model(void);
void pf_films_other_model(void);

/* Catalog "catalog", model "model", one worker, batches of two; no path. */
void pf_films_options(pf_run_options *options);

/* One row and column of a query to catalog.db; -1 when it fails. */
int64_t pf_films_ask(const char *sql);

/* pf_catalog_check() finds nothing; otherwise the first problem, static. */
const char *pf_films_check(void);

#endif
