/*
 * test_hostile_catalog.c - catalogs that somebody has made to harm who opens them.
 *
 * Each case is the seeded catalog after one change: a script, run by an SQLite that
 * lets everything pass, or bytes. A child opens it as programs do, asks a question of
 * each kind and checks it; then another as an indexer does. Either it is refused, in
 * one line with the words that are expected, or it is answered; in little time and
 * memory.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "core/base/hash.h"
#include "core/base/mem.h"
#include "core/catalog/catalog.h"
#include "tests/support/asking.h"
#include "tests/support/seeded.h"
#include "tests/support/tree.h"
#include "tests/unit/test_support.h"

enum {
    IMAGES = 60, /* enough for percentiles */
    PAGE = 16384,
    FILE_MAX = 4 << 20,
    SECONDS = 2,
    MEMORY_MIB = 200,
#ifdef PF_SANITIZED
    SLOWER = 10, /* and memory is the sanitizer's */
#else
    SLOWER = 1,
#endif
};

static char root[PF_TREE_ROOM], whole[96], folder[96], model[96];

/* ---- the catalog, and a copy of it ---- */

static const char *const names[] = {"catalog.db", "images.1.faiss", "captions.1.faiss",
                                    "lock"};
static uint8_t bytes[FILE_MAX];

static void copy_catalog(void)
{
    pf_tree_remove(folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const size_t n = pf_tree_read(pf_tree_path(whole, names[i]), bytes, FILE_MAX);
        pf_tree_write(pf_tree_path(folder, names[i]), bytes, n);
        assert_int_equal(chmod(pf_tree_path(folder, names[i]), 0600), 0);
    }
}

static void run(const char *script)
{
    sqlite3 *db;
    char *why = NULL;
    assert_int_equal(sqlite3_open(pf_tree_path(folder, "catalog.db"), &db), SQLITE_OK);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
    if (sqlite3_exec(db,
                     "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON;"
                     "PRAGMA writable_schema = ON;",
                     NULL, NULL, &why) != SQLITE_OK ||
        sqlite3_exec(db, script, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s: %s", script, why);
    sqlite3_close(db);
}

/* ---- what comes of it ---- */

/* Runs in the child: one line about what happened. */
typedef void try_fn(char *line, size_t room);

static void as_reader(char *line, size_t room)
{
    pf_err err = PF_ERR_INIT;
    pf_notes notes = {0}, problems = {0};
    if (pf_asking_all(folder, &notes, &problems, &err))
        snprintf(line, room, "answered; %s; %s",
                 notes.count > 0 ? notes.line[0] : "no note",
                 problems.count > 0 ? problems.line[0] : "in order");
    else
        snprintf(line, room, "%s", err.msg[0] ? err.msg : "no reason was given");
    pf_notes_reset(&notes);
    pf_notes_reset(&problems);
}

static void as_indexer(char *line, size_t room)
{
    pf_err err = PF_ERR_INIT;
    pf_catalog *c;
    bool is_needed;
    const pf_catalog_writer_options options = {.must_exist = true};
    if (!pf_catalog_open_writer(&c, folder, &options, &err)) {
        snprintf(line, room, "%s", err.msg);
        return;
    }
    const bool ok = pf_catalog_needs_publish(c, &is_needed, &err) &&
                    pf_store_begin(pf_catalog_store(c), &err) &&
                    pf_catalog_publish(c, &err);
    snprintf(line, room, "%s", ok ? "published" : err.msg);
    pf_catalog_close(c);
}

/* The child's line is in `line`; it must end by itself, within its bounds. */
static void in_a_child(try_fn *try, const char *what, char *line, size_t room)
{
    int ends[2], status;
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit cpu = {SECONDS * SLOWER, SECONDS * SLOWER};
        const struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CPU, &cpu);
        setrlimit(RLIMIT_CORE, &none);
        alarm(20 * SLOWER); /* others are at work here, too */
        try(line, room);
        const size_t n = strlen(line);
        _exit(write(ends[1], line, n) == (ssize_t)n ? 0 : 1);
    }
    close(ends[1]);
    size_t got = 0;
    for (ssize_t n; got < room - 1 && (n = read(ends[0], line + got, room - 1 - got));)
        got += n > 0 ? (size_t)n : 0;
    line[got] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("%s: the child ended with status %#x", what, (unsigned)status);
#ifndef PF_SANITIZED
    struct rusage use;
    assert_int_equal(getrusage(RUSAGE_CHILDREN, &use), 0);
    if (use.ru_maxrss > MEMORY_MIB * 1024L)
        fail_msg("%s: %ld MiB were used", what, use.ru_maxrss / 1024);
#endif
    if (line[0] == '\0' || strpbrk(line, "\n\r\t\033"))
        fail_msg("%s: '%s' is not one line", what, line);
}

