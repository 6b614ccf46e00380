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
#include "core/catalog/vfile.h"
#include "core/catalog/schema.h"
#include "core/catalog/sql_vfs.h"
#include "tests/support/index_file.h"
#include "tests/support/asking.h"
#include "tests/support/seeded.h"
#include "tests/support/tree.h"
#include "tests/unit/test_support.h"

enum {
    IMAGES = 60, /* enough for percentiles */
    PAGE = 16384,
    FILE_MAX = 4 << 20,
    SECONDS = 2, /* of the processor, for a question, with opening, or for the check */
    MANY = 10,   /* times as many are enough for all of them in one process, */
    PUBLISH = 3, /* and for an indexer, who opens, compares and publishes */
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
    assert_int_equal(sqlite3_open_v2(pf_tree_path(folder, "catalog.db"), &db,
                                     SQLITE_OPEN_READWRITE, pf_sql_vfs_name()),
                     SQLITE_OK);
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

#define TOO_LONG "too long: "

/* Runs in the child: one line about what happened. */
typedef void try_fn(char *line, size_t room);

static void as_reader(char *line, size_t room)
{
    pf_err err = PF_ERR_INIT;
    pf_notes notes = {0}, problems = {0};
    pf_asking_cost most = {0};
    const bool ok = pf_asking_all(folder, &notes, &problems, &most, &err);
    if (most.seconds > SECONDS * SLOWER)
        snprintf(line, room, TOO_LONG "%.1f s for %s", most.seconds, most.question);
    else if (ok)
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
        const rlim_t seconds = SECONDS * SLOWER * (try == as_reader ? MANY : PUBLISH);
        const struct rlimit cpu = {seconds, seconds};
        const struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CPU, &cpu);
        setrlimit(RLIMIT_CORE, &none);
        alarm(60 * SLOWER); /* others are at work here, too */
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
    if (strncmp(line, TOO_LONG, strlen(TOO_LONG)) == 0)
        fail_msg("%s: %s", what, line);
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
        {"DROP TABLE caption_word; CREATE VIRTUAL TABLE caption_word USING fts5"
         " (words, content = 'image')",
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
         " SELECT ''' || hex(zeroblob(500000)) || '''')",
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

/* Of a format before pages had checksums; nothing is in it but its model. */
static void make_old_catalog(void)
{
    enum { OLD = 6 };
    char version[96];
    pf_tree_remove(folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    pf_tree_write(pf_tree_path(folder, "catalog.db"), "", 0);
    assert_int_equal(chmod(pf_tree_path(folder, "catalog.db"), 0600), 0);
    run(pf_schema[0].sql);
    run("INSERT INTO model (id, fingerprint, path, preprocess, dim, logit_scale,"
        " description, stamp) VALUES (1, 'abc', '/clip', 'clip', 8, 4.6, 'tiny', '1');"
        "INSERT INTO catalog VALUES (1, 1, 1, 1700000001, '0.1.0')");
    for (int i = 1; i < OLD; i++)
        run(pf_schema[i].sql);
    snprintf(version, sizeof version,
             "PRAGMA application_id = 1346784333; PRAGMA user_version = %d", OLD);
    run(version);
}

/* An older format is checked, too, before an indexer brings it up to date. */
static void old_formats_with_foreign_schemas_are_refused(void **state)
{
    (void)state;
    char line[4096];
    make_old_catalog();
    run("CREATE TRIGGER t AFTER INSERT ON caption_word_content BEGIN DELETE FROM image;"
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
         "answered; the index of images was recorded with vectors of 65536 floats"},
        {"UPDATE index_file SET count = 9223372036854775807", "answered; index file"},
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
        {"DELETE FROM words_row", ""},
        {"UPDATE words_row SET fields = 't' || hex(randomblob(200000))", ""},
        {"UPDATE words_row SET fields = replace(hex(zeroblob(100000)), '00', "
         "'tx' || char(10)), caption_text_id = -7",
         ""},
        {"DELETE FROM words_list", ""},
        {"UPDATE words_list SET words = hex(randomblob(10000)), id = id + 1", ""},
        {"UPDATE words_list SET words = x'00ff'", ""},
        {"UPDATE words_common SET n = -9223372036854775807 - 1", ""},
        {"UPDATE words_common SET n = 9223372036854775807", ""},
        {"DELETE FROM words_common", ""},
        {"UPDATE caption_word_config SET v = 99", ""},
        {"INSERT INTO caption_word_config VALUES ('rank', 'bm25(''x'')')", ""},
        {"INSERT INTO caption_word_config VALUES ('pgsz', 2147483647)", ""},
        {"UPDATE caption_word_idx SET pgno = 2147483647", ""},
        {"INSERT INTO caption_word_config VALUES ('rank', 'snippet(0, ''a'', ''b'','"
         " || ' ''c'', 64)')",
         ""},
        {"INSERT INTO caption_word_config VALUES ('rank', 'highlight(0, ''a'', "
         "''b'')')",
         ""},
        {"INSERT INTO caption_word_config VALUES ('rank', 'bm25(1e308, -1e308)')", ""},
        {"INSERT INTO caption_word_config VALUES ('rank', 'none()')", ""},
        {"INSERT INTO caption_word_config VALUES ('hashsize', 2147483647)", ""},
        {"INSERT INTO caption_word_config VALUES ('secure-delete', 1)", ""},
        {"UPDATE caption_word_data SET block = x'0000000000' WHERE id = 1", ""},
        {"UPDATE caption_word_data SET block = x'0000000001010101ffffffff07'"
         " WHERE id = 10",
         ""},
        {"ANALYZE; UPDATE sqlite_stat1 SET stat = '100000000 100000000 100000000'", ""},
        {"ANALYZE; UPDATE sqlite_stat1 SET stat = '0 0 0 0'", ""},
        {"ANALYZE; UPDATE sqlite_stat1 SET stat = hex(zeroblob(1000000))", ""},
        {"ANALYZE; INSERT INTO sqlite_stat1 WITH RECURSIVE e(x) AS (SELECT 1 UNION ALL"
         " SELECT x + 1 FROM e WHERE x < 100000) SELECT 'image', 'image_by_case', '1 1'"
         " FROM e",
         ""},
        {"PRAGMA auto_vacuum = 1; VACUUM", "answered; no note; in order"},
        {"PRAGMA auto_vacuum = 2; VACUUM", "answered; no note; in order"},
    };
    assert_all(ALL(cases));
}

/* One text that all images have: it may not be read, or kept, once for each. */
static void shared_texts_do_not_multiply(void **state)
{
    (void)state;
#define LONG(n) "replace(hex(zeroblob(" #n ")), '00', char(1, 1))"
#define TOO_LARGE "is larger than 1572864 bytes"
#define ONE_CASE "UPDATE image SET case_id = 1; DELETE FROM case_attribute;"
    static const hostile cases[] = {
        {"UPDATE caption_text SET text = " LONG(
             500000) " WHERE id = 1; DELETE FROM caption; INSERT INTO caption (id,"
                     " image_id, caption_text_id) SELECT id, id, 1 FROM image",
         "ask for fewer hits"},
        {"UPDATE caption_text SET text = " LONG(3900000) " WHERE id = 1", TOO_LARGE},
        {"UPDATE teaching_case SET title = " LONG(
             500000) "; UPDATE image SET case_id = 1",
         "ask for fewer hits"},
        {"UPDATE teaching_case SET title = " LONG(3900000), TOO_LARGE},
        {ONE_CASE "INSERT INTO case_attribute VALUES (1, 'k', " LONG(500000) ")",
         "ask for fewer hits"},
        {ONE_CASE "INSERT INTO case_attribute VALUES (1, 'k', " LONG(3900000) ")",
         TOO_LARGE},
        {ONE_CASE "INSERT INTO case_attribute VALUES (1, " LONG(500000) ", 'v')",
         "ask for fewer hits"},
        {ONE_CASE
         "INSERT INTO case_attribute WITH RECURSIVE e(x) AS (SELECT 1 UNION ALL"
         " SELECT x + 1 FROM e WHERE x < 6000) SELECT 1, 'k' || x, 'v' FROM e",
         "as many as the catalog has"},
        {"UPDATE image SET path = CAST(" LONG(500000) " || id AS BLOB) WHERE id < 9",
         ""},
        {"UPDATE picture SET format = " LONG(3900000), TOO_LARGE},
        {"UPDATE model SET path = " LONG(3900000), TOO_LARGE},
        {"UPDATE index_file SET name = " LONG(3900000), TOO_LARGE},
    };
    assert_all(ALL(cases));
}

/* ---- bytes ---- */

static int64_t ask_int(const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *stmt;
    assert_int_equal(sqlite3_open(pf_tree_path(folder, "catalog.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    const int64_t n = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return n;
}

static size_t read_database(void)
{
    return pf_tree_read(pf_tree_path(folder, "catalog.db"), bytes, FILE_MAX);
}

/* Who can write to a file can make the checksums of its pages, too. */
static void write_database(size_t n)
{
    for (size_t i = 0; (i + 1) * PAGE <= n; i++)
        pf_sql_seal_page(bytes + i * PAGE, PAGE, (uint32_t)i + 1);
    pf_tree_write(pf_tree_path(folder, "catalog.db"), bytes, n);
}

static uint8_t *page(size_t number) /* from 1 */
{
    return bytes + (number - 1) * PAGE;
}

static void put_big_endian(uint8_t *at, uint64_t value, int width)
{
    while (width > 0) {
        at[--width] = (uint8_t)value;
        value >>= 8;
    }
}

/* An inner page whose `ENTRIES` entries are one, which leads to page `child`. An entry
 * of an index has a row of it, the first one of the leaf. */
static void put_inner_page(uint8_t *at, size_t header, size_t child,
                           const uint8_t *leaf, bool is_index)
{
    enum { ENTRIES = 1000, ENTRY = PAGE - 1000 };
    uint8_t entry[1000] = {0};
    size_t n = 4;
    put_big_endian(entry, child, 4);
    if (is_index) { /* its length, and as many bytes: they are short */
        const uint8_t *first = leaf + (leaf[8] << 8 | leaf[9]);
        memcpy(entry + n, first, (size_t)first[0] + 1);
        n += (size_t)first[0] + 1;
    } else {
        entry[n++] = 1; /* a rowid */
    }
    memset(at + header, 0, PAGE - header);
    at[header] = is_index ? 0x02 : 0x05;
    put_big_endian(at + header + 3, ENTRIES, 2);
    put_big_endian(at + header + 5, ENTRY, 2);
    put_big_endian(at + header + 8, child, 4);
    for (size_t i = 0; i < ENTRIES; i++)
        put_big_endian(at + header + 12 + 2 * i, ENTRY, 2);
    memcpy(at + ENTRY, entry, n);
}

/* The tree of a table or an index becomes one of 1000 x 1000 x ... times the rows that
 * it had, in seven pages more. */
static void make_endless(const char *name)
{
    enum { LEVELS = 6 };
    char sql[128];
    snprintf(sql, sizeof sql, "SELECT rootpage FROM sqlite_schema WHERE name = '%s'",
             name);
    const size_t root_page =
        strcmp(name, "sqlite_schema") == 0 ? 1 : (size_t)ask_int(sql);
    const size_t header = root_page == 1 ? 100 : 0;
    const size_t pages = read_database() / PAGE, leaf = pages + LEVELS;
    uint8_t *const old = page(root_page);
    const bool is_index = old[header] == 0x0A;
    assert_true(is_index || old[header] == 0x0D);
    memcpy(page(leaf), old, PAGE);
    memmove(page(leaf), page(leaf) + header, PAGE / 2 - header);
    put_inner_page(old, header, pages + 1, page(leaf), is_index);
    for (size_t i = 1; i < LEVELS; i++)
        put_inner_page(page(pages + i), 0, pages + i + 1, page(leaf), is_index);
    put_big_endian(bytes + 28, leaf, 4);
    write_database(leaf * PAGE);
}

/* Their rows would never end, or be sorted in memory until there is none. */
static void trees_that_have_no_end_are_refused(void **state)
{
    (void)state;
    static const char *const trees[] = {"sqlite_schema",
                                        "catalog",
                                        "model",
                                        "image",
                                        "caption",
                                        "caption_text",
                                        "picture",
                                        "teaching_case",
                                        "source",
                                        "failure",
                                        "image_attribute",
                                        "case_attribute",
                                        "index_file",
                                        "background",
                                        "thumbnail",
                                        "run",
                                        "sqlite_autoindex_image_1",
                                        "image_by_case",
                                        "image_by_picture",
                                        "image_by_source",
                                        "caption_by_text",
                                        "image_attribute_by_key",
                                        "case_attribute_by_key",
                                        "caption_word_data",
                                        "caption_word_idx",
                                        "words_row",
                                        "words_list",
                                        "caption_word_docsize",
                                        "sqlite_sequence"};
    for (size_t i = 0; i < sizeof trees / sizeof *trees; i++) {
        copy_catalog();
        if (strcmp(trees[i], "failure") == 0) /* an index needs a row to repeat */
            run("INSERT INTO failure (source_id, path, reason, size, mtime_ns)"
                " VALUES (1, x'2f61', 'why', 1, 1)");
        make_endless(trees[i]);
        assert_outcome(trees[i], "");
    }
}

/* The longer a file, the more steps it may take; a hole makes none longer. */
static void holes_buy_no_time(void **state)
{
    (void)state;
    static const char *const trees[] = {"image", "caption_text", "sqlite_schema"};
    copy_catalog();
    assert_int_equal(truncate(pf_tree_path(folder, "catalog.db"), (off_t)1 << 40), 0);
    assert_outcome("a hole of 1 TiB", "answered; no note; in order");
    for (size_t i = 0; i < sizeof trees / sizeof *trees; i++) {
        copy_catalog();
        make_endless(trees[i]);
        const char *path = pf_tree_path(folder, "catalog.db");
        assert_int_equal(truncate(path, (off_t)1 << 40), 0);
        assert_outcome(trees[i], "");
    }
}

static void damaged_pages_are_an_error(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        size_t at, n;
        uint8_t byte;
    } patches[] = {
        {"no signature", 0, 16, 'x'},
        {"pages of 512 bytes", 16, 2, 2},
        {"pages of 0 bytes", 16, 2, 0},
        {"a reserved space of 255", 20, 1, 255},
        {"no pages", 28, 4, 0},
        {"4294967295 pages", 28, 4, 255},
        {"free pages from the first on", 32, 8, 1},
        {"schema format 255", 44, 4, 255},
        {"a cache of 2147483647", 48, 4, 127},
        {"text in no encoding", 56, 4, 0},
        {"text in UTF-16, little-endian", 59, 1, 2},
        {"text in UTF-16, big-endian", 59, 1, 3},
        {"vacuum", 52, 4, 1},
        {"an empty schema", 103, 2, 0},
        {"rows behind the page", 105, 2, 255},
        {"no first page", 100, PAGE - 100, 0},
        {"no second page", PAGE, PAGE, 0},
        {"a third page of 255", 2 * PAGE, PAGE, 255},
    };
    for (size_t i = 0; i < sizeof patches / sizeof *patches; i++) {
        copy_catalog();
        const size_t n = read_database();
        memset(bytes + patches[i].at, patches[i].byte, patches[i].n);
        write_database(n);
        assert_outcome(patches[i].what, "");
    }
    const size_t sizes[] = {1, 99, 100, 512, PAGE - 1, PAGE, 3 * PAGE, 9 * PAGE + 1};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        copy_catalog();
        read_database();
        write_database(sizes[i]);
        assert_outcome("cut", "'");
    }
}

/* Damage, as opposed to malice: the checksum of its page does not know of it. */
static void a_changed_bit_is_an_error(void **state)
{
    (void)state;
    copy_catalog();
    const size_t n = read_database();
    for (size_t at = 18; at < n; at += 16001) {
        bytes[at] ^= (uint8_t)(1 << at % 8);
        pf_tree_write(pf_tree_path(folder, "catalog.db"), bytes, n);
        bytes[at] ^= (uint8_t)(1 << at % 8);
        char line[4096];
        in_a_child(as_reader, "a changed bit", line, sizeof line);
        char page_said[32];
        snprintf(page_said, sizeof page_said, "page %zu", at / PAGE + 1);
        if (!strstr(line, "answered; no note; in order") && !strstr(line, page_said) &&
            !strstr(line, "no checksums"))
            fail_msg("byte %zu: %s", at, line);
    }
}

/* ---- files ---- */

static void place(const char *name, const char *text)
{
    pf_tree_write_text(pf_tree_path(folder, name), text);
}

static void assert_refused_as_indexer(const char *what, const char *expected)
{
    char line[4096];
    in_a_child(as_indexer, what, line, sizeof line);
    if (!strstr(line, expected))
        fail_msg("%s: '%s', expected '%s'", what, line, expected);
}

/* Names that lead elsewhere are not followed, by nobody. */
static void links_are_not_followed(void **state)
{
    (void)state;
    static const char *const beside[] = {"catalog.db-wal", "catalog.db-shm"};
    char target[128];
    snprintf(target, sizeof target, "%s/target", root);
    copy_catalog();
    const char *path = pf_tree_path(folder, "catalog.db");
    assert_int_equal(rename(path, target), 0);
    assert_int_equal(symlink(target, path), 0);
    assert_outcome("a linked database", "catalog.db' is a symbolic link, not a file");
    assert_refused_as_indexer("a linked database", "is a symbolic link");
    unlink(target);
    assert_refused_as_indexer("a link to nothing", "");
    assert_int_not_equal(access(target, F_OK), 0);
    for (size_t i = 0; i < 2; i++) {
        copy_catalog();
        pf_tree_write_text(target, "precious");
        assert_int_equal(symlink(target, pf_tree_path(folder, beside[i])), 0);
        assert_outcome(beside[i], "is a symbolic link, not a file");
        assert_refused_as_indexer(beside[i], "is a symbolic link");
    }
    copy_catalog();
    assert_int_equal(unlink(pf_tree_path(folder, "lock")), 0);
    assert_int_equal(symlink(target, pf_tree_path(folder, "lock")), 0);
    assert_refused_as_indexer("a linked lock", "cannot open");
    copy_catalog();
    run("UPDATE index_file SET is_stale = 1"); /* so that it is written */
    assert_int_equal(symlink(target, pf_tree_path(folder, "images.2.faiss.tmp")), 0);
    assert_int_equal(symlink(target, pf_tree_path(folder, "images.2.faiss")), 0);
    assert_refused_as_indexer("a linked index of the next generation", "published");
    path = pf_tree_path(folder, "images.2.faiss");
    struct stat st;
    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISREG(st.st_mode) && (st.st_mode & 0777) == 0600);
    copy_catalog();
    path = pf_tree_path(folder, "images.1.faiss");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("../whole/images.1.faiss", path), 0);
    assert_outcome("a linked index", "answered; cannot open '");
    char text[16];
    text[pf_tree_read(target, text, sizeof text)] = '\0';
    assert_string_equal(text, "precious");
    unlink(target);
}

static void what_is_no_file_is_not_waited_for(void **state)
{
    (void)state;
    static const char *const all[] = {"catalog.db", "catalog.db-wal", "catalog.db-shm",
                                      "images.1.faiss", "lock"};
    for (size_t i = 0; i < 2 * sizeof all / sizeof *all; i++) {
        copy_catalog();
        const char *name = all[i / 2], *path = pf_tree_path(folder, name);
        unlink(path);
        assert_int_equal(i % 2 ? mkfifo(path, 0600) : mkdir(path, 0700), 0);
        assert_outcome(name, "");
    }
}

/* SQLite removes the file that a rollback journal names. */
static void a_journal_is_not_played_back(void **state)
{
    (void)state;
    copy_catalog();
    place("catalog.db-journal", "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7");
    assert_refused_as_indexer("a journal",
                              "catalog.db-journal' is no part of a catalog");
    assert_int_equal(access(pf_tree_path(folder, "catalog.db-journal"), F_OK), 0);
    copy_catalog();
    place("catalog.db-wal", "\x37\x7f\x06\x82 what is no log");
    assert_outcome("a log", "answered");
    copy_catalog();
    memset(bytes, 0xA5, 3 * 32768);
    pf_tree_write(pf_tree_path(folder, "catalog.db-shm"), bytes, 3 * 32768);
    assert_outcome("shared memory", "answered");
}

/* Who may write to the folder can change what is indexed; the owner alone is told. */
static void a_folder_that_others_may_write_to_is_refused(void **state)
{
    (void)state;
    static const mode_t modes[] = {0777, 0770, 0702, 01777};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        copy_catalog();
        assert_int_equal(chmod(folder, modes[i]), 0);
        assert_refused_as_indexer("an open folder", "run chmod go-w '");
        assert_outcome("an open folder, for readers", "answered; no note; in order");
    }
    copy_catalog();
    assert_int_equal(chmod(pf_tree_path(folder, "catalog.db"), 0620), 0);
    assert_refused_as_indexer("an open database", "catalog.db': run chmod go-w '");
    assert_int_equal(chmod(pf_tree_path(folder, "catalog.db"), 0644), 0);
    assert_int_equal(chmod(folder, 0755), 0);
    assert_refused_as_indexer("a folder for others to read", "published");
}

