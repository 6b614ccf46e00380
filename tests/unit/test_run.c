/* test_run.c - whole runs of the indexer over a folder of small pictures and a model of
 * noise: what is counted, what is kept when a run is interrupted or killed, what is
 * never embedded twice. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/catalog/catalog.h"
#include "core/search/search.h"
#include "indexer/run.h"
#include "tests/support/asking.h"
#include "tests/support/films.h"
#include "tests/support/rows.h"
#include "tests/unit/test_support.h"

enum { N = 9, NOBODY = 65534 };

static pf_err err;
static pf_run_options options;
static pf_run_report report;
static const char *paths[4];

static void picture(unsigned i)
{
    char name[32];
    snprintf(name, sizeof name, "in/%02u.pgm", i);
    pf_films_picture(name, i);
}

static int before(void **state)
{
    (void)state;
    err = (pf_err)PF_ERR_INIT;
    report = (pf_run_report){0};
    pf_films_make();
    pf_films_model();
    for (unsigned i = 0; i < N; i++)
        picture(i);
    pf_films_options(&options);
    static char in[300];
    snprintf(in, sizeof in, "%s", pf_films_path("in"));
    paths[0] = in;
    options.paths = paths;
    options.n_paths = 1;
    return 0;
}

static int after(void **state)
{
    (void)state;
    if (geteuid() == NOBODY && seteuid(0) != 0)
        return -1;
    pf_run_report_reset(&report);
    pf_films_remove();
    return 0;
}

static bool run(void)
{
    pf_run_report_reset(&report);
    err = (pf_err)PF_ERR_INIT;
    return pf_run(&options, &report, NULL, &err);
}

static void give_captions(const char *file)
{
    static const char *tables[1];
    tables[0] = file;
    options.captions = tables;
    options.n_captions = 1;
}

/* The run succeeds with these counts, and leaves a catalog in order. */
static void expect_at(int line, size_t added, size_t updated, size_t moved,
                      size_t removed, size_t unchanged, size_t failed)
{
    if (!run())
        fail_msg("line %d: %s", line, err.msg);
    const size_t found[] = {report.added,   report.updated,   report.moved,
                            report.removed, report.unchanged, report.failed};
    const size_t wanted[] = {added, updated, moved, removed, unchanged, failed};
    if (memcmp(found, wanted, sizeof found) != 0)
        fail_msg("line %d: %zu added, %zu updated, %zu moved, %zu removed, %zu "
                 "unchanged, %zu failed",
                 line, found[0], found[1], found[2], found[3], found[4], found[5]);
    if (!options.dry_run && pf_films_check())
        fail_msg("line %d: %s", line, pf_films_check());
}
#define expect(...) expect_at(__LINE__, __VA_ARGS__)

static int64_t id_of(const char *name)
{
    char sql[1400];
    snprintf(sql, sizeof sql,
             "SELECT coalesce(max(id), 0) FROM image WHERE path = CAST('%s' AS BLOB)",
             pf_films_path("%s", name));
    return pf_films_ask(sql);
}

static const char picture_of_02[] =
    "SELECT picture_id FROM image WHERE CAST(path AS TEXT) LIKE '%/in/02.pgm'";

/* ---- counting ---- */

static void nights(void **state)
{
    (void)state;
    expect(N, 0, 0, 0, 0, 0);
    assert_int_equal(report.embedded, N);
    assert_true(report.is_published && report.images == N);
    expect(0, 0, 0, 0, N, 0);
    assert_true(!report.is_published && report.embedded == 0);
    assert_int_equal(pf_films_ask("SELECT generation FROM catalog"), 1);
    int64_t moved = id_of("in/01.pgm"), edited = id_of("in/02.pgm");
    pf_films_rename("in/01.pgm", "in/sub.pgm");
    pf_films_picture("in/02.pgm", 50);
    struct timespec t[2] = {{1000, 0}, {1000, 0}};
    assert_int_equal(utimensat(AT_FDCWD, pf_films_path("in/02.pgm"), t, 0), 0);
    assert_int_equal(utimensat(AT_FDCWD, pf_films_path("in/03.pgm"), t, 0), 0);
    pf_films_delete("in/04.pgm");
    pf_films_picture("in/10.pgm", 10);
    pf_films_picture("in/copy.pgm", 5);
    pf_films_write_text("in/bad.png", "no picture");
    options.n_paths = 0; /* the cron line */
    options.model = NULL;
    expect(2, 1, 1, 1, N - 3, 1);
    assert_int_equal(report.embedded, 2);
    assert_int_equal(report.images, N + 1);
    assert_int_equal(id_of("in/sub.pgm"), moved);
    assert_int_equal(id_of("in/02.pgm"), edited);
    assert_int_equal(id_of("in/04.pgm"), 0);
    assert_non_null(strstr(report.failures[0].path, "in/bad.png"));
    expect(0, 0, 0, 0, N + 1, 1); /* what failed is tried again each time */
    assert_int_equal(pf_films_ask("SELECT count(*) FROM failure"), 1);
    pf_films_picture("in/bad.png", 60);
    expect(1, 0, 0, 0, N + 1, 0);
    assert_int_equal(pf_films_ask("SELECT count(*) FROM failure"), 0);
    pf_films_write_text("in/bad.png", "no picture again");
    expect(0, 0, 0, 0, N + 1, 1); /* and is not in the answers any more */
    assert_int_equal(id_of("in/bad.png"), 0);
}

