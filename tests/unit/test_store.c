/* test_store.c - the database: formats, transactions, ids, the cache, hostile files. */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/catalog/schema.h"
#include "core/catalog/sql.h"
#include "core/catalog/store.h"
#include "tests/support/rows.h"
#include "tests/support/tree.h"
#include "tests/unit/test_support.h"

enum { DIM = 8 };

static char folder[PF_TREE_ROOM], path[96];
static pf_err err;

static int before(void **state)
{
    (void)state;
    err = (pf_err)PF_ERR_INIT;
    pf_tree_make(folder);
    snprintf(path, sizeof path, "%s/catalog.db", folder);
    return 0;
}

static int after(void **state)
{
    (void)state;
    chmod(folder, 0700);
    pf_tree_remove(folder);
    return 0;
}

/* The unit vector that stands for number i. */
static const float *vector_of(int i)
{
    static float v[DIM];
    for (int j = 0; j < DIM; j++)
        v[j] = 0;
    v[i % DIM] = 0.6f;
    v[(i + 1) % DIM] = 0.8f;
    return v;
}

static pf_store *create(void)
{
    pf_store *s;
    assert_ok(pf_store_open(&s, path, PF_STORE_CREATE, &err), &err);
    return s;
}

static bool put_source(pf_store *s, const char *source, const char *captions,
                       int64_t *id, pf_err *e)
{
    pf_store_source row = {.path = source,
                           .kind = "folder",
                           .tables = &captions,
                           .n_tables = captions != NULL,
                           .columns = captions ? "file=Bild" : NULL};
    if (captions)
        row.texts_hash = pf_hash_bytes(captions, strlen(captions));
    return pf_store_put_source(s, &row, id, e);
}

static int64_t put_model(pf_store *s, const char *fingerprint)
{
    pf_store_model m = {.fingerprint = (char *)(uintptr_t)fingerprint,
                        .path = (char[]){"/models/clip"},
                        .preprocess = (char[]){"clip"},
                        .description = (char[]){"tiny"},
                        .stamp = (char[]){"1"},
                        .dim = DIM,
                        .logit_scale = 4.6052};
    int64_t id;
    assert_ok(pf_store_put_model(s, &m, &id, &err), &err);
    return id;
}

static int64_t put_picture(pf_store *s, int64_t model, int i)
{
    char bytes[32];
    snprintf(bytes, sizeof bytes, "picture %d", i);
    pf_store_picture p = {.model_id = model,
                          .content = pf_hash_bytes(bytes, strlen(bytes)),
                          .width = 64,
                          .height = 48 + i,
                          .format = "png",
                          .vector = vector_of(i)};
    int64_t id;
    assert_ok(pf_store_put_picture(s, &p, &id, &err), &err);
    assert_true(id > 0);
    return id;
}

static int64_t put_text(pf_store *s, int64_t model, const char *text, int i)
{
    int64_t id;
    assert_ok(pf_store_put_caption_text(s, model, text, vector_of(i), &id, &err), &err);
    return id;
}

static int64_t put_image(pf_store *s, int64_t source, int64_t picture, int64_t case_id,
                         const char *name)
{
    pf_store_image image = {.source_id = source,
                            .picture_id = picture,
                            .case_id = case_id,
                            .path = name,
                            .size = 1000,
                            .mtime_ns = 1700000000123456789};
    int64_t id;
    assert_ok(pf_store_put_image(s, &image, &id, &err), &err);
    return id;
}

typedef struct {
    int64_t model, source, case_id, image[3], picture[3], text[2];
} sample;

/* Three images, two of one case, the first with two captions; committed. */
static sample fill(pf_store *s)
{
    sample x;
    assert_ok(pf_store_begin(s, &err), &err);
    x.model = put_model(s, "abc");
    assert_ok(pf_store_use_model(s, x.model, &err), &err);
    assert_ok(put_source(s, "/pictures", NULL, &x.source, &err), &err);
    assert_ok(pf_store_put_case(s, x.source, "k1", "A case", &x.case_id, &err), &err);
    const char *names[] = {"/pictures/b.png", "/pictures/a\xFF.png", "/pictures/c.png"};
    for (int i = 0; i < 3; i++) {
        x.picture[i] = put_picture(s, x.model, i);
        x.image[i] =
            put_image(s, x.source, x.picture[i], i < 2 ? x.case_id : 0, names[i]);
    }
    x.text[0] = put_text(s, x.model, "chest", 4);
    x.text[1] = put_text(s, x.model, "effusion \xC3\xA9", 5);
    assert_ok(pf_store_set_captions(s, x.image[0], x.text, 2, &err), &err);
    assert_ok(pf_store_fill_words(s, &err), &err);
    assert_ok(pf_store_set_generation(s, 1, &err), &err);
    assert_ok(pf_store_commit(s, &err), &err);
    return x;
}

/* --- formats ------------------------------------------------------------------------
 */

static void a_new_catalog_is_private_and_empty(void **state)
{
    (void)state;
    pf_store *s = create();
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    pf_store_counts n;
    assert_ok(pf_store_count(s, &n, &err), &err);
    assert_int_equal(n.images + n.captions + n.pictures + n.sources, 0);
    assert_true(n.created_at > 1700000000 && n.created_by[0] != '\0');
    int64_t generation = -1;
    assert_ok(pf_store_get_generation(s, &generation, &err), &err);
    assert_int_equal(generation, 0);
    pf_store_model model = {0};
    assert_ok(pf_store_find_model(s, &model, &err), &err);
    assert_int_equal(model.id, 0);
    pf_notes problems = {0};
    assert_ok(pf_store_check(s, NULL, &problems, &err), &err);
    assert_int_equal(problems.count, 0);
    pf_store_close(s);
    s = create(); /* again: nothing is made anew */
    pf_store_close(s);
    assert_ok(pf_store_open(&s, path, PF_STORE_READ, &err), &err);
    pf_store_close(s);
    pf_store_close(NULL);
}

static void assert_all_modes_refuse(pf_code code, const char *words)
{
    const pf_store_mode modes[] = {PF_STORE_READ, PF_STORE_WRITE, PF_STORE_CREATE};
    for (int i = 0; i < 3; i++) {
        pf_store *s;
        assert_refused(pf_store_open(&s, path, modes[i], &err), &err, words);
        assert_int_equal(err.code, code);
        assert_null(s);
    }
}

static void other_files_are_refused_and_left_alone(void **state)
{
    (void)state;
    pf_store *s;
    assert_refused(pf_store_open(&s, path, PF_STORE_READ, &err), &err, "no catalog");
    assert_int_equal(err.code, PF_ERR_NOT_FOUND);
    assert_refused(pf_store_open(&s, path, PF_STORE_WRITE, &err), &err, "no catalog");
    assert_int_not_equal(access(path, F_OK), 0);

    pf_tree_write(path, "", 0);
    assert_refused(pf_store_open(&s, path, PF_STORE_READ, &err), &err, "is empty");
    assert_refused(pf_store_open(&s, path, PF_STORE_WRITE, &err), &err, "is empty");

    char text[5000];
    memset(text, 'x', sizeof text);
    pf_tree_write(path, text, sizeof text);
    assert_all_modes_refuse(PF_ERR_FORMAT, "no SQLite database");

    unlink(path);
    pf_tree_write(path, "", 0);
    pf_rows_run_script(folder,
                       "CREATE TABLE song (title); INSERT INTO song VALUES ('x');");
    pf_hash was, is;
    assert_ok(pf_hash_file(&was, path, &err), &err);
    assert_all_modes_refuse(PF_ERR_FORMAT, "another application");
    assert_ok(pf_hash_file(&is, path, &err), &err);
    assert_true(pf_hash_equal(&was, &is));
    pf_rows_run_script(folder, "PRAGMA application_id = 77");
    assert_all_modes_refuse(PF_ERR_FORMAT, "another application");
}

static void a_newer_and_an_older_format_are_told_apart(void **state)
{
    (void)state;
    pf_store_close(create());
    pf_rows_run_script(folder, "PRAGMA user_version = 99");
    assert_all_modes_refuse(PF_ERR_UNSUPPORTED, "newer plainfilm: format 99");
    pf_rows_run_script(folder, "PRAGMA user_version = 0");
    pf_store *s;
    assert_refused(pf_store_open(&s, path, PF_STORE_READ, &err), &err, "has format 0");
}

static bool add_row(void *user, int64_t row, double most, pf_err *e)
{
    (void)e;
    int64_t *sum = user;
    assert_true(most > 0);
    *sum = 10 * *sum + row;
    return true;
}

