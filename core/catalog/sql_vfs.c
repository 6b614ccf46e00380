/*
 * sql_vfs.c - see sql_vfs.h. With sql.c, the files that include sqlite3.h.
 *
 * What SQLite promises about the calls, and this relies on
 * (https://www.sqlite.org/c3ref/io_methods.html, /fileformat2.html):
 *
 *   - pages of the database are read and written whole, but for the header's first 100
 *     bytes; page N lies at (N - 1) * page size
 *   - the log is read from offset 0 with 32 bytes only when SQLite recovers from it,
 * and its pages behind headers of 24 bytes
 *   - a log begins anew only after all of it went into the database
 *
 * No page goes into the log with a checksum: SQLite has summed it up before we see it.
 * It has one of its own there, and gets ours when it is copied into the database.
 */
#include "core/catalog/sql_vfs.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "core/base/hash.h"
#include "core/base/mem.h"
#include "core/catalog/wal.h"

enum {
    HEADER = 100,          /* bytes of a database's header */
    HEADER_PAGE_SIZE = 16, /* where it has the page size, */
    HEADER_RESERVED = 20,  /* and the bytes at the end of pages that are not used */
};

typedef struct guarded guarded;
struct guarded {
    sqlite3_file base;
    sqlite3_file *real; /* behind this in memory */
    const char *name;   /* SQLite's, as long as the file is open */
    guarded *other;     /* the log of a database, the database of a log; or NULL */
    guarded *owner;     /* the database it belongs to, itself that is, too; or NULL */
    uint32_t page_size; /* of the database; 0: not known yet */
    bool is_journal;    /* of a rollback: everything is handed on */
    bool is_wal;
    bool is_checked;        /* the database's pages have checksums */
    bool trusts;            /* but they are not looked at */
    bool has_written;       /* to the log: what is not committed proves nothing */
    uint8_t *page;          /* a copy of what is written; NULL: not needed yet */
    pf_sql_damage damage;   /* of the database */
    pf_sql_failure failure; /* of the database and what belongs to it */
    pf_wal_life life;       /* of the log, as far as was marked */
};

static sqlite3_vfs *system_vfs;

static guarded *of(sqlite3_file *file)
{
    return (guarded *)file;
}

static int noted(guarded *f, int rc)
{
    if (rc != SQLITE_OK && rc != SQLITE_IOERR_SHORT_READ && f->owner)
        f->owner->failure = (pf_sql_failure){errno, f->is_wal};
    return rc;
}

/* --- checksums ---------------------------------------------------------------------
 */

static void make_checksum(uint8_t out[PF_PAGE_CHECKSUM], const uint8_t *page,
                          uint32_t page_size, uint32_t number)
{
    const uint64_t hash = pf_hash_seeded(page, page_size - PF_PAGE_CHECKSUM, number);
    for (int i = 0; i < PF_PAGE_CHECKSUM; i++)
        out[i] = (uint8_t)(hash >> (56 - 8 * i));
}

void pf_sql_seal_page(uint8_t *page, uint32_t page_size, uint32_t number)
{
    make_checksum(page + page_size - PF_PAGE_CHECKSUM, page, page_size, number);
}

static bool is_sealed(const uint8_t *page, uint32_t page_size, uint32_t number)
{
    uint8_t sum[PF_PAGE_CHECKSUM];
    make_checksum(sum, page, page_size, number);
    return memcmp(sum, page + page_size - PF_PAGE_CHECKSUM, sizeof sum) == 0;
}

/* Bytes of the header have passed, of a file that is read or written. */
static void learn(guarded *f, const uint8_t *header)
{
    uint32_t size =
        (uint32_t)header[HEADER_PAGE_SIZE] << 8 | header[HEADER_PAGE_SIZE + 1];
    if (size == 1) /* does not fit into two bytes */
        size = 65536;
    const bool is_size = size >= 512 && (size & (size - 1)) == 0;
    f->page_size = is_size ? size : 0;
    f->is_checked = is_size && header[HEADER_RESERVED] == PF_PAGE_CHECKSUM;
}

/* Is this the whole of a page that has a checksum? */
static bool is_page(const guarded *f, int n, sqlite3_int64 at)
{
    return f->is_checked && (uint32_t)n == f->page_size && at % n == 0;
}

