/* font.S - DejaVu Sans, as it was installed where this was built, for glyphs.c: the
 * assembler takes it in as it is, which is faster than compiling 760,000 numbers. */
    .section .rodata
    .balign 16
    .global pf_font
    .type pf_font, %object
pf_font:
    .incbin PF_FONT
    .size pf_font, . - pf_font
    .section .note.GNU-stack, "", %progbits
