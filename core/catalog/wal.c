/*
 * wal.c - see wal.h.
 *
 * A frame's checksum goes on from the one of the frame before it, so that SQLite has to
 * read a log from its beginning to trust it. But that earlier checksum is written in
 * the log, too: with it one frame can be looked at alone.
 */
#include "core/catalog/wal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/hash.h"
#include "core/base/span.h"

enum { PAGE_MAX = 65536 };

static uint32_t little_endian(const uint8_t *b)
{
    return (uint32_t)b[3] << 24 | (uint32_t)b[2] << 16 | (uint32_t)b[1] << 8 | b[0];
}

static void put_big_endian(uint8_t *b, uint32_t v)
{
    b[0] = (uint8_t)(v >> 24);
    b[1] = (uint8_t)(v >> 16);
    b[2] = (uint8_t)(v >> 8);
    b[3] = (uint8_t)v;
}

/* --- the mark --------------------------------------------------------------------- */

/* A slot: "PFWALMRK", a number that goes up by one, both lives (two salts, frames), 64
 * bits of their hash. There are two of them, in sectors of their own, and each mark
 * goes into the one that has not the newest: torn by a power cut it leaves that. */
enum { MARK_SLOTS = 2, MARK_APART = 512, MARK_FILE = MARK_APART + 48 };
enum { MARK_SIZE = 48, MARK_NUMBER = 8, MARK_NOW = 16, MARK_NEXT = 28, MARK_HASH = 40 };
static const char mark_magic[] = "PFWALMRK";

/* SQLite takes names of up to 512 bytes. */
enum { PATH_ROOM = 640 };

/* "...-wal" becomes "...-mark". */
static bool name_mark(const char *wal_path, char out[PATH_ROOM])
{
    static const char suffix[] = "-wal";
    const size_t k = sizeof suffix - 1, n = strlen(wal_path);
    const bool has_suffix = n > k && strcmp(wal_path + n - k, suffix) == 0;
    const int written =
        snprintf(out, PATH_ROOM, "%.*s-mark", (int)(has_suffix ? n - k : n), wal_path);
    errno = ENAMETOOLONG;
    return written < PATH_ROOM;
}

static void get_life(const uint8_t *b, pf_wal_life *life)
{
    *life = (pf_wal_life){{pf_u32be(b), pf_u32be(b + 4)}, pf_u32be(b + 8)};
}

static void put_life(uint8_t *b, const pf_wal_life *life)
{
    put_big_endian(b, life->salt[0]);
    put_big_endian(b + 4, life->salt[1]);
    put_big_endian(b + 8, life->frames);
}

static void seal(uint8_t bytes[MARK_SIZE])
{
    const uint64_t hash = pf_hash_seeded(bytes, MARK_HASH, 0);
    put_big_endian(bytes + MARK_HASH, (uint32_t)(hash >> 32));
    put_big_endian(bytes + MARK_HASH + 4, (uint32_t)hash);
}

static uint64_t number_of(const uint8_t *slot)
{
    return (uint64_t)pf_u32be(slot + MARK_NUMBER) << 32 |
           pf_u32be(slot + MARK_NUMBER + 4);
}

static bool is_whole(const uint8_t *slot)
{
    uint8_t sealed[MARK_SIZE];
    memcpy(sealed, slot, MARK_SIZE);
    seal(sealed);
    return memcmp(sealed, slot, MARK_SIZE) == 0 && memcmp(slot, mark_magic, 8) == 0;
}

/* The newest slot that is whole; -1: there is none. */
static int newest(const uint8_t file[MARK_FILE])
{
    int best = -1;
    for (int i = 0; i < MARK_SLOTS; i++) {
        const uint8_t *slot = file + i * MARK_APART;
        if (is_whole(slot) &&
            (best < 0 || number_of(slot) > number_of(file + best * MARK_APART)))
            best = i;
    }
    return best;
}

/* What is not there is zeros. -1 with errno, else how many bytes there are. */
static ssize_t read_file(const char *path, uint8_t file[MARK_FILE])
{
    memset(file, 0, MARK_FILE);
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return -1;
    const ssize_t n = read(fd, file, MARK_FILE);
    close(fd);
    return n;
}

/* A file that is empty, or all zeros, is one that was being made. */
static bool is_blank(const uint8_t file[MARK_FILE])
{
    static const uint8_t zeros[MARK_FILE];
    return memcmp(file, zeros, MARK_FILE) == 0;
}

