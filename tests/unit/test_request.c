/*
 * test_request.c - requests: as JSON, in all their keys and refusals; copied; page by
 * page; and what of them is refused when they are asked. The answers themselves are
 * tested where they are made (test_search.c, test_find.c, test_evaluate.c, ...).
 */
#include <dirent.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/api/request.h"
#include "core/base/buf.h"
#include "core/base/file.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "tests/support/asking.h"
#include "tests/support/seeded.h"
#include "tests/support/tree.h"
#include "tests/unit/test_support.h"

enum { IMAGES = 60, MANY = 2600 };

static char root[PF_TREE_ROOM], folder[96], model[96], film[96], questions[96];
static pf_err err;
static pf_reader *reader; /* of `folder` */

static int before_all(void **state)
{
    (void)state;
    pf_tree_make(root);
    snprintf(folder, sizeof folder, "%s/catalog", root);
    snprintf(model, sizeof model, "%s/model", root);
    snprintf(film, sizeof film, "%s/film.ppm", root);
    snprintf(questions, sizeof questions, "%s/questions.csv", root);
    pf_tree_write_text(film, "P3 2 2 255 0 0 0 255 0 0 0 255 0 9 9 255\n");
    pf_tree_write_text(questions, "phrase,relevant\nfilm 8,8\nfilm 10,10\n");
    assert_ok(pf_make_folders(model, 0700, &err) &&
                  pf_seeded_model_write(model, &err) &&
                  pf_seeded_catalog_write(folder, model, NULL, IMAGES, true, &err) &&
                  pf_asking_open(&reader, folder, NULL, NULL, &err),
              &err);
    return 0;
}

static int after_all(void **state)
{
    (void)state;
    pf_asking_close(reader);
    pf_tree_remove(root);
    return 0;
}

static int before(void **state)
{
    (void)state;
    err = (pf_err)PF_ERR_INIT;
    return 0;
}

/* ---- reading JSON ---------------------------------------------------------------- */

static pf_request *new_request(void)
{
    pf_request *r;
    assert_ok(pf_request_new(&r, &err), &err);
    return r;
}

static bool read_into(pf_request *r, const char *json)
{
    return pf_request_read_json(r, json, strlen(json), true, &err);
}

static pf_request *read_json(const char *json)
{
    pf_request *r = new_request();
    if (!read_into(r, json))
        fail_msg("%s: %s", json, err.msg);
    return r;
}

static void is_part(const pf_request *r, size_t i, pf_part_kind kind, const char *text,
                    double weight)
{
    assert_true(i < r->query.n_parts);
    assert_int_equal(r->query.parts[i].kind, kind);
    assert_string_equal(r->query.parts[i].text, text);
    assert_true(r->query.parts[i].weight == weight);
}

static void parts_are_taken(void **state)
{
    (void)state;
    pf_request *r = read_json("{\"image\":[\"a.png\",\"3:b.png\"],\"like\":[\"/p\",17,"
                              "\"2:18\"],\"without\":\"0.5:lateral\",\"phrase\":"
                              "\"2.5:effusion\"}");
    assert_int_equal(r->query.n_parts, 7);
    is_part(r, 0, PF_PART_PHRASE, "effusion", 2.5); /* wherever it stands */
    is_part(r, 1, PF_PART_FILE, "a.png", 1);
    is_part(r, 2, PF_PART_FILE, "b.png", 3);
    is_part(r, 3, PF_PART_LIKE, "/p", 1);
    is_part(r, 4, PF_PART_LIKE, "17", 1);
    is_part(r, 5, PF_PART_LIKE, "18", 2);
    is_part(r, 6, PF_PART_PHRASE, "lateral", -0.5);
    pf_request_free(r);

    r = read_json("{\"phrase\":[\"left\",\"pleural\",\"effusion\"],\"like\":9}");
    assert_int_equal(r->query.n_parts, 2);
    is_part(r, 0, PF_PART_PHRASE, "left pleural effusion", 1);
    is_part(r, 1, PF_PART_LIKE, "9", 1);
    pf_request_free(r);

    /* What looks like a weight is text in an answer's "parts". */
    r = read_json("{\"parts\":[{\"weight\":-2,\"phrase\":\"3:a\"},{\"image\":\"b\"},"
                  "{\"like\":4,\"weight\":1.5},{\"like\":\"5\"},"
                  "{\"image_bytes\":\"YQ==\",\"weight\":2}]}");
    assert_int_equal(r->query.n_parts, 5);
    is_part(r, 0, PF_PART_PHRASE, "3:a", -2);
    is_part(r, 1, PF_PART_FILE, "b", 1);
    is_part(r, 2, PF_PART_LIKE, "4", 1.5);
    is_part(r, 3, PF_PART_LIKE, "5", 1);
    is_part(r, 4, PF_PART_PICTURE, "image_bytes", 2);
    assert_int_equal(r->query.parts[4].n_bytes, 1);
    assert_memory_equal(r->query.parts[4].bytes, "a", 1);
    pf_request_free(r);
}

static void settings_are_taken(void **state)
{
    (void)state;
    pf_request *r = read_json(
        "{\"find\":\"cases\",\"by\":\"both\",\"limit\":7,\"offset\":5,\"min_score\":0."
        "25,"
        "\"min_percentile\":90,\"collapse\":0.5,\"filter\":[\"a=b\",\"c>1\"]}");
    assert_int_equal(r->query.find, PF_FIND_CASES);
    assert_int_equal(r->query.by, PF_BY_BOTH);
    assert_int_equal(r->query.limit, 7);
    assert_int_equal(r->query.offset, 5);
    assert_true(r->query.min_score == 0.25 && r->query.min_percentile == 90);
    assert_true(r->query.collapses && r->query.collapse == 0.5);
    assert_int_equal(r->query.n_filters, 2);
    assert_string_equal(r->query.filters[1].text, "c>1");
    /* The next one adds filters and parts, and says otherwise of the rest. */
    assert_ok(read_into(r,
                        "{\"offset\":0,\"limit\":3,\"find\":\"captions\",\"by\":"
                        "\"words\",\"collapse\":true,\"filter\":\"d~e\",\"like\":1}"),
              &err);
    assert_ok(read_into(r, "{\"like\":2,\"by\":\"meaning\"}"), &err);
    assert_int_equal(r->query.find, PF_FIND_CAPTIONS);
    assert_int_equal(r->query.by, PF_BY_MEANING);
    assert_int_equal(r->query.limit, 3);
    assert_int_equal(r->query.offset, 0);
    assert_true(r->query.min_score == 0.25);
    assert_true(r->query.collapses && r->query.collapse == PF_NEAR_DUPLICATES);
    assert_int_equal(r->query.n_filters, 3);
    assert_int_equal(r->query.n_parts, 2);
    assert_ok(read_into(r, "{\"collapse\":false,\"find\":\"images\",\"min_score\":-1}"),
              &err);
    assert_false(r->query.collapses);
    assert_int_equal(r->query.find, PF_FIND_IMAGES);
    assert_true(r->query.min_score == -1);
    pf_request_free(r);

    /* An offset is none of what duplicates count as a limit. */
    r = read_json("{\"offset\":0}");
    assert_false(r->has_limit);
    pf_request_free(r);
    r = read_json("{}");
    assert_int_equal(r->query.limit, 10);
    assert_int_equal(r->query.find, PF_FIND_IMAGES);
    assert_int_equal(r->query.by, PF_BY_DEFAULT);
    pf_request_free(r);
}

static void jobs_are_taken(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        pf_job job;
    } known[] = {
        {"{\"phrase\":\"a\"}", PF_JOB_SEARCH},
        {"{\"embed\":true,\"phrase\":\"a\"}", PF_JOB_EMBED},
        {"{\"embed\":false,\"phrase\":\"a\"}", PF_JOB_SEARCH},
        {"{\"duplicates\":0.9}", PF_JOB_DUPLICATES},
        {"{\"duplicates\":true}", PF_JOB_DUPLICATES},
        {"{\"duplicates\":false,\"like\":1}", PF_JOB_SEARCH},
        {"{\"evaluate\":true}", PF_JOB_EVALUATE},
        {"{\"queries\":\"q.csv\",\"evaluate\":true}", PF_JOB_EVALUATE},
        {"{\"evaluate\":false,\"queries\":\"q.csv\",\"like\":1}", PF_JOB_SEARCH},
        {"{\"phrases\":[\"a\"],\"like\":1}", PF_JOB_PHRASES},
        {"{\"classify\":\"a,b\",\"like\":1}", PF_JOB_CLASSIFY_HITS},
        {"{\"classify\":\"a,b\",\"image\":\"x\",\"filter\":\"a=b\"}",
         PF_JOB_CLASSIFY_HITS},
        {"{\"classify\":\"a,b\",\"image\":\"x\"}", PF_JOB_CLASSIFY_PICTURES},
        {"{\"classify\":\"a,b\",\"image_bytes\":\"YQ==\"}", PF_JOB_CLASSIFY_PICTURES},
        {"{\"classify\":\"a,b\",\"image\":\"x\",\"phrase\":\"y\"}",
         PF_JOB_CLASSIFY_HITS},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        pf_request *r = read_json(known[i].json);
        if (pf_request_job(r) != known[i].job)
            fail_msg("%s is job %d", known[i].json, (int)pf_request_job(r));
        pf_request_free(r);
    }
    pf_request *r = read_json("{\"template\":\"a {} film\",\"classify\":[\"left \","
                              "\"right\"]}");
    assert_int_equal(r->labels.n, 2);
    assert_string_equal(r->labels.name[0], "left");
    assert_string_equal(r->labels.text[1], "a right film");
    pf_request_free(r);
    r = read_json("{\"phrases\":[\"a\",\"\",\"#5 fracture\",\" b \"],\"like\":1}");
    assert_int_equal(r->query.find, PF_FIND_CAPTIONS);
    assert_int_equal(r->phrases.n, 3);
    assert_string_equal(r->phrases.text[1], "#5 fracture"); /* no comment: a list */
    assert_int_equal(r->phrases.line[2], 4);
    assert_string_equal(r->phrases.text[2], "b");
    pf_request_free(r);
    r = read_json("{\"evaluate\":true,\"queries\":\"q.csv\"}");
    assert_string_equal(r->queries, "q.csv");
    pf_request_free(r);
    r = read_json("{\"duplicates\":true}");
    assert_true(r->duplicates == PF_NEAR_DUPLICATES);
    pf_request_free(r);
}

