/* test_known_facts.c - what files said of themselves, as a catalog keeps it: read back
 * as it was, and nothing else than that taken in. */
#include <string.h>

#include "indexer/known_facts.h"
#include "tests/unit/test_support.h"

#define STUDY "study-0123456789abcdef0123456789abcdef"

static void read_back(void **state)
{
    (void)state;
    static const pf_facts facts[] = {
        {0},
        {.is_known = 1, .has_picture = 1, .frames = 1},
        {.is_known = 1,
         .has_picture = 1,
         .may_name = 1,
         .frames = 4096,
         .modality = "CT",
         .body_part = "CHEST ABDOMEN_PV",
         .view = "PA",
         .laterality = "R",
         .year = "2019",
         .study = STUDY},
    };
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        char text[PF_FACTS_TEXT_ROOM];
        pf_facts found;
        pf_facts_write(&facts[i], text);
        assert_true(pf_facts_parse(&found, text));
        assert_int_equal(found.is_known, facts[i].is_known);
        assert_int_equal(found.has_picture, facts[i].has_picture);
        assert_int_equal(found.may_name, facts[i].may_name);
        assert_string_equal(found.body_part, facts[i].body_part);
        assert_string_equal(found.year, facts[i].year);
        assert_string_equal(found.study, facts[i].study);
        char again[PF_FACTS_TEXT_ROOM];
        found.frames = facts[i].frames; /* at least 1 once it is clean */
        pf_facts_write(&found, again);
        assert_string_equal(again, text);
    }
}

static void what_nobody_wrote(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "1",
        "1|1|0|1",
        "1|1|0|1|||||",
        "1|1|0|1||||||x",
        "1|1|0|1|||||||",
        "1|1|0||||||||",
        "1|1|0|-1||||||",
        "1|1|0|1x||||||",
        "1|1|0|99999999999||||||",
        "1|1|0|1|A code that is far too long||||||",
        "1|1|0|1|||||20190|",
        "1|1|0|1||||||1.2.840.113619.2.55",
        "1|1|0|1||||||study-1234",
        "1|1|0|1||||||" STUDY "0",
        "1|1|0|1||||||" STUDY "|",
    };
    pf_facts found;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        if (pf_facts_parse(&found, wrong[i]))
            fail_msg("'%s' was taken in", wrong[i]);
    }
    /* and what is no code is taken out */
    assert_true(pf_facts_parse(&found, "1|1|0|1|Mc Doe|CHEST||||"));
    assert_string_equal(found.modality, "");
    assert_string_equal(found.body_part, "CHEST");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_back),
        cmocka_unit_test(what_nobody_wrote),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