/* What a file held that is damaged now stays in the answers for a week, then not. */
static void a_damaged_file_keeps_its_picture_for_a_week(void **state)
{
    (void)state;
    expect(N, 0, 0, 0, 0, 0);
    const int64_t id = id_of("in/01.pgm");
    pf_films_write_text("in/01.pgm", "P5\n24 24\n255\nhalf");
    for (int night = 1; night <= 3; night++) {
        expect(0, 0, 0, 0, N - 1, 1);
        assert_int_equal(id_of("in/01.pgm"), id);
        assert_int_equal(pf_films_ask("SELECT tries FROM failure"), night);
    }
    pf_rows_run_script(options.catalog,
                       "UPDATE failure SET first_at = first_at - 7 * 86400 + 60");
    expect(0, 0, 0, 0, N - 1, 1);
    assert_int_equal(id_of("in/01.pgm"), id);
    pf_rows_run_script(options.catalog, "UPDATE failure SET first_at = first_at - 60");
    expect(0, 0, 0, 0, N - 1, 1);
    assert_int_equal(id_of("in/01.pgm"), 0);
    expect(0, 0, 0, 0, N - 1, 1); /* now it is not even read */
    assert_int_equal(pf_films_ask("SELECT tries FROM failure"), 5);
    pf_rows_run_script(options.catalog, "UPDATE failure SET tried_by = 'older'");
    expect(0, 0, 0, 0, N - 1, 1); /* but by another plainfilm */
    assert_int_equal(pf_films_ask("SELECT tries FROM failure"), 6);
    options.retry = true;
    expect(0, 0, 0, 0, N - 1, 1);
    assert_int_equal(pf_films_ask("SELECT tries FROM failure"), 7);
}

/* Between its reading and its embedding; the run's end finds it at rest. */
static void replace_while_embedding(void *context, const char *what, size_t done,
                                    size_t total, size_t failed)
{
    (void)total, (void)failed;
    int *times = context;
    if (strcmp(what, "reading") == 0 && done == total && (*times)-- > 0)
        pf_films_picture("in/02.pgm", 300 + (unsigned)*times);
}

static void a_file_that_changes_while_it_is_read(void **state)
{
    (void)state;
    int times = 0;
    options.progress = replace_while_embedding;
    options.context = &times;
    expect(N, 0, 0, 0, 0, 0);
    const int64_t id = id_of("in/02.pgm"), was = pf_films_ask(picture_of_02);
    pf_films_picture("in/02.pgm", 200);
    times = 1;
    expect(0, 1, 0, 0, N - 1, 0);
    assert_true(id_of("in/02.pgm") == id && pf_films_ask(picture_of_02) != was);
    times = 0;
    expect(0, 0, 0, 0, N, 0); /* size and time are those of what was embedded */
    options.verify_content = true;
    expect(0, 0, 0, 0, N, 0);
}

static void twins(void **state)
{
    (void)state;
    pf_films_picture("in/twin.pgm", 3);
    pf_films_picture("in/other/twin.pgm", 3);
    pf_films_write_text("in/bad1.png", "no picture");
    pf_films_write_text("in/bad2.png", "no picture");
    expect(N + 2, 0, 0, 0, 0, 2);
    assert_int_equal(report.embedded, N);
    assert_int_equal(pf_films_ask("SELECT count(DISTINCT picture_id) FROM image"), N);
}

/* The first of two twins is replaced while the run is under way: the other one must not
 * get its new vector. */
static void replace_first_twin(void *context, const char *what, size_t done,
                               size_t total, size_t failed)
{
    (void)context, (void)failed;
    if (strcmp(what, "reading") == 0 && done == total)
        pf_films_picture("in/03.pgm", 90);
}

static void twin_of_a_file_that_changes(void **state)
{
    (void)state;
    pf_films_picture("in/twin.pgm", 3);
    options.progress = replace_first_twin;
    expect(N + 1, 0, 0, 0, 0, 0);
    options.progress = NULL;
    assert_int_equal(pf_films_ask("SELECT count(DISTINCT picture_id) FROM image"),
                     N + 1);
    /* by content, so that a second look finds both to be what they are */
    options.verify_content = true;
    expect(0, 0, 0, 0, N + 1, 0);
}

static void delete_first_twin(void *context, const char *what, size_t done,
                              size_t total, size_t failed)
{
    (void)context, (void)failed;
    if (strcmp(what, "reading") == 0 && done == total)
        pf_films_delete("in/03.pgm");
}

static void twin_of_a_file_that_goes(void **state)
{
    (void)state;
    pf_films_picture("in/twin.pgm", 3);
    options.progress = delete_first_twin;
    expect(N, 0, 0, 0, 0, 1);
    options.progress = NULL;
    assert_true(id_of("in/twin.pgm") != 0);
    assert_non_null(strstr(report.failures[0].path, "in/03.pgm"));
    expect(0, 0, 0, 0, N, 0);
}

