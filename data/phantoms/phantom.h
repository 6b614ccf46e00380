/*
 * phantom.h - what a synthetic study shows, and the functions that draw it.
 *
 * A study is one patient with one main finding; its pictures (views) share the anatomy
 * through `person`. The patient's right is on the picture's left, as radiologists look.
 * Adding a finding? Also catalogue.c (names, classes), captions.c (words), queries.csv.
 */
#ifndef PF_DATA_PHANTOMS_PHANTOM_H
#define PF_DATA_PHANTOMS_PHANTOM_H

#include <stdint.h>

#include "data/phantoms/canvas.h"

typedef enum {
    PH_CHEST,
    PH_HEAD,
    PH_BRAIN,
    PH_ABDOMEN,
    PH_WRIST,
    PH_HIP,
    PH_KNEE,
    PH_ANKLE,
    PH_LUMBAR,
    PH_CERVICAL,
    PH_GALLBLADDER,
    PH_KIDNEY,
    PH_PREGNANCY,
    PH_BREAST,
} ph_anatomy;

typedef enum {
    PH_NORMAL,
    PH_EFFUSION,
    PH_PNEUMOTHORAX,
    PH_CONSOLIDATION,
    PH_NODULE,
    PH_CARDIOMEGALY,
    PH_PACEMAKER,
    PH_TRACHEAL_TUBE,
    PH_GASTRIC_TUBE,
    PH_SUBDURAL,
    PH_EPIDURAL,
    PH_HAEMORRHAGE,
    PH_SHIFT,
    PH_TUMOUR,
    PH_INFARCT,
    PH_WHITE_MATTER,
    PH_LIVER_LESION,
    PH_STONE,
    PH_HYDRONEPHROSIS,
    PH_FREE_AIR,
    PH_FRACTURE,
    PH_OSTEOARTHRITIS,
    PH_PROSTHESIS,
    PH_GALLSTONES,
    PH_CYST,
    PH_FETUS,
    PH_MASS,
    PH_CALCIFICATIONS,
    PH_FINDINGS, /* how many */
} ph_finding;

typedef enum { PH_NO_SIDE, PH_RIGHT, PH_LEFT, PH_BILATERAL } ph_side;
typedef enum { PH_NO_LOBE, PH_UPPER, PH_MIDDLE, PH_LOWER } ph_lobe;

typedef enum {
    PH_PA,
    PH_AP,
    PH_LATERAL,
    PH_AXIAL,
    PH_T1,
    PH_T2,
    PH_FLAIR,
    PH_LONG, /* ultrasound, long axis */
    PH_CC,
    PH_MLO,
} ph_view;

typedef struct {
    ph_anatomy anatomy;
    ph_finding finding;
    ph_side
        side; /* of the finding; of the limb or breast where the body part has one */
    ph_lobe lobe;
    ph_finding extra; /* a second, unsided finding, or PH_NORMAL for none */
    float severity;   /* 0 small .. 1 large */
    uint64_t person;  /* seed of the anatomy */
} ph_study;

/* Draw one picture of the study. `picture` seeds what differs between two exposures:
 * position, noise, windowing. */
void ph_draw(ph_canvas *c, const ph_study *s, ph_view view, uint64_t picture);

/* One per body region; `person` is fresh from the study's seed, `r` from the picture's.
 */
void ph_draw_chest_frontal(ph_canvas *c, const ph_study *s, ph_rng *person, ph_rng *r);
void ph_draw_chest_lateral(ph_canvas *c, const ph_study *s, ph_rng *person, ph_rng *r);
void ph_draw_head_ct(ph_canvas *c, const ph_study *s, ph_rng *person, ph_rng *r);
void ph_draw_brain_mr(ph_canvas *c, const ph_study *s, ph_view view, ph_rng *person,
                      ph_rng *r);
void ph_draw_abdomen(ph_canvas *c, const ph_study *s, ph_rng *person, ph_rng *r);
void ph_draw_limb(ph_canvas *c, const ph_study *s, ph_view view, ph_rng *person,
                  ph_rng *r);
void ph_draw_spine(ph_canvas *c, const ph_study *s, ph_view view, ph_rng *person,
                   ph_rng *r);
void ph_draw_ultrasound(ph_canvas *c, const ph_study *s, ph_rng *person, ph_rng *r);
void ph_draw_mammogram(ph_canvas *c, const ph_study *s, ph_view view, ph_rng *person,
                       ph_rng *r);

#endif
