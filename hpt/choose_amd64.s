//go:build amd64 && !race && !purego && !explore

#include "go_asm.h"
#include "textflag.h"

// Each operation goes on, in the same frame, in the version that was chosen when
// the table was made.

#define CHOOSE(narrow, wide) \
	MOVQ t+0(FP), DI;         \
	CMPB Table_wide(DI), $0;  \
	JNE  2(PC);               \
	JMP  narrow(SB);          \
	JMP  wide(SB)

// func scan(t *Table, group *slot, want, mask uint64) (hits, free uint32)
TEXT ·scan(SB), NOSPLIT, $0-40
	CHOOSE(·scanAVX2, ·scanAVX512)

// func lookup(t *Table, hash, want uint64) (v, r, hint uint64)
TEXT ·lookup(SB), NOSPLIT, $0-48
	CHOOSE(·lookupAVX2, ·lookupAVX512)

// func insert(t *Table, group *slot, v, r uint64) (index uint64)
TEXT ·insert(SB), NOSPLIT, $0-40
	CHOOSE(·insertAVX2, ·insertAVX512)

// func unique(t *Table, hash, want, tag, v, r uint64) (state uint64)
TEXT ·unique(SB), NOSPLIT, $0-56
	CHOOSE(·uniqueAVX2, ·uniqueAVX512)

// func uniqueLocked(t *Table, lock *uint64, hash, want, v, r uint64) (state uint64)
TEXT ·uniqueLocked(SB), NOSPLIT, $0-56
	CHOOSE(·uniqueLockedAVX2, ·uniqueLockedAVX512)

// func lookupChunk(t *Table, keys *pte.Key, found *Found, todo, ahead, secondary uint64) (missed, hits uint64)
TEXT ·lookupChunk(SB), NOSPLIT, $0-64
	CHOOSE(·lookupChunkAVX2, ·lookupChunkAVX512)