static void odd_names_and_links(void **state)
{
    (void)state;
    pf_films_picture("in/new\nline.pgm", 20);
    pf_films_picture("in/\xFFlatin.pgm", 21);
    assert_int_equal(symlink("00.pgm", pf_films_path("in/link.pgm")), 0);
    assert_int_equal(symlink(".", pf_films_path("in/loop")), 0);
    expect(N + 3, 0, 0, 0, 0, 0);
    assert_int_equal(report.embedded, N + 2);
    expect(0, 0, 0, 0, N + 3, 0);
}

static void catalog_inside_the_source(void **state)
{
    (void)state;
    static char inside[300];
    snprintf(inside, sizeof inside, "%s", pf_films_path("in/cat"));
    options.catalog = inside;
    assert_ok(run(), &err);
    pf_films_picture("in/cat/x.pgm", 30);
    assert_ok(run(), &err);
    assert_int_equal(report.added, 0);
    assert_int_equal(report.images, N);
}

/* ---- sources ---- */

static void same_and_nested_paths(void **state)
{
    (void)state;
    pf_films_picture("in/sub/x.pgm", 40);
    static char sub[300];
    snprintf(sub, sizeof sub, "%s", pf_films_path("in/sub"));
    paths[1] = sub;
    paths[2] = paths[0];
    options.n_paths = 3;
    expect(N + 1, 0, 0, 0, 0, 0);
    assert_int_equal(pf_films_ask("SELECT count(*) FROM source"), 1);
    paths[3] = paths[0];
    options.paths = paths + 1;
    expect(0, 0, 0, 0, N + 1, 0);
    options.paths = paths + 1; /* the inner one alone belongs to the outer one */
    options.n_paths = 1;
    assert_refused(run(), &err, "lies inside the source");
    options.paths = paths;
}

static void outer_takes_over(void **state)
{
    (void)state;
    static char outer[300];
    expect(N, 0, 0, 0, 0, 0);
    int64_t id = id_of("in/00.pgm");
    snprintf(outer, sizeof outer, "%s", pf_films_path("."));
    outer[strlen(outer) - 2] = '\0';
    paths[0] = outer;
    pf_films_write_text("in/00.pgm", "broken");
    struct stat st;
    assert_int_equal(stat(pf_films_path("in/00.pgm"), &st), 0);
    pf_films_picture("in/00.pgm", 0);
    options.rebuild = true; /* with all sources, the inner one among them */
    expect(0, N, 0, 0, 0, 0);
    options.rebuild = false;
    assert_int_equal(report.images, N);
    assert_int_equal(id_of("in/00.pgm"), id);
    assert_int_equal(pf_films_ask("SELECT count(*) FROM source"), 1);
    expect(0, 0, 0, 0, N, 0);
}

/* Disks that are not mounted: nothing is lost, other sources go on. */
static void source_that_is_away(void **state)
{
    (void)state;
    pf_films_picture("second/x.pgm", 40);
    static char second[300];
    snprintf(second, sizeof second, "%s", pf_films_path("second"));
    paths[1] = second;
    options.n_paths = 2;
    expect(N + 1, 0, 0, 0, 0, 0);
    options.n_paths = 0;
    pf_films_rename("in", "away");
    pf_films_picture("second/y.pgm", 41);
    expect(1, 0, 0, 0, N + 1, 1);
    assert_int_equal(report.images, N + 2);
    assert_int_equal(mkdir(pf_films_path("in"), 0700), 0);
    expect(0, 0, 0, 0, N + 2, 1);
    assert_string_equal(report.failures[0].path, paths[0]);
    assert_non_null(strstr(report.failures[0].reason, "9 of 9 pictures are gone"));
    assert_int_equal(report.kept, N);
    pf_films_delete("in");
    pf_films_rename("away", "in");
    expect(0, 0, 0, 0, N + 2, 0);
    options.n_paths = 1; /* naming it does not say that it is meant */
    pf_films_rename("in", "away");
    assert_int_equal(mkdir(pf_films_path("in"), 0700), 0);
    expect(0, 0, 0, 0, N, 1);
    options.allow_removals = true;
    expect(0, 0, 0, N, 0, 0);
}

static void a_file_as_source(void **state)
{
    (void)state;
    static char file[300];
    snprintf(file, sizeof file, "%s", pf_films_path("in/00.pgm"));
    paths[0] = file;
    expect(1, 0, 0, 0, 0, 0);
    pf_films_rename("in/00.pgm", "away.pgm");
    options.n_paths = 0;
    expect(0, 0, 0, 0, 1, 1);
    assert_non_null(strstr(report.failures[0].reason, "--forget"));
    pf_films_rename("away.pgm", "in/00.pgm");
    expect(0, 0, 0, 0, 1, 0);
}

