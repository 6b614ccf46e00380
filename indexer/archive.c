/* archive.c - see archive.h. */
#define _GNU_SOURCE /* memory files are Linux's own */
#include "indexer/archive.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zip.h>

#include "core/base/arena.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/image/picture.h"

enum {
    FILES_MAX = 100 * 1000,
    RATIO_MAX = 200,      /* unpacked to packed, */
    RATIO_FREE = 1 << 20, /* but for so many bytes */
    CHUNK = 1 << 16,
    UNIX_LINK = 0120000, /* in a mode of 16 bits, as Unix writes it */
    UNIX_KIND = 0170000,
};

struct pf_archive {
    zip_t *zip;
    pf_archive_file *files;
    size_t count;
    pf_arena names;
    struct stat st; /* of it, as it was opened */
};

/* ---- what may be in it ---- */

static void slash(char *name)
{
    for (; *name; name++) {
        if (*name == '\\')
            *name = '/';
    }
}

static bool leads_out(const char *name)
{
    if (name[0] == '/' || (isalpha((unsigned char)name[0]) && name[1] == ':'))
        return true;
    for (const char *at = name; at; at = strchr(at, '/')) {
        at += *at == '/';
        if (strncmp(at, "..", 2) == 0 && (at[2] == '/' || at[2] == '\0'))
            return true;
    }
    return false;
}

static bool is_link(zip_t *zip, uint64_t index)
{
    zip_uint8_t system = 0;
    zip_uint32_t attributes = 0;
    return zip_file_get_external_attributes(zip, index, 0, &system, &attributes) == 0 &&
           system == ZIP_OPSYS_UNIX && ((attributes >> 16) & UNIX_KIND) == UNIX_LINK;
}

/* Why it is not read; NULL: it is. `room` is for the one reason with numbers. */
static const char *find_fault(zip_t *zip, const zip_stat_t *st, const char *name,
                              pf_err *room)
{
    if (leads_out(name))
        return "its name leads out of the archive";
    if (is_link(zip, st->index))
        return "it is a link";
    if (st->encryption_method != ZIP_EM_NONE)
        return "it is encrypted";
    if (st->comp_method != ZIP_CM_STORE && st->comp_method != ZIP_CM_DEFLATE)
        return "it is packed in another way than deflate";
    if (st->size <= RATIO_FREE || st->size / RATIO_MAX <= st->comp_size)
        return NULL;
    pf_fail(room, PF_ERR_LIMIT,
            "%llu bytes unpack to %llu, the limit is %d times as much",
            (unsigned long long)st->comp_size, (unsigned long long)st->size, RATIO_MAX);
    return room->msg;
}

static bool add_file(pf_archive *a, const zip_stat_t *st, char *path, pf_err *err)
{
    pf_err room = PF_ERR_INIT;
    const char *fault = find_fault(a->zip, st, path + 1, &room);
    pf_archive_file file = {.size = st->size, .index = st->index};
    if (!leads_out(path + 1))
        pf_path_tidy(path);
    if (strlen(path) < 2)
        return true; /* "." */
    if (!(file.name = pf_arena_add(&a->names, path + 1, strlen(path + 1), err)) ||
        (fault && !(file.refused = pf_arena_add(&a->names, fault, strlen(fault), err))))
        return false;
    a->files[a->count++] = file;
    return true;
}

static bool list_file(pf_archive *a, uint64_t index, uint64_t *packed, pf_err *err)
{
    const uint64_t needed = ZIP_STAT_NAME | ZIP_STAT_INDEX | ZIP_STAT_SIZE |
                            ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD |
                            ZIP_STAT_ENCRYPTION_METHOD;
    zip_stat_t st;
    if (zip_stat_index(a->zip, index, ZIP_FL_ENC_GUESS, &st) != 0 ||
        (st.valid & needed) != needed)
        return pf_fail(err, PF_ERR_FORMAT, "its directory is damaged");
    const size_t n = strlen(st.name);
    *packed += st.comp_size;
    if (n == 0 || st.name[n - 1] == '/' || st.name[n - 1] == '\\')
        return true;                           /* a folder */
    char *path = pf_strf(err, "/%s", st.name); /* to be tidied as one */
    if (!path)
        return false;
    slash(path);
    const bool ok = add_file(a, &st, path, err);
    pf_free(path);
    return ok;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const pf_archive_file *)a)->name,
                  ((const pf_archive_file *)b)->name);
}

