/* test_catalog.c - the folder, the lock, publishing under kills, readers beside
 * writers. */
#define _GNU_SOURCE /* memmem() */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/catalog/catalog.h"
#include "core/catalog/vfile.h"
#include "tests/support/index_file.h"
#include "tests/support/rows.h"
#include "tests/support/seeded.h"
#include "tests/support/tree.h"
#include "tests/unit/test_support.h"

enum { DIM = 16 };

static void spoil(const char *name);
static char root[PF_TREE_ROOM], folder[96];
static pf_err err;

static int before(void **state)
{
    (void)state;
    err = (pf_err)PF_ERR_INIT;
    pf_tree_make(root);
    snprintf(folder, sizeof folder, "%s/c", root);
    return 0;
}

static int after(void **state)
{
    (void)state;
    pf_tree_remove(root);
    return 0;
}

/* Does the folder hold a file of this name? */
static bool has(const char *name)
{
    return access(pf_tree_path(folder, name), F_OK) == 0;
}

static const float *vector_of(int i)
{
    static float v[DIM];
    pf_seeded_vector(v, DIM, (uint32_t)i);
    return v;
}

/* Image number i with one caption. */
static bool add_image(pf_store *s, int64_t model, int64_t source, int i, pf_err *e)
{
    char name[32];
    snprintf(name, sizeof name, "/p/%04d.png", i);
    pf_store_image image = {.source_id = source, .path = name};
    int64_t id, text;
    return pf_rows_put_picture(s, model, name, vector_of(i), &image.picture_id, e) &&
           pf_store_put_image(s, &image, &id, e) &&
           pf_store_put_caption_text(s, model, name, vector_of(i + 1), &text, e) &&
           pf_store_set_captions(s, id, &text, 1, e);
}

/* Add images [from, to). */
static bool publish_images(int from, int to)
{
    return pf_rows_publish(folder, DIM, from, to, add_image, &err);
}

/* A reader, and the indexes of its generation. */
typedef struct {
    pf_catalog *catalog;
    pf_index_file file[PF_INDEX_KINDS];
    pf_vindex *index[PF_INDEX_KINDS];
} opened;

static bool hold(opened *o)
{
    *o = (opened){.file = {{.fd = -1}, {.fd = -1}}};
    return pf_catalog_open_reader(&o->catalog, folder, &err) &&
           pf_catalog_hold_indexes(o->catalog, o->file, &err);
}

static bool load(opened *o, pf_notes *notes)
{
    bool ok = true;
    for (int kind = 0; ok && kind < PF_INDEX_KINDS; kind++)
        ok = pf_catalog_load_index(o->catalog, (pf_index_kind)kind, &o->file[kind],
                                   &o->index[kind], notes, &err);
    return ok;
}

static void release(opened *o)
{
    for (int kind = 0; kind < PF_INDEX_KINDS; kind++) {
        pf_vindex_free(o->index[kind]);
        o->index[kind] = NULL;
    }
    pf_catalog_release_indexes(o->file);
}

static void close_reader(opened *o)
{
    release(o);
    pf_catalog_close(o->catalog);
}

static size_t count(const opened *o, pf_index_kind kind)
{
    return pf_vindex_count(o->index[kind]);
}

/* A reader sees exactly this, and everything about it fits together. */
static void assert_catalog(int64_t generation, size_t n)
{
    opened o;
    pf_notes notes = {0};
    assert_ok(hold(&o) && load(&o, &notes), &err);
    assert_int_equal(notes.count, 0);
    assert_int_equal(pf_catalog_generation(o.catalog), generation);
    assert_int_equal(count(&o, PF_INDEX_IMAGES), n);
    assert_int_equal(count(&o, PF_INDEX_CAPTIONS), n);
    pf_store_counts counts;
    assert_ok(pf_store_count(pf_catalog_store(o.catalog), &counts, &err), &err);
    assert_int_equal(counts.images, n);
    assert_ok(pf_catalog_check(o.catalog, NULL, &notes, &err), &err);
    if (notes.count > 0)
        fail_msg("%s", notes.line[0]);
    close_reader(&o);
}

/* ---- nights that add a few ---- */

/* What the row of images says of its file. */
static pf_store_index_file row_of_images(void)
{
    opened o;
    assert_ok(hold(&o), &err);
    const pf_store_index_file row = o.file[PF_INDEX_IMAGES].row;
    close_reader(&o);
    return row;
}

