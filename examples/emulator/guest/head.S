/* Interrupt vectors and entry. Everything here runs in real mode. */
	.abiversion 2

/* Save the interrupted program and call a C handler with the vector number. */
	.macro	vector at, number
	.org	\at
	mtsprg	2, 1			/* r1 of the program */
	mfsprg	1, 0			/* top of this vCPU's kernel stack */
	stdu	1, -320(1)
	std	3, 64(1)
	li	3, \number
	b	common
	.endm

	.section .vectors, "ax"
base:
	.org	0x100			/* both vCPUs start here, r3 = number */
	b	start
	vector	0x300, 0x300		/* data storage */
	vector	0x380, 0x380		/* data segment */
	vector	0x400, 0x400		/* instruction storage */
	vector	0x480, 0x480		/* instruction segment */
	vector	0x700, 0x700		/* program */
	vector	0xc00, 0xc00		/* system call */

	.org	0x1000
start:
	lis	1, kstacks@h
	ori	1, 1, kstacks@l
	addi	4, 3, 1
	mulli	4, 4, 4096
	add	1, 1, 4
	addi	1, 1, -512
	mtsprg	0, 1
	mtsprg	3, 3			/* our number */
	lis	2, .TOC.@h
	ori	2, 2, .TOC.@l
	lis	12, boot@h
	ori	12, 12, boot@l
	mtctr	12
	bctrl				/* returns the user's stack pointer */
	mr	1, 3
	mfmsr	4
	ori	4, 4, 0x4030		/* PR, IR, DR */
	mtspr	27, 4			/* SRR1 */
	lis	4, 0x1000		/* TEXT */
	mtspr	26, 4			/* SRR0 */
	mfsprg	3, 3
	rfid

/* r3 = vector; r3 of the program is at 64(r1). */
common:
	std	0, 40(1)
	std	2, 56(1)
	std	4, 72(1)
	std	5, 80(1)
	std	6, 88(1)
	std	7, 96(1)
	std	8, 104(1)
	std	9, 112(1)
	std	10, 120(1)
	std	11, 128(1)
	std	12, 136(1)
	mflr	0
	std	0, 144(1)
	mfctr	0
	std	0, 152(1)
	mfcr	0
	std	0, 160(1)
	mfxer	0
	std	0, 168(1)
	mfspr	0, 26
	std	0, 176(1)
	mfspr	0, 27
	std	0, 184(1)
	mfsprg	0, 2
	std	0, 48(1)
	lis	2, .TOC.@h
	ori	2, 2, .TOC.@l
	addi	4, 1, 40		/* struct frame */
	lis	12, interrupt@h
	ori	12, 12, interrupt@l
	mtctr	12
	bctrl
	ld	0, 184(1)
	mtspr	27, 0
	ld	0, 176(1)
	mtspr	26, 0
	ld	0, 168(1)
	mtxer	0
	ld	0, 160(1)
	mtcrf	0xff, 0
	ld	0, 152(1)
	mtctr	0
	ld	0, 144(1)
	mtlr	0
	ld	0, 40(1)
	ld	2, 56(1)
	ld	3, 64(1)
	ld	4, 72(1)
	ld	5, 80(1)
	ld	6, 88(1)
	ld	7, 96(1)
	ld	8, 104(1)
	ld	9, 112(1)
	ld	10, 120(1)
	ld	11, 128(1)
	ld	12, 136(1)
	ld	1, 48(1)
	rfid

/* long hcall(u64 number, u64 a0, u64 a1, u64 a2, u64 a3): the return code. */
	.globl	hcall, hcall_result, start
hcall:
	sc	1
	blr

/* The same, but the first result if the call succeeded. */
hcall_result:
	sc	1
	cmpdi	3, 0
	bnelr
	mr	3, 4
	blr

/* Where the user program begins, in problem state. */
	.section .user.start, "ax"
	lis	2, .TOC.@h
	ori	2, 2, .TOC.@l
	lis	12, user_main@h
	ori	12, 12, user_main@l
	mtctr	12
	bctr

	.section .bss
	.balign	4096
kstacks:
	.space	2 * 4096
