/*
 * store_open.c - see store.h. Opening a catalog.db, whatever lies there: who made it,
 * which format it has, what SQLite keeps beside it; and bringing an older one up to
 * date.
 *
 * A file is changed only after it has shown that it is a catalog (application_id) or
 * empty: somebody else's database stays as it was, journal mode included.
 */
#include "core/catalog/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/span.h"
#include "core/catalog/schema.h"
#include "core/catalog/store_impl.h"
#include "core/catalog/wal.h"
#include "core/version.h"

typedef struct {
    int64_t application, version, has_tables;
    bool is_sealed;
} identity;

bool pf_store_mode_writes(pf_store_mode mode)
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
    if (is->version < pf_schema_version && !pf_store_mode_writes(mode))
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
bool pf_store_look_at_schema(pf_store *s, pf_err *err)
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
               pf_store_look_at_schema(s, err);
    bool ok = pf_sql_open(&s->db, s->path, PF_SQL_READ, err) &&
              read_identity(s->db, &is, err);
    if (!ok && err && err->code == PF_ERR_IO && may_be_immutable(s->path, err)) {
        pf_sql_close(s->db);
        ok = pf_sql_open(&s->db, s->path, PF_SQL_IMMUTABLE, err) &&
             read_identity(s->db, &is, err);
    }
    return ok && pf_store_look_at_schema(s, err);
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
    uint32_t application = pf_u32be(header + 68), pages = pf_u32be(header + 28);
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
             pf_u32be(header + 68) == 0 && pf_u32be(header + 28) <= 1));
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
        ok = !pf_store_mode_writes(mode) ||
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
    bool ok = (s->path = pf_strdup(path, &local)) &&
              (!pf_store_mode_writes(mode) ? open_for_reading(s, &local)
                                           : open_for_writing(s, &local));
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