/* --- the log ------------------------------------------------------------------------
 */

static bool read_log(void *log, void *bytes, size_t n, int64_t at)
{
    sqlite3_file *real = log;
    return real->pMethods->xRead(real, bytes, (int)n, at) == SQLITE_OK;
}

static pf_wal wal_of(const guarded *log)
{
    return (pf_wal){.read = read_log, .log = log->real};
}

/* A database without checksums may have a log that was never marked. */
static bool needs_mark(const guarded *log)
{
    return log->other && log->other->is_checked && !log->other->trusts;
}

/* SQLite is about to recover from the log. */
static int check_log(guarded *log)
{
    pf_wal_mark mark;
    if (!needs_mark(log))
        return SQLITE_OK;
    const pf_wal wal = wal_of(log);
    const char *wrong = pf_wal_mark_read(log->name, &mark)
                            ? pf_wal_check(&wal, &mark)
                            : "the file beside its write-ahead log (-mark) is damaged";
    if (!wrong)
        return SQLITE_OK;
    log->other->damage = (pf_sql_damage){.of_wal = wrong};
    return SQLITE_IOERR_DATA;
}

/* The header in the log is the database's own, whatever the file still has. */
static int check_log_page(guarded *log, const uint8_t *page, int n, sqlite3_int64 at)
{
    if (log->has_written || !log->other || log->other->trusts ||
        (uint32_t)n != log->other->page_size)
        return SQLITE_OK;
    uint32_t number;
    const pf_wal wal = wal_of(log);
    if (!pf_wal_is_page_whole(&wal, page, (size_t)n, at, &number)) {
        log->other->damage = (pf_sql_damage){.page = number, .is_in_wal = true};
        return SQLITE_IOERR_DATA;
    }
    if (number == 1)
        learn(log->other, page);
    return SQLITE_OK;
}

static int write_mark(guarded *log, const pf_wal_mark *mark)
{
    return pf_wal_mark_write(log->name, mark) ? SQLITE_OK
                                              : noted(log, SQLITE_IOERR_FSYNC);
}

/* The log begins anew: it may be the new one that lies there after a power cut, or the
 * one that was, if only with a header and no commit. */
