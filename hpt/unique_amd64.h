// InsertUnique where nothing is in its way, which is nearly always, in both
// forms. Whatever is unusual is left to the Go twin: an entry or a tentative entry
// that may be the key's, a full primary group, a free slot that holds something,
// such as another key's tentative entry.

// GROUPS points R8 and R9 at the two groups of hash, which is lost.
#define GROUPS(table, hash) \
	MOVQ hash, R8;                \
	NOTQ hash;                    \
	ANDQ Table_mask(table), R8;   \
	ANDQ Table_mask(table), hash; \
	MOVQ hash, R9;                \
	SHLQ $7, R8;                  \
	SHLQ $7, R9;                  \
	ADDQ Table_slots(table), R8;  \
	ADDQ Table_slots(table), R9

// contend is where unique goes on. DI is the table, AX the hash, SI V of the entry
// in its primary group. state is the index of the slot
// taken; or uniqueTwin, when nothing was changed; or uniqueBusy, when the slot
// was lost; or uniqueContend plus the index of the tentative entry, when another call or
// an entry of the key may be about.
//
// Memory order. The tentative entry is published by a locked instruction, a full
// fence, so the loads of the scan behind it see whatever was in the table when
// it became visible. That is all that the argument in contend takes, which
// is about sequentially consistent steps.
TEXT ·contend(SB), NOSPLIT, $0-56
	PREPARE(R10)
	UNDER(avpn<>(SB))
	GROUPS(DI, AX)

	// Valid entries of the key, tentative ones and leftovers all have its AVPN.
	MOVQ   SI, R10
	BSWAPQ R10
	ANDQ   avpn<>(SB), R10
	NEEDLE(R10, R11)
	MATCHES(R9, R11)
	MATCHES(R8, R10)
	ORL    R11, R10
	JNZ    twin
	FREE_TOO(R8, R10)
	TESTL  R10, R10
	JZ     twin
	TZCNTL R10, R10
	MOVL   R10, R11
	SHLL   $4, R11
	ADDQ   R8, R11
	XORL   AX, AX
	XORL   DX, DX

	// The tentative V: AVPN of the key, its B in 0x18, and the mark.
	MOVQ   SI, BX
	SHRQ   $62, BX
	SHLQ   $3, BX
	SHLQ   $2, SI
	SHRQ   $3, SI
	SHLQ   $1, SI
	ORQ    SI, BX
	BSWAPQ BX
	MOVQ   $TENTATIVE, R13
	ORQ    R13, BX
	MOVQ   tag+24(FP), CX
	BSWAPQ CX
	LOCK
	CMPXCHG16B (R11)
	JNE    twin

	MOVQ  BX, AX
	MOVQ  CX, DX
	MATCHES(R8, R12)
	MATCHES(R9, R13)
	BTRL  R10, R12
	ORL   R13, R12
	JNZ   contend

	MOVQ   v+32(FP), BX
	MOVQ   r+40(FP), CX
	BSWAPQ BX
	BSWAPQ CX
	LOCK
	CMPXCHG16B (R11)
	JNE    lost

end:
	MARK(DI, R8, R9, clean)

	MOVQ R10, state+48(FP)
	DONE
	RET

contend:
	ADDQ $const_uniqueContend, R10
	JMP  end

lost:
	MOVQ $const_uniqueBusy, state+48(FP)
	DONE
	RET

twin:
	MOVQ $const_uniqueTwin, state+48(FP)
	DONE
	RET

// LOCK_OF points lock at the lock of a hash; tmp is lost.
#define LOCK_OF(table, hash, lock, tmp) \
	MOVQ hash, lock;                 \
	ANDQ Table_mask(table), lock;    \
	MOVQ lock, tmp;                  \
	SHRQ $1, tmp;                    \
	XORQ tmp, lock;                  \
	MOVQ (Table_locks+8)(table), tmp; \
	DECQ tmp;                        \
	ANDQ tmp, lock;                  \
	MOVQ Table_locks(table), tmp;    \
	LEAQ (tmp)(lock*8), lock

// locked is where uniqueLocked goes on, with its arguments v and r. DI is the table,
// AX the hash, R10 V of the entry in its primary group. state is the index of the slot taken; or
// uniqueTwin, or uniqueBusy when another holds the lock, and then nothing was changed.
// Goroutines are not preempted in here, so only the host can stall a holder.
//
// Memory order. XCHG locks the bus and is a full fence: the scans come after
// it. The lock is given back by a plain store, which on amd64 becomes visible after all
// that was done before.
TEXT ·locked(SB), NOSPLIT, $0-48
	LOCK_OF(DI, AX, SI, R11)
	PREPARE(R11)
	UNDER(matchEither<>(SB))
	GROUPS(DI, AX)
	PREFETCHT0 (R8)
	PREFETCHT0 64(R8)
	PREFETCHT0 (R9)
	PREFETCHT0 64(R9)
	MOVL   $1, AX
	XCHGQ  AX, (SI)
	TESTQ  AX, AX
	JNZ    busy

	BSWAPQ R10
	NEEDLE(R10, R11)
	MATCHES(R9, R11)
	MATCHES(R8, R10)
	ORL    R11, R10
	JNZ    twin
	FREE_TOO(R8, R10)
	MOVQ   v+24(FP), BX
	MOVQ   r+32(FP), CX
	BSWAPQ BX
	BSWAPQ CX
	TAKE(R8, R10, R11, R12, twin)
	MOVQ   $0, (SI)
	MARK(DI, R8, R9, end)

	MOVQ R11, state+40(FP)
	DONE
	RET

twin:
	MOVQ $0, (SI)
	MOVQ $const_uniqueTwin, state+40(FP)
	DONE
	RET

busy:
	MOVQ $const_uniqueBusy, state+40(FP)
	DONE
	RET
