/* SPDX-License-Identifier: ISC */
/* The page of mstat-report, as it was built, as bytes. */
	.section .rodata
	.global report_page, report_page_end
report_page:
	.incbin PAGE
report_page_end:
	.byte 0
	.section .note.GNU-stack,"",%progbits
