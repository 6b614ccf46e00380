/* test_captions.c - tables of captions: how they are understood, which rows belong to
 * which picture, what is refused, what is told. */
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "indexer/folder_texts.h"
#include "tests/support/films.h"
#include "tests/unit/test_support.h"

static pf_err err;
static pf_scan scan;
static const pf_scan_options plain;
static pf_collection found;
static const char *columns; /* as of --columns */
static bool is_remembered;  /* the table was not given just now */

static int before(void **state)
{
    (void)state;
    err = (pf_err)PF_ERR_INIT;
    scan = (pf_scan){0};
    found = (pf_collection){0};
    columns = NULL;
    is_remembered = false;
    pf_films_make();
    pf_films_picture("in/a.pgm", 1);
    pf_films_picture("in/sub/b.pgm", 2);
    return !pf_scan_source(&scan, pf_films_path("in"), &plain, &err);
}

static int after(void **state)
{
    (void)state;
    pf_collection_reset(&found);
    pf_scan_reset(&scan);
    pf_films_remove();
    return 0;
}

static bool read_captions(const char *name)
{
    pf_subject ignored;
    pf_collection_reset(&found);
    err = (pf_err)PF_ERR_INIT;
    static char root[300];
    snprintf(root, sizeof root, "%s", pf_films_path("in"));
    pf_collection_init(&found, root);
    for (size_t i = 0; i < scan.count; i++) {
        const pf_collected_image image = {.path = scan.files[i].path};
        assert_ok(pf_collection_add_image(&found, &image, &ignored, &err), &err);
    }
    static char file[300];
    snprintf(file, sizeof file, "%s", pf_films_path("%s", name ? name : ""));
    const char *const tables[] = {file};
    const pf_import from = {.path = root,
                            .tables = tables,
                            .n_tables = name != NULL,
                            .tables_are_given = !is_remembered,
                            .columns = columns};
    return pf_texts_read(&from, &scan, &found, &err);
}

static bool read_text(const char *name, const char *text)
{
    pf_films_write_text(name, text);
    return read_captions(name);
}

static const pf_collected_image *image(const char *name)
{
    for (size_t i = 0; i < found.n_images; i++) {
        if (strcmp(found.images[i].path, pf_films_path("%s", name)) == 0)
            return &found.images[i];
    }
    fail_msg("%s is not there", name);
    return NULL;
}

/* The captions, or keys and values, one behind the other: "a|b|". */
static const char *texts(pf_text_chain chain, bool has_keys)
{
    static char all[300];
    all[0] = '\0';
    for (uint32_t at = chain.first; at; at = found.texts[at].next) {
        const pf_collected_text *t = &found.texts[at];
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s%s|",
                 has_keys ? found.keys[t->key] : "", has_keys ? "=" : "", t->value);
    }
    return all;
}

static const char *captions(const pf_collected_image *of)
{
    return texts(of->captions, false);
}

static const char *attributes(const pf_collected_image *of)
{
    return texts(of->attributes, true);
}

static void rows_of_a_picture(void **state)
{
    (void)state;
    assert_ok(read_text("in/captions.csv",
                        "\xEF\xBB\xBF"
                        "modality,File,CAPTION,case,view\r\n"
                        "CR,sub/b.pgm,\"says \"\"hello\"\", twice\",7,\r\n"
                        "CR,a.pgm,first,,PA\r\n"
                        ",./sub/../a.pgm,second,,\r\n"
                        "MR,sub//b.pgm,,7,AP\r\n"),
              &err);
    const pf_collected_image *a = image("in/a.pgm"), *b = image("in/sub/b.pgm");
    assert_string_equal(captions(a), "first|second|");
    assert_string_equal(attributes(a), "modality=CR|view=PA|");
    assert_int_equal(a->in_case, 0);
    assert_string_equal(captions(b), "says \"hello\", twice|");
    assert_string_equal(attributes(b), "modality=CR|modality=MR|view=AP|");
    assert_int_equal(b->in_case, 1);
    assert_int_equal(found.n_cases, 1);
    assert_string_equal(found.cases[0].key, "7");
    assert_string_equal(found.cases[0].title, "7");
    assert_int_equal(found.n_captions, 3);
}

