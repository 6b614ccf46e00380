/*
 * fuzz_catalog.c - any bytes in catalog.db: a small catalog, changed in places, is
 * opened, asked and checked.
 *
 * The first byte of an input says what is asked. What follows is the file, when it
 * begins as an SQLite file does; else it is changes to the file of a good catalog, one
 * after another: four bytes that say where, one that says what (see change()), and what
 * that needs. Pages are as small as SQLite has them, so that there are many of them for
 * each table, FTS5's among them, and a few bytes reach any.
 *
 * The catalog is made once, its vectors have eight numbers, and what does not depend on
 * it is small, too: no model, no word tables. One of its index files is there, the
 * other is not, so that vectors are read from both. Whatever can be opened is looked
 * at, asked one question and checked. Required of each input: no crash, and what is
 * wrong is said in one line; the driver sees to time and memory.
 */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "core/base/mem.h"
#include "core/base/span.h"
#include "core/catalog/catalog.h"
#include "core/catalog/sql_vfs.h"
#include "core/evaluate/evaluate.h"
#include "tests/fuzz/require.h"
#include "tests/support/asking.h"
#include "tests/support/seeded.h"
#include "tests/support/tree.h"

enum { IMAGES = 14, PAGE = 512, FILE_MAX = 1 << 20, IDS = 3 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
    uint8_t bytes[FILE_MAX];
    size_t size;
} file;

/* Made once: the folder, with names of what is in it, and catalog.db as it was. */
static char box[64], catalog[80], synonyms[80], database[96], wal[104], shm[104];
static file whole, changed;

/* ---- the good catalog ---- */

static void remove_box(void)
{
    pf_tree_remove(box);
}