/* As on the command line. */
static void a_hyphen_is_as_good_as_an_underscore(void **state)
{
    (void)state;
    pf_request *r = read_json("{\"min-score\":0.5,\"min-percentile\":20,"
                              "\"image-bytes\":\"YQ==\"}");
    assert_true(r->query.min_score == 0.5 && r->query.min_percentile == 20);
    is_part(r, 0, PF_PART_PICTURE, "image_bytes", 1);
    pf_request_free(r);
}

static void texts_may_begin_with_a_weight(void **state)
{
    (void)state;
    static const struct {
        const char *given, *text;
        double weight;
    } known[] = {
        {"effusion", "effusion", 1}, {"2:effusion", "effusion", 2},
        {"0.001:a", "a", 0.001},     {"1000:a", "a", 1000},
        {"1:2:a", "2:a", 1},         {"a:b", "a:b", 1},
        {"2 : a", "2 : a", 1},       {"-2:a", "-2:a", 1},
        {"1e2:a", "1e2:a", 1},       {"12", "12", 1},
        {"1.:a", "1.:a", 1},         {".5:a", "a", 0.5},
        {"2: a", " a", 2},           {"1:12:30 film", "12:30 film", 1},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const char *text = known[i].given;
        double weight;
        assert_ok(pf_read_weight(&text, &weight, &err), &err);
        assert_string_equal(text, known[i].text);
        assert_true(weight == known[i].weight);
    }
    static const struct {
        const char *given, *text;
        double weight;
    } phrases[] = {
        {"3:00 position", "3:00 position", 1},
        {"12:00", "12:00", 1},
        {"1:2 block", "1:2 block", 1},
        {"1:2:1 block", "2:1 block", 1},
        {"2.5:position", "position", 2.5},
        {"3:2nd rib", "2nd rib", 3},
        {"2:T2", "T2", 2},
        {"2: 4 cm mass", "2: 4 cm mass", 1},
    };
    for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++) {
        const char *text = phrases[i].given;
        double weight;
        assert_ok(pf_read_phrase_weight(&text, &weight, &err), &err);
        assert_string_equal(text, phrases[i].text);
        assert_true(weight == phrases[i].weight);
    }
    static const char *const refused[] = {"0:a", "0.0009:a", "1001:a", "2:"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        const char *text = refused[i];
        double weight;
        assert_false(pf_read_weight(&text, &weight, &err));
        assert_int_equal(err.code, PF_ERR_MISUSE);
        assert_ptr_equal(text, refused[i]);
    }
}

/* ---- what is refused ------------------------------------------------------------- */

static const struct {
    const char *json;
    pf_code code;
    const char *words;
} refused[] = {
    {"", PF_ERR_FORMAT, ""},
    {"{\"phrase\":\"a\"", PF_ERR_FORMAT, ""},
    {"{\"phrase\":\"a\"} x", PF_ERR_FORMAT, ""},
    {"{\"phrase\":\"a\\u0000b\"}", PF_ERR_FORMAT, "NUL"},
    {"{\"phrase\":\"\xFF\"}", PF_ERR_FORMAT, ""},
    {"{\"limit\":1,\"limit\":2}", PF_ERR_FORMAT, "duplicate"},
    {"[]", PF_ERR_MISUSE, "a question is a JSON object"},
    {"\"effusion\"", PF_ERR_MISUSE, "a question is a JSON object"},
    {"{\"colour\":\"red\"}", PF_ERR_MISUSE, "'colour' is none of: id, phrase, "},
    {"{\"min__score\":1}", PF_ERR_MISUSE, "'min__score' is none of"},
    {"{\"Limit\":1}", PF_ERR_MISUSE, "'Limit' is none of"},
    {"{\"phrase\":7}", PF_ERR_MISUSE, "'phrase' is neither a string nor an array"},
    {"{\"phrase\":null}", PF_ERR_MISUSE, "'phrase' is neither a string nor an array"},
    {"{\"phrase\":[\"a\",7]}", PF_ERR_MISUSE, "'phrase' has an element that is no"},
    {"{\"phrase\":\"\"}", PF_ERR_MISUSE, "an empty text in the question"},
    {"{\"phrase\":[]}", PF_ERR_MISUSE, "an empty text in the question"},
    {"{\"phrase\":\"0:a\"}", PF_ERR_MISUSE, "'0:a' is outside 0.001..1000"},
    {"{\"phrase\":\"3:\"}", PF_ERR_MISUSE, "nothing behind the weight"},
    {"{\"image\":[\"-\",\"-\"]}", PF_ERR_MISUSE, "'-' can be read only once"},
    {"{\"like\":3,\"bytes\":1}", PF_ERR_MISUSE, "'bytes' is for 'image': \"-\""},
    {"{\"image\":7}", PF_ERR_MISUSE, "'image' is neither a string nor an array"},
    {"{\"image\":[7]}", PF_ERR_MISUSE, "'image' has an element that is no string"},
    {"{\"like\":true}", PF_ERR_MISUSE, "'like' is neither a string nor an array"},
    {"{\"like\":1.5}", PF_ERR_MISUSE, "'like' is neither a string nor an array"},
    {"{\"like\":[{}]}", PF_ERR_MISUSE, "'like' has an element that is no string"},
    {"{\"without\":[\"\"]}", PF_ERR_MISUSE, "an empty text in the question"},
    {"{\"filter\":\"\"}", PF_ERR_MISUSE, ""},
    {"{\"filter\":\"modality\"}", PF_ERR_MISUSE, "'modality'"},
    {"{\"image_bytes\":\"e*\"}", PF_ERR_FORMAT,
     "'image_bytes': character 2 is not base64"},
    {"{\"parts\":{}}", PF_ERR_MISUSE, "'parts' is no array"},
    {"{\"parts\":[7]}", PF_ERR_MISUSE, "an element of 'parts' is not one of"},
    {"{\"parts\":[{}]}", PF_ERR_MISUSE, "an element of 'parts' is not one of"},
    {"{\"parts\":[{\"weight\":1}]}", PF_ERR_MISUSE, "an element of 'parts'"},
    {"{\"parts\":[{\"phrase\":\"a\",\"like\":1}]}", PF_ERR_MISUSE, "of 'parts'"},
    {"{\"parts\":[{\"phrase\":\"a\",\"colour\":1}]}", PF_ERR_MISUSE, "of 'parts'"},
    {"{\"parts\":[{\"phrase\":7}]}", PF_ERR_MISUSE, "an element of 'parts'"},
    {"{\"parts\":[{\"phrase\":\"a\",\"weight\":\"2\"}]}", PF_ERR_MISUSE,
     "'weight' is no number"},
    {"{\"parts\":[{\"phrase\":\"a\",\"weight\":0}]}", PF_ERR_MISUSE,
     "the weight 0 is outside"},
    {"{\"parts\":[{\"phrase\":\"a\",\"weight\":-1001}]}", PF_ERR_MISUSE,
     "the weight -1001 is outside"},
    {"{\"find\":\"films\"}", PF_ERR_MISUSE, "'find' is none of: images, captions"},
    {"{\"find\":1}", PF_ERR_MISUSE, "'find' is none of: images, captions, cases"},
    {"{\"by\":\"default\"}", PF_ERR_MISUSE, "'by' is none of: meaning, words, both"},
    {"{\"by\":1}", PF_ERR_MISUSE, "'by' is no string"},
    {"{\"limit\":0}", PF_ERR_MISUSE, "'limit' is no whole number from 1 to 1000000"},
    {"{\"limit\":1000001}", PF_ERR_MISUSE, "'limit' is no whole number from 1"},
    {"{\"limit\":1.5}", PF_ERR_MISUSE, "'limit' is no whole number from 1"},
    {"{\"limit\":\"7\"}", PF_ERR_MISUSE, "'limit' is no whole number from 1"},
    {"{\"offset\":-1}", PF_ERR_MISUSE, "'offset' is no whole number from 0"},
    {"{\"offset\":1000001}", PF_ERR_MISUSE, "'offset' is no whole number from 0"},
    {"{\"min_score\":1.1}", PF_ERR_MISUSE, "'min_score' is no number from -1 to 1"},
    {"{\"min_score\":\"0\"}", PF_ERR_MISUSE, "'min_score' is no number from -1 to 1"},
    {"{\"min_percentile\":101}", PF_ERR_MISUSE, "'min_percentile' is no number from"},
    {"{\"collapse\":1.5}", PF_ERR_MISUSE, "'collapse' is neither true or false nor"},
    {"{\"collapse\":-1}", PF_ERR_MISUSE, "'collapse' is neither true or false nor"},
    {"{\"collapse\":null}", PF_ERR_MISUSE, "'collapse' is neither true or false nor"},
    {"{\"duplicates\":-1}", PF_ERR_MISUSE, "'duplicates' is neither true or false"},
    {"{\"embed\":1}", PF_ERR_MISUSE, "'embed' is neither true nor false"},
    {"{\"evaluate\":1}", PF_ERR_MISUSE, "'evaluate' is neither true nor false"},
    {"{\"evaluate\":true,\"queries\":1}", PF_ERR_MISUSE, "'queries' is no string"},
    {"{\"queries\":\"a\"}", PF_ERR_MISUSE, "'queries' is for 'evaluate'"},
    {"{\"template\":\"a {}\"}", PF_ERR_MISUSE, "'template' is for 'classify'"},
    {"{\"classify\":7}", PF_ERR_MISUSE, "'classify' is neither a string nor an array"},
    {"{\"classify\":[\"a\",7]}", PF_ERR_MISUSE, "'classify' has an element that is no"},
    {"{\"classify\":[\"a,b\",\"c\"]}", PF_ERR_MISUSE,
     "'classify' has an element with a"},
    {"{\"classify\":\"a\"}", PF_ERR_MISUSE, "'a' is the only label"},
    {"{\"classify\":\"a,a\"}", PF_ERR_MISUSE, "'a'"},
    {"{\"classify\":\"a,b\",\"template\":\"x\"}", PF_ERR_MISUSE, "{}"},
    {"{\"classify\":\"a,b\",\"template\":7}", PF_ERR_MISUSE, "'template' is no string"},
    {"{\"phrases\":\"a\"}", PF_ERR_MISUSE, "'phrases' is no array of strings"},
    {"{\"phrases\":[7]}", PF_ERR_MISUSE, "'phrases' has an element that is no string"},
    {"{\"phrases\":[\"a\\nb\"]}", PF_ERR_MISUSE,
     "'phrases' has an element of several lines"},
    {"{\"phrases\":[]}", PF_ERR_NOT_FOUND, "there is no phrase in 'phrases'"},
    {"{\"phrases\":[\" \"]}", PF_ERR_NOT_FOUND, "there is no phrase in 'phrases'"},
    {"{\"id\":[1]}", PF_ERR_MISUSE, "'id' is neither a string nor a number"},
    {"{\"id\":{}}", PF_ERR_MISUSE, "'id' is neither a string nor a number"},
};

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        pf_request *r = new_request();
        err = (pf_err)PF_ERR_INIT;
        if (read_into(r, refused[i].json))
            fail_msg("%s is taken", refused[i].json);
        if (!strstr(err.msg, refused[i].words))
            fail_msg("%s: '%s', expected '%s'", refused[i].json, err.msg,
                     refused[i].words);
        if (err.code != refused[i].code)
            fail_msg("%s: code %d, %s", refused[i].json, (int)err.code, err.msg);
        pf_request_free(r);
    }
}

