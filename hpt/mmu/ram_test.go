package mmu_test

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/hpt/mmu"
	"github.com/hashmmu/ppc64/pte"
)

// Two POWER9 CPUs find one table through PTCR in guest RAM. The guest stores an
// entry; both see it, and the R and C that they set are in its memory.
func TestRAM(t *testing.T) {
	b := make([]byte, 2<<20)
	b = b[aligned(b):]
	ram := mmu.NewRAM(b)
	store := func(ra, v uint64) { binary.BigEndian.PutUint64(b[ra:], v) }
	store(0x10000, 0x100000) // LPID 0: table of 2^18 bytes at 1M
	cpus := [2]*mmu.CPU{}
	for i := range cpus {
		var err error
		cpus[i], err = mmu.New(mmu.Config{Profile: mmu.POWER9, Storage: ram})
		require.NoError(t, err)
		cpus[i].SetMSR(on | mmu.MSRHV)
		cpus[i].SetPTCR(0x10000)
		require.True(t, cpus[i].SLBMTE(uint64(plainEA)&^0xfffffff|0x08000000, plainWord))
	}
	require.Same(t, cpus[0].Table(), cpus[1].Table())
	h, err := sizes.Encode(plainKey(), 0x7000, pte.Page4K, rw())
	require.NoError(t, err)
	h = h.To3()
	at := 0x100000 + plainKey().Hash().Primary(2047)*128
	store(at+8, h.R)
	store(at, h.V)
	x := cpus[0].Translate(plainEA, pte.Read)
	require.EqualValues(t, 0x7678, x.RA)
	require.Equal(t, h.R|pte.RRef, binary.BigEndian.Uint64(b[at+8:]))
	x = cpus[1].Translate(plainEA, pte.Write)
	require.True(t, x.SetC && !x.SetR)
	require.Equal(t, h.R|pte.RRef|pte.RChg, binary.BigEndian.Uint64(b[at+8:]))
}

func TestRAMBounds(t *testing.T) {
	b := make([]byte, 1<<19)
	ram := mmu.NewRAM(b[aligned(b):][:1<<18])
	_, ok := ram.Load64(1<<18 - 8)
	require.True(t, ok)
	for _, ra := range []pte.RA{1<<18 - 7, 1 << 18, ^pte.RA(0), ^pte.RA(7)} {
		_, ok := ram.Load64(ra)
		require.False(t, ok)
	}
	require.NotNil(t, ram.Table(0, 18, hpt.Format2))
	require.Same(t, ram.Table(0, 18, hpt.Format2), ram.Table(0, 18, hpt.Format2))
	require.Nil(t, ram.Table(0, 19, hpt.Format2))
	require.Nil(t, ram.Table(0, 49, hpt.Format2))
	require.Nil(t, ram.Table(0, 64, hpt.Format2))
	require.Nil(t, mmu.NewRAM(nil).Table(0, 18, hpt.Format2))
	require.Nil(t, ram.Table(1<<60, 18, hpt.Format2))
	odd := mmu.NewRAM(b[aligned(b)+8:])
	require.Nil(t, odd.Table(0, 18, hpt.Format2))
}
