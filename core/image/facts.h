/*
 * facts.h - what a file says of its picture, but for the pixels: a few plain facts that
 * harm nobody.
 *
 * Of all that stands in the header of a DICOM file, this is what is ever looked at:
 * neither names nor numbers of patients, no dates but the year, no institution, and of
 * UIDs that of the study alone, which is never kept as it is (indexer/study_key.h). A
 * list of what is read, not of what is left out.
 */
#ifndef PF_CORE_IMAGE_FACTS_H
#define PF_CORE_IMAGE_FACTS_H

#include <stdint.h>

#include "core/base/err.h"

enum { PF_FACT_ROOM = 17, PF_FACT_UID_ROOM = 65 };

typedef struct {
    uint8_t is_known;    /* it is of a kind that has facts: DICOM; else all is zero */
    uint8_t has_picture; /* a report, a plan or a DICOMDIR has none */
    uint8_t may_name;    /* a patient's name may be in the pixels */
    int32_t frames;      /* at least 1 */
    /* Codes of capitals, digits, blanks and underscores; "" when it is not said. */
    char modality[PF_FACT_ROOM], body_part[PF_FACT_ROOM], view[PF_FACT_ROOM];
    char laterality[PF_FACT_ROOM];
    char year[5];                 /* of the study: four digits, or "" */
    char study[PF_FACT_UID_ROOM]; /* its UID: digits and dots, or "" */
} pf_facts;

/* Of bytes, or of the first of them as far as the pixels. A kind without facts has
 * none: no error. The others are those of pf_picture_decode(). */
PF_MUST_CHECK bool pf_facts_read(pf_facts *out, const uint8_t *bytes, size_t n,
                                 const char *name, pf_err *err);

/* Facts from anybody become such as are described above: what is not is taken out. */
void pf_facts_clean(pf_facts *facts);

#endif