static void counted_keys_are_text(void **state)
{
    (void)state;
    char longest[4097 + 1];
    const char *const wrong[] = {"", "\xFF", longest};
    static const char why[] = "is 1 to 4096 bytes of UTF-8";
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    pf_request *r = new_request();
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_refused(pf_request_add_facet(r, wrong[i], &err), &err, why);
        assert_refused(pf_request_count_values(r, wrong[i], &err), &err, why);
    }
    longest[sizeof longest - 2] = '\0';
    assert_ok(pf_request_add_facet(r, longest, &err), &err);
    assert_ok(pf_request_count_values(r, longest, &err), &err);
    pf_request_free(r);
}

/* Strangers may not make the server read its own files. */
static void files_may_be_forbidden(void **state)
{
    (void)state;
    static const char *const naming[] = {
        "{\"image\":\"/etc/passwd\"}",
        "{\"image\":[\"2:a.png\"]}",
        "{\"parts\":[{\"image\":\"a.png\"}]}",
        "{\"parts\":[{\"weight\":2,\"image\":\"a.png\"}]}",
        "{\"evaluate\":true,\"queries\":\"q.csv\"}",
        "{\"queries\":\"q.csv\",\"evaluate\":false}",
        "{\"image\":\"-\"}",
    };
    for (size_t i = 0; i < sizeof naming / sizeof *naming; i++) {
        pf_request *r = new_request();
        err = (pf_err)PF_ERR_INIT;
        if (pf_request_read_json(r, naming[i], strlen(naming[i]), false, &err))
            fail_msg("%s is taken", naming[i]);
        assert_int_equal(err.code, PF_ERR_MISUSE);
        assert_non_null(strstr(err.msg, "files may not be named here"));
        assert_int_equal(r->query.n_parts, 0);
        assert_null(r->queries);
        pf_request_free(r);
    }
    static const char by_path[] = "{\"like\":\"/films/1.png\"}";
    pf_request *none = new_request();
    assert_refused(pf_request_read_json(none, by_path, strlen(by_path), false, &err),
                   &err, "an image of the catalog is named by its number here");
    pf_request_free(none);
    static const char other[] = "{\"image_bytes\":\"YQ==\",\"like\":[\"2:17\",18],"
                                "\"filter\":\"path~*a*\",\"phrase\":\"b\"}";
    pf_request *r = new_request();
    assert_ok(pf_request_read_json(r, other, strlen(other), false, &err), &err);
    pf_request_free(r);
}

static void a_question_has_so_many_parts(void **state)
{
    (void)state;
    pf_buf b;
    pf_buf_init(&b, 1 << 20);
    assert_ok(pf_buf_add_str(&b, "{\"filter\":\"a=b\",\"like\":[1", &err), &err);
    for (int i = 2; i < 2000; i++)
        assert_ok(pf_buf_addf(&b, &err, ",%d", i), &err);
    const size_t size = b.size;
    assert_ok(pf_buf_add_str(&b, "]}", &err), &err);
    pf_request *r = new_request();
    assert_ok(pf_request_read_json(r, b.data, b.size, false, &err), &err);
    assert_int_equal(r->query.n_parts, 1999);
    pf_request_free(r);
    b.size = size;
    assert_ok(pf_buf_add_str(&b, ",2000],\"phrase\":\"a\"}", &err), &err);
    r = new_request();
    assert_refused(pf_request_read_json(r, b.data, b.size, false, &err), &err,
                   "a question of more than 2000 parts");
    assert_int_equal(err.code, PF_ERR_LIMIT);
    pf_request_free(r);
    pf_buf_free(&b);
}

/* ---- pictures as text ------------------------------------------------------------ */

static void pictures_come_as_base64(void **state)
{
    (void)state;
    static const struct {
        const char *text, *bytes;
    } known[] = {
        {"YQ==", "a"},
        {"YQ", "a"},
        {"YWI=", "ab"},
        {"YWI", "ab"},
        {"YWJj", "abc"},
        {"YWJjZA==", "abcd"},
        {"YW\\nJj\\r\\nZA==\\n", "abcd"},
        {" YWJj ZA = = ", "abcd"},
        {"Pz4/", "?>?"},
        {"fn5+", "~~~"},
    };
    char json[128];
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        snprintf(json, sizeof json, "{\"image_bytes\":\"%s\"}", known[i].text);
        pf_request *r = read_json(json);
        const pf_part *part = &r->query.parts[0];
        assert_int_equal(part->kind, PF_PART_PICTURE);
        assert_int_equal(part->n_bytes, strlen(known[i].bytes));
        assert_memory_equal(part->bytes, known[i].bytes, part->n_bytes);
        pf_request_free(r);
    }
    static const struct {
        const char *text;
        int at;
    } bad[] = {
        {"Y", 2},     {"YWJjZ", 6}, {"YQ=", 3},      {"YQ===", 3},
        {"YWI==", 4}, {"YWJj=", 5}, {"YQ==YQ==", 3}, {"Y!Q=", 2},
        {"Pz4_", 4},  {"Pz4-", 4},  {"\xC3\xA9", 1},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char words[64];
        snprintf(json, sizeof json, "{\"image_bytes\":[\"%s\"]}", bad[i].text);
        snprintf(words, sizeof words, "'image_bytes': character %d is", bad[i].at);
        pf_request *r = new_request();
        if (read_into(r, json))
            fail_msg("%s is taken", json);
        if (!strstr(err.msg, words))
            fail_msg("%s: %s", json, err.msg);
        assert_int_equal(err.code, PF_ERR_FORMAT);
        pf_request_free(r);
    }
}