static int announce(guarded *log, const uint8_t header[PF_WAL_HEADER])
{
    pf_wal_mark mark;
    pf_wal_life old;
    const pf_wal wal = wal_of(log);
    if (!pf_wal_mark_read(log->name, &mark))
        mark = (pf_wal_mark){0};
    if (pf_wal_count(&wal, &mark.next, &old) &&
        memcmp(old.salt, mark.next.salt, sizeof old.salt) == 0)
        mark.now = mark.next;
    for (int i = 0; i < 2; i++) {
        const uint8_t *b = header + 16 + 4 * i;
        mark.next.salt[i] =
            (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
    }
    mark.next.frames = 0;
    log->life = mark.next;
    return write_mark(log, &mark);
}

/* What is in the log by now has to stay, until it begins anew or is emptied. */
static int commit(guarded *log, uint32_t *frames)
{
    const pf_wal wal = wal_of(log);
    pf_wal_mark mark = {0};
    if (!pf_wal_count(&wal, &log->life, &mark.now))
        return SQLITE_OK; /* there is none */
    *frames = mark.now.frames;
    if (memcmp(&mark.now, &log->life, sizeof mark.now) == 0)
        return SQLITE_OK; /* nothing came to it */
    const int rc = write_mark(log, &mark);
    if (rc == SQLITE_OK)
        log->life = mark.now;
    return rc;
}

/* All that was in the log is in the database. */
static int release(const char *wal_name)
{
    pf_wal_mark mark;
    if (!pf_wal_mark_read(wal_name, &mark) || !mark.is_there || mark.now.frames == 0)
        return SQLITE_OK;
    mark.now.frames = 0;
    return pf_wal_mark_write(wal_name, &mark) ? SQLITE_OK : SQLITE_IOERR_FSYNC;
}

/* --- reading and writing ------------------------------------------------------------
 */

/* A page of which the file has the beginning: what SQLite would take for zeros may have
 * been anything. One that begins behind the end is only in the log. */
static bool is_cut_page(guarded *f, int n, sqlite3_int64 at)
{
    sqlite3_int64 size = 0;
    return !f->is_journal && !f->is_wal && !f->trusts && at > 0 && is_page(f, n, at) &&
           f->real->pMethods->xFileSize(f->real, &size) == SQLITE_OK && size > at;
}

static int guarded_read(sqlite3_file *file, void *bytes, int n, sqlite3_int64 at)
{
    guarded *f = of(file);
    if (f->is_wal && at == 0 && n == PF_WAL_HEADER) {
        const int rc = check_log(f);
        if (rc != SQLITE_OK)
            return rc;
    }
    const int rc = noted(f, f->real->pMethods->xRead(f->real, bytes, n, at));
    if (rc == SQLITE_IOERR_SHORT_READ && is_cut_page(f, n, at)) {
        f->damage = (pf_sql_damage){.page = (uint32_t)(at / n) + 1};
        return SQLITE_IOERR_DATA;
    }
    if (rc != SQLITE_OK || f->is_journal)
        return rc;
    if (f->is_wal)
        return check_log_page(f, bytes, n, at);
    if (at == 0 && n >= HEADER)
        learn(f, bytes);
    if (f->trusts || !is_page(f, n, at))
        return SQLITE_OK;
    const uint32_t number = (uint32_t)(at / n) + 1;
    if (is_sealed(bytes, f->page_size, number))
        return SQLITE_OK;
    f->damage = (pf_sql_damage){.page = number};
    return SQLITE_IOERR_DATA;
}

/* What SQLite has in memory is left as it is. */
static int write_sealed(guarded *f, const void *bytes, int n, sqlite3_int64 at)
{
    if (!f->page && !(f->page = pf_alloc_array(65536, 1, NULL)))
        return SQLITE_IOERR_NOMEM;
    memcpy(f->page, bytes, (size_t)n);
    pf_sql_seal_page(f->page, f->page_size, (uint32_t)(at / n) + 1);
    return noted(f, f->real->pMethods->xWrite(f->real, f->page, n, at));
}

static int guarded_write(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 at)
{
    guarded *f = of(file);
    if (f->is_wal) {
        f->has_written = true;
        const int rc = at == 0 && n == PF_WAL_HEADER ? announce(f, bytes) : SQLITE_OK;
        return rc != SQLITE_OK
                   ? rc
                   : noted(f, f->real->pMethods->xWrite(f->real, bytes, n, at));
    }
    if (at == 0 && n >= HEADER && !f->is_journal)
        learn(f, bytes);
    return is_page(f, n, at)
               ? write_sealed(f, bytes, n, at)
               : noted(f, f->real->pMethods->xWrite(f->real, bytes, n, at));
}

static int guarded_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    guarded *f = of(file);
    const int rc = f->is_wal && size == 0 ? noted(f, release(f->name)) : SQLITE_OK;
    return rc != SQLITE_OK ? rc : noted(f, f->real->pMethods->xTruncate(f->real, size));
}

static int guarded_control(sqlite3_file *file, int op, void *arg)
{
    guarded *f = of(file);
    switch (op) {
    case PF_VFS_COMMITTED:
        *(uint32_t *)arg = 0;
        return f->other ? commit(f->other, arg) : SQLITE_OK;
    case PF_VFS_DAMAGE:
        *(pf_sql_damage *)arg = f->damage;
        return SQLITE_OK;
    case PF_VFS_FAILURE:
        *(pf_sql_failure *)arg = f->failure;
        f->failure = (pf_sql_failure){0};
        return SQLITE_OK;
    case PF_VFS_TRUST:
        f->trusts = true;
        return SQLITE_OK;
    case PF_VFS_IS_CHECKED:
        *(bool *)arg = f->is_checked;
        return SQLITE_OK;
    default:
        return f->real->pMethods->xFileControl(f->real, op, arg);
    }
}

/* --- handed on -----------------------------------------------------------------------
 */

static int guarded_close(sqlite3_file *file)
{
    guarded *f = of(file);
    if (f->other)
        f->other->other = NULL;
    pf_free(f->page);
    f->page = NULL;
    return f->real->pMethods->xClose(f->real);
}

