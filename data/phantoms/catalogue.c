/*
 * catalogue.c - see catalogue.h.
 */
#include "data/phantoms/catalogue.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    ph_anatomy anatomy;
    ph_finding finding;
    ph_side side;
    ph_lobe lobe;
} study_class;

#define RIGHT_AND_LEFT(anatomy, finding)                                               \
    {anatomy, finding, PH_RIGHT, PH_NO_LOBE},                                          \
    {                                                                                  \
        anatomy, finding, PH_LEFT, PH_NO_LOBE                                          \
    }
#define UNSIDED(anatomy, finding)                                                      \
    {                                                                                  \
        anatomy, finding, PH_NO_SIDE, PH_NO_LOBE                                       \
    }

static const study_class classes[] = {
    UNSIDED(PH_CHEST, PH_NORMAL),
    RIGHT_AND_LEFT(PH_CHEST, PH_EFFUSION),
    {PH_CHEST, PH_EFFUSION, PH_BILATERAL, PH_NO_LOBE},
    RIGHT_AND_LEFT(PH_CHEST, PH_PNEUMOTHORAX),
    {PH_CHEST, PH_CONSOLIDATION, PH_RIGHT, PH_UPPER},
    {PH_CHEST, PH_CONSOLIDATION, PH_RIGHT, PH_MIDDLE},
    {PH_CHEST, PH_CONSOLIDATION, PH_RIGHT, PH_LOWER},
    {PH_CHEST, PH_CONSOLIDATION, PH_LEFT, PH_UPPER},
    {PH_CHEST, PH_CONSOLIDATION, PH_LEFT, PH_LOWER},
    RIGHT_AND_LEFT(PH_CHEST, PH_NODULE),
    UNSIDED(PH_CHEST, PH_CARDIOMEGALY),
    UNSIDED(PH_CHEST, PH_PACEMAKER),
    UNSIDED(PH_CHEST, PH_TRACHEAL_TUBE),
    UNSIDED(PH_CHEST, PH_GASTRIC_TUBE),
    UNSIDED(PH_HEAD, PH_NORMAL),
    RIGHT_AND_LEFT(PH_HEAD, PH_SUBDURAL),
    RIGHT_AND_LEFT(PH_HEAD, PH_EPIDURAL),
    RIGHT_AND_LEFT(PH_HEAD, PH_HAEMORRHAGE),
    UNSIDED(PH_BRAIN, PH_NORMAL),
    RIGHT_AND_LEFT(PH_BRAIN, PH_TUMOUR),
    RIGHT_AND_LEFT(PH_BRAIN, PH_INFARCT),
    UNSIDED(PH_BRAIN, PH_WHITE_MATTER),
    UNSIDED(PH_ABDOMEN, PH_NORMAL),
    UNSIDED(PH_ABDOMEN, PH_LIVER_LESION),
    RIGHT_AND_LEFT(PH_ABDOMEN, PH_STONE),
    RIGHT_AND_LEFT(PH_ABDOMEN, PH_HYDRONEPHROSIS),
    UNSIDED(PH_ABDOMEN, PH_FREE_AIR),
    RIGHT_AND_LEFT(PH_WRIST, PH_NORMAL),
    RIGHT_AND_LEFT(PH_WRIST, PH_FRACTURE),
    RIGHT_AND_LEFT(PH_HIP, PH_NORMAL),
    RIGHT_AND_LEFT(PH_HIP, PH_FRACTURE),
    RIGHT_AND_LEFT(PH_HIP, PH_PROSTHESIS),
    RIGHT_AND_LEFT(PH_KNEE, PH_NORMAL),
    RIGHT_AND_LEFT(PH_KNEE, PH_OSTEOARTHRITIS),
    RIGHT_AND_LEFT(PH_KNEE, PH_PROSTHESIS),
    RIGHT_AND_LEFT(PH_ANKLE, PH_NORMAL),
    RIGHT_AND_LEFT(PH_ANKLE, PH_FRACTURE),
    UNSIDED(PH_LUMBAR, PH_NORMAL),
    UNSIDED(PH_LUMBAR, PH_FRACTURE),
    UNSIDED(PH_CERVICAL, PH_NORMAL),
    UNSIDED(PH_CERVICAL, PH_FRACTURE),
    UNSIDED(PH_GALLBLADDER, PH_NORMAL),
    UNSIDED(PH_GALLBLADDER, PH_GALLSTONES),
    UNSIDED(PH_KIDNEY, PH_NORMAL),
    UNSIDED(PH_KIDNEY, PH_CYST),
    UNSIDED(PH_PREGNANCY, PH_FETUS),
    RIGHT_AND_LEFT(PH_BREAST, PH_NORMAL),
    RIGHT_AND_LEFT(PH_BREAST, PH_MASS),
    RIGHT_AND_LEFT(PH_BREAST, PH_CALCIFICATIONS),
};