static void empty_folder(void **state)
{
    (void)state;
    static char empty[300];
    snprintf(empty, sizeof empty, "%s", pf_films_path("empty"));
    assert_int_equal(mkdir(empty, 0700), 0);
    paths[0] = empty;
    expect(0, 0, 0, 0, 0, 0);
    options.n_paths = 0;
    expect(0, 0, 0, 0, 0, 0);
}

static void unreadable_folder(void **state)
{
    (void)state;
    bool is_root = geteuid() == 0;
    pf_films_picture("in/sub/x.pgm", 40);
    pf_films_write_text("in/captions.csv", "file,caption\nsub/x.pgm,old\n");
    static char captions[300];
    snprintf(captions, sizeof captions, "%s", pf_films_path("in/captions.csv"));
    give_captions(captions);
    expect(N + 1, 0, 0, 0, 0, 0);
    if (is_root) { /* who reads every folder */
        pf_films_give_to(NOBODY);
        assert_int_equal(seteuid(NOBODY), 0);
    }
    pf_films_write_text("in/captions.csv", "file,caption\nsub/x.pgm,new\n");
    assert_int_equal(chmod(pf_films_path("in/sub"), 0), 0);
    expect(0, 0, 0, 0, N + 1, 1);
    options.rebuild = true;
    assert_refused(run(), &err, "--rebuild has to read every picture");
    options.rebuild = false;
    assert_int_equal(chmod(pf_films_path("in/sub"), 0700), 0);
    expect(0, 1, 0, 0, N, 0);
    assert_int_equal(
        pf_films_ask("SELECT count(*) FROM caption_text WHERE text = 'new'"), 1);
    if (is_root)
        assert_int_equal(seteuid(0), 0);
}

/* ---- captions ---- */

static void captions_change(void **state)
{
    (void)state;
    static char file[300];
    pf_films_write_text("in/c.csv", "file,caption,view,case\r\n"
                                    "00.pgm,\"a \"\"b\"\"\",PA,1\r\n01.pgm,x\xFF,,1\r\n"
                                    "00.pgm,again,,\r\n02.pgm,,AP,\r\n");
    snprintf(file, sizeof file, "%s", pf_films_path("in/c.csv"));
    give_captions(file);
    expect(N, 0, 0, 0, 0, 0);
    assert_true(report.captions == 3 && report.cases == 1);
    int64_t id = pf_films_ask("SELECT caption.id FROM caption JOIN caption_text ON "
                              "caption_text_id = caption_text.id WHERE text = 'again'");
    options.n_captions = 0;
    expect(0, 0, 0, 0, N, 0);
    assert_false(report.is_published);
    pf_films_write_text("in/c.csv", "file,caption\n00.pgm,again\n03.pgm,again\n");
    options.dry_run = true; /* what was edited counts as updated, once */
    expect(0, 4, 0, 0, N - 4, 0);
    options.dry_run = false;
    expect(0, 4, 0, 0, N - 4, 0);
    assert_true(report.is_published && report.captions == 2 && report.cases == 0);
    assert_int_equal(pf_films_ask("SELECT min(id) FROM caption"), id);
    assert_int_equal(pf_films_ask("SELECT count(*) FROM image_attribute"), 0);
    assert_int_equal(pf_films_ask("SELECT count(*) FROM caption_text"), 1);
}

/* A row whose picture went, pictures without a row: told, remembered, and no reason to
 * stop. */
static void rows_go_stale(void **state)
{
    (void)state;
    static char file[300];
    pf_films_write_text("in/c.csv", "file,caption\n00.pgm,hip\n01.pgm,knee\n");
    snprintf(file, sizeof file, "%s", pf_films_path("in/c.csv"));
    give_captions(file);
    expect(N, 0, 0, 0, 0, 0);
    assert_true(report.n_stale == 0 && report.n_rowless == N - 2);
    assert_string_equal(report.rowless[0], pf_films_path("in/02.pgm"));
    options.n_paths = options.n_captions = 0;
    pf_films_delete("in/01.pgm");
    picture(N);
    expect(1, 0, 0, 1, N - 1, 0);
    assert_true(report.n_stale == 1 && report.n_rowless == N - 1);
    assert_string_equal(report.stale[0].table, file);
    assert_string_equal(report.stale[0].name, "01.pgm");
    assert_int_equal(report.stale[0].line, 3);
    assert_int_equal(pf_films_ask("SELECT line FROM stale_row WHERE name = '01.pgm'"),
                     3);
    assert_int_equal(pf_films_ask("SELECT count(*) FROM rowless_picture"), N - 1);
    assert_int_equal(pf_films_ask("SELECT count(*) FROM caption"), 1);
    options.strict = true;
    picture(N + 1);
    assert_refused(run(), &err, "line 3: there is no picture '01.pgm'");
    assert_int_equal(pf_films_ask("SELECT count(*) FROM image"), N);
    pf_films_write_text("in/c.csv", "file,caption\n00.pgm,hip\n");
    assert_refused(run(), &err, "no row of a captions file is about");
    options.strict = false;
    expect(1, 0, 0, 0, N, 0);
    assert_int_equal(pf_films_ask("SELECT count(*) FROM stale_row"), 0);
    assert_int_equal(pf_films_ask("SELECT count(*) FROM rowless_picture"), N);
}