/* The captions that have a word, as the digits of a number. */
static int64_t captions_with(pf_store *s, const char *word)
{
    const pf_words_options none = {0};
    const size_t order = 0;
    const double worth = 1;
    pf_words_query q = {0};
    int64_t sum = 0;
    assert_ok(pf_words_query_parse(&q, word, strlen(word), &none, &err), &err);
    assert_int_equal(q.n_groups, 1);
    const pf_store_match match = {
        .query = &q, .fields = PF_FIELDS_ALL, .order = &order, .n = 1, .worth = &worth};
    assert_ok(pf_store_each_candidate(s, &match, add_row, &sum, &err), &err);
    pf_words_query_reset(&q);
    return sum;
}

static void assert_words_are_right(pf_store *s)
{
    pf_notes problems = {0};
    assert_ok(pf_store_check(s, NULL, &problems, &err), &err);
    for (size_t i = 0; i < problems.count; i++) /* index files are not in this one */
        assert_null(strstr(problems.line[i], "words"));
    pf_notes_reset(&problems);
}

static const uint8_t jpeg[] = {0xFF, 0xD8, 1, 2, 3, 0xFF, 0xD9};

/* The thumbnail of an image is these bytes; n = 0: it has none. */
static void assert_thumbnail(pf_store *s, int64_t image, const uint8_t *bytes, size_t n)
{
    pf_buf b;
    pf_buf_init(&b, 1000);
    assert_ok(pf_store_get_thumbnail(s, image, &b, &err), &err);
    assert_int_equal(b.size, n);
    if (n > 0)
        assert_memory_equal(b.data, bytes, n);
    pf_buf_free(&b);
}

/* A vector of DIM floats, as SQL has it. */
#define UNIT "X'0000803F" VECTOR_REST "'"
#define VECTOR_REST "00000000000000000000000000000000000000000000000000000000"

/* A small catalog of the first format, from which the others come by migrations. The
 * model is in its third round; the captions 3 and 4 were there once. */
static const char old_rows[] =
    "INSERT INTO model (id, fingerprint, path, preprocess, dim, logit_scale,"
    " description, stamp) VALUES (1, 'abc/3', '/models/clip', 'clip', 8, 4.6,"
    " 'tiny', '1'), (2, 'def', '/models/other', 'clip', 8, 4.6, 'tiny', '1');"
    "INSERT INTO catalog (id, generation, model_id, created_at, created_by)"
    " VALUES (1, 1, 1, 1700000001, '0.1.0');"
    "INSERT INTO source (id, path, kind, captions_path, captions_hash, added_at)"
    " VALUES (1, '/pictures', 'folder', CAST('/c.csv' AS BLOB), zeroblob(16), 1);"
    "INSERT INTO picture (id, model_id, content_hash, frame, width, height, format,"
    " vector) VALUES (1, 1, zeroblob(16), 0, 64, 48, 'png', " UNIT ");"
    "INSERT INTO caption_text (id, model_id, text_hash, text, vector) VALUES (1, 1, "
    "X'%s', 'chest', " UNIT "),"
    " (2, 1, X'%s', 'effusion', " UNIT ");"
    "INSERT INTO image VALUES (1, 1, CAST('/pictures/b.png' AS BLOB), 0, 1, NULL, 9, "
    "9);"
    "INSERT INTO caption (id, image_id, caption_text_id) VALUES (2, 1, 2), (4, 1, 1);"
    "UPDATE caption SET id = 1 WHERE id = 4;"
    "INSERT INTO failure (source_id, path, reason, size, mtime_ns)"
    " VALUES (1, CAST('/pictures/bad.png' AS BLOB), 'cut', 10, 20);";

static void seal(void)
{
    pf_sql *db;
    assert_ok(pf_sql_open(&db, path, PF_SQL_WRITE, &err) && pf_sql_seal(db, &err) &&
                  pf_sql_rewrite(db, &err),
              &err);
    pf_sql_close(db);
}

static void create_of_format(int format)
{
    char hex[2][PF_HASH_HEX_SIZE], script[sizeof old_rows + 200];
    const pf_hash hash[] = {pf_hash_bytes("chest", 5), pf_hash_bytes("effusion", 8)};
    for (int i = 0; i < 2; i++)
        pf_hash_hex(&hash[i], hex[i]);
    pf_tree_write(path, "", 0);
    pf_rows_run_script(folder, pf_schema[0].sql);
    snprintf(script, sizeof script, old_rows, hex[0], hex[1]);
    pf_rows_run_script(folder, script);
    for (int i = 1; i < format; i++) {
        char *sql = pf_strf(&err, "PRAGMA foreign_keys = OFF; %s", pf_schema[i].sql);
        pf_rows_run_script(folder, sql);
        pf_free(sql);
    }
    snprintf(script, sizeof script,
             "PRAGMA application_id = 1346784333; PRAGMA user_version = %d", format);
    pf_rows_run_script(folder, script);
    if (format >= 13 && format < 16) /* words have this table, and become others */
        pf_rows_run_script(folder, "INSERT INTO caption_word (rowid, words)"
                                   " SELECT id, 'stale chest' FROM caption_text");
    if (format >= 8) /* from which on pages have checksums */
        seal();
}

static bool collect_failure(void *user, const pf_store_failure *f, pf_err *e)
{
    (void)e;
    char *out = user;
    snprintf(out + strlen(out), 200 - strlen(out), "%s %d: %s (%lld)|", f->path,
             f->frame, f->reason, (long long)f->size);
    return true;
}

static bool has_one_table(void *user, const pf_store_source *source, pf_err *e)
{
    (void)user;
    (void)e;
    assert_int_equal(source->n_tables, 1);
    assert_string_equal(source->tables[0], "/c.csv");
    assert_null(source->columns);
    return true;
}

/* All that was there is as it was, in its new tables. */
static void assert_old_rows(pf_store *s)
{
    pf_store_details d = {0};
    assert_ok(pf_store_get_details(s, 1, &d, &err), &err);
    assert_string_equal(d.path, "/pictures/b.png");
    assert_int_equal(d.n_captions, 2);
    assert_true(d.captions[0].id == 1 && d.captions[1].id == 2);
    assert_string_equal(d.captions[0].text, "chest");
    pf_store_details_reset(&d);
    char failures[200] = "";
    assert_ok(pf_store_each_failure(s, 0, collect_failure, failures, &err), &err);
    assert_string_equal(failures, "/pictures/bad.png 0: cut (10)|");
    assert_ok(pf_store_each_source(s, has_one_table, NULL, &err), &err);
    pf_store_model m = {0};
    assert_ok(pf_store_find_model(s, &m, &err), &err);
    assert_string_equal(m.fingerprint, "abc");
    assert_int_equal(m.round, 3);
    pf_store_model_reset(&m);
}

/* Everything holds but for index files, which old_rows has not. */
static void assert_in_order(pf_store *s)
{
    pf_notes problems = {0};
    assert_ok(pf_store_check(s, NULL, &problems, &err), &err);
    for (size_t i = 0; i < problems.count; i++) {
        if (!strstr(problems.line[i], "index files"))
            fail_msg("%s", problems.line[i]);
    }
    pf_notes_reset(&problems);
}

static void a_schema_that_changes_under_us_is_refused(void **state)
{
    (void)state;
    pf_tree_remove(path);
    pf_store_close(create());
    pf_store *reader, *writer;
    assert_ok(pf_store_open(&reader, path, PF_STORE_READ, &err), &err);
    assert_ok(pf_store_open(&writer, path, PF_STORE_WRITE, &err), &err);
    assert_ok(pf_store_begin_read(reader, &err), &err);
    pf_store_end_read(reader);
    pf_rows_run_script(folder, "CREATE TRIGGER t AFTER INSERT ON run BEGIN"
                               " DELETE FROM image; END");
    assert_refused(pf_store_begin_read(reader, &err), &err, "it has trigger 't'");
    assert_refused(pf_store_begin(writer, &err), &err, "it has trigger 't'");
    pf_rows_run_script(folder, "DROP TRIGGER t");
    err = (pf_err)PF_ERR_INIT;
    assert_ok(pf_store_begin_read(reader, &err), &err);
    assert_ok(pf_store_begin(writer, &err), &err);
    pf_store_rollback(writer);
    pf_store_close(reader);
    pf_store_close(writer);
}

static void older_formats_are_brought_up_to_date(void **state)
{
    (void)state;
    for (int format = 1; format < pf_schema_version; format++) {
        pf_store *s;
        char words[100];
        create_of_format(format);
        snprintf(words, sizeof words,
                 "has format %d, this program reads %d; run plainfilm-index once",
                 format, pf_schema_version);
        assert_refused(pf_store_open(&s, path, PF_STORE_READ, &err), &err, words);
        assert_int_equal(err.code, PF_ERR_UNSUPPORTED);
        assert_ok(pf_store_open(&s, path, PF_STORE_WRITE, &err), &err);
        assert_in_order(s);
        assert_old_rows(s);
        assert_int_equal(captions_with(s, "chest"), 1);
        assert_int_equal(captions_with(s, "stale"), 0);
        assert_thumbnail(s, 1, NULL, 0);
        assert_ok(pf_store_begin(s, &err), &err);
        const int64_t text = put_text(s, 1, "new", 3);
        assert_int_equal(put_model(s, "new"), 3);
        assert_ok(pf_store_set_captions(s, 1, &text, 1, &err), &err);
        assert_refused(pf_store_put_thumbnail(s, 999, jpeg, sizeof jpeg, &err), &err,
                       "FOREIGN KEY"); /* enforced again */
        assert_ok(pf_store_commit(s, &err), &err);
        pf_store_details d = {0};
        assert_ok(pf_store_get_details(s, 1, &d, &err), &err);
        assert_int_equal(d.captions[0].id, 5); /* as 4 was there before */
        pf_store_details_reset(&d);
        pf_store_close(s);
        pf_tree_remove(path);
    }
}

