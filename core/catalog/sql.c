/*
 * sql.c - see sql.h. With sql_vfs.c, the files that include sqlite3.h.
 *
 * Every failure of SQLite becomes one sentence that names the file (fail()). A database
 * may come from anywhere, so the connection does without whatever a schema could use
 * against its reader: no untrusted functions in views or triggers, no writing to the
 * schema, no extensions, checked page contents. Temporary results stay in memory: they
 * hold captions, and /tmp is not the catalog's folder.
 */
#include "core/catalog/sql.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <sqlite3.h>

#include "core/base/buf.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/catalog/sql_vfs.h"

enum {
    MAX_STATEMENTS = 128, /* more than a run needs */
    BUSY_MS = 10 * 1000,  /* only recovery and checkpoints ever make us wait */
    MAX_VALUE = 8 << 20,  /* bytes in one row: the words of a caption of 1 MiB */
    MAX_READ = 3 << 19,   /* in one that is read: such a caption and its vector */
    BLOCK = 512,          /* bytes, what st_blocks counts */
    COMPRESSED = 2,
    MAX_SQL = 1 << 16,        /* bytes in one statement, those of a schema included */
    LOOK = 100 * 1000,        /* steps between two looks at how many there were */
    FREE_STEPS = 5 * 1000000, /* that any statement may take: some 60 ms */
    STEPS_PER_BYTE = 10,      /* steps per byte of the file; integrity_check takes 5 */
    LOG_FRAMES = 1000,        /* of the log, after which it goes into the file: 16 MB */
};

struct pf_sql_rows {
    pf_sql *db;
    const char *sql; /* a literal: known by its address */
    sqlite3_stmt *stmt;
    bool is_running;
    int64_t steps; /* of SQLite's virtual machine, since it was started */
};

struct pf_sql {
    sqlite3 *handle;
    char *path, *wal;
    int64_t *steps;  /* those of the statement that is at work, */
    int64_t others;  /* or of what SQLite does by itself: reading the schema */
    pf_err unfolded; /* why the log could not be moved into the file on the way */
    pf_sql_rows statements[MAX_STATEMENTS];
    size_t n_statements;
};

/* --- failures ------------------------------------------------------------------- */

/* Which table, index or part of the words has a page: found out through a connection of
 * its own, which takes the file as it is. Empty when that cannot be told. */
static void name_page(const pf_sql *db, uint32_t page, char out[PF_SQL_NAME])
{
    pf_sql *other;
    out[0] = '\0';
    if (!pf_sql_open(&other, db->path, PF_SQL_DAMAGED, NULL))
        return;
    pf_sql_rows *rows;
    bool has_row;
    if (pf_sql_start(&rows, other, "SELECT name FROM dbstat WHERE pageno = ?",
                     PF_SQL_ARGS(pf_sql_int(page)), NULL) &&
        pf_sql_next(rows, &has_row, NULL) && has_row)
        snprintf(out, PF_SQL_NAME, "%s", pf_sql_get_text(rows, 0));
    pf_sql_end(rows);
    pf_sql_close(other);
}

static bool fail_damaged(pf_sql *db, pf_err *err)
{
    pf_sql_damage damage = {0};
    char name[PF_SQL_NAME] = "";
    sqlite3_file_control(db->handle, "main", PF_VFS_DAMAGE, &damage);
    if (damage.of_wal)
        return pf_fail(err, PF_ERR_FORMAT, "'%s' is damaged: %s", db->path,
                       damage.of_wal);
    if (damage.page)
        name_page(db, damage.page, name);
    return pf_fail(err, PF_ERR_FORMAT,
                   "'%s' is damaged: page %u%s%s%s is not what was written",
                   damage.is_in_wal ? db->wal : db->path, damage.page,
                   name[0] ? ", of " : "", name, name[0] ? "," : "");
}

/* Which file, and why, as far as it is known. */
static bool fail_io(pf_sql *db, const char *detail, pf_err *err)
{
    pf_sql_failure failure = {0};
    if (db->handle)
        sqlite3_file_control(db->handle, "main", PF_VFS_FAILURE, &failure);
    const char *path = failure.is_in_wal ? db->wal : db->path;
    if (failure.why == 0 && db->handle)
        failure.why = sqlite3_system_errno(db->handle);
    if (failure.why)
        return pf_fail_errno(err, failure.why, "cannot access '%s'", path);
    return pf_fail(err, PF_ERR_IO, "cannot access '%s': %s", path, detail);
}

