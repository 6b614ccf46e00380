/* weigh.c - see weigh.h. The constants were chosen on one half of the questions of
 * bench/judged and looked at with the other (bench/results.md). */
#include "core/words/weigh.h"

#include <math.h>
#include <string.h>

/* How fast more mentions stop to matter, and how much a longer text counts against
 * them: b and k of BM25, which is usually .75 and 1.2. Captions are short. */
static const double SATURATES = 0.6, LENGTH = 0.6;
/* Of one whose mentions are the word itself. Together with DENSITY not more than 1, so
 * that one mention of what was typed is worth more than many of another name. */
static const double BY_NAME = 0.9, NEARLY = 0.6;
static const double DENSITY = 0.1;
static const double KIND = 0.35;

pf_found pf_weigh_found(pf_field field, pf_said said, uint32_t times, double size,
                        double usual_size)
{
    const double long_as = usual_size > 0 ? size / usual_size : 1;
    const double n = times;
    return (pf_found){
        .how = pf_field_weight(field) * (said == PF_SAID_AS_TYPED  ? 1
                                         : said == PF_SAID_BY_NAME ? BY_NAME
                                                                   : NEARLY),
        .density = n / (n + SATURATES * (1 - LENGTH + LENGTH * long_as)),
        .said = said,
        .field = field,
    };
}

bool pf_found_is_better(const pf_found *a, const pf_found *b)
{
    return a->how != b->how ? a->how > b->how : a->density > b->density;
}

/* What a word is worth that `n` of `all` docs have. */
static double weigh_rarity(double n, double all)
{
    return log(1 + (all - n + 0.5) / (n + 0.5));
}

/* Words for pictures and for how they were made, as stems. */
static bool is_kind_of_picture(const char *stem)
{
    static const char *const stems[] = {
        "case",       "comput",    "computer",   "contrast",
        "ct",         "film",      "imag",       "magnet",
        "mr",         "mri",       "patient",    "pictur",
        "plain",      "rai",       "radiograph", "radiographi",
        "reson",      "scan",      "show",       "sonogram",
        "t1",         "t2",        "tomographi", "ultrasonographi",
        "ultrasound", "tomograph", "us",         "view",
        "weight",     "x",         "xrai"};
    for (size_t i = 0; i < sizeof stems / sizeof *stems; i++) {
        if (strcmp(stems[i], stem) == 0)
            return true;
    }
    return false;
}

double pf_weigh_group(const pf_words_query *q, const pf_word_group *g, double n,
                      double all)
{
    const double rarity = weigh_rarity(n < all ? n : all, all);
    const pf_leaf *l = &q->leaves[g->first_leaf];
    bool is_kind = l->kind == PF_LEAF_STEMS;
    for (size_t i = 0; is_kind && i < l->n_words; i++)
        is_kind = is_kind_of_picture(pf_words_query_word(q, l, i));
    return is_kind ? KIND * rarity : rarity;
}

double pf_weigh_score(double worth, const pf_found *found)
{
    return worth * (found->how + DENSITY * found->density * (found->how > 0));
}

double pf_weigh_most(double worth)
{
    return worth * (1 + DENSITY);
}
