/*
 * captions.c - words for pictures: whole captions as in a report's first lines, and
 * short phrases as typed into a search box.
 *
 * In a pattern `$` stands for the side word. A pattern without `$` says nothing about
 * the side. Wording varies; what is said is always true of the picture.
 */
#include "data/phantoms/catalogue.h"

#include <stdio.h>
#include <string.h>

enum { PATTERNS = 7 };

typedef struct {
    ph_anatomy anatomy;
    ph_finding finding;
    const char *sided[PATTERNS];
    const char *plain[PATTERNS];
} wording;

static const wording words[] = {
    {PH_CHEST,
     PH_EFFUSION,
     {"$ pleural effusion", "$-sided pleural effusion", "pleural effusion on the $",
      "$ effusion", "$ pleural fluid", "fluid in the $ pleural space"},
     {"pleural effusion", "pleural fluid", "blunting of the costophrenic angle"}},
    {PH_CHEST,
     PH_PNEUMOTHORAX,
     {"$ pneumothorax", "$-sided pneumothorax", "pneumothorax on the $", "$ PTX",
      "collapsed $ lung with pneumothorax", "air in the $ pleural space"},
     {"pneumothorax", "PTX", "collapsed lung"}},
    {PH_CHEST,
     PH_CONSOLIDATION,
     {"$ lung consolidation", "$ pneumonia", "$-sided consolidation",
      "$ lung airspace opacity"},
     {"consolidation", "pneumonia", "airspace opacity", "lung infiltrate"}},
    {PH_CHEST,
     PH_NODULE,
     {"$ lung nodule", "$ pulmonary nodule", "nodule in the $ lung",
      "solitary pulmonary nodule on the $", "$-sided lung nodule", "$ coin lesion"},
     {"pulmonary nodule", "lung nodule", "solitary pulmonary nodule", "coin lesion"}},
    {PH_CHEST,
     PH_CARDIOMEGALY,
     {NULL},
     {"cardiomegaly", "enlarged heart", "enlarged cardiac silhouette",
      "increased cardiothoracic ratio"}},
    {PH_CHEST,
     PH_PACEMAKER,
     {NULL},
     {"pacemaker", "cardiac pacemaker with leads", "dual chamber pacemaker",
      "pacemaker in situ"}},
    {PH_CHEST,
     PH_TRACHEAL_TUBE,
     {NULL},
     {"endotracheal tube", "ET tube", "ETT in the trachea", "intubated patient"}},
    {PH_CHEST,
     PH_GASTRIC_TUBE,
     {NULL},
     {"nasogastric tube", "NG tube", "gastric tube in the stomach", "NGT in situ"}},
    {PH_HEAD,
     PH_SUBDURAL,
     {"$ subdural hematoma", "$ SDH", "acute subdural hematoma on the $",
      "$-sided subdural haematoma", "crescentic extra-axial hemorrhage on the $"},
     {"subdural hematoma", "SDH", "acute subdural haematoma"}},
    {PH_HEAD,
     PH_EPIDURAL,
     {"$ epidural hematoma", "$ EDH", "$ extradural haematoma",
      "epidural hematoma on the $", "lentiform extra-axial hemorrhage on the $"},
     {"epidural hematoma", "EDH", "extradural haematoma"}},
    {PH_HEAD,
     PH_HAEMORRHAGE,
     {"$ intraparenchymal hemorrhage", "$ intracerebral hemorrhage", "$ ICH",
      "$ basal ganglia hemorrhage", "intracerebral haemorrhage on the $"},
     {"intraparenchymal hemorrhage", "intracerebral hemorrhage", "ICH"}},
    {PH_HEAD, PH_SHIFT, {NULL}, {"midline shift", "shift of the midline"}},
    {PH_BRAIN,
     PH_TUMOUR,
     {"$ brain tumor", "$ hemisphere tumor", "$ cerebral mass", "$ glioma",
      "tumour in the $ hemisphere", "$ intra-axial mass"},
     {"brain tumor", "intra-axial mass", "brain tumour", "glioma"}},
    {PH_BRAIN,
     PH_INFARCT,
     {"$ MCA infarct", "$ cerebral infarct", "$ ischemic stroke",
      "infarct in the $ MCA territory", "$ hemisphere infarction", "$ brain infarct"},
     {"brain infarct", "ischemic stroke", "cerebral infarction"}},
    {PH_BRAIN,
     PH_WHITE_MATTER,
     {NULL},
     {"white matter lesions", "periventricular white matter lesions",
      "multiple white matter lesions", "demyelinating plaques"}},
    {PH_ABDOMEN,
     PH_LIVER_LESION,
     {NULL},
     {"liver lesion", "hepatic lesion", "liver mass", "focal liver lesion",
      "hypodense lesion in the liver"}},
    {PH_ABDOMEN,
     PH_STONE,
     {"$ kidney stone", "$ renal calculus", "$ nephrolithiasis",
      "stone in the $ kidney", "$ renal stone"},
     {"kidney stone", "renal calculus", "nephrolithiasis"}},
    {PH_ABDOMEN,
     PH_HYDRONEPHROSIS,
     {"$ hydronephrosis", "$-sided hydronephrosis", "hydronephrosis of the $ kidney",
      "dilated $ renal pelvis"},
     {"hydronephrosis", "dilated renal pelvis"}},
    {PH_ABDOMEN,
     PH_FREE_AIR,
     {NULL},
     {"free air", "pneumoperitoneum", "free intraperitoneal air",
      "free gas in the abdomen"}},
    {PH_WRIST,
     PH_FRACTURE,
     {"$ wrist fracture", "$ distal radius fracture", "fracture of the $ distal radius",
      "$ Colles fracture", "$ radius fracture", "broken $ wrist"},
     {"wrist fracture", "distal radius fracture", "Colles fracture",
      "fracture of the distal radius"}},
    {PH_HIP,
     PH_FRACTURE,
     {"$ hip fracture", "$ femoral neck fracture", "fracture of the $ femoral neck",
      "$ proximal femur fracture", "broken $ hip"},
     {"hip fracture", "femoral neck fracture", "fracture of the femoral neck"}},
    {PH_HIP,
     PH_PROSTHESIS,
     {"$ hip prosthesis", "$ total hip replacement", "$ hip arthroplasty", "$ THR",
      "prosthesis of the $ hip"},
     {"hip prosthesis", "total hip replacement", "hip arthroplasty"}},
    {PH_KNEE,
     PH_OSTEOARTHRITIS,
     {"$ knee osteoarthritis", "osteoarthritis of the $ knee", "$ knee arthrosis",
      "$ knee OA", "degenerative change of the $ knee"},
     {"knee osteoarthritis", "osteoarthritis of the knee", "knee arthrosis"}},
    {PH_KNEE,
     PH_PROSTHESIS,
     {"$ knee prosthesis", "$ total knee replacement", "$ knee arthroplasty", "$ TKR",
      "prosthesis of the $ knee"},
     {"knee prosthesis", "total knee replacement", "knee arthroplasty"}},
    {PH_ANKLE,
     PH_FRACTURE,
     {"$ ankle fracture", "$ lateral malleolus fracture",
      "fracture of the $ lateral malleolus", "$ distal fibula fracture",
      "broken $ ankle"},
     {"ankle fracture", "lateral malleolus fracture", "distal fibula fracture"}},
    {PH_LUMBAR,
     PH_FRACTURE,
     {NULL},
     {"lumbar compression fracture", "lumbar spine fracture",
      "compression fracture of a lumbar vertebra", "vertebral compression fracture"}},
    {PH_CERVICAL,
     PH_FRACTURE,
     {NULL},
     {"cervical spine fracture", "cervical fracture with subluxation",
      "fracture dislocation of the cervical spine", "broken neck"}},
    {PH_GALLBLADDER,
     PH_GALLSTONES,
     {NULL},
     {"gallstones", "cholelithiasis", "gallbladder stones",
      "stones in the gallbladder with shadowing"}},
    {PH_KIDNEY,
     PH_CYST,
     {NULL},
     {"renal cyst", "kidney cyst", "simple renal cyst", "cyst of the kidney"}},
    {PH_PREGNANCY,
     PH_FETUS,
     {NULL},
     {"fetus", "intrauterine pregnancy", "fetal ultrasound", "obstetric ultrasound",
      "foetus in the uterus"}},
    {PH_BREAST,
     PH_MASS,
     {"$ breast mass", "mass in the $ breast", "spiculated mass in the $ breast",
      "$ breast cancer", "$ breast tumor"},
     {"breast mass", "spiculated breast mass", "breast cancer"}},
    {PH_BREAST,
     PH_CALCIFICATIONS,
     {"$ breast calcifications", "calcifications in the $ breast",
      "clustered microcalcifications in the $ breast", "$ breast microcalcifications"},
     {"breast calcifications", "clustered microcalcifications",
      "breast microcalcifications"}},
};