static bool fail(pf_sql *db, int rc, pf_err *err)
{
    if (rc == SQLITE_IOERR_DATA)
        return fail_damaged(db, err);
    if (rc == SQLITE_IOERR_NOMEM)
        rc = SQLITE_NOMEM;
    const char *detail = db->handle ? sqlite3_errmsg(db->handle) : sqlite3_errstr(rc);
    switch (rc & 0xFF) {
    case SQLITE_NOMEM:
        return pf_fail(err, PF_ERR_NOMEM, "out of memory in '%s'", db->path);
    case SQLITE_FULL:
        return pf_fail(err, PF_ERR_IO, "cannot write '%s': the disk is full", db->path);
    case SQLITE_READONLY:
        if (rc == SQLITE_READONLY_ROLLBACK)
            return pf_fail(err, PF_ERR_BUSY,
                           "a change to '%s' did not come to its end: run "
                           "plainfilm-index",
                           db->path);
        return pf_fail(err, PF_ERR_IO, "cannot write '%s': it is read-only", db->path);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return pf_fail(err, PF_ERR_BUSY, "'%s' is in use by another program", db->path);
    case SQLITE_NOTADB:
        return pf_fail(err, PF_ERR_FORMAT, "'%s' is not a catalog: no SQLite database",
                       db->path);
    case SQLITE_CORRUPT:
        return pf_fail(err, PF_ERR_FORMAT, "'%s' is damaged: %s", db->path, detail);
    case SQLITE_TOOBIG:
        return pf_fail(err, PF_ERR_LIMIT, "a row in '%s' is larger than %d bytes",
                       db->path, sqlite3_limit(db->handle, SQLITE_LIMIT_LENGTH, -1));
    case SQLITE_INTERRUPT:
        return pf_fail(err, PF_ERR_FORMAT, "'%s' is damaged: reading it has no end",
                       db->path);
    case SQLITE_CONSTRAINT:
        return pf_fail(err, PF_ERR_MISUSE, "'%s' refuses a change: %s", db->path,
                       detail);
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        return fail_io(db, detail, err);
    default:
        return pf_fail(err, PF_ERR_IO, "'%s': %s", db->path, detail);
    }
}

/* --- the connection ------------------------------------------------------------- */

static bool add_escaped(pf_buf *uri, const char *path, pf_err *err)
{
    for (const char *c = path; *c; c++) {
        bool is_plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                        (*c >= '0' && *c <= '9') || strchr("/._-", *c);
        if (is_plain ? !pf_buf_add(uri, c, 1, err)
                     : !pf_buf_addf(uri, err, "%%%02X", (unsigned char)*c))
            return false;
    }
    return true;
}

/* The path as an URI, which alone can say `immutable`. The folder's own path comes
 * without links, as SQLITE_OPEN_NOFOLLOW wants it: a link may lead to a catalog, but
 * none from within it. */
static bool add_uri(pf_buf *uri, const char *path, bool is_immutable, pf_err *err)
{
    const char *base = pf_path_base(path);
    char *named = base == path ? pf_strdup(".", err)
                               : pf_strndup(path, (size_t)(base - path), err);
    if (!named)
        return false;
    char *folder = realpath(named, NULL);
    const int why = errno;
    pf_free(named);
    if (!folder)
        return pf_fail_errno(err, why, "cannot access '%s'", path);
    const bool ok = pf_buf_add_str(uri, "file:", err) &&
                    add_escaped(uri, folder, err) && pf_buf_add_str(uri, "/", err) &&
                    add_escaped(uri, base, err) &&
                    (!is_immutable || pf_buf_add_str(uri, "?immutable=1", err));
    free(folder);
    return ok;
}

/* Holes cost nobody anything, and have no rows: a file has no more bytes than twice
 * the room that it takes on the disk, which may be compressed. (To look for holes
 * it would have to be opened, and closing it takes SQLite's locks away.) */
static int64_t size_of(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return 0;
    const int64_t room = (int64_t)st.st_blocks * BLOCK * COMPRESSED;
    return room > 0 && room < st.st_size ? room : st.st_size;
}

int64_t pf_sql_size(const pf_sql *db)
{
    return size_of(db->path) + size_of(db->wal);
}

/* Rows are in the file, so there are fewer of them than it has bytes, unless its pages
 * lead back to themselves. Called every LOOK steps; other than 0 ends the statement. */
