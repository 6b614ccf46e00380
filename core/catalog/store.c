/*
 * store.c - see store.h. Opening, format versions, transactions, the catalog's own row,
 * models and sources. Images are in store_write.c and store_read.c, words
 * in store_words.c, checks in store_check.c, the plumbing in sql.c.
 *
 * A file is changed only after it has shown that it is a catalog (application_id) or
 * empty: somebody else's database stays as it was, journal mode included.
 */
#include "core/catalog/store.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/catalog/schema.h"
#include "core/catalog/store_impl.h"
#include "core/catalog/vindex.h"
#include "core/catalog/wal.h"
#include "core/version.h"

/* --- opening -------------------------------------------------------------------- */

typedef struct {
    int64_t application, version, has_tables;
    bool is_sealed;
} identity;

static bool writes(pf_store_mode mode)
{
    return mode == PF_STORE_WRITE || mode == PF_STORE_CREATE;
}

static bool read_identity(pf_sql *db, identity *is, pf_err *err)
{
    const bool ok =
        pf_sql_find_int(db, "PRAGMA application_id", PF_SQL_NO_ARGS, &is->application,
                        err) &&
        pf_sql_find_int(db, "PRAGMA user_version", PF_SQL_NO_ARGS, &is->version, err) &&
        pf_sql_find_int(db, "SELECT EXISTS (SELECT 1 FROM sqlite_schema)",
                        PF_SQL_NO_ARGS, &is->has_tables, err);
    is->is_sealed = pf_sql_is_sealed(db);
    return ok;
}

/* From this format on pages have checksums. One that has none would be believed. */
enum { SEALED_FORMAT = 8 };

static bool check_identity(const identity *is, const char *path, pf_store_mode mode,
                           pf_err *err)
{
    if (is->application == 0 && is->version == 0 && !is->has_tables) {
        if (mode == PF_STORE_CREATE)
            return true;
        return pf_fail(err, PF_ERR_NOT_FOUND, "'%s' is empty: nothing was indexed yet",
                       path);
    }
    if (is->application != PF_STORE_APPLICATION_ID)
        return pf_fail(err, PF_ERR_FORMAT,
                       "'%s' is the database of another application, not a catalog",
                       path);
    if (is->version < 1)
        return pf_fail(err, PF_ERR_FORMAT, "'%s' is damaged: it has format %lld", path,
                       (long long)is->version);
    if (is->version > pf_schema_version)
        return pf_fail(
            err, PF_ERR_UNSUPPORTED,
            "'%s' was written by a newer plainfilm: format %lld, this program "
            "knows up to %d",
            path, (long long)is->version, pf_schema_version);
    if (is->version >= SEALED_FORMAT && !is->is_sealed)
        return pf_fail(err, PF_ERR_FORMAT,
                       "'%s' is damaged: its pages have no checksums", path);
    if (is->version < pf_schema_version && !writes(mode))
        return pf_fail(
            err, PF_ERR_UNSUPPORTED,
            "'%s' has format %lld, this program reads %d; run plainfilm-index "
            "once to bring it up to date",
            path, (long long)is->version, pf_schema_version);
    return true;
}

static bool migrate_by_one(pf_sql *db, const pf_migration *m, pf_err *err)
{
    char script[128];
    snprintf(script, sizeof script, "PRAGMA user_version = %d;", m->version);
    if (!pf_sql_run_script(db, m->sql, err) || !pf_sql_run_script(db, script, err))
        return false;
    if (m->version > 1)
        return true;
    snprintf(script, sizeof script, "PRAGMA application_id = %d;",
             PF_STORE_APPLICATION_ID);
    return pf_sql_run_script(db, script, err) &&
           pf_sql_run(db,
                      "INSERT INTO catalog (id, generation, created_at, created_by)"
                      " VALUES (1, 0, ?, ?)",
                      PF_SQL_ARGS(pf_sql_int(time(NULL)), pf_sql_text(PF_VERSION)),
                      err);
}

/* All missing migrations in one transaction: an old format or the present one. One that
 * makes a table anew drops the old one, and with it, were references enforced, every
 * row that points to it; only outside of a transaction can that be told. */
static bool migrate(pf_store *s, pf_err *err)
{
    identity is;
    bool ok =
        pf_sql_run_script(s->db, "PRAGMA foreign_keys = OFF;", err) &&
        pf_sql_run(s->db, "BEGIN IMMEDIATE", PF_SQL_NO_ARGS, err) &&
        read_identity(s->db, &is, err) && /* another process may have been faster */
        check_identity(&is, s->path, s->mode, err) &&
        (is.version == 0 || pf_store_check_schema(s, (int)is.version, err));
    for (int v = ok ? (int)is.version : 0; ok && v < pf_schema_version; v++)
        ok = migrate_by_one(s->db, &pf_schema[v], err);
    ok = ok && pf_store_fill_words(s, err) && pf_store_fill_thumbnail_hashes(s, err) &&
         pf_sql_commit(s->db, err);
    pf_sql_rollback(s->db);
    return ok && pf_sql_run_script(s->db, "PRAGMA foreign_keys = ON;", err);
}

static const char *pretended_kind;