static void where_files_are_looked_for(void **state)
{
    (void)state;
    char text[2048];
    assert_ok(read_text("lists/c.tsv", "file\tcaption\na.pgm\tunder the source\n"),
              &err);
    assert_string_equal(captions(image("in/a.pgm")), "under the source|");
    snprintf(text, sizeof text, "file,caption\n%s,absolute\n../in/a.pgm,relative\n",
             pf_films_path("in/sub/b.pgm"));
    assert_ok(read_text("lists/c.csv", text), &err);
    assert_string_equal(captions(image("in/sub/b.pgm")), "absolute|");
    assert_string_equal(captions(image("in/a.pgm")), "relative|");
}

/* The two pictures have captions "one" and "two", the first one the attribute k=v,
 * however it is written. */
static void assert_understood(const char *name, const char *bytes, size_t n)
{
    pf_films_write(name, bytes, n);
    if (!read_captions(name))
        fail_msg("%s: %s", bytes, err.msg);
    assert_string_equal(captions(image("in/a.pgm")), "one|");
    assert_string_equal(attributes(image("in/a.pgm")), "k=v|");
    assert_string_equal(captions(image("in/sub/b.pgm")), "two|");
    assert_string_equal(attributes(image("in/sub/b.pgm")), "");
    assert_int_equal(found.n_stale, 0);
}
#define UNDERSTOOD(name, bytes) assert_understood(name, bytes, sizeof(bytes) - 1)

static void forms_of_a_table(void **state)
{
    (void)state;
    UNDERSTOOD("in/c.csv", "file,caption,k\na.pgm,one,v\nsub/b.pgm,two,\n");
    UNDERSTOOD("in/c.csv", "file;caption;k\r\na.pgm;one;v\r\nsub/b.pgm;two;\r\n");
    UNDERSTOOD("in/c.csv", "file\tcaption\tk\na.pgm\tone\tv\nsub/b.pgm\ttwo\t\n");
    UNDERSTOOD("in/c.tsv", "file,caption,k\na.pgm,one,v\nsub/b.pgm,two,\n");
    UNDERSTOOD("in/c.txt", "file,caption,k\ra.pgm,one,v\rsub/b.pgm,two,\r");
    UNDERSTOOD("in/c.csv", "sep=;\nfile;caption;k\na.pgm;one;v\nsub/b.pgm;two;\n");
    UNDERSTOOD("in/c.csv",
               "\"sep=|\"\r\nfile|caption|k\na.pgm|one|v\nsub/b.pgm|two|\n");
    UNDERSTOOD("in/c.csv",
               "file, caption, k\na.pgm, \"one\" , v\n sub/b.pgm , two , \n");
    UNDERSTOOD("in/c.csv",
               "file,caption,k,,\na.pgm,one,v\n,,,,\n\n \nsub/b.pgm,two,,\n,\n");
    UNDERSTOOD("in/c.csv", ",file,caption,k\n0,a.pgm,one,v\n1,sub/b.pgm,two,\n");
    UNDERSTOOD("in/c.csv", "File Name,Text,k\n.\\a.pgm,one,v\nsub\\b.pgm,two,\n");
    UNDERSTOOD("in/c.csv", "\xEF\xBB\xBF"
                           "file,caption,k\na.pgm,one,v\nsub/b.pgm,two,\n");
    UNDERSTOOD("in/c.csv", "\xFF\xFE"
                           "f\0i\0l\0e\0;\0t\0e\0x\0t\0;\0k\0\n\0a\0.\0p\0g\0m\0;\0"
                           "o\0n\0e\0;\0v\0\n\0s\0u\0b\0/\0b\0.\0p\0g\0m\0;\0t\0w\0"
                           "o\0;\0\n\0");
    UNDERSTOOD("in/c.jsonl",
               "{\"file\":\"a.pgm\",\"caption\":\" one \",\"k\":\"v\"}\n\n"
               "{\"caption\":\"two\",\"k\":null,\"file\":\"sub/b.pgm\"}");
    UNDERSTOOD("in/c.data",
               " {\"file\":\"a.pgm\",\"text\":\"one\",\"k\":[\"v\",{},[]]}\r\n"
               "{\"file\":\"sub/b.pgm\",\"text\":[\"two\"],\"k\":\" \"}\r\n");
    /* without the empty cells at the end of rows, below blank rows, as sheets are saved
     */
    UNDERSTOOD("in/c.csv", "file,caption,k,l\na.pgm,one,v\nsub/b.pgm,two\n");
    UNDERSTOOD("in/c.tsv", "file\tcaption\tk\na.pgm\tone\tv\nsub/b.pgm\ttwo\n");
    UNDERSTOOD("in/c.csv", "sep=;\n;;\nfile;caption;k\na.pgm;one;v\nsub/b.pgm;two\n");
    UNDERSTOOD("in/c.csv", ";;\n\n;;\nfile;caption;k\na.pgm;one;v\nsub/b.pgm;two;\n");
    /* what nobody sees: zero-width blanks, marks of direction, byte order marks */
    UNDERSTOOD("in/c.csv", "\xE2\x80\x8B"
                           "file\xE2\x80\x8E,\xE2\x80\x8F"
                           "caption,k\n"
                           "\xE2\x80\x8B"
                           "a.pgm\xEF\xBB\xBF, one,v\n"
                           "\"sub/b.pgm\xC2\xA0\xE2\x80\x8B\",two,\n");
    UNDERSTOOD("in/c.jsonl",
               "{\"file\":\"\xE2\x80\x8B"
               "a.pgm\",\"caption\":\"one\",\"k\":\"v\"}\n"
               "{\"file\":\"sub/b.pgm\xE2\x80\x8E\",\"caption\":\"two\"}\n");
    columns = "file=Bild,caption=Befund";
    UNDERSTOOD("in/c.csv", "Befund;Bild;k\none;a.pgm;v\ntwo;sub/b.pgm;\n");
}

