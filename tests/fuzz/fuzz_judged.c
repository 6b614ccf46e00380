/*
 * fuzz_judged.c - any bytes as a file of questions with what is right (judged.h).
 *
 * Checked for each input: no crash; what is read has a phrase that is text, and right
 * images that take part, ascending, each once; what is refused says why.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/utf8.h"
#include "core/evaluate/judged.h"
#include "tests/fuzz/require.h"
#include "tests/support/seeded.h"

enum { IMAGES = 24, TAKE_PART = 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Made once; it belongs to the process. */
static pf_store *store;
static char questions[64];

static void remove_questions(void)
{
    unlink(questions);
}

/* Files that are open stay readable when their names are gone. */
static void open_store(void)
{
    char box[] = "/tmp/plainfilm-fuzz-XXXXXX", model[64], catalog[64], path[128];
    pf_err err = PF_ERR_INIT;
    if (store)
        return;
    require(mkdtemp(box) != NULL, "a temporary folder");
    snprintf(model, sizeof model, "%s/model", box);
    snprintf(catalog, sizeof catalog, "%s/catalog", box);
    snprintf(path, sizeof path, "%s/catalog.db", catalog);
    require(pf_seeded_model_write(model, &err), err.msg);
    require(pf_seeded_catalog_write(catalog, model, NULL, IMAGES, true, &err), err.msg);
    require(pf_store_open(&store, path, PF_STORE_READ, &err), err.msg);
    snprintf(path, sizeof path, "rm -rf '%s'", box);
    require(system(path) == 0, "a folder that can be removed");
    snprintf(questions, sizeof questions, "/tmp/plainfilm-fuzz-%ld", (long)getpid());
    require(atexit(remove_questions) == 0, "a file that can be removed");
}

static void write_questions(const uint8_t *data, size_t size)
{
    FILE *f = fopen(questions, "wb");
    require(f != NULL, "a file to write to");
    require(fwrite(data, 1, size, f) == size, "a file that can be written");
    require(fclose(f) == 0, "a file that can be closed");
}

static void check(const pf_judged *j)
{
    require(j->text[0] != '\0', "a question has a phrase");
    require(pf_utf8_is_valid(j->text, strlen(j->text)), "a phrase is UTF-8");
    require(j->captions.n == 0, "a file knows of no captions");
    require(j->right.n > 0, "a question has an answer");
    for (size_t i = 0; i < j->right.n; i++) {
        const int64_t id = j->right.ids[i];
        require(id > 0 && id <= TAKE_PART, "an answer takes part");
        require(i == 0 || id > j->right.ids[i - 1], "answers ascend");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t ids[TAKE_PART];
    const pf_id_set images = {.ids = ids, .n = TAKE_PART};
    pf_judged_list list = {0};
    pf_notes notes = {0};
    pf_err err = PF_ERR_INIT;
    for (int i = 0; i < TAKE_PART; i++)
        ids[i] = i + 1;
    open_store();
    write_questions(data, size);
    if (pf_judged_read(&list, store, &images, questions, NULL, &notes, &err)) {
        for (size_t i = 0; i < list.n; i++)
            check(&list.at[i]);
    } else {
        require(err.code == PF_ERR_FORMAT || err.code == PF_ERR_NOT_FOUND ||
                    err.code == PF_ERR_LIMIT,
                err.msg);
        require(err.msg[0] != '\0', "a refusal says why");
    }
    pf_judged_list_reset(&list);
    pf_notes_reset(&notes);
    return 0;
}
