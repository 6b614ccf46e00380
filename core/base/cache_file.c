/* cache_file.c - see cache_file.h. */
#include "core/base/cache_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/team.h"

enum { BLOCK = 1 << 20, PAGE = 4096, STALE_SECONDS = 3600, TOUCH_SECONDS = 86400 };

static const char suffix[] = ".pack", temp_suffix[] = ".tmp";

/* What a file begins with. The hash is of what is before it and of the blocks' hashes
 * behind it. */
typedef struct {
    char magic[8];
    pf_hash key;
    uint64_t size, hash;
} head;

static const char magic[8] = "PFPACK1";

static atomic_size_t least; /* by a test; 0: as the kind says */

void pf_cache_file_set_least(size_t n)
{
    atomic_store(&least, n);
}

static bool are_few(const pf_cache_kind *kind, size_t size)
{
    const size_t n = atomic_load(&least);
    return size < (n ? n : kind->least);
}

/* ---- places ---- */

/* The folder, given; NULL when there can be none. */
static char *find_folder(void)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (cache && *cache == '/')
        return pf_strf(NULL, "%s/plainfilm", cache);
    return home && *home == '/' ? pf_strf(NULL, "%s/.cache/plainfilm", home) : NULL;
}

static char *path_of(const char *folder, const pf_cache_kind *kind, const pf_hash *key)
{
    char hex[PF_HASH_HEX_SIZE];
    pf_hash_hex(key, hex);
    return pf_strf(NULL, "%s/%s%s%s", folder, kind->prefix, hex, suffix);
}

/* ---- layout ---- */

static size_t blocks_of(size_t size)
{
    return (size + BLOCK - 1) / BLOCK;
}

/* Where the bytes begin. */
static size_t front_of(size_t size)
{
    return (sizeof(head) + blocks_of(size) * sizeof(uint64_t) + PAGE - 1) / PAGE * PAGE;
}

static uint64_t hash_of_block(const char *bytes, size_t size, size_t i)
{
    const size_t left = size - i * BLOCK;
    return pf_hash_seeded(bytes + i * BLOCK, left < BLOCK ? left : BLOCK, i);
}

static uint64_t hash_of_head(const head *h, const uint64_t *blocks, size_t n)
{
    return pf_hash_seeded(h, offsetof(head, hash),
                          pf_hash_seeded(blocks, n * sizeof *blocks, n));
}

/* ---- finding ---- */

/* Open a regular file that is the user's own, that nobody else may write to and that no
 * other machine can take away while it is mapped; -1 when it is not there or is not so.
 */
static int open_own(const char *path)
{
    struct stat st;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return -1;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
        pf_file_is_steady(fd)) {
        if (time(NULL) - st.st_mtime > TOUCH_SECONDS)
            (void)futimens(fd, NULL); /* it is in use; refused, it goes a bit early */
        return fd;
    }
    close(fd);
    return -1;
}

/* What a thread needs to look at blocks. */
typedef struct {
    const uint64_t *hashes;
    const char *bytes;
    size_t size;
} looking;

static bool look_at(void *member, size_t i, pf_err *err)
{
    const looking *l = member;
    return l->hashes[i] == hash_of_block(l->bytes, l->size, i) ||
           pf_fail(err, PF_ERR_FORMAT, "block %zu is damaged", i);
}

static bool are_whole(looking *l)
{
    enum { THREADS_MAX = 8 };
    void *members[THREADS_MAX];
    for (size_t i = 0; i < THREADS_MAX; i++)
        members[i] = l; /* which they only read */
    const pf_team team = {.work = look_at,
                          .members = members,
                          .n_members = pf_team_cores(THREADS_MAX),
                          .n_items = blocks_of(l->size)};
    pf_err err = PF_ERR_INIT;
    return pf_team_run(&team, &err);
}

/* Its head is there, and says what else is. */
static bool has_size(const pf_mapfile *map, size_t size)
{
    const head *h = (const head *)(const void *)map->data;
    if (map->size < sizeof *h || memcmp(h->magic, magic, sizeof magic) != 0 ||
        h->size == 0 || h->size > map->size || (size > 0 && h->size != size))
        return false;
    return front_of(h->size) + h->size == map->size;
}

static bool is_whole(const pf_mapfile *map, const pf_hash *key)
{
    const head *h = (const head *)(const void *)map->data;
    const uint64_t *blocks = (const uint64_t *)(const void *)(map->data + sizeof *h);
    looking l = {blocks, (const char *)map->data + front_of(h->size), h->size};
    return pf_hash_equal(&h->key, key) &&
           h->hash == hash_of_head(h, blocks, blocks_of(h->size)) && are_whole(&l);
}