/* What kind of picture it is; `$` as above. */
typedef struct {
    ph_anatomy anatomy;
    const char *plain[PATTERNS]; /* modality and anatomy */
    const char *sided[3];        /* the same with the side of a limb or breast */
    const char *normal[4];       /* findings of a normal picture */
    const char *no[4];           /* negations, true unless ... */
    ph_finding unless[4];        /* ... this is the finding */
} region;

static const region regions[] = {
    {PH_CHEST,
     {"chest x-ray", "chest radiograph", "CXR"},
     {NULL},
     {"normal chest", "clear lungs", "no acute cardiopulmonary abnormality",
      "no acute disease"},
     {"No pneumothorax.", "No pleural effusion.", "No consolidation.",
      "No fracture of the ribs."},
     {PH_PNEUMOTHORAX, PH_EFFUSION, PH_CONSOLIDATION, PH_FINDINGS}},
    {PH_HEAD,
     {"head CT", "CT head", "brain CT", "CT of the brain", "non-contrast head CT"},
     {NULL},
     {"normal brain", "no intracranial hemorrhage", "no acute intracranial abnormality",
      "unremarkable study"},
     {"No skull fracture.", "No hydrocephalus.", "Basal cisterns patent.", "No mass."},
     {PH_FINDINGS, PH_FINDINGS, PH_FINDINGS, PH_FINDINGS}},
    {PH_BRAIN,
     {"brain MRI", "MRI of the brain", "MR brain", "MRI head"},
     {NULL},
     {"normal brain", "no focal lesion", "no mass or infarct", "unremarkable study"},
     {"No hemorrhage.", "No hydrocephalus.", "No infarct.", "No mass."},
     {PH_FINDINGS, PH_FINDINGS, PH_INFARCT, PH_TUMOUR}},
    {PH_ABDOMEN,
     {"abdominal CT", "CT abdomen", "CT of the abdomen", "abdomen CT scan"},
     {NULL},
     {"normal abdomen", "no acute abnormality", "no stone, free air or focal lesion",
      "unremarkable study"},
     {"No free air.", "No hydronephrosis.", "No ascites.", "No focal liver lesion."},
     {PH_FREE_AIR, PH_HYDRONEPHROSIS, PH_FINDINGS, PH_LIVER_LESION}},
    {PH_WRIST,
     {"wrist x-ray", "wrist radiograph", "radiograph of the wrist"},
     {"$ wrist x-ray", "$ wrist radiograph", "x-ray of the $ wrist"},
     {"normal $ wrist", "$ wrist, no fracture", "no fracture of the $ wrist",
      "$ wrist without fracture"},
     {"Carpal alignment preserved.", "No carpal fracture.", "No foreign body.",
      "Soft tissue swelling."},
     {PH_FINDINGS, PH_FINDINGS, PH_FINDINGS, PH_NORMAL}},
    {PH_HIP,
     {"hip x-ray", "hip radiograph", "radiograph of the hip"},
     {"$ hip x-ray", "$ hip radiograph", "x-ray of the $ hip"},
     {"normal $ hip", "$ hip, no fracture", "no fracture of the $ hip",
      "$ hip without fracture"},
     {"No dislocation.", "No fracture of the pubic rami.", "No lytic lesion.",
      "Normal mineralisation."},
     {PH_FINDINGS, PH_FINDINGS, PH_FINDINGS, PH_FINDINGS}},
    {PH_KNEE,
     {"knee x-ray", "knee radiograph", "radiograph of the knee"},
     {"$ knee x-ray", "$ knee radiograph", "x-ray of the $ knee"},
     {"normal $ knee", "$ knee, no fracture", "$ knee with preserved joint space",
      "normal joint space of the $ knee"},
     {"No fracture.", "No joint effusion.", "No dislocation.", "No loose body."},
     {PH_FINDINGS, PH_FINDINGS, PH_FINDINGS, PH_FINDINGS}},
    {PH_ANKLE,
     {"ankle x-ray", "ankle radiograph", "radiograph of the ankle"},
     {"$ ankle x-ray", "$ ankle radiograph", "x-ray of the $ ankle"},
     {"normal $ ankle", "$ ankle, no fracture", "no fracture of the $ ankle",
      "$ ankle without fracture"},
     {"Talar dome intact.", "No medial malleolus fracture.", "No foreign body.",
      "Soft tissue swelling."},
     {PH_FINDINGS, PH_FINDINGS, PH_FINDINGS, PH_NORMAL}},
    {PH_LUMBAR,
     {"lumbar spine x-ray", "lumbar spine radiograph", "L-spine", "lumbar spine"},
     {NULL},
     {"normal lumbar spine", "no vertebral fracture", "vertebral heights preserved",
      "normal lumbar alignment"},
     {"No spondylolysis.", "Pedicles intact.", "No scoliosis.",
      "Disc spaces preserved."},
     {PH_FINDINGS, PH_FINDINGS, PH_FINDINGS, PH_FINDINGS}},
    {PH_CERVICAL,
     {"cervical spine x-ray", "cervical spine radiograph", "C-spine", "cervical spine"},
     {NULL},
     {"normal cervical spine", "no cervical fracture", "normal cervical alignment",
      "no subluxation"},
     {"Dens intact.", "No foreign body.", "Airway patent.", "No opaque calculus."},
     {PH_FINDINGS, PH_FINDINGS, PH_FINDINGS, PH_FINDINGS}},
    {PH_GALLBLADDER,
     {"gallbladder ultrasound", "ultrasound of the gallbladder", "US gallbladder",
      "right upper quadrant ultrasound"},
     {NULL},
     {"normal gallbladder", "no gallstones", "gallbladder without stones",
      "anechoic gallbladder"},
     {"No wall thickening.", "No pericholecystic fluid.", "Common duct not dilated.",
      "Murphy sign negative."},
     {PH_FINDINGS, PH_FINDINGS, PH_FINDINGS, PH_FINDINGS}},
    {PH_KIDNEY,
     {"renal ultrasound", "kidney ultrasound", "ultrasound of the kidney", "US kidney"},
     {NULL},
     {"normal kidney", "no hydronephrosis or cyst", "kidney of normal echotexture",
      "unremarkable kidney"},
     {"No hydronephrosis.", "No stone.", "Normal size.", "No perinephric fluid."},
     {PH_FINDINGS, PH_FINDINGS, PH_FINDINGS, PH_FINDINGS}},
    {PH_PREGNANCY,
     {"pregnancy ultrasound", "obstetric sonogram", "uterus ultrasound"},
     {NULL},
     {"fetus", "fetus", "fetus", "fetus"},
     {"Normal amniotic fluid.", "No subchorionic hematoma.", "Single fetus.",
      "Heartbeat seen."},
     {PH_FINDINGS, PH_FINDINGS, PH_FINDINGS, PH_FINDINGS}},
    {PH_BREAST,
     {"mammogram", "mammography", "breast mammogram"},
     {"$ mammogram", "$ breast mammogram", "mammography of the $ breast"},
     {"normal $ breast", "no mass in the $ breast", "normal $ mammogram",
      "$ breast without suspicious finding"},
     {"No skin thickening.", "No axillary adenopathy.", "No architectural distortion.",
      "BI-RADS assessment given."},
     {PH_FINDINGS, PH_FINDINGS, PH_MASS, PH_FINDINGS}},
};

