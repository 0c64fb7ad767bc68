/* The files of the page, byte for byte: from gate_page_NAME up to
   gate_page_NAME_end. The build says where they are (-I). */

#define GATE_PAGE_FILE(name, address, type, file) \
  .global gate_page_##name;                       \
  .global gate_page_##name##_end;                 \
  gate_page_##name: .incbin file;                 \
  gate_page_##name##_end: .byte 0;

  .section .rodata
#include "milter/web_page_files.inc"

  .section .note.GNU-stack, "", %progbits