static void assert_outcome(const char *what, const char *expected)
{
    char line[4096];
    in_a_child(as_reader, what, line, sizeof line);
    if (!strstr(line, expected))
        fail_msg("%s: '%s', expected '%s'", what, line, expected);
    in_a_child(as_indexer, what, line, sizeof line);
}

/* ---- scripts ---- */

typedef struct {
    const char *script, *expected;
} hostile;

static void assert_all(const hostile *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        copy_catalog();
        run(cases[i].script);
        assert_outcome(cases[i].script, cases[i].expected);
    }
}

#define FOREIGN "which plainfilm does not make"
#define OTHER "is not the one that plainfilm makes"
#define ALL(cases) cases, sizeof(cases) / sizeof *(cases)

static void foreign_schemas_are_refused(void **state)
{
    (void)state;
    static const hostile cases[] = {
        {"DROP TABLE image; CREATE VIEW image AS WITH RECURSIVE e(id) AS (SELECT 1"
         " UNION ALL SELECT id + 1 FROM e) SELECT id, 1 AS source_id, x'2f' AS path,"
         " 0 AS frame, 1 AS picture_id, 1 AS case_id, 1 AS size, 1 AS mtime_ns FROM e",
         OTHER},
        {"DROP TABLE catalog; CREATE VIEW catalog AS WITH RECURSIVE e(x) AS (SELECT 1"
         " UNION ALL SELECT x + 1 FROM e) SELECT 1 AS id, max(x) AS generation,"
         " 1 AS model_id FROM e",
         OTHER},
        {"CREATE TABLE a_table (x)", "table 'a_table', " FOREIGN},
        {"CREATE TABLE zz (x)", "table 'zz', " FOREIGN},
        {"CREATE TABLE \"x\ny\033[2J\" (x)", FOREIGN},
        {"CREATE VIEW more AS SELECT 1", "view 'more', " FOREIGN},
        {"CREATE TRIGGER t AFTER INSERT ON caption_text BEGIN UPDATE caption_text"
         " SET text = 'all is well'; END",
         "trigger 't', " FOREIGN},
        {"CREATE TRIGGER image_gone AFTER DELETE ON image BEGIN DELETE FROM picture; "
         "END",
         FOREIGN},
        {"CREATE INDEX slow ON caption_text (hex(text) || hex(vector))",
         "index 'slow', " FOREIGN},
        {"CREATE INDEX part ON image (size) WHERE path LIKE '%a%a%a%a%b'", FOREIGN},
        {"CREATE UNIQUE INDEX one ON image (id)", FOREIGN},
        {"ALTER TABLE image ADD COLUMN more AS (hex(zeroblob(10000000)))", OTHER},
        {"ALTER TABLE caption_text ADD COLUMN more TEXT", OTHER},
        {"UPDATE sqlite_schema SET sql = replace(sql, 'BLOB    NOT NULL, ', 'TEXT, ')"
         " WHERE name = 'image'",
         OTHER},
        {"UPDATE sqlite_schema SET sql = replace(sql, 'CHECK (frame >= 0)', '')"
         " WHERE name = 'picture'",
         OTHER},
        {"UPDATE sqlite_schema SET sql = replace(sql, 'CHECK (frame >= 0)', 'CHECK"
         " (length(hex(zeroblob(30000000))) > 0)') WHERE name = 'image'",
         OTHER},
        {"UPDATE sqlite_schema SET sql = replace(sql, 'TEXT    NOT NULL',"
         " 'TEXT    NOT NULL COLLATE NOCASE') WHERE name = 'caption_text'",
         OTHER},
        {"UPDATE sqlite_schema SET sql = replace(sql, 'DEFAULT 0', 'DEFAULT 1')"
         " WHERE name = 'run'",
         OTHER},
        {"UPDATE sqlite_schema SET sql = replace(sql, ' WITHOUT ROWID', '')"
         " WHERE name = 'index_file'",
         "'"},
        {"UPDATE sqlite_schema SET sql = sql || ' ' WHERE name = 'image_by_case'",
         OTHER},
        {"DROP INDEX image_by_picture", "there is no index 'image_by_picture'"},
        {"DROP TRIGGER picture_vector", "there is no trigger 'picture_vector'"},
        {"DROP TABLE thumbnail", "there is no table 'thumbnail'"},
        {"DROP TRIGGER picture_vector; CREATE TRIGGER picture_vector BEFORE INSERT ON"
         " picture BEGIN SELECT 1; END",
         OTHER},
        {"ALTER TABLE failure RENAME TO fault", "'"},
        {"CREATE VIRTUAL TABLE words USING fts5 (a)", FOREIGN},
        {"INSERT INTO sqlite_schema VALUES ('table', 'v', 'v', 0,"
         " 'CREATE VIRTUAL TABLE v USING nosuch (x)')",
         FOREIGN},
        {"DROP TABLE caption_word; CREATE VIRTUAL TABLE caption_word USING fts5 (stem,"
         " whole, plain, content = 'image')",
         "'"},
        {"UPDATE sqlite_schema SET sql = 'CREATE TABLE ''caption_word_data''(id INTEGER"
         " PRIMARY KEY, block)' WHERE name = 'caption_word_data'",
         OTHER},
        {"INSERT INTO sqlite_schema VALUES ('view', 'sqlite_stat1', 'sqlite_stat1', 0,"
         " 'CREATE VIEW sqlite_stat1 AS WITH RECURSIVE e(tbl) AS (SELECT 1 UNION ALL"
         " SELECT tbl + 1 FROM e) SELECT tbl, 1 AS idx, 1 AS stat FROM e')",
         FOREIGN},
        {"CREATE TABLE other (tbl, idx, stat); UPDATE sqlite_schema SET name ="
         " 'sqlite_stat1', tbl_name = 'sqlite_stat1', sql = 'CREATE TABLE"
         " sqlite_stat1(tbl, idx, stat AS (hex(zeroblob(9000000))))' WHERE name ="
         " 'other'",
         FOREIGN},
        {"INSERT INTO sqlite_schema SELECT * FROM sqlite_schema WHERE name = 'image'",
         "'"},
        {"INSERT INTO sqlite_schema WITH RECURSIVE e(x) AS (SELECT 1 UNION ALL SELECT"
         " x + 1 FROM e WHERE x < 20000) SELECT 'view', 'v' || x, 'v' || x, 0,"
         " 'CREATE VIEW v' || x || ' AS SELECT 1' FROM e",
         FOREIGN},
        {"INSERT INTO sqlite_schema VALUES ('view', 'v', 'v', 0, 'CREATE VIEW v AS"
         " SELECT ''' || hex(zeroblob(1000000)) || '''')",
         "is damaged: malformed database schema"},
        {"INSERT INTO sqlite_schema VALUES ('view', 'v', 'v', 0, 'CREATE VIEW v AS"
         " SELECT ' || replace(hex(zeroblob(5000)), '0', '(') || '1')",
         "is damaged: malformed database schema"},
        {"PRAGMA application_id = 1", "of another application"},
        {"PRAGMA user_version = -1", "it has format -1"},
        {"PRAGMA user_version = -2147483648", "it has format -2147483648"},
        {"PRAGMA user_version = 0", "it has format 0"},
        {"PRAGMA user_version = 1", "has format 1"},
        {"PRAGMA user_version = 2147483647", "newer plainfilm"},
        {"ANALYZE", "answered; no note; in order"},
        {"PRAGMA default_cache_size = 2147483647", "answered; no note; in order"},
    };
    assert_all(ALL(cases));
}

