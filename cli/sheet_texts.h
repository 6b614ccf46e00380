/*
 * sheet_texts.h - the page of a contact sheet: the files of cli/sheet/, which
 * cmake/embed_text.cmake puts into the program.
 */
#ifndef PF_CLI_SHEET_TEXTS_H
#define PF_CLI_SHEET_TEXTS_H

#include <stddef.h>

extern const char pf_text_page[], pf_text_hit[], pf_text_style[], pf_text_script[];
extern const size_t pf_text_page_size, pf_text_hit_size, pf_text_style_size,
    pf_text_script_size;

#endif
