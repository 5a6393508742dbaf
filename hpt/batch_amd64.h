// Lookups of up to 64 keys. While one is searched for, the group of the key that
// is 64 further on is on its way into the cache. For memory order see lookup.

#define FOUND_BYTES 24 // Found, which vector_amd64.go pins

// func lookupChunk(t *Table, keys *pte.Key, found *Found, todo, ahead, secondary uint64) (missed, hits uint64)
//
// todo, which is not 0, has a bit for each key to look up, and ahead for each after which another
// 64 follow. secondary is all ones for a search of the secondary groups, else 0.
// In missed are the keys that were not found and have to be looked for in the
// secondary group, which is being fetched.
TEXT ·lookupChunk(SB), NOSPLIT, $0-64
	MOVQ t+0(FP), DI
	MOVQ keys+8(FP), SI
	MOVQ found+16(FP), DX
	MOVQ todo+24(FP), CX
	MOVQ $MATCH, R12
	XORL R14, R14
	PREPARE
	UNDER(R12)
	MOVQ  $0, hits+56(FP)

key:
	TZCNTQ CX, R11
	BLSRQ  CX, CX
	MOVQ   R11, R13
	SHLQ   $4, R13
	ADDQ   SI, R13
	MOVQ   ahead+32(FP), R12
	BTQ    R11, R12
	JCC    last
	LEAQ   64*KEY_BYTES(R13), R10
	HASH(R10, R8, R12, R9)
	ANDQ   Table_mask(DI), R8
	SHLQ   $7, R8
	ADDQ   Table_slots(DI), R8
	PREFETCHT0 (R8)
	PREFETCHT0 64(R8)

last:
	HASH(R13, AX, R12, R9)
	WANT(R13, BX, R12, R9)
	MOVQ   secondary+40(FP), R12
	XORQ   R12, AX
	ANDL   $2, R12 // H
	ORQ    R12, BX
	ANDQ   Table_mask(DI), AX
	MOVQ   AX, R8
	SHLQ   $7, R8
	ADDQ   Table_slots(DI), R8
	MOVQ   BX, R9
	BSWAPQ R9
	LEAQ   (R11)(R11*2), BX  // a third of the distance to found
	LEAQ   (DX)(BX*8), BX
	NEEDLE(R9)
	MATCHES(R8, R10)
	TESTL  R10, R10
	JZ     miss

candidate:
	TZCNTL R10, R13
	MOVL   R13, R12
	SHLL   $4, R12
	RELOAD((R8)(R12*1), R12)
	CMPQ   R12, R9
	JNE    changed
	VMOVQ   X2, R8
	VPEXTRQ $1, X2, R9
	BSWAPQ R8
	BSWAPQ R9
	MOVQ   secondary+40(FP), R12
	ANDL   $IN_SECONDARY, R12
	LEAL   HASHED(R12)(R13*1), R12
	MOVQ   R8, 0(BX)
	MOVQ   R9, 8(BX)
	MOVQ   R12, 16(BX)
	INCQ   hits+56(FP)
	TESTQ  CX, CX
	JNZ    key

end:
	MOVQ R14, missed+48(FP)
	DONE
	RET

changed:
	BLSRL R10, R10
	JNZ   candidate

miss:
	XORL  R12, R12
	MOVQ  R12, 0(BX)
	MOVQ  R12, 8(BX)
	MOVQ  R12, 16(BX)
	MOVQ  secondary+40(FP), R12
	TESTQ R12, R12
	JNZ   done
	MOVQ  Table_overflow(DI), R12
	TESTQ R12, R12
	JZ    fetch
	MOVQ  AX, R13
	SHRQ  $6, R13
	MOVQ  (R12)(R13*8), R12
	BTQ   AX, R12
	JCC   done

fetch:
	BTSQ R11, R14
	NOTQ AX
	ANDQ Table_mask(DI), AX
	SHLQ $7, AX
	ADDQ Table_slots(DI), AX
	PREFETCHT0 (AX)
	PREFETCHT0 64(AX)

done:
	TESTQ CX, CX
	JNZ   key
	JMP   end