/* Else each start would run all migrations to know. */
static void the_list_made_at_build_time_is_that_of_the_schema(void **state)
{
    (void)state;
    pf_sql *db;
    pf_sql_rows *rows;
    bool has_row;
    size_t n = 0;
    pf_store_close(create());
    assert_ok(pf_sql_open(&db, path, PF_SQL_READ, &err), &err);
    assert_ok(pf_sql_start(&rows, db, PF_SCHEMA_ROWS, PF_SQL_NO_ARGS, &err), &err);
    for (;; n++) {
        assert_ok(pf_sql_next(rows, &has_row, &err), &err);
        if (!has_row)
            break;
        for (int column = 0; column < PF_SCHEMA_COLUMNS; column++)
            assert_string_equal(pf_sql_get_text(rows, column),
                                pf_schema_made[n][column]);
    }
    assert_null(pf_schema_made[n][0]);
    pf_sql_end(rows);
    pf_sql_close(db);
}

static bool says_damaged(pf_store *s)
{
    pf_notes problems = {0};
    bool is_said = false;
    if (!pf_store_check(s, NULL, &problems, &err))
        is_said = strstr(err.msg, "damaged") != NULL;
    for (size_t i = 0; i < problems.count; i++)
        is_said |= strstr(problems.line[i], "damaged") != NULL;
    pf_notes_reset(&problems);
    return is_said;
}

/* Also where what is left of it is all that was needed. */
static void a_page_that_is_cut_is_damage(void **state)
{
    (void)state;
    static char reason[17000]; /* a page, and the beginning of the file's last one */
    memset(reason, 'x', sizeof reason - 1);
    pf_store *s = create();
    struct stat st;
    const pf_store_failure failure = {
        .source_id = fill(s).source, .path = "/pictures/bad.png", .reason = reason};
    assert_ok(pf_store_begin(s, &err) && pf_store_put_failure(s, &failure, &err) &&
                  pf_store_commit(s, &err),
              &err);
    assert_false(says_damaged(s));
    pf_store_close(s);
    assert_int_equal(stat(path, &st), 0);
    for (off_t cut = 1; cut < 16384; cut = 4 * cut) {
        assert_int_equal(truncate(path, st.st_size - cut), 0);
        err = (pf_err)PF_ERR_INIT;
        if (pf_store_open(&s, path, PF_STORE_READ, &err)) {
            assert_true(says_damaged(s));
            pf_store_close(s);
        } else {
            assert_non_null(strstr(err.msg, "damaged"));
        }
    }
}

static int64_t count_thumbnails(pf_store *s)
{
    pf_sql *db;
    int64_t n;
    assert_ok(pf_sql_open(&db, pf_store_path(s), PF_SQL_READ, &err), &err);
    assert_ok(
        pf_sql_find_int(db, "SELECT count(*) FROM thumbnail", PF_SQL_NO_ARGS, &n, &err),
        &err);
    pf_sql_close(db);
    return n;
}

static void thumbnails_come_and_go_with_their_pictures(void **state)
{
    (void)state;
    pf_store *s = create();
    sample x = fill(s);
    const uint8_t other[] = {0xFF, 0xD8, 0xFF, 0xD9};
    assert_refused(pf_store_put_thumbnail(s, x.picture[0], jpeg, sizeof jpeg, &err),
                   &err, "transaction");
    assert_ok(pf_store_begin(s, &err), &err);
    for (int i = 0; i < 3; i++)
        assert_ok(pf_store_put_thumbnail(s, x.picture[i], jpeg, sizeof jpeg, &err),
                  &err);
    assert_ok(pf_store_put_thumbnail(s, x.picture[1], other, sizeof other, &err), &err);
    assert_refused(pf_store_put_thumbnail(s, x.picture[0], jpeg, 3, &err), &err,
                   "no thumbnail");
    assert_refused(pf_store_put_thumbnail(s, x.picture[0], jpeg, 6, &err), &err,
                   "no thumbnail");
    assert_int_equal(err.code, PF_ERR_FORMAT);
    uint8_t *large = pf_zalloc(PF_STORE_THUMBNAIL_MAX + 1, &err);
    memcpy(large, jpeg, 2);
    memcpy(large + PF_STORE_THUMBNAIL_MAX - 2, jpeg + 5, 2);
    memcpy(large + PF_STORE_THUMBNAIL_MAX - 1, jpeg + 5, 2);
    assert_refused(pf_store_put_thumbnail(s, x.picture[2], large,
                                          PF_STORE_THUMBNAIL_MAX + 1, &err),
                   &err, "131073 bytes");
    pf_free(large);
    assert_refused(pf_store_put_thumbnail(s, 999, jpeg, sizeof jpeg, &err), &err,
                   "FOREIGN KEY");
    assert_ok(pf_store_commit(s, &err), &err);
    assert_thumbnail(s, x.image[0], jpeg, sizeof jpeg);
    assert_thumbnail(s, x.image[1], other, sizeof other);
    assert_thumbnail(s, 999, NULL, 0);
    assert_int_equal(count_thumbnails(s), 3);

    assert_ok(pf_store_begin(s, &err), &err);
    assert_ok(pf_store_delete_image(s, x.image[2], &err), &err);
    assert_ok(pf_store_sweep(s, &err), &err);
    assert_ok(pf_store_commit(s, &err), &err);
    assert_int_equal(count_thumbnails(s), 2);
    pf_store_close(s);

    pf_rows_run_script(folder,
                       "UPDATE thumbnail SET jpeg = x'FFD80000' WHERE picture_id = 1");
    assert_ok(pf_store_open(&s, path, PF_STORE_READ, &err), &err);
    assert_thumbnail(s, x.image[0], NULL, 0); /* as if there was none */
    pf_notes problems = {0};
    bool is_found = false;
    assert_ok(pf_store_check(s, NULL, &problems, &err), &err);
    for (size_t i = 0; i < problems.count; i++)
        is_found |=
            strcmp(problems.line[i],
                   "the thumbnail of picture 1 is not the one that was made") == 0;
    assert_true(is_found);
    pf_notes_reset(&problems);
    pf_store_close(s);
}

static void words_come_and_go_with_their_texts(void **state)
{
    (void)state;
    pf_store *s = create();
    sample x = fill(s);
    assert_int_equal(captions_with(s, "eff*"), 2);
    assert_ok(pf_store_begin(s, &err), &err);
    put_text(s, x.model, "an effusion nobody sees", 6);
    assert_int_equal(captions_with(s, "effusion"), 2); /* it is no caption's */
    assert_ok(pf_store_set_captions(s, x.image[0], x.text, 1, &err), &err);
    assert_ok(pf_store_sweep(s, &err), &err);
    assert_ok(pf_store_fill_words(s, &err), &err);
    assert_int_equal(captions_with(s, "chest"), 1);
    assert_ok(pf_store_commit(s, &err), &err);
    assert_words_are_right(s);
    pf_store_close(s);
}

/* A damaged page must become a failure or a finding, never a crash or a hang. */
static void damage_is_found(void **state)
{
    (void)state;
    pf_store *s = create();
    fill(s);
    assert_ok(pf_store_checkpoint(s, &err), &err);
    pf_store_close(s);
    static char bytes[1 << 20];
    const size_t n = pf_tree_read(path, bytes, sizeof bytes);
    assert_true(n >= 20 * 4096);
    int noticed = 0;
    for (size_t at = 100; at + 64 < n; at += 4096 / 2) {
        char kept[64];
        memcpy(kept, bytes + at, sizeof kept);
        memset(bytes + at, 0xA5, sizeof kept);
        pf_tree_write(path, bytes, n);
        pf_notes problems = {0};
        bool ok = pf_store_open(&s, path, PF_STORE_READ, &err) &&
                  pf_store_check(s, NULL, &problems, &err);
        noticed += !ok || problems.count > 0;
        pf_store_close(s);
        pf_notes_reset(&problems);
        memcpy(bytes + at, kept, sizeof kept);
    }
    assert_true(noticed > 20); /* the rest hit free space */
    pf_tree_write(path, bytes, n / 2);
    pf_notes problems = {0};
    bool ok = pf_store_open(&s, path, PF_STORE_READ, &err) &&
              pf_store_check(s, NULL, &problems, &err);
    assert_true(!ok || problems.count > 0);
    pf_store_close(s);
    pf_notes_reset(&problems);
}