/* Of a remembered table that cannot be read, or is broken tonight, what is known stays;
 * all else goes on. */
static void a_table_breaks(void **state)
{
    (void)state;
    static char file[300];
    static const char *const broken[] = {"file,caption\n00.pgm,\"new\n", "a,b\n1,2\n",
                                         NULL};
    pf_films_write_text("in/c.csv", "file,caption\n00.pgm,hip\n01.pgm,knee\n");
    snprintf(file, sizeof file, "%s", pf_films_path("in/c.csv"));
    give_captions(file);
    expect(N, 0, 0, 0, 0, 0);
    options.n_paths = options.n_captions = 0;
    for (unsigned i = 0; i < 3; i++) {
        if (broken[i])
            pf_films_write_text("in/c.csv", broken[i]);
        else
            pf_films_delete("in/c.csv");
        picture(N + i);
        pf_films_picture("in/00.pgm", 100 + i);
        expect(1, 1, 0, 0, N - 1 + i, 1);
        assert_string_equal(report.failures[0].path, file);
        assert_int_equal(pf_films_ask("SELECT count(*) FROM caption"), 2);
        assert_int_equal(pf_films_ask("SELECT count(*) FROM failure"), 1);
    }
    options.rebuild = true;
    assert_refused(run(), &err, "--rebuild has to read every text");
    options.rebuild = false;
    pf_films_write_text("in/c.csv", "file,caption\n00.pgm,new\n");
    expect(0, 2, 0, 0, N + 1, 0);
    assert_int_equal(pf_films_ask("SELECT count(*) FROM caption"), 1);
    assert_int_equal(pf_films_ask("SELECT count(*) FROM failure"), 0);
}

/* Several tables given, and columns: both are remembered, and change together. */
static void tables_and_columns_are_remembered(void **state)
{
    (void)state;
    static const char *tables[2];
    static char a[300], b[300];
    snprintf(a, sizeof a, "%s", pf_films_path("a.csv"));
    snprintf(b, sizeof b, "%s", pf_films_path("b.csv"));
    tables[0] = a, tables[1] = b;
    pf_films_write_text("a.csv", "Bild,Befund\n00.pgm,hip\n");
    pf_films_write_text("b.csv", "Bild,Befund\n00.pgm,again\n01.pgm,knee\n");
    options.captions = tables;
    options.n_captions = 2;
    assert_refused(run(), &err,
                   "read with commas as 'Bild', 'Befund', names no column");
    options.columns = "file=bild,caption";
    assert_refused(run(), &err, "'caption' names no column");
    assert_int_equal(err.code, PF_ERR_MISUSE);
    options.columns = "file=bild,caption=befund";
    expect(N, 0, 0, 0, 0, 0);
    assert_int_equal(report.captions, 3);
    options.n_captions = 0;
    options.columns = NULL;
    pf_films_write_text("b.csv", "Bild,Befund\n00.pgm,again\n");
    expect(0, 1, 0, 0, N - 1, 0);
    assert_int_equal(report.captions, 2);
    options.n_captions = 1;
    assert_refused(run(), &err, "'Befund', names no column"); /* other tables */
    options.columns = "file=Bild,caption=Befund";
    expect(0, 1, 0, 0, N - 1, 0);
    assert_int_equal(report.captions, 1);
    options.n_paths = 0;
    assert_refused(run(), &err, "go with exactly one path");
}

/* ---- looking only ---- */

static void dry_run(void **state)
{
    (void)state;
    options.dry_run = true;
    expect(N, 0, 0, 0, 0, 0);
    assert_int_not_equal(access(pf_films_path("catalog"), F_OK), 0);
    options.dry_run = false;
    expect(N, 0, 0, 0, 0, 0);
    struct stat was, is;
    assert_int_equal(stat(pf_films_path("catalog/catalog.db"), &was), 0);
    int64_t runs = pf_films_ask("SELECT count(*) FROM run");
    options.dry_run = true;
    picture(N);
    pf_films_delete("in/00.pgm");
    expect(1, 0, 0, 1, N - 1, 0);
    options.rebuild = true;
    expect(1, N - 1, 0, 1, 0, 0);
    assert_int_equal(stat(pf_films_path("catalog/catalog.db"), &is), 0);
    assert_memory_equal(&was.st_mtim, &is.st_mtim, sizeof was.st_mtim);
    assert_int_equal(pf_films_ask("SELECT count(*) FROM run"), runs);
    assert_int_equal(pf_films_ask("SELECT count(*) FROM picture"), N);
}

/* ---- stopping ---- */

static atomic_int stop;

static void stop_at_once(void *context, const char *what, size_t done, size_t total,
                         size_t failed)
{
    (void)total, (void)failed;
    if (strcmp(what, context) == 0 && done > 0)
        atomic_store(&stop, 1);
}