static void values_of_json_lines(void **state)
{
    (void)state;
    assert_ok(read_text("in/c.jsonl",
                        "{\"file\":\"a.pgm\",\"caption\":[\"one\",\"two\"],\"n\":3,"
                        "\"x\":1.5,\"is\":true,\"deep\":{\"a\":1}}\n"),
              &err);
    assert_string_equal(captions(image("in/a.pgm")), "one|two|");
    assert_string_equal(attributes(image("in/a.pgm")), "n=3|x=1.5|is=true|");
    /* numbers that are none of a computer's, and a row about two pictures */
    assert_ok(
        read_text("in/c.jsonl",
                  "{\"file_name\":[\"a.pgm\",\"sub/b.pgm\"],\"text\":\"of \\\"2\\\"\","
                  "\"id\":12345678901234567890,\"x\":[-0.5,1e999]}\n"
                  "{\"file_name\":\"a.pgm\",\"n\":1}\n"),
        &err);
    assert_string_equal(captions(image("in/a.pgm")), "of \"2\"|");
    assert_string_equal(captions(image("in/sub/b.pgm")), "of \"2\"|");
    assert_string_equal(attributes(image("in/a.pgm")),
                        "id=12345678901234567890|x=-0.5|x=1e999|n=1|");
    assert_int_equal(found.n_stale, 0);
    assert_refused(read_text("in/c.jsonl", "{\"file\":\"a.pgm\",\"text\":\"x\","
                                           "\"id\":12345678901234567890,\"n\":01}\n"),
                   &err, "line 1: not valid JSON");
}

static void windows_letters(void **state)
{
    (void)state;
    assert_ok(read_text("in/c.csv", "file,caption,\xE4,case\n"
                                    "a.pgm,caf\xE9,\x80,\xFF\nsub/b.pgm,,\x80,\xFE\n"),
              &err);
    assert_string_equal(captions(image("in/a.pgm")), "caf\xC3\xA9|");
    assert_string_equal(attributes(image("in/sub/b.pgm")), "\xC3\xA4=\xE2\x82\xAC|");
    assert_string_equal(found.cases[0].key, "\xC3\xBF");
    assert_int_equal(found.n_notes, 1);
    assert_non_null(strstr(found.notes[0].text, "was read as Windows-1252"));
}

