// The whole of InsertGroup.
//
// Memory order. What is expected of a slot comes from two plain loads, which may
// be torn; a pair that never was makes LOCK CMPXCHG16B fail, and it leaves the true
// one in DX:AX. It is a full fence, so an overflow bit that was set before is
// visible before the entry, and so is the page that the caller prepared.

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
	MOVQ   (at), AX;          \
	MOVQ   8(at), DX;         \
try:                              \
	BTQ    $VALID_BIT, AX;    \
	JCS    taken;             \
	LOCK;                     \
	CMPXCHG16B (at);          \
	JNE    try;               \
	JMP    placed;            \
taken:                            \
	BLSRL  free, free;        \
	JNZ    slot;              \
	JMP    full;              \
placed:

// func insert(group *slot, v, r uint64) (index uint64)
//
// index is noPlace when the group is full.
TEXT ·insert(SB), NOSPLIT, $0-32
	MOVQ   group+0(FP), DI
	MOVQ   v+8(FP), BX
	MOVQ   r+16(FP), CX
	BSWAPQ BX
	BSWAPQ CX
	PREPARE
	VALIDS(R8)
	FREE(DI, R9)
	TAKE(DI, R9, R10, R11, full)
	MOVQ   R10, index+24(FP)
	DONE
	RET

full:
	MOVQ $const_noPlace, R10
	MOVQ R10, index+24(FP)
	DONE
	RET
