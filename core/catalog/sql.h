/*
 * sql.h - one connection to one SQLite file: the plumbing under store.c. Alone, sql.c
 * includes sqlite3.h.
 *
 * Statements are given as string literals and prepared once: the connection remembers
 * them by address. Values are always bound, never pasted into SQL.
 */
#ifndef PF_CORE_CATALOG_SQL_H
#define PF_CORE_CATALOG_SQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/notes.h"

typedef struct pf_sql pf_sql;
typedef struct pf_sql_rows pf_sql_rows;

enum { PF_SQL_NAME = 64 }; /* of a table, in messages */

typedef enum {
    PF_SQL_READ,      /* read-only connection */
    PF_SQL_IMMUTABLE, /* the same where not even SQLite's side files can be made */
    PF_SQL_DAMAGED,   /* read-only, and whatever checksums say */
    PF_SQL_WRITE,
    PF_SQL_WRITE_DAMAGED, /* to write over it */
    PF_SQL_MEMORY,        /* an empty database that goes with its connection; no file */
} pf_sql_mode;

/* The file must exist, and be no link. What kind of file it is shows with the first
 * statement. */
PF_MUST_CHECK bool pf_sql_open(pf_sql **out, const char *path, pf_sql_mode mode,
                               pf_err *err);
void pf_sql_close(pf_sql *db); /* NULL is fine; what is not committed is rolled back */

/* The first n bytes of a file, which is not opened as a database; fewer when it has not
 * so many, or cannot be read. Through SQLite all the same: when a process closes a file
 * by any other way, it loses the locks that its connections have on it. */
size_t pf_sql_peek(const char *path, uint8_t *bytes, size_t n);

/* --- values -------------------------------------------------------------------- */

typedef struct {
    enum {
        PF_SQL_NULL,
        PF_SQL_INT,
        PF_SQL_REAL,
        PF_SQL_TEXT,
        PF_SQL_BYTES,
        PF_SQL_WEIGHER
    } kind;
    int64_t i;
    double r;
    const void *p; /* borrowed until the statement ends */
    size_t n;
} pf_sql_arg;

pf_sql_arg pf_sql_int(int64_t i);
pf_sql_arg pf_sql_id(int64_t id); /* 0 becomes NULL */
pf_sql_arg pf_sql_real(double r);
pf_sql_arg pf_sql_text(const char *s); /* UTF-8; NULL becomes NULL */
pf_sql_arg pf_sql_bytes(const void *p, size_t n);
pf_sql_arg pf_sql_path(const char *s); /* the bytes of a string; NULL becomes NULL */

/* The SQL function weigh(TABLE, ?), in a statement with a MATCH of an FTS5 table, is
 * what `fn` says of each row: counts [n] is how often each of the match's phrases
 * stands in it, in the order in which they are written, `size` the words of the row. */
typedef double pf_sql_weigh_fn(void *user, const uint32_t *counts, size_t n,
                               int64_t size);
typedef struct {
    pf_sql_weigh_fn *fn;
    void *user;
    uint32_t *counts; /* [n]: as many as the match has phrases, or the row is refused */
    size_t n;
} pf_sql_weigher;
pf_sql_arg pf_sql_weigh(pf_sql_weigher *weigher);

/* The arguments of a statement: PF_SQL_ARGS(pf_sql_int(7), pf_sql_text("a")). */
#define PF_SQL_ARGS(...)                                                               \
    (const pf_sql_arg[]){__VA_ARGS__},                                                 \
        sizeof((const pf_sql_arg[]){__VA_ARGS__}) / sizeof(pf_sql_arg)
#define PF_SQL_NO_ARGS NULL, 0

/* --- statements ---------------------------------------------------------------- */

/* A statement that takes far more steps than the file has bytes is ended (FORMAT): its
 * pages lead back to themselves. Count with count(id), for count(*) of a whole table is
 * one step however long it takes. */

/* Run to the end; rows are passed over. */
PF_MUST_CHECK bool pf_sql_run(pf_sql *db, const char *sql, const pf_sql_arg *args,
                              size_t n, pf_err *err);
