package hpt

import (
	"github.com/hashmmu/ppc64/internal/sched"
	"github.com/hashmmu/ppc64/pte"
)

// Evict removes an entry of a group to make room, and returns its slot and the
// exact entry (Linux: native_hpte_remove). It starts at a slot chosen by the
// table's seeded generator and takes the first entry from there on, upwards and
// around, that is valid and not bolted (H4). It flushes no TLB and tells no owner:
// hints to the entry are stale from here on. The error is [ErrBolted] when nothing
// may go.
func (t *Table) Evict(group uint64) (pte.Slot, pte.HPTE, error) {
	start := t.random()
	for n := range t.perGroup {
		s := t.slot(group, int((start+n)%t.perGroup))
		for raw := t.LoadRaw(s); raw.Valid() && !raw.Bolted(); raw = t.LoadRaw(s) {
			if t.CompareAndSwapRaw(s, raw, pte.HPTE{}) {
				return s, t.view(raw), nil
			}
		}
	}
	return 0, pte.HPTE{}, ErrBolted
}

// random returns the next number of the seeded sequence (splitmix64).
func (t *Table) random() uint64 {
	x := sched.AddUint64(t.victims, 0x9e3779b97f4a7c15)
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