static void interrupted(void **state)
{
    (void)state;
    static char embedding[] = "embedding";
    options.stop = &stop;
    options.progress = stop_at_once;
    options.context = embedding;
    size_t total = 0, runs = 0;
    for (bool is_done = false; !is_done; runs++) {
        atomic_store(&stop, 0);
        is_done = run();
        total += report.embedded;
        assert_true(is_done || err.code == PF_ERR_INTERRUPTED);
        assert_true(report.embedded > 0 && runs < N);
        assert_int_equal(pf_films_ask("SELECT count(*) FROM picture"), total);
        assert_true(report.is_published); /* what is there is seen */
        assert_int_equal(pf_films_ask("SELECT count(*) FROM image"), total);
        assert_null(pf_films_check());
    }
    assert_true(runs > 1);
    assert_int_equal(total, N); /* nothing twice, nothing lost */
    assert_int_equal(
        pf_films_ask("SELECT count(*) FROM run WHERE state = 'interrupted'"), runs - 1);
    options.progress = NULL;
    atomic_store(&stop, 0);
    expect(0, 0, 0, 0, N, 0);
}

static int64_t count_captions(const char *text)
{
    char sql[200];
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM caption JOIN caption_text ON caption_text.id = "
             "caption_text_id WHERE text = '%s'",
             text);
    return pf_films_ask(sql);
}

static int64_t picture_of(const char *name)
{
    char sql[200];
    snprintf(sql, sizeof sql, "SELECT picture_id FROM image WHERE id = %lld",
             (long long)id_of(name));
    return pf_films_ask(sql);
}

/* What the run did not come to is as it was: an image that is gone, one that is another
 * picture by now, texts that are not embedded. */
static void interrupted_among_changes(void **state)
{
    (void)state;
    enum { MORE = 10 };
    static char embedding[] = "embedding", file[300];
    pf_films_write_text("in/c.csv", "file,caption\n00.pgm,one\n01.pgm,two\n");
    snprintf(file, sizeof file, "%s", pf_films_path("in/c.csv"));
    give_captions(file);
    expect(N, 0, 0, 0, 0, 0);
    pf_films_write_text("in/c.csv", "file,caption\n00.pgm,uno\n01.pgm,two\n");
    pf_films_picture("in/00.pgm", 50);
    pf_films_picture("in/07.pgm", 51);
    for (unsigned i = 20; i < 20 + MORE; i++)
        picture(i);
    pf_films_delete("in/08.pgm");
    const int64_t was = picture_of("in/07.pgm");
    options.stop = &stop;
    options.progress = stop_at_once;
    options.context = embedding;
    atomic_store(&stop, 0);
    assert_refused(run(), &err, "interrupted");
    const size_t done = report.embedded; /* of 00, 07, and those that are new */
    assert_true(done >= 2 && done < 2 + MORE && report.is_published);
    assert_null(pf_films_check());
    assert_int_equal(pf_films_ask("SELECT count(*) FROM image"), N + done - 2);
    assert_true(id_of("in/08.pgm") != 0 && id_of("in/29.pgm") == 0);
    assert_true(count_captions("one") == 1 && count_captions("uno") == 0);
    assert_true(picture_of("in/07.pgm") != was);
    options.progress = NULL;
    atomic_store(&stop, 0);
    expect(2 + MORE - done, 1, 0, 1, N + done - 4, 0); /* 00 has another caption */
    assert_int_equal(report.embedded, 2 + MORE - done);
    assert_true(count_captions("one") == 0 && count_captions("uno") == 1);
    expect(0, 0, 0, 0, N - 1 + MORE, 0);
    assert_false(report.is_published);
}

/* One model in all images: a part of it is not published. */
static void interrupted_while_the_model_is_replaced(void **state)
{
    (void)state;
    static char embedding[] = "embedding";
    expect(N, 0, 0, 0, 0, 0);
    options.rebuild = true;
    options.stop = &stop;
    options.progress = stop_at_once;
    options.context = embedding;
    atomic_store(&stop, 0);
    assert_refused(run(), &err, "interrupted");
    assert_true(report.embedded > 0 && !report.is_published);
    assert_int_equal(pf_films_ask("SELECT generation FROM catalog"), 1);
    options.progress = NULL;
    atomic_store(&stop, 0);
    expect(0, N, 0, 0, 0, 0);
    options.rebuild = false;
}

/* End this process, as kill -9 does, at the n-th call. */
static void die(void *context, const char *what, size_t done, size_t total,
                size_t failed)
{
    (void)what, (void)done, (void)total, (void)failed;
    if (--*(int *)context == 0)
        raise(SIGKILL);
}

/* True when the child was killed before it was done. */
static bool run_and_die(int at_call, int at_step)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        options.progress = die;
        options.context = &at_call;
        pf_catalog_die_at(at_step);
        _exit(run() ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status))
        return WTERMSIG(status) == SIGKILL;
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 1);
    return WEXITSTATUS(status) == 9;
}