/* Image `number` (from 0) is found by its own vector, under its id. */
static void assert_found(int number)
{
    opened o;
    pf_notes notes = {0};
    int64_t ids[3];
    float scores[3];
    size_t n;
    assert_ok(hold(&o) && load(&o, &notes), &err);
    assert_int_equal(notes.count, 0);
    assert_ok(pf_vindex_search(o.index[PF_INDEX_IMAGES], vector_of(number), 1, 3, NULL,
                               0, ids, scores, &n, &err),
              &err);
    assert_int_equal(n, 3);
    assert_int_equal(ids[0], number + 1);
    assert_true(scores[0] > 0.999f && scores[0] > scores[1] && scores[1] >= scores[2]);
    const int64_t only[] = {number + 1, 1, 1000000};
    assert_ok(pf_vindex_search(o.index[PF_INDEX_IMAGES], vector_of(number), 1, 3, only,
                               3, ids, scores, &n, &err),
              &err);
    assert_int_equal(n, 2);
    assert_int_equal(ids[0], number + 1);
    const float *vector;
    assert_ok(pf_vindex_get(o.index[PF_INDEX_IMAGES], number + 1, &vector, &err), &err);
    assert_memory_equal(vector, vector_of(number), DIM * sizeof *vector);
    close_reader(&o);
}

/* Do the bytes of image `number`'s vector stand in the file? */
static bool has_vector(const char *name, int number)
{
    static uint8_t bytes[1 << 20];
    const size_t n = pf_tree_read(pf_tree_path(folder, name), bytes, sizeof bytes);
    return memmem(bytes, n, vector_of(number), DIM * sizeof(float)) != NULL;
}

static void a_few_more_images_write_no_index(void **state)
{
    (void)state;
    pf_store_index_file row;
    assert_ok(publish_images(0, 300), &err);
    assert_ok(publish_images(300, 303), &err);
    assert_ok(publish_images(303, 305), &err);
    assert_catalog(3, 305);
    row = row_of_images();
    assert_string_equal(row.name, "images.1.faiss");
    assert_true(row.generation == 3 && row.in_file == 300 && row.last_id == 300);
    assert_true(has("images.1.faiss") && has("captions.1.faiss"));
    assert_false(has("images.3.faiss"));
    assert_found(302);
    assert_found(304);
    assert_found(7);
    assert_ok(publish_images(305, 308), &err); /* more than a fiftieth */
    assert_catalog(4, 308);
    row = row_of_images();
    assert_string_equal(row.name, "images.4.faiss");
    assert_true(row.in_file == 308 && row.last_id == 308);
    assert_false(has("images.1.faiss"));
    assert_found(307);
}

static bool delete_image(pf_store *s, int64_t model, int64_t source, int i, pf_err *e)
{
    (void)model;
    (void)source;
    return pf_store_delete_image(s, i + 1, e);
}

/* What is gone is in no file any more, also when it went with its source. */
static void what_is_removed_is_in_no_index(void **state)
{
    (void)state;
    assert_ok(publish_images(0, 300), &err);
    assert_true(has_vector("images.1.faiss", 9));
    assert_ok(pf_rows_publish(folder, DIM, 9, 10, delete_image, &err), &err);
    assert_catalog(2, 299);
    assert_false(has("images.1.faiss"));
    assert_false(has_vector("images.2.faiss", 9));
    assert_true(has_vector("images.2.faiss", 10));
    /* one that is in no file may go without */
    assert_ok(publish_images(300, 302), &err);
    assert_ok(pf_rows_publish(folder, DIM, 300, 301, delete_image, &err), &err);
    assert_catalog(4, 300);
    assert_string_equal(row_of_images().name, "images.2.faiss");
    assert_found(301);
    pf_catalog *c;
    assert_ok(pf_catalog_open_writer(&c, folder, NULL, &err), &err);
    pf_store *s = pf_catalog_store(c);
    pf_store_index_file row;
    assert_ok(pf_store_begin(s, &err), &err);
    assert_ok(pf_store_delete_source(s, 1, &err), &err);
    for (int kind = 0; kind < PF_INDEX_KINDS; kind++) {
        assert_ok(pf_store_find_index_file(s, (pf_index_kind)kind, &row, &err), &err);
        assert_true(row.is_stale);
    }
    pf_store_rollback(s);
    pf_catalog_close(c);
}

