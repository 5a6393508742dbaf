package hpt

import (
	"github.com/hashmmu/ppc64/internal/sched"
	"github.com/hashmmu/ppc64/pte"
)

// NewProtocol is New with a choice of protocol.
func NewProtocol(c Config, native bool) (*Table, error) { return newTable(c, native) }

// NativeUsable says whether 16-byte steps work in this build.
func NativeUsable() bool { return nativeUsable() }

// Codes are the versions that work here.
func Codes() (codes []Code) {
	for c := CodeGo; c <= bestCode(); c++ {
		codes = append(codes, c)
	}
	return codes
}

// Protocols are the values of native that real goroutines can use in this build.
func Protocols() map[string]bool {
	p := map[string]bool{"portable": false}
	if nativeUsable() && !sched.Exploring {
		p["native"] = true
	}
	return p
}

// Tentative reports whether a slot holds a tentative entry.
func (t *Table) Tentative(s pte.Slot) bool { return tentative(t.LoadRaw(s)) }

// PutTentative puts a tentative entry of a call that is stalled for ever into a
// place of k, 0 to 15.
func (t *Table) PutTentative(k pte.Key, place int) pte.Slot {
	u := t.unique(k, sched.Unique(t.tags))
	t.StoreRaw(u.slot(place), u.tentative(place))
	return u.slot(place)
}

// FinishTentative is what InsertUnique does after its assembly has put a tentative entry
// with that R into a place of k.
func (t *Table) FinishTentative(k pte.Key, h pte.HPTE, r uint64, place int) (pte.SlotHint, error) {
	return t.finishTentative(k, h, r, place)
}

// AlignedBytes takes n bytes from the Go heap, aligned to 128.
func AlignedBytes(n int) []byte { return alignedBytes(n) }