/* Which one is meant cannot be told. */
static void refuse_repeated(pf_archive *a)
{
    size_t unique = 0;
    for (size_t i = 0; i < a->count; i++) {
        pf_archive_file *last = unique > 0 ? &a->files[unique - 1] : NULL;
        if (last && strcmp(last->name, a->files[i].name) == 0)
            last->refused = "the archive has several files of this name";
        else
            a->files[unique++] = a->files[i];
    }
    a->count = unique;
}

static bool list_files(pf_archive *a, uint64_t archive_size, pf_err *err)
{
    const zip_int64_t n = zip_get_num_entries(a->zip, 0);
    uint64_t packed = 0;
    if (n < 0 || n > FILES_MAX)
        return pf_fail(err, PF_ERR_LIMIT, "it has %lld files, the limit is %d",
                       (long long)n, FILES_MAX);
    if (!(a->files = pf_alloc_array((size_t)n, sizeof *a->files, err)))
        return false;
    for (zip_int64_t i = 0; i < n; i++) {
        if (!list_file(a, (uint64_t)i, &packed, err))
            return false;
        if (packed > archive_size)
            return pf_fail(err, PF_ERR_FORMAT, "its files overlap");
    }
    if (a->count > 1)
        qsort(a->files, a->count, sizeof *a->files, by_name);
    refuse_repeated(a);
    return true;
}

/* ---- opening ---- */

static bool open_zip(pf_archive *a, int fd, pf_err *err)
{
    int code = 0;
    a->zip = zip_fdopen(fd, 0, &code); /* which then has the file */
    if (a->zip)
        return true;
    close(fd);
    if (code == ZIP_ER_MEMORY)
        return pf_fail(err, PF_ERR_NOMEM, "out of memory");
    return pf_fail(err, PF_ERR_FORMAT, "it is no zip archive, or a broken one");
}

static bool open_archive(int *fd, struct stat *st, const char *path, const char *within,
                         pf_err *err)
{
    if (!pf_file_open_within(fd, path, within, err))
        return false;
    if (fstat(*fd, st) == 0)
        return true;
    const int why = errno;
    close(*fd);
    return pf_fail_errno(err, why, "cannot read it");
}

/* `fd` is taken. */
static bool read_directory(pf_archive **out, int fd, const struct stat *st, pf_err *err)
{
    *out = NULL;
    pf_archive *a = pf_zalloc(sizeof *a, err);
    if (!a) {
        close(fd);
        return false;
    }
    a->st = *st;
    if (open_zip(a, fd, err) && list_files(a, (uint64_t)st->st_size, err))
        *out = a;
    else
        pf_archive_close(a);
    return *out != NULL;
}

bool pf_archive_open(pf_archive **out, const char *path, const char *within,
                     pf_err *err)
{
    int fd;
    struct stat st;
    *out = NULL;
    return open_archive(&fd, &st, path, within, err) &&
           read_directory(out, fd, &st, err);
}

void pf_archive_close(pf_archive *a)
{
    if (!a)
        return;
    if (a->zip)
        zip_discard(a->zip);
    pf_arena_reset(&a->names);
    pf_free(a->files);
    pf_free(a);
}

size_t pf_archive_count(const pf_archive *a)
{
    return a->count;
}

const pf_archive_file *pf_archive_at(const pf_archive *a, size_t i)
{
    return &a->files[i];
}

/* ---- reading ---- */

typedef bool take_fn(void *context, const char *bytes, size_t n, pf_err *err);

/* Bytes come until there are none: what the directory says is no more than a promise,
 * and is held to it. */
static bool unpack_open(zip_file_t *in, const pf_archive_file *file, take_fn *take,
                        void *context, pf_err *err)
{
    char chunk[CHUNK];
    uint64_t size = 0;
    zip_int64_t n;
    while ((n = zip_fread(in, chunk, sizeof chunk)) > 0) {
        size += (uint64_t)n;
        if (size > file->size)
            break;
        if (!take(context, chunk, (size_t)n, err))
            return false;
    }
    return (n == 0 && size == file->size) ||
           pf_fail(err, PF_ERR_FORMAT, "it is damaged in its archive");
}

static bool unpack(pf_archive *a, const pf_archive_file *file, uint64_t limit,
                   take_fn *take, void *context, pf_err *err)
{
    if (file->refused)
        return pf_fail(err, PF_ERR_UNSUPPORTED, "%s", file->refused);
    if (file->size > limit)
        return pf_fail(err, PF_ERR_LIMIT, "it has %llu bytes, the limit is %llu",
                       (unsigned long long)file->size, (unsigned long long)limit);
    zip_file_t *in = zip_fopen_index(a->zip, file->index, 0);
    if (!in)
        return pf_fail(err, PF_ERR_FORMAT, "it is damaged in its archive");
    const bool ok = unpack_open(in, file, take, context, err);
    zip_fclose(in);
    return ok;
}

