/* The files of the page, byte for byte: from gate_page_NAME up to
   gate_page_NAME_end. The build says where they are (-I). */

#define EMBED(name, file)        \
  .global gate_page_##name;      \
  .global gate_page_##name##_end;\
  gate_page_##name:              \
  .incbin file;                  \
  gate_page_##name##_end:        \
  .byte 0;

  .section .rodata
EMBED(app_css, "app.css")
EMBED(app_js, "app.js")
EMBED(chart_js, "chart.min.js")
EMBED(favicon_svg, "favicon.svg")
EMBED(index_html, "index.html")

  .section .note.GNU-stack, "", %progbits