static int count_steps(void *user)
{
    pf_sql *db = user;
    *db->steps += LOOK;
    return *db->steps > FREE_STEPS && *db->steps / STEPS_PER_BYTE > pf_sql_size(db);
}

bool pf_sql_allow_long_rows(pf_sql *db, bool are_allowed)
{
    return sqlite3_limit(db->handle, SQLITE_LIMIT_LENGTH,
                         are_allowed ? MAX_VALUE : MAX_READ) != MAX_READ;
}

/* --- rows that FTS5 found, weighed ---------------------------------------------- */

static const char weigher_type[] = "pf_sql_weigher";

/* What FTS5's own bm25() asks as well, and nothing else. */
static int count_phrases(const Fts5ExtensionApi *api, Fts5Context *row,
                         const pf_sql_weigher *w, int *size)
{
    int n = 0;
    memset(w->counts, 0, w->n * sizeof *w->counts);
    if (api->xPhraseCount(row) != (int)w->n)
        return SQLITE_ERROR;
    int rc = api->xInstCount(row, &n);
    for (int i = 0; rc == SQLITE_OK && i < n; i++) {
        int phrase, column, place;
        rc = api->xInst(row, i, &phrase, &column, &place);
        if (rc == SQLITE_OK && phrase >= 0 && (size_t)phrase < w->n)
            w->counts[phrase]++;
    }
    return rc == SQLITE_OK ? api->xColumnSize(row, -1, size) : rc;
}

/* weigh(TABLE, weigher); a file's schema may call it too, but has no weigher. */
static void weigh(const Fts5ExtensionApi *api, Fts5Context *row,
                  sqlite3_context *context, int n_values, sqlite3_value **values)
{
    const pf_sql_weigher *w =
        n_values == 1 ? sqlite3_value_pointer(values[0], weigher_type) : NULL;
    int size = 0;
    if (!w) {
        sqlite3_result_null(context);
        return;
    }
    const int rc = count_phrases(api, row, w, &size);
    if (rc == SQLITE_OK)
        sqlite3_result_double(context, w->fn(w->user, w->counts, w->n, size));
    else
        sqlite3_result_error_code(context, rc);
}

static bool add_weigh(pf_sql *db, pf_err *err)
{
    fts5_api *fts5 = NULL;
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db->handle, "SELECT fts5(?)", -1, &stmt, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_pointer(stmt, 1, &fts5, "fts5_api_ptr", NULL);
    if (rc == SQLITE_OK) {
        rc = sqlite3_step(stmt);
        rc = rc == SQLITE_ROW ? SQLITE_OK : rc;
    }
    sqlite3_finalize(stmt);
    if (rc == SQLITE_OK && fts5)
        rc = fts5->xCreateFunction(fts5, "weigh", NULL, weigh, NULL);
    if (rc != SQLITE_OK)
        return fail(db, rc, err);
    return fts5 || pf_fail(err, PF_ERR_UNSUPPORTED,
                           "this SQLite has no FTS5, which searching by words needs");
}

static bool configure(pf_sql *db, pf_sql_mode mode, pf_err *err)
{
    static const int limits[][2] = {
        {SQLITE_LIMIT_SQL_LENGTH, MAX_SQL}, {SQLITE_LIMIT_EXPR_DEPTH, 100},
        {SQLITE_LIMIT_ATTACHED, 0},         {SQLITE_LIMIT_COLUMN, 100},
        {SQLITE_LIMIT_COMPOUND_SELECT, 10}, {SQLITE_LIMIT_TRIGGER_DEPTH, 10},
        {SQLITE_LIMIT_WORKER_THREADS, 0},
    };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        sqlite3_limit(db->handle, limits[i][0], limits[i][1]);
    pf_sql_allow_long_rows(db, mode != PF_SQL_READ && mode != PF_SQL_IMMUTABLE);
    sqlite3_extended_result_codes(db->handle, 1);
    sqlite3_busy_timeout(db->handle, BUSY_MS);
    sqlite3_wal_autocheckpoint(db->handle, 0); /* pf_sql_commit() sees to it */
    if (mode == PF_SQL_DAMAGED || mode == PF_SQL_WRITE_DAMAGED)
        pf_sql_trust(db);
    if (mode != PF_SQL_MEMORY)
        sqlite3_progress_handler(db->handle, LOOK, count_steps, db);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    return pf_sql_run_script(db,
                             "PRAGMA foreign_keys = ON;"
                             "PRAGMA cell_size_check = ON;"
                             "PRAGMA mmap_size = 0;"
                             "PRAGMA cache_size = -2000;" /* a file can ask for more */
                             "PRAGMA temp_store = MEMORY;",
                             err) &&
           add_weigh(db, err) &&
           ((mode != PF_SQL_WRITE && mode != PF_SQL_WRITE_DAMAGED) ||
            pf_sql_run_script(db,
                              "PRAGMA synchronous = FULL;"
                              "PRAGMA journal_size_limit = 67108864;" /* of the log,
                                  which grows while a reader stays with the past */
                              "PRAGMA secure_delete = ON;", /* what went is zeros */
                              err));
}