/* Run a script of several statements without arguments. */
PF_MUST_CHECK bool pf_sql_run_script(pf_sql *db, const char *script, pf_err *err);
/* First column of the first row; 0 when there is no row. */
PF_MUST_CHECK bool pf_sql_find_int(pf_sql *db, const char *sql, const pf_sql_arg *args,
                                   size_t n, int64_t *out, pf_err *err);

/* Rows one by one: start, next until *has_row is false, end (always, NULL is fine). */
PF_MUST_CHECK bool pf_sql_start(pf_sql_rows **out, pf_sql *db, const char *sql,
                                const pf_sql_arg *args, size_t n, pf_err *err);
PF_MUST_CHECK bool pf_sql_next(pf_sql_rows *rows, bool *has_row, pf_err *err);
void pf_sql_end(pf_sql_rows *rows);

/* Columns of the present row, from 0. Pointers live until next() or end(). */
int64_t pf_sql_get_int(pf_sql_rows *rows, int column);
double pf_sql_get_real(pf_sql_rows *rows, int column);
bool pf_sql_is_null(pf_sql_rows *rows, int column);
const char *pf_sql_get_text(pf_sql_rows *rows,
                            int column); /* text or path; never NULL */
const void *pf_sql_get_bytes(pf_sql_rows *rows, int column, size_t *n);

/* Append the row's columns, each with its type and length: other rows are other bytes.
 */
PF_MUST_CHECK bool pf_sql_add_columns(pf_sql_rows *rows, int first, int end,
                                      pf_buf *out, pf_err *err);
int pf_sql_count_columns(const pf_sql_rows *rows);

/* Inside a transaction? (SQLite may have ended it by itself after a failure.) */
bool pf_sql_in_transaction(pf_sql *db);
void pf_sql_rollback(pf_sql *db); /* when there is one */
/* COMMIT; what was committed has to be there from now on, or the file counts as
 * damaged. When it fails the commit may have happened all the same. */
PF_MUST_CHECK bool pf_sql_commit(pf_sql *db, pf_err *err);
/* Move the write-ahead log into the file as far as readers allow, and empty it if they
 * allow all. Commits do that, too, when it has become long; what went wrong then is
 * told here, for no commit is less safe for it. */
PF_MUST_CHECK bool pf_sql_checkpoint(pf_sql *db, pf_err *err);

/* Bytes of the file and its write-ahead log, where they are not all holes. */
int64_t pf_sql_size(const pf_sql *db);
/* Rows of 8 MiB, as the words of a caption may be. Without it a connection that only
 * reads has 1.5 MiB, enough for all else: a row that many others point to is read many
 * times. Gives back what held before. */
bool pf_sql_allow_long_rows(pf_sql *db, bool are_allowed);

/* --- pages with checksums (sql_vfs.h) ------------------------------------------ */

/* Those of a file that is still empty get them; those of any other with the next
 * pf_sql_rewrite(). */
PF_MUST_CHECK bool pf_sql_seal(pf_sql *db, pf_err *err);
/* As the file says that was read last. */
bool pf_sql_is_sealed(pf_sql *db);
/* False (FORMAT) when a page was read that is not what was written, and says which:
 * where SQLite itself goes on. */
PF_MUST_CHECK bool pf_sql_is_undamaged(pf_sql *db, pf_err *err);
bool pf_sql_has_damage(pf_sql *db);
/* From now on checksums are not looked at: to see what a damaged file still has. */
void pf_sql_trust(pf_sql *db);

/* Write all pages anew, without gaps. */
PF_MUST_CHECK bool pf_sql_rewrite(pf_sql *db, pf_err *err);
/* Fill the tables of `to`, whose names `wants` agrees to, with the rows that `from` has
 * in its tables of the same names, in place of what is there. A table that cannot be
 * read to its end is a line in *lost. */
typedef bool pf_sql_wants_fn(const char *table);
PF_MUST_CHECK bool pf_sql_copy_tables(pf_sql *from, pf_sql *to, pf_sql_wants_fn *wants,
                                      pf_notes *lost, pf_err *err);
/* Give the file all pages of `with`, in one commit: who reads it sees all of the one or
 * of the other. */
PF_MUST_CHECK bool pf_sql_replace(const char *path, pf_sql *with, pf_err *err);

/* The last commit as a file of its own. `path` does not exist, or is empty. */
PF_MUST_CHECK bool pf_sql_copy(pf_sql *db, const char *path, pf_err *err);

#endif