bool pf_wal_mark_read(const char *wal_path, pf_wal_mark *out)
{
    char path[PATH_ROOM];
    uint8_t file[MARK_FILE];
    *out = (pf_wal_mark){0};
    if (!name_mark(wal_path, path))
        return false;
    if (read_file(path, file) < 0)
        return errno == ENOENT;
    const int slot = newest(file);
    if (slot < 0)
        return is_blank(file);
    get_life(file + slot * MARK_APART + MARK_NOW, &out->now);
    get_life(file + slot * MARK_APART + MARK_NEXT, &out->next);
    out->is_there = true;
    return true;
}

/* The name of a new file has to be on disk as well. */
static bool sync_folder(const char *path)
{
    char folder[PATH_ROOM];
    snprintf(folder, sizeof folder, "%.*s.", (int)(pf_path_base(path) - path), path);
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool ok = fd >= 0 && fsync(fd) == 0;
    const int why = errno;
    if (fd >= 0)
        close(fd);
    errno = why;
    return ok;
}

static bool write_slot(const char *path, const uint8_t slot[MARK_SIZE], off_t at)
{
    bool is_new = false;
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT) {
        is_new = pf_file_make(path, NULL);
        fd = is_new ? open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) : -1;
    }
    if (fd < 0)
        return false;
    errno = EIO; /* fewer bytes than were asked for say no reason */
    bool ok = pwrite(fd, slot, MARK_SIZE, at) == MARK_SIZE && fdatasync(fd) == 0;
    const int why = errno;
    ok = close(fd) == 0 && ok;
    errno = why;
    return ok && (!is_new || sync_folder(path));
}

bool pf_wal_mark_write(const char *wal_path, const pf_wal_mark *mark)
{
    char path[PATH_ROOM];
    uint8_t file[MARK_FILE], slot[MARK_SIZE] = {0};
    if (!name_mark(wal_path, path) || (read_file(path, file) < 0 && errno != ENOENT))
        return false;
    const int old = newest(file);
    const uint64_t number = old < 0 ? 1 : number_of(file + old * MARK_APART) + 1;
    memcpy(slot, mark_magic, 8);
    put_big_endian(slot + MARK_NUMBER, (uint32_t)(number >> 32));
    put_big_endian(slot + MARK_NUMBER + 4, (uint32_t)number);
    put_life(slot + MARK_NOW, &mark->now);
    put_life(slot + MARK_NEXT, &mark->next);
    seal(slot);
    return write_slot(path, slot, old == 0 ? MARK_APART : 0);
}

/* --- the log ---------------------------------------------------------------------- */

typedef struct {
    bool is_big_endian; /* the words of checksums */
    size_t page_size;
    uint32_t salt[2];
    uint32_t sum[2]; /* the first frame's goes on from here */
} header;

/* SQLite's checksum, over whole pairs of 32-bit words, on from `sum`. */
static void add_up(uint32_t sum[2], const uint8_t *bytes, size_t n, bool is_big_endian)
{
    uint32_t a = sum[0], b = sum[1];
    if (is_big_endian) {
        for (size_t i = 0; i + 8 <= n; i += 8) {
            a += pf_u32be(bytes + i) + b;
            b += pf_u32be(bytes + i + 4) + a;
        }
    } else {
        for (size_t i = 0; i + 8 <= n; i += 8) {
            a += little_endian(bytes + i) + b;
            b += little_endian(bytes + i + 4) + a;
        }
    }
    sum[0] = a;
    sum[1] = b;
}

static bool read_header(const pf_wal *wal, header *h)
{
    enum { MAGIC = 0x377F0682 };
    uint8_t b[PF_WAL_HEADER];
    if (!wal->read(wal->log, b, sizeof b, 0) || (pf_u32be(b) & ~1u) != MAGIC)
        return false;
    *h = (header){.is_big_endian = b[3] & 1,
                  .page_size = pf_u32be(b + 8),
                  .salt = {pf_u32be(b + 16), pf_u32be(b + 20)}};
    add_up(h->sum, b, 24, h->is_big_endian);
    return h->sum[0] == pf_u32be(b + 24) && h->sum[1] == pf_u32be(b + 28) &&
           h->page_size >= 512 && h->page_size <= PAGE_MAX &&
           (h->page_size & (h->page_size - 1)) == 0;
}

static int64_t frame_at(const header *h, uint32_t frame)
{
    return PF_WAL_HEADER +
           (int64_t)frame * (int64_t)(PF_WAL_FRAME_HEADER + h->page_size);
}

static bool is_of(const uint8_t frame_header[PF_WAL_FRAME_HEADER], const header *h)
{
    return pf_u32be(frame_header + 8) == h->salt[0] &&
           pf_u32be(frame_header + 12) == h->salt[1];
}

