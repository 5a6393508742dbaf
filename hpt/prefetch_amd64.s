//go:build amd64 && !race && !purego && !explore

#include "textflag.h"
#include "go_asm.h"
#include "key_amd64.h"

// Fetching what is going to be written. A prefetch changes nothing that a program
// can see, and one of a line that is not used costs only time.

// PREFETCHW (R8) and 64(R8) fetch lines in order to write them. The assembler has
// no name for it; a processor without it does nothing.
#define PREFETCHW \
	BYTE $0x41; BYTE $0x0f; BYTE $0x0d; BYTE $0x08
#define PREFETCHW64 \
	BYTE $0x41; BYTE $0x0f; BYTE $0x0d; BYTE $0x48; BYTE $0x40

// GROUP points R8 at the primary group of the key at SI, and goes to the next.
#define GROUP \
	HASH(SI, R8, R9, R10);     \
	ANDQ Table_mask(DI), R8;   \
	SHLQ $7, R8;               \
	ADDQ Table_slots(DI), R8;  \
	ADDQ $KEY_BYTES, SI

// func prefetchRead(t *Table, keys *pte.Key, n uint64)
//
// The primary groups of n keys; n is not 0.
TEXT ·prefetchRead(SB), NOSPLIT, $0-24
	MOVQ t+0(FP), DI
	MOVQ keys+8(FP), SI
	MOVQ n+16(FP), CX

group:
	GROUP
	PREFETCHT0 (R8)
	PREFETCHT0 64(R8)
	DECQ CX
	JNZ  group
	RET

// func prefetchWrite(t *Table, keys *pte.Key, n uint64)
TEXT ·prefetchWrite(SB), NOSPLIT, $0-24
	MOVQ t+0(FP), DI
	MOVQ keys+8(FP), SI
	MOVQ n+16(FP), CX

group:
	GROUP
	PREFETCHW
	PREFETCHW64
	DECQ CX
	JNZ  group
	RET

// func prefetchSlots(t *Table, refs *pte.Ref, n uint64)
//
// The slots that n hints name; n is not 0.
TEXT ·prefetchSlots(SB), NOSPLIT, $0-24
	MOVQ t+0(FP), DI
	MOVQ refs+8(FP), SI
	MOVQ n+16(FP), CX

slot:
	HASH(SI, R8, R9, R10)
	MOVBLZX REF_HINT(SI), R9
	MOVL    R9, R10
	ANDL    $8, R10
	NEGQ    R10
	SARQ    $3, R10   // all ones for the secondary group
	XORQ    R10, R8
	ANDQ    Table_mask(DI), R8
	SHLQ    $3, R8
	ANDL    $7, R9
	ORQ     R9, R8
	SHLQ    $4, R8
	ADDQ    Table_slots(DI), R8
	PREFETCHW
	ADDQ    $REF_BYTES, SI
	DECQ    CX
	JNZ     slot
	RET
