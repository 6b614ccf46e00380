/*
 * c_locale.h - numbers and bytes as C has them, whatever the locale of the program that
 * the library is part of: 0.5 and not 0,5.
 *
 * Between begin and end the calling thread is in the C locale; nobody else notices.
 */
#ifndef PF_CORE_BASE_C_LOCALE_H
#define PF_CORE_BASE_C_LOCALE_H

#include <locale.h>

typedef struct {
    locale_t own, before;
} pf_c_locale;

static inline pf_c_locale pf_c_locale_begin(void)
{
    pf_c_locale l = {.own = newlocale(LC_ALL_MASK, "C", (locale_t)0)};
    if (l.own)
        l.before = uselocale(l.own);
    return l;
}

static inline void pf_c_locale_end(pf_c_locale l)
{
    if (!l.own)
        return;
    uselocale(l.before);
    freelocale(l.own);
}

#endif