/* A damaged file is written anew whatever there is to add; a copy has what there is. */
static void a_catalog_that_grew_is_as_good(void **state)
{
    (void)state;
    assert_ok(publish_images(0, 300), &err);
    assert_ok(publish_images(300, 302), &err);
    char copy[96];
    snprintf(copy, sizeof copy, "%s/copy", root);
    int64_t generation;
    assert_ok(pf_catalog_backup(folder, copy, NULL, &generation, &err), &err);
    assert_int_equal(generation, 2);
    char own[96];
    snprintf(own, sizeof own, "%s", folder);
    snprintf(folder, sizeof folder, "%s", copy);
    assert_catalog(2, 302);
    assert_found(301);
    snprintf(folder, sizeof folder, "%s", own);
    spoil("images.1.faiss");
    assert_ok(publish_images(302, 303), &err);
    assert_catalog(3, 303);
    assert_string_equal(row_of_images().name, "images.3.faiss");
    static const char *const lies[] = {
        "UPDATE index_file SET in_file = 299, last_id = 299",
        "UPDATE index_file SET last_id = 302", "UPDATE index_file SET last_id = 0",
        "UPDATE index_file SET count = 300, in_file = 300",
        "UPDATE index_file SET count = 400"};
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        pf_rows_run_script(folder, lies[i]);
        opened o;
        pf_notes notes = {0};
        assert_ok(hold(&o) && load(&o, &notes), &err);
        assert_int_equal(notes.count, 2);
        assert_int_equal(count(&o, PF_INDEX_IMAGES), 303);
        pf_notes_reset(&notes);
        assert_ok(pf_catalog_check(o.catalog, NULL, &notes, &err), &err);
        assert_true(notes.count > 0);
        pf_notes_reset(&notes);
        close_reader(&o);
        pf_rows_run_script(folder, "UPDATE index_file SET count = 303, in_file = 303,"
                                   " last_id = 303");
    }
    assert_catalog(3, 303);
}

/* --- the folder and the lock --------------------------------------------------------
 */

static void the_default_folder_follows_the_environment(void **state)
{
    (void)state;
    setenv("PLAINFILM_CATALOG", "/a/b", 1);
    setenv("XDG_DATA_HOME", "/data", 1);
    setenv("HOME", "/home/u", 1);
    const char *want[] = {"/a/b", "/data/plainfilm", "/home/u/.local/share/plainfilm",
                          "/home/u/.local/share/plainfilm"};
    for (int i = 0; i < 4; i++) {
        char *path = pf_catalog_default_folder(&err);
        assert_non_null(path);
        assert_string_equal(path, want[i]);
        pf_free(path);
        if (i == 0)
            unsetenv("PLAINFILM_CATALOG");
        else
            setenv("XDG_DATA_HOME", i == 1 ? "relative" : "", 1);
    }
    unsetenv("HOME");
    assert_null(pf_catalog_default_folder(&err));
    assert_int_equal(err.code, PF_ERR_MISUSE);
}