/* What looks the same is one key, one value, one case. */
static void normal_forms(void **state)
{
    (void)state;
    assert_ok(read_text("in/c.csv", "file,caption,e\xCC\x81,\xC3\xA9,case\n"
                                    "a.pgm,,e\xCC\x81,\xC3\xA9,e\xCC\x81\n"
                                    "sub/b.pgm,,,,\xC3\xA9\n"),
              &err);
    assert_string_equal(attributes(image("in/a.pgm")),
                        "\xC3\xA9=\xC3\xA9|\xC3\xA9=\xC3\xA9|");
    assert_int_equal(found.n_keys, 1);
    assert_int_equal(found.n_cases, 1);
}

static void scan_again(void)
{
    pf_scan_reset(&scan);
    assert_ok(pf_scan_source(&scan, pf_films_path("in"), &plain, &err), &err);
}

static void names_that_are_nearly_right(void **state)
{
    (void)state;
    pf_films_picture("in/Caf\xC3\xA9.pgm", 3);
    pf_films_picture("in/x.pgm", 4);
    pf_films_picture("in/X.PGM", 5);
    pf_films_picture("in/sub/ID_7.pgm", 6);
    pf_films_picture("in/odd\\name.pgm", 7);
    scan_again();
    assert_ok(read_text("in/c.csv", "file,caption\n"
                                    "Cafe\xCC\x81.pgm,other normal form\n"
                                    "CAFE\xCC\x81.PGM,and case\nSUB/B.pgm,case\n"
                                    "x.pgm,exact\nx.Pgm,ambiguous\nsub\\B,no ending\n"
                                    "odd\\name.pgm,as it stands\nb.pgm,elsewhere\n"),
              &err);
    assert_string_equal(captions(image("in/Caf\xC3\xA9.pgm")),
                        "other normal form|and case|");
    assert_string_equal(captions(image("in/sub/b.pgm")), "case|no ending|");
    assert_string_equal(captions(image("in/x.pgm")), "exact|");
    assert_string_equal(captions(image("in/odd\\name.pgm")), "as it stands|");
    assert_int_equal(found.n_stale, 2);
    assert_true(found.stale[0].line == 6 && found.stale[0].is_ambiguous);
    assert_true(found.stale[1].line == 9 && !found.stale[1].is_ambiguous);
    assert_ok(read_text("in/c.csv", "id,caption\nID_7,by its id\nid_7.pgm,not that\n"),
              &err);
    assert_string_equal(captions(image("in/sub/ID_7.pgm")), "by its id|");
    assert_int_equal(found.n_stale, 1);
}

static void sidecars_that_are_nearly_right(void **state)
{
    (void)state;
    pf_films_picture("in/Hu\xCC\x88"
                     "fte.pgm",
                     3);
    pf_films_write_text("in/H\xC3\xBC"
                        "fte.txt",
                        "other normal form");
    pf_films_picture("in/Thorax.PGM", 4);
    pf_films_write_text("in/thorax.txt", "case");
    pf_films_write_text("in/THORAX.pgm.txt", "as a whole");
    pf_films_picture("in/x.pgm", 5);
    pf_films_picture("in/X.pgm", 6);
    pf_films_write_text("in/x.txt", "exact");
    pf_films_picture("in/yy.pgm", 7);
    pf_films_picture("in/YY.pgm", 8);
    pf_films_write_text("in/Yy.txt", "ambiguous");
    pf_films_write_text("in/B.txt", "elsewhere");
    scan_again();
    assert_ok(read_captions(NULL), &err);
    assert_string_equal(captions(image("in/Hu\xCC\x88"
                                       "fte.pgm")),
                        "other normal form|");
    assert_string_equal(captions(image("in/Thorax.PGM")), "as a whole|case|");
    assert_string_equal(captions(image("in/x.pgm")), "exact|");
    assert_string_equal(captions(image("in/X.pgm")), "");
    assert_string_equal(captions(image("in/yy.pgm")), "");
    assert_string_equal(captions(image("in/YY.pgm")), "");
    assert_string_equal(captions(image("in/sub/b.pgm")), "");
}

