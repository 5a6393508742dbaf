package hpttest

import (
	"iter"
	"maps"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/pte"
)

// Store is what the suite needs of a store: the operations of hpt.Table on
// single keys, with its contract and its errors.
type Store interface {
	Mask() uint64
	Load(pte.Slot) pte.HPTE
	Insert(pte.Key, pte.HPTE) (pte.SlotHint, error)
	InsertUnique(pte.Key, pte.HPTE) (pte.SlotHint, error)
	Lookup(pte.Key) (pte.HPTE, pte.SlotHint, bool)
	Protect(pte.Ref, pte.Attr) error
	MarkAccess(pte.Ref, pte.Access) error
	Invalidate(pte.Ref) (pte.HPTE, bool)
	InvalidateKey(pte.Key) (pte.HPTE, pte.SlotHint, bool)
	InvalidateBatch([]pte.Ref) int
	Evict(group uint64) (pte.Slot, pte.HPTE, error)
	All() iter.Seq2[pte.Slot, pte.HPTE]
}

var _ Store = (*hpt.Table)(nil)
var _ Store = (*Model)(nil)

// Run runs the suite. newStore returns an empty store of the smallest order.
func Run(t *testing.T, newStore func() Store) {
	t.Run("Sequential", rapidCheck(newStore))
	t.Run("H2_NoTornPairs", func(t *testing.T) { tornPairs(t, newStore()) })
	t.Run("H3_UniqueInserts", func(t *testing.T) { uniqueInserts(t, newStore()) })
	t.Run("H4_BoltedStay", func(t *testing.T) { boltedStay(t, newStore()) })
	t.Run("H6_RemovedIsGone", func(t *testing.T) { removedIsGone(t, newStore()) })
	t.Run("H7_NoLostChange", func(t *testing.T) { noLostChange(t, newStore()) })
}

func rapidCheck(newStore func() Store) func(*testing.T) {
	return func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			m := &machine{store: newStore(), model: NewModel(hpt.MinOrder)}
			t.Repeat(rapid.StateMachineActions(m))
		})
	}
}

// machine drives a store and the model with the same operations.
type machine struct {
	store Store
	model *Model
}

func (m *machine) key(t *rapid.T) pte.Key { return Keys(m.model.mask).Draw(t, "key") }

// ref draws a hint that is mostly true: a wrong one must change nothing (H5).
func (m *machine) ref(t *rapid.T) pte.Ref {
	k := m.key(t)
	_, hint, ok := m.model.Lookup(k)
	if !ok || rapid.IntRange(0, 3).Draw(t, "stale") == 0 {
		hint = Hints().Draw(t, "hint")
	}
	return pte.Ref{Key: k, Actual: k.Base, Hint: hint}
}

// Check compares the whole table after every operation, and that every entry
// sits in one of its key's groups (H1).
func (m *machine) Check(t *rapid.T) {
	require.Equal(t, maps.Collect(m.model.All()), maps.Collect(m.store.All()))
	for s, h := range m.store.All() {
		_, _, err := Sizes.Key(h, s.Group(), m.store.Mask())
		require.NoError(t, err)
	}
}

func (m *machine) Insert(t *rapid.T) { m.insert(t, m.key(t)) }

// Crowd inserts so often that groups fill up.
func (m *machine) Crowd(t *rapid.T) {
	k := m.key(t)
	for range rapid.IntRange(5, 12).Draw(t, "inserts") {
		m.insert(t, k)
	}
}

func (m *machine) insert(t *rapid.T, k pte.Key) {
	h := Entry(k).Draw(t, "entry")
	want, wantErr := m.model.Insert(k, h)
	got, err := m.store.Insert(k, h)
	require.Equal(t, wantErr, err)
	require.Equal(t, want, got)
}

func (m *machine) InsertUnique(t *rapid.T) {
	k := m.key(t)
	h := Entry(k).Draw(t, "entry")
	want, wantErr := m.model.InsertUnique(k, h)
	got, err := m.store.InsertUnique(k, h)
	require.Equal(t, wantErr, err)
	require.Equal(t, want, got)
}

func (m *machine) Lookup(t *rapid.T) {
	k := m.key(t)
	want, wantHint, wantOK := m.model.Lookup(k)
	got, hint, ok := m.store.Lookup(k)
	require.Equal(t, wantOK, ok)
	require.Equal(t, want, got)
	require.Equal(t, wantHint, hint)
}

func (m *machine) Protect(t *rapid.T) {
	r, a := m.ref(t), Attrs().Draw(t, "attr")
	require.Equal(t, m.model.Protect(r, a), m.store.Protect(r, a))
}

func (m *machine) MarkAccess(t *rapid.T) {
	r := m.ref(t)
	a := rapid.SampledFrom([]pte.Access{pte.Read, pte.Write, pte.Exec}).Draw(t, "access")
	require.Equal(t, m.model.MarkAccess(r, a), m.store.MarkAccess(r, a))
}

func (m *machine) Invalidate(t *rapid.T) {
	r := m.ref(t)
	want, wantOK := m.model.Invalidate(r)
	got, ok := m.store.Invalidate(r)
	require.Equal(t, wantOK, ok)
	require.Equal(t, want, got)
}

func (m *machine) InvalidateKey(t *rapid.T) {
	k := m.key(t)
	want, wantHint, wantOK := m.model.InvalidateKey(k)
	got, hint, ok := m.store.InvalidateKey(k)
	require.Equal(t, wantOK, ok)
	require.Equal(t, want, got)
	require.Equal(t, wantHint, hint)
}

func (m *machine) InvalidateBatch(t *rapid.T) {
	refs := make([]pte.Ref, rapid.IntRange(0, 40).Draw(t, "refs"))
	for i := range refs {
		refs[i] = m.ref(t)
	}
	require.Equal(t, m.model.InvalidateBatch(refs), m.store.InvalidateBatch(refs))
}

// Evict may choose any entry of the group that is not bolted (H4).
func (m *machine) Evict(t *rapid.T) {
	g := m.key(t).Hash().Primary(m.model.mask)
	s, h, err := m.store.Evict(g)
	if err != nil {
		_, _, wantErr := m.model.Evict(g)
		require.Equal(t, wantErr, err)
		return
	}
	require.Equal(t, g, s.Group())
	require.Equal(t, m.model.Entries[s], h)
	require.True(t, h.Valid() && !h.Bolted())
	m.model.Entries[s] = pte.HPTE{}
}