/* ---- asking ---------------------------------------------------------------------- */

static pf_answer *ask_of(pf_reader *of, const pf_request *r)
{
    pf_answer *answer;
    assert_ok(pf_reader_ask(of, r, NULL, &answer, &err), &err);
    return answer;
}

static char *json_of(const pf_answer *answer)
{
    char *json;
    size_t size;
    assert_ok(pf_answer_get_json(answer, &json, &size, &err), &err);
    assert_int_equal(strlen(json), size);
    return json;
}

static char *ask(const char *question)
{
    char *json = pf_asking_ask(reader, question, &err);
    if (!json)
        fail_msg("%s: %s", question, err.msg);
    return json;
}

/* The question of an answer, given. */
static char *query_of(const char *answer)
{
    pf_json *json;
    assert_ok(pf_json_parse(&json, answer, strlen(answer), &err), &err);
    char *text = pf_json_text(pf_json_get(json, "query"), &err);
    assert_non_null(text);
    pf_json_free(json);
    return text;
}

/* %1$s is not in C11: F stands for the picture file, Q for the file of questions. */
static const char *fill(const char *pattern)
{
    static char text[1024];
    size_t n = 0;
    for (const char *p = pattern; *p; p++) {
        if (p[0] == '"' && (p[1] == 'F' || p[1] == 'Q') && p[2] == '"') {
            n += (size_t)snprintf(text + n, sizeof text - n, "\"%s\"",
                                  p[1] == 'F' ? film : questions);
            p += 2;
        } else {
            text[n++] = *p;
        }
    }
    text[n] = '\0';
    return text;
}

static const char *const every_job[] = {
    "{\"phrase\":\"film 8\"}",
    "{\"phrase\":\"film 8\",\"find\":\"captions\",\"limit\":3}",
    "{\"phrase\":\"film 8\",\"find\":\"cases\",\"offset\":2}",
    "{\"phrase\":\"film 8\",\"by\":\"words\",\"limit\":99}",
    "{\"phrase\":\"film\",\"by\":\"words\",\"find\":\"captions\",\"collapse\":0.4}",
    "{\"phrase\":\"2.5:film\",\"by\":\"meaning\",\"min_score\":0.05}",
    "{\"phrase\":[\"2:3:film\"],\"without\":[\"0.123456789:x\",\"y\"],\"like\":[3,4]}",
    "{\"like\":3,\"min_percentile\":60.5,\"filter\":[\"modality=CT\",\"path~*3*\"]}",
    "{\"like\":\"/films/0003.png\",\"min_score\":0.123456789012345,\"limit\":50}",
    "{\"image\":\"F\",\"collapse\":true,\"find\":\"captions\"}",
    "{\"like\":3,\"classify\":\"left, right\",\"limit\":4,\"offset\":1}",
    "{\"image\":\"F\",\"like\":1,\"classify\":[\"a\",\"b\"],\"template\":\"a {} b\"}",
    "{\"image\":\"F\",\"classify\":\"left, right\"}",
    "{\"image\":[\"F\",\"F\"],\"classify\":\"left, right\",\"template\":\"{} lung\"}",
    "{\"phrase\":\"film\",\"embed\":true}",
    "{\"image\":\"F\",\"embed\":true}",
    "{\"duplicates\":0.3}",
    "{\"duplicates\":0.123456789,\"limit\":1,\"filter\":\"modality=CT\"}",
    "{\"duplicates\":true}",
    "{\"evaluate\":true}",
    "{\"evaluate\":true,\"by\":\"words\",\"filter\":\"modality=CT\"}",
    "{\"evaluate\":true,\"queries\":\"Q\",\"by\":\"meaning\"}",
};
enum { N_JOBS = sizeof every_job / sizeof *every_job };

/* Given back as a question it asks the same: the answer is, to the last byte, the same,
 * its own question included. */
static void the_question_of_an_answer_asks_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_JOBS; i++) {
        char *first = ask(fill(every_job[i]));
        char *query = query_of(first);
        char *second = ask(query);
        assert_string_equal(first, second);
        pf_free(first);
        pf_free(query);
        pf_free(second);
    }
}

/* Exactly: a hit on the line must not get lost by the way. */
static void numbers_come_back_exactly(void **state)
{
    (void)state;
    static const double numbers[] = {0.1, 1.0 / 3, 0.123456789012345678, 2.0 / 3};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        const double x = numbers[i];
        pf_request *r = new_request();
        assert_ok(pf_request_add_like(r, "3", x, &err) &&
                      pf_request_set_min_score(r, x - 0.5, &err) &&
                      pf_request_set_min_percentile(r, x, &err) &&
                      pf_request_set_collapse(r, x, &err),
                  &err);
        pf_answer *answer = ask_of(reader, r);
        char *json = json_of(answer), *query = query_of(json);
        pf_request *again = read_json(query);
        assert_true(again->query.parts[0].weight == x);
        assert_true(again->query.min_score == x - 0.5);
        assert_true(again->query.min_percentile == x);
        assert_true(again->query.collapse == x);
        pf_free(json);
        pf_free(query);
        pf_answer_free(answer);
        pf_request_free(again);
        pf_request_free(r);

        r = new_request();
        assert_ok(pf_request_find_duplicates(r, x, &err), &err);
        answer = ask_of(reader, r);
        json = json_of(answer);
        query = query_of(json);
        again = read_json(query);
        assert_true(again->duplicates == x);
        pf_free(json);
        pf_free(query);
        pf_answer_free(answer);
        pf_request_free(again);
        pf_request_free(r);
    }
}

/* All groups of duplicates are a limit of 0, which no question in JSON has. */
static void no_limit_of_duplicates_comes_back(void **state)
{
    (void)state;
    pf_request *r = new_request();
    assert_ok(pf_request_find_duplicates(r, 0.3, &err) &&
                  pf_request_set_limit(r, 0, 0, &err),
              &err);
    pf_answer *answer = ask_of(reader, r);
    char *json = json_of(answer), *query = query_of(json);
    pf_request *again = read_json(query);
    pf_answer *second = ask_of(reader, again);
    assert_true(pf_answer_get_about(answer)->n_groups > 0);
    assert_int_equal(pf_answer_get_about(answer)->n_groups,
                     pf_answer_get_about(second)->n_groups);
    pf_free(json);
    pf_free(query);
    pf_answer_free(answer);
    pf_answer_free(second);
    pf_request_free(again);
    pf_request_free(r);
}

/* Phrases that were ranked may be a million: they are given again, beside it. */
static void phrases_are_given_again(void **state)
{
    (void)state;
    static const char asking[] = "{\"like\":3,\"min_score\":-0.5,\"limit\":2,"
                                 "\"phrases\":[\"left\",\"right\",\"film\"]}";
    char *first = ask(asking), *query = query_of(first);
    pf_request *r = read_json(query);
    assert_ok(read_into(r, "{\"phrases\":[\"left\",\"right\",\"film\"]}"), &err);
    pf_answer *answer = ask_of(reader, r);
    char *second = json_of(answer);
    assert_string_equal(strstr(first, "\"hits\""), strstr(second, "\"hits\""));
    pf_free(first);
    pf_free(query);
    pf_free(second);
    pf_answer_free(answer);
    pf_request_free(r);
}

/* ---- marks ----------------------------------------------------------------------- */

static void begins_with(const char *text, const char *beginning)
{
    if (strncmp(text, beginning, strlen(beginning)) != 0)
        fail_msg("'%s', expected '%s'", text, beginning);
}

static void marks_come_back(void **state)
{
    (void)state;
    static const char *const ids[] = {"\"a7\"",
                                      "7",
                                      "-2.5",
                                      "null",
                                      "true",
                                      "\"\"",
                                      "\"\\\"\\\\ \xC3\xA9\"",
                                      "12345678901234567"};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        char json[128], expected[128];
        const pf_err why = {PF_ERR_NOT_FOUND, "there is no \"such\" thing"};
        snprintf(json, sizeof json, "{\"like\":3,\"id\":%s,\"limit\":1}", ids[i]);
        snprintf(expected, sizeof expected, "{\"id\":%s,\"query\":{", ids[i]);
        char *answer = ask(json);
        begins_with(answer, expected);
        pf_free(answer);
        pf_request *r = read_json(json);
        answer = pf_error_json(&why, r);
        snprintf(expected, sizeof expected,
                 "{\"id\":%s,\"error\":{\"code\":\"not_found\",\"message\":"
                 "\"there is no \\\"such\\\" thing\"}}",
                 ids[i]);
        assert_string_equal(answer, expected);
        pf_free(answer);
        pf_request_free(r);
    }
    /* Also when what is wrong stands before it, and for a request without one. */
    pf_request *r = new_request();
    assert_false(read_into(r, "{\"colour\":1,\"id\":9}"));
    char *json = pf_error_json(&err, r);
    begins_with(json, "{\"id\":9,\"error\":{\"code\":\"misuse\",");
    pf_free(json);
    pf_request_free(r);
    r = new_request();
    json = pf_error_json(&err, r);
    begins_with(json, "{\"error\":{\"code\":\"misuse\",");
    pf_free(json);
    pf_request_free(r);
    json = pf_error_json(&err, NULL);
    begins_with(json, "{\"error\":{\"code\":\"misuse\",");
    pf_free(json);
    /* The last one counts. */
    r = read_json("{\"id\":1}");
    assert_ok(read_into(r, "{\"id\":2}"), &err);
    assert_string_equal(r->id, "2");
    pf_request_free(r);
}

