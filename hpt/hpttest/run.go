package hpttest

import (
	"io"
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

// A check is one part of the suite. Its failures name the invariants of package hpt
// that they break.
type check struct {
	name string
	run  func(rapid.TB, func() Store)
}

// contract is the suite.
var contract = []check{
	{"Sequential", func(t rapid.TB, newStore func() Store) { rapid.Check(t, Machine(newStore)) }},
	{"H2_NoTornPairs", tornPairs},
	{"H3_UniqueInserts", uniqueInserts},
	{"H4_BoltedStay", boltedStay},
	{"H6_RemovedIsGone", removedIsGone},
	{"H7_NoLostChange", noLostChange},
}

// Run runs the suite, one subtest for each check. newStore returns an empty store of
// the smallest order, 2^18 bytes, that goroutines may share.
func Run(t *testing.T, newStore func() Store) {
	for _, c := range contract {
		t.Run(c.name, func(t *testing.T) { c.run(t, newStore) })
	}
}

// Machine is the sequential part of the suite as a property, for rapid.MakeFuzz: a
// new store and the model do the same drawn operations and must agree.
func Machine(newStore func() Store) func(*rapid.T) {
	return func(t *rapid.T) {
		s, done := open(newStore)
		defer done()
		m := &machine{store: s, model: NewModel(hpt.MinOrder)}
		t.Repeat(rapid.StateMachineActions(m))
	}
}

// open makes a store; done closes one that can be closed.
func open(newStore func() Store) (s Store, done func()) {
	s = newStore()
	return s, func() {
		if c, ok := s.(io.Closer); ok {
			_ = c.Close() // its memory goes, or is collected later
		}
	}
}

// machine drives a store and the model with the same operations.
type machine struct {
	store  Store
	model  *Model
	recent []pte.Key // used last
}

// key draws a key, mostly one that was used a moment ago, so that operations meet.
func (m *machine) key(t *rapid.T) pte.Key {
	if len(m.recent) > 0 && rapid.IntRange(0, 3).Draw(t, "fresh") > 0 {
		return rapid.SampledFrom(m.recent).Draw(t, "recent")
	}
	k := Keys(m.model.mask).Draw(t, "key")
	m.recent = append(m.recent[max(0, len(m.recent)-2):], k)
	return k
}

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
	for s, h := range m.store.All() {
		_, _, err := Sizes.Key(h, s.Group(), m.store.Mask())
		require.NoError(t, err, "H1: slot %d is in neither group of its key, or H does not say which (P5)", s)
	}
	require.Equal(t, maps.Collect(m.model.All()), maps.Collect(m.store.All()), "the table after the operation")
}

func (m *machine) Insert(t *rapid.T) { m.insert(t, m.key(t)) }

// Crowd inserts so often that groups fill up, and goes on with another key of the
// same groups.
func (m *machine) Crowd(t *rapid.T) {
	k := m.key(t)
	for range rapid.IntRange(5, 12).Draw(t, "inserts") {
		m.insert(t, k)
	}
	k.VSID ^= pte.VSID(m.model.mask + 1)
	m.recent = append(m.recent[:0], k)
}

func (m *machine) insert(t *rapid.T, k pte.Key) {
	h := Entry(k).Draw(t, "entry")
	want, wantErr := m.model.Insert(k, h)
	got, err := m.store.Insert(k, h)
	require.Equal(t, wantErr, err, "Insert takes any free slot of both groups (H1)")
	require.Equal(t, want, got, "P4: the hint of Insert")
}

func (m *machine) InsertUnique(t *rapid.T) {
	k := m.key(t)
	h := Entry(k).Draw(t, "entry")
	want, wantErr := m.model.InsertUnique(k, h)
	got, err := m.store.InsertUnique(k, h)
	require.Equal(t, wantErr, err, "H3: InsertUnique of a key that has an entry, or has none")
	require.Equal(t, want, got, "P4: the hint of InsertUnique")
}

func (m *machine) Lookup(t *rapid.T) {
	k := m.key(t)
	want, wantHint, wantOK := m.model.Lookup(k)
	got, hint, ok := m.store.Lookup(k)
	require.Equal(t, wantOK, ok, "H6: Lookup finds what is valid and nothing else")
	require.Equal(t, want, got, "Lookup returns the first match")
	require.Equal(t, wantHint, hint, "P4: the hint of Lookup")
}

func (m *machine) Protect(t *rapid.T) {
	r, a := m.ref(t), Attrs().Draw(t, "attr")
	require.Equal(t, m.model.Protect(r, a), m.store.Protect(r, a), "H5: Protect by hint")
}

func (m *machine) MarkAccess(t *rapid.T) {
	r := m.ref(t)
	a := rapid.SampledFrom([]pte.Access{pte.Read, pte.Write, pte.Exec}).Draw(t, "access")
	require.Equal(t, m.model.MarkAccess(r, a), m.store.MarkAccess(r, a), "H5: MarkAccess by hint")
}

func (m *machine) Invalidate(t *rapid.T) {
	r := m.ref(t)
	want, wantOK := m.model.Invalidate(r)
	got, ok := m.store.Invalidate(r)
	require.Equal(t, wantOK, ok, "H5: Invalidate by hint")
	require.Equal(t, want, got, "H7: the pair that Invalidate returns")
}

func (m *machine) InvalidateKey(t *rapid.T) {
	k := m.key(t)
	want, wantHint, wantOK := m.model.InvalidateKey(k)
	got, hint, ok := m.store.InvalidateKey(k)
	require.Equal(t, wantOK, ok, "H6: InvalidateKey finds what is valid and nothing else")
	require.Equal(t, want, got, "H7: the pair that InvalidateKey returns")
	require.Equal(t, wantHint, hint, "P4: the hint of InvalidateKey")
}

func (m *machine) InvalidateBatch(t *rapid.T) {
	refs := make([]pte.Ref, rapid.IntRange(0, 40).Draw(t, "refs"))
	for i := range refs {
		refs[i] = m.ref(t)
	}
	require.Equal(t, m.model.InvalidateBatch(refs), m.store.InvalidateBatch(refs), "H5: entries removed by a batch of hints")
}

// Evict may choose any entry of the group that is not bolted (H4).
func (m *machine) Evict(t *rapid.T) {
	g := m.key(t).Hash().Primary(m.model.mask)
	s, h, err := m.store.Evict(g)
	if err != nil {
		_, _, wantErr := m.model.Evict(g)
		require.Equal(t, wantErr, err, "Evict of a group that has something to evict")
		return
	}
	require.Equal(t, g, s.Group(), "Evict of another group")
	require.Equal(t, m.model.Entries[s], h, "H7: the pair that Evict returns")
	require.True(t, h.Valid() && !h.Bolted(), "H4: Evict of a bolted entry")
	m.model.Entries[s] = pte.HPTE{}
}