void pf_store_pretend_remote(const char *kind)
{
    pretended_kind = kind;
}

const char *pf_store_remote_kind(const pf_store *s)
{
    return s->remote_kind;
}

int pf_store_upgraded_from(const pf_store *s)
{
    return s->upgraded_from;
}

static bool set_journal(pf_store *s, const char *sql, const char *mode, pf_err *err)
{
    pf_sql_rows *rows;
    bool has_row = false, is_set = false;
    bool ok = pf_sql_start(&rows, s->db, sql, PF_SQL_NO_ARGS, err) &&
              pf_sql_next(rows, &has_row, err);
    if (ok && has_row) {
        is_set = strcmp(pf_sql_get_text(rows, 0), mode) == 0;
        ok = pf_sql_next(rows, &has_row, err); /* what it says is written only now */
    }
    if (ok && !is_set)
        ok = pf_fail(err, PF_ERR_UNSUPPORTED,
                     "'%s' lies on a file system on which SQLite cannot keep its "
                     "journal; choose a local folder",
                     s->path);
    pf_sql_end(rows);
    return ok;
}

/* A log lets readers and the indexer work side by side, but needs memory that all of
 * them share. To leave it takes a moment alone with the file. */
static bool choose_journal(pf_store *s, pf_err *err)
{
    s->remote_kind = pretended_kind ? pretended_kind : pf_path_remote_kind(s->path);
    if (!s->remote_kind)
        return set_journal(s, "PRAGMA journal_mode = WAL", "wal", err);
    int64_t version;
    return pf_sql_run_script(s->db, "PRAGMA locking_mode = EXCLUSIVE;", err) &&
           set_journal(s, "PRAGMA journal_mode = DELETE", "delete", err) &&
           pf_sql_run_script(s->db, "PRAGMA locking_mode = NORMAL;", err) &&
           pf_sql_find_int(s->db, "PRAGMA user_version", PF_SQL_NO_ARGS, &version, err);
}

/* Rows are as long as vectors: two of 512 floats just do not fit SQLite's usual page of
 * 4 KiB, and a catalog took twice the room of its vectors. Seven of them fit this one,
 * or three of 1024 floats. Has an effect only on a file that is still empty. */
static const char page_size[] = "PRAGMA page_size = 16384;";

/* A copy of what an older plainfilm can read, made before anything is changed. One that
 * is there was made before an upgrade that did not come to its end: it is made again.
 */
static bool keep_copy(pf_store *s, int64_t version, pf_err *err)
{
    const char *base = pf_path_base(s->path);
    char *path = pf_strf(err, "%.*scatalog.format%lld.db", (int)(base - s->path),
                         s->path, (long long)version);
    bool ok = path != NULL;
    if (ok && unlink(path) != 0 && errno != ENOENT)
        ok = pf_fail_errno(err, errno, "cannot remove '%s'", path);
    ok = ok && pf_file_make(path, err) && pf_sql_copy(s->db, path, err);
    pf_free(path);
    return ok;
}

/* Every page is written anew, with its checksum, before the format says that it has
 * one: interrupted in between this goes on where it stopped. */
static bool upgrade(pf_store *s, const identity *is, pf_err *err)
{
    s->upgraded_from = (int)is->version;
    return keep_copy(s, is->version, err) &&
           (is->is_sealed || (pf_sql_seal(s->db, err) && pf_sql_rewrite(s->db, err))) &&
           migrate(s, err) && pf_sql_checkpoint(s->db, err);
}

static bool open_for_writing(pf_store *s, pf_err *err)
{
    identity is;
    if (!pf_sql_open(&s->db, s->path, PF_SQL_WRITE, err) ||
        !read_identity(s->db, &is, err) || !check_identity(&is, s->path, s->mode, err))
        return false;
    if (!is.has_tables &&
        (!pf_sql_run_script(s->db, page_size, err) || !pf_sql_seal(s->db, err)))
        return false;
    if (is.version > 0 && !pf_store_check_schema(s, (int)is.version, err))
        return false;
    return choose_journal(s, err) &&
           (is.version == pf_schema_version ||
            (is.version == 0 ? migrate(s, err) : upgrade(s, &is, err)));
}

/* A clean catalog on read-only media has no side files and can get none: SQLite then
 * has to be told that nobody will change it. Not when there is a write-ahead log: its
 * contents would be passed over. */
static bool may_be_immutable(const char *path, pf_err *err)
{
    char *wal = pf_strf(err, "%s-wal", path);
    const char *base = pf_path_base(path);
    char *folder = base == path ? pf_strdup(".", err)
                                : pf_strndup(path, (size_t)(base - path), err);
    struct stat st;
    bool is_clean = wal && folder && (stat(wal, &st) != 0 || st.st_size == 0) &&
                    access(folder, W_OK) != 0;
    pf_free(wal);
    pf_free(folder);
    return is_clean;
}

/* When a file is opened and again inside each transaction: whoever may write to it can
 * have changed the schema meanwhile, and SQLite would go on with the new one. */