/* ---- page by page ---------------------------------------------------------------- */

/* With what belongs to it, which a deeper look may see more of. */
static void is_same_hit(const pf_hit *a, const pf_hit *b, bool is_whole)
{
    assert_int_equal(a->id, b->id);
    assert_int_equal(a->image_id, b->image_id);
    assert_true(a->score == b->score && a->fused == b->fused);
    assert_true(a->percentile == b->percentile ||
                (isnan(a->percentile) && isnan(b->percentile)));
    assert_int_equal(a->by_meaning.rank, b->by_meaning.rank);
    assert_int_equal(a->by_caption.rank, b->by_caption.rank);
    assert_int_equal(a->by_words.rank, b->by_words.rank);
    if (!is_whole)
        return;
    assert_int_equal(a->n_images, b->n_images);
    assert_int_equal(a->n_duplicates, b->n_duplicates);
    for (size_t i = 0; i < a->n_duplicates; i++)
        assert_int_equal(a->duplicates[i], b->duplicates[i]);
}

/* Pages of `size`, one behind the other, are the one long list, and end where it does.
 */
static size_t compare_pages(pf_reader *of, const char *question, size_t most,
                            size_t size, bool is_whole)
{
    pf_request *r = read_json(fill(question));
    assert_ok(pf_request_set_limit(r, most, 0, &err), &err);
    pf_answer *all = ask_of(of, r);
    const size_t n = pf_answer_count(all);
    size_t at = 0, in_page = 0;
    do {
        const size_t wanted = most - at < size ? most - at : size;
        assert_ok(pf_request_set_limit(r, wanted, at, &err), &err);
        pf_answer *page = ask_of(of, r);
        in_page = pf_answer_count(page);
        if (in_page > wanted || at + in_page > n)
            fail_msg("%s: %zu hits at %zu of %zu", question, in_page, at, n);
        for (size_t i = 0; i < in_page; i++) {
            is_same_hit(pf_answer_hit(page, i), pf_answer_hit(all, at + i), is_whole);
            assert_int_equal(pf_answer_rank(page, i), at + i + 1);
        }
        assert_null(pf_answer_hit(page, in_page));
        assert_int_equal(pf_answer_get_about(page)->chance,
                         pf_answer_get_about(all)->chance);
        at += in_page;
        pf_answer_free(page);
    } while (in_page == size && at < most);
    if (at != n)
        fail_msg("%s: pages of %zu have %zu of %zu hits", question, size, at, n);
    pf_answer_free(all);
    pf_request_free(r);
    return n;
}

static void pages_are_the_long_list(void **state)
{
    (void)state;
    static const char *const asked[] = {
        "{\"like\":3}",
        "{\"like\":3,\"find\":\"captions\"}",
        "{\"like\":3,\"find\":\"cases\"}",
        "{\"like\":3,\"filter\":\"modality=CT\"}",
        "{\"like\":3,\"min_score\":0}",
        "{\"like\":3,\"collapse\":0.2}",
        "{\"like\":3,\"collapse\":0.2,\"find\":\"captions\"}",
        "{\"phrase\":\"film\",\"by\":\"meaning\"}",
        "{\"phrase\":\"film\",\"by\":\"words\"}",
        "{\"phrase\":\"film\",\"by\":\"words\",\"find\":\"captions\"}",
        "{\"phrase\":\"film\",\"by\":\"words\",\"find\":\"cases\"}",
        "{\"phrase\":\"film\",\"by\":\"words\",\"collapse\":0.2}",
        "{\"phrase\":\"another film\",\"by\":\"both\"}",
        "{\"phrase\":\"another film\",\"by\":\"both\",\"find\":\"captions\"}",
        "{\"phrase\":\"another film\",\"by\":\"both\",\"find\":\"cases\"}",
        "{\"phrase\":\"another film\",\"by\":\"both\",\"collapse\":0.2}",
        "{\"phrase\":\"another film\",\"by\":\"both\",\"min_score\":0.05}",
        "{\"phrase\":\"another film\",\"like\":3,\"by\":\"both\"}",
        "{\"like\":3,\"classify\":\"left, right\"}",
        "{\"like\":3,\"phrases\":[\"a\",\"b\",\"c\",\"a\",\"d\",\"e\",\"f\",\"g\"]}",
    };
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        assert_true(compare_pages(reader, asked[i], 1000, 1000, true) > 7);
        compare_pages(reader, asked[i], 1000, 7, true);
        compare_pages(reader, asked[i], 20, 3, true);
    }
}

/* Further down than a ranking that is joined with others is first looked at. */
static void pages_far_down_are_the_long_list_too(void **state)
{
    (void)state;
    static const char *const asked[] = {
        "{\"like\":3}",
        "{\"phrase\":\"film\",\"by\":\"words\"}",
        "{\"phrase\":\"film\",\"by\":\"words\",\"find\":\"captions\"}",
        "{\"phrase\":\"another film\",\"by\":\"both\"}",
        "{\"phrase\":\"another film\",\"by\":\"both\",\"find\":\"captions\"}",
        "{\"phrase\":\"another film\",\"by\":\"both\",\"find\":\"cases\"}",
        "{\"phrase\":\"another film\",\"by\":\"both\",\"min_score\":0.05}",
        "{\"phrase\":\"another film\",\"by\":\"both\",\"collapse\":0.4}",
        "{\"like\":3,\"collapse\":0.4}",
    };
    char many[96];
    pf_reader *of;
    snprintf(many, sizeof many, "%s/many", root);
    assert_ok(pf_seeded_catalog_write(many, model, NULL, MANY, true, &err) &&
                  pf_asking_open(&of, many, NULL, NULL, &err),
              &err);
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
        assert_true(compare_pages(of, asked[i], MANY, 389, false) > 300);
    pf_asking_close(of);
}

static void an_offset_past_the_end_is_an_empty_page(void **state)
{
    (void)state;
    char *json = ask("{\"like\":3,\"offset\":1000000,\"limit\":1000000}");
    assert_non_null(strstr(json, "\"hits\":[]"));
    pf_free(json);
    json = ask("{\"phrase\":\"film 8\",\"offset\":1000000}");
    assert_non_null(strstr(json, "\"hits\":[]"));
    pf_free(json);
}

/* ---- copies ---------------------------------------------------------------------- */

static void assert_equal(const pf_request *a, const pf_request *b)
{
    const pf_query *p = &a->query, *q = &b->query;
    assert_int_equal(p->n_parts, q->n_parts);
    for (size_t i = 0; i < p->n_parts; i++) {
        is_part(b, i, p->parts[i].kind, p->parts[i].text, p->parts[i].weight);
        assert_ptr_not_equal(p->parts[i].text, q->parts[i].text);
        assert_int_equal(p->parts[i].n_bytes, q->parts[i].n_bytes);
        if (p->parts[i].n_bytes > 0)
            assert_memory_equal(p->parts[i].bytes, q->parts[i].bytes,
                                p->parts[i].n_bytes);
    }
    assert_int_equal(p->n_filters, q->n_filters);
    for (size_t i = 0; i < p->n_filters; i++)
        assert_string_equal(p->filters[i].text, q->filters[i].text);
    assert_int_equal(p->find, q->find);
    assert_int_equal(p->by, q->by);
    assert_int_equal(p->limit, q->limit);
    assert_int_equal(p->offset, q->offset);
    assert_true(p->min_score == q->min_score);
    assert_true(p->min_percentile == q->min_percentile);
    assert_int_equal(p->collapses, q->collapses);
    assert_true(p->collapse == q->collapse);
    assert_int_equal(a->has_limit, b->has_limit);
    assert_int_equal(a->job, b->job);
    assert_int_equal(pf_request_job(a), pf_request_job(b));
    assert_int_equal(a->labels.n, b->labels.n);
    for (size_t i = 0; i < a->labels.n; i++)
        assert_string_equal(a->labels.text[i], b->labels.text[i]);
    assert_int_equal(a->phrases.n, b->phrases.n);
    for (size_t i = 0; i < a->phrases.n; i++) {
        assert_string_equal(a->phrases.text[i], b->phrases.text[i]);
        assert_int_equal(a->phrases.line[i], b->phrases.line[i]);
    }
    assert_true(a->duplicates == b->duplicates);
    assert_true(a->queries ? strcmp(a->queries, b->queries) == 0 : !b->queries);
    assert_true(a->id ? strcmp(a->id, b->id) == 0 : !b->id);
}