static int guarded_sync(sqlite3_file *file, int flags)
{
    sqlite3_file *real = of(file)->real;
    return noted(of(file), real->pMethods->xSync(real, flags));
}

static int guarded_size(sqlite3_file *file, sqlite3_int64 *size)
{
    sqlite3_file *real = of(file)->real;
    return real->pMethods->xFileSize(real, size);
}

static int guarded_lock(sqlite3_file *file, int level)
{
    sqlite3_file *real = of(file)->real;
    return real->pMethods->xLock(real, level);
}

static int guarded_unlock(sqlite3_file *file, int level)
{
    sqlite3_file *real = of(file)->real;
    return real->pMethods->xUnlock(real, level);
}

static int guarded_is_reserved(sqlite3_file *file, int *is_reserved)
{
    sqlite3_file *real = of(file)->real;
    return real->pMethods->xCheckReservedLock(real, is_reserved);
}

static int guarded_sector_size(sqlite3_file *file)
{
    sqlite3_file *real = of(file)->real;
    return real->pMethods->xSectorSize(real);
}

static int guarded_device(sqlite3_file *file)
{
    sqlite3_file *real = of(file)->real;
    return real->pMethods->xDeviceCharacteristics(real);
}

static int guarded_shm_map(sqlite3_file *file, int region, int size, int extend,
                           void volatile **out)
{
    sqlite3_file *real = of(file)->real;
    return real->pMethods->xShmMap(real, region, size, extend, out);
}

static int guarded_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    sqlite3_file *real = of(file)->real;
    return real->pMethods->xShmLock(real, offset, n, flags);
}

static void guarded_shm_barrier(sqlite3_file *file)
{
    sqlite3_file *real = of(file)->real;
    real->pMethods->xShmBarrier(real);
}

static int guarded_shm_unmap(sqlite3_file *file, int is_deleted)
{
    sqlite3_file *real = of(file)->real;
    return real->pMethods->xShmUnmap(real, is_deleted);
}

/* Version 2: without mapping, which would pass us by. */
static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = guarded_close,
    .xRead = guarded_read,
    .xWrite = guarded_write,
    .xTruncate = guarded_truncate,
    .xSync = guarded_sync,
    .xFileSize = guarded_size,
    .xLock = guarded_lock,
    .xUnlock = guarded_unlock,
    .xCheckReservedLock = guarded_is_reserved,
    .xFileControl = guarded_control,
    .xSectorSize = guarded_sector_size,
    .xDeviceCharacteristics = guarded_device,
    .xShmMap = guarded_shm_map,
    .xShmLock = guarded_shm_lock,
    .xShmBarrier = guarded_shm_barrier,
    .xShmUnmap = guarded_shm_unmap,
};

/* --- the layer
 * ------------------------------------------------------------------------ */

/* A log and its database know each other; of a journal it is enough to know whose. */
static void introduce(guarded *side)
{
    sqlite3_file *database = sqlite3_database_file_object(side->name);
    if (!database || database->pMethods != &methods)
        return;
    side->owner = of(database);
    if (side->is_wal) {
        side->other = side->owner;
        side->other->other = side;
    }
}

/* When the system's layer cannot make a log it tries to read one, and the reason that
 * is left is that there is none. Made here it has the database's mode, as from SQLite.
 */
static bool make_log(const char *name)
{
    struct stat st;
    const char *database = sqlite3_filename_database(name);
    const int fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno == EEXIST;
    const bool ok = stat(database, &st) != 0 || fchmod(fd, st.st_mode & 0777) == 0;
    const int why = errno;
    close(fd);
    errno = why;
    return ok;
}

