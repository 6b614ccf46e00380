/*
 * html_unescape.h - HTML's character references ("&eacute;", "&#233;", "&amp").
 *
 * Two ways of reading them, because the reference reads captions with both: the lenient
 * one of browsers and Python's html.unescape(), and the careful one of ftfy. The table
 * of names is html_entities.inc.
 */
#ifndef PF_CORE_TOKENIZER_HTML_UNESCAPE_H
#define PF_CORE_TOKENIZER_HTML_UNESCAPE_H

#include "core/tokenizer/codes.h"

/* As browsers do: a name may lack its semicolon, then the longest known beginning
 * counts; numbers that name no character vanish or become U+FFFD; 128..159 mean
 * Windows-1252. Appends to `out`. */
PF_MUST_CHECK bool pf_html_unescape(const pf_codes *in, pf_codes *out, pf_err *err);

/* As ftfy does: only what is complete with its semicolon, at most 24 letters or digits
 * long; a lower-case name may also be written in capitals ("&NTILDE;") when that means
 * nothing else, and stands for the capital then. Appends to `out`. */
PF_MUST_CHECK bool pf_html_unescape_careful(const pf_codes *in, pf_codes *out,
                                            pf_err *err);

#endif