static void copies_are_equal(void **state)
{
    (void)state;
    static const char *const changes[] = {
        "{\"id\":\"x\",\"phrase\":\"2:film\",\"like\":[3],\"image_bytes\":\"YWI=\"}",
        "{\"find\":\"cases\",\"by\":\"both\",\"limit\":7,\"offset\":3,\"min_score\":0."
        "1}",
        "{\"min_percentile\":12.5,\"collapse\":0.75,\"filter\":[\"a=b\",\"c=d\"]}",
        "{\"classify\":\"a, b\",\"template\":\"x {}\"}",
        "{\"phrases\":[\"a\",\"b\"]}",
        "{\"find\":\"images\",\"classify\":\"a, b, c\"}",
        "{\"embed\":true}",
        "{\"duplicates\":0.5}",
        "{\"evaluate\":true,\"queries\":\"q\"}",
        "{\"collapse\":false,\"evaluate\":true}",
    };
    pf_request *r = new_request(), *copy;
    for (size_t i = 0; i <= sizeof changes / sizeof *changes; i++) {
        assert_ok(pf_request_copy(&copy, r, &err), &err);
        assert_equal(r, copy);
        pf_request_free(copy);
        if (i < sizeof changes / sizeof *changes)
            assert_ok(read_into(r, changes[i]), &err);
    }
    /* It is its own: the first one may go, or change. */
    assert_ok(pf_request_copy(&copy, r, &err), &err);
    const size_t n = r->query.n_parts;
    assert_ok(pf_request_add_phrase(r, "more", 1, &err), &err);
    assert_int_equal(copy->query.n_parts, n);
    pf_request_free(r);
    is_part(copy, 0, PF_PART_PHRASE, "film", 2);
    char *words = pf_request_describe(copy, &err);
    assert_string_equal(words, "2 \xC3\x97 film, like 3, a picture, where a=b and c=d");
    pf_free(words);
    pf_request_free(copy);
}

static void copies_answer_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_JOBS; i++) {
        pf_request *r = read_json(fill(every_job[i])), *copy;
        assert_ok(pf_request_copy(&copy, r, &err), &err);
        pf_answer *a = ask_of(reader, r), *b = ask_of(reader, copy);
        pf_request_free(r);
        pf_request_free(copy);
        char *x = json_of(a), *y = json_of(b), *p = query_of(x), *q = query_of(y);
        assert_string_equal(p, q);
        assert_int_equal(pf_answer_count(a), pf_answer_count(b));
        for (size_t k = 0; k < pf_answer_count(a); k++)
            is_same_hit(pf_answer_hit(a, k), pf_answer_hit(b, k), true);
        pf_free(x);
        pf_free(y);
        pf_free(p);
        pf_free(q);
        pf_answer_free(a);
        pf_answer_free(b);
    }
}

/* ---- the setters, and what goes together ----------------------------------------- */

static void values_are_checked(void **state)
{
    (void)state;
    pf_request *r = new_request();
    assert_false(pf_request_set_limit(r, PF_LIMIT_MAX + 1, 0, &err));
    assert_false(pf_request_set_limit(r, 1, PF_LIMIT_MAX + 1, &err));
    assert_false(pf_request_set_limit(r, SIZE_MAX, SIZE_MAX, &err));
    assert_false(pf_request_set_min_score(r, 1.01, &err));
    assert_false(pf_request_set_min_score(r, NAN, &err));
    assert_false(pf_request_set_min_percentile(r, -1, &err));
    assert_false(pf_request_set_min_percentile(r, NAN, &err));
    assert_false(pf_request_set_collapse(r, 1.01, &err));
    assert_false(pf_request_set_collapse(r, NAN, &err));
    assert_false(pf_request_find_duplicates(r, -0.1, &err));
    assert_false(pf_request_find_duplicates(r, NAN, &err));
    assert_false(pf_request_add_phrase(r, "a", 0, &err));
    assert_false(pf_request_add_phrase(r, "a", NAN, &err));
    assert_false(pf_request_add_like(r, "a", -1001, &err));
    assert_false(pf_request_add_filter(r, "a", &err));
    assert_false(pf_request_classify(r, "a", NULL, &err));
    assert_int_equal(err.code, PF_ERR_MISUSE);
    assert_false(pf_request_rank_phrases(r, "", 0, "f", &err));
    assert_int_equal(err.code, PF_ERR_NOT_FOUND);
    pf_request *untouched = new_request();
    assert_equal(r, untouched);
    pf_request_free(untouched);
    /* An empty picture is none, but it can be said only when it is looked at. */
    assert_ok(pf_request_add_picture(r, (const uint8_t *)"", 0, "void", 1, &err), &err);
    pf_answer *answer;
    assert_refused(pf_reader_ask(reader, r, NULL, &answer, &err), &err, "void");
    assert_null(answer);
    pf_request_free(r);
}

static void what_does_not_go_together_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *json, *words;
    } known[] = {
        {"{}", "nothing was asked"},
        {"{\"find\":\"cases\"}", "nothing was asked"},
        {"{\"filter\":\"modality=CT\",\"min_score\":0}", "a list has none"},
        {"{\"filter\":\"modality=CT\",\"collapse\":true}", "not for a list"},
        {"{\"sort\":\"relevance\"}", "could be relevant"},
        {"{\"like\":3,\"sort\":\"path\"}", "in the order of relevance"},
        {"{\"sort\":\"path\",\"seed\":1}", "a seed is for a random order"},
        {"{\"facets\":\"path\"}", "every image has its own"},
        {"{\"facets\":\"source\",\"hide_paths\":true}", "hidden paths"},
        {"{\"embed\":true,\"phrase\":\"a\",\"facets\":\"a\"}", "counting of values"},
        {"{\"duplicates\":true,\"sort\":\"path\"}", "an order does not go with"},
        {"{\"values\":\"modality\",\"like\":3}", "does not go with a list of"},
        {"{\"values\":true,\"offset\":3}", "does not go with a list of values"},
        {"{\"embed\":true}", "one phrase or one picture can be embedded"},
        {"{\"embed\":true,\"phrase\":\"a\",\"without\":\"b\"}", "can be embedded"},
        {"{\"embed\":true,\"like\":3}", "can be embedded"},
        {"{\"embed\":true,\"phrase\":\"2:a\"}", "a weight makes no difference"},
        {"{\"embed\":true,\"phrase\":\"a\",\"filter\":\"a=b\"}",
         "a filter does not go"},
        {"{\"embed\":true,\"phrase\":\"a\",\"min_score\":0}",
         "a lowest score does not"},
        {"{\"embed\":true,\"phrase\":\"a\",\"min_percentile\":1}",
         "a lowest percentile does not go with a vector"},
        {"{\"embed\":true,\"phrase\":\"a\",\"collapse\":true}",
         "folding of near duplicates does not go with a vector"},
        {"{\"embed\":true,\"phrase\":\"a\",\"offset\":1}",
         "an offset does not go with"},
        {"{\"duplicates\":true,\"like\":3}",
         "a phrase or picture does not go with near"},
        {"{\"duplicates\":true,\"by\":\"words\"}",
         "looking for words does not go with"},
        {"{\"duplicates\":true,\"offset\":2}", "an offset does not go with near"},
        {"{\"evaluate\":true,\"like\":3}", "does not go with an evaluation"},
        {"{\"evaluate\":true,\"min_score\":0}", "does not go with an evaluation"},
        {"{\"evaluate\":true,\"offset\":1}", "does not go with an evaluation"},
        {"{\"phrases\":[\"a\"],\"like\":3,\"find\":\"images\"}",
         "phrases take the place of captions"},
        {"{\"phrases\":[\"a\"],\"like\":3,\"by\":\"both\"}",
         "looking for words does not"},
        {"{\"phrases\":[\"a\"],\"like\":3,\"filter\":\"a=b\"}", "a filter does not go"},
        {"{\"phrases\":[\"a\"],\"like\":3,\"collapse\":1}",
         "folding of near duplicates"},
        {"{\"phrases\":[\"a\"],\"like\":3,\"min_percentile\":1}",
         "a lowest percentile"},
        {"{\"phrases\":[\"a\"]}", "nothing was asked"},
        {"{\"classify\":\"a,b\"}", "nothing was asked"},
        {"{\"classify\":\"a,b\",\"like\":3,\"find\":\"cases\"}", "only images can be"},
        {"{\"classify\":\"a,b\",\"image\":\"2:F\"}", "a weight makes no difference"},
        {"{\"classify\":\"a,b\",\"image\":\"F\",\"offset\":1}", "does not go with the"},
        {"{\"phrase\":\"a\",\"by\":\"words\",\"min_score\":0}", "words have none"},
        {"{\"phrase\":\"a\",\"by\":\"words\",\"min_percentile\":1}", "words have none"},
        {"{\"like\":3,\"by\":\"words\"}", "of one phrase only"},
        {"{\"phrase\":\"a\",\"like\":3,\"by\":\"words\"}",
         "only a phrase can be looked"},
        {"{\"like\":3,\"find\":\"cases\",\"collapse\":true}",
         "only images and captions"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        err = (pf_err)PF_ERR_INIT;
        char *json = pf_asking_ask(reader, known[i].json, &err);
        if (json)
            fail_msg("%s is answered: %s", known[i].json, json);
        if (!strstr(err.msg, known[i].words))
            fail_msg("%s: '%s', expected '%s'", known[i].json, err.msg, known[i].words);
        assert_int_equal(err.code, PF_ERR_MISUSE);
    }
    pf_request *r = read_json("{\"like\":3}");
    pf_answer *answer;
    assert_ok(pf_request_set_limit(r, 0, 0, &err), &err);
    assert_refused(pf_reader_ask(reader, r, NULL, &answer, &err), &err, "a limit of 0");
    pf_request_free(r);

    r = read_json("{\"like\":3,\"phrases\":[\"a\",\"b\"]}");
    assert_ok(pf_request_set_limit(r, 0, 0, &err), &err);
    assert_refused(pf_reader_ask(reader, r, NULL, &answer, &err), &err, "a limit of 0");
    pf_request_set_find(r, (pf_find)3);
    assert_refused(pf_reader_ask(reader, r, NULL, &answer, &err), &err, "3 is nothing");
    pf_request_set_find(r, PF_FIND_CAPTIONS);
    pf_request_set_by(r, (pf_by)-1);
    assert_refused(pf_reader_ask(reader, r, NULL, &answer, &err), &err, "-1 is no way");
    pf_request_free(r);
}