static bool is_life(const pf_wal_life *life, const header *h)
{
    return life->salt[0] == h->salt[0] && life->salt[1] == h->salt[1];
}

/* The sums that the frame behind the first n goes on from, as they are written. */
static bool read_sums(const pf_wal *wal, const header *h, uint32_t n, uint32_t sum[2])
{
    uint8_t b[8];
    sum[0] = h->sum[0];
    sum[1] = h->sum[1];
    if (n == 0)
        return true;
    if (!wal->read(wal->log, b, sizeof b, frame_at(h, n - 1) + 16))
        return false;
    sum[0] = pf_u32be(b);
    sum[1] = pf_u32be(b + 4);
    return true;
}

/* Is frame i there and right, behind what has come to `sum`? What a transaction wrote
 * that was rolled back has the salts, but goes on from something else. */
static bool read_frame(const pf_wal *wal, const header *h, uint32_t i, uint32_t sum[2],
                       bool *is_commit)
{
    uint8_t b[PF_WAL_FRAME_HEADER], page[PAGE_MAX];
    const int64_t at = frame_at(h, i);
    if (!wal->read(wal->log, b, sizeof b, at) || !is_of(b, h) ||
        !wal->read(wal->log, page, h->page_size, at + PF_WAL_FRAME_HEADER))
        return false;
    add_up(sum, b, 8, h->is_big_endian);
    add_up(sum, page, h->page_size, h->is_big_endian);
    *is_commit = pf_u32be(b + 4) != 0; /* it says how many pages there are then */
    return sum[0] == pf_u32be(b + 16) && sum[1] == pf_u32be(b + 20);
}

bool pf_wal_count(const pf_wal *wal, const pf_wal_life *known, pf_wal_life *out)
{
    header h;
    uint32_t sum[2];
    bool is_commit;
    if (!read_header(wal, &h))
        return false;
    *out = (pf_wal_life){.salt = {h.salt[0], h.salt[1]}};
    if (is_life(known, &h))
        out->frames = known->frames;
    if (!read_sums(wal, &h, out->frames, sum))
        return false;
    for (uint32_t i = out->frames; read_frame(wal, &h, i, sum, &is_commit); i++) {
        if (is_commit)
            out->frames = i + 1;
    }
    return true;
}

static bool has_frames(const pf_wal *wal, const header *h, uint32_t n)
{
    uint32_t sum[2] = {h->sum[0], h->sum[1]};
    bool is_commit = true;
    for (uint32_t i = 0; i < n; i++) {
        if (!read_frame(wal, h, i, sum, &is_commit))
            return false;
    }
    return is_commit;
}

const char *pf_wal_check(const pf_wal *wal, const pf_wal_mark *mark)
{
    static const char is_damaged[] = "its write-ahead log (-wal) is damaged";
    header h;
    if (!mark->is_there)
        return "there is a write-ahead log (-wal), but not the file (-mark) that says "
               "whether it belongs here; copy all files of a catalog or none";
    const bool may_be_empty =
        mark->now.frames == 0 || mark->next.salt[0] != 0 || mark->next.salt[1] != 0;
    if (!read_header(wal, &h))
        return may_be_empty ? NULL : is_damaged;
    const pf_wal_life *life = is_life(&mark->now, &h)    ? &mark->now
                              : is_life(&mark->next, &h) ? &mark->next
                                                         : NULL;
    if (!life)
        return "its write-ahead log (-wal) belongs to another database";
    return has_frames(wal, &h, life->frames) ? NULL : is_damaged;
}

bool pf_wal_is_page_whole(const pf_wal *wal, const uint8_t *page, size_t page_size,
                          int64_t at, uint32_t *number)
{
    const int64_t frame = at - PF_WAL_FRAME_HEADER;
    const int64_t size = (int64_t)page_size + PF_WAL_FRAME_HEADER;
    const int64_t before =
        frame == PF_WAL_HEADER ? PF_WAL_HEADER - 8 : frame - size + 16;
    uint8_t own[PF_WAL_FRAME_HEADER], sums[8];
    header h;
    *number = 0;
    if (!read_header(wal, &h) || !wal->read(wal->log, own, sizeof own, frame) ||
        !wal->read(wal->log, sums, sizeof sums, before))
        return false;
    *number = pf_u32be(own);
    uint32_t sum[2] = {pf_u32be(sums), pf_u32be(sums + 4)};
    add_up(sum, own, 8, h.is_big_endian);
    add_up(sum, page, page_size, h.is_big_endian);
    return sum[0] == pf_u32be(own + 16) && sum[1] == pf_u32be(own + 20);
}
