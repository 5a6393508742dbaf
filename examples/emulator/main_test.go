package main

import (
	"bytes"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/hpt/mmu"
	"github.com/hashmmu/ppc64/hpt/papr"
	"github.com/hashmmu/ppc64/internal/cli/clitest"
	"github.com/hashmmu/ppc64/pte"
)

// TestOutput pins what the guest prints: the numbers of its interrupts do not
// depend on how the two processors interleave.
func TestOutput(t *testing.T) {
	want, err := os.ReadFile("testdata/output.txt")
	require.NoError(t, err)
	for range 3 {
		var out bytes.Buffer
		require.NoError(t, run(&out))
		require.Equal(t, string(want), out.String())
	}
}

// processor returns a processor whose program is the given instructions.
func processor(t *testing.T, program ...uint32) *vcpu {
	t.Helper()
	table, err := hpt.New(hpt.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, table.Close()) })
	m, err := mmu.New(mmu.Config{Table: table, Paravirtual: true, TLB: 6})
	require.NoError(t, err)
	memory := make(ram, 0x2000)
	for i, word := range program {
		memory.store(vectorReset+uint64(i)*4, 4, uint64(word))
	}
	c, err := newVCPU(0, memory, m, papr.Config{Table: table, Memory: papr.RAMBelow(0x10000)})
	require.NoError(t, err)
	return c
}

func TestBadUsage(t *testing.T) {
	clitest.Refuses(t, command, `unknown TLB "z80"; one of ppc405`, "", "-tlb", "z80")
	clitest.Refuses(t, command, "unexpected argument", "", "file")
	clitest.Refuses(t, command, "not defined: -x", "", "-x")
}

func TestRunawayGuestIsStopped(t *testing.T) {
	c := processor(t, 0x48000000) // b .
	require.ErrorContains(t, c.run(1000), "still running")
}

func TestBadInstructionsInterrupt(t *testing.T) {
	for name, word := range map[string]uint32{
		"illegal": 0, "ld, form that is reserved": 0xe8000003, "stq": 0xf8000002, "slbmte, slot that does not exist": 0x7c600b24,
	} {
		t.Run(name, func(t *testing.T) {
			c := processor(t, word)
			c.gpr[1] = 0xfff
			c.execute(word)
			require.EqualValues(t, vectorProgram, c.pc)
			require.EqualValues(t, vectorReset, c.srr0)
		})
	}
}

// TestClearedTableIsForgotten: what a hypercall does to the whole table reaches what
// the processor caches; it cannot put another table in force.
func TestClearedTableIsForgotten(t *testing.T) {
	c := processor(t)
	key := pte.MakeKey(0x7ca3, 0x10000000, pte.Seg256M, pte.Page4K)
	entry, err := c.hpt.Sizes().Encode(key, 0x1000, pte.Page4K, pte.Attr{PP: pte.PPUserRW, WIMG: pte.Memory})
	require.NoError(t, err)
	_, code := c.hpt.Enter(0, key.Hash().Primary(c.hpt.Table().Mask())*pte.SlotsPerGroup, entry)
	require.Equal(t, papr.Success, code)
	c.mmu.SLBMTE(0x10000000|0x08000000, 0x7ca3<<12)
	c.setMSR(c.msr | mmu.MSRIR | mmu.MSRDR)
	for range 2 { // by the table, then by what is cached
		_, ok := c.load(0x10000000, 8)
		require.True(t, ok)
	}
	require.Equal(t, 1, c.mmu.Live())

	c.gpr[3] = uint64(papr.OpClearHPT)
	c.hypercall()
	require.Equal(t, uint64(papr.Success), c.gpr[3])
	require.Zero(t, c.mmu.Live())
	_, ok := c.load(0x10000000, 8)
	require.False(t, ok)

	c.gpr[3], c.gpr[4], c.gpr[5] = uint64(papr.OpResizePrepare), 0, 19
	c.hypercall()
	require.Equal(t, papr.Authority, papr.Code(c.gpr[3]))
}

func TestUnalignedAccessInterrupts(t *testing.T) {
	c := processor(t)
	_, ok := c.load(0x1001, 8)
	require.False(t, ok)
	require.EqualValues(t, vectorAlign, c.pc)
	require.EqualValues(t, 0x1001, c.dar)
}

func TestMask(t *testing.T) {
	require.EqualValues(t, ^uint64(0), mask(0, 63))
	require.EqualValues(t, 1, mask(63, 63))
	require.EqualValues(t, uint64(1)<<63, mask(0, 0))
	require.EqualValues(t, uint64(1)<<63|1, mask(63, 0))
}