static void killed(void **state)
{
    (void)state;
    static char file[300];
    pf_films_write_text("in/c.csv", "file,caption\n00.pgm,one\n01.pgm,two\n02.pgm,x\n");
    snprintf(file, sizeof file, "%s", pf_films_path("in/c.csv"));
    give_captions(file);
    int kills = 0;
    while (run_and_die(++kills + N, 0)) { /* the first run, ever later */
        assert_true(kills < 20);
        assert_int_equal(pf_films_ask("SELECT generation FROM catalog"), 0);
    }
    assert_true(kills > 2);
    assert_null(pf_films_check());
    assert_int_equal(pf_films_ask("SELECT count(*) FROM image"), N);
    /* now each step of publishing another generation */
    for (int step = 1; step <= 6; step++) {
        picture(N + (unsigned)step);
        int64_t was = pf_films_ask("SELECT count(*) FROM image");
        int64_t generation = pf_films_ask("SELECT generation FROM catalog");
        assert_true(run_and_die(0, step));
        assert_null(pf_films_check());
        int64_t is = pf_films_ask("SELECT count(*) FROM image");
        assert_int_equal(is, step < 5 ? was : was + 1);
        assert_int_equal(pf_films_ask("SELECT generation FROM catalog"),
                         step < 5 ? generation : generation + 1);
        assert_int_equal(pf_films_ask("SELECT count(*) FROM picture"), was + 1);
        assert_ok(run(), &err);
        assert_int_equal(report.embedded, 0);
        assert_int_equal(report.images, was + 1);
        assert_null(pf_films_check());
    }
}

/* A catalog.db that was made, and nothing in it yet. */
static void killed_while_the_catalog_was_made(void **state)
{
    (void)state;
    pf_films_write_text("catalog/catalog.db", "");
    expect(N, 0, 0, 0, 0, 0);
}

/* Files may not grow beyond a limit: what a full disk looks like to a program. */
static void disk_full(void **state)
{
    (void)state;
    expect(N, 0, 0, 0, 0, 0);
    for (unsigned i = N; i < 40; i++)
        picture(i);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct rlimit few = {64 * 1024, 64 * 1024};
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &few);
        bool ok = run();
        _exit(ok ? 1 : err.code == PF_ERR_IO && err.msg[0] ? 0 : 2);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_null(pf_films_check());
    assert_int_equal(pf_films_ask("SELECT count(*) FROM image"), N);
    expect(40 - N, 0, 0, 0, N, 0);
}

/* ---- models ---- */

static void other_model(void **state)
{
    (void)state;
    static char other[300];
    expect(N, 0, 0, 0, 0, 0);
    pf_films_other_model();
    snprintf(other, sizeof other, "%s", pf_films_path("other"));
    options.model = other;
    assert_refused(run(), &err, "was made with another model");
    assert_int_equal(err.code, PF_ERR_MISMATCH);
    assert_null(pf_films_check());
    options.rebuild = true;
    options.n_paths = 0;
    /* killed half-way readers keep the old vectors; the next run goes on */
    assert_true(run_and_die(N + 2, 0));
    assert_null(pf_films_check());
    assert_int_equal(pf_films_ask("SELECT count(*) FROM model"), 2);
    assert_int_equal(pf_films_ask("SELECT model_id FROM catalog"), 1);
    int64_t done = pf_films_ask("SELECT count(*) FROM picture WHERE model_id = 2");
    assert_true(done > 0 && done < N);
    pf_films_rename("in/00.pgm", "in/moved.pgm");
    int64_t id = id_of("in/00.pgm");
    expect(0, N - 1, 1, 0, 0, 0);
    assert_int_equal(report.embedded, N - done);
    assert_int_equal(id_of("in/moved.pgm"), id);
    assert_int_equal(pf_films_ask("SELECT count(*) FROM model"), 1);
    options.rebuild = false;
    options.model = NULL;
    expect(0, 0, 0, 0, N, 0);
    options.rebuild = true; /* the same model again: everything once more */
    expect(0, N, 0, 0, 0, 0);
    assert_int_equal(report.embedded, N);
    options.rebuild = false;
    expect(0, 0, 0, 0, N, 0);
}

/* A rebuild is killed, and the nightly run comes before it is taken up again. */
static void another_run_in_between(void **state)
{
    (void)state;
    static char second[300];
    expect(N, 0, 0, 0, 0, 0);
    options.rebuild = true;
    assert_true(run_and_die(N + 3, 0));
    int64_t done = pf_films_ask("SELECT count(*) FROM picture WHERE model_id = 2");
    assert_true(done > 0 && done < N);
    options.rebuild = false;
    picture(N);
    expect(1, 0, 0, 0, N, 0);
    assert_true(report.is_published);
    options.rebuild = true;
    expect(0, N + 1, 0, 0, 0, 0);
    assert_int_equal(report.embedded, N + 1 - done);
    options.rebuild = false;
    /* the same with a new source */
    for (unsigned i = 0; i < N; i++) {
        char name[32];
        snprintf(name, sizeof name, "second/%u.pgm", i);
        pf_films_picture(name, 100 + i);
    }
    snprintf(second, sizeof second, "%s", pf_films_path("second"));
    paths[1] = second;
    options.paths = paths + 1;
    int64_t before_kill = pf_films_ask("SELECT count(*) FROM picture");
    assert_true(run_and_die(N + 3, 0));
    done = pf_films_ask("SELECT count(*) FROM picture") - before_kill;
    assert_true(done > 0 && done < N);
    options.paths = paths;
    picture(N + 1);
    expect(1, 0, 0, 0, N + 1, 0);
    options.paths = paths + 1;
    expect(N, 0, 0, 0, 0, 0);
    assert_int_equal(report.embedded, N - done);
    /* in the end nothing is left behind */
    pf_films_delete("second/0.pgm");
    expect(0, 0, 0, 1, N - 1, 0);
    assert_int_equal(pf_films_ask("SELECT count(*) FROM picture WHERE NOT EXISTS"
                                  " (SELECT 1 FROM image WHERE picture_id ="
                                  " picture.id)"),
                     0);
    assert_int_equal(pf_films_ask("SELECT count(*) FROM model"), 1);
}