bool pf_sql_open(pf_sql **out, const char *path, pf_sql_mode mode, pf_err *err)
{
    *out = NULL;
    pf_buf uri;
    pf_buf_init(&uri, 64 << 10);
    pf_sql *db = pf_zalloc(sizeof *db, err);
    bool ok =
        db && (db->path = pf_strdup(path, err)) &&
        (db->wal = pf_strf(err, "%s-wal", path)) &&
        (mode == PF_SQL_MEMORY || add_uri(&uri, path, mode == PF_SQL_IMMUTABLE, err));
    if (ok) {
        static const int how[] = {
            [PF_SQL_READ] = SQLITE_OPEN_READONLY,
            [PF_SQL_IMMUTABLE] = SQLITE_OPEN_READONLY,
            [PF_SQL_DAMAGED] = SQLITE_OPEN_READONLY,
            [PF_SQL_WRITE] = SQLITE_OPEN_READWRITE,
            [PF_SQL_WRITE_DAMAGED] = SQLITE_OPEN_READWRITE,
            [PF_SQL_MEMORY] = SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY,
        };
        db->steps = &db->others;
        int rc = sqlite3_open_v2(mode == PF_SQL_MEMORY ? path : uri.data, &db->handle,
                                 how[mode] | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI |
                                     SQLITE_OPEN_NOFOLLOW,
                                 mode == PF_SQL_MEMORY ? NULL : pf_sql_vfs_name());
        ok = rc == SQLITE_OK ? configure(db, mode, err) : fail(db, rc, err);
    }
    pf_buf_free(&uri);
    if (!ok) {
        pf_sql_close(db);
        return false;
    }
    *out = db;
    return true;
}

void pf_sql_close(pf_sql *db)
{
    if (!db)
        return;
    for (size_t i = 0; i < db->n_statements; i++)
        sqlite3_finalize(db->statements[i].stmt);
    sqlite3_close(db->handle);
    pf_free(db->wal);
    pf_free(db->path);
    pf_free(db);
}

/* Without the heap: whoever lacks memory is told by what comes next. */
static size_t peek(sqlite3_vfs *vfs, sqlite3_filename name, uint8_t *bytes, size_t n)
{
    _Alignas(16) uint8_t room[1024] = {0};
    sqlite3_file *file = (sqlite3_file *)room;
    const int how = SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_READONLY | SQLITE_OPEN_NOFOLLOW;
    sqlite3_int64 size = 0;
    int flags;
    if ((size_t)vfs->szOsFile > sizeof room ||
        vfs->xOpen(vfs, name, file, how, &flags) != SQLITE_OK)
        return 0;
    bool ok = file->pMethods->xFileSize(file, &size) == SQLITE_OK;
    if (size < (sqlite3_int64)n)
        n = (size_t)size;
    ok = ok && (n == 0 || file->pMethods->xRead(file, bytes, (int)n, 0) == SQLITE_OK);
    file->pMethods->xClose(file);
    return ok ? n : 0;
}

size_t pf_sql_peek(const char *path, uint8_t *bytes, size_t n)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    sqlite3_filename name = sqlite3_create_filename(path, "", "", 0, NULL);
    const size_t got = vfs && name ? peek(vfs, name, bytes, n) : 0;
    sqlite3_free_filename(name);
    return got;
}

/* --- values --------------------------------------------------------------------- */

pf_sql_arg pf_sql_int(int64_t i)
{
    return (pf_sql_arg){.kind = PF_SQL_INT, .i = i};
}

pf_sql_arg pf_sql_id(int64_t id)
{
    return id ? pf_sql_int(id) : (pf_sql_arg){.kind = PF_SQL_NULL};
}

pf_sql_arg pf_sql_real(double r)
{
    return (pf_sql_arg){.kind = PF_SQL_REAL, .r = r};
}