/* A column `name` may hold files or patients. */
static void a_name_beside_an_id(void **state)
{
    (void)state;
    assert_ok(read_text("in/c.csv", "id;name;caption\na;Doe, Jane;one\nb;Roe, R;two\n"
                                    "z;Poe, P;three\n"),
              &err);
    assert_string_equal(captions(image("in/a.pgm")), "one|");
    assert_string_equal(captions(image("in/sub/b.pgm")), "two|");
    assert_int_equal(found.n_stale, 1);
    assert_string_equal(found.stale[0].name, "z");
    assert_ok(read_text("in/c.csv", "id;name;caption\n1;a.pgm;one\n2;sub/b;two\n"),
              &err);
    assert_string_equal(captions(image("in/a.pgm")), "one|");
    assert_string_equal(attributes(image("in/sub/b.pgm")), "id=2|");
    assert_int_equal(found.n_stale, 0);
}

/* Which pictures a row is about, and which lack one. */
static void what_does_not_fit(void **state)
{
    (void)state;
    assert_ok(read_text("in/c.csv", "file,caption,case\nz.pgm,b,\n,b,\na.pgm,c,1\n"
                                    ",of the case,1\n,of none,2\n"),
              &err);
    assert_int_equal(found.n_stale, 3);
    assert_string_equal(found.stale[0].name, "z.pgm");
    assert_string_equal(found.stale[1].name, "");
    assert_true(found.stale[1].line == 3);
    assert_string_equal(found.stale[2].name, "2");
    assert_true(found.stale[2].line == 6);
    assert_false(pf_collected_lacks_row(image("in/a.pgm")));
    assert_true(pf_collected_lacks_row(image("in/sub/b.pgm")));
    assert_string_equal(texts(found.cases[0].captions, false), "of the case|");
}

/* A table in a folder is about what lies there. */
static void tables_that_are_found(void **state)
{
    (void)state;
    pf_films_write_text("in/sub/Captions.TSV",
                        "file\tcaption\nb.pgm\tfound\nz.pgm\tx\n");
    pf_films_write_text("in/metadata.jsonl", "{\"a\":1}\n");
    pf_films_write_text("in/captions.json", "file,caption\na.pgm,no table\n");
    scan_again();
    assert_ok(read_captions(NULL), &err);
    assert_string_equal(captions(image("in/sub/b.pgm")), "found|");
    assert_string_equal(captions(image("in/a.pgm")), "");
    assert_false(pf_collected_lacks_row(image("in/a.pgm")));
    assert_int_equal(found.n_stale, 1);
    assert_int_equal(found.n_gaps, 0);
    assert_non_null(
        strstr(found.notes[0].text, "was passed over: the table, read as JSON"));
    /* beside one that is given, and with a mistake */
    pf_films_write_text("in/sub/Captions.TSV", "file\tcaption\nb.pgm\tx\ty\n");
    assert_ok(read_text("in/c.csv", "file,caption\na.pgm,one\n"), &err);
    assert_string_equal(captions(image("in/a.pgm")), "one|");
    assert_string_equal(captions(image("in/sub/b.pgm")), "");
    assert_true(found.n_gaps == 1 && image("in/sub/b.pgm")->keeps_rows);
    assert_false(image("in/a.pgm")->keeps_rows);
    assert_false(pf_collected_lacks_row(image("in/sub/b.pgm")));
    assert_non_null(strstr(found.gaps[0].reason, "line 2 has 3 columns"));
}

static void the_hash_is_of_all_that_was_read(void **state)
{
    (void)state;
    static const pf_hash zero;
    assert_ok(read_captions(NULL), &err);
    assert_true(pf_hash_equal(&found.texts_hash, &zero));
    assert_ok(read_text("in/c.csv", "file,caption\na.pgm,one\n"), &err);
    const pf_hash one = found.texts_hash;
    assert_ok(read_captions("in/c.csv"), &err);
    assert_true(pf_hash_equal(&found.texts_hash, &one));
    assert_ok(read_text("in/d.csv", "file,caption\na.pgm,one\n"), &err);
    assert_false(
        pf_hash_equal(&found.texts_hash, &one)); /* elsewhere, other pictures */
    assert_ok(read_text("in/c.csv", "file,caption\na.pgm,two\n"), &err);
    assert_false(pf_hash_equal(&found.texts_hash, &one));
    columns = "caption=caption";
    assert_ok(read_text("in/c.csv", "file,caption\na.pgm,one\n"), &err);
    assert_false(pf_hash_equal(&found.texts_hash, &one));
}

