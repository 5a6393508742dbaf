//go:build amd64 && !race && !purego && !explore

#include "textflag.h"
#include "go_asm.h"
#include "key_amd64.h"

// Fetching what is needed soon, and removing many entries. A prefetch changes
// nothing that a program can see, and one of a line that is not used costs only time.

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

// SLOT points R8 at the slot that the hint at ref names; the hash is complemented
// for the secondary group. R9 and R10 are lost.
#define SLOT(ref) \
	HASH(ref, R8, R9, R10);       \
	MOVBLZX REF_HINT(ref), R9;    \
	MOVL    R9, R10;              \
	ANDL    $IN_SECONDARY, R10;   \
	NEGQ    R10;                  \
	SARQ    $3, R10;              \
	XORQ    R10, R8;              \
	ANDQ    Table_mask(DI), R8;   \
	SHLQ    $3, R8;               \
	ANDL    $7, R9;               \
	ORQ     R9, R8;               \
	SHLQ    $4, R8;               \
	ADDQ    Table_slots(DI), R8

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

// func prefetchHashes(t *Table, hashes *pte.Hash, n uint64)
//
// The primary groups of n hashes; n is not 0.
TEXT ·prefetchHashes(SB), NOSPLIT, $0-24
	MOVQ t+0(FP), DI
	MOVQ hashes+8(FP), SI
	MOVQ n+16(FP), CX

group:
	MOVQ (SI), R8
	ANDQ Table_mask(DI), R8
	SHLQ $7, R8
	ADDQ Table_slots(DI), R8
	PREFETCHT0 (R8)
	PREFETCHT0 64(R8)
	ADDQ $8, SI
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

// func invalidateChunk(t *Table, refs *pte.Ref, n, ahead uint64) (removed uint64)
//
// Removes the entries that n hints name, and fetches the slots of those 16
// further on, as long as there are: ahead of them. n is not 0. For memory order
// see change.
TEXT ·invalidateChunk(SB), NOSPLIT, $0-40
	MOVQ t+0(FP), DI
	MOVQ refs+8(FP), SI
	MOVQ ahead+24(FP), R13
	MOVQ $0, removed+32(FP)

ref:
	TESTQ R13, R13
	JZ    remove
	DECQ  R13
	LEAQ  16*REF_BYTES(SI), R11
	SLOT(R11)
	PREFETCHW

remove:
	SLOT(SI)
	CMPB    REF_HINT(SI), $HASHED
	JCS     next                   // no hint
	WANT(SI, R11, R9, R10)
	MOVBLZX REF_HINT(SI), R9
	ANDL    $IN_SECONDARY, R9
	SHRL    $2, R9                 // H
	ORQ     R9, R11
	BSWAPQ  R11
	MOVQ    $0x83ffffffffffffff, R12 // VMatch as it lies in memory
	VMOVDQA (R8), X0
	VMOVQ   X0, AX
	VPEXTRQ $1, X0, DX
	XORL    BX, BX
	XORL    CX, CX

look:
	MOVQ AX, R9
	ANDQ R12, R9
	CMPQ R9, R11
	JNE  next
	LOCK
	CMPXCHG16B (R8)
	JNE  look
	INCQ removed+32(FP)

next:
	ADDQ $REF_BYTES, SI
	DECQ n+16(FP)
	JNZ  ref
	RET

// func prefetchSlots(t *Table, refs *pte.Ref, n uint64)
//
// The slots that n hints name; n is not 0.
TEXT ·prefetchSlots(SB), NOSPLIT, $0-24
	MOVQ t+0(FP), DI
	MOVQ refs+8(FP), SI
	MOVQ n+16(FP), CX

slot:
	SLOT(SI)
	PREFETCHW
	ADDQ $REF_BYTES, SI
	DECQ CX
	JNZ  slot
	RET