pf_sql_arg pf_sql_text(const char *s)
{
    if (!s)
        return (pf_sql_arg){.kind = PF_SQL_NULL};
    return (pf_sql_arg){.kind = PF_SQL_TEXT, .p = s, .n = strlen(s)};
}

pf_sql_arg pf_sql_bytes(const void *p, size_t n)
{
    return (pf_sql_arg){.kind = PF_SQL_BYTES, .p = p ? p : "", .n = n};
}

pf_sql_arg pf_sql_weigh(pf_sql_weigher *weigher)
{
    return (pf_sql_arg){.kind = PF_SQL_WEIGHER, .p = weigher};
}

pf_sql_arg pf_sql_path(const char *s)
{
    return s ? pf_sql_bytes(s, strlen(s)) : (pf_sql_arg){.kind = PF_SQL_NULL};
}

static int bind(sqlite3_stmt *stmt, int i, const pf_sql_arg *arg)
{
    switch (arg->kind) {
    case PF_SQL_INT:
        return sqlite3_bind_int64(stmt, i, arg->i);
    case PF_SQL_REAL:
        return sqlite3_bind_double(stmt, i, arg->r);
    case PF_SQL_TEXT:
        return sqlite3_bind_text64(stmt, i, arg->p, arg->n, SQLITE_STATIC, SQLITE_UTF8);
    case PF_SQL_BYTES:
        return sqlite3_bind_blob64(stmt, i, arg->p, arg->n, SQLITE_STATIC);
    case PF_SQL_WEIGHER:
        return sqlite3_bind_pointer(stmt, i, (void *)arg->p, weigher_type, NULL);
    case PF_SQL_NULL:
        break;
    }
    return sqlite3_bind_null(stmt, i);
}

/* --- statements ----------------------------------------------------------------- */

/* The prepared statement for this literal. One that is running (a callback asks the
 * same thing again) gets a twin. */
static pf_sql_rows *find_statement(pf_sql *db, const char *sql, pf_err *err)
{
    for (size_t i = 0; i < db->n_statements; i++) {
        if (db->statements[i].sql == sql && !db->statements[i].is_running)
            return &db->statements[i];
    }
    if (db->n_statements == MAX_STATEMENTS) {
        pf_fail(err, PF_ERR_LIMIT, "more than %d different statements", MAX_STATEMENTS);
        return NULL;
    }
    sqlite3_stmt *stmt;
    int rc =
        sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);
    if (rc != SQLITE_OK) {
        fail(db, rc, err);
        return NULL;
    }
    pf_sql_rows *rows = &db->statements[db->n_statements++];
    *rows = (pf_sql_rows){.db = db, .sql = sql, .stmt = stmt};
    return rows;
}

bool pf_sql_start(pf_sql_rows **out, pf_sql *db, const char *sql,
                  const pf_sql_arg *args, size_t n, pf_err *err)
{
    *out = NULL;
    pf_sql_rows *rows = find_statement(db, sql, err);
    if (!rows)
        return false;
    for (size_t i = 0; i < n; i++) {
        int rc = bind(rows->stmt, (int)i + 1, &args[i]);
        if (rc != SQLITE_OK) {
            pf_sql_end(rows);
            return fail(db, rc, err);
        }
    }
    rows->is_running = true;
    rows->steps = 0;
    *out = rows;
    return true;
}

bool pf_sql_next(pf_sql_rows *rows, bool *has_row, pf_err *err)
{
    pf_sql *db = rows->db;
    db->steps = &rows->steps;
    int rc = sqlite3_step(rows->stmt);
    db->steps = &db->others;
    *has_row = rc == SQLITE_ROW;
    return rc == SQLITE_ROW || rc == SQLITE_DONE || fail(db, rc, err);
}

void pf_sql_end(pf_sql_rows *rows)
{
    if (!rows)
        return;
    sqlite3_reset(rows->stmt);
    sqlite3_clear_bindings(rows->stmt); /* what was bound is the caller's */
    rows->is_running = false;
}

bool pf_sql_run(pf_sql *db, const char *sql, const pf_sql_arg *args, size_t n,
                pf_err *err)
{
    pf_sql_rows *rows;
    bool has_row = true;
    if (!pf_sql_start(&rows, db, sql, args, n, err))
        return false;
    bool ok = true;
    while (ok && has_row)
        ok = pf_sql_next(rows, &has_row, err);
    pf_sql_end(rows);
    return ok;
}