static void refusals(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } bad[] = {
        {"", "the first line, read with commas as nothing, names no column for the "
             "picture"},
        {"a;b\n", "read with semicolons as 'a', 'b', names no column for the picture"},
        {"file\ttext2\n", "read with tabs as 'file', 'text2', names no column for the "
                          "text"},
        {"a,b,c,d,e,f,g\n", "'f', ..., names no column"},
        {"abcdefghijklmnopqrstuvwxyz\n", "as 'abcdefghijklmnopqrstuvwx', names"},
        {"{\"a\":1}\n{\"b\":1}", "read as JSON Lines with the keys 'a', 'b', names"},
        {"file,caption,file\na.pgm,x,a.pgm\n", "two columns 'file'"},
        {"file,caption,x,Caption\na.pgm,x,y,z\n", "two columns 'caption'"},
        {"file,caption,case,case\na.pgm,x,y,z\n", "two columns 'case'"},
        {"file,caption\na.pgm,b,c\n", "line 2 has 3 columns, the first line has 2"},
        {"file,caption\na.pgm,\"b\n", "never closed"},
        {"file,caption\na.pgm,14\" film\n", "line 2: a quote stands in a field"},
        {"{\"file\":\"a.pgm\",\"caption\":\"x\"}\n\n[1]", "line 3 is no JSON object"},
        {"{\"file\":\"a.pgm\",\"caption\":\"x\"}\n{\"a\"", "line 2: not valid JSON"},
        {"file,caption,case\na.pgm,b,1\na.pgm,c,2\n",
         "line 3 puts 'a.pgm' into case '2', line 2 into case '1'; a picture has one "
         "case"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        is_remembered = false;
        assert_refused(read_text("in/c.csv", bad[i].text), &err, bad[i].words);
        assert_non_null(strstr(err.msg, "captions file '"));
        is_remembered = true;
        assert_ok(read_captions("in/c.csv"), &err);
        assert_int_equal(found.n_gaps, 1);
        assert_non_null(strstr(found.gaps[0].reason, bad[i].words));
        assert_true(image("in/a.pgm")->keeps_rows);
        assert_true(image("in/sub/b.pgm")->keeps_rows);
    }
    is_remembered = false;
    assert_refused(read_captions("no.csv"), &err, "no.csv");
}

static void a_line_of_ten_megabytes(void **state)
{
    (void)state;
    enum { BYTES = 10 << 20 };
    static const char *const begins[] = {"file,caption\na.pgm,",
                                         "{\"file\":\"a.pgm\",\"caption\":\""};
    char *text = pf_alloc_array(BYTES, 1, &err);
    assert_non_null(text);
    for (size_t i = 0; i < 2; i++) {
        memset(text, 'x', BYTES);
        memcpy(text, begins[i], strlen(begins[i]));
        pf_films_write("in/c.csv", text, BYTES);
        assert_false(read_captions("in/c.csv"));
        assert_non_null(strstr(err.msg, i == 0 ? "line 2" : "line 1 has"));
    }
    pf_free(text);
}

/* Each allocation fails once: a failure, and nothing lost or leaked. */
static void fail_each_allocation(const char *given)
{
    bool ok = false;
    for (long n = 1; !ok; n++) {
        pf_subject ignored;
        char root[300];
        snprintf(root, sizeof root, "%s", pf_films_path("in"));
        const pf_import from = {
            .path = root, .tables = &given, .n_tables = given != NULL};
        pf_collection_reset(&found);
        pf_collection_init(&found, root);
        for (size_t i = 0; i < scan.count; i++) {
            const pf_collected_image added = {.path = scan.files[i].path};
            assert_ok(pf_collection_add_image(&found, &added, &ignored, &err), &err);
        }
        err = (pf_err)PF_ERR_INIT;
        pf_mem_fail_at(n);
        ok = pf_texts_read(&from, &scan, &found, &err);
        pf_mem_fail_at(0);
        assert_true(ok || err.code == PF_ERR_NOMEM);
    }
}