static const region *region_of(ph_anatomy a)
{
    for (size_t i = 0; i < sizeof regions / sizeof regions[0]; i++)
        if (regions[i].anatomy == a)
            return &regions[i];
    return &regions[0];
}

static const wording *wording_of(ph_anatomy a, ph_finding f)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (words[i].anatomy == a && words[i].finding == f)
            return &words[i];
    return NULL;
}

static const char *one_of(const char *const *list, int max, ph_rng *r)
{
    int n = 0;
    while (n < max && list[n])
        n++;
    if (n == 0)
        return NULL;
    /* the first wording is the usual one */
    return ph_chance(r, 0.3f) ? list[0] : list[ph_pick(r, n)];
}

static bool add_pattern(pf_buf *out, const char *pattern, ph_side side, bool short_side,
                        pf_err *err)
{
    static const char *const names[] = {"", "right", "left", "bilateral"};
    static const char *const letters[] = {"", "R", "L", "bilateral"};
    for (const char *p = pattern; *p; p++) {
        if (*p != '$') {
            if (!pf_buf_add(out, p, 1, err))
                return false;
        } else if (!pf_buf_add_str(out, short_side ? letters[side] : names[side], err))
            return false;
    }
    return true;
}

/* --- the finding in words ------------------------------------------------------------
 */

