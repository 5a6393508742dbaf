package papr

import "fmt"

// Code is what a hypercall returns in R3: zero or more is done, or done in
// part; below zero is refused (LoPAR, Hypervisor Call Return Code Table).
type Code int64

// The codes that hash-table hypercalls use.
const (
	Success     Code = 0
	Busy        Code = 1    // the pending table is not ready yet
	Closed      Code = 2    // no pending table of that size
	Partial     Code = 5    // some entries of a block were not removed
	LongBusy    Code = 9902 // call again in about 100 ms
	Function    Code = -2   // no such hypercall here
	Parameter   Code = -4
	PTEGFull    Code = -6 // no free slot, or two bolted entries need one slot
	NotFound    Code = -7
	NoMemory    Code = -9  // the host has none for a table of that size
	Authority   Code = -10 // the partition may not resize its table
	Resource    Code = -16 // larger than the partition may have
	TooBig      Code = -64
	Unsupported Code = -256 // minus the bit number of the flag, counted from the top
)

var codeNames = map[Code]string{
	Success: "H_SUCCESS", Busy: "H_BUSY", Closed: "H_CLOSED", Partial: "H_PARTIAL",
	LongBusy: "H_LONG_BUSY_ORDER_100_MSEC", Function: "H_FUNCTION",
	Parameter: "H_PARAMETER", PTEGFull: "H_PTEG_FULL", NotFound: "H_NOT_FOUND", NoMemory: "H_NO_MEM",
	Authority: "H_AUTHORITY", Resource: "H_RESOURCE", TooBig: "H_TOO_BIG",
}

// String gives the name in the specification, such as H_PTEG_FULL.
func (c Code) String() string {
	if n, ok := codeNames[c]; ok {
		return n
	}
	if c <= Unsupported && c > Unsupported-64 {
		return fmt.Sprintf("H_UNSUPPORTED_FLAG(%d)", Unsupported-c)
	}
	return fmt.Sprintf("H_CODE(%d)", int64(c))
}

// Op is a hypercall number, R3 on the way in.
type Op uint64

// The hypercalls of this package.
const (
	OpRemove        Op = 0x04
	OpEnter         Op = 0x08
	OpRead          Op = 0x0c
	OpClearMod      Op = 0x10
	OpClearRef      Op = 0x14
	OpProtect       Op = 0x18
	OpBulkRemove    Op = 0x124
	OpBlockRemove   Op = 0x328
	OpClearHPT      Op = 0x358
	OpResizePrepare Op = 0x36c
	OpResizeCommit  Op = 0x370
)

var opNames = map[Op]string{
	OpRemove: "H_REMOVE", OpEnter: "H_ENTER", OpRead: "H_READ",
	OpClearMod: "H_CLEAR_MOD", OpClearRef: "H_CLEAR_REF", OpProtect: "H_PROTECT",
	OpBulkRemove: "H_BULK_REMOVE", OpBlockRemove: "H_BLOCK_REMOVE",
	OpClearHPT: "H_CLEAR_HPT", OpResizePrepare: "H_RESIZE_HPT_PREPARE",
	OpResizeCommit: "H_RESIZE_HPT_COMMIT",
}

// String gives the name in the specification, such as H_ENTER.
func (o Op) String() string {
	if n, ok := opNames[o]; ok {
		return n
	}
	return fmt.Sprintf("H_CALL(%#x)", uint64(o))
}

// Flags is the flags argument, R4 of most hypercalls (LoPAR, Page Frame Table
// Access flags field definition).
type Flags uint64

// The flags. The specification counts bits from the top: bit n is 1<<(63-n).
const (
	Exact            Flags = 1 << 39 // H_ENTER: this slot or none
	RXlate           Flags = 1 << 38 // H_READ: logical page number wanted; R holds no other
	Read4            Flags = 1 << 37 // H_READ: four entries
	AVPN             Flags = 1 << 31 // the third argument must equal B and AVPN of the entry
	AndCond          Flags = 1 << 30 // the third argument and V must have no bit in common
	ICacheInvalidate Flags = 1 << 23 // H_ENTER: the page's code changed, data cache clean
	ICacheSync       Flags = 1 << 22 // H_ENTER: the page's code changed
	ZeroPage         Flags = 1 << 15 // H_ENTER: clear the page first
	Compression      Flags = 1 << 7  // H_ENTER, H_REMOVE: not modelled
	PP0              Flags = 1 << 8  // H_PROTECT: the high protection bit
	KeyMask          Flags = 0x3e00  // H_PROTECT: storage key, bits 13:9
	NoExec           Flags = 1 << 2  // H_PROTECT: N
	PPMask           Flags = 3       // H_PROTECT: the low protection bits
)

// unsupported is the code that refuses the flag f.
func unsupported(f Flags) Code {
	bit := Code(63)
	for f >>= 1; f != 0; f >>= 1 {
		bit--
	}
	return Unsupported - bit
}
