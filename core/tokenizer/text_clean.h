/*
 * text_clean.h - what the reference does to a text before it is cut into words.
 *
 * OpenAI's clip/simple_tokenizer.py cleans with ftfy.fix_text(), html.unescape() twice,
 * runs of white space to one space, strip() and lower(); open_clip does the same for
 * BERT's tokenizer but for the last. With what the tokenizers ask of Unicode.
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

/* White space, but for the four separators U+001C..U+001F. */
bool pf_code_is_space(uint32_t code);

/* What ASCII has besides letters, digits, blanks and controls: Python's
 * string.punctuation. */
bool pf_code_is_ascii_punctuation(uint32_t code);

/* One character in lower case, whatever stands beside it; returns how many it is then,
 * 1 or 2. */
size_t pf_code_lower(uint32_t code, uint32_t to[2]);

/* `in` in normalisation form D, appended to `out`, which is empty. */
PF_MUST_CHECK bool pf_text_decompose(const pf_codes *in, pf_codes *out, pf_err *err);

/* Clean `n` bytes of UTF-8 (a bad byte counts as U+FFFD) and append the result to
 * `out`. Words are parted by single spaces, with none at either end. */
PF_MUST_CHECK bool pf_text_clean(const char *text, size_t n, pf_codes *out,
                                 pf_err *err);
/* The same without lower case, into `out`, which is empty. */
PF_MUST_CHECK bool pf_text_clean_cased(const char *text, size_t n, pf_codes *out,
                                       pf_err *err);

#endif
