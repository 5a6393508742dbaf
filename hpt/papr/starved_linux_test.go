//go:build !race

package papr_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/hpt/papr"
	"github.com/hashmmu/ppc64/internal/starve"
	"github.com/hashmmu/ppc64/pte"
)

// TestResizeWithoutMemory: a table that the host cannot map is refused by H_NO_MEM;
// the one in force is untouched and in use, nothing is pending, nothing stays mapped,
// and a resize to what there is memory for goes through.
func TestResizeWithoutMemory(t *testing.T) {
	if !starve.Process(t) {
		return
	}
	tab, err := hpt.New(hpt.Config{Order: 20})
	require.NoError(t, err)
	p := newPartition(t, papr.Config{Table: tab, Rehash: true})
	keys, entries := fill(t, p, 500)
	before := tab.Digest()

	starve.LimitMemory(t, 256<<20)
	refuse := func() {
		code, err := p.ResizePrepare(0, 30)
		require.Equal(t, papr.NoMemory, code)
		require.Equal(t, "H_NO_MEM", code.String())
		require.EqualValues(t, -9, code)
		require.ErrorIs(t, err, hpt.ErrConfig)
		require.ErrorIs(t, err, unix.ENOMEM)
	}
	commit := func(shift int32, want papr.Code) {
		code, err := p.ResizeCommit(0, shift)
		require.NoError(t, err)
		require.Equal(t, want, code)
	}
	code, err := p.ResizePrepare(0, 21)
	require.NoError(t, err)
	require.Equal(t, papr.Success, code)
	refuse() // the pending one of another size is dropped
	commit(21, papr.Closed)
	commit(30, papr.Closed)
	mapped := starve.Mapped(t)
	for range 1000 {
		refuse()
	}
	require.Less(t, starve.Mapped(t), mapped+128<<20, "the heap grows by 64 MiB, a thousand tables by 250")

	require.Same(t, tab, p.Table())
	require.Equal(t, before, tab.Digest())
	require.NoError(t, tab.Check())
	require.Empty(t, p.flushed.take())
	for i, k := range keys {
		e, _, ok := tab.Lookup(k)
		require.True(t, ok)
		require.Equal(t, entries[i], e)
	}
	_, code = p.Enter(0, p.home(keys[0]), entries[0]) // it goes on
	require.Equal(t, papr.Success, code)

	code, err = p.ResizePrepare(0, 22)
	require.NoError(t, err)
	require.Equal(t, papr.Success, code)
	commit(22, papr.Success)
	for i, k := range keys {
		e, _, ok := p.Table().Lookup(k)
		require.True(t, ok)
		require.Equal(t, entries[i], e)
	}
}

// fill enters bolted pages, each in a group of its own.
func fill(t *testing.T, p partition, n int) (keys []pte.Key, entries []pte.HPTE) {
	for i := range n {
		k, e := entry(pte.VSID(i), 0, pte.Page4K, pte.Page4K, pte.Attr{Bolted: true})
		p.enter(t, k, e)
		keys, entries = append(keys, k), append(entries, e)
	}
	return keys, entries
}