static const char *lobe_pattern(const ph_study *s, ph_rng *r)
{
    static const char *const upper[] = {
        "$ upper lobe consolidation", "$ upper lobe pneumonia",
        "consolidation in the $ upper lobe", "$ upper lobe airspace opacity"};
    static const char *const middle[] = {
        "$ middle lobe consolidation", "$ middle lobe pneumonia",
        "consolidation in the $ middle lobe", "$ middle lobe airspace opacity"};
    static const char *const lower[] = {
        "$ lower lobe consolidation", "$ lower lobe pneumonia",
        "consolidation in the $ lower lobe", "$ lower lobe airspace opacity"};
    static const char *const letters[][4] = {
        {"", "RUL consolidation", "RML consolidation", "RLL consolidation"},
        {"", "LUL consolidation", "", "LLL consolidation"}};
    if (ph_chance(r, 0.2f))
        return letters[s->side == PH_LEFT][s->lobe];
    const char *const *list = s->lobe == PH_UPPER    ? upper
                              : s->lobe == PH_MIDDLE ? middle
                                                     : lower;
    return one_of(list, 4, r);
}

static const char *sided_pattern(const ph_study *s, ph_rng *r)
{
    if (s->lobe != PH_NO_LOBE)
        return lobe_pattern(s, r);
    if (s->finding == PH_NORMAL)
        return one_of(region_of(s->anatomy)->normal, 4, r);
    const wording *w = wording_of(s->anatomy, s->finding);
    if (s->side == PH_BILATERAL) { /* "on the bilateral" is no English */
        static const char *const both[] = {
            "bilateral pleural effusions", "bilateral pleural effusion",
            "pleural effusions on both sides", "bilateral effusions"};
        return one_of(both, 4, r);
    }
    const char *p = s->side == PH_NO_SIDE ? NULL : one_of(w->sided, PATTERNS, r);
    return p ? p : one_of(w->plain, PATTERNS, r);
}