static void without_memory(void **state)
{
    (void)state;
    char file[300];
    pf_films_write_text("in/c.csv", "file;caption;case;k\nA.pgm;x;1;caf\xE9\n;y;2;\n");
    snprintf(file, sizeof file, "%s", pf_films_path("in/c.csv"));
    fail_each_allocation(file);
    assert_string_equal(attributes(image("in/a.pgm")), "k=caf\xC3\xA9|");
}

static void without_memory_for_other_files(void **state)
{
    (void)state;
    pf_films_picture("in/roco/ROCO_1.pgm", 3);
    pf_films_write_text("in/roco/captions.txt", "ROCO_1\t one\n");
    pf_films_write_text("in/roco/keywords.txt", "ROCO_1\t\ta\tb\n");
    pf_films_write_text("in/roco/licences.txt", "ROCO_ID,CC\nROCO_1,CC BY\n");
    pf_films_write_text("in/v2_captions.csv", "ID,Caption\na,two\n");
    pf_films_write_text("in/v2_concepts.csv", "ID,CUIs\na,C1;C2\n");
    pf_films_write_text("in/cui_mapping.csv", "CUI,Canonical name\nC2,Hip\n");
    pf_films_write_text("in/sub/b.json",
                        "{\"text\":\"three\",\"k\":[\"v\"],\"case\":1}");
    pf_films_write_text("in/sub/B.txt", "four");
    scan_again();
    fail_each_allocation(NULL);
    assert_string_equal(captions(image("in/roco/ROCO_1.pgm")), "one|");
    assert_string_equal(attributes(image("in/roco/ROCO_1.pgm")),
                        "keyword=a|keyword=b|license=CC BY|");
    assert_string_equal(captions(image("in/a.pgm")), "two|");
    assert_string_equal(attributes(image("in/a.pgm")), "cui=C1|cui=C2|concept=Hip|");
    assert_string_equal(captions(image("in/sub/b.pgm")), "four|three|");
    assert_string_equal(attributes(image("in/sub/b.pgm")), "k=v|");
    assert_int_equal(found.n_cases, 1);
}

/* Rows about a folder that cannot be read now are no mistake. */
static void gaps_are_no_mistake(void **state)
{
    (void)state;
    assert_ok(pf_scan_add_gap(&scan, pf_films_path("in/far"), "away", &err), &err);
    assert_ok(read_text("in/c.csv", "file,caption\nfar/x.pgm,b\na.pgm,c\n"), &err);
    assert_int_equal(found.n_captions, 1);
    assert_int_equal(found.n_stale, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_of_a_picture, before, after),
        cmocka_unit_test_setup_teardown(where_files_are_looked_for, before, after),
        cmocka_unit_test_setup_teardown(forms_of_a_table, before, after),
        cmocka_unit_test_setup_teardown(values_of_json_lines, before, after),
        cmocka_unit_test_setup_teardown(windows_letters, before, after),
        cmocka_unit_test_setup_teardown(normal_forms, before, after),
        cmocka_unit_test_setup_teardown(names_that_are_nearly_right, before, after),
        cmocka_unit_test_setup_teardown(sidecars_that_are_nearly_right, before, after),
        cmocka_unit_test_setup_teardown(a_name_beside_an_id, before, after),
        cmocka_unit_test_setup_teardown(what_does_not_fit, before, after),
        cmocka_unit_test_setup_teardown(tables_that_are_found, before, after),
        cmocka_unit_test_setup_teardown(the_hash_is_of_all_that_was_read, before,
                                        after),
        cmocka_unit_test_setup_teardown(refusals, before, after),
        cmocka_unit_test_setup_teardown(a_line_of_ten_megabytes, before, after),
        cmocka_unit_test_setup_teardown(without_memory, before, after),
        cmocka_unit_test_setup_teardown(without_memory_for_other_files, before, after),
        cmocka_unit_test_setup_teardown(gaps_are_no_mistake, before, after),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
