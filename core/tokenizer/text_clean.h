/*
 * text_clean.h - what the reference does to a text before it is cut into words.
 *
 * OpenAI's clip/simple_tokenizer.py cleans with ftfy.fix_text(), html.unescape() twice,
 * runs of white space to one space, strip() and lower(). Part of the bpe module.
 */
#ifndef PF_CORE_TOKENIZER_TEXT_CLEAN_H
#define PF_CORE_TOKENIZER_TEXT_CLEAN_H

#include "core/tokenizer/codes.h"

typedef enum {
    PF_CLASS_SPACE,  /* white space, and what the pattern matches nowhere */
    PF_CLASS_LETTER, /* \p{L} */
    PF_CLASS_NUMBER, /* \p{N} */
    PF_CLASS_OTHER,
} pf_code_class;

pf_code_class pf_code_classify(uint32_t code);

/* Clean `n` bytes of UTF-8 (a bad byte counts as U+FFFD) and append the result to
 * `out`. Words are parted by single spaces, with none at either end. */
PF_MUST_CHECK bool pf_text_clean(const char *text, size_t n, pf_codes *out,
                                 pf_err *err);

#endif
