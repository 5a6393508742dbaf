package mmu_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/hpt/mmu"
	"github.com/hashmmu/ppc64/pte"
)

// TestGuestMemory runs the same accesses over a table in guest RAM, whose
// entries the guest stores itself, and over a table of its own memory that is
// given them through the API. Results and bytes are the same.
func TestGuestMemory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, hot, _ := drawMachine(func(name string) uint64 { return rapid.Uint64().Draw(t, name) })
		entries := m.hptes
		m.hptes = nil
		own, tab := build(t, m, mmu.Config{})
		defer tab.Close()

		ram := make([]byte, 1<<20+1<<18) // the table lies in the middle of it
		ram = ram[aligned(ram):]
		guest, err := hpt.New(hpt.Config{Format: m.format, Memory: ram[1<<18:][:1<<18]})
		require.NoError(t, err)
		cfg := own.Config()
		cfg.Table = guest
		other, err := mmu.New(cfg)
		require.NoError(t, err)
		other.SetRegisters(m.regs)
		for _, e := range own.AppendSLB(nil) {
			require.True(t, other.SLBMTE(e.ESID|uint64(e.Slot), e.VSID))
		}

		slots := make([]uint64, 0, len(entries))
		for s := range uint64(2048 * 8) {
			if _, ok := entries[s]; ok {
				slots = append(slots, s)
			}
		}
		for range rapid.IntRange(1, 10).Draw(t, "steps") {
			if len(slots) != 0 && rapid.Bool().Draw(t, "store") {
				s := rapid.SampledFrom(slots).Draw(t, "slot")
				h := entries[s]
				if rapid.IntRange(0, 3).Draw(t, "out") == 0 {
					h = pte.HPTE{}
				}
				at := ram[1<<18+s*16:]
				binary.BigEndian.PutUint64(at, 0) // invalid first, R, then V
				binary.BigEndian.PutUint64(at[8:], h.R)
				binary.BigEndian.PutUint64(at, h.V)
				tab.StoreRaw(pte.Slot(s), h)
			}
			ea := pte.EA(hot ^ rapid.Uint64Range(0, 0xfff).Draw(t, "offset"))
			acc := rapid.SampledFrom([]pte.Access{pte.Read, pte.Write, pte.Exec}).Draw(t, "acc")
			require.Equal(t, own.Translate(ea, acc), other.Translate(ea, acc))
		}
		var image bytes.Buffer
		_, err = tab.WriteTo(&image)
		require.NoError(t, err)
		require.True(t, bytes.Equal(image.Bytes(), ram[1<<18:][:1<<18]))
	})
}

// aligned is how far into b an address aligned to 256 KiB's group size is.
func aligned(b []byte) int {
	for off := range 128 {
		if _, err := hpt.New(hpt.Config{Memory: b[off:][:1<<18]}); err == nil {
			return off
		}
	}
	return 0
}