bool pf_sql_run_script(pf_sql *db, const char *script, pf_err *err)
{
    db->others = 0;
    int rc = sqlite3_exec(db->handle, script, NULL, NULL, NULL);
    return rc == SQLITE_OK || fail(db, rc, err);
}

bool pf_sql_find_int(pf_sql *db, const char *sql, const pf_sql_arg *args, size_t n,
                     int64_t *out, pf_err *err)
{
    *out = 0;
    pf_sql_rows *rows;
    bool has_row;
    bool ok =
        pf_sql_start(&rows, db, sql, args, n, err) && pf_sql_next(rows, &has_row, err);
    if (ok && has_row) {
        *out = pf_sql_get_int(rows, 0);
        ok = pf_sql_next(rows, &has_row,
                         err); /* RETURNING acts when it is run through */
    }
    pf_sql_end(rows);
    return ok;
}

int64_t pf_sql_get_int(pf_sql_rows *rows, int column)
{
    return sqlite3_column_int64(rows->stmt, column);
}

double pf_sql_get_real(pf_sql_rows *rows, int column)
{
    return sqlite3_column_double(rows->stmt, column);
}

bool pf_sql_is_null(pf_sql_rows *rows, int column)
{
    return sqlite3_column_type(rows->stmt, column) == SQLITE_NULL;
}

const char *pf_sql_get_text(pf_sql_rows *rows, int column)
{
    const unsigned char *text = sqlite3_column_text(rows->stmt, column);
    return text ? (const char *)text : "";
}

const void *pf_sql_get_bytes(pf_sql_rows *rows, int column, size_t *n)
{
    const void *bytes = sqlite3_column_blob(rows->stmt, column);
    *n = (size_t)sqlite3_column_bytes(rows->stmt, column);
    return bytes;
}

int pf_sql_count_columns(const pf_sql_rows *rows)
{
    return sqlite3_column_count(rows->stmt);
}

/* In decimal; how many characters. By hand: printf(), or SQLite's own conversion of
 * each number of a row, are a good part of a digest. */
static size_t put_integer(char out[21], int64_t n)
{
    char digits[20];
    size_t n_digits = 0, size = 0;
    uint64_t left = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
    do
        digits[n_digits++] = (char)('0' + left % 10);
    while ((left /= 10) > 0);
    if (n < 0)
        out[size++] = '-';
    while (n_digits > 0)
        out[size++] = digits[--n_digits];
    return size;
}

/* "TYPE SIZE " and the value. Numbers are as SQLite would write them: exact for
 * integers, 15 digits of others. */
static bool add_column(pf_sql_rows *rows, int i, pf_buf *out, pf_err *err)
{
    enum { HEAD_MAX = 2 + 21 + 1 };
    const int type = sqlite3_column_type(rows->stmt, i); /* 1 to 5 */
    char number[21];
    const void *bytes = number;
    size_t n;
    if (type == SQLITE_INTEGER)
        n = put_integer(number, sqlite3_column_int64(rows->stmt, i));
    else
        bytes = pf_sql_get_bytes(rows, i, &n);
    if (!pf_buf_reserve(out, HEAD_MAX + n, err))
        return false;
    char *at = out->data + out->size;
    *at++ = (char)('0' + type);
    *at++ = ' ';
    at += put_integer(at, (int64_t)n);
    *at++ = ' ';
    if (n > 0)
        memcpy(at, bytes, n);
    out->size = (size_t)(at - out->data) + n;
    out->data[out->size] = '\0';
    return true;
}

bool pf_sql_add_columns(pf_sql_rows *rows, int first, int end, pf_buf *out, pf_err *err)
{
    bool ok = true;
    for (int i = first; ok && i < end; i++)
        ok = add_column(rows, i, out, err);
    return ok;
}

bool pf_sql_in_transaction(pf_sql *db)
{
    return !sqlite3_get_autocommit(db->handle);
}

void pf_sql_rollback(pf_sql *db)
{
    if (pf_sql_in_transaction(db))
        sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
}

/* A log that grows is folded into the file as far as readers allow. */
static bool fold(pf_sql *db, int how, pf_err *err)
{
    const int rc = sqlite3_wal_checkpoint_v2(db->handle, NULL, how, NULL, NULL);
    return rc == SQLITE_OK || (rc & 0xFF) == SQLITE_BUSY ||
           (rc & 0xFF) == SQLITE_LOCKED || fail(db, rc, err);
}

