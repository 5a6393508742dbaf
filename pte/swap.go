package pte

// SwapEntry is what an entry that is not present says instead (Linux:
// swp_entry_t): the type of what holds the page, a swap device or one of the
// special ones, and where it is there.
type SwapEntry struct {
	Type   uint8
	Offset uint64 // not 0 with type 0, whose entry would map nothing
}

// swapTypeBits is how many bits a type has (Linux 6.1: SWP_TYPE_BITS; 2.6.20 has
// one more).
const swapTypeBits = 5

// migration is the first type of a page that is being moved; the access that its
// entry granted is added to it. (Linux has two types, for pages that could be
// stored to and for others, and finds the rest in the VMA.)
const migration = 1<<swapTypeBits - 8

// swapShifts says where type and offset are (Linux: __swp_type, __swp_offset).
func (l *Layout) swapShifts() (typ, offset uint) {
	if l.Leaf != 0 {
		return 0, l.RPNShift
	}
	return l.RPNShift + 1, l.RPNShift + 8
}

// Swap builds an entry that is not present (Linux: swp_entry_to_pte). What does not
// fit is cut off.
func (l *Layout) Swap(e SwapEntry) LinuxPTE {
	typ, offset := l.swapShifts()
	return l.Leaf | LinuxPTE(e.Type&(1<<swapTypeBits-1))<<typ | LinuxPTE(e.Offset)<<offset&l.RPN
}

// SwapEntry reads an entry that is not present; ok is false for one that maps a
// page or nothing (Linux: is_swap_pte, pte_to_swp_entry).
func (l *Layout) SwapEntry(p LinuxPTE) (e SwapEntry, ok bool) {
	if l.None(p) || l.IsPresent(p) {
		return e, false
	}
	typ, offset := l.swapShifts()
	return SwapEntry{uint8(p >> typ & (1<<swapTypeBits - 1)), uint64(p & l.RPN >> offset)}, true
}

// OnDevice reports whether the entry says that the page is on a swap device (Linux:
// is_swap_pte, and not non_swap_entry).
func (l *Layout) OnDevice(p LinuxPTE) bool {
	e, ok := l.SwapEntry(p)
	return ok && e.Type < migration
}

// Migration builds an entry for a page that is being moved away from ra and that
// granted the access a (Linux: make_writable_migration_entry and its kin).
func (l *Layout) Migration(ra RA, a Access) LinuxPTE {
	return l.Swap(SwapEntry{migration + uint8(a), uint64(ra) >> l.Page.Shift()})
}

// MigrationEntry reads an entry made by Migration; ok is false for any other.
func (l *Layout) MigrationEntry(p LinuxPTE) (ra RA, a Access, ok bool) {
	e, ok := l.SwapEntry(p)
	if !ok || e.Type < migration {
		return 0, 0, false
	}
	return RA(e.Offset << l.Page.Shift()), Access(e.Type - migration), true
}