/* --- transactions -------------------------------------------------------------------
 */

/* A process that closes a file loses its locks on it, unless SQLite closes it: without
 * them an indexer that ends takes the log away from under a reader. */
static void a_second_reader_leaves_the_first_its_lock(void **state)
{
    (void)state;
    pf_store *first, *second;
    pf_store *writer = create();
    fill(writer);
    assert_ok(pf_store_open(&first, path, PF_STORE_READ, &err), &err);
    assert_ok(pf_store_begin_read(first, &err), &err);
    assert_ok(pf_store_open(&second, path, PF_STORE_READ, &err), &err);
    pf_store_close(second);
    assert_ok(pf_store_check_header(path, &err), &err);
    assert_false(pf_store_is_unmade(path));
    pf_store_close(writer);
    const pid_t child = fork();
    if (child == 0) {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        const int fd = open(path, O_RDWR);
        _exit(fd >= 0 && fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK ? 0
                                                                                  : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    pf_store_end_read(first);
    pf_store_close(first);
}

static void changes_need_a_transaction(void **state)
{
    (void)state;
    pf_store *s = create(), *reader;
    int64_t id;
    assert_refused(put_source(s, "/x", NULL, &id, &err), &err,
                   "outside of a transaction");
    assert_refused(pf_store_commit(s, &err), &err, "outside of a transaction");
    pf_store_rollback(s);
    assert_ok(pf_store_begin(s, &err), &err);
    assert_refused(pf_store_begin(s, &err), &err, "has a transaction already");
    assert_refused(pf_store_begin_read(s, &err), &err, "has a transaction already");
    assert_ok(put_source(s, "/x", NULL, &id, &err), &err);
    pf_store_rollback(s);
    pf_store_counts n;
    assert_ok(pf_store_count(s, &n, &err), &err);
    assert_int_equal(n.sources, 0);
    assert_ok(pf_store_open(&reader, path, PF_STORE_READ, &err), &err);
    assert_refused(pf_store_begin(reader, &err), &err, "reading only");
    pf_store_close(reader);
    pf_store_close(s);
}

static void a_reader_sees_one_moment(void **state)
{
    (void)state;
    pf_store *s = create(), *reader;
    sample x = fill(s);
    assert_ok(pf_store_open(&reader, path, PF_STORE_READ, &err), &err);
    assert_ok(pf_store_begin_read(reader, &err), &err);
    assert_ok(pf_store_begin(s, &err), &err);
    assert_ok(pf_store_delete_image(s, x.image[0], &err), &err);
    assert_ok(pf_store_set_generation(s, 2, &err), &err);
    int64_t generation;
    pf_store_counts n;
    for (int i = 0; i < 2; i++) { /* before and after the commit */
        assert_ok(pf_store_get_generation(reader, &generation, &err), &err);
        assert_ok(pf_store_count(reader, &n, &err), &err);
        assert_int_equal(generation, 1);
        assert_int_equal(n.images, 3);
        if (i == 0)
            assert_ok(pf_store_commit(s, &err), &err);
    }
    pf_store_end_read(reader);
    assert_ok(pf_store_count(reader, &n, &err), &err);
    assert_int_equal(n.images, 2);
    assert_int_equal(n.captions, 0);
    pf_store_close(reader);
    pf_store_close(s);
}

/* A process that dies in the middle of a batch loses that batch and nothing else. */
static void what_was_committed_survives_a_kill(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        pf_store *s;
        if (!pf_store_open(&s, path, PF_STORE_CREATE, &err))
            _exit(1);
        fill(s);
        if (!pf_store_begin(s, &err))
            _exit(1);
        put_picture(s, 1, 6);
        _exit(0); /* nothing is closed */
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    pf_store *s;
    assert_ok(pf_store_open(&s, path, PF_STORE_READ, &err), &err);
    pf_store_counts n;
    assert_ok(pf_store_count(s, &n, &err), &err);
    assert_int_equal(n.pictures, 3);
    pf_store_close(s);
}

/* Another user without the right to write the folder, as on read-only media. */
static void a_catalog_on_read_only_media_can_be_read(void **state)
{
    (void)state;
    pf_store *s = create();
    fill(s);
    pf_store_close(s);
    assert_int_equal(chmod(path, 0444), 0);
    assert_int_equal(chmod(folder, 0555), 0);
    pid_t child = fork();
    if (child == 0) {
        if (geteuid() == 0 && setuid(65534) != 0)
            _exit(77);
        pf_store_counts n;
        bool ok = pf_store_open(&s, path, PF_STORE_READ, &err) &&
                  pf_store_count(s, &n, &err) && n.images == 3;
        if (!ok)
            fprintf(stderr, "%s\n", err.msg);
        pf_store_close(s);
        if (pf_store_open(&s, path, PF_STORE_CREATE, &err))
            ok = false;
        _exit(ok ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* --- contents -----------------------------------------------------------------------
 */

static void the_cache_finds_what_was_embedded(void **state)
{
    (void)state;
    pf_store *s = create();
    sample x = fill(s);
    pf_hash content = pf_hash_bytes("picture 1", 9);
    int64_t id;
    assert_ok(pf_store_find_picture(s, x.model, &content, 0, &id, &err), &err);
    assert_int_equal(id, x.picture[1]);
    assert_ok(pf_store_find_picture(s, x.model, &content, 1, &id, &err), &err);
    assert_int_equal(id, 0);
    assert_ok(pf_store_find_picture(s, x.model + 1, &content, 0, &id, &err), &err);
    assert_int_equal(id, 0);
    assert_ok(pf_store_find_caption_text(s, x.model, "chest", &id, &err), &err);
    assert_int_equal(id, x.text[0]);
    assert_ok(pf_store_begin(s, &err), &err);
    assert_int_equal(put_picture(s, x.model, 1), x.picture[1]); /* the same again */
    assert_int_equal(put_text(s, x.model, "chest", 7), x.text[0]);
    /* bytes that are no UTF-8 are repaired, and found again under both spellings */
    int64_t broken = put_text(s, x.model, "l\xE9sion", 6);
    assert_ok(pf_store_find_caption_text(s, x.model, "l\xE9sion", &id, &err), &err);
    assert_int_equal(id, broken);
    assert_ok(pf_store_find_caption_text(s, x.model, "l\xEF\xBF\xBDsion", &id, &err),
              &err);
    assert_int_equal(id, broken);
    put_picture(s, x.model, 9);
    assert_ok(pf_store_sweep(s, &err), &err); /* nobody points to the new ones */
    assert_ok(pf_store_commit(s, &err), &err);
    pf_store_counts n;
    assert_ok(pf_store_count(s, &n, &err), &err);
    assert_int_equal(n.pictures, 3);
    assert_int_equal(n.caption_texts, 2);
    pf_store_close(s);
}

static void vectors_are_checked_at_the_door(void **state)
{
    (void)state;
    pf_store *s = create();
    sample x = fill(s);
    assert_ok(pf_store_begin(s, &err), &err);
    float bad[DIM] = {NAN};
    int64_t id;
    for (int i = 0; i < 3; i++) {
        bad[0] = i == 0 ? NAN : i == 1 ? 0.0f : 1.002f;
        assert_refused(pf_store_put_caption_text(s, x.model, "t", bad, &id, &err), &err,
                       "length 1");
    }
    assert_refused(pf_store_put_caption_text(s, 55, "t", vector_of(0), &id, &err), &err,
                   "no model 55");
    pf_store_rollback(s);
    pf_store_close(s);
    pf_sql *db; /* and once more in the schema itself */
    assert_ok(pf_sql_open(&db, path, PF_SQL_WRITE, &err), &err);
    assert_refused(
        pf_sql_run_script(db,
                          "INSERT INTO picture (model_id, content_hash, frame,"
                          " width, height, format, vector) VALUES (1,"
                          " zeroblob(16), 0, 1, 1, 'png', zeroblob(31))",
                          &err),
        &err, "another length");
    pf_sql_close(db);
}

static bool collect_image(void *user, const pf_store_image *image, pf_err *e)
{
    (void)e;
    char *out = user;
    snprintf(out + strlen(out), 200 - strlen(out), "%lld:%s|", (long long)image->id,
             image->path);
    return true;
}

static void images_keep_ids_captions_and_bytes_of_their_names(void **state)
{
    (void)state;
    pf_store *s = create();
    sample x = fill(s);
    char seen[200] = "", want[200];
    assert_ok(pf_store_each_image(s, x.source, collect_image, seen, &err), &err);
    snprintf(want, sizeof want,
             "%lld:/pictures/a\xFF.png|%lld:/pictures/b.png|%lld:/pictures/c.png|",
             (long long)x.image[1], (long long)x.image[0], (long long)x.image[2]);
    assert_string_equal(seen, want);
    int64_t id;
    assert_ok(pf_store_find_image(s, "/pictures/a\xFF.png", 0, &id, &err), &err);
    assert_int_equal(id, x.image[1]);
    assert_ok(pf_store_find_image(s, "/pictures/a\xFF.png", 1, &id, &err), &err);
    assert_int_equal(id, 0);

    assert_ok(pf_store_begin(s, &err), &err);
    assert_int_equal(put_image(s, x.source, x.picture[1], 0, "/pictures/b.png"),
                     x.image[0]); /* its file changed */
    assert_ok(
        pf_store_move_image(s, x.image[0], x.source, "/elsewhere/d.png", 5, 6, &err),
        &err);
    assert_ok(pf_store_delete_image(s, x.image[2], &err), &err);
    assert_true(put_image(s, x.source, x.picture[2], 0, "/pictures/c.png") >
                x.image[2]);
    assert_ok(pf_store_commit(s, &err), &err);
    pf_store_details d = {0};
    assert_ok(pf_store_get_details(s, x.image[0], &d, &err), &err);
    assert_string_equal(d.path, "/elsewhere/d.png");
    assert_int_equal(d.n_captions, 2);
    assert_int_equal(d.picture_id, x.picture[1]);
    pf_store_details_reset(&d);
    pf_store_close(s);
}

static void details_tell_everything_about_an_image(void **state)
{
    (void)state;
    pf_store *s = create();
    sample x = fill(s);
    assert_ok(pf_store_begin(s, &err), &err);
    const pf_store_attribute own[] = {{"modality", "CR"},
                                      {"anatomy", "chest"},
                                      {"anatomy", "chest"},
                                      {"anatomy", "l\xFFung"}},
                             of_case[] = {{"license", "CC-BY"}};
    assert_ok(pf_store_set_image_attributes(s, x.image[0], own, 4, &err), &err);
    assert_ok(pf_store_set_case_attributes(s, x.case_id, of_case, 1, &err), &err);
    assert_ok(pf_store_commit(s, &err), &err);
    pf_store_details d = {0};
    assert_ok(pf_store_get_details(s, x.image[0], &d, &err), &err);
    assert_int_equal(d.id, x.image[0]);
    assert_int_equal(d.width, 64);
    assert_int_equal(d.height, 48);
    assert_string_equal(d.format, "png");
    assert_string_equal(d.case_key, "k1");
    assert_string_equal(d.case_title, "A case");
    assert_int_equal(d.n_captions, 2);
    assert_string_equal(d.captions[0].text, "chest");
    assert_string_equal(d.captions[1].text, "effusion \xC3\xA9");
    assert_int_equal(d.n_attributes, 4);
    assert_string_equal(d.attributes[0].value, "chest");
    assert_string_equal(d.attributes[1].value, "l\xEF\xBF\xBDung");
    assert_string_equal(d.attributes[2].key, "modality");
    assert_string_equal(d.attributes[3].value, "CC-BY");
    int64_t caption = d.captions[1].id, image;
    pf_store_details_reset(&d);
    char *text;
    assert_ok(pf_store_get_caption(s, caption, &text, &image, &err), &err);
    assert_string_equal(text, "effusion \xC3\xA9");
    assert_int_equal(image, x.image[0]);
    pf_free(text);
    assert_ok(pf_store_get_caption(s, 999, &text, &image, &err), &err);
    assert_null(text);
    assert_ok(pf_store_get_details(s, 999, &d, &err), &err);
    assert_int_equal(d.id, 0);
    assert_ok(pf_store_get_details(s, x.image[2], &d, &err), &err);
    assert_null(d.case_key);
    pf_store_details_reset(&d);
    pf_store_close(s);
}

static void captions_that_stay_keep_their_ids(void **state)
{
    (void)state;
    pf_store *s = create();
    sample x = fill(s);
    pf_store_details d = {0};
    assert_ok(pf_store_get_details(s, x.image[0], &d, &err), &err);
    int64_t first = d.captions[0].id, second = d.captions[1].id;
    pf_store_details_reset(&d);
    assert_ok(pf_store_begin(s, &err), &err);
    int64_t third = put_text(s, x.model, "third", 2);
    const int64_t now[] = {third, x.text[1], third};
    assert_ok(pf_store_set_captions(s, x.image[0], now, 3, &err), &err);
    assert_ok(pf_store_commit(s, &err), &err);
    assert_ok(pf_store_get_details(s, x.image[0], &d, &err), &err);
    assert_int_equal(d.n_captions, 2);
    assert_int_equal(d.captions[0].id, second);
    assert_true(d.captions[1].id > second && second > first);
    assert_string_equal(d.captions[1].text, "third");
    pf_store_details_reset(&d);
    assert_ok(pf_store_begin(s, &err), &err);
    assert_ok(pf_store_set_captions(s, x.image[0], NULL, 0, &err), &err);
    const int64_t none = 555;
    assert_refused(pf_store_set_captions(s, x.image[0], &none, 1, &err), &err,
                   "FOREIGN KEY");
    pf_store_rollback(s);
    pf_store_close(s);
}

typedef struct {
    int64_t ids[8], others[8];
    float first[8];
    size_t n;
} seen;

static bool collect_vector(void *user, int64_t id, const float *v, int dim, pf_err *e)
{
    (void)e;
    seen *x = user;
    assert_int_equal(dim, DIM);
    x->first[x->n] = v[0];
    x->ids[x->n++] = id;
    return true;
}

static bool collect_pair(void *user, int64_t a, int64_t b, pf_err *e)
{
    (void)e;
    seen *x = user;
    x->ids[x->n] = a;
    x->others[x->n++] = b;
    return true;
}

static bool stop_at_once(void *user, int64_t id, const float *v, int dim, pf_err *e)
{
    (void)user, (void)v, (void)dim;
    return pf_fail(e, PF_ERR_INTERRUPTED, "stopped at %lld", (long long)id);
}

/* What readers find of it: details of both images, words, pairs. */
static void a_caption_of_a_case_stands_at_its_first_image(void **state)
{
    (void)state;
    pf_store *s = create();
    sample x = fill(s);
    assert_ok(pf_store_begin(s, &err), &err);
    const int64_t texts[] = {put_text(s, x.model, "of all", 6), x.text[1], x.text[1]};
    assert_ok(pf_store_set_case_captions(s, x.case_id, texts, 3, &err), &err);
    assert_ok(pf_store_fill_words(s, &err), &err);
    assert_ok(pf_store_commit(s, &err), &err);
    for (int i = 0; i < 2; i++) {
        pf_store_details d = {0};
        assert_ok(pf_store_get_details(s, x.image[i], &d, &err), &err);
        assert_int_equal(d.n_captions, i == 0 ? 4 : 2);
        assert_string_equal(d.captions[0].text, i == 0 ? "chest" : "of all");
        assert_string_equal(d.captions[d.n_captions - 2].text, "of all");
        pf_store_details_reset(&d);
    }
    seen got = {0};
    assert_ok(pf_store_each_caption(s, collect_pair, &got, &err), &err);
    assert_int_equal(got.n, 4);
    assert_int_equal(got.others[2], x.image[0]);
    assert_int_equal(captions_with(s, "all"), got.ids[2]);
    char *text;
    int64_t image;
    assert_ok(pf_store_begin(s, &err), &err);
    assert_ok(pf_store_delete_image(s, x.image[0], &err), &err);
    assert_ok(pf_store_get_caption(s, got.ids[2], &text, &image, &err), &err);
    assert_string_equal(text, "of all");
    assert_int_equal(image, x.image[1]); /* the first that is left */
    pf_free(text);
    assert_ok(pf_store_fill_words(s, &err) && pf_store_sweep(s, &err), &err);
    assert_in_order(s);
    assert_ok(pf_store_set_case_captions(s, x.case_id, texts, 1, &err), &err);
    got.n = 0;
    assert_ok(pf_store_each_caption(s, collect_pair, &got, &err), &err);
    assert_int_equal(got.n, 1);
    assert_ok(pf_store_delete_image(s, x.image[1], &err), &err);
    pf_notes problems = {0};
    assert_ok(pf_store_check(s, NULL, &problems, &err), &err);
    assert_string_equal(problems.line[0], "1 captions of a case without images");
    pf_notes_reset(&problems);
    assert_ok(pf_store_delete_empty_cases(s, &err), &err);
    assert_ok(pf_store_fill_words(s, &err) && pf_store_sweep(s, &err), &err);
    assert_in_order(s);
    assert_ok(pf_store_commit(s, &err), &err);
    pf_store_close(s);
    pf_sql *db;
    assert_ok(pf_sql_open(&db, path, PF_SQL_WRITE, &err), &err);
    assert_refused(
        pf_sql_run_script(db, "INSERT INTO caption VALUES (77, NULL, NULL, 1)", &err),
        &err, "refuses a change");
    pf_sql_close(db);
}

static void vectors_and_pairs_come_in_the_order_of_ids(void **state)
{
    (void)state;
    pf_store *s = create();
    sample x = fill(s);
    seen got = {0};
    assert_ok(pf_store_each_image_vector(s, collect_vector, &got, &err), &err);
    assert_int_equal(got.n, 3);
    assert_memory_equal(got.ids, x.image, sizeof x.image);
    assert_true(got.first[0] == 0.6f && got.first[1] == 0.0f);
    float v[DIM];
    bool found;
    assert_ok(pf_store_get_image_vector(s, x.image[1], DIM, v, &found, &err), &err);
    assert_true(found);
    assert_memory_equal(v, vector_of(1), sizeof v);
    assert_ok(pf_store_get_image_vector(s, 999, DIM, v, &found, &err), &err);
    assert_false(found);
    assert_refused(pf_store_each_image_vector(s, stop_at_once, NULL, &err), &err,
                   "stopped at");
    got.n = 0;
    assert_ok(pf_store_each_caption_vector(s, collect_vector, &got, &err), &err);
    assert_int_equal(got.n, 2);
    got.n = 0;
    assert_ok(pf_store_each_case_image(s, collect_pair, &got, &err), &err);
    assert_int_equal(got.n, 2);
    assert_int_equal(got.ids[0], x.case_id);
    assert_int_equal(got.others[1], x.image[1]);
    got.n = 0;
    assert_ok(pf_store_each_caption(s, collect_pair, &got, &err), &err);
    assert_int_equal(got.n, 2);
    assert_int_equal(got.others[0], x.image[0]);
    pf_store_close(s);
}

static void a_second_model_takes_over_in_one_commit(void **state)
{
    (void)state;
    pf_store *s = create();
    sample x = fill(s);
    assert_ok(pf_store_begin(s, &err), &err);
    int64_t other = put_model(s, "def");
    assert_int_equal(put_model(s, "def"), other);
    int64_t pictures[3];
    for (int i = 0; i < 3; i++)
        pictures[i] = put_picture(s, other, i);
    assert_ok(pf_store_commit(s, &err), &err); /* embedded, but not shown */
    pf_store_model m = {0};
    assert_ok(pf_store_find_model(s, &m, &err), &err);
    assert_string_equal(m.fingerprint, "abc");
    assert_int_equal(m.dim, DIM);
    pf_store_model_reset(&m);

    assert_ok(pf_store_begin(s, &err), &err);
    assert_ok(pf_store_use_model(s, other, &err), &err);
    pf_notes problems = {0};
    assert_ok(pf_store_check(s, NULL, &problems, &err), &err);
    assert_true(problems.count > 0);
    assert_non_null(
        strstr(problems.line[0], "3 images whose vector is of another model"));
    pf_notes_reset(&problems);
    const char *names[] = {"/pictures/b.png", "/pictures/a\xFF.png", "/pictures/c.png"};
    for (int i = 0; i < 3; i++)
        assert_int_equal(put_image(s, x.source, pictures[i], 0, names[i]), x.image[i]);
    assert_ok(pf_store_set_captions(s, x.image[0], NULL, 0, &err), &err);
    assert_ok(pf_store_delete_empty_cases(s, &err), &err);
    assert_ok(pf_store_sweep(s, &err), &err);
    assert_ok(pf_store_commit(s, &err), &err);
    assert_ok(pf_store_find_model(s, &m, &err), &err);
    assert_string_equal(m.fingerprint, "def");
    pf_store_model_reset(&m);
    pf_store_counts n;
    assert_ok(pf_store_count(s, &n, &err), &err);
    assert_int_equal(n.pictures, 3);
    assert_int_equal(n.caption_texts, 0);
    assert_int_equal(n.cases, 0);
    pf_store_close(s);
}

static bool collect_source(void *user, const pf_store_source *source, pf_err *e)
{
    (void)e;
    assert_int_equal(source->n_tables, 1);
    assert_string_equal(source->tables[0], "/pictures/captions.txt");
    assert_string_equal(source->columns, "file=Bild");
    pf_hash expected = pf_hash_bytes("/pictures/captions.txt", 22);
    assert_true(pf_hash_equal(&source->texts_hash, &expected));
    assert_string_equal(source->kind, "folder");
    *(int64_t *)user += source->id;
    return true;
}

static void a_source_goes_with_all_that_is_its(void **state)
{
    (void)state;
    pf_store *s = create();
    sample x = fill(s);
    int64_t id, sum = 0;
    assert_ok(pf_store_begin(s, &err), &err);
    assert_ok(put_source(s, "/pictures", "/pictures/captions.txt", &id, &err), &err);
    assert_int_equal(id, x.source);
    assert_ok(pf_store_each_source(s, collect_source, &sum, &err), &err);
    assert_int_equal(sum, id);
    assert_ok(pf_store_delete_source(s, id, &err), &err);
    assert_ok(pf_store_sweep(s, &err), &err);
    assert_ok(pf_store_commit(s, &err), &err);
    pf_store_counts n;
    assert_ok(pf_store_count(s, &n, &err), &err);
    assert_int_equal(n.images + n.captions + n.cases + n.pictures + n.sources, 0);
    pf_store_close(s);
}

/* Of one that failed twice just now, the second time for good. */
static bool check_tries(void *user, const pf_store_failure *f, pf_err *e)
{
    (void)user, (void)e;
    assert_int_equal(f->tries, 2);
    assert_true(f->is_lasting && f->is_of_this_version);
    assert_true(f->first_at > 0 && f->first_at <= f->last_at);
    return true;
}

static bool collect_reason(void *user, const char *reason, int64_t n, pf_err *e)
{
    (void)e;
    char *out = user;
    snprintf(out + strlen(out), 200 - strlen(out), "%lld %s|", (long long)n, reason);
    return true;
}

static bool collect_stale(void *user, const pf_store_stale_row *row, pf_err *e)
{
    (void)e;
    char *out = user;
    snprintf(out + strlen(out), 200 - strlen(out), "%s:%lld:%s%s|", row->table,
             (long long)row->line, row->name, row->is_ambiguous ? "?" : "");
    return true;
}

static bool collect_path(void *user, const char *found, pf_err *e)
{
    (void)e;
    char *out = user;
    snprintf(out + strlen(out), 200 - strlen(out), "%s|", found);
    return true;
}

static void assert_stale(pf_store *s, const char *rows, const char *pictures)
{
    char found[200] = "";
    assert_ok(pf_store_each_stale_row(s, collect_stale, found, &err), &err);
    assert_string_equal(found, rows);
    found[0] = '\0';
    assert_ok(pf_store_each_rowless(s, collect_path, found, &err), &err);
    assert_string_equal(found, pictures);
}

static void the_diary_remembers_what_tables_do_not_fit(void **state)
{
    (void)state;
    pf_store *s = create();
    sample x = fill(s);
    const pf_store_stale_row rows[] = {{"/t.csv", "z \xFF", 9, false},
                                       {"/t.csv", "a", 2, true},
                                       {"/s.csv", "", 3, false}};
    assert_refused(pf_store_put_stale_row(s, x.source, rows, &err), &err,
                   "outside of a transaction");
    assert_ok(pf_store_begin(s, &err), &err);
    for (int i = 0; i < 3; i++)
        assert_ok(pf_store_put_stale_row(s, x.source, &rows[i], &err), &err);
    for (int twice = 0; twice < 2; twice++)
        assert_ok(pf_store_put_rowless(s, x.source, "/p\xFF.png", &err), &err);
    assert_stale(s, "/s.csv:3:|/t.csv:2:a?|/t.csv:9:z \xEF\xBF\xBD|", "/p\xFF.png|");
    assert_ok(pf_store_forget_stale(s, x.source, &err), &err);
    assert_stale(s, "", "");
    assert_ok(pf_store_put_stale_row(s, x.source, rows, &err), &err);
    assert_ok(pf_store_delete_source(s, x.source, &err), &err);
    assert_stale(s, "", ""); /* with their source */
    pf_store_rollback(s);
    pf_store_close(s);
}

static void the_diary_remembers_runs_and_failures(void **state)
{
    (void)state;
    pf_store *s = create();
    sample x = fill(s);
    pf_store_run run;
    assert_ok(pf_store_find_last_run(s, &run, &err), &err);
    assert_int_equal(run.id, 0);
    assert_ok(pf_store_find_good_run(s, &run, &err), &err);
    assert_int_equal(run.id, 0);
    int64_t first, second;
    assert_ok(pf_store_begin(s, &err), &err);
    assert_ok(pf_store_start_run(s, &first, &err), &err);
    assert_ok(pf_store_start_run(s, &second, &err), &err);
    run = (pf_store_run){.id = second, .state = "done", .added = 3, .failed = 1};
    assert_ok(pf_store_finish_run(s, &run, &err), &err);
    pf_store_failure f = {.source_id = x.source,
                          .path = "/pictures/bad.png",
                          .reason = "cut",
                          .size = 10,
                          .mtime_ns = 20};
    assert_ok(pf_store_put_failure(s, &f, &err), &err);
    f.reason = "cut \xFF off", f.size = 11, f.is_lasting = true;
    assert_ok(pf_store_put_failure(s, &f, &err), &err);
    f.reason = "dark", f.frame = 2;
    assert_ok(pf_store_put_failure(s, &f, &err), &err);
    assert_ok(pf_store_commit(s, &err), &err);
    assert_ok(pf_store_find_last_run(s, &run, &err), &err);
    assert_int_equal(run.id, second);
    assert_string_equal(run.state, "done");
    assert_int_equal(run.added, 3);
    assert_true(run.finished_at >= run.started_at);
    int64_t third;
    assert_ok(pf_store_begin(s, &err), &err);
    assert_ok(pf_store_start_run(s, &third, &err), &err);
    assert_ok(
        pf_store_finish_run(s, &(pf_store_run){.id = third, .state = "failed"}, &err),
        &err);
    assert_ok(pf_store_commit(s, &err), &err);
    assert_ok(pf_store_find_last_run(s, &run, &err), &err);
    assert_int_equal(run.id, third);
    assert_ok(pf_store_find_good_run(s, &run, &err), &err);
    assert_int_equal(run.id, second);
    char lines[200] = "";
    assert_ok(pf_store_each_failure(s, x.source, collect_failure, lines, &err), &err);
    assert_string_equal(lines, "/pictures/bad.png 0: cut \xEF\xBF\xBD off (11)|"
                               "/pictures/bad.png 2: dark (11)|");
    assert_ok(pf_store_begin(s, &err), &err);
    assert_ok(pf_store_delete_failure(s, f.path, 2, &err), &err);
    assert_ok(pf_store_commit(s, &err), &err);
    pf_store_counts n;
    assert_ok(pf_store_count(s, &n, &err), &err);
    assert_int_equal(n.failures, 1);
    assert_ok(pf_store_each_failure(s, 0, check_tries, NULL, &err), &err);
    lines[0] = '\0';
    assert_ok(pf_store_each_reason(s, collect_reason, lines, &err), &err);
    assert_string_equal(lines, "1 cut \xEF\xBF\xBD off|");
    pf_store_close(s);
}

/* Each lie told behind the store's back is found by its check. */
static void the_check_finds_what_contradicts(void **state)
{
    (void)state;
    static const struct {
        const char *lie, *words;
    } lies[] = {
        {"UPDATE picture SET vector = zeroblob(32) WHERE id = 1", "has not length 1"},
        {"UPDATE picture SET vector = zeroblob(30) WHERE id = 1", "has 30 bytes"},
        {"UPDATE caption_text SET text = 'other' WHERE id = 1", "not the one that was"},
        {"PRAGMA foreign_keys = OFF; DELETE FROM picture WHERE id = 2", "not there"},
        {"DELETE FROM words_row WHERE id = 1", "1 captions whose words are not in"},
        {"INSERT INTO caption_word (caption_word, rowid, words) VALUES ('delete', 1,"
         " 'x')",
         "words"},
        {"INSERT INTO caption_word (rowid, words) VALUES (77, 'x')",
         "1 rows of the index that are of nothing"},
        {"UPDATE words_row SET fields = 'tTitle' WHERE id = 1",
         "another number of words"},
        {"UPDATE words_row SET caption_text_id = 99 WHERE id = 1",
         "1 rows of words that are of no caption, or another text"},
        {"INSERT INTO words_row VALUES (-99, NULL, '')",
         "1 rows of words that are of no"},
        {"UPDATE catalog SET generation = 8", "another generation"},
        {"DELETE FROM index_file WHERE kind = 'captions'",
         "1 index files that were not"},
        {"UPDATE index_file SET count = 7 WHERE kind = 'images'", "another count"},
        {"PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF;"
         " INSERT INTO catalog (id, generation, created_at, created_by)"
         " VALUES (2, 0, 0, '')",
         "integrity"},
    };
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        pf_store *s = create();
        fill(s);
        pf_store_index_file f = {.generation = 1,
                                 .name = "x.faiss",
                                 .count = 3,
                                 .dim = 8},
                            g;
        assert_ok(pf_store_begin(s, &err), &err);
        assert_ok(pf_store_set_index_file(s, PF_INDEX_IMAGES, &f, &err), &err);
        f.count = 2;
        f.checksum = pf_hash_bytes("x", 1);
        assert_ok(pf_store_set_index_file(s, PF_INDEX_CAPTIONS, &f, &err), &err);
        assert_ok(pf_store_commit(s, &err), &err);
        assert_ok(pf_store_find_index_file(s, PF_INDEX_CAPTIONS, &g, &err), &err);
        assert_string_equal(g.name, "x.faiss");
        assert_true(g.count == 2 && pf_hash_equal(&f.checksum, &g.checksum));
        pf_notes problems = {0};
        assert_ok(pf_store_check(s, NULL, &problems, &err), &err);
        if (problems.count > 0)
            fail_msg("before lie %zu: %s", i, problems.line[0]);
        pf_store_close(s);
        pf_rows_run_script(folder, lies[i].lie);
        assert_ok(pf_store_open(&s, path, PF_STORE_READ, &err), &err);
        assert_ok(pf_store_check(s, NULL, &problems, &err), &err);
        if (problems.count == 0)
            fail_msg("nothing found after: %s", lies[i].lie);
        bool is_told = strcmp(lies[i].words, "integrity") == 0;
        for (size_t j = 0; j < problems.count; j++)
            is_told = is_told || strstr(problems.line[j], lies[i].words);
        if (!is_told)
            fail_msg("'%s', expected '%s'", problems.line[0], lies[i].words);
        pf_notes_reset(&problems);
        pf_store_close(s);
        after(state);
        before(state);
    }
}

static void an_index_file_name_stays_in_the_folder(void **state)
{
    (void)state;
    pf_store *s = create();
    fill(s);
    const char *names[] = {
        "../x.faiss", "/etc/passwd", ".x", "",
        "a-name-that-is-longer-than-the-sixty-three-bytes-it-may-have.faiss"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char script[300];
        snprintf(script, sizeof script,
                 "INSERT OR REPLACE INTO index_file VALUES ('images', 1, '%s',"
                 " zeroblob(16), 0, 8, 0, 0, 0, 0, 0, 1, 0)",
                 names[i]);
        pf_rows_run_script(folder, script);
        pf_store_index_file f;
        assert_refused(pf_store_find_index_file(s, PF_INDEX_IMAGES, &f, &err), &err,
                       "makes no sense");
    }
    pf_store_close(s);
}

static void lists_of_an_index_file_have_to_be_possible(void **state)
{
    (void)state;
    pf_store *s = create();
    fill(s);
    static const struct {
        int64_t n_lists, n_probe;
        const char *recall;
        bool is_fine;
    } rows[] = {{0, 0, "1", true},       {65536, 65536, "0.5", true},
                {65537, 1, "1", false},  {-1, 0, "1", false},
                {8, 0, "1", false},      {8, 9, "1", false},
                {0, 1, "1", false},      {8, 1, "1.5", false},
                {8, 1, "-9e999", false}, {8, 1, "'x'", true}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char script[300];
        pf_store_index_file f;
        snprintf(script, sizeof script,
                 "PRAGMA ignore_check_constraints = ON;"
                 "INSERT OR REPLACE INTO index_file VALUES ('images', 1, 'x',"
                 " zeroblob(16), 0, 8, 0, 0, 0, %lld, %lld, %s, 0)",
                 (long long)rows[i].n_lists, (long long)rows[i].n_probe,
                 rows[i].recall);
        pf_rows_run_script(folder, script);
        if (rows[i].is_fine)
            assert_ok(pf_store_find_index_file(s, PF_INDEX_IMAGES, &f, &err), &err);
        else
            assert_refused(pf_store_find_index_file(s, PF_INDEX_IMAGES, &f, &err), &err,
                           "makes no sense");
    }
    pf_store_close(s);
}

static bool scenario(void)
{
    pf_store *s = NULL;
    pf_store_model m = {0};
    pf_store_details d = {0};
    pf_notes problems = {0};
    seen got = {0};
    int64_t id, text;
    const pf_store_attribute a = {"k", "v\xFF"};
    bool ok =
        pf_store_open(&s, path, PF_STORE_WRITE, &err) && pf_store_begin(s, &err) &&
        pf_store_put_caption_text(s, 1, "new\xFF", vector_of(3), &text, &err) &&
        pf_store_set_captions(s, 1, &text, 1, &err) &&
        pf_store_set_image_attributes(s, 1, &a, 1, &err) &&
        pf_store_put_case(s, 1, "k\xFF", "t\xFF", &id, &err) &&
        pf_store_find_model(s, &m, &err) && pf_store_get_details(s, 1, &d, &err) &&
        pf_store_each_image_vector(s, collect_vector, &got, &err) &&
        pf_store_check(s, NULL, &problems, &err);
    pf_store_model_reset(&m);
    pf_store_details_reset(&d);
    pf_notes_reset(&problems);
    pf_store_close(s);
    return ok;
}

static void running_out_of_memory_is_an_error(void **state)
{
    (void)state;
    pf_store *s = create();
    fill(s);
    pf_store_close(s);
    bool done = false;
    for (long n = 1; !done; n++) {
        pf_mem_fail_at(n);
        done = scenario();
        pf_mem_fail_at(0);
        if (!done)
            assert_int_equal(err.code, PF_ERR_NOMEM);
        assert_true(n < 1000);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, before, after)

/* ---- sources over sources ---- */

static bool check_relocated(void *user, const pf_store_source *source, pf_err *e)
{
    (void)user, (void)e;
    assert_string_equal(source->path, "/f\303\274/in");
    assert_string_equal(source->tables[0], "/g/t.csv");
    return true;
}

static void a_source_takes_over(void **state)
{
    (void)state;
    pf_store *s = create();
    int64_t inner = 0, outer = 0, id = 0, key = 0;
    assert_ok(pf_store_begin(s, &err), &err);
    int64_t model = put_model(s, "abc");
    assert_ok(pf_store_use_model(s, model, &err) &&
                  put_source(s, "/films/in", NULL, &inner, &err) &&
                  put_source(s, "/films", NULL, &outer, &err) &&
                  pf_store_put_case(s, inner, "one", "One", &key, &err),
              &err);
    const pf_store_image image = {.source_id = inner,
                                  .picture_id = put_picture(s, model, 1),
                                  .case_id = key,
                                  .path = "/films/in/a.png"};
    const pf_store_failure failure = {
        .source_id = inner, .path = "/films/in/b.png", .reason = "bad"};
    assert_ok(pf_store_put_image(s, &image, &id, &err) &&
                  pf_store_put_failure(s, &failure, &err) &&
                  pf_store_adopt_source(s, inner, outer, &err) &&
                  pf_store_delete_source(s, inner, &err) && pf_store_commit(s, &err),
              &err);
    pf_store_details d = {0};
    pf_store_counts n;
    assert_ok(pf_store_get_details(s, id, &d, &err) && pf_store_count(s, &n, &err),
              &err);
    assert_int_equal(d.source_id, outer);
    assert_int_equal(d.case_id, key);
    assert_true(n.images == 1 && n.cases == 1 && n.failures == 1 && n.sources == 1);
    pf_store_details_reset(&d);
    pf_store_close(s);
}

static int64_t put_image_at(pf_store *s, int64_t source, int64_t picture,
                            const char *where)
{
    int64_t id = 0;
    const pf_store_image image = {
        .source_id = source, .picture_id = picture, .path = where};
    assert_ok(pf_store_put_image(s, &image, &id, &err), &err);
    return id;
}

static void assert_path(pf_store *s, int64_t id, const char *wanted)
{
    char *found;
    int frame;
    assert_ok(pf_store_get_image_path(s, id, &found, &frame, NULL, &err), &err);
    assert_string_equal(found, wanted);
    pf_free(found);
}

/* New paths may be old ones of other files; names are bytes, and what only begins alike
 * lies elsewhere. */
static void a_source_lies_elsewhere(void **state)
{
    (void)state;
    pf_store *s = create();
    int64_t source = 0;
    assert_ok(pf_store_begin(s, &err), &err);
    const int64_t model = put_model(s, "abc"), picture = put_picture(s, model, 1);
    assert_ok(pf_store_use_model(s, model, &err) &&
                  put_source(s, "/f\303\274", "/f\303\274/t.csv", &source, &err),
              &err);
    static const char *const paths[][2] = {
        {"/f\303\274/a.png", "/f\303\274/in/a.png"},
        {"/f\303\274/in/a.png", "/f\303\274/in/in/a.png"},
        {"/f\303\274/\377.png", "/f\303\274/in/\377.png"},
        {"/f\303\274", "/f\303\274/in"},
        {"/f\303\2742/a.png", "/f\303\2742/a.png"},
        {"/spool/a.png", "/spool/a.png"},
    };
    enum { N_PATHS = sizeof paths / sizeof *paths };
    int64_t ids[N_PATHS];
    for (size_t i = 0; i < N_PATHS; i++)
        ids[i] = put_image_at(s, source, picture, paths[i][0]);
    const pf_store_failure failure = {
        .source_id = source, .path = "/f\303\274/bad.png", .reason = "bad"};
    assert_ok(
        pf_store_put_failure(s, &failure, &err) &&
            pf_store_relocate_source(s, source, "/f\303\274", "/f\303\274/in", &err) &&
            pf_store_relocate_tables(s, "/f\303\274", "/g", &err) &&
            pf_store_commit(s, &err),
        &err);
    for (size_t i = 0; i < N_PATHS; i++)
        assert_path(s, ids[i], paths[i][1]);
    char lines[200] = "";
    assert_ok(pf_store_each_failure(s, source, collect_failure, lines, &err), &err);
    assert_string_equal(lines, "/f\303\274/in/bad.png 0: bad (0)|");
    assert_ok(pf_store_each_source(s, check_relocated, NULL, &err), &err);
    pf_store_close(s);
}

/* ---- what the first bytes say ---- */

static void write_header(uint32_t application, uint32_t pages, size_t n)
{
    uint8_t h[100] = "SQLite format 3";
    for (int i = 0; i < 4; i++) {
        h[28 + i] = (uint8_t)(pages >> (24 - 8 * i));
        h[68 + i] = (uint8_t)(application >> (24 - 8 * i));
    }
    pf_tree_write(path, h, n);
}

static void headers(void **state)
{
    (void)state;
    assert_ok(pf_store_check_header(path, &err), &err); /* none yet */
    pf_store_close(create());
    assert_ok(pf_store_check_header(path, &err), &err);
    write_header(0, 0, 0);
    assert_ok(pf_store_check_header(path, &err), &err);
    write_header(0, 1, 100); /* made, and not written to the file yet */
    assert_ok(pf_store_check_header(path, &err), &err);
    write_header(0x50464C4D, 9, 100);
    assert_ok(pf_store_check_header(path, &err), &err);
    write_header(0, 2, 100);
    assert_refused(pf_store_check_header(path, &err), &err, "another application");
    write_header(7, 1, 100);
    assert_refused(pf_store_check_header(path, &err), &err, "another application");
    write_header(0x50464C4D, 9, 99);
    assert_refused(pf_store_check_header(path, &err), &err, "no SQLite database");
    assert_int_equal(err.code, PF_ERR_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_catalog_is_private_and_empty),
        TEST(other_files_are_refused_and_left_alone),
        TEST(a_newer_and_an_older_format_are_told_apart),
        TEST(a_schema_that_changes_under_us_is_refused),
        TEST(older_formats_are_brought_up_to_date),
        TEST(the_list_made_at_build_time_is_that_of_the_schema),
        TEST(a_page_that_is_cut_is_damage),
        TEST(thumbnails_come_and_go_with_their_pictures),
        TEST(words_come_and_go_with_their_texts),
        TEST(damage_is_found),
        TEST(a_second_reader_leaves_the_first_its_lock),
        TEST(changes_need_a_transaction),
        TEST(a_reader_sees_one_moment),
        TEST(what_was_committed_survives_a_kill),
        TEST(a_catalog_on_read_only_media_can_be_read),
        TEST(the_cache_finds_what_was_embedded),
        TEST(vectors_are_checked_at_the_door),
        TEST(images_keep_ids_captions_and_bytes_of_their_names),
        TEST(details_tell_everything_about_an_image),
        TEST(captions_that_stay_keep_their_ids),
        TEST(a_caption_of_a_case_stands_at_its_first_image),
        TEST(vectors_and_pairs_come_in_the_order_of_ids),
        TEST(a_second_model_takes_over_in_one_commit),
        TEST(a_source_goes_with_all_that_is_its),
        TEST(the_diary_remembers_what_tables_do_not_fit),
        TEST(the_diary_remembers_runs_and_failures),
        TEST(the_check_finds_what_contradicts),
        TEST(an_index_file_name_stays_in_the_folder),
        TEST(lists_of_an_index_file_have_to_be_possible),
        TEST(running_out_of_memory_is_an_error),
        TEST(a_source_takes_over),
        TEST(a_source_lies_elsewhere),
        TEST(headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