/* ---- in words -------------------------------------------------------------------- */

static void requests_are_described(void **state)
{
    (void)state;
    static const struct {
        const char *json, *words;
    } known[] = {
        {"{}", ""},
        {"{\"evaluate\":true,\"filter\":[\"a=b\",\"c>1\"]}", "where a=b and c>1"},
        {"{\"phrase\":\"2:e\",\"without\":\"f\",\"image\":\"/x/a.png\",\"like\":3,"
         "\"image_bytes\":\"YQ==\",\"filter\":\"a=b\"}",
         "2 \xC3\x97 e, without f, the picture a.png, like 3, a picture, where a=b"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        pf_request *r = read_json(known[i].json);
        char *words = pf_request_describe(r, &err);
        assert_non_null(words);
        assert_string_equal(words, known[i].words);
        pf_free(words);
        pf_request_free(r);
    }
}

/* ---- long work ------------------------------------------------------------------- */

typedef struct {
    size_t told, failed, steps;
    size_t stop_after; /* 0: never */
    char first_label[32];
} watch;

static bool take_picture(void *context, const pf_classified *picture)
{
    watch *w = context;
    w->told++;
    w->failed += picture->failure != NULL;
    if (picture->n_labels > 0)
        snprintf(w->first_label, sizeof w->first_label, "%s", picture->labels[0].name);
    return w->told != w->stop_after;
}

static void count_steps(void *context, const char *what, size_t done, size_t total,
                        size_t failed)
{
    watch *w = context;
    assert_non_null(what);
    assert_true(total == 0 || done <= total);
    assert_true(failed <= done);
    w->steps++;
}

static void pictures_may_be_taken_as_they_come(void **state)
{
    (void)state;
    static const char *const asked[] = {
        "{\"image\":\"F\",\"classify\":\"left, right\"}",
        "{\"image\":[\"F\",\"F\",\"/no/such.png\"],\"classify\":\"left, right\"}",
    };
    for (size_t i = 0; i < 2; i++) {
        pf_request *r = read_json(fill(asked[i]));
        pf_answer *all = ask_of(reader, r), *answer;
        watch w = {0};
        pf_work work = PF_WORK_INIT;
        work.classified = take_picture;
        work.progress = count_steps;
        work.context = &w;
        assert_ok(pf_reader_ask(reader, r, &work, &answer, &err), &err);
        assert_int_equal(w.told, i == 0 ? 1 : 3);
        assert_int_equal(w.failed, i == 0 ? 0 : 1);
        assert_int_equal(w.told, pf_answer_count_pictures(all));
        assert_string_equal(w.first_label, pf_answer_picture(all, 0)->labels[0].name);
        assert_true(w.steps > 0);
        assert_int_equal(pf_answer_count_pictures(answer), 0);
        assert_null(pf_answer_picture(answer, 0));
        assert_int_equal(pf_answer_get_about(answer)->n_failed, w.failed);
        char *json = json_of(answer);
        assert_non_null(strstr(json, "\"query\""));
        pf_free(json);
        pf_answer_free(answer);
        pf_answer_free(all);

        w = (watch){.stop_after = 1};
        assert_refused(pf_reader_ask(reader, r, &work, &answer, &err), &err,
                       "interrupted");
        assert_int_equal(err.code, PF_ERR_INTERRUPTED);
        assert_int_equal(w.told, 1);
        pf_request_free(r);
    }
}

/* With no file among them, and one that is no picture. */
static void bytes_are_classified_one_by_one(void **state)
{
    (void)state;
    static const char film_bytes[] = "UDIKMiAyCjI1NQowIDI1NSA5MCAyMDAK";
    char json[256];
    pf_answer *answer;
    snprintf(json, sizeof json,
             "{\"image_bytes\":[\"%s\",\"YQ==\",\"%s\"],\"classify\":\"left, right\"}",
             film_bytes, film_bytes);
    pf_request *r = read_json(json);
    assert_ok(pf_reader_ask(reader, r, NULL, &answer, &err), &err);
    assert_int_equal(pf_answer_count_pictures(answer), 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(pf_answer_picture(answer, i)->n_labels, i == 1 ? 0 : 2);
    assert_int_equal(pf_answer_get_about(answer)->n_failed, 1);
    pf_answer_free(answer);
    pf_request_free(r);
}

/* Of pictures that came as bytes none is looked at any more. */
static void bytes_can_be_stopped(void **state)
{
    (void)state;
    pf_stop *stop;
    pf_answer *answer;
    watch w = {0};
    pf_work work = PF_WORK_INIT;
    pf_request *r =
        read_json("{\"image_bytes\":[\"YQ==\",\"YQ==\"],\"classify\":\"left, right\"}");
    assert_ok(pf_stop_new(&stop, &err), &err);
    pf_stop_set(stop);
    work.stop = stop;
    work.classified = take_picture;
    work.context = &w;
    err = (pf_err)PF_ERR_INIT;
    assert_false(pf_reader_ask(reader, r, &work, &answer, &err));
    assert_int_equal(err.code, PF_ERR_INTERRUPTED);
    assert_int_equal(w.told, 0);
    pf_stop_free(stop);
    pf_request_free(r);
}

static void work_can_be_stopped(void **state)
{
    (void)state;
    static const char *const asked[] = {
        "{\"image\":[\"F\",\"F\"],\"classify\":\"left, right\"}",
        "{\"like\":3,\"phrases\":[\"left\",\"right\"]}",
        "{\"duplicates\":0.3}",
        "{\"evaluate\":true}",
    };
    pf_stop *stop;
    assert_ok(pf_stop_new(&stop, &err), &err);
    pf_work work = PF_WORK_INIT;
    work.stop = stop;
    for (int is_set = 0; is_set < 2; is_set++) {
        for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
            pf_request *r = read_json(fill(asked[i]));
            pf_answer *answer;
            err = (pf_err)PF_ERR_INIT;
            const bool ok = pf_reader_ask(reader, r, &work, &answer, &err);
            if (ok == is_set)
                fail_msg("%s: %s", asked[i], ok ? "is answered" : err.msg);
            assert_int_equal(err.code, is_set ? PF_ERR_INTERRUPTED : PF_OK);
            pf_answer_free(answer);
            pf_request_free(r);
        }
        pf_stop_set(stop);
    }
    pf_stop_free(stop);
}

/* A program that was built when there was less of a struct has garbage behind it. */
static void structs_may_be_of_an_older_header(void **state)
{
    (void)state;
    pf_work work;
    pf_answer *answer;
    pf_request *r = read_json("{\"duplicates\":0.3}");
    memset(&work, 0x5A, sizeof work);
    work.struct_size = offsetof(pf_work, threads);
    work.stop = NULL;
    assert_ok(pf_reader_ask(reader, r, &work, &answer, &err), &err);
    pf_answer_free(answer);
    work.struct_size = sizeof work.struct_size;
    assert_ok(pf_reader_ask(reader, r, &work, &answer, &err), &err);
    assert_true(pf_answer_get_about(answer)->struct_size == sizeof(pf_answer_about));
    assert_true(pf_answer_hit(answer, 0)->struct_size == sizeof(pf_hit));
    assert_true(pf_answer_group(answer, 0)->struct_size == sizeof(pf_group));
    pf_answer_free(answer);
    pf_request_free(r);

    pf_catalog_info info;
    memset(&info, 0x5A, sizeof info);
    const pf_catalog_info garbage = info;
    info.struct_size = offsetof(pf_catalog_info, captions);
    assert_ok(pf_reader_get_info(reader, &info, &err), &err);
    assert_int_equal(info.struct_size, offsetof(pf_catalog_info, captions));
    assert_int_equal(info.generation, 1);
    assert_int_equal(info.images, IMAGES);
    assert_int_equal(info.captions, garbage.captions);
    assert_int_equal(info.dim, garbage.dim);
}

static void names_are_there_for_any_number(void **state)
{
    (void)state;
    assert_string_equal(pf_code_name(PF_ERR_NOT_FOUND), "not_found");
    assert_string_equal(pf_code_name((pf_code)99), "unknown");
    assert_string_equal(pf_code_name((pf_code)-1), "unknown");
    assert_string_equal(pf_metric_name(PF_MRR), "mrr");
    assert_string_equal(pf_metric_name(PF_N_METRICS), "unknown");
    assert_string_equal(pf_metric_name((pf_metric)-1), "unknown");
}

/* One that was never initialised would be taken for one without any wish. */
static void structs_must_be_initialised(void **state)
{
    (void)state;
    pf_work work = {0};
    pf_answer *answer;
    pf_catalog_info info = {0};
    pf_request *r = read_json("{\"duplicates\":0.3}");
    assert_refused(pf_reader_ask(reader, r, &work, &answer, &err), &err,
                   "PF_WORK_INIT");
    assert_int_equal(err.code, PF_ERR_MISUSE);
    assert_null(answer);
    work.struct_size = sizeof work + 1;
    assert_refused(pf_reader_ask(reader, r, &work, &answer, &err), &err,
                   "PF_WORK_INIT");
    assert_refused(pf_reader_get_info(reader, &info, &err), &err, "_INFO_INIT");
    assert_int_equal(err.code, PF_ERR_MISUSE);
    pf_request_free(r);
}

/* More of them than there can be. */
static void any_number_of_threads_will_do(void **state)
{
    (void)state;
    static const char *const asked[] = {
        "{\"image\":[\"F\",\"F\"],\"classify\":\"left, right\"}",
        "{\"like\":3,\"phrases\":[\"left\",\"right\"]}", "{\"duplicates\":0.3}",
        "{\"evaluate\":true}"};
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        pf_work work = PF_WORK_INIT;
        pf_answer *answer;
        pf_request *r = read_json(fill(asked[i]));
        for (int is_many = 0; is_many < 2; is_many++) {
            work.threads = is_many ? INT_MAX : INT_MIN;
            assert_ok(pf_reader_ask(reader, r, &work, &answer, &err), &err);
            pf_answer_free(answer);
        }
        pf_request_free(r);
    }
}