static bool add_size(pf_buf *out, const ph_study *s, ph_rng *r, pf_err *err)
{
    const bool sized = s->finding == PH_EFFUSION || s->finding == PH_PNEUMOTHORAX ||
                       s->finding == PH_SUBDURAL || s->finding == PH_EPIDURAL ||
                       s->finding == PH_HAEMORRHAGE;
    if (!sized || !ph_chance(r, 0.5f))
        return true;
    return pf_buf_add_str(out,
                          s->severity < 0.33f   ? "small "
                          : s->severity < 0.67f ? "moderate "
                                                : "large ",
                          err);
}

static bool add_finding(pf_buf *out, const ph_study *s, bool with_size, ph_rng *r,
                        pf_err *err)
{
    if (with_size && !add_size(out, s, r, err))
        return false;
    const char *pattern = sided_pattern(s, r);
    return add_pattern(out, pattern, s->side, ph_chance(r, 0.08f), err);
}

/* --- kinds of pictures
 * ----------------------------------------------------------------- */

static const char *view_word(ph_view view)
{
    static const char *const names[] = {"PA", "AP",    "lateral", "axial", "T1",
                                        "T2", "FLAIR", "",        "CC",    "MLO"};
    return names[view];
}

/* "PA chest x-ray", "T2 brain MRI", "left mammogram, MLO view". */
static bool add_kind(pf_buf *out, const ph_study *s, ph_view view, bool with_side,
                     bool with_view, ph_rng *r, pf_err *err)
{
    const region *g = region_of(s->anatomy);
    const char *p = with_side ? one_of(g->sided, 3, r) : NULL;
    if (!p)
        p = one_of(g->plain, PATTERNS, r);
    const char *v = view_word(view);
    const bool in_front = with_view && v[0] && ph_chance(r, 0.6f);
    if (in_front && !pf_buf_addf(out, err, "%s ", v))
        return false;
    if (!add_pattern(out, p, s->side, false, err))
        return false;
    if (with_view && v[0] && !in_front)
        return pf_buf_addf(out, err,
                           view >= PH_T1 && view <= PH_FLAIR ? ", %s" : ", %s view", v);
    return true;
}

static bool add_extra(pf_buf *out, const ph_study *s, ph_rng *r, pf_err *err)
{
    if (s->extra == PH_NORMAL)
        return true;
    const wording *w = wording_of(s->anatomy, s->extra);
    return pf_buf_addf(out, err, " with %s", one_of(w->plain, PATTERNS, r));
}