bool pf_sql_commit(pf_sql *db, pf_err *err)
{
    uint32_t frames = 0;
    if (!pf_sql_run(db, "COMMIT", PF_SQL_NO_ARGS, err))
        return false;
    if (sqlite3_file_control(db->handle, "main", PF_VFS_COMMITTED, &frames) !=
        SQLITE_OK)
        return pf_fail_errno(err, errno, "cannot write the mark of '%s'", db->wal);
    if (frames >= LOG_FRAMES && db->unfolded.code == PF_OK)
        (void)!fold(db, SQLITE_CHECKPOINT_PASSIVE, &db->unfolded);
    return true;
}

bool pf_sql_checkpoint(pf_sql *db, pf_err *err)
{
    if (db->unfolded.code != PF_OK)
        return pf_fail_as(err, &db->unfolded);
    sqlite3_busy_timeout(db->handle, 200); /* a reader may stay for hours */
    const bool ok = fold(db, SQLITE_CHECKPOINT_TRUNCATE, err);
    sqlite3_busy_timeout(db->handle, BUSY_MS);
    return ok;
}

/* ---- pages with checksums ----------------------------------------------------------
 */

bool pf_sql_seal(pf_sql *db, pf_err *err)
{
    int n = PF_PAGE_CHECKSUM;
    const int rc =
        sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_RESERVE_BYTES, &n);
    return rc == SQLITE_OK || fail(db, rc, err);
}

bool pf_sql_is_sealed(pf_sql *db)
{
    bool is_sealed = false;
    sqlite3_file_control(db->handle, "main", PF_VFS_IS_CHECKED, &is_sealed);
    return is_sealed;
}

bool pf_sql_has_damage(pf_sql *db)
{
    pf_sql_damage damage = {0};
    sqlite3_file_control(db->handle, "main", PF_VFS_DAMAGE, &damage);
    return damage.page != 0 || damage.of_wal;
}

bool pf_sql_is_undamaged(pf_sql *db, pf_err *err)
{
    return !pf_sql_has_damage(db) || fail_damaged(db, err);
}

void pf_sql_trust(pf_sql *db)
{
    sqlite3_file_control(db->handle, "main", PF_VFS_TRUST, NULL);
}

/* VACUUM attaches what it writes; otherwise nothing may be attached. */
static bool vacuum(pf_sql *db, const char *sql, pf_err *err)
{
    uint32_t frames;
    sqlite3_limit(db->handle, SQLITE_LIMIT_ATTACHED, 1);
    const bool were_allowed = pf_sql_allow_long_rows(db, true);
    const bool ok = pf_sql_run_script(db, sql, err);
    pf_sql_allow_long_rows(db, were_allowed);
    sqlite3_limit(db->handle, SQLITE_LIMIT_ATTACHED, 0);
    if (ok)
        sqlite3_file_control(db->handle, "main", PF_VFS_COMMITTED, &frames);
    return ok;
}

bool pf_sql_rewrite(pf_sql *db, pf_err *err)
{
    return vacuum(db, "VACUUM", err);
}

bool pf_sql_copy(pf_sql *db, const char *path, pf_err *err)
{
    pf_buf sql;
    int64_t page_size;
    pf_buf_init(&sql, 64 << 10);
    bool ok =
        pf_sql_find_int(db, "PRAGMA page_size", PF_SQL_NO_ARGS, &page_size, err) &&
        pf_buf_add_str(&sql, "VACUUM INTO '", err) && add_uri(&sql, path, false, err) &&
        (!pf_sql_is_sealed(db) ||
         pf_buf_addf(&sql, err, "?" PF_VFS_SEALED "=%lld", (long long)page_size)) &&
        pf_buf_add_str(&sql, "'", err) && vacuum(db, sql.data, err);
    pf_buf_free(&sql);
    return ok;
}

/* ---- what a damaged file still has -------------------------------------------------
 */

static bool copy_row(sqlite3_stmt *row, pf_sql *to, sqlite3_stmt *insert, pf_err *err)
{
    int rc = SQLITE_OK;
    for (int i = 0; rc == SQLITE_OK && i < sqlite3_column_count(row); i++)
        rc = sqlite3_bind_value(insert, i + 1, sqlite3_column_value(row, i));
    if (rc == SQLITE_OK)
        rc = sqlite3_step(insert);
    const bool ok = rc == SQLITE_DONE || fail(to, rc, err);
    sqlite3_reset(insert);
    return ok;
}