static void a_new_folder_is_private(void **state)
{
    (void)state;
    assert_ok(publish_images(0, 2), &err);
    struct stat st;
    assert_int_equal(stat(folder, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    const char *names[] = {"catalog.db", "lock", "images.1.faiss", "captions.1.faiss"};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(stat(pf_tree_path(folder, names[i]), &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
    assert_catalog(1, 2);
}

static void what_is_no_catalog_is_said_clearly(void **state)
{
    (void)state;
    pf_catalog *c;
    const pf_catalog_writer_options must_exist = {.must_exist = true};
    assert_refused(pf_catalog_open_reader(&c, folder, &err), &err,
                   "there is no catalog");
    assert_int_equal(err.code, PF_ERR_NOT_FOUND);
    assert_refused(pf_catalog_open_writer(&c, folder, &must_exist, &err), &err,
                   "there is no catalog");
    assert_int_not_equal(access(folder, F_OK), 0);
    assert_int_equal(mkdir(folder, 0700), 0);
    const char *path = pf_tree_path(folder, "holiday.jpg");
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    close(fd);
    assert_refused(pf_catalog_open_reader(&c, folder, &err), &err,
                   "no catalog.db in it");
    assert_refused(pf_catalog_open_writer(&c, folder, NULL, &err), &err, "not empty");
    assert_false(has("lock"));
    assert_refused(pf_catalog_open_reader(&c, path, &err), &err, "no folder");
    unlink(path);
    assert_ok(pf_catalog_open_writer(&c, folder, NULL, &err), &err);
    pf_catalog_close(c);
    assert_refused(pf_catalog_open_reader(&c, folder, &err), &err,
                   "no run of plainfilm-index has finished");
}

static void only_one_indexer_writes(void **state)
{
    (void)state;
    pf_catalog *c;
    assert_ok(pf_catalog_open_writer(&c, folder, NULL, &err), &err);
    char want[64];
    snprintf(want, sizeof want, "process %ld", (long)getpid());
    pid_t child = fork();
    if (child == 0) {
        pf_catalog *other;
        bool is_refused = !pf_catalog_open_writer(&other, folder, NULL, &err) &&
                          err.code == PF_ERR_BUSY && strstr(err.msg, want);
        atomic_int stop = 1;
        const pf_catalog_writer_options options = {.wait_seconds = 60, .stop = &stop};
        is_refused = is_refused &&
                     !pf_catalog_open_writer(&other, folder, &options, &err) &&
                     err.code == PF_ERR_INTERRUPTED;
        _exit(is_refused ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    child = fork(); /* one that waits gets its turn */
    if (child == 0) {
        const pf_catalog_writer_options options = {.wait_seconds = 30};
        pf_catalog *other;
        bool ok = pf_catalog_open_writer(&other, folder, &options, &err);
        pf_catalog_close(ok ? other : NULL);
        _exit(ok ? 0 : 1);
    }
    struct timespec pause = {0, 300 * 1000000L};
    nanosleep(&pause, NULL);
    assert_int_equal(waitpid(child, &status, WNOHANG), 0);
    pf_catalog_close(c);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* --- publishing ---------------------------------------------------------------------
 */

/* Killed behind any step, the catalog opens with the old or the new generation, whole,
 * and the next run goes on. */
static void assert_whole_after_kills(void)
{
    int64_t generation = 1;
    assert_ok(publish_images(0, 5), &err);
    for (int step = 1; step <= 6; step++) {
        int have = 5 * (int)generation;
        pid_t child = fork();
        if (child == 0) {
            pf_catalog_die_at(step);
            publish_images(have, have + 5);
            _exit(1);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 9);
        if (step >= 5)
            generation++;
        assert_catalog(generation, 5 * (size_t)generation);
        have = 5 * (int)generation;
        assert_ok(publish_images(have, have + 5), &err);
        generation++;
        assert_catalog(generation, 5 * (size_t)generation);
        char old[64];
        for (int64_t g = 1; g < generation; g++) { /* nothing old is left lying */
            snprintf(old, sizeof old, "images.%lld.faiss", (long long)g);
            assert_false(has(old));
        }
    }
}

static void a_kill_at_any_step_leaves_one_whole_generation(void **state)
{
    (void)state;
    assert_whole_after_kills();
}

static void choose_index(const char *spec)
{
    pf_catalog *c;
    assert_ok(pf_catalog_open_writer(&c, folder, NULL, &err), &err);
    assert_ok(pf_catalog_choose_index(c, spec, &err), &err);
    pf_catalog_close(c);
}

static void and_so_it_does_with_lists(void **state)
{
    (void)state;
    choose_index("IVF3,SQ8,RFlat");
    assert_whole_after_kills();
    assert_int_equal(row_of_images().n_lists, 3);
    assert_int_equal(row_of_images().trained, 35); /* anew with more than twice 15 */
}

/* Damage of the older file that shows when its lists are taken over. */
static void lists_of_a_damaged_file_are_made_anew(void **state)
{
    (void)state;
    static uint8_t bytes[1 << 16];
    choose_index("IVF3,SQ8,RFlat");
    assert_ok(publish_images(0, 40), &err);
    assert_ok(pf_rows_publish(folder, DIM, 9, 10, delete_image, &err), &err);
    assert_int_equal(row_of_images().trained, 40); /* they were taken over */
    const char *path = pf_tree_path(folder, "images.2.faiss");
    const size_t n = pf_tree_read(path, bytes, sizeof bytes);
    bytes[n / 2] ^= 1;
    pf_tree_write(path, bytes, n);
    pf_vfile_check_up_to(0);
    assert_ok(pf_rows_publish(folder, DIM, 10, 11, delete_image, &err), &err);
    pf_vfile_check_up_to(4 << 20);
    assert_int_equal(row_of_images().trained, 38);
    assert_catalog(3, 38);
}

/* What stands in the catalog is asked for by whoever wrote it. */
static void an_index_that_cannot_be_is_not_made(void **state)
{
    (void)state;
    pf_catalog *c;
    assert_ok(publish_images(0, 5), &err);
    assert_ok(pf_catalog_open_writer(&c, folder, NULL, &err), &err);
    assert_refused(pf_catalog_choose_index(c, "IVF0,SQ8,RFlat", &err), &err,
                   "there is no index 'IVF0,SQ8,RFlat'");
    pf_catalog_close(c);
    pf_rows_run_script(folder, "UPDATE catalog SET index_spec = 'IVF99999,SQ8,RFlat'");
    assert_refused(publish_images(5, 10), &err, "is damaged: there is no index");
    assert_int_equal(err.code, PF_ERR_FORMAT);
    pf_rows_run_script(folder, "UPDATE catalog SET index_spec = 'auto'");
    assert_catalog(1, 5);
}

/* A full disk: no file may grow past a limit, at which write() fails. */
static void a_disk_that_fills_up_changes_nothing(void **state)
{
    (void)state;
    assert_ok(publish_images(0, 5), &err);
    int failures = 0;
    for (rlim_t limit = 0; limit <= 1024 << 10; limit += 8 << 10) {
        pid_t child = fork();
        if (child == 0) {
            signal(SIGXFSZ, SIG_IGN);
            const struct rlimit r = {limit, limit};
            if (setrlimit(RLIMIT_FSIZE, &r) != 0)
                _exit(3);
            _exit(publish_images(5, 205) ? 0 : err.code == PF_ERR_IO ? 1 : 2);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_in_range(WEXITSTATUS(status), 0, 1);
        failures += WEXITSTATUS(status);
        if (WEXITSTATUS(status) == 0)
            break;
        assert_catalog(1, 5);
        assert_false(has("images.2.faiss.tmp"));
    }
    assert_true(failures > 5);
    assert_catalog(2, 205);
}

/* Before anything is written, not in the middle of it. */
static void a_disk_without_room_is_told_of(void **state)
{
    (void)state;
    assert_ok(publish_images(0, 5), &err);
    pf_catalog_pretend_room(100 << 10);
    const bool ok = publish_images(5, 25);
    pf_catalog_pretend_room(-1);
    assert_refused(ok, &err, "the disk is full: it has 100 KiB left, and about 102");
    assert_int_equal(err.code, PF_ERR_IO);
    assert_catalog(1, 5);
    assert_false(has("images.2.faiss"));
    assert_ok(publish_images(5, 25), &err);
}

static void a_publish_that_fails_rolls_back(void **state)
{
    (void)state;
    assert_ok(publish_images(0, 3), &err);
    pf_catalog *c;
    assert_ok(pf_catalog_open_writer(&c, folder, NULL, &err), &err);
    assert_refused(pf_catalog_publish(c, &err), &err, "outside of a transaction");
    const char *path = pf_tree_path(folder, "captions.2.faiss.tmp");
    assert_int_equal(mkdir(path, 0700), 0); /* in the way */
    assert_ok(pf_store_begin(pf_catalog_store(c), &err), &err);
    assert_ok(pf_store_delete_image(pf_catalog_store(c), 1, &err), &err);
    assert_refused(pf_catalog_publish(c, &err), &err, "cannot write");
    assert_false(has("images.2.faiss"));
    rmdir(path);
    pf_catalog_close(c);
    assert_catalog(1, 3);
}

/* --- removal ------------------------------------------------------------------------
 */

enum { FILMS = 300 };

/* A word of sixteen letters that stands in the caption of film i, and nowhere else. */
static void make_secret(char word[17], int i)
{
    const pf_hash hash = pf_hash_bytes(&i, sizeof i);
    for (int k = 0; k < 16; k++)
        word[k] = (char)('a' + hash.b[k] % 26);
    word[16] = '\0';
}

static bool add_secret(pf_store *s, int64_t model, int64_t source, int i, pf_err *e)
{
    char name[32], word[17], caption[128];
    make_secret(word, i);
    snprintf(name, sizeof name, "/p/%04d.png", i);
    snprintf(caption, sizeof caption, "the patient %s has nothing, %d", word, i);
    pf_store_image image = {.source_id = source, .path = name};
    int64_t id, text;
    return pf_rows_put_picture(s, model, name, vector_of(i), &image.picture_id, e) &&
           pf_store_put_image(s, &image, &id, e) &&
           pf_store_put_caption_text(s, model, caption, vector_of(i), &text, e) &&
           pf_store_set_captions(s, id, &text, 1, e);
}

/* Films for which `is_gone` go, in one publish. */
static void remove_films(bool is_gone(int i))
{
    pf_catalog *c;
    assert_ok(pf_catalog_open_writer(&c, folder, NULL, &err), &err);
    pf_store *s = pf_catalog_store(c);
    assert_ok(pf_store_begin(s, &err), &err);
    for (int i = 0; i < FILMS; i++) {
        if (is_gone(i))
            assert_ok(pf_store_delete_image(s, i + 1, &err), &err);
    }
    assert_ok(pf_catalog_publish(c, &err), &err);
    pf_catalog_close(c);
}

/* How often do these letters stand in the files of the folder? */
static size_t count_letters(const char *letters)
{
    static const char *const files[] = {"catalog.db", "catalog.db-wal",
                                        "captions.1.faiss", "captions.2.faiss"};
    static uint8_t bytes[8 << 20];
    size_t found = 0;
    for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
        if (!has(files[f]))
            continue;
        const size_t n = pf_tree_read(pf_tree_path(folder, files[f]), bytes,
                                      sizeof bytes),
                     m = strlen(letters);
        for (size_t i = 0; i + m <= n; i++)
            found += memcmp(bytes + i, letters, m) == 0;
    }
    return found;
}

static bool is_every_third(int i)
{
    return i % 3 == 0;
}

static bool is_last(int i)
{
    return i == FILMS - 1;
}

/* Not in the rows, in the index of words or in pages that are free now. */
static void a_removed_caption_leaves_no_byte(void **state)
{
    (void)state;
    for (int from = 0; from < FILMS; from += 50)
        assert_ok(pf_rows_publish(folder, DIM, from, from + 50, add_secret, &err),
                  &err);
    remove_films(is_every_third);
    remove_films(is_last);
    size_t left = 0;
    for (int i = 0; i < FILMS; i++) {
        char word[17];
        make_secret(word, i);
        const bool is_gone = is_every_third(i) || is_last(i);
        const size_t n = count_letters(word + 8); /* FTS5 leaves out what is repeated */
        left += is_gone ? n : 0;
        assert_true(is_gone || n > 0);
    }
    assert_int_equal(left, 0);
}

/* --- readers ------------------------------------------------------------------------
 */

static void a_reader_keeps_its_generation(void **state)
{
    (void)state;
    assert_ok(publish_images(0, 4), &err);
    opened o;
    pf_notes notes = {0};
    assert_ok(hold(&o), &err);
    assert_ok(publish_images(4, 10), &err);
    assert_true(pf_catalog_has_snapshot(o.catalog));
    pf_store_counts n;
    assert_ok(pf_store_count(pf_catalog_store(o.catalog), &n, &err), &err);
    assert_int_equal(n.images, 4);
    assert_false(has("images.1.faiss"));
    assert_ok(load(&o, &notes),
              &err); /* files that are held can be read all the same */
    assert_int_equal(notes.count, 0);
    assert_int_equal(count(&o, PF_INDEX_IMAGES), 4);
    assert_int_equal(count(&o, PF_INDEX_CAPTIONS), 4);
    assert_ok(pf_catalog_check(o.catalog, NULL, &notes, &err), &err);
    assert_int_equal(notes.count, 0);
    assert_int_equal(pf_catalog_generation(o.catalog), 2); /* whose files there are */
    release(&o);
    pf_catalog_end_read(o.catalog);
    assert_false(pf_catalog_has_snapshot(o.catalog));
    assert_ok(pf_catalog_begin_read(o.catalog, &err), &err);
    assert_int_equal(pf_catalog_generation(o.catalog), 2);
    assert_ok(pf_catalog_hold_indexes(o.catalog, o.file, &err) && load(&o, &notes),
              &err);
    assert_int_equal(notes.count, 0);
    assert_int_equal(count(&o, PF_INDEX_IMAGES), 10);
    assert_ok(pf_catalog_begin_read(o.catalog, &err), &err); /* nothing new */
    assert_int_equal(pf_catalog_generation(o.catalog), 2);
    close_reader(&o);
}

/* Whoever has the rows of one generation and finds its files gone takes the newer one.
 */
static void a_reader_that_is_overtaken_takes_the_newer_generation(void **state)
{
    (void)state;
    assert_ok(publish_images(0, 4), &err);
    opened o = {.file = {{.fd = -1}, {.fd = -1}}};
    pf_notes notes = {0};
    assert_ok(pf_catalog_open_reader(&o.catalog, folder, &err), &err);
    assert_ok(publish_images(4, 10), &err);
    assert_int_equal(pf_catalog_generation(o.catalog), 1);
    assert_ok(pf_catalog_hold_indexes(o.catalog, o.file, &err) && load(&o, &notes),
              &err);
    assert_int_equal(pf_catalog_generation(o.catalog), 2);
    assert_int_equal(notes.count, 0);
    assert_int_equal(count(&o, PF_INDEX_IMAGES), 10);
    close_reader(&o);
}

/* Readers that come and go while generations are published get whole ones, always. */
static void readers_never_see_halves(void **state)
{
    (void)state;
    assert_ok(publish_images(0, 3), &err);
    pid_t child = fork();
    if (child == 0) {
        for (int i = 1; i < 12; i++) {
            if (!publish_images(3 * i, 3 * i + 3))
                _exit(1);
        }
        _exit(0);
    }
    int status = 0, rounds = 0;
    int64_t last = 0;
    while (waitpid(child, &status, WNOHANG) == 0 || rounds == 0) {
        opened o;
        pf_notes notes = {0};
        assert_ok(hold(&o) && load(&o, &notes), &err);
        if (notes.count > 0)
            fail_msg("%s", notes.line[0]);
        int64_t generation = pf_catalog_generation(o.catalog);
        pf_store_counts n;
        assert_ok(pf_store_count(pf_catalog_store(o.catalog), &n, &err), &err);
        assert_int_equal(n.images, 3 * generation);
        assert_int_equal(count(&o, PF_INDEX_IMAGES), n.images);
        assert_int_equal(count(&o, PF_INDEX_CAPTIONS), n.captions);
        assert_true(generation >= last);
        last = generation;
        close_reader(&o);
        rounds++;
    }
    assert_int_equal(status, 0);
    assert_catalog(12, 36);
}

static void spoil(const char *name)
{
    const char *path = pf_tree_path(folder, name);
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    fseek(f, 427, SEEK_SET); /* into a number of the first vector (vfile_layout.h) */
    fputc(0x55, f);
    fputc(0xAA, f);
    fclose(f);
}

/* The index of images is not taken, for a reason with `words`, and answers come from
 * the database; an indexer sees it, too. */
static void assert_images_made_up_for(const char *words)
{
    opened o;
    pf_notes notes = {0};
    assert_ok(hold(&o) && load(&o, &notes), &err);
    assert_int_equal(notes.count, 1);
    if (!strstr(notes.line[0], words))
        fail_msg("'%s', expected '%s'", notes.line[0], words);
    pf_notes_reset(&notes);
    assert_int_equal(count(&o, PF_INDEX_IMAGES), 6);
    close_reader(&o);
    pf_catalog *c;
    bool is_needed;
    assert_ok(pf_catalog_open_writer(&c, folder, NULL, &err), &err);
    assert_ok(pf_catalog_needs_publish(c, &is_needed, &err), &err);
    assert_true(is_needed);
    pf_catalog_close(c);
}

/* Record the checksum that the file of images has now. */
static void record_checksum(void)
{
    const pf_hash found = pf_index_file_seal_at(pf_tree_path(folder, "images.1.faiss"));
    char hex[PF_HASH_HEX_SIZE], script[160];
    pf_hash_hex(&found, hex);
    snprintf(script, sizeof script,
             "UPDATE index_file SET checksum = x'%s' WHERE kind = 'images'", hex);
    pf_rows_run_script(folder, script);
}

/* Whoever can write the file can write its checksum, its count and its dimension. */
static void index_files_that_lie_are_made_up_for(void **state)
{
    (void)state;
    assert_ok(publish_images(0, 6), &err);
    const char *path = pf_tree_path(folder, "images.1.faiss");
    spoil("images.1.faiss");
    record_checksum();
    assert_images_made_up_for("has not length 1");
    static const char nested[] = "IxMp\x10\0\0\0\0\0\0\0";
    uint8_t file[37 * 400];
    for (size_t i = 0; i < sizeof file; i += 37)
        memcpy(file + i, nested, sizeof nested);
    pf_tree_write(path, file, sizeof file);
    record_checksum();
    char words[80];
    const size_t size = (size_t)pf_vfile_size(16, 6, 0);
    snprintf(words, sizeof words, "14800 bytes, expected %zu", size);
    assert_images_made_up_for(words);
    pf_tree_write(path, file, size);
    record_checksum();
    assert_images_made_up_for("byte 0 and on are not those of 6 vectors of 16");
    assert_int_equal(truncate(path, (off_t)pf_vfile_size(16, 1000000000, 0)), 0);
    pf_rows_run_script(folder, "UPDATE index_file SET count = 1000000000,"
                               " in_file = 1000000000 WHERE kind = 'images'");
    assert_images_made_up_for("it has a hole at byte");
    pf_rows_run_script(folder, "UPDATE index_file SET dim = 14 WHERE kind = 'images'");
    assert_images_made_up_for("vectors of 14 floats, the catalog has 16");
}

static void lost_and_damaged_index_files_are_made_up_for(void **state)
{
    (void)state;
    assert_ok(publish_images(0, 6), &err);
    const char *path = pf_tree_path(folder, "images.1.faiss");
    unlink(path);
    spoil("captions.1.faiss");
    opened o;
    pf_notes notes = {0};
    assert_ok(hold(&o) && load(&o, &notes), &err);
    assert_int_equal(notes.count, 2);
    assert_non_null(strstr(notes.line[0], "no index file"));
    assert_non_null(strstr(notes.line[1], "is damaged"));
    assert_non_null(strstr(notes.line[1], "run plainfilm-index"));
    pf_notes_reset(&notes);
    assert_int_equal(count(&o, PF_INDEX_IMAGES), 6);
    assert_int_equal(count(&o, PF_INDEX_CAPTIONS), 6);
    int64_t id;
    float score;
    assert_ok(pf_vindex_search(o.index[PF_INDEX_IMAGES], vector_of(3), 1, 1, NULL, 0,
                               &id, &score, NULL, &err),
              &err);
    assert_int_equal(id, 4);
    assert_ok(pf_catalog_check(o.catalog, NULL, &notes, &err), &err);
    assert_int_equal(notes.count, 2);
    pf_notes_reset(&notes);
    close_reader(&o);

    bool is_needed;
    pf_catalog *c;
    assert_ok(pf_catalog_open_writer(&c, folder, NULL, &err), &err);
    assert_ok(pf_catalog_needs_publish(c, &is_needed, &err), &err);
    assert_true(is_needed);
    assert_ok(pf_store_begin(pf_catalog_store(c), &err), &err);
    assert_ok(pf_catalog_publish(c, &err), &err);
    assert_ok(pf_catalog_needs_publish(c, &is_needed, &err), &err);
    assert_false(is_needed);
    pf_catalog_close(c);
    assert_catalog(2, 6);
}

/* The FAISS file is whole, but it is not this database's: only the check can tell. */
static void the_check_compares_every_vector(void **state)
{
    (void)state;
    assert_ok(publish_images(0, 6), &err);
    pf_rows_run_script(
        folder, "PRAGMA foreign_keys = OFF;"
                "UPDATE picture SET vector = (SELECT vector FROM picture WHERE id = 2)"
                " WHERE id = 1; UPDATE sqlite_sequence SET seq = 100;"
                "UPDATE image SET id = 50 WHERE id = 6;");
    pf_catalog *c;
    pf_notes problems = {0};
    assert_ok(pf_catalog_open_reader(&c, folder, &err), &err);
    assert_ok(pf_catalog_check(c, NULL, &problems, &err), &err);
    assert_true(problems.count > 0);
    bool is_told = false;
    for (size_t i = 0; i < problems.count; i++)
        is_told =
            is_told || strstr(problems.line[i], "of images lacks 1, has 1 too many, "
                                                "and 1 with another vector");
    if (!is_told)
        fail_msg("%s", problems.line[0]);
    pf_notes_reset(&problems);
    pf_catalog_close(c);
}

static void foreign_newer_and_damaged_databases_are_refused(void **state)
{
    (void)state;
    assert_ok(publish_images(0, 2), &err);
    pf_catalog *c;
    pf_rows_run_script(folder, "PRAGMA user_version = 99");
    assert_refused(pf_catalog_open_reader(&c, folder, &err), &err, "newer");
    assert_refused(pf_catalog_open_writer(&c, folder, NULL, &err), &err, "newer");
    pf_rows_run_script(folder, "PRAGMA application_id = 5");
    assert_refused(pf_catalog_open_reader(&c, folder, &err), &err,
                   "another application");
    spoil("catalog.db"); /* in the header of the first page */
    assert_refused(pf_catalog_open_reader(&c, folder, &err), &err, "catalog.db'");
    assert_refused(pf_catalog_open_writer(&c, folder, NULL, &err), &err, "catalog.db'");
}

static void running_out_of_memory_is_an_error(void **state)
{
    (void)state;
    assert_ok(publish_images(0, 3), &err);
    bool done = false;
    for (long n = 1; !done; n++) {
        pf_mem_fail_at(n);
        done = publish_images(3, 4);
        pf_mem_fail_at(0);
        if (!done) {
            assert_int_equal(err.code, PF_ERR_NOMEM);
            assert_catalog(1, 3);
        }
        assert_true(n < 1000);
    }
    assert_catalog(2, 4);
    done = false;
    for (long n = 1; !done; n++) {
        opened o;
        pf_notes notes = {0};
        pf_mem_fail_at(n);
        done = hold(&o) && load(&o, &notes) &&
               pf_catalog_check(o.catalog, NULL, &notes, &err);
        pf_mem_fail_at(0);
        assert_int_equal(notes.count, 0);
        if (!done)
            assert_int_equal(err.code, PF_ERR_NOMEM);
        close_reader(&o);
        assert_true(n < 1000);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, before, after)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_default_folder_follows_the_environment),
        TEST(a_new_folder_is_private),
        TEST(what_is_no_catalog_is_said_clearly),
        TEST(only_one_indexer_writes),
        TEST(a_kill_at_any_step_leaves_one_whole_generation),
        TEST(and_so_it_does_with_lists),
        TEST(lists_of_a_damaged_file_are_made_anew),
        TEST(an_index_that_cannot_be_is_not_made),
        TEST(a_disk_that_fills_up_changes_nothing),
        TEST(a_disk_without_room_is_told_of),
        TEST(a_publish_that_fails_rolls_back),
        TEST(a_reader_keeps_its_generation),
        TEST(a_reader_that_is_overtaken_takes_the_newer_generation),
        TEST(readers_never_see_halves),
        TEST(a_few_more_images_write_no_index),
        TEST(what_is_removed_is_in_no_index),
        TEST(a_catalog_that_grew_is_as_good),
        TEST(index_files_that_lie_are_made_up_for),
        TEST(a_removed_caption_leaves_no_byte),
        TEST(lost_and_damaged_index_files_are_made_up_for),
        TEST(the_check_compares_every_vector),
        TEST(foreign_newer_and_damaged_databases_are_refused),
        TEST(running_out_of_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