static bool add_negation(pf_buf *out, const ph_study *s, ph_rng *r, pf_err *err)
{
    const region *g = region_of(s->anatomy);
    const int i = ph_pick(r, 4);
    if (!ph_chance(r, 0.6f) || g->unless[i] == s->finding || g->unless[i] == s->extra)
        return true;
    return pf_buf_addf(out, err, " %s", g->no[i]);
}

static void capital(pf_buf *out, size_t at)
{
    if (at < out->size && out->data[at] >= 'a' && out->data[at] <= 'z')
        out->data[at] = (char)(out->data[at] - 'a' + 'A');
}

bool ph_caption(pf_buf *out, const ph_study *s, ph_view view, ph_rng *r, pf_err *err)
{
    const size_t start = out->size;
    const int form = ph_pick(r, 3);
    if (form == 0) { /* "CXR, PA view: moderate right pleural effusion. No ..." */
        if (!add_kind(out, s, view, false, true, r, err) ||
            !pf_buf_add_str(out, ": ", err) || !add_finding(out, s, true, r, err) ||
            !add_extra(out, s, r, err) || !pf_buf_add_str(out, ".", err))
            return false;
    } else if (form == 1) { /* "Right pleural effusion. PA chest radiograph. No ..." */
        if (!add_finding(out, s, true, r, err) || !add_extra(out, s, r, err) ||
            !pf_buf_add_str(out, ". ", err))
            return false;
        const size_t second = out->size;
        if (!add_kind(out, s, view, true, true, r, err) ||
            !pf_buf_add_str(out, ".", err))
            return false;
        capital(out, second);
    } else { /* "Right pleural effusion on PA chest radiograph. No ..." */
        if (!add_finding(out, s, true, r, err) || !add_extra(out, s, r, err) ||
            !pf_buf_add_str(out, " on ", err) ||
            !add_kind(out, s, view, false, true, r, err) ||
            !pf_buf_add_str(out, ".", err))
            return false;
    }
    capital(out, start);
    return add_negation(out, s, r, err);
}

/* --- phrases -------------------------------------------------------------------------
 */

bool ph_phrase(pf_buf *out, ph_row *need, const ph_study *s, ph_view view, ph_rng *r,
               pf_err *err)
{
    const ph_row row = ph_row_of(s, view);
    const bool limb = region_of(s->anatomy)->sided[0] != NULL;
    *need = (ph_row){"", row.anatomy, "", "", ""};
    int form = ph_pick(r, 10);
    if (s->extra != PH_NORMAL && form == 9) {
        ph_study only = *s;
        only.finding = s->extra;
        only.extra = PH_NORMAL;
        only.side = PH_NO_SIDE;
        only.lobe = PH_NO_LOBE;
        *need = ph_row_of(&only, view);
        need->view = need->side = "";
        return add_pattern(out,
                           one_of(wording_of(s->anatomy, s->extra)->plain, PATTERNS, r),
                           PH_NO_SIDE, false, err);
    }
    if (form >= 7) { /* the kind of picture, with side and view or not */
        const bool with_side = limb && ph_chance(r, 0.6f),
                   with_view = ph_chance(r, 0.5f);
        need->modality = row.modality;
        need->side = with_side ? row.side : "";
        /* "axial" and the frontal views are not told apart by looking */
        need->view = with_view ? row.view : "";
        return add_kind(out, s, view, with_side, with_view, r, err);
    }
    ph_study main = *s; /* what the words below speak of */
    main.extra = PH_NORMAL;
    need->modality = s->finding == PH_NORMAL ? row.modality : "";
    if (form >= 5 && s->finding != PH_NORMAL) { /* without the side */
        main.lobe = PH_NO_LOBE;
        main.side = PH_NO_SIDE;
    }
    const ph_row said = ph_row_of(&main, view);
    need->side = said.side;
    snprintf(need->findings, sizeof need->findings, "%s", said.findings);
    if (s->finding == PH_NORMAL && !limb) /* "unremarkable study" needs its region */
        return pf_buf_addf(
                   out, err, "%s ",
                   one_of((const char *const[]){"normal", "unremarkable"}, 2, r)) &&
               add_kind(out, s, view, false, false, r, err);
    const bool with_kind = form == 4;
    if (!add_finding(out, &main, false, r, err))
        return false;
    if (!with_kind)
        return true;
    need->modality = row.modality;
    return pf_buf_add_str(out, " on ", err) &&
           add_kind(out, s, view, false, false, r, err);
}