static bool map_file(pf_cache_file *out, const char *path, const pf_hash *key,
                     size_t size)
{
    const int fd = open_own(path);
    if (fd < 0)
        return false;
    const bool ok = pf_mapfile_of(&out->map, fd, path, NULL);
    close(fd);
    if (ok && has_size(&out->map, size) && is_whole(&out->map, key)) {
        out->size = ((const head *)(const void *)out->map.data)->size;
        out->bytes = (const char *)out->map.data + front_of(out->size);
        return true;
    }
    pf_cache_file_close(out);
    return false;
}

bool pf_cache_file_find(pf_cache_file *out, const pf_cache_kind *kind,
                        const pf_hash *key, size_t size)
{
    *out = (pf_cache_file){0};
    char *folder = size > 0 && are_few(kind, size) ? NULL : find_folder();
    char *path = folder ? path_of(folder, kind, key) : NULL;
    const bool ok = path && map_file(out, path, key, size);
    pf_free(path);
    pf_free(folder);
    return ok;
}

void pf_cache_file_close(pf_cache_file *file)
{
    pf_mapfile_close(&file->map);
    *file = (pf_cache_file){0};
}

/* ---- keeping ---- */

static bool write_all(int fd, const void *bytes, size_t n)
{
    const char *at = bytes;
    while (n > 0) {
        const ssize_t written = write(fd, at, n);
        if (written <= 0)
            return false;
        at += written;
        n -= (size_t)written;
    }
    return true;
}

static bool write_file(int fd, const pf_hash *key, const char *bytes, size_t size)
{
    const size_t front = front_of(size), n = blocks_of(size);
    char *page = pf_zalloc(front, NULL);
    if (!page)
        return false;
    head *h = (head *)(void *)page;
    uint64_t *blocks = (uint64_t *)(void *)(page + sizeof *h);
    *h = (head){.key = *key, .size = size};
    memcpy(h->magic, magic, sizeof magic);
    for (size_t i = 0; i < n; i++)
        blocks[i] = hash_of_block(bytes, size, i);
    h->hash = hash_of_head(h, blocks, n);
    const bool ok = write_all(fd, page, front) && write_all(fd, bytes, size);
    pf_free(page);
    return ok;
}

static bool ends_with(const char *name, const char *end)
{
    const size_t n = strlen(name), m = strlen(end);
    return n >= m && strcmp(name + n - m, end) == 0;
}

typedef struct {
    char name[256];
    time_t used;
} entry;

static int newest_first(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    return (y->used > x->used) - (y->used < x->used);
}

/* Files that were used longest ago go, and what was left half written. */
static void tidy(const char *folder, const pf_cache_kind *kind)
{
    enum { SEEN_MAX = 64 };
    const size_t begin = strlen(kind->prefix);
    entry *seen = pf_alloc_array(SEEN_MAX, sizeof *seen, NULL);
    DIR *dir = seen ? opendir(folder) : NULL;
    size_t n = 0;
    const struct dirent *d;
    struct stat st;
    while (dir && (d = readdir(dir)) && n < SEEN_MAX) {
        if (strncmp(d->d_name, kind->prefix, begin) != 0 ||
            strlen(d->d_name) >= sizeof seen->name ||
            fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        if (ends_with(d->d_name, temp_suffix)) {
            if (time(NULL) - st.st_mtime > STALE_SECONDS)
                (void)unlinkat(dirfd(dir), d->d_name, 0);
        } else if (ends_with(d->d_name, suffix)) {
            snprintf(seen[n].name, sizeof seen[n].name, "%s", d->d_name);
            seen[n++].used = st.st_mtime;
        }
    }
    if (n > 0)
        qsort(seen, n, sizeof *seen, newest_first);
    for (size_t i = PF_CACHE_FILES; i < n; i++)
        (void)unlinkat(dirfd(dir), seen[i].name, 0);
    if (dir)
        closedir(dir);
    pf_free(seen);
}

/* Not synced: a file that lost its bytes is noticed, and waiting for the disk would
 * cost a question more than making it does. */
static void keep_in(const char *folder, const pf_cache_kind *kind, const pf_hash *key,
                    const void *bytes, size_t size)
{
    char *path = path_of(folder, kind, key);
    char *temp =
        path ? pf_strf(NULL, "%s.%ld%s", path, (long)getpid(), temp_suffix) : NULL;
    const int fd =
        temp ? open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)
             : -1;
    if (fd >= 0) {
        bool ok = write_file(fd, key, bytes, size);
        ok = close(fd) == 0 && ok;
        if (!ok || rename(temp, path) != 0)
            (void)unlink(temp);
    }
    tidy(folder,
         kind); /* whatever came of it: a file left half written may have this name */
    pf_free(temp);
    pf_free(path);
}

void pf_cache_file_keep(const pf_cache_kind *kind, const pf_hash *key,
                        const void *bytes, size_t size)
{
    char *folder = are_few(kind, size) ? NULL : find_folder();
    if (folder && pf_make_folders(folder, 0700, NULL) &&
        pf_file_is_safe(folder, NULL) && !pf_path_remote_kind(folder))
        keep_in(folder, kind, key, bytes, size);
    pf_free(folder);
}