static void file_that_goes_during_a_rebuild(void **state)
{
    (void)state;
    expect(N, 0, 0, 0, 0, 0);
    options.rebuild = true;
    options.progress = delete_first_twin;
    expect(0, N - 1, 0, 0, 0, 1);
    assert_int_equal(report.images, N - 1);
}

static void moved_model(void **state)
{
    (void)state;
    static char new_place[300];
    expect(N, 0, 0, 0, 0, 0);
    pf_films_rename("model", "elsewhere");
    options.model = NULL;
    assert_refused(run(), &err, "name its new place with --model");
    snprintf(new_place, sizeof new_place, "%s", pf_films_path("elsewhere"));
    options.model = new_place;
    expect(0, 0, 0, 0, N, 0);
    options.model = NULL;
    expect(0, 0, 0, 0, N, 0);
}

static void misuse(void **state)
{
    (void)state;
    options.model = NULL;
    assert_refused(run(), &err, "the first run needs --model");
    assert_int_equal(err.code, PF_ERR_MISUSE);
    pf_films_options(&options);
    assert_refused(run(), &err, "name a folder of pictures");
    assert_int_equal(err.code, PF_ERR_MISUSE);
    assert_int_not_equal(access(pf_films_path("catalog"), F_OK), 0);
}

/* ---- answers ---- */

/* Each picture, asked for by itself, is the best answer. */
static void each_finds_itself(void **state)
{
    (void)state;
    expect(N, 0, 0, 0, 0, 0);
    pf_reader *reader = NULL;
    assert_ok(pf_asking_open(&reader, options.catalog, NULL, NULL, &err), &err);
    for (unsigned i = 0; i < N; i++) {
        pf_part part = {
            .kind = PF_PART_FILE, .text = pf_films_path("in/%02u.pgm", i), .weight = 1};
        pf_query query;
        pf_hits answer = {0};
        pf_query_init(&query);
        query.parts = &part;
        query.n_parts = 1;
        assert_ok(pf_search_run(reader, &query, &answer, &err), &err);
        assert_string_equal(answer.hits[0].path, part.text);
        assert_true(answer.hits[0].score > 0.99999);
        pf_hits_reset(&answer);
    }
    pf_asking_close(reader);
}

/* ---- memory ---- */

/* Whatever allocation fails, the run says so or survives it, and the catalog is whole.
 */
static void out_of_memory(void **state)
{
    (void)state;
    bool is_done = false;
    long step = 1;
    for (long n = 1; !is_done && n < 100000; n += step, step += step / 4 + 1) {
        pf_run_report_reset(&report);
        err = (pf_err)PF_ERR_INIT;
        pf_mem_fail_at(n);
        is_done = pf_run(&options, &report, NULL, &err);
        pf_mem_fail_at(0);
        if (!is_done)
            assert_int_equal(err.code, PF_ERR_NOMEM);
    }
    assert_true(is_done);
    assert_null(pf_films_check());
    expect(0, 0, 0, 0, N, 0);
}

int main(void)
{
#define test(f) cmocka_unit_test_setup_teardown(f, before, after)
    const struct CMUnitTest tests[] = {
        test(nights),
        test(a_damaged_file_keeps_its_picture_for_a_week),
        test(a_file_that_changes_while_it_is_read),
        test(twins),
        test(twin_of_a_file_that_changes),
        test(twin_of_a_file_that_goes),
        test(odd_names_and_links),
        test(catalog_inside_the_source),
        test(same_and_nested_paths),
        test(outer_takes_over),
        test(source_that_is_away),
        test(a_file_as_source),
        test(empty_folder),
        test(unreadable_folder),
        test(captions_change),
        test(rows_go_stale),
        test(a_table_breaks),
        test(tables_and_columns_are_remembered),
        test(dry_run),
        test(interrupted),
        test(interrupted_among_changes),
        test(interrupted_while_the_model_is_replaced),
        test(killed),
        test(killed_while_the_catalog_was_made),
        test(disk_full),
        test(other_model),
        test(another_run_in_between),
        test(file_that_goes_during_a_rebuild),
        test(moved_model),
        test(misuse),
        test(each_finds_itself),
        test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
