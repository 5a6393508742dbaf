package pte

import "fmt"

// SlotHint is which of the 16 places of a key an entry took: primary or
// secondary group, and the index. The zero value means not hashed. A hint is
// advice: the entry may have been evicted since, so whoever uses one compares
// the entry again. Linux keeps it as _PAGE_HASHPTE, F_SECOND and F_GIX.
type SlotHint uint8

const (
	hintHashed    SlotHint = 0x10
	hintSecondary SlotHint = 0x08
)

// MakeSlotHint returns the hint for index 0 to 7 of the primary or secondary group.
func MakeSlotHint(secondary bool, index int) SlotHint {
	h := hintHashed | SlotHint(index&7)
	if secondary {
		h |= hintSecondary
	}
	return h
}

// Hashed reports whether the hint names a place at all.
func (h SlotHint) Hashed() bool { return h&hintHashed != 0 }

// Secondary reports whether the place is in the secondary group.
func (h SlotHint) Secondary() bool { return h&hintSecondary != 0 }

// Index is the place within the group, 0 to 7.
func (h SlotHint) Index() int { return int(h & 7) }

// HIdx is the 4-bit form that Linux calls hidx: bit 3 secondary, bits 2:0 index.
func (h SlotHint) HIdx() uint8 { return uint8(h & 0xf) }

// Slot returns the slot in a table of mask+1 groups of 8 (Linux: pte_get_hash_gslot).
func (h SlotHint) Slot(hash Hash, mask uint64) Slot {
	return Slot(hash.Group(h.Secondary(), mask)*SlotsPerGroup + uint64(h.Index()))
}

// String gives "none", "primary 3" or "secondary 3".
func (h SlotHint) String() string {
	switch {
	case !h.Hashed():
		return "none"
	case h.Secondary():
		return fmt.Sprintf("secondary %d", h.Index())
	}
	return fmt.Sprintf("primary %d", h.Index())
}

// MarshalText gives the form of String.
func (h SlotHint) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads the form of String.
func (h *SlotHint) UnmarshalText(b []byte) error {
	if string(b) == "none" {
		*h = 0
		return nil
	}
	for i := range 16 {
		c := MakeSlotHint(i >= 8, i&7)
		if c.String() == string(b) {
			*h = c
			return nil
		}
	}
	return fmt.Errorf("%w: %q is no slot hint like \"primary 3\"", ErrSyntax, b)
}

// Ref names one entry to be changed or removed: the page, its actual size (for
// the TLB invalidation) and where the entry was last seen.
type Ref struct {
	Key    Key
	Actual PageSize
	Hint   SlotHint
}
