/*
 * catalogue.h - which studies there are, what their pictures are called, and the words
 * for them. A row of attributes is all a search may know about a picture; a query is
 * such a row with empty fields for "any".
 */
#ifndef PF_DATA_PHANTOMS_CATALOGUE_H
#define PF_DATA_PHANTOMS_CATALOGUE_H

#include "core/base/buf.h"
#include "data/phantoms/phantom.h"

enum { PH_VIEWS_MAX = 4 };

/* How many classes; class `i` as a study with fresh severity and person. */
int ph_classes(void);
ph_study ph_study_of(int i, ph_rng *r);

/* The pictures of one case of this study, 1 to PH_VIEWS_MAX. */
int ph_views_of(const ph_study *s, ph_rng *r, ph_view views[PH_VIEWS_MAX]);

/* Attributes as text. Empty strings: not applicable. All static but `findings`. */
typedef struct {
    const char *modality, *anatomy, *view, *side;
    char findings[96]; /* joined with ';' */
} ph_row;
ph_row ph_row_of(const ph_study *s, ph_view view);

/* What can be told from this picture: a lateral chest film does not show the side. */
ph_study ph_seen(const ph_study *s, ph_view view);

/* captions.c: a radiologist's sentence or two for the picture. `s` is ph_seen(). */
PF_MUST_CHECK bool ph_caption(pf_buf *out, const ph_study *s, ph_view view, ph_rng *r,
                              pf_err *err);
/* A phrase as somebody searches, true for this picture, and in `need` the attributes
 * that make it true (empty: any). */
PF_MUST_CHECK bool ph_phrase(pf_buf *out, ph_row *need, const ph_study *s, ph_view view,
                             ph_rng *r, pf_err *err);

#endif
