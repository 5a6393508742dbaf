// The whole of InsertGroup.
//
// A free slot mostly holds zeros, so that is what is expected first, and not read
// before; where it holds something else, LOCK CMPXCHG16B leaves that in DX:AX for
// another try.
//
// Memory order. LOCK CMPXCHG16B is a full fence: an overflow bit that was set
// before is visible before the entry, and so is the page that the caller prepared.

// TAKE puts CX:BX into the first slot of the group that takes it, of those in
// free. index is the slot's; without one it jumps to full. AX, DX, free and at
// are lost. It can be used once in a function.
#define TAKE(group, free, index, at, full) \
	TESTL  free, free;        \
	JZ     full;              \
slot:                             \
	TZCNTL free, index;       \
	MOVL   index, at;         \
	SHLL   $4, at;            \
	ADDQ   group, at;         \
	XORL   AX, AX;            \
	XORL   DX, DX;            \
try:                              \
	LOCK;                     \
	CMPXCHG16B (at);          \
	JEQ    placed;            \
	BTQ    $VALID_BIT, AX;    \
	JCC    try;               \
	BLSRL  free, free;        \
	JNZ    slot;              \
	JMP    full;              \
placed:

// func insert(t *Table, group *slot, v, r uint64) (index uint64)
//
// index is groupFull when no slot was free.
TEXT ·insert(SB), NOSPLIT, $0-40
	MOVQ   group+8(FP), DI
	MOVQ   v+16(FP), BX
	MOVQ   r+24(FP), CX
	BSWAPQ BX
	BSWAPQ CX
	PREPARE
	VALIDS(R8)
	FREE(DI, R9)
	TAKE(DI, R9, R10, R11, full)
	MOVQ   R10, index+32(FP)
	DONE
	RET

full:
	MOVQ $const_groupFull, R10
	MOVQ R10, index+32(FP)
	DONE
	RET