/* In memory, where there is such a folder. */
static void make_box(void)
{
    snprintf(box, sizeof box, "%s/plainfilm-fuzz-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    require(mkdtemp(box) != NULL, "a temporary folder");
    atexit(remove_box);
    snprintf(catalog, sizeof catalog, "%s/catalog", box);
    snprintf(synonyms, sizeof synonyms, "%s/synonyms", box);
    snprintf(database, sizeof database, "%s/catalog.db", catalog);
    snprintf(wal, sizeof wal, "%s-wal", database);
    snprintf(shm, sizeof shm, "%s-shm", database);
}

static void make_pages_small(void)
{
    char script[128];
    sqlite3 *db;
    snprintf(script, sizeof script,
             "PRAGMA journal_mode = DELETE; PRAGMA page_size = %d; VACUUM;"
             "PRAGMA journal_mode = WAL;",
             PAGE);
    require(sqlite3_open(database, &db) == SQLITE_OK &&
                sqlite3_exec(db, script, NULL, NULL, NULL) == SQLITE_OK,
            "small pages");
    sqlite3_close(db);
}

static void make_catalog(void)
{
    pf_err err = PF_ERR_INIT;
    if (whole.size > 0)
        return;
    make_box();
    require(pf_seeded_small_write(catalog, IMAGES, &err), err.msg);
    make_pages_small();
    whole.size = pf_tree_read(database, whole.bytes, sizeof whole.bytes);
    pf_tree_remove(pf_tree_path(catalog, "captions.1.faiss"));
    pf_tree_write_text(synonyms, "film = picture\n");
}

/* ---- what an input makes of it ---- */

/* What does not fit behind `at` is left out. */
static void put(size_t at, const uint8_t *bytes, size_t n)
{
    at %= changed.size;
    const size_t room = changed.size - at;
    memmove(changed.bytes + at, bytes, n < room ? n : room);
}

/* A page of the good file comes to where `at` is in a page. */
static void put_page(size_t at, size_t from)
{
    put(at - at % PAGE, whole.bytes + from % (whole.size / PAGE) * PAGE, PAGE);
}

/* Zeros come behind a file that grows. */
static void set_size(size_t size)
{
    if (size > changed.size)
        memset(changed.bytes + changed.size, 0, size - changed.size);
    changed.size = size;
}

/* False when the input has come to its end. */
static bool change(pf_span *s)
{
    uint32_t at, from;
    uint8_t what, run[64];
    const uint8_t *bytes;
    if (!pf_span_u32le(s, &at) || !pf_span_u8(s, &what))
        return false;
    const size_t n = 1 + (size_t)(what % 64);
    switch (what / 64) {
    case 0: /* n bytes */
        if (!pf_span_take(s, n, &bytes))
            return false;
        put(at, bytes, n);
        return true;
    case 1: /* a byte, n times */
        if (!pf_span_take(s, 1, &bytes))
            return false;
        memset(run, bytes[0], n);
        put(at, run, n);
        return true;
    case 2: /* another page */
        if (!pf_span_u32le(s, &from))
            return false;
        put_page(at, from);
        return true;
    default: /* the file ends there */
        set_size(1 + at % (2 * whole.size));
        return true;
    }
}

static void make_changed(pf_span s)
{
    const size_t size = (size_t)(s.end - s.p);
    const bool is_file = size >= 16 && memcmp(s.p, "SQLite format 3", 16) == 0;
    changed.size = is_file && size <= FILE_MAX ? size : whole.size;
    put(0, is_file ? s.p : whole.bytes, changed.size);
    while (!is_file && change(&s))
        ;
}

/* Who can change a file can make the checksums of its pages: without, no change would
 * come as far as SQLite. */
static void seal(void)
{
    enum { PAGE_SIZE = 16, RESERVED = 20 };
    if (changed.size <= RESERVED || changed.bytes[RESERVED] != PF_PAGE_CHECKSUM)
        return;
    size_t page = (size_t)changed.bytes[PAGE_SIZE] << 8 | changed.bytes[PAGE_SIZE + 1];
    page = page == 1 ? 65536 : page;
    if (page < 512)
        return;
    for (size_t at = 0; at + page <= changed.size; at += page)
        pf_sql_seal_page(changed.bytes + at, (uint32_t)page, (uint32_t)(at / page) + 1);
}

/* The one place where files are written: what the connection before has left of the
 * other file goes, too. */
static void write_changed(void)
{
    const int fd = open(database, O_WRONLY | O_TRUNC);
    require(fd >= 0 && write(fd, changed.bytes, changed.size) == (ssize_t)changed.size,
            "a changed database");
    close(fd);
    unlink(wal);
    unlink(shm);
}

/* ---- what is done with it ---- */

/* A reason is there, and in one line. */
static void expect(bool ok, pf_err *err)
{
    require(ok || (err->msg[0] && !strpbrk(err->msg, "\n\r\033")), "a reason");
    *err = (pf_err)PF_ERR_INIT;
}

static void look_around(pf_reader *r)
{
    pf_err err = PF_ERR_INIT;
    pf_facets *facets;
    pf_catalog_info info = PF_CATALOG_INFO_INIT;
    pf_buf jpeg;
    expect(pf_reader_get_info(r, &info, &err), &err);
    for (int64_t id = 1; id <= IDS; id++) {
        pf_image *image;
        pf_case *found;
        expect(pf_reader_find_image(r, id, &image, &err), &err);
        expect(pf_reader_find_case(r, id, &found, &err), &err);
        pf_buf_init(&jpeg, PF_STORE_THUMBNAIL_MAX);
        expect(pf_store_get_thumbnail(pf_reader_store(r), id, &jpeg, &err), &err);
        pf_buf_free(&jpeg);
        pf_image_free(image);
        pf_case_free(found);
    }
    expect(pf_reader_get_facets(r, NULL, 0, &facets, &err), &err);
    pf_facets_free(facets);
}

static bool ask(pf_reader *r, const char *question, pf_err *err)
{
    pf_work work = PF_WORK_INIT;
    pf_request *request;
    pf_answer *answer = NULL;
    char *json = NULL;
    work.threads = 1;
    require(pf_request_new(&request, err), err->msg);
    const bool ok =
        pf_request_read_json(request, question, strlen(question), true, err) &&
        pf_reader_ask(r, request, &work, &answer, err) &&
        pf_answer_get_json(answer, &json, NULL, err);
    pf_free(json);
    pf_answer_free(answer);
    pf_request_free(request);
    return ok;
}

static void evaluate(pf_reader *r)
{
    const pf_evaluate_options options = {.threads = 1, .resamples = 1};
    pf_evaluate_result result = {0};
    pf_notes notes = {0};
    pf_err err = PF_ERR_INIT;
    expect(pf_evaluate(r, &options, &result, &notes, &err), &err);
    pf_evaluate_result_reset(&result);
    pf_notes_reset(&notes);
}

static void ask_something(pf_reader *r, size_t which)
{
    static const char *const questions[] = {
        "{\"phrase\":\"caption of film 4\",\"by\":\"words\",\"find\":\"captions\"}",
        "{\"phrase\":\"film -another\",\"by\":\"words\",\"filter\":\"modality=CT\"}",
        "{\"like\":3}",
        "{\"like\":3,\"find\":\"captions\"}",
        "{\"like\":3,\"find\":\"cases\"}",
        "{\"like\":3,\"filter\":[\"case~c\",\"path~*films*\"],\"collapse\":0.5}",
        "{\"sort\":\"date\",\"facets\":[\"modality\",\"case\",\"year\"]}",
        "{\"filter\":\"modality=none\"}",
        "{\"values\":true}",
        "{\"duplicates\":0.3}",
    };
    const size_t n = sizeof questions / sizeof *questions;
    pf_err err = PF_ERR_INIT;
    if (which % (n + 1) == n)
        evaluate(r);
    else
        expect(ask(r, questions[which % (n + 1)], &err), &err);
}

static void check(pf_reader *r)
{
    pf_notes problems = {0};
    pf_err err = PF_ERR_INIT;
    expect(pf_catalog_check(r->catalog, NULL, &problems, &err), &err);
    pf_notes_reset(&problems);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const pf_engine_options options = {.synonyms = synonyms, .ignores_negation = true};
    pf_reader *r;
    pf_notes notes = {0};
    pf_err err = PF_ERR_INIT;
    if (size == 0)
        return 0;
    make_catalog();
    make_changed(pf_span_of(data + 1, size - 1));
    seal();
    write_changed();
    const bool ok = pf_asking_open(&r, catalog, &options, &notes, &err);
    expect(ok, &err);
    if (ok) {
        look_around(r);
        ask_something(r, data[0]);
        check(r);
        pf_asking_close(r);
    }
    pf_notes_reset(&notes);
    return 0;
}
