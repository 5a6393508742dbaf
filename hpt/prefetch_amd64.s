//go:build amd64 && !race && !purego && !explore

#include "textflag.h"
#include "go_asm.h"
#include "key_amd64.h"

// Fetching what is needed soon, and removing many entries. A prefetch changes
// nothing that a program can see, and one of a line that is not used costs only time.

// func prefetchRead(t *Table, keys *pte.Key, n uint64)
//
// The primary groups of n keys; n is not 0.
TEXT ·prefetchRead(SB), NOSPLIT, $0-24
	MOVQ t+0(FP), DI
	MOVQ keys+8(FP), SI
	MOVQ n+16(FP), CX

group:
	HASH(SI, R8, R9, R10)
	GROUP(DI, R8)
	PREFETCHT0 (R8)
	PREFETCHT0 64(R8)
	ADDQ $KEY_BYTES, SI
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
	GROUP(DI, R8)
	PREFETCHT0 (R8)
	PREFETCHT0 64(R8)
	ADDQ $8, SI
	DECQ CX
	JNZ  group
	RET

// func prefetchWrite(t *Table, keys *pte.Key, n uint64)
//
// prefetchRead, in order to write the groups.
TEXT ·prefetchWrite(SB), NOSPLIT, $0-24
	MOVQ t+0(FP), DI
	MOVQ keys+8(FP), SI
	MOVQ n+16(FP), CX

group:
	HASH(SI, R8, R9, R10)
	GROUP(DI, R8)
	PREFETCHW
	PREFETCHW64
	ADDQ $KEY_BYTES, SI
	DECQ CX
	JNZ  group
	RET

// func prefetchPairs(t *Table, keys *pte.Key, n uint64)
//
// Both groups of n keys, the primary ones in order to write them.
TEXT ·prefetchPairs(SB), NOSPLIT, $0-24
	MOVQ t+0(FP), DI
	MOVQ keys+8(FP), SI
	MOVQ n+16(FP), CX

pair:
	HASH(SI, R11, R9, R10)
	MOVQ R11, R8
	GROUP(DI, R8)
	PREFETCHW
	PREFETCHW64
	NOTQ R11
	GROUP(DI, R11)
	PREFETCHT0 (R11)
	PREFETCHT0 64(R11)
	ADDQ $KEY_BYTES, SI
	DECQ CX
	JNZ  pair
	RET

// func invalidateChunk(t *Table, refs *pte.Ref, n, ahead uint64) (removed uint64)
//
// Removes the entries that n hints name, at least 1, and fetches the slots of those
// batchAhead further on, of which there are ahead. For memory order see change.
TEXT ·invalidateChunk(SB), NOSPLIT, $0-40
	MOVQ t+0(FP), DI
	MOVQ refs+8(FP), SI
	MOVQ ahead+24(FP), R13
	MOVQ $MATCH, R12
	MOVQ $0, removed+32(FP)

ref:
	TESTQ R13, R13
	JZ    named
	DECQ  R13
	KEY_HASH(const_batchAhead*REF_BYTES, SI, R8, otherAhead)

fetchAhead:
	MOVBLZX (const_batchAhead*REF_BYTES+REF_HINT)(SI), R10
	PLACE(DI, R8, R10, R9, R11)
	PREFETCHW

named:
	MOVBLZX REF_HINT(SI), R10
	TESTL   $HASHED, R10
	JZ      next
	KEY(SI, R8, R11, R9, other)

remove:
	PLACE(DI, R8, R10, R9, R11)
	BSWAPQ  R11
	VMOVDQA (R8), X0
	VMOVQ   X0, AX
	VPEXTRQ $1, X0, DX
	XORL    BX, BX
	XORL    CX, CX

look:
	MOVQ  AX, R9
	XORQ  R11, R9
	TESTQ R12, R9
	JNE   next
	LOCK
	CMPXCHG16B (R8)
	JNE   look
	INCQ  removed+32(FP)
	MARK(DI, R8, R9, next)

	ADDQ $REF_BYTES, SI
	DECQ n+16(FP)
	JNZ  ref
	RET

other:
	MOVL R10, AX
	HASH(SI, R8, R9, R10)
	WANT(SI, R11, R9, R10)
	MOVL AX, R10
	JMP  remove

otherAhead:
	LEAQ const_batchAhead*REF_BYTES(SI), R11
	HASH(R11, R8, R9, R10)
	JMP  fetchAhead

// func prefetchSlots(t *Table, refs *pte.Ref, n uint64)
//
// The slots that n hints name; n is not 0.
TEXT ·prefetchSlots(SB), NOSPLIT, $0-24
	MOVQ t+0(FP), DI
	MOVQ refs+8(FP), SI
	MOVQ n+16(FP), CX

slot:
	HASH(SI, R8, R9, R10)
	MOVBLZX REF_HINT(SI), R10
	PLACE(DI, R8, R10, R9, R11)
	PREFETCHW
	ADDQ $REF_BYTES, SI
	DECQ CX
	JNZ  slot
	RET
