// The whole of Insert and InsertGroup.
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

// place is where insert and insertGroup go on, with their arguments v and r, H not
// yet put in, and their result hint. DI is the table, R12 the hash, R13 the hint but
// for its index: with IN_SECONDARY there is no other group to go to.
TEXT ·place(SB), NOSPLIT, $0-48
	MOVQ   v+24(FP), BX
	MOVQ   r+32(FP), CX
	BSWAPQ BX
	BSWAPQ CX
	PREPARE(R9)

group:
	MOVQ R12, R8
	GROUP(DI, R8)
	FREE(R8, R9)
	TAKE(R8, R9, R10, R11, full)
	ORL  R13, R10
	MARK(DI, R8, R9, end)

	MOVQ R10, hint+40(FP)
	DONE
	RET

full:
	BTSL $3, R13 // IN_SECONDARY
	JCS  none
	OVERFLOWED(DI, R12, R9, R10, secondary)
	JCS  secondary
	MOVQ Table_overflow(DI), R9
	LOCK
	BTSQ R12, (R9)

secondary:
	NOTQ R12
	MOVQ $SECONDARY, R9
	ORQ  R9, BX
	JMP  group

none:
	MOVQ $0, hint+40(FP)
	DONE
	RET
