/*
 * fuzz_catalog.c - any bytes in catalog.db: a small catalog, changed in places, is
 * opened, asked and checked.
 *
 * An input is changes one after another: four bytes that say where, one how many (1 to
 * 8), and these. Pages are small, so that most of them have something in it, and FTS5's
 * tables are among them. Checked for each input: no crash, and what is wrong is said in
 * one line; the driver sees to time and memory.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "core/base/span.h"
#include "tests/fuzz/require.h"
#include "tests/support/asking.h"
#include "tests/support/seeded.h"
#include "tests/support/tree.h"

enum { IMAGES = 46, FILE_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Made once: the folder, and catalog.db as it was. */
static char box[64], catalog[80];
static uint8_t whole[FILE_MAX], changed[FILE_MAX];
static size_t whole_size;

static void remove_box(void)
{
    pf_tree_remove(box);
}

static void make_pages_small(void)
{
    sqlite3 *db;
    require(sqlite3_open(pf_tree_path(catalog, "catalog.db"), &db) == SQLITE_OK &&
                sqlite3_exec(db,
                             "PRAGMA journal_mode = DELETE; PRAGMA page_size = 1024;"
                             "VACUUM; PRAGMA journal_mode = WAL;",
                             NULL, NULL, NULL) == SQLITE_OK,
            "small pages");
    sqlite3_close(db);
}

static void make_catalog(void)
{
    char model[80];
    pf_err err = PF_ERR_INIT;
    if (whole_size > 0)
        return;
    snprintf(box, sizeof box, "%s", "/tmp/plainfilm-fuzz-XXXXXX");
    require(mkdtemp(box) != NULL, "a temporary folder");
    atexit(remove_box);
    snprintf(model, sizeof model, "%s/model", box);
    snprintf(catalog, sizeof catalog, "%s/catalog", box);
    require(pf_seeded_model_write(model, &err), err.msg);
    require(pf_seeded_catalog_write(catalog, model, NULL, IMAGES, true, &err), err.msg);
    pf_tree_remove(model); /* the text tower is another target's */
    make_pages_small();
    whole_size = pf_tree_read(pf_tree_path(catalog, "catalog.db"), whole, sizeof whole);
}

static void change(const uint8_t *data, size_t size)
{
    pf_span s = pf_span_of(data, size);
    uint32_t where;
    uint8_t n;
    const uint8_t *bytes;
    memcpy(changed, whole, whole_size);
    while (pf_span_u32le(&s, &where) && pf_span_u8(&s, &n) &&
           pf_span_take(&s, 1 + (size_t)(n % 8), &bytes)) {
        for (size_t i = 0; i <= n % 8; i++)
            changed[(where + i) % whole_size] = bytes[i];
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    pf_err err = PF_ERR_INIT;
    pf_notes notes = {0}, problems = {0};
    make_catalog();
    change(data, size);
    pf_tree_remove(pf_tree_path(catalog, "catalog.db-wal"));
    pf_tree_remove(pf_tree_path(catalog, "catalog.db-shm"));
    pf_tree_write(pf_tree_path(catalog, "catalog.db"), changed, whole_size);
    if (!pf_asking_all(catalog, &notes, &problems, &err))
        require(err.msg[0] && !strpbrk(err.msg, "\n\r\033"), "a reason, in one line");
    pf_notes_reset(&notes);
    pf_notes_reset(&problems);
    return 0;
}