/* An older format is checked, too, before an indexer brings it up to date. */
static void old_formats_with_foreign_schemas_are_refused(void **state)
{
    (void)state;
    char line[4096];
    copy_catalog();
    run("ALTER TABLE source DROP COLUMN follows_links; PRAGMA user_version = 6;"
        "CREATE TRIGGER t AFTER INSERT ON caption_word_content BEGIN DELETE FROM image;"
        " END");
    in_a_child(as_indexer, "an old format", line, sizeof line);
    assert_non_null(strstr(line, "trigger 't', " FOREIGN));
    run("DROP TRIGGER t");
    in_a_child(as_indexer, "an old format", line, sizeof line);
    assert_string_equal(line, "published");
}

/* Rows that say what cannot be: an error that names the row, or an answer without it.
 * No index is there, so that answers come from the rows. */
static void rows_that_lie_do_no_harm(void **state)
{
    (void)state;
#define WITHOUT_INDEXES "UPDATE index_file SET name = 'gone';"
    static const hostile cases[] = {
        {"SELECT 1", "answered; no note; in order"},
        {WITHOUT_INDEXES, "answered; there is no index file"},
        {WITHOUT_INDEXES "UPDATE picture SET vector = replace(hex(zeroblob(16)), '00',"
                         " '')",
         "the vector of 3 has 0 bytes"},
        {WITHOUT_INDEXES "UPDATE picture SET vector = CAST(x'0000c07f' || zeroblob(124)"
                         " AS BLOB) WHERE id = 3",
         "the vector of 3 has not length 1"},
        {WITHOUT_INDEXES "UPDATE picture SET vector = CAST(x'0000807f' || zeroblob(124)"
                         " AS BLOB) WHERE id = 60",
         "the vector of 60 has not length 1"},
        {WITHOUT_INDEXES "UPDATE picture SET vector = zeroblob(128)",
         "has not length 1"},
        {WITHOUT_INDEXES "UPDATE caption_text SET vector = CAST(x'0000c0ff' ||"
                         " zeroblob(124) AS BLOB) WHERE id = 2",
         "the vector of "},
        {"UPDATE picture SET vector = CAST(x'0000c07f' || zeroblob(124) AS BLOB)"
         " WHERE id = 3",
         "the vector of 3 has not length 1"},
        {WITHOUT_INDEXES "UPDATE model SET dim = 2000000000",
         "model 1 makes vectors of 2000000000 floats; 1 to 65536 are possible"},
        {"UPDATE model SET dim = 2000000000", "1 to 65536"},
        {"UPDATE model SET dim = 0", "1 to 65536"},
        {"UPDATE model SET dim = -32", "1 to 65536"},
        {"UPDATE model SET dim = 4294967328", "1 to 65536"},
        {"UPDATE model SET dim = 'many'", "1 to 65536"},
        {WITHOUT_INDEXES "UPDATE model SET dim = 65536", "expected 262144"},
        {"UPDATE model SET dim = 16", "expected 64"},
        {"UPDATE model SET logit_scale = 9e999", "logit_scale"},
        {"UPDATE model SET path = '/dev/zero'", "'"},
        {"UPDATE model SET path = ''", "'"},
        {"UPDATE model SET tokenizer = '/dev/zero'", "'"},
        {"UPDATE model SET stamp = hex(zeroblob(1000000))", ""},
        {"DELETE FROM model", ""},
        {"DELETE FROM catalog", "is empty"},
        {"UPDATE catalog SET model_id = 99", ""},
        {"UPDATE catalog SET model_id = NULL", ""},
        {"UPDATE catalog SET generation = -1", "is damaged: its generation is -1"},
        {"UPDATE catalog SET generation = 9223372036854775807",
         "is damaged: its generation is 9223372036854775807"},
        {"UPDATE catalog SET generation = 'x'", "is empty"},
        {"UPDATE catalog SET created_by = hex(zeroblob(100000))", "answered"},
        {"UPDATE index_file SET dim = 2000000000",
         "a row of index_file makes no sense"},
        {"UPDATE index_file SET dim = 4294967328",
         "a row of index_file makes no sense"},
        {"UPDATE index_file SET count = -1", "a row of index_file makes no sense"},
        {"UPDATE index_file SET count = 1000000000, dim = 65536",
         "answered; the index of images was recorded with 1000000000 vectors"},
        {"UPDATE index_file SET count = 9223372036854775807", "answered; the index of"},
        {"UPDATE index_file SET name = '../whole/images.1.faiss'", "makes no sense"},
        {"UPDATE index_file SET name = '/etc/passwd'", "makes no sense"},
        {"UPDATE index_file SET name = ''", "makes no sense"},
        {"UPDATE index_file SET name = 'catalog.db'", "answered; index file"},
        {"UPDATE index_file SET name = 'lock'", "answered; index file"},
        {"UPDATE index_file SET name = hex(zeroblob(1000))", "makes no sense"},
        {"UPDATE index_file SET checksum = zeroblob(16)", "its checksum is not"},
        {"UPDATE index_file SET checksum = 'x'", "makes no sense"},
        {"UPDATE index_file SET generation = 7", "answered"},
        {"DELETE FROM index_file", "'"},
        {"DELETE FROM image", "its database has not"},
        {"DELETE FROM picture", ""},
        {"UPDATE image SET picture_id = 99999999", ""},
        {"UPDATE image SET case_id = 99999999", ""},
        {"UPDATE image SET id = -id", ""},
        {WITHOUT_INDEXES "UPDATE image SET id = -5 WHERE id = 5",
         "is damaged: id -5 follows id 0"},
        {"UPDATE image SET id = 9223372036854775807 WHERE id = 60", ""},
        {"UPDATE image SET frame = 9223372036854775807", ""},
        {"UPDATE image SET path = x'' WHERE id = 3", ""},
        {"UPDATE image SET path = zeroblob(1000000 + id) WHERE id < 5", ""},
        {"UPDATE picture SET width = -1, height = 9223372036854775807, format = x'ff'",
         ""},
        {"UPDATE caption SET image_id = 77777", ""},
        {"UPDATE caption SET id = id - 9223372036854775807", ""},
        {"UPDATE caption SET caption_text_id = 1 WHERE id % 2 = 0 AND id > 40", ""},
        {"UPDATE caption_text SET text = CAST(x'fffe8041c0af' AS TEXT)", ""},
        {"UPDATE caption_text SET text = CAST(x'66696c6d00ff' AS TEXT)", ""},
        {"UPDATE caption_text SET text = zeroblob(1000000) WHERE id < 4", ""},
        {"UPDATE caption_text SET text = replace(hex(zeroblob(2000000)), '0',"
         " 'film ') WHERE id = 1",
         ""},
        {"UPDATE image_attribute SET key = CAST(x'ff' AS TEXT), value = CAST(x'ff' AS"
         " TEXT)",
         ""},
        {"UPDATE teaching_case SET key = CAST(x'ff' AS TEXT) || id, title = x'00'", ""},
        {"UPDATE background SET pairs = -1", "does not say yet"},
        {"UPDATE background SET first_bin = 1999", "does not say yet"},
        {"UPDATE background SET counts = x'010203'", "does not say yet"},
        {"UPDATE background SET pairs = 9223372036854775807", "does not say yet"},
        {"UPDATE background SET counts = zeroblob(8000), pairs = 0, first_bin = 0", ""},
        {"INSERT INTO thumbnail SELECT id, CAST(x'ffd8' || randomblob(1000) || x'ffd9'"
         " AS BLOB) FROM picture",
         ""},
        {"INSERT INTO thumbnail SELECT id, 7 FROM picture", ""},
        {"DELETE FROM sqlite_sequence", "answered"},
        {"UPDATE sqlite_sequence SET seq = 9223372036854775807", "answered"},
        {"DELETE FROM caption_word_data", ""},
        {"UPDATE caption_word_data SET block = randomblob(length(block))", ""},
        {"UPDATE caption_word_data SET block = zeroblob(length(block))", ""},
        {"UPDATE caption_word_data SET block = x''", ""},
        {"UPDATE caption_word_data SET block = x'00000000ff7fffffff7fffff7f'"
         " WHERE id = 10",
         ""},
        {"UPDATE caption_word_data SET block = x'ffffffffffffffffffffffffffffffffff'"
         " WHERE id = 1",
         ""},
        {"UPDATE caption_word_docsize SET sz = x'ffffffffffffffff7f'", ""},
        {"DELETE FROM caption_word_docsize", ""},
        {"DELETE FROM caption_word_content", ""},
        {"UPDATE caption_word_config SET v = 99", ""},
        {"INSERT INTO caption_word_config VALUES ('rank', 'bm25(''x'')')", ""},
        {"INSERT INTO caption_word_config VALUES ('pgsz', 2147483647)", ""},
        {"UPDATE caption_word_idx SET pgno = 2147483647", ""},
    };
    assert_all(ALL(cases));
}

/* ---- */

static int make_catalog(void **state)
{
    (void)state;
    int status;
    pf_tree_make(root);
    snprintf(whole, sizeof whole, "%s/whole", root);
    snprintf(folder, sizeof folder, "%s/hostile", root);
    snprintf(model, sizeof model, "%s/model", root);
    const pid_t child = fork(); /* whose threads do not get in the way of others */
    if (child == 0) {
        pf_err err = PF_ERR_INIT;
        _exit(!(pf_seeded_model_write(model, &err) &&
                pf_seeded_catalog_write(whole, model, NULL, IMAGES, true, &err)));
    }
    return waitpid(child, &status, 0) == child && status == 0 ? 0 : 1;
}

static int remove_catalog(void **state)
{
    (void)state;
    pf_tree_remove(root);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(foreign_schemas_are_refused),
        cmocka_unit_test(old_formats_with_foreign_schemas_are_refused),
        cmocka_unit_test(rows_that_lie_do_no_harm),
    };
    return cmocka_run_group_tests(tests, make_catalog, remove_catalog);
}