static int vfs_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file,
                    int flags, int *out_flags)
{
    (void)vfs;
    if (!(flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)))
        return system_vfs->xOpen(system_vfs, name, file, flags, out_flags);
    guarded *f = of(file);
    memset(f, 0, sizeof *f);
    f->real = (sqlite3_file *)(f + 1);
    f->name = name;
    f->is_wal = flags & SQLITE_OPEN_WAL;
    f->is_journal = flags & SQLITE_OPEN_MAIN_JOURNAL;
    if (flags & SQLITE_OPEN_MAIN_DB) {
        f->owner = f;
        f->page_size = (uint32_t)sqlite3_uri_int64(name, PF_VFS_SEALED, 0);
        f->is_checked = f->page_size > 0;
    } else {
        introduce(f);
    }
    bool is_made = true;
    if (f->is_wal && (flags & SQLITE_OPEN_CREATE)) {
        is_made = make_log(name);
        flags &= ~SQLITE_OPEN_CREATE;
    }
    const int rc = is_made
                       ? system_vfs->xOpen(system_vfs, name, f->real, flags, out_flags)
                       : SQLITE_CANTOPEN;
    if (rc == SQLITE_OK)
        f->base.pMethods = &methods;
    else if (f->other)
        f->other->other = NULL;
    return noted(f, rc);
}

static bool ends_with(const char *name, const char *end)
{
    const size_t n = strlen(name), k = strlen(end);
    return n > k && strcmp(name + n - k, end) == 0;
}

/* Names of logs and journals are the pager's, from which the database can be found. */
static int noted_of(const char *name, int rc)
{
    const bool is_log = ends_with(name, "-wal");
    if (rc == SQLITE_OK || rc == SQLITE_IOERR_DELETE_NOENT ||
        !(is_log || ends_with(name, "-journal")))
        return rc;
    const int why = errno;
    sqlite3_file *database = sqlite3_database_file_object(name);
    if (database && database->pMethods == &methods)
        of(database)->failure = (pf_sql_failure){why, is_log};
    return rc;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync_folder)
{
    (void)vfs;
    const int rc = ends_with(name, "-wal") ? release(name) : SQLITE_OK;
    return noted_of(name, rc != SQLITE_OK
                              ? rc
                              : system_vfs->xDelete(system_vfs, name, sync_folder));
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
    (void)vfs;
    return system_vfs->xAccess(system_vfs, name, flags, out);
}

static int vfs_full_name(sqlite3_vfs *vfs, const char *name, int n, char *out)
{
    (void)vfs;
    return system_vfs->xFullPathname(system_vfs, name, n, out);
}

static int vfs_randomness(sqlite3_vfs *vfs, int n, char *out)
{
    (void)vfs;
    return system_vfs->xRandomness(system_vfs, n, out);
}

static int vfs_sleep(sqlite3_vfs *vfs, int microseconds)
{
    (void)vfs;
    return system_vfs->xSleep(system_vfs, microseconds);
}

static int vfs_time(sqlite3_vfs *vfs, double *out)
{
    (void)vfs;
    return system_vfs->xCurrentTime(system_vfs, out);
}

static int vfs_time_ms(sqlite3_vfs *vfs, sqlite3_int64 *out)
{
    (void)vfs;
    return system_vfs->xCurrentTimeInt64(system_vfs, out);
}

static int vfs_last_error(sqlite3_vfs *vfs, int n, char *out)
{
    (void)vfs;
    return system_vfs->xGetLastError(system_vfs, n, out);
}

/* Extensions are never loaded: the calls for that stay empty. */
static sqlite3_vfs layer = {
    .iVersion = 2,
    .zName = "plainfilm",
    .xOpen = vfs_open,
    .xDelete = vfs_delete,
    .xAccess = vfs_access,
    .xFullPathname = vfs_full_name,
    .xRandomness = vfs_randomness,
    .xSleep = vfs_sleep,
    .xCurrentTime = vfs_time,
    .xCurrentTimeInt64 = vfs_time_ms,
    .xGetLastError = vfs_last_error,
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool is_registered;

static void register_layer(void)
{
    system_vfs = sqlite3_vfs_find(NULL);
    if (!system_vfs || system_vfs->iVersion < 2)
        return;
    layer.szOsFile = (int)sizeof(guarded) + system_vfs->szOsFile;
    layer.mxPathname = system_vfs->mxPathname;
    is_registered = sqlite3_vfs_register(&layer, 0) == SQLITE_OK;
}

const char *pf_sql_vfs_name(void)
{
    pthread_once(&once, register_layer);
    return is_registered ? layer.zName : NULL;
}