static void as_another_indexer(char *line, size_t room)
{
    if (setgid(65534) != 0 || setuid(65534) != 0)
        snprintf(line, room, "cannot be somebody else");
    else
        as_indexer(line, room);
}

static void a_folder_of_another_user_is_refused(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    char line[4096];
    copy_catalog();
    assert_int_equal(chmod(root, 0755), 0);
    assert_int_equal(chmod(folder, 0755), 0);
    assert_int_equal(chmod(pf_tree_path(folder, "catalog.db"), 0644), 0);
    in_a_child(as_another_indexer, "another user", line, sizeof line);
    assert_non_null(strstr(line, "belongs to another user"));
    assert_int_equal(chown(folder, 65534, 65534), 0); /* root may write for others */
    assert_refused_as_indexer("root", "published");
}

static void files_are_private_whatever_the_umask(void **state)
{
    (void)state;
    static const mode_t masks[] = {0, 0777};
    for (size_t i = 0; i < 2; i++) {
        copy_catalog();
        for (size_t k = 0; k < sizeof names / sizeof *names; k++)
            unlink(pf_tree_path(folder, names[k]));
        const mode_t before = umask(masks[i]);
        pf_catalog *c;
        pf_err err = PF_ERR_INIT;
        const bool ok = pf_catalog_open_writer(&c, folder, NULL, &err);
        umask(before);
        assert_ok(ok, &err);
        static const char *const made[] = {"catalog.db", "lock", "catalog.db-wal",
                                           "catalog.db-shm"};
        for (size_t k = 0; k < sizeof made / sizeof *made; k++) {
            struct stat st;
            assert_int_equal(stat(pf_tree_path(folder, made[k]), &st), 0);
            assert_int_equal(st.st_mode & 0777, 0600);
        }
        pf_catalog_close(c);
    }
}