/* "INSERT INTO table VALUES (?, ?)", with as many as a row has. */
static bool add_insert(pf_buf *sql, const char *table, int n, pf_err *err)
{
    bool ok = pf_buf_addf(sql, err, "INSERT INTO \"%s\" VALUES (", table);
    for (int i = 0; ok && i < n; i++)
        ok = pf_buf_add_str(sql, i == 0 ? "?" : ", ?", err);
    return ok && pf_buf_add_str(sql, ")", err);
}

static bool prepare(pf_sql *db, sqlite3_stmt **out, const char *sql, pf_err *err)
{
    const int rc = sqlite3_prepare_v2(db->handle, sql, -1, out, NULL);
    return rc == SQLITE_OK || fail(db, rc, err);
}

/* What `why` says is the fault of `from`, what `err` says is not. */
static bool copy_rows(pf_sql *from, sqlite3_stmt *rows, pf_sql *to, const char *table,
                      pf_err *why, pf_err *err)
{
    pf_buf sql;
    sqlite3_stmt *insert = NULL;
    pf_buf_init(&sql, MAX_SQL);
    bool ok = add_insert(&sql, table, sqlite3_column_count(rows), err) &&
              prepare(to, &insert, sql.data, err);
    int rc = SQLITE_DONE;
    while (ok && (rc = sqlite3_step(rows)) == SQLITE_ROW) {
        if (!copy_row(rows, to, insert, why))
            break;
    }
    if (ok && rc != SQLITE_DONE && rc != SQLITE_ROW)
        (void)fail(from, rc, why);
    sqlite3_finalize(insert);
    pf_buf_free(&sql);
    return ok;
}

static bool copy_table(pf_sql *from, pf_sql *to, const char *table, pf_notes *lost,
                       pf_err *err)
{
    char sql[2 * PF_SQL_NAME];
    pf_err why = PF_ERR_INIT;
    sqlite3_stmt *rows = NULL;
    snprintf(sql, sizeof sql, "DELETE FROM \"%s\"", table);
    bool ok = pf_sql_run_script(to, sql, err);
    snprintf(sql, sizeof sql, "SELECT * FROM \"%s\"", table);
    if (ok && prepare(from, &rows, sql, &why))
        ok = copy_rows(from, rows, to, table, &why, err);
    sqlite3_finalize(rows);
    if (why.code != PF_OK)
        pf_notes_add(lost, "%s: %s", table, why.msg);
    return ok;
}

/* Vectors are compared with their model as they come. */
bool pf_sql_copy_tables(pf_sql *from, pf_sql *to, pf_sql_wants_fn *wants,
                        pf_notes *lost, pf_err *err)
{
    pf_sql_rows *tables;
    bool has_row;
    bool ok = pf_sql_start(&tables, to,
                           "SELECT name FROM sqlite_schema WHERE type = 'table'"
                           " ORDER BY name NOT IN ('model', 'source'),"
                           " name = 'sqlite_sequence', rowid",
                           PF_SQL_NO_ARGS, err);
    while (ok && (ok = pf_sql_next(tables, &has_row, err)) && has_row) {
        char name[PF_SQL_NAME];
        snprintf(name, sizeof name, "%s", pf_sql_get_text(tables, 0));
        if (wants(name))
            ok = copy_table(from, to, name, lost, err);
    }
    pf_sql_end(tables);
    return ok;
}

/* The pages that are there are only read to be written over. */
bool pf_sql_replace(const char *path, pf_sql *with, pf_err *err)
{
    pf_sql *db;
    if (!pf_sql_open(&db, path, PF_SQL_WRITE_DAMAGED, err))
        return false;
    sqlite3_backup *copy =
        sqlite3_backup_init(db->handle, "main", with->handle, "main");
    int rc = copy ? sqlite3_backup_step(copy, -1) : sqlite3_errcode(db->handle);
    if (copy) {
        const int rc_end = sqlite3_backup_finish(copy);
        rc = rc == SQLITE_DONE ? rc_end : rc;
    }
    bool ok = rc == SQLITE_OK || fail(db, rc, err);
    uint32_t frames;
    if (ok)
        sqlite3_file_control(db->handle, "main", PF_VFS_COMMITTED, &frames);
    ok = ok && pf_sql_checkpoint(db, err);
    pf_sql_close(db);
    return ok;
}