static size_t count_own_threads(void)
{
    size_t n = 0;
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    for (struct dirent *e; (e = readdir(tasks));)
        n += e->d_name[0] != '.';
    closedir(tasks);
    return n;
}

static void see_threads(void *context, const char *what, size_t done, size_t total,
                        size_t failed)
{
    size_t *most = context;
    const size_t n = count_own_threads();
    (void)what, (void)done, (void)total, (void)failed;
    *most = n > *most ? n : *most;
}

static void work_has_the_threads_it_may_have(void **state)
{
    (void)state;
    static const char *const asked[] = {
        "{\"image\":[\"F\",\"F\",\"F\",\"F\",\"F\",\"F\",\"F\",\"F\",\"F\",\"F\",\"F\"]"
        ","
        "\"classify\":\"left, right\"}",
        "{\"duplicates\":0.3}",
        "{\"evaluate\":true}",
    };
    static char many[1 << 16];
    const size_t before = count_own_threads();
    size_t n = (size_t)snprintf(many, sizeof many, "{\"like\":3,\"phrases\":[\"a\"");
    for (int i = 0; i < 500; i++)
        n += (size_t)snprintf(many + n, sizeof many - n, ",\"phrase %d\"", i);
    snprintf(many + n, sizeof many - n, "]}");
    for (size_t i = 0; i < 1 + sizeof asked / sizeof *asked; i++) {
        size_t most = 0;
        pf_work work = PF_WORK_INIT;
        pf_answer *answer;
        pf_request *r = read_json(i == 0 ? many : fill(asked[i - 1]));
        work.threads = 1;
        work.progress = see_threads;
        work.context = &most;
        assert_ok(pf_reader_ask(reader, r, &work, &answer, &err), &err);
        if (most > before + 1)
            fail_msg("question %zu: %zu threads", i, most - before);
        pf_answer_free(answer);
        pf_request_free(r);
    }
}

/* ---- memory ---------------------------------------------------------------------- */

static void each_allocation_may_fail(void **state)
{
    (void)state;
    static const char json[] =
        "{\"id\":\"x\",\"phrase\":[\"a\",\"b\"],\"like\":[3,\"4\"],\"without\":\"c\","
        "\"image_bytes\":\"YWI=\",\"filter\":[\"modality=CT\",\"anatomy!=chest\"],"
        "\"classify\":[\"a\",\"b\"],\"template\":\"x {}\",\"phrases\":[\"a\",\"b\"],"
        "\"evaluate\":true,\"queries\":\"q\",\"parts\":[{\"phrase\":\"d\"}]}";
    bool ok = false;
    long n = 1;
    for (; !ok; n++) {
        pf_request *r = NULL, *copy = NULL;
        err = (pf_err)PF_ERR_INIT;
        pf_mem_fail_at(n);
        ok = pf_request_new(&r, &err) && read_into(r, json) &&
             pf_request_copy(&copy, r, &err);
        char *words = ok ? pf_request_describe(copy, &err) : NULL;
        ok = words != NULL;
        pf_mem_fail_at(0);
        if (ok)
            assert_equal(r, copy);
        else
            assert_int_equal(err.code, PF_ERR_NOMEM);
        pf_free(words);
        pf_request_free(r);
        pf_request_free(copy);
        assert_true(n < 10000);
    }
    assert_true(n > 50);
}

#define TEST(f) cmocka_unit_test_setup(f, before)

static void a_picture_may_be_given_later(void **state)
{
    (void)state;
    static const uint8_t picture[] = {1, 2, 3};
    pf_err why = PF_ERR_INIT;
    pf_request *r, *copy;
    size_t n = 1;
    static const char line[] = "{\"bytes\":3,\"phrase\":\"x\",\"image\":\"2:-\"}";
    assert_ok(pf_request_new(&r, &why), &why);
    assert_false(pf_request_wants_picture(r, &n));
    assert_int_equal(n, 0);
    assert_false(pf_request_give_picture(r, picture, 3, &why));
    assert_int_equal(why.code, PF_ERR_MISUSE);
    assert_ok(pf_request_read_json(r, line, strlen(line), true, &why), &why);
    assert_true(pf_request_wants_picture(r, &n));
    assert_int_equal(n, 3);
    assert_false(pf_request_check(r, &why));
    assert_string_equal(why.msg, "the picture '-' was not given");
    assert_ok(pf_request_copy(&copy, r, &why), &why);
    assert_ok(pf_request_give_picture(copy, picture, 3, &why), &why);
    assert_false(pf_request_give_picture(copy, picture, 3, &why));
    assert_ok(pf_request_check(copy, &why), &why);
    assert_int_equal(copy->query.parts[1].n_bytes, 3);
    assert_memory_equal(copy->query.parts[1].bytes, picture, 3);
    assert_true(copy->query.parts[1].weight == 2);
    pf_request_free(copy);
    pf_request_free(r);
    /* a stranger's question has no stdin, and a line that fails says what to skip */
    assert_ok(pf_request_new(&r, &why), &why);
    assert_false(pf_request_read_json(r, line, strlen(line), false, &why));
    assert_true(pf_request_wants_picture(r, &n));
    assert_int_equal(n, 3);
    pf_request_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(parts_are_taken),
        TEST(settings_are_taken),
        TEST(jobs_are_taken),
        TEST(a_hyphen_is_as_good_as_an_underscore),
        TEST(texts_may_begin_with_a_weight),
        TEST(what_makes_no_sense_is_refused),
        TEST(counted_keys_are_text),
        TEST(files_may_be_forbidden),
        TEST(a_question_has_so_many_parts),
        TEST(pictures_come_as_base64),
        TEST(the_question_of_an_answer_asks_the_same),
        TEST(numbers_come_back_exactly),
        TEST(no_limit_of_duplicates_comes_back),
        TEST(phrases_are_given_again),
        TEST(marks_come_back),
        TEST(pages_are_the_long_list),
        TEST(pages_far_down_are_the_long_list_too),
        TEST(an_offset_past_the_end_is_an_empty_page),
        TEST(copies_are_equal),
        TEST(copies_answer_the_same),
        TEST(values_are_checked),
        TEST(what_does_not_go_together_is_refused),
        TEST(requests_are_described),
        TEST(pictures_may_be_taken_as_they_come),
        TEST(work_can_be_stopped),
        TEST(bytes_are_classified_one_by_one),
        TEST(bytes_can_be_stopped),
        TEST(structs_may_be_of_an_older_header),
        TEST(structs_must_be_initialised),
        TEST(names_are_there_for_any_number),
        TEST(work_has_the_threads_it_may_have),
        TEST(any_number_of_threads_will_do),
        TEST(each_allocation_may_fail),
        cmocka_unit_test(a_picture_may_be_given_later),
    };
    return cmocka_run_group_tests_name("request", tests, before_all, after_all);
}