static const char *const finding_names[PH_FINDINGS] = {
    [PH_NORMAL] = "normal",
    [PH_EFFUSION] = "pleural effusion",
    [PH_PNEUMOTHORAX] = "pneumothorax",
    [PH_CONSOLIDATION] = "consolidation",
    [PH_NODULE] = "nodule",
    [PH_CARDIOMEGALY] = "cardiomegaly",
    [PH_PACEMAKER] = "pacemaker",
    [PH_TRACHEAL_TUBE] = "endotracheal tube",
    [PH_GASTRIC_TUBE] = "nasogastric tube",
    [PH_SUBDURAL] = "subdural hematoma",
    [PH_EPIDURAL] = "epidural hematoma",
    [PH_HAEMORRHAGE] = "intraparenchymal hemorrhage",
    [PH_SHIFT] = "midline shift",
    [PH_TUMOUR] = "tumor",
    [PH_INFARCT] = "infarct",
    [PH_WHITE_MATTER] = "white matter lesions",
    [PH_LIVER_LESION] = "liver lesion",
    [PH_STONE] = "kidney stone",
    [PH_HYDRONEPHROSIS] = "hydronephrosis",
    [PH_FREE_AIR] = "free air",
    [PH_FRACTURE] = "fracture",
    [PH_OSTEOARTHRITIS] = "osteoarthritis",
    [PH_PROSTHESIS] = "prosthesis",
    [PH_GALLSTONES] = "gallstones",
    [PH_CYST] = "cyst",
    [PH_FETUS] = "fetus",
    [PH_MASS] = "mass",
    [PH_CALCIFICATIONS] = "calcifications",
};

int ph_classes(void)
{
    return (int)(sizeof classes / sizeof classes[0]);
}

ph_study ph_study_of(int i, ph_rng *r)
{
    const study_class *k = &classes[i];
    ph_study s = {k->anatomy, k->finding, k->side, k->lobe, PH_NORMAL, 0, 0};
    s.severity = ph_uniform(r, 0, 1);
    s.person = ph_rng_u64(r);
    const bool bleeds = k->finding == PH_SUBDURAL || k->finding == PH_EPIDURAL ||
                        k->finding == PH_HAEMORRHAGE;
    if (k->anatomy == PH_HEAD && bleeds && s.severity > 0.5f)
        s.extra = PH_SHIFT; /* the large ones push */
    if (k->anatomy == PH_CHEST && ph_chance(r, 0.12f)) {
        if (k->finding == PH_PACEMAKER || k->finding == PH_EFFUSION)
            s.extra = PH_CARDIOMEGALY;
        if (k->finding == PH_TRACHEAL_TUBE)
            s.extra = PH_GASTRIC_TUBE;
    }
    return s;
}