/* ---- index files ---- */

static void record_checksum(void)
{
    const pf_hash found = pf_index_file_seal_at(pf_tree_path(folder, "images.1.faiss"));
    char hex[PF_HASH_HEX_SIZE], script[160];
    pf_hash_hex(&found, hex);
    snprintf(script, sizeof script,
             "UPDATE index_file SET checksum = x'%s' WHERE kind = 'images'", hex);
    run(script);
}

/* Index files of FAISS that fit their checksum; each is answered from the database. */
static void foreign_indexes_are_not_read(void **state)
{
    (void)state;
    static const char *const kinds[] = {
        "IxMp", "IxM2", "IxF2", "IxFl", "IxHE", "IxHe", "IxPQ", "IxPo", "IxPq", "IxSQ",
        "IxLa", "IvFl", "IwFl", "IwFd", "IwSq", "IwSQ", "IwPQ", "IwQR", "IvSH", "IwSh",
        "IxPT", "ImiQ", "IxRF", "IHNf", "IHNp", "IHNs", "IHN2", "INSf", "INDf", "IwPf",
        "IPfs", "IxRQ", "IxLS", "IxRP", "IxRq", "IxPR", "IxSp", "Ix2L", "IBxF", "zzzz"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        copy_catalog();
        const char *path = pf_tree_path(folder, "images.1.faiss");
        const size_t n = pf_tree_read(path, bytes, FILE_MAX);
        for (size_t at = 0; at + 37 < n; at += 37) /* one in another */
            memcpy(bytes + at, kinds[i], 4);
        pf_tree_write(path, bytes, n);
        record_checksum();
        assert_outcome(kinds[i], "answered; index file '");
    }
    copy_catalog();
    const char *path = pf_tree_path(folder, "images.1.faiss");
    assert_int_equal(truncate(path, (off_t)1 << 40), 0);
    assert_outcome("a file of 1 TiB", "answered; index file '");
    copy_catalog();
    path = pf_tree_path(folder, "images.1.faiss");
    assert_int_equal(truncate(path, (off_t)pf_vfile_size(32, 7000000, 0)), 0);
    run("UPDATE index_file SET count = 7000000, in_file = 7000000 WHERE kind = "
        "'images'");
    assert_outcome("7,000,000 vectors of nothing", "it has a hole at byte");
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
        cmocka_unit_test(shared_texts_do_not_multiply),
        cmocka_unit_test(trees_that_have_no_end_are_refused),
        cmocka_unit_test(holes_buy_no_time),
        cmocka_unit_test(damaged_pages_are_an_error),
        cmocka_unit_test(a_changed_bit_is_an_error),
        cmocka_unit_test(links_are_not_followed),
        cmocka_unit_test(what_is_no_file_is_not_waited_for),
        cmocka_unit_test(a_journal_is_not_played_back),
        cmocka_unit_test(a_folder_that_others_may_write_to_is_refused),
        cmocka_unit_test(a_folder_of_another_user_is_refused),
        cmocka_unit_test(files_are_private_whatever_the_umask),
        cmocka_unit_test(foreign_indexes_are_not_read),
    };
    return cmocka_run_group_tests(tests, make_catalog, remove_catalog);
}
