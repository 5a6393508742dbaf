//go:build amd64 && !race && !purego && !explore

#include "go_asm.h"
#include "textflag.h"
#include "key_amd64.h"

// Where each operation begins. It goes on, in the same frame, in the version that
// was chosen when the table was made.

#define VERSION(narrow, wide) \
	CMPB Table_wide(DI), $0;  \
	JNE  2(PC);               \
	JMP  narrow(SB);          \
	JMP  wide(SB)
#define CHOOSE(narrow, wide) \
	MOVQ t+0(FP), DI;         \
	VERSION(narrow, wide)

// func scan(t *Table, group *slot, want, mask uint64) (hits, free uint32)
TEXT ·scan(SB), NOSPLIT, $0-40
	CHOOSE(·scanAVX2, ·scanAVX512)

// func lookup(t *Table, k pte.Key) (v, r, hint uint64)
TEXT ·lookup(SB), NOSPLIT, $0-48
	MOVQ t+0(FP), DI
	LEAQ k_VSID+8(FP), SI
	KEY(SI, AX, BX, R8, other)

find:
	VERSION(·findAVX2, ·findAVX512)

other:
	HASH(SI, AX, R8, R9)
	WANT(SI, BX, R8, R9)
	JMP find

// func search(t *Table, hash, want uint64) (v, r, hint uint64)
TEXT ·search(SB), NOSPLIT, $0-48
	MOVQ t+0(FP), DI
	MOVQ hash+8(FP), AX
	MOVQ want+16(FP), BX
	VERSION(·findAVX2, ·findAVX512)

// func insert(t *Table, k pte.Key, v, r uint64) (hint uint64)
TEXT ·insert(SB), NOSPLIT, $0-48
	MOVQ t+0(FP), DI
	LEAQ k_VSID+8(FP), SI
	MOVL $HASHED, R13
	KEY_HASH(0, SI, R12, other)

place:
	VERSION(·placeAVX2, ·placeAVX512)

other:
	HASH(SI, R12, R9, R10)
	JMP place

// func insertGroup(t *Table, group, unused, v, r uint64) (hint uint64)
TEXT ·insertGroup(SB), NOSPLIT, $0-48
	MOVQ t+0(FP), DI
	MOVQ group+8(FP), R12
	MOVL $(HASHED|IN_SECONDARY), R13
	VERSION(·placeAVX2, ·placeAVX512)

// func unique(t *Table, k pte.Key, tag, v, r uint64) (state uint64)
TEXT ·unique(SB), NOSPLIT, $0-56
	MOVQ t+0(FP), DI
	LEAQ k_VSID+8(FP), CX
	KEY(CX, AX, SI, R8, other)

unique:
	VERSION(·contendAVX2, ·contendAVX512)

other:
	HASH(CX, AX, R8, R9)
	WANT(CX, SI, R8, R9)
	JMP unique

// func uniqueLocked(t *Table, k pte.Key, v, r uint64) (state uint64)
TEXT ·uniqueLocked(SB), NOSPLIT, $0-48
	MOVQ t+0(FP), DI
	LEAQ k_VSID+8(FP), SI
	KEY(SI, AX, R10, R8, other)

locked:
	VERSION(·lockedAVX2, ·lockedAVX512)

other:
	HASH(SI, AX, R8, R9)
	WANT(SI, R10, R8, R9)
	JMP locked

// func lookupChunk(t *Table, keys *pte.Key, found *Found, todo, ahead, secondary uint64) (missed, hits uint64)
TEXT ·lookupChunk(SB), NOSPLIT, $0-64
	CHOOSE(·lookupChunkAVX2, ·lookupChunkAVX512)

// func insertChunk(t *Table, keys *pte.Key, entries *pte.HPTE, hints *pte.SlotHint, n, ahead uint64) (done uint64)
TEXT ·insertChunk(SB), NOSPLIT, $0-56
	CHOOSE(·insertChunkAVX2, ·insertChunkAVX512)