static int chest_views(const ph_study *s, ph_rng *r, ph_view views[PH_VIEWS_MAX])
{
    const bool portable =
        s->finding == PH_TRACHEAL_TUBE || s->finding == PH_GASTRIC_TUBE;
    views[0] = portable || ph_chance(r, 0.15f) ? PH_AP : PH_PA;
    if (views[0] == PH_AP)
        return 1;
    const bool seen_from_the_side =
        s->finding == PH_NORMAL || s->finding == PH_CONSOLIDATION ||
        s->finding == PH_PACEMAKER || s->finding == PH_CARDIOMEGALY ||
        s->finding == PH_EFFUSION;
    if (!seen_from_the_side || s->extra != PH_NORMAL || !ph_chance(r, 0.45f))
        return 1;
    views[1] = PH_LATERAL;
    return 2;
}

int ph_views_of(const ph_study *s, ph_rng *r, ph_view views[PH_VIEWS_MAX])
{
    switch (s->anatomy) {
    case PH_CHEST:
        return chest_views(s, r, views);
    case PH_HEAD:
    case PH_ABDOMEN:
        views[0] = PH_AXIAL;
        return 1;
    case PH_BRAIN:
        views[0] = PH_T1;
        views[1] = PH_T2;
        views[2] = PH_FLAIR;
        return 3;
    case PH_WRIST:
        views[0] = PH_PA;
        return 1;
    case PH_LUMBAR:
        views[0] = PH_AP;
        views[1] = PH_LATERAL;
        return 2;
    case PH_CERVICAL:
        views[0] = PH_LATERAL;
        return 1;
    case PH_GALLBLADDER:
    case PH_KIDNEY:
    case PH_PREGNANCY:
        views[0] = views[1] = PH_LONG;
        return ph_chance(r, 0.5f) ? 2 : 1;
    case PH_BREAST:
        views[0] = PH_CC;
        views[1] = PH_MLO;
        return 2;
    default:
        views[0] = PH_AP;
        return 1;
    }
}

ph_study ph_seen(const ph_study *s, ph_view view)
{
    ph_study seen = *s;
    if (s->anatomy == PH_CHEST && view == PH_LATERAL) {
        seen.side = PH_NO_SIDE;
        seen.lobe = PH_NO_LOBE;
    }
    return seen;
}

static const char *modality_of(ph_anatomy a)
{
    switch (a) {
    case PH_HEAD:
    case PH_ABDOMEN:
        return "CT";
    case PH_BRAIN:
        return "MR";
    case PH_GALLBLADDER:
    case PH_KIDNEY:
    case PH_PREGNANCY:
        return "US";
    case PH_BREAST:
        return "MG";
    default:
        return "XR";
    }
}

ph_row ph_row_of(const ph_study *s, ph_view view)
{
    static const char *const anatomies[] = {
        "chest",       "brain",  "brain",  "abdomen",      "wrist",
        "hip",         "knee",   "ankle",  "lumbar spine", "cervical spine",
        "gallbladder", "kidney", "uterus", "breast"};
    static const char *const views[] = {
        "PA",       "AP",          "lateral",   "axial", "axial T1",
        "axial T2", "axial FLAIR", "long axis", "CC",    "MLO"};
    static const char *const sides[] = {"", "right", "left", "bilateral"};
    static const char *const lobes[] = {"", "upper", "middle", "lower"};
    ph_row row = {modality_of(s->anatomy), anatomies[s->anatomy], views[view],
                  sides[s->side], ""};
    int n =
        snprintf(row.findings, sizeof row.findings, "%s", finding_names[s->finding]);
    if (s->lobe != PH_NO_LOBE)
        n += snprintf(row.findings + n, sizeof row.findings - (size_t)n, ";%s %s lobe",
                      sides[s->side], lobes[s->lobe]);
    if (s->extra != PH_NORMAL)
        snprintf(row.findings + n, sizeof row.findings - (size_t)n, ";%s",
                 finding_names[s->extra]);
    return row;
}