static bool check_schema(pf_store *s, pf_err *err)
{
    int64_t version;
    identity is;
    if (!pf_sql_find_int(s->db, "PRAGMA schema_version", PF_SQL_NO_ARGS, &version, err))
        return false;
    if (version == s->schema_checked)
        return true;
    if (!read_identity(s->db, &is, err) ||
        !check_identity(&is, s->path, s->mode, err) ||
        !pf_store_check_schema(s, (int)is.version, err))
        return false;
    s->schema_checked = version;
    return true;
}

static bool open_for_reading(pf_store *s, pf_err *err)
{
    identity is;
    if (s->mode == PF_STORE_DAMAGED)
        return pf_sql_open(&s->db, s->path, PF_SQL_DAMAGED, err) &&
               check_schema(s, err);
    bool ok = pf_sql_open(&s->db, s->path, PF_SQL_READ, err) &&
              read_identity(s->db, &is, err);
    if (!ok && err && err->code == PF_ERR_IO && may_be_immutable(s->path, err)) {
        pf_sql_close(s->db);
        ok = pf_sql_open(&s->db, s->path, PF_SQL_IMMUTABLE, err) &&
             read_identity(s->db, &is, err);
    }
    return ok && check_schema(s, err);
}

static uint32_t big_endian(const uint8_t *b)
{
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* SQLite's header (https://www.sqlite.org/fileformat2.html): 16 bytes of signature,
 * pages at 28, application_id at 68. A new catalog whose first transaction is still in
 * the write-ahead log has application_id 0 and one page. */
static bool check_header(const uint8_t header[100], size_t n, bool has_wal,
                         const char *path, pf_err *err)
{
    if (n == 0)
        return true;
    if (n < 100 || memcmp(header, "SQLite format 3", 16) != 0)
        return pf_fail(err, PF_ERR_FORMAT, "'%s' is not a catalog: no SQLite database",
                       path);
    uint32_t application = big_endian(header + 68), pages = big_endian(header + 28);
    if (application == PF_STORE_APPLICATION_ID ||
        (application == 0 && (has_wal || pages <= 1)))
        return true;
    return pf_fail(err, PF_ERR_FORMAT,
                   "'%s' is the database of another application, not a catalog", path);
}

/* A link would lead the indexer to somebody's file, a pipe would have us wait. *size is
 * 0 for what is not there. */
static bool check_file(const char *path, const char *suffix, off_t *size, pf_err *err)
{
    struct stat st;
    *size = 0;
    char *name = pf_strf(err, "%s%s", path, suffix);
    if (!name)
        return false;
    bool ok = true;
    if (lstat(name, &st) == 0) {
        *size = st.st_size;
        ok = S_ISREG(st.st_mode) ||
             pf_fail(err, PF_ERR_FORMAT, "'%s' is %s, not a file", name,
                     S_ISLNK(st.st_mode) ? "a symbolic link" : "something else");
    }
    pf_free(name);
    return ok;
}

/* A log that was lost took commits with it. It may also have been emptied between two
 * looks: then the mark says that it is no longer needed. */
static bool check_log(const char *path, pf_err *err)
{
    pf_wal_mark mark;
    off_t size = 0;
    char *wal = pf_strf(err, "%s-wal", path);
    bool ok = wal && check_file(path, "-wal", &size, err);
    if (ok && size <= PF_WAL_HEADER && pf_wal_mark_read(wal, &mark) &&
        mark.now.frames > 0 && check_file(path, "-wal", &size, err) &&
        size <= PF_WAL_HEADER && pf_wal_mark_read(wal, &mark) && mark.now.frames > 0)
        ok = pf_fail(err, PF_ERR_FORMAT,
                     "'%s' is damaged: its write-ahead log (-wal) is gone", path);
    pf_free(wal);
    return ok;
}

bool pf_store_check_header(const char *path, pf_err *err)
{
    uint8_t header[100];
    off_t size, wal, shm;
    if (!check_file(path, "", &size, err) || !check_file(path, "-wal", &wal, err) ||
        !check_file(path, "-shm", &shm, err))
        return false;
    if (size == 0 || access(path, R_OK) != 0)
        return true; /* pf_store_open() says why */
    const size_t n = pf_sql_peek(path, header, sizeof header);
    return check_header(header, n, wal > 0, path, err);
}

/* What SQLite needs before it writes its log: at most a first page that says nothing.
 */
bool pf_store_is_unmade(const char *path)
{
    uint8_t header[100];
    off_t size, wal;
    if (!check_file(path, "", &size, NULL) || access(path, R_OK) != 0)
        return false;
    const size_t n = pf_sql_peek(path, header, sizeof header);
    return check_file(path, "-wal", &wal, NULL) && wal == 0 &&
           (size == 0 ||
            (n == sizeof header && memcmp(header, "SQLite format 3", 16) == 0 &&
             big_endian(header + 68) == 0 && big_endian(header + 28) <= 1));
}

/* A journal ends with a name when it is one of several (fileformat2.html, "super
 * journal"): of a file that SQLite would remove. */
static bool names_another(const char *journal)
{
    static const uint8_t magic[8] = {0xD9, 0xD5, 0x05, 0xF9, 0x20, 0xA1, 0x63, 0xD7};
    uint8_t end[8] = {0};
    const int fd = open(journal, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    const off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
    const bool is_read = size >= 8 && pread(fd, end, sizeof end, size - 8) == 8;
    if (fd >= 0)
        close(fd);
    return !is_read || memcmp(end, magic, sizeof magic) == 0;
}

/* Does the file say that it has a journal, and no log? */
static bool has_journal(const char *path)
{
    uint8_t header[100];
    return pf_sql_peek(path, header, sizeof header) == sizeof header &&
           header[18] == 1 && header[19] == 1;
}

/* In WAL mode there is no rollback journal; SQLite would play back one that lies there.
 * Only the very first page of a catalog is written with one: when that was not done the
 * file begins anew, empty. Where journals are what there is (choose_journal()), one
 * that was left behind belongs to the file. */
static bool check_journal(const char *path, pf_store_mode mode, pf_err *err)
{
    off_t size;
    if (!check_file(path, "-journal", &size, err))
        return false;
    if (size == 0)
        return true;
    char *journal = pf_strf(err, "%s-journal", path);
    if (!journal)
        return false;
    bool ok;
    if (has_journal(path) && !pf_store_is_unmade(path) && !names_another(journal))
        ok = true;
    else if (!pf_store_is_unmade(path))
        ok = !writes(mode) ||
             pf_fail(err, PF_ERR_FORMAT, "'%s' is no part of a catalog: remove it",
                     journal);
    else if (mode != PF_STORE_CREATE)
        ok = pf_fail(err, PF_ERR_NOT_FOUND, "'%s' is empty: nothing was indexed yet",
                     path);
    else
        ok = (truncate(path, 0) == 0 && unlink(journal) == 0) ||
             pf_fail_errno(err, errno, "cannot begin '%s' anew", path);
    pf_free(journal);
    return ok;
}

bool pf_store_open(pf_store **out, const char *path, pf_store_mode mode, pf_err *err)
{
    *out = NULL;
    if ((mode == PF_STORE_CREATE && !pf_file_make(path, err)) ||
        !pf_store_check_header(path, err) || !check_journal(path, mode, err))
        return false;
    struct stat st;
    if (lstat(path, &st) != 0 && errno == ENOENT)
        return pf_fail(err, PF_ERR_NOT_FOUND, "there is no catalog database '%s'",
                       path);
    if (mode != PF_STORE_DAMAGED && !check_log(path, err))
        return false;
    pf_store *s = pf_zalloc(sizeof *s, err);
    if (!s)
        return false;
    s->mode = mode;
    s->schema_checked = -1; /* none */
    pf_err local =
        PF_ERR_INIT; /* open_for_reading() needs the code even if err is NULL */
    bool ok =
        (s->path = pf_strdup(path, &local)) &&
        (!writes(mode) ? open_for_reading(s, &local) : open_for_writing(s, &local));
    if (!ok) {
        pf_store_close(s);
        return pf_fail_as(err, &local);
    }
    *out = s;
    return true;
}

void pf_store_close(pf_store *s)
{
    if (!s)
        return;
    pf_sql_close(s->db);
    pf_free(s->path);
    pf_free(s);
}

const char *pf_store_path(const pf_store *s)
{
    return s->path;
}

/* --- transactions --------------------------------------------------------------- */

bool pf_store_begin(pf_store *s, pf_err *err)
{
    if (!writes(s->mode))
        return pf_fail(err, PF_ERR_MISUSE, "'%s' is open for reading only", s->path);
    if (s->is_writing || s->is_reading)
        return pf_fail(err, PF_ERR_MISUSE, "'%s' has a transaction already", s->path);
    if (!pf_sql_run(s->db, "BEGIN IMMEDIATE", PF_SQL_NO_ARGS, err) ||
        !check_schema(s, err)) {
        pf_sql_rollback(s->db);
        return false;
    }
    s->is_writing = true;
    return true;
}

bool pf_store_is_writable(pf_store *s, pf_err *err)
{
    if (!s->is_writing)
        return pf_fail(err, PF_ERR_MISUSE, "a change to '%s' outside of a transaction",
                       s->path);
    /* SQLite rolls back by itself when the disk is full; going on would commit halves
     */
    if (!pf_sql_in_transaction(s->db))
        return pf_fail(err, PF_ERR_IO, "the transaction on '%s' was rolled back",
                       s->path);
    return true;
}

bool pf_store_commit(pf_store *s, pf_err *err)
{
    bool ok = pf_store_is_writable(s, err) && pf_sql_commit(s->db, err);
    pf_store_rollback(s);
    return ok;
}

void pf_store_rollback(pf_store *s)
{
    if (s->is_writing)
        pf_sql_rollback(s->db);
    s->is_writing = false;
}

bool pf_store_has_damage(pf_store *s)
{
    return pf_sql_has_damage(s->db);
}

bool pf_store_begin_read(pf_store *s, pf_err *err)
{
    if (s->is_writing || s->is_reading)
        return pf_fail(err, PF_ERR_MISUSE, "'%s' has a transaction already", s->path);
    s->text_limit = 0;
    int64_t generation; /* the snapshot is taken by the first read */
    if (!pf_sql_run(s->db, "BEGIN", PF_SQL_NO_ARGS, err) || !check_schema(s, err) ||
        !pf_store_get_generation(s, &generation, err)) {
        pf_sql_rollback(s->db);
        return false;
    }
    s->is_reading = true;
    return true;
}

void pf_store_end_read(pf_store *s)
{
    if (s->is_reading)
        pf_sql_rollback(s->db);
    s->is_reading = false;
}

bool pf_store_checkpoint(pf_store *s, pf_err *err)
{
    return !writes(s->mode) || s->is_writing || s->is_reading ||
           pf_sql_checkpoint(s->db, err);
}

bool pf_store_copy(pf_store *s, const char *path, pf_err *err)
{
    if (s->is_writing || s->is_reading)
        return pf_fail(err, PF_ERR_MISUSE, "'%s' has a transaction already", s->path);
    return pf_sql_copy(s->db, path, err);
}

/* --- the catalog as a whole ------------------------------------------------------ */

bool pf_store_get_generation(pf_store *s, int64_t *out, pf_err *err)
{
    return pf_sql_find_int(s->db, "SELECT generation FROM catalog", PF_SQL_NO_ARGS, out,
                           err) &&
           ((*out >= 0 && *out < INT64_MAX) || /* there is a next one */
            pf_fail(err, PF_ERR_FORMAT, "'%s' is damaged: its generation is %lld",
                    s->path, (long long)*out));
}

bool pf_store_set_generation(pf_store *s, int64_t generation, pf_err *err)
{
    return pf_store_is_writable(s, err) &&
           pf_sql_run(s->db, "UPDATE catalog SET generation = ?",
                      PF_SQL_ARGS(pf_sql_int(generation)), err);
}

bool pf_store_is_shared(pf_store *s, bool *out, pf_err *err)
{
    int64_t is_shared = 0;
    const bool ok = pf_sql_find_int(s->db, "SELECT is_shared FROM catalog",
                                    PF_SQL_NO_ARGS, &is_shared, err);
    *out = is_shared != 0;
    return ok;
}

bool pf_store_set_shared(pf_store *s, bool is_shared, pf_err *err)
{
    return pf_store_is_writable(s, err) &&
           pf_sql_run(s->db, "UPDATE catalog SET is_shared = ?",
                      PF_SQL_ARGS(pf_sql_int(is_shared)), err);
}

bool pf_store_count(pf_store *s, pf_store_counts *out, pf_err *err)
{
    *out = (pf_store_counts){0};
    pf_sql_rows *rows;
    bool has_row;
    bool ok = pf_sql_start(&rows, s->db,
                           "SELECT (SELECT count(id) FROM image),"
                           " (SELECT count(id) FROM caption),"
                           " (SELECT count(id) FROM teaching_case),"
                           " (SELECT count(id) FROM source),"
                           " (SELECT count(path) FROM failure),"
                           " (SELECT count(id) FROM picture),"
                           " (SELECT count(id) FROM caption_text),"
                           " (SELECT count(DISTINCT image_id) FROM caption_image),"
                           " (SELECT count(id) FROM image WHERE NOT EXISTS"
                           "  (SELECT 1 FROM caption WHERE image_id = image.id)"
                           "  AND NOT EXISTS (SELECT 1 FROM caption"
                           "   WHERE caption.case_id = image.case_id)),"
                           " (SELECT count(id) FROM caption WHERE caption_text_id IN"
                           "  (SELECT id FROM caption_text WHERE is_cut = 1)),"
                           " created_at, created_by FROM catalog",
                           PF_SQL_NO_ARGS, err) &&
              pf_sql_next(rows, &has_row, err);
    if (ok && has_row) {
        int64_t *fields[] = {
            &out->images,        &out->captions,         &out->cases,
            &out->sources,       &out->failures,         &out->pictures,
            &out->caption_texts, &out->captioned_images, &out->bare_images,
            &out->cut_captions,  &out->created_at};
        for (int i = 0; i < (int)(sizeof fields / sizeof *fields); i++)
            *fields[i] = pf_sql_get_int(rows, i);
        snprintf(out->created_by, sizeof out->created_by, "%s",
                 pf_sql_get_text(rows, 11));
    }
    pf_sql_end(rows);
    return ok;
}

/* --- model ----------------------------------------------------------------------- */

bool pf_store_find_model_id(pf_store *s, int64_t *id, pf_err *err)
{
    return pf_sql_find_int(s->db, "SELECT model_id FROM catalog", PF_SQL_NO_ARGS, id,
                           err);
}

bool pf_store_read_dim(int64_t said, int *dim)
{
    const bool ok = said >= 1 && said <= PF_VINDEX_DIM_MAX; /* as the schema has it */
    *dim = ok ? (int)said : 0;
    return ok;
}

static bool no_dim(const pf_store *s, int64_t model_id, int64_t said, pf_err *err)
{
    return pf_fail(err, PF_ERR_FORMAT,
                   "'%s' is damaged: model %lld makes vectors of %lld floats; 1 to %d "
                   "are possible",
                   s->path, (long long)model_id, (long long)said, PF_VINDEX_DIM_MAX);
}

bool pf_store_find_dim(pf_store *s, int64_t model_id, int *dim, pf_err *err)
{
    *dim = 0;
    pf_sql_rows *rows;
    bool has_row;
    bool ok = pf_sql_start(&rows, s->db, "SELECT dim FROM model WHERE id = ?",
                           PF_SQL_ARGS(pf_sql_int(model_id)), err) &&
              pf_sql_next(rows, &has_row, err);
    if (ok && has_row) {
        const int64_t said = pf_sql_get_int(rows, 0);
        ok = pf_store_read_dim(said, dim) || no_dim(s, model_id, said, err);
    }
    pf_sql_end(rows);
    return ok;
}

static bool read_model(pf_store *s, pf_store_model *out, pf_sql_rows *rows, pf_err *err)
{
    const int64_t id = pf_sql_get_int(rows, 0), dim = pf_sql_get_int(rows, 5);
    if (!pf_store_read_dim(dim, &out->dim))
        return no_dim(s, id, dim, err);
    out->logit_scale = pf_sql_get_real(rows, 6);
    out->round = (int)pf_sql_get_int(rows, 9);
    if (!isfinite(out->logit_scale))
        return pf_fail(err, PF_ERR_FORMAT,
                       "'%s' is damaged: the logit_scale of model %lld is no number",
                       s->path, (long long)id);
    char **fields[] = {&out->fingerprint, &out->path, &out->preprocess,
                       &out->description, &out->stamp};
    const int columns[] = {1, 2, 3, 4, 7};
    for (int i = 0; i < 5; i++) {
        if (!(*fields[i] = pf_strdup(pf_sql_get_text(rows, columns[i]), err)))
            return false;
    }
    if (!pf_sql_is_null(rows, 8) &&
        !(out->tokenizer = pf_strdup(pf_sql_get_text(rows, 8), err)))
        return false;
    out->id = id;
    return true;
}

bool pf_store_find_model(pf_store *s, pf_store_model *out, pf_err *err)
{
    pf_sql_rows *rows;
    bool has_row;
    bool ok =
        pf_sql_start(&rows, s->db,
                     "SELECT model.id, fingerprint, path, preprocess, description,"
                     " dim, logit_scale, stamp, tokenizer, round"
                     " FROM model JOIN catalog ON catalog.model_id = model.id",
                     PF_SQL_NO_ARGS, err) &&
        pf_sql_next(rows, &has_row, err);
    if (ok && has_row)
        ok = read_model(s, out, rows, err);
    pf_sql_end(rows);
    if (!ok)
        pf_store_model_reset(out);
    return ok;
}

void pf_store_model_reset(pf_store_model *m)
{
    pf_free(m->fingerprint);
    pf_free(m->path);
    pf_free(m->preprocess);
    pf_free(m->description);
    pf_free(m->stamp);
    pf_free(m->tokenizer);
    *m = (pf_store_model){0};
}

bool pf_store_put_model(pf_store *s, const pf_store_model *m, int64_t *id, pf_err *err)
{
    *id = 0;
    int64_t same_dim;
    if (!pf_store_is_writable(s, err) ||
        !pf_sql_find_int(
            s->db,
            "INSERT INTO model (fingerprint, path, preprocess, dim, logit_scale,"
            " description, stamp, tokenizer, round)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
            " ON CONFLICT (fingerprint, round) DO UPDATE SET path = ?2,"
            " description = ?6, stamp = ?7, tokenizer = ?8 RETURNING id",
            PF_SQL_ARGS(pf_sql_text(m->fingerprint), pf_sql_text(m->path),
                        pf_sql_text(m->preprocess), pf_sql_int(m->dim),
                        pf_sql_real(m->logit_scale), pf_sql_text(m->description),
                        pf_sql_text(m->stamp), pf_sql_path(m->tokenizer),
                        pf_sql_int(m->round > 0 ? m->round : 1)),
            id, err) ||
        !pf_sql_find_int(s->db, "SELECT dim = ? FROM model WHERE id = ?",
                         PF_SQL_ARGS(pf_sql_int(m->dim), pf_sql_int(*id)), &same_dim,
                         err))
        return false;
    return same_dim || pf_fail(err, PF_ERR_MISMATCH,
                               "model '%s' was recorded with another dimension than %d",
                               m->fingerprint, m->dim);
}

bool pf_store_use_model(pf_store *s, int64_t model_id, pf_err *err)
{
    return pf_store_is_writable(s, err) &&
           pf_sql_run(s->db, "UPDATE catalog SET model_id = ?",
                      PF_SQL_ARGS(pf_sql_id(model_id)), err);
}

/* --- sources --------------------------------------------------------------------- */

static bool put_tables(pf_store *s, int64_t id, const pf_store_source *source,
                       pf_err *err)
{
    bool ok = pf_sql_run(s->db, "DELETE FROM source_table WHERE source_id = ?",
                         PF_SQL_ARGS(pf_sql_int(id)), err);
    for (size_t i = 0; ok && i < source->n_tables; i++)
        ok = pf_sql_run(
            s->db, "INSERT INTO source_table (source_id, place, path) VALUES (?, ?, ?)",
            PF_SQL_ARGS(pf_sql_int(id), pf_sql_int((int64_t)i),
                        pf_sql_path(source->tables[i])),
            err);
    return ok;
}

bool pf_store_put_source(pf_store *s, const pf_store_source *source, int64_t *id,
                         pf_err *err)
{
    *id = 0;
    return pf_store_is_writable(s, err) &&
           pf_sql_find_int(
               s->db,
               "INSERT INTO source (path, kind, columns, texts_hash, added_at,"
               " follows_links) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
               " ON CONFLICT (path) DO UPDATE SET kind = ?2,"
               " columns = ?3, texts_hash = ?4, follows_links = ?6 RETURNING id",
               PF_SQL_ARGS(
                   pf_sql_path(source->path), pf_sql_text(source->kind),
                   pf_sql_text(source->columns),
                   pf_sql_bytes(source->texts_hash.b, sizeof source->texts_hash.b),
                   pf_sql_int(time(NULL)), pf_sql_int(source->follows_links)),
               id, err) &&
           put_tables(s, *id, source, err);
}

/* Paths of tables while a source is shown. */
typedef struct {
    char **at;
    size_t n, room;
} table_list;

static bool list_tables(pf_store *s, int64_t source_id, table_list *list, pf_err *err)
{
    pf_sql_rows *rows;
    bool has_row = true;
    bool ok = pf_sql_start(&rows, s->db,
                           "SELECT path FROM source_table WHERE source_id = ?"
                           " ORDER BY place",
                           PF_SQL_ARGS(pf_sql_int(source_id)), err);
    while (ok && (ok = pf_sql_next(rows, &has_row, err)) && has_row) {
        char *path = NULL;
        ok = pf_grow_array(&list->at, &list->room, list->n, sizeof *list->at, err) &&
             (path = pf_strdup(pf_sql_get_text(rows, 0), err));
        if (ok)
            list->at[list->n++] = path;
    }
    pf_sql_end(rows);
    return ok;
}

static void forget_tables(table_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        pf_free(list->at[i]);
    pf_free(list->at);
    *list = (table_list){0};
}

static bool show_source(pf_store *s, pf_sql_rows *rows, pf_store_source_fn *fn,
                        void *user, pf_err *err)
{
    table_list tables = {0};
    pf_store_source source = {
        .id = pf_sql_get_int(rows, 0),
        .path = pf_sql_get_text(rows, 1),
        .kind = pf_sql_get_text(rows, 2),
        .columns = pf_sql_is_null(rows, 3) ? NULL : pf_sql_get_text(rows, 3),
        .added_at = pf_sql_get_int(rows, 4),
        .follows_links = pf_sql_get_int(rows, 6) != 0,
    };
    size_t n;
    const void *hash = pf_sql_get_bytes(rows, 5, &n);
    if (n == sizeof source.texts_hash.b)
        memcpy(source.texts_hash.b, hash, n);
    bool ok = list_tables(s, source.id, &tables, err);
    source.tables = (const char *const *)tables.at;
    source.n_tables = tables.n;
    ok = ok && fn(user, &source, err);
    forget_tables(&tables);
    return ok;
}

bool pf_store_each_source(pf_store *s, pf_store_source_fn *fn, void *user, pf_err *err)
{
    pf_sql_rows *rows;
    bool has_row = true;
    bool ok = pf_sql_start(&rows, s->db,
                           "SELECT id, path, kind, columns, added_at, texts_hash,"
                           " follows_links FROM source ORDER BY id",
                           PF_SQL_NO_ARGS, err);
    while (ok && (ok = pf_sql_next(rows, &has_row, err)) && has_row)
        ok = show_source(s, rows, fn, user, err);
    pf_sql_end(rows);
    return ok;
}

bool pf_store_set_exclusions(pf_store *s, int64_t source_id,
                             const char *const *patterns, size_t n, pf_err *err)
{
    bool ok = pf_store_is_writable(s, err) &&
              pf_sql_run(s->db, "DELETE FROM source_exclusion WHERE source_id = ?",
                         PF_SQL_ARGS(pf_sql_int(source_id)), err);
    for (size_t i = 0; ok && i < n; i++)
        ok = pf_sql_run(
            s->db,
            "INSERT INTO source_exclusion (source_id, pattern) VALUES (?, ?)"
            " ON CONFLICT DO NOTHING",
            PF_SQL_ARGS(pf_sql_int(source_id), pf_sql_path(patterns[i])), err);
    return ok;
}

bool pf_store_each_exclusion(pf_store *s, int64_t source_id, pf_store_exclusion_fn *fn,
                             void *user, pf_err *err)
{
    pf_sql_rows *rows;
    bool has_row;
    bool ok = pf_sql_start(&rows, s->db,
                           "SELECT pattern FROM source_exclusion WHERE source_id = ?"
                           " ORDER BY pattern",
                           PF_SQL_ARGS(pf_sql_int(source_id)), err);
    while (ok && (ok = pf_sql_next(rows, &has_row, err)) && has_row)
        ok = fn(user, pf_sql_get_text(rows, 0), err);
    pf_sql_end(rows);
    return ok;
}

bool pf_store_adopt_source(pf_store *s, int64_t from, int64_t to, pf_err *err)
{
    static const char *const change[] = {
        "UPDATE image SET source_id = ?2 WHERE source_id = ?1",
        "UPDATE failure SET source_id = ?2 WHERE source_id = ?1",
        "UPDATE OR IGNORE teaching_case SET source_id = ?2 WHERE source_id = ?1"};
    bool ok = pf_store_is_writable(s, err);
    for (size_t i = 0; ok && i < sizeof change / sizeof *change; i++)
        ok = pf_sql_run(s->db, change[i], PF_SQL_ARGS(pf_sql_int(from), pf_sql_int(to)),
                        err);
    return ok;
}

bool pf_store_delete_source(pf_store *s, int64_t id, pf_err *err)
{
    return pf_store_is_writable(s, err) &&
           pf_sql_run(s->db, "DELETE FROM source WHERE id = ?",
                      PF_SQL_ARGS(pf_sql_int(id)), err);
}

/* Paths are bytes, and counted as bytes. */
#define LIES_IN(column, folder)                                                        \
    "(" column " = " folder " OR substr(" column ", 1, length(" folder ") + 1) ="      \
    " CAST(" folder " || '/' AS BLOB))"
#define REPLACE_START(column, old, new)                                                \
    column " = CAST(" new " || substr(" column ", length(" old ") + 1) AS BLOB)"
/* As no path begins with it. */
#define NOWHERE "CAST('//' AS BLOB)"

/* In two steps, for a new path may be the old one of another file. */
bool pf_store_relocate_source(pf_store *s, int64_t id, const char *from, const char *to,
                              pf_err *err)
{
    static const char *const change[] = {
        "UPDATE source SET path = ?3 WHERE id = ?1 AND path = ?2",
        "UPDATE image SET " REPLACE_START(
            "path", "?2",
            "'//'") " WHERE source_id = ?1 AND " LIES_IN("path", "?2") " AND ?3 <> ''",
        "UPDATE image SET " REPLACE_START(
            "path", "'//'",
            "?3") " WHERE source_id = ?1 AND " LIES_IN("path", NOWHERE) " AND ?2 <> ''",
        "UPDATE failure SET " REPLACE_START(
            "path", "?2",
            "'//'") " WHERE source_id = ?1 AND " LIES_IN("path", "?2") " AND ?3 <> ''",
        "UPDATE failure SET " REPLACE_START(
            "path", "'//'",
            "?3") " WHERE source_id = ?1 AND " LIES_IN("path",
                                                       NOWHERE) " AND ?2 <> ''"};
    bool ok = pf_store_is_writable(s, err);
    for (size_t i = 0; ok && i < sizeof change / sizeof *change; i++)
        ok = pf_sql_run(s->db, change[i],
                        PF_SQL_ARGS(pf_sql_int(id), pf_sql_path(from), pf_sql_path(to)),
                        err);
    return ok;
}

bool pf_store_relocate_tables(pf_store *s, const char *from, const char *to,
                              pf_err *err)
{
    return pf_store_is_writable(s, err) &&
           pf_sql_run(s->db,
                      "UPDATE source_table SET " REPLACE_START(
                          "path", "?1", "?2") " WHERE " LIES_IN("path", "?1"),
                      PF_SQL_ARGS(pf_sql_path(from), pf_sql_path(to)), err);
}

bool pf_store_count_source(pf_store *s, int64_t id, pf_store_counts *out, pf_err *err)
{
    *out = (pf_store_counts){0};
    return pf_sql_find_int(s->db, "SELECT count(id) FROM image WHERE source_id = ?",
                           PF_SQL_ARGS(pf_sql_int(id)), &out->images, err) &&
           pf_sql_find_int(s->db,
                           "SELECT count(id) FROM caption WHERE image_id IN"
                           " (SELECT id FROM image WHERE source_id = ?1) OR case_id IN"
                           " (SELECT id FROM teaching_case WHERE source_id = ?1)",
                           PF_SQL_ARGS(pf_sql_int(id)), &out->captions, err) &&
           pf_sql_find_int(s->db,
                           "SELECT count(id) FROM teaching_case WHERE source_id = ?",
                           PF_SQL_ARGS(pf_sql_int(id)), &out->cases, err);
}

/* --- vectors --------------------------------------------------------------------- */

bool pf_store_is_unit(const float *vector, int dim)
{
    double sum = 0;
    for (int i = 0; i < dim; i++)
        sum += (double)vector[i] * vector[i];
    return fabs(sum - 1) <= 2e-3; /* false for NaN, too */
}

void pf_store_pack(uint8_t *blob, const float *vector, int dim)
{
    for (int i = 0; i < dim; i++) {
        uint32_t bits;
        memcpy(&bits, &vector[i], sizeof bits);
        for (int b = 0; b < 4; b++)
            blob[4 * i + b] = (uint8_t)(bits >> 8 * b);
    }
}

void pf_store_unpack(float *vector, const uint8_t *blob, int dim)
{
    for (int i = 0; i < dim; i++) {
        const uint8_t *b = blob + 4 * i;
        uint32_t bits = (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 |
                        (uint32_t)b[3] << 24;
        memcpy(&vector[i], &bits, sizeof bits);
    }
}