static bool take_bytes(void *context, const char *bytes, size_t n, pf_err *err)
{
    pf_buf *out = context;
    return pf_buf_add(out, bytes, n, err);
}

bool pf_archive_read(pf_archive *a, const pf_archive_file *file, pf_buf *out,
                     pf_err *err)
{
    return unpack(a, file, out->cap - out->size, take_bytes, out, err);
}

/* ---- the one that the thread read last ---- */

static pthread_key_t last_key;
static pthread_once_t last_once = PTHREAD_ONCE_INIT;
static bool has_last_key;

static void close_last(void *archive)
{
    pf_archive_close(archive);
}

static void make_last_key(void)
{
    has_last_key = pthread_key_create(&last_key, close_last) == 0;
}

static bool is_as_opened(const pf_archive *a, const struct stat *st)
{
    return a->st.st_dev == st->st_dev && a->st.st_ino == st->st_ino &&
           a->st.st_size == st->st_size && a->st.st_mtim.tv_sec == st->st_mtim.tv_sec &&
           a->st.st_mtim.tv_nsec == st->st_mtim.tv_nsec;
}

/* Pictures of an archive are read one after the other: its directory once. */
static bool take_last(pf_archive **out, const char *path, const char *within,
                      pf_err *err)
{
    int fd;
    struct stat st;
    *out = NULL;
    if (!open_archive(&fd, &st, path, within, err))
        return false;
    pthread_once(&last_once, make_last_key);
    pf_archive *last = has_last_key ? pthread_getspecific(last_key) : NULL;
    if (last)
        pthread_setspecific(last_key, NULL);
    if (last && is_as_opened(last, &st)) {
        close(fd);
        *out = last;
        return true;
    }
    pf_archive_close(last);
    return read_directory(out, fd, &st, err);
}

/* NULL is fine: then the one that is kept, if any, stays. */
static void give_last(pf_archive *a)
{
    if (a && (!has_last_key || pthread_setspecific(last_key, a) != 0))
        pf_archive_close(a);
}

/* ---- as a file ---- */

static bool write_bytes(void *context, const char *bytes, size_t n, pf_err *err)
{
    const int *fd = context;
    while (n > 0) {
        const ssize_t done = write(*fd, bytes, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return pf_fail(err, PF_ERR_LIMIT, "no memory for the file");
        bytes += done;
        n -= (size_t)done;
    }
    return true;
}

static bool unpack_to_memory(pf_archive *a, const pf_archive_file *file, int *fd,
                             pf_err *err)
{
    pf_picture_limits limits;
    pf_picture_limits_init(&limits);
    *fd = memfd_create("plainfilm-member", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (*fd < 0)
        return pf_fail_errno(err, errno, "no memory for the file");
    if (unpack(a, file, limits.max_file_bytes, write_bytes, fd, err) &&
        (lseek(*fd, 0, SEEK_SET) == 0 &&
         fcntl(*fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0))
        return true;
    close(*fd);
    *fd = -1;
    return false;
}

static const pf_archive_file *find(const pf_archive *a, const char *name)
{
    const pf_archive_file key = {.name = name};
    return a->count == 0 ? NULL
                         : bsearch(&key, a->files, a->count, sizeof *a->files, by_name);
}

static bool open_inside(int *fd, const char *archive, const char *name,
                        const char *within, pf_err *err)
{
    pf_archive *a;
    if (!take_last(&a, archive, within, err))
        return false;
    const pf_archive_file *file = find(a, name);
    const bool ok = file ? unpack_to_memory(a, file, fd, err)
                         : pf_fail(err, PF_ERR_NOT_FOUND, "it is not in its archive");
    give_last(a);
    return ok;
}

bool pf_archive_has_file(const char *path)
{
    const size_t n = pf_path_archive(path);
    if (n == 0)
        return pf_path_exists(path);
    pf_archive *a = NULL;
    char *archive = pf_strndup(path, n, NULL);
    const bool has =
        archive && take_last(&a, archive, NULL, NULL) && find(a, path + n + 1);
    give_last(a);
    pf_free(archive);
    return has;
}

bool pf_archive_open_file(int *fd, const char *path, const char *within, pf_err *err)
{
    const size_t n = pf_path_archive(path);
    *fd = -1;
    if (n == 0)
        return pf_file_open_within(fd, path, within, err);
    char *archive = pf_strndup(path, n, err);
    const bool ok = archive && (open_inside(fd, archive, path + n + 1, within, err) ||
                                pf_fail_in(err, "'%s'", path));
    pf_free(archive);
    return ok;
}
