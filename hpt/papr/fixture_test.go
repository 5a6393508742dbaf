package papr_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/hpt/papr"
	"github.com/hashmmu/ppc64/pte"
)

const ram = 512 << 20 // bytes of RAM of a test partition; devices above

var sizes = pte.MustSizes(pte.SizesPOWER7)

// recorder is a Sink that keeps what it is told.
type recorder struct {
	mu     sync.Mutex
	events []papr.Flush
}

func (r *recorder) Flush(f papr.Flush) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, f)
}

// take returns the events so far and forgets them.
func (r *recorder) take() []papr.Flush {
	e := r.events
	r.events = nil
	return e
}

// partition is a small partition with what it flushed.
type partition struct {
	*papr.HPT
	flushed *recorder
}

func newPartition(t *testing.T, c papr.Config) partition {
	t.Helper()
	var err error
	if c.Table == nil {
		c.Table, err = hpt.New(hpt.Config{})
		require.NoError(t, err)
	}
	if c.Memory == nil {
		c.Memory = papr.RAMBelow(ram)
	}
	rec := &recorder{}
	c.Sink = rec
	h, err := papr.New(c)
	require.NoError(t, err)
	return partition{h, rec}
}

// both runs a test under the specification and under one quirk.
func both(t *testing.T, quirk papr.Quirks, f func(t *testing.T, p partition, quirk bool)) {
	t.Run("specification", func(t *testing.T) { f(t, newPartition(t, papr.Config{}), false) })
	t.Run("quirk", func(t *testing.T) { f(t, newPartition(t, papr.Config{Quirks: quirk}), true) })
}

// entry is a page of the segment vsid: page counts base pages.
func entry(vsid pte.VSID, page uint64, base, actual pte.PageSize, a pte.Attr) (pte.Key, pte.HPTE) {
	k := pte.MakeKey(vsid, pte.EA(page<<base.Shift()), pte.Seg256M, base)
	a.WIMG = pte.Memory
	e, err := sizes.Encode(k, 0, actual, a)
	if err != nil {
		panic(err)
	}
	return k, e
}

// small is a 4K page.
func small(vsid pte.VSID, page uint64) (pte.Key, pte.HPTE) {
	return entry(vsid, page, pte.Page4K, pte.Page4K, pte.Attr{PP: pte.PPUserRW})
}

// home is the first slot of the primary group of k.
func (p partition) home(k pte.Key) uint64 {
	return k.Hash().Primary(p.Table().Mask()) * pte.SlotsPerGroup
}

// enter puts e into its primary group and forgets the flushes.
func (p partition) enter(t *testing.T, k pte.Key, e pte.HPTE) uint64 {
	t.Helper()
	s, code := p.Enter(0, p.home(k), e)
	require.Equal(t, papr.Success, code)
	return uint64(s)
}
