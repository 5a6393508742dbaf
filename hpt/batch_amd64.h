// Batches of up to 64 keys. While one is worked on, the group of the key batchAhead
// further on is on its way into the cache; ahead is how many keys have such a one.
// For memory order see find and insert.

// func lookupChunk(t *Table, keys *pte.Key, found *Found, todo, ahead, secondary uint64) (missed, hits uint64)
//
// todo, which is not 0, has a bit for each key to look up. secondary is all ones for
// a search of the secondary groups, else 0. In missed are the keys that were not found
// and have to be looked for in the secondary group, which is being fetched.
TEXT ·lookupChunk(SB), NOSPLIT, $0-64
	MOVQ t+0(FP), DI
	MOVQ keys+8(FP), SI
	MOVQ found+16(FP), DX
	MOVQ todo+24(FP), CX
	XORL R14, R14
	PREPARE(R12)
	UNDER(match<>(SB))
	MOVQ  $0, hits+56(FP)

key:
	TZCNTQ CX, R11
	BLSRQ  CX, CX
	MOVQ   R11, R13
	SHLQ   $4, R13
	ADDQ   SI, R13
	CMPQ   R11, ahead+32(FP)
	JCC    last
	KEY_HASH(const_batchAhead*KEY_BYTES, R13, R8, otherAhead)

fetchAhead:
	GROUP(DI, R8)
	PREFETCHT0 (R8)
	PREFETCHT0 64(R8)

last:
	KEY(R13, AX, BX, R12, other)

search:
	MOVQ   secondary+40(FP), R9
	XORQ   R9, AX
	ANDL   $2, R9 // H
	ORQ    R9, BX
	MOVQ   AX, R8
	GROUP(DI, R8)
	BSWAPQ BX
	LEAQ   (R11)(R11*2), R12 // an eighth of the distance to found
	NEEDLE(BX, R9)
	MATCHES(R8, R10)
	LEAQ   (DX)(R12*8), R12
	TESTL  R10, R10
	JZ     miss

candidate:
	EXAMINE(R8, R10, BX, matchWord<>(SB), R13, R9, changed)
	REVERSED
	MOVQ    secondary+40(FP), R9
	ANDL    $IN_SECONDARY, R9
	LEAL    HASHED(R9)(R13*1), R13
	VMOVDQU X2, 0(R12)
	MOVQ    R13, 16(R12)
	INCQ    hits+56(FP)
	TESTQ   CX, CX
	JNZ     key

end:
	MOVQ R14, missed+48(FP)
	DONE
	RET

changed:
	BLSRL R10, R10
	JNZ   candidate

miss:
	VPXOR   X2, X2, X2
	VMOVDQU X2, 0(R12)
	MOVQ    $0, 16(R12)
	CMPQ    secondary+40(FP), $0
	JNE     done
	OVERFLOWED(DI, AX, R9, R12, fetch)
	JCC     done

fetch:
	BTSQ R11, R14
	NOTQ AX
	GROUP(DI, AX)
	PREFETCHT0 (AX)
	PREFETCHT0 64(AX)

done:
	TESTQ CX, CX
	JNZ   key
	JMP   end

other:
	HASH(R13, AX, R12, R9)
	WANT(R13, BX, R12, R9)
	JMP search

otherAhead:
	LEAQ const_batchAhead*KEY_BYTES(R13), R10
	HASH(R10, R8, R12, R9)
	JMP fetchAhead

// func insertChunk(t *Table, keys *pte.Key, entries *pte.HPTE, hints *pte.SlotHint, n, ahead uint64) (done uint64)
//
// Inserts n entries, at least 1, into the primary groups of their keys, one after the
// other. It ends before the first that finds no free slot, and done is how many were
// inserted.
TEXT ·insertChunk(SB), NOSPLIT, $0-56
	MOVQ t+0(FP), DI
	MOVQ keys+8(FP), SI
	MOVQ entries+16(FP), R12
	MOVQ hints+24(FP), R13
	XORL R14, R14
	PREPARE(R8)

key:
	CMPQ R14, ahead+40(FP)
	JCC  last
	KEY_HASH(const_batchAhead*KEY_BYTES, SI, R8, otherAhead)

fetchAhead:
	GROUP(DI, R8)
	PREFETCHW
	PREFETCHW64

last:
	KEY_HASH(0, SI, R8, other)

insert:
	GROUP(DI, R8)
	MOVQ   0(R12), BX
	MOVQ   8(R12), CX
	ANDQ   $~2, BX // H
	BSWAPQ BX
	BSWAPQ CX
	FREE(R8, R9)
	TAKE(R8, R9, R10, R11, end)
	ADDL   $HASHED, R10
	MOVB   R10, (R13)
	MARK(DI, R8, R9, clean)

	ADDQ   $KEY_BYTES, SI
	ADDQ   $16, R12
	INCQ   R13
	INCQ   R14
	CMPQ   R14, n+32(FP)
	JNE    key

end:
	MOVQ R14, done+48(FP)
	DONE
	RET

other:
	HASH(SI, R8, R10, R11)
	JMP insert

otherAhead:
	LEAQ const_batchAhead*KEY_BYTES(SI), R9
	HASH(R9, R8, R10, R11)
	JMP fetchAhead
